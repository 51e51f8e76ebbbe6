//! Effects on the outside world, as they are recorded.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use foretime_campaign::{
    attempt::Attempt,
    effects::{Applied, Doer, Effect, Record},
    faults::Deed,
    finding::Wrong,
    log::{Done, What},
    process::{ProcessId, Role},
};
use foretime_server::proto::history::history_event::Attributes;

use crate::{
    os,
    world::{self, About, State, attempt},
};

/// An effect on the outside world that is about to happen.
#[derive(Clone, Debug)]
#[must_use = "nothing is done until `apply`"]
pub struct NewEffect {
    kind: String,
    subject: String,
    key: Option<String>,
}

/// An effect on the outside world: what is done, and to whom or what.
///
/// ```
/// use foretime::Applied;
///
/// // In a fake bank, called from an activity.
/// let applied = foretime::effect("charge", "card 7").key("subscription-1/3").apply();
/// assert_eq!(applied, Applied::First);
/// ```
pub fn effect(kind: impl Into<String>, subject: impl Into<String>) -> NewEffect {
    NewEffect { kind: kind.into(), subject: subject.into(), key: None }
}

impl NewEffect {
    /// The idempotency key by which the outside world recognises a repetition.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Applies it. Outside of a simulation there is one ledger for the process; nothing else differs.
    pub fn apply(self) -> Applied {
        match (world::current(), os::current()) {
            (Some(world), Some((_, process))) => {
                let attempt = attempt::current_with_number();
                world.enter(|state| state.apply(self, process, attempt))
            }
            _ => self.apply_outside(),
        }
    }

    /// Applies it to the process's own ledger.
    fn apply_outside(self) -> Applied {
        let mut ledger = outside();
        let applied = self.recognised(&ledger);
        let effect = self.into_effect(applied, SystemTime::now(), String::new(), Attempt::default());
        ledger.push(Record { effect, at_ns: 0, process: ProcessId(0), attempts: Vec::new() });
        applied
    }

    /// Whether the outside world has seen it before.
    fn recognised(&self, ledger: &[Record]) -> Applied {
        let is_known = |record: &Record| record.effect.kind == self.kind && record.effect.key == self.key;
        if self.key.is_some() && ledger.iter().any(is_known) { Applied::Repeated } else { Applied::First }
    }

    fn into_effect(self, applied: Applied, at: SystemTime, process: String, attempt: Attempt) -> Effect {
        Effect::new(self.kind, self.subject, self.key, applied, at, process, attempt)
    }
}

/// The ledger of what happens outside of simulations.
pub(super) fn outside() -> MutexGuard<'static, Vec<Record>> {
    static OUTSIDE: Mutex<Vec<Record>> = Mutex::new(Vec::new());
    OUTSIDE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn apply(&mut self, new: NewEffect, process: ProcessId, attempt: Option<(u64, Attempt)>) -> Applied {
        let applied = new.recognised(&self.ledger);
        if self.lives.get(process).role == Role::Replayer {
            self.replay_has_effect(&new, process);
            return applied;
        }
        // A process that has just been killed in this turn still runs to its next await. What it does until then counts, so
        // that a fake's own state and the ledger agree.
        let under_way = || self.under_way.numbered(process).map(|(number, attempt)| (number, attempt.clone())).collect();
        let attempts: Vec<(u64, Attempt)> = attempt.map_or_else(under_way, |attempt| vec![attempt]);
        let attempts: Vec<Doer> = attempts.into_iter().map(|(begun, attempt)| self.doer(begun, attempt)).collect();
        let attempt = if let [doer] = &*attempts { doer.attempt.clone() } else { Attempt::default() };
        let NewEffect { kind, subject, key } = new.clone();
        let done = Done { kind: kind.clone(), subject: subject.clone(), key, applied, attempt: attempt.clone() };
        self.note(Some(process), What::Effect(done));
        let name = self.lives.get(process).name.clone();
        let effect = new.into_effect(applied, self.system_time(), name, attempt);
        self.ledger.push(Record { effect, at_ns: self.now_ns(), process, attempts });
        self.verdict(process, Deed::Effect { kind: &kind, subject: &subject }, About::default());
        applied
    }
}

impl State {
    fn doer(&self, begun: u64, attempt: Attempt) -> Doer {
        let run = self.service().runs().find(|run| run.run_id() == attempt.run_id);
        let origin = run.and_then(|run| match run.first_event()?.attributes? {
            Attributes::WorkflowExecutionStartedEventAttributes(it) => Some(it.original_execution_run_id),
            _ => None,
        });
        let origin_run_id = origin.unwrap_or_else(|| attempt.run_id.clone());
        Doer { attempt, begun, origin_run_id }
    }

    /// Only workflow code runs in a replay.
    fn replay_has_effect(&mut self, new: &NewEffect, process: ProcessId) {
        self.find(Some(process), Wrong::Impure { kind: new.kind.clone(), subject: new.subject.clone() });
    }
}
