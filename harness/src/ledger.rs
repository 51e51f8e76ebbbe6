//! The ledger of side effects: what activities did to the outside world, by whose hand, and whether it was done twice.
//!
//! A fake of an outside system calls [`effect`] where the real one would take money, send a mail, ship a parcel. The
//! ledger is the outside world's own memory: a crash of a worker does not undo what stands in it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use crate::{
    activities::{self, Attempt},
    faults::Deed,
    finding::Wrong,
    os::{self, ProcessId},
    simulation,
    world::{
        State, World,
        lives::Role,
        log::{Done, What},
    },
};

/// An effect on the outside world that is about to be made.
#[derive(Clone, Debug)]
#[must_use = "nothing is done until `apply`"]
pub struct NewEffect {
    kind: String,
    subject: String,
    key: Option<String>,
}

/// What came of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was done.
    First,
    /// An effect of this kind with this key was done before: the outside world recognised it, and did nothing.
    Repeated,
}

/// An effect that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effect {
    /// What was done, as `charge`.
    pub kind: String,
    /// To whom or what, as `card 7`.
    pub subject: String,
    /// The idempotency key, if it had one.
    pub key: Option<String>,
    /// Whether it was done, or only recognised.
    pub applied: Applied,
    /// When, in virtual time.
    pub at: SystemTime,
    /// The simulated process, as `worker-1`.
    pub process: String,
    /// The workflow of the activity that did it; empty outside of activities, and where it was done in a task or on a thread of its
    /// own while several activities were under way in the process.
    pub workflow_id: String,
    /// The id of that activity.
    pub activity_id: String,
    /// Its type.
    pub activity_type: String,
    /// Which attempt of it.
    pub attempt: u32,
}

/// An effect as the world keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) effect: Effect,
    pub(crate) at_ns: u64,
    pub(crate) process: ProcessId,
    /// The attempt that did it; where it was done in a task or on a thread that an attempt started, all that were under way in the
    /// process. Empty outside of activities.
    attempts: Vec<Attempt>,
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
    /// The idempotency key under which the outside world recognises a repetition.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Does it. Outside of a simulation there is one ledger for the process; nothing else differs.
    pub fn apply(self) -> Applied {
        match (simulation::world(), os::current()) {
            (Some(world), Some((_, process))) => {
                let attempt = activities::current();
                os::exempt(|| world.lock().apply(self, process, attempt))
            }
            _ => self.apply_outside(),
        }
    }

    /// In the process's own ledger.
    fn apply_outside(self) -> Applied {
        let mut ledger = OUTSIDE.lock().unwrap_or_else(PoisonError::into_inner);
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
        Effect {
            kind: self.kind,
            subject: self.subject,
            key: self.key,
            applied,
            at,
            process,
            workflow_id: attempt.workflow_id,
            activity_id: attempt.activity_id,
            activity_type: attempt.activity_type,
            attempt: attempt.attempt,
        }
    }
}

/// The ledger of what happens outside of simulations.
static OUTSIDE: Mutex<Vec<Record>> = Mutex::new(Vec::new());

impl State {
    fn apply(&mut self, new: NewEffect, process: ProcessId, attempt: Option<Attempt>) -> Applied {
        let applied = new.recognised(&self.ledger);
        if self.lives.get(process).role == Role::Replayer {
            self.replay_has_effect(&new, process);
            return applied;
        }
        // A process that has been killed in this very turn still runs to its next await, and what it does until then counts:
        // a fake's own state and the ledger then say the same.
        let attempts = attempt.map_or_else(|| self.under_way.of(process).cloned().collect(), |attempt| vec![attempt]);
        let attempt = if let [attempt] = &*attempts { attempt.clone() } else { Attempt::default() };
        let NewEffect { kind, subject, key } = new.clone();
        let done = Done { kind: kind.clone(), subject: subject.clone(), key, applied, attempt: attempt.clone() };
        self.note(Some(process), What::Effect(done));
        let name = self.lives.get(process).name.clone();
        let effect = new.into_effect(applied, self.system_time(), name, attempt);
        self.ledger.push(Record { effect, at_ns: self.now_ns(), process, attempts });
        self.verdict(process, Deed::Effect { kind: &kind, subject: &subject }, None);
        applied
    }
}

impl State {
    /// Only workflow code runs in a replay.
    fn replay_has_effect(&mut self, new: &NewEffect, process: ProcessId) {
        self.find(Some(process), Wrong::Impure { kind: new.kind.clone(), subject: new.subject.clone() });
    }
}

/// The effects of a run.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// `None` for that of the process.
    world: Option<Arc<World>>,
}

impl Ledger {
    pub(crate) fn of_world(world: Arc<World>) -> Self {
        Self { world: Some(world) }
    }

    pub(crate) fn of_process() -> Self {
        Self { world: None }
    }

    fn records(&self) -> Vec<Record> {
        match &self.world {
            Some(world) => os::exempt(|| world.lock().ledger.clone()),
            None => OUTSIDE.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// All effects so far, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.records().into_iter().map(|record| record.effect).collect()
    }

    /// Nothing was done twice: no attempt of an activity repeated, without an idempotency key or with another one, what an
    /// earlier attempt of it had done. What two activities do, or two runs of a workflow (its retry, the next of a cron), is not
    /// compared: whether that is once too often only the test knows, from [`Self::effects`].
    ///
    /// # Errors
    /// Names the first effect that was done twice.
    pub fn exactly_once_by_key(&self) -> Result<(), DoneTwice> {
        let records = self.records();
        match repeated(&records) {
            None => Ok(()),
            Some((first, second)) => Err(DoneTwice { first: Box::new(first.effect), second: Box::new(second.effect) }),
        }
    }
}

/// The first effect that was done twice, by two attempts of one activity: as it was done first, and again.
pub(crate) fn repeated(records: &[Record]) -> Option<(Record, Record)> {
    records.iter().enumerate().find_map(|(later, second)| records[..later].iter().find_map(|first| twice(first, second)))
}

/// The two, each by its attempt, if they are one effect.
fn twice(first: &Record, second: &Record) -> Option<(Record, Record)> {
    let (a, b) = (&first.effect, &second.effect);
    let is_done = |effect: &Effect| effect.applied == Applied::First;
    if !is_done(a) || !is_done(b) || (&a.kind, &a.subject) != (&b.kind, &b.subject) {
        return None;
    }
    let is_retry = |one: &Attempt, other: &Attempt| {
        (&one.workflow_id, &one.run_id, &one.activity_id) == (&other.workflow_id, &other.run_id, &other.activity_id)
            && one.attempt != other.attempt
    };
    let (one, other) = first
        .attempts
        .iter()
        .flat_map(|one| second.attempts.iter().map(move |other| (one, other)))
        .find(|(one, other)| is_retry(one, other))?;
    Some((first.by(one), second.by(other)))
}

impl Record {
    /// The same, done by this attempt.
    fn by(&self, attempt: &Attempt) -> Self {
        let mut record = self.clone();
        let Attempt { workflow_id, run_id: _, activity_id, activity_type, attempt } = attempt.clone();
        let effect = &mut record.effect;
        (effect.workflow_id, effect.activity_id, effect.activity_type, effect.attempt) =
            (workflow_id, activity_id, activity_type, attempt);
        record
    }
}

/// An effect was done twice.
#[derive(Clone, Debug)]
pub struct DoneTwice {
    /// As it was done first.
    pub first: Box<Effect>,
    /// As it was done again.
    pub second: Box<Effect>,
}

impl fmt::Display for DoneTwice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Effect { kind, subject, process, attempt, activity_type, activity_id, workflow_id, key, .. } = &*self.first;
        let again = &self.second;
        let keys = match (key, &again.key) {
            (Some(first), Some(second)) => format!("with the keys {first} and {second}"),
            _ => "without an idempotency key".to_owned(),
        };
        write!(
            f,
            "{kind} {subject} was done twice, {keys}: by {process} in attempt {attempt} of {activity_type} (activity {activity_id} of \
             {workflow_id}), and again by {} in attempt {}",
            again.process, again.attempt
        )
    }
}

impl std::error::Error for DoneTwice {}
