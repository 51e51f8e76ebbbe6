//! What was done to the outside world, whether anything was done twice, and whether what must follow did.

use std::time::SystemTime;

use crate::{attempt::Attempt, process::ProcessId};

/// How the outside world took an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was done.
    First,
    /// An effect of this kind with this key was done before. The outside world recognised it and did nothing.
    Repeated,
}

/// An effect on the outside world.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effect {
    /// What was done, such as `charge`.
    pub kind: String,
    /// To whom or what, such as `card 7`.
    pub subject: String,
    /// The idempotency key, if it has one.
    pub key: Option<String>,
    /// Whether it was done, or only recognised.
    pub applied: Applied,
    /// When, in virtual time.
    pub at: SystemTime,
    /// The simulated process, such as `worker-1` or `client-1`.
    pub process: String,
    /// The workflow of the activity that did it. Empty outside of activities. Also empty if a separate task or thread did it
    /// while several activities were under way in the process.
    pub workflow_id: String,
    /// The id of that activity.
    pub activity_id: String,
    /// Its type.
    pub activity_type: String,
    /// Which attempt of it.
    pub attempt: u32,
}

impl Effect {
    /// What this attempt did. For those who run simulations, not for their users.
    #[doc(hidden)]
    pub fn new(
        kind: String,
        subject: String,
        key: Option<String>,
        applied: Applied,
        at: SystemTime,
        process: String,
        attempt: Attempt,
    ) -> Self {
        let Attempt { workflow_id, run_id: _, activity_id, activity_type, attempt } = attempt;
        Self { kind, subject, key, applied, at, process, workflow_id, activity_id, activity_type, attempt }
    }
}

/// An attempt that did something.
#[derive(Clone, Debug)]
pub struct Doer {
    /// The attempt. Once its activity or its workflow was reset, there is another of the same number.
    pub attempt: Attempt,
    /// Which of all attempts of the simulation it is, in the order in which they began.
    pub begun: u64,
    /// The run that its run is a reset of, or its run itself. A reset of a reset has the first of them.
    pub origin_run_id: String,
}

/// An effect as the world keeps it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What the user sees of it.
    pub effect: Effect,
    /// When; virtual nanoseconds since the start.
    pub at_ns: u64,
    /// Who did it.
    pub process: ProcessId,
    /// The attempt that did it. If a task or thread that an attempt started did it: all attempts that were under way in the
    /// process. Empty outside of activities.
    pub attempts: Vec<Doer>,
}

/// What was done of these kinds to this subject, in order. Recognised repetitions did nothing.
pub fn done<'r>(records: &'r [Record], kinds: &[&str], subject: &str) -> impl DoubleEndedIterator<Item = &'r Record> {
    records.iter().filter(move |it| it.was_done() && it.effect.subject == subject && kinds.contains(&&*it.effect.kind))
}

/// The first effect of a kind that has no match: one of the kinds `by`, later and on the same subject. A match settles the earliest
/// effect that is open. An effect of a kind that is also in `by` settles one first, and is then open itself.
pub fn unmatched(records: &[Record], kind: &str, by: &[&str]) -> Option<Record> {
    let mut open: Vec<&Record> = Vec::new();
    for record in records.iter().filter(|record| record.was_done()) {
        let is_of = |other: &&Record| other.effect.subject == record.effect.subject;
        if by.contains(&&*record.effect.kind)
            && let Some(settled) = open.iter().position(is_of)
        {
            open.remove(settled);
        }
        if record.effect.kind == kind {
            open.push(record);
        }
    }
    open.first().copied().cloned()
}

/// The first effect that two attempts of one activity did, of one run or of a run and its reset: its first record and its second.
pub fn repeated(records: &[Record]) -> Option<(Record, Record)> {
    records.iter().enumerate().find_map(|(later, second)| records[..later].iter().find_map(|first| twice(first, second)))
}

/// Both records, each with its attempt, if they are one effect.
fn twice(first: &Record, second: &Record) -> Option<(Record, Record)> {
    let (a, b) = (&first.effect, &second.effect);
    if !first.was_done() || !second.was_done() || (&a.kind, &a.subject) != (&b.kind, &b.subject) {
        return None;
    }
    let activity = |it: &Doer| (it.attempt.workflow_id.clone(), it.origin_run_id.clone(), it.attempt.activity_id.clone());
    let is_retry = |one: &Doer, other: &Doer| one.begun != other.begun && activity(one) == activity(other);
    let (one, other) = first
        .attempts
        .iter()
        .flat_map(|one| second.attempts.iter().map(move |other| (one, other)))
        .find(|(one, other)| is_retry(one, other))?;
    Some((first.by(one), second.by(other)))
}

impl Record {
    /// Whether the outside world did something, and did not merely recognise a repetition.
    fn was_done(&self) -> bool {
        self.effect.applied == Applied::First
    }

    /// The same record, with this attempt as the one that did it.
    fn by(&self, doer: &Doer) -> Self {
        let mut record = Self { attempts: vec![doer.clone()], ..self.clone() };
        let Attempt { workflow_id, run_id: _, activity_id, activity_type, attempt } = doer.attempt.clone();
        let effect = &mut record.effect;
        (effect.workflow_id, effect.activity_id, effect.activity_type, effect.attempt) =
            (workflow_id, activity_id, activity_type, attempt);
        record
    }
}
