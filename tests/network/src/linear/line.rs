//! All states that a chain of runs goes through, in a row.
//!
//! The server knows in the end which runs there were, and in which order. So the states have numbers, their places: 0 before the first
//! run, then two for each run, one while it runs and one when it has closed. The chain goes from each place to the next, and never back.
//! What takes it on is a worker, of which no client knows, or a call, which must have begun by then.

use std::collections::{BTreeMap, BTreeSet};

use foretime_server::proto::enums::{WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy};

use super::truth::{RunTruth, Truth};
use crate::record::call::{Asked, ClientCall, Start};

/// Places on the line.
pub(super) type Places = BTreeSet<usize>;

/// What takes the chain on to the next place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The workers and the clock, at any time.
    Any,
    /// A call that began at this time, in nanoseconds; or one of its attempts, of which nobody may hear, and which may come late.
    By(u64),
    /// Nothing that any client has asked for.
    Never,
}

/// The places of a chain of runs.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) runs: &'a [RunTruth],
    /// What leads on from each place but the last.
    pub(super) steps: Vec<Step>,
    /// The places that nobody finds the chain at: a run has closed, and in the same instant the next begins.
    fleeting: Places,
}

/// A start, and whether a signal comes with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begins<'a> {
    pub(super) start: &'a Start,
    pub(super) signals: bool,
}

impl<'a> Line<'a> {
    /// The places of these runs, with what the calls have to do with them.
    pub(super) fn new(truth: &'a Truth, calls: &[&'a ClientCall]) -> Self {
        let mut line = Self { runs: &truth.runs, steps: Vec::new(), fleeting: Places::new() };
        let (starts, terminations) = (starts(calls), terminations(calls));
        let mut before: Option<&RunTruth> = None;
        for (run, truth) in line.runs.iter().enumerate() {
            let start = starts.get(truth.start_request_id.as_str()).filter(|_| truth.continued_from.is_none()).copied();
            let replaces = before.is_some_and(|before| {
                before.status == WorkflowExecutionStatus::Terminated
                    && !is_by_client(before, &terminations)
                    && start.is_some_and(|(_, begins)| begins.replaces(before))
            });
            if let Some(before) = before {
                let closes = if replaces { by(start) } else { closes(before, &terminations) };
                line.steps.push(closes);
                if replaces || truth.continues(before) {
                    line.fleeting.insert(closed(run - 1));
                }
            }
            let may_begin = match before {
                None => true,
                Some(before) => replaces || start.is_some_and(|(_, begins)| begins.follows(before)),
            };
            line.steps.push(match before {
                Some(before) if truth.continues(before) => Step::Any,
                _ if may_begin => by(start),
                _ => Step::Never,
            });
            before = Some(truth);
        }
        if let Some(last) = before.filter(|last| last.is_closed()) {
            line.steps.push(closes(last, &terminations));
        }
        line
    }

    /// The place at which the chain is in the end.
    pub(super) fn last(&self) -> usize {
        self.steps.len()
    }

    /// The number of a run.
    pub(super) fn run(&self, run_id: &str) -> Option<usize> {
        self.runs.iter().position(|run| run.run_id == run_id)
    }

    /// This place, and those after it that the chain may come to without a call.
    pub(super) fn ahead(&self, place: usize) -> impl Iterator<Item = usize> {
        let steps = self.steps[place..].iter().take_while(|step| **step == Step::Any).count();
        place..=place + steps
    }

    /// All places that the chain can be found at, and at which a condition holds.
    pub(super) fn places(&self, holds: impl Fn(usize) -> bool) -> Places {
        (0..=self.last()).filter(|place| !self.fleeting.contains(place) && holds(*place)).collect()
    }

    /// A run, and those before it of which it came without a call.
    pub(super) fn chain_to(&self, run: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(run), |run| {
            let before = run.checked_sub(1)?;
            self.runs[*run].continues(&self.runs[before]).then_some(before)
        })
    }
}

/// The place at which a run is running.
pub(super) fn running(run: usize) -> usize {
    2 * run + 1
}

/// The first place at which a run has closed.
pub(super) fn closed(run: usize) -> usize {
    2 * run + 2
}

/// The run that has closed at a place and is still the current one; also if the next begins in the same instant.
pub(super) fn closed_at(place: usize) -> Option<usize> {
    (place > 0 && place.is_multiple_of(2)).then(|| place / 2 - 1)
}

impl Begins<'_> {
    /// What holds if the last run is running. The reuse policy TERMINATE_IF_RUNNING stands for TERMINATE_EXISTING.
    #[expect(deprecated, reason = "clients may still send it")]
    pub(super) fn conflict(self) -> WorkflowIdConflictPolicy {
        match self.start.conflict {
            WorkflowIdConflictPolicy::Unspecified if self.start.reuse == WorkflowIdReusePolicy::TerminateIfRunning => {
                WorkflowIdConflictPolicy::TerminateExisting
            }
            WorkflowIdConflictPolicy::Unspecified if self.signals => WorkflowIdConflictPolicy::UseExisting,
            WorkflowIdConflictPolicy::Unspecified => WorkflowIdConflictPolicy::Fail,
            given => given,
        }
    }

    /// Whether the policies let a run begin after one that has closed.
    pub(super) fn may_reuse(self, status: WorkflowExecutionStatus) -> bool {
        use WorkflowExecutionStatus as S;
        match self.start.reuse {
            WorkflowIdReusePolicy::RejectDuplicate => false,
            WorkflowIdReusePolicy::AllowDuplicateFailedOnly => {
                matches!(status, S::Failed | S::Canceled | S::Terminated | S::TimedOut)
            }
            _ => true,
        }
    }

    /// Whether it began this run: a retry of it is given the same.
    pub(super) fn began(self, run: &RunTruth) -> bool {
        run.is_begun_by(&self.start.request_id)
    }

    /// Whether it may begin a run after this one, which has closed.
    fn follows(self, before: &RunTruth) -> bool {
        self.may_reuse(before.status) && !self.began(before)
    }

    /// Whether it may terminate this run to begin another. A signal with start does so even to a run that it began itself.
    fn replaces(self, before: &RunTruth) -> bool {
        self.conflict() == WorkflowIdConflictPolicy::TerminateExisting && (self.signals || !self.began(before))
    }
}

/// The start that a call asks for.
pub(super) fn begins(asked: &Asked) -> Option<Begins<'_>> {
    match asked {
        Asked::Start(start) => Some(Begins { start, signals: false }),
        Asked::SignalWithStart { start, .. } => Some(Begins { start, signals: true }),
        _ => None,
    }
}

/// When each start began, by request id.
fn starts<'a>(calls: &[&'a ClientCall]) -> BTreeMap<&'a str, (u64, Begins<'a>)> {
    let mut starts = BTreeMap::new();
    for call in calls {
        if let Some(begins) = begins(&call.asked) {
            let first = starts.entry(begins.start.request_id.as_str()).or_insert((call.began_ns, begins));
            first.0 = call.began_ns.min(first.0);
        }
    }
    starts
}

/// When each termination began, by its reason and the run that it names.
type Terminations<'a> = BTreeMap<(&'a str, &'a str), u64>;

fn terminations<'a>(calls: &[&'a ClientCall]) -> Terminations<'a> {
    let mut terminations = BTreeMap::new();
    for call in calls {
        if let Asked::Terminate { run_id, nonce } = &call.asked {
            let first_ns = terminations.entry((nonce.as_str(), run_id.as_str())).or_insert(call.began_ns);
            *first_ns = call.began_ns.min(*first_ns);
        }
    }
    terminations
}

/// When a client asked for what terminated this run.
fn terminated_by(run: &RunTruth, terminations: &Terminations<'_>) -> Option<u64> {
    let named = |run_id| terminations.get(&(run.terminated_for.as_str(), run_id)).copied();
    named("").into_iter().chain(named(run.run_id.as_str())).min()
}

fn is_by_client(run: &RunTruth, terminations: &Terminations<'_>) -> bool {
    terminated_by(run, terminations).is_some()
}

/// What closes a run that no start terminates.
fn closes(run: &RunTruth, terminations: &Terminations<'_>) -> Step {
    match run.status {
        WorkflowExecutionStatus::Terminated => terminated_by(run, terminations).map_or(Step::Never, Step::By),
        _ if run.is_closed() => Step::Any,
        _ => Step::Never,
    }
}

fn by(start: Option<(u64, Begins<'_>)>) -> Step {
    start.map_or(Step::Never, |(began_ns, _)| Step::By(began_ns))
}
