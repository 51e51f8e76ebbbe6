//! What a test asks of the ledger once it has run, or while it runs.

use std::{fmt, sync::Arc};

use foretime_campaign::{
    effects::{self, Effect, Record, repeated},
    words::after,
};

use super::effect::outside;
use crate::world::World;

/// The effects of a run.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// `None`: the process's ledger.
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
            Some(world) => world.enter(|state| state.ledger.clone()),
            None => outside().clone(),
        }
    }

    /// All effects so far, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.records().into_iter().map(|record| record.effect).collect()
    }

    /// How often this was done to this subject. A repetition that the outside world recognised by its key did nothing, and does
    /// not count.
    pub fn done(&self, kind: &str, subject: &str) -> usize {
        effects::done(&self.records(), &[kind], subject).count()
    }

    /// The last effect of one of these kinds on this subject. It tells the state in which the outside world is left:
    /// `last_of(["reserve", "release"], "seat 7")`. Recognised repetitions did nothing, and do not count.
    pub fn last_of<'k>(&self, kinds: impl IntoIterator<Item = &'k str>, subject: &str) -> Option<Effect> {
        let kinds: Vec<&str> = kinds.into_iter().collect();
        effects::done(&self.records(), &kinds, subject).last().map(|record| record.effect.clone())
    }

    /// Checks that each effect of a kind is followed by a match: an effect of one of the kinds `by`, on the same subject.
    /// `each_matched("reserve", ["release", "ship"])` says that nothing stays reserved. A match settles one effect, the earliest
    /// that is open, so two reservations take two releases. Recognised repetitions did nothing: they need no match, and are none.
    ///
    /// # Errors
    /// Names the first effect that has no match.
    pub fn each_matched<'k>(&self, kind: &str, by: impl IntoIterator<Item = &'k str>) -> Result<(), Unmatched> {
        let by: Vec<&str> = by.into_iter().collect();
        match effects::unmatched(&self.records(), kind, &by) {
            None => Ok(()),
            Some(Record { effect, at_ns, .. }) => Err(Unmatched {
                at_ns: self.world.is_some().then_some(at_ns),
                effect: Box::new(effect),
                by: by.into_iter().map(str::to_owned).collect(),
            }),
        }
    }

    /// Checks that nothing was done twice: no attempt of an activity repeated what an earlier attempt of it had done, without
    /// an idempotency key or with another one. A reset of the activity does not make it another, and a reset of its workflow
    /// neither: what the reset does again is done twice. Effects of two activities, or of two other runs of a workflow (its retry,
    /// the next of a cron), are not compared. Nor are those of two updates, even if a client asked for the same again under another id. Only
    /// the test knows whether those are one too many; see [`Self::effects`].
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

/// An effect was done twice.
#[derive(Clone, Debug)]
pub struct DoneTwice {
    /// The effect the first time.
    pub first: Box<Effect>,
    /// The effect the second time.
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

/// An effect has no match.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unmatched {
    /// The effect.
    pub effect: Box<Effect>,
    /// The kinds of effects of which one should have followed on its subject.
    pub by: Vec<String>,
    /// When it was done, in virtual nanoseconds since the start; `None` outside of simulations.
    at_ns: Option<u64>,
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Effect { kind, subject, process, attempt, activity_type, activity_id, workflow_id, .. } = &*self.effect;
        write!(f, "{kind} {subject} was done, and no {} followed", self.by.join(" or "))?;
        if let Some(at_ns) = self.at_ns {
            write!(f, ": by {process}, {}", after(at_ns))?;
        }
        if !activity_id.is_empty() {
            write!(f, ", in attempt {attempt} of {activity_type} (activity {activity_id} of {workflow_id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Unmatched {}
