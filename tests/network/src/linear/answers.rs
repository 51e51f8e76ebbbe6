//! At which places an answer is right.

use std::collections::BTreeMap;

use foretime_server::proto::{
    enums::{WorkflowExecutionStatus, WorkflowIdConflictPolicy},
    errordetails::WorkflowExecutionAlreadyStartedFailure,
    google::rpc,
};
use prost::Message;
use tonic::Code;

use super::line::{Begins, Line, Places, begins, closed, closed_at, running};
use crate::record::call::{Asked, ClientCall, Given, Refused};

/// The chain was at one of these places, at some instant of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// The first instant at which it may have been there; nanoseconds since the start of the run.
    pub(super) since_ns: u64,
    pub(super) places: Places,
}

/// What the answers of calls tell of the chain.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    line: &'a Line<'a>,
    /// When what has this name was first asked for, as a signal or an update: a client that begins anew may ask again.
    first_asked_ns: BTreeMap<&'a str, u64>,
}

/// The run that a call names.
#[derive(Clone, Copy)]
enum Target {
    Current,
    Run(usize),
    /// There is no such run.
    Unknown,
}

impl<'a> Answers<'a> {
    pub(super) fn new(line: &'a Line<'a>, calls: &[&'a ClientCall]) -> Self {
        let mut first_asked_ns = BTreeMap::new();
        for call in calls {
            if let Some(name) = name(&call.asked) {
                let first_ns = first_asked_ns.entry(name).or_insert(call.began_ns);
                *first_ns = call.began_ns.min(*first_ns);
            }
        }
        Self { line, first_asked_ns }
    }

    /// What a call tells: one look, or two of one await, which may be at two instants. A look without places is at an answer that is
    /// right nowhere. No looks: it tells nothing.
    pub(super) fn looks(&self, call: &ClientCall) -> Vec<Look> {
        let first_ns = name(&call.asked).and_then(|name| self.first_asked_ns.get(name)).copied();
        let look = |places| Look { since_ns: first_ns.unwrap_or(call.began_ns), places };
        let Some((_, answer)) = &call.ended else { return Vec::new() };
        let places = match answer {
            Ok(given) => self.given(&call.asked, given),
            Err(refused) => self.refused(&call.asked, refused),
        };
        places.into_iter().map(look).collect()
    }

    fn given(&self, asked: &Asked, given: &Given) -> Vec<Places> {
        let places = match (asked, given) {
            (Asked::Start(_) | Asked::SignalWithStart { .. }, Given::Started { run_id, started }) => {
                self.started(asked, run_id, *started)
            }
            (Asked::Signal { run_id, nonce, .. }, Given::Done) => self.while_running(run_id, |run| self.has_signal(run, nonce)),
            (Asked::Cancel { run_id, .. }, Given::Done) => {
                let mut places = self.closed_target(run_id);
                places.extend(self.while_running(run_id, |run| self.line.runs[run].is_cancel_requested));
                places
            }
            (Asked::Terminate { run_id, nonce }, Given::Done) => self.terminated(run_id, nonce),
            (Asked::Update { run_id, update_id, .. }, Given::Updated { run_id: has, outcome }) => {
                // A rejected update leaves nothing in the history.
                let is_there = |run: usize| outcome.is_err() || self.line.runs[run].update_ids.contains(update_id);
                self.while_running(run_id, |run| self.line.runs[run].run_id == *has && is_there(run))
            }
            (Asked::Query { run_id }, Given::Answered(_)) => self.found(run_id),
            (Asked::Describe { run_id }, Given::Described { run_id: described, status }) => {
                self.described(run_id, described, *status)
            }
            (Asked::Await { run_id }, Given::Closed { run_id: last, status, .. }) => {
                return self.awaited(run_id, last, *status);
            }
            _ => Places::new(),
        };
        vec![places]
    }

    fn refused(&self, asked: &Asked, refused: &Refused) -> Vec<Places> {
        let places = match refused.code {
            // An attempt may have had its effect. So that of an answered call may, too: the line knows when the call began.
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Cancelled
            | Code::Aborted
            | Code::Internal
            | Code::Unknown => return Vec::new(),
            // The workflow is not ready for it, or its worker said so.
            Code::FailedPrecondition if matches!(asked, Asked::Query { .. } | Asked::Update { .. }) => return Vec::new(),
            Code::InvalidArgument if matches!(asked, Asked::Query { .. }) => self.found(asked.run_id()),
            Code::AlreadyExists => begins(asked).map_or_else(Places::new, |begins| self.already_started(begins, refused)),
            Code::NotFound => self.not_found(asked),
            _ => Places::new(),
        };
        vec![places]
    }

    fn target(&self, run_id: &str) -> Target {
        match self.line.run(run_id) {
            _ if run_id.is_empty() => Target::Current,
            Some(run) => Target::Run(run),
            None => Target::Unknown,
        }
    }

    /// The target is there.
    fn found(&self, run_id: &str) -> Places {
        match self.target(run_id) {
            Target::Current => self.line.places(|place| place > 0),
            Target::Run(run) => self.line.places(|place| place >= running(run)),
            Target::Unknown => Places::new(),
        }
    }

    /// The target is not there yet, or never.
    fn missing(&self, run_id: &str) -> Places {
        let found = self.found(run_id);
        self.line.places(|place| !found.contains(&place))
    }

    /// The target is running, and this holds for the run.
    fn while_running(&self, run_id: &str, holds: impl Fn(usize) -> bool) -> Places {
        let runs = match self.target(run_id) {
            Target::Current => 0..self.line.runs.len(),
            Target::Run(run) => run..run + 1,
            Target::Unknown => 0..0,
        };
        runs.filter(|run| holds(*run)).map(running).collect()
    }

    /// The target has closed.
    fn closed_target(&self, run_id: &str) -> Places {
        match self.target(run_id) {
            Target::Current => self.line.places(|place| closed_at(place).is_some()),
            Target::Run(run) => self.line.places(|place| place >= closed(run)),
            Target::Unknown => Places::new(),
        }
    }

    /// The run is the current one, and has closed.
    fn closed_and_current(&self, run: usize) -> Places {
        self.line.places(|place| place == closed(run))
    }

    fn has_signal(&self, run: usize, nonce: &str) -> bool {
        self.line.runs[run].signal_nonces.contains(nonce)
    }

    fn started(&self, asked: &Asked, run_id: &str, started: bool) -> Places {
        let (Some(begins), Some(run)) = (begins(asked), self.line.run(run_id)) else { return Places::new() };
        let has_signal = match asked {
            Asked::SignalWithStart { nonce, .. } => self.has_signal(run, nonce),
            _ => true,
        };
        let (began, conflict) = (begins.began(&self.line.runs[run]), begins.conflict());
        let mut places = Places::new();
        if !has_signal {
            return places;
        }
        // A retry of a start is told that it began the run; one of a signal with start is told that it did not.
        if began && (started || begins.signals) {
            places.extend(self.closed_and_current(run));
        }
        let is_used = match conflict {
            WorkflowIdConflictPolicy::UseExisting => !started && (begins.signals || !began),
            _ => false,
        };
        if is_used || began && started {
            places.insert(running(run));
        }
        places
    }

    /// A run was terminated for this reason. That was at an instant of the call or later than its beginning, as the line has it.
    fn terminated(&self, run_id: &str, nonce: &str) -> Places {
        let runs = match self.target(run_id) {
            Target::Current => 0..self.line.runs.len(),
            Target::Run(run) => run..run + 1,
            Target::Unknown => 0..0,
        };
        let first = runs.into_iter().find(|run| self.line.runs[*run].terminated_for == nonce);
        first.map_or_else(Places::new, |run| self.line.places(|place| place >= closed(run)))
    }

    fn described(&self, run_id: &str, described: &str, status: WorkflowExecutionStatus) -> Places {
        let Some(run) = self.line.run(described).filter(|_| run_id.is_empty() || run_id == described) else {
            return Places::new();
        };
        if status == WorkflowExecutionStatus::Running {
            return Places::from([running(run)]);
        }
        if status != self.line.runs[run].status {
            return Places::new();
        }
        if run_id.is_empty() { self.closed_and_current(run) } else { self.closed_target(run_id) }
    }

    /// An await finds the run that it begins with at one instant, and hears of the end at another. It hears of that at once, even
    /// where another run begins in the same instant.
    fn awaited(&self, run_id: &str, last: &str, status: WorkflowExecutionStatus) -> Vec<Places> {
        let nowhere = || vec![Places::new()];
        let Some(run) = self.line.run(last).filter(|run| self.line.runs[*run].status == status) else { return nowhere() };
        let next = self.line.runs.get(run + 1);
        if next.is_some_and(|next| next.continues(&self.line.runs[run])) {
            return nowhere();
        }
        let mut ends = self.closed_target(last);
        ends.insert(closed(run));
        match self.target(run_id) {
            Target::Current => {
                let mut begins: Places = self.line.chain_to(run).map(running).collect();
                begins.insert(closed(run));
                vec![begins, ends]
            }
            Target::Run(from) if self.line.chain_to(run).any(|of_chain| of_chain == from) => vec![ends],
            Target::Run(_) | Target::Unknown => nowhere(),
        }
    }

    fn already_started(&self, begins: Begins<'_>, refused: &Refused) -> Places {
        let Some(failure) = already_started(refused) else { return Places::new() };
        let Some(run) = self.line.run(&failure.run_id) else { return Places::new() };
        let truth = &self.line.runs[run];
        let is_known = truth.continued_from.is_some() || truth.is_begun_by(&failure.start_request_id);
        if !is_known || begins.began(truth) {
            return Places::new();
        }
        let mut places = Places::new();
        if begins.conflict() == WorkflowIdConflictPolicy::Fail {
            places.insert(running(run));
        }
        if !begins.may_reuse(truth.status) {
            places.extend(self.closed_and_current(run));
        }
        places
    }

    fn not_found(&self, asked: &Asked) -> Places {
        let run_id = asked.run_id();
        let mut places = self.missing(run_id);
        match asked {
            Asked::Start(_) | Asked::SignalWithStart { .. } => return Places::new(),
            Asked::Signal { nonce, .. } => {
                // A signal that came before the end is answered as it was then.
                let has_it = |place| closed_at(place).is_some_and(|run| self.has_signal(run, nonce));
                let closed = match self.target(run_id) {
                    Target::Run(run) if self.has_signal(run, nonce) => Places::new(),
                    Target::Current => self.closed_target(run_id).into_iter().filter(|place| !has_it(*place)).collect(),
                    _ => self.closed_target(run_id),
                };
                places.extend(closed);
            }
            Asked::Terminate { .. } => places.extend(self.closed_target(run_id)),
            Asked::Update { .. } => {
                places.extend(self.closed_target(run_id));
                // Who waits for an update hears of the end at once, even where another run begins in the same instant.
                places.extend((0..self.line.runs.len()).filter(|_| run_id.is_empty()).map(closed));
            }
            Asked::Query { .. } | Asked::Cancel { .. } | Asked::Await { .. } | Asked::Describe { .. } => {}
        }
        places
    }
}

/// What the server knows a signal or an update by, so that it counts once.
fn name(asked: &Asked) -> Option<&str> {
    match asked {
        Asked::Signal { nonce, .. } | Asked::SignalWithStart { nonce, .. } => Some(nonce),
        Asked::Update { update_id, .. } => Some(update_id),
        _ => None,
    }
}

/// What a refused start is told of the run that has the workflow id.
pub(super) fn already_started(refused: &Refused) -> Option<WorkflowExecutionAlreadyStartedFailure> {
    let status = rpc::Status::decode(refused.details.clone()).ok()?;
    let detail = status.details.iter().find(|detail| detail.type_url.ends_with(".WorkflowExecutionAlreadyStartedFailure"))?;
    WorkflowExecutionAlreadyStartedFailure::decode(detail.value.as_slice()).ok()
}
