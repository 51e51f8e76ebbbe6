//! What was done to the outside world, and whether that was so twice.

use std::time::SystemTime;

use super::attempt::Attempt;
use crate::os::ProcessId;

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
    pub(crate) attempts: Vec<Attempt>,
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
