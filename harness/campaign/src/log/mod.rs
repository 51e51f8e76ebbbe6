//! What happened, in order. Every step goes into one hash, by which two runs are compared. What matters to people is kept as
//! entries; a run that is recorded for a report or a comparison keeps everything.

use foretime_server::proto::common::Payloads;

use self::what::Step;
use crate::{attempt::Attempt, finding::Workflow, hash::Hash, process::ProcessId};

mod network;
mod update;
mod what;
mod words;

pub use network::{Lost, Network};
pub use update::{UpdateEnd, UpdatePart, UpdateSpan};
pub use what::{Call, Crash, Custom, Done, Drawn, ErrandStep, LifeStep, Passage, Refusal, SlowWhen, Struck, Way, What};

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Virtual nanoseconds since the start.
    pub at_ns: u64,
    /// Its place among all steps.
    pub step: u64,
    /// Where it happened; `None`: the server.
    pub process: Option<ProcessId>,
    /// What happened.
    pub what: What,
    /// The hash of all steps up to here.
    pub hash: u64,
}

impl Entry {
    /// The fault that struck, if one did.
    pub const fn fault(&self) -> Option<&Struck> {
        if let What::Fault(struck) = &self.what { Some(struck) } else { None }
    }

    /// The request that reached the server for the first time, if this is one.
    pub fn reached(&self) -> Option<&str> {
        match &self.what {
            What::Message { passage: Passage::Arrived, rpc, .. } => Some(rpc),
            _ => None,
        }
    }

    /// The attempt that a fault befalls, or whose outcome the message carries, if that is known.
    pub const fn attempt(&self) -> Option<&Attempt> {
        match &self.what {
            What::Fault(struck) => struck.attempt(),
            What::Refusal(refusal) => refusal.outcome_of.as_ref(),
            _ => None,
        }
    }

    /// The workflow that it is about.
    pub fn workflow_id(&self) -> Option<&str> {
        let id = match &self.what {
            What::Effect(done) => Some(&done.attempt.workflow_id),
            What::Refusal(Refusal { outcome_of: None, workflow_id, .. }) => workflow_id.as_ref(),
            _ => self.attempt().map(|attempt| &attempt.workflow_id),
        };
        let id = id.map(String::as_str).or_else(|| self.fault().and_then(Struck::workflow_id));
        id.filter(|id| !id.is_empty())
    }

    /// The activity that it is about; its id is the same in all attempts.
    pub fn activity_id(&self) -> Option<&str> {
        let attempt = if let What::Effect(done) = &self.what { Some(&done.attempt) } else { self.attempt() };
        attempt.map(|attempt| attempt.activity_id.as_str()).filter(|id| !id.is_empty())
    }
}

/// A thread got its turn.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Virtual nanoseconds since the start.
    pub at_ns: u64,
    /// Its place among all steps.
    pub step: u64,
    /// The process of the thread.
    pub process: ProcessId,
    /// The thread's number.
    pub thread: u32,
    /// The hash of all steps up to here.
    pub hash: u64,
}

/// How an attempt or a workflow task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a result.
    Completed,
    /// With a failure.
    Failed,
    /// With an answer that came too late, so the server refused it.
    Refused,
    /// Not yet, or its process ended first.
    Open,
}

/// An attempt of an activity or a workflow task, from start to end.
#[derive(Clone, Debug)]
pub struct Span {
    /// Who worked.
    pub process: ProcessId,
    /// When it began; virtual nanoseconds since the start.
    pub from_ns: u64,
    /// When it ended.
    pub to_ns: Option<u64>,
    /// The type of the activity or the workflow.
    pub type_name: String,
    /// The workflow.
    pub workflow_id: String,
    /// The run of that workflow.
    pub run_id: String,
    /// The activity; `None` for a workflow task.
    pub activity_id: Option<String>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// The heartbeat details of earlier attempts that it was given.
    pub resumes_from: Option<Payloads>,
    /// The step at which it began.
    pub from_step: u64,
    /// The step at which it ended.
    pub to_step: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Span {
    /// Whether it is an attempt of an activity, not a workflow task.
    pub const fn is_activity(&self) -> bool {
        self.activity_id.is_some()
    }

    /// The workflow of a workflow task.
    pub fn workflow(&self) -> Workflow {
        Workflow { workflow_id: self.workflow_id.clone(), workflow_type: self.type_name.clone() }
    }

    /// Whether it had begun and not ended at this step. The end of its process is not considered.
    pub fn is_open_at(&self, step: u64) -> bool {
        self.from_step <= step && self.to_step.is_none_or(|to_step| to_step > step)
    }
}

/// The log of a run.
#[derive(Debug)]
pub struct Log {
    hash: Hash,
    steps: u64,
    is_detailed: bool,
    /// Who got the turn, if the run is recorded.
    pub turns: Vec<Turn>,
    /// See [`Self::draws_at`].
    draws_at: Vec<(u64, u64)>,
    /// What happened.
    pub entries: Vec<Entry>,
    /// The attempts and workflow tasks of workers.
    pub spans: Vec<Span>,
    /// The updates that clients awaited and workers handled.
    pub updates: Vec<UpdateSpan>,
}

impl Log {
    /// An empty log. `is_detailed`: keep every message, not only what matters to people.
    pub fn new(is_detailed: bool) -> Self {
        Self {
            hash: Hash::new(),
            steps: 0,
            is_detailed,
            turns: Vec::new(),
            draws_at: Vec::new(),
            entries: Vec::new(),
            spans: Vec::new(),
            updates: Vec::new(),
        }
    }

    /// Whether every message is kept.
    pub fn is_detailed(&self) -> bool {
        self.is_detailed
    }

    /// The hash of all steps so far.
    pub fn hash(&self) -> u64 {
        self.hash.value()
    }

    /// The same, including what was drawn since the last step. `draws`: a hash of all draws.
    pub fn hash_with(&self, draws: u64) -> u64 {
        self.hash.number(draws).value()
    }

    /// How many steps there were.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Adds what was drawn so far to the hash: so many draws, the last of them at this instant for what comes next. Once a step is
    /// enough, because decisions come from there.
    pub fn drawn(&mut self, draws: u64, count: u64, at_ns: u64) {
        self.hash = self.hash.number(draws);
        if self.is_detailed && self.draws_at.last().is_none_or(|(_, last_ns)| *last_ns < at_ns) {
            self.draws_at.push((count.saturating_sub(1), at_ns));
        }
    }

    /// How many draws there were when each instant began, and the instant.
    pub fn draws_at(&self) -> &[(u64, u64)] {
        &self.draws_at
    }

    /// Notes that a thread gets its turn.
    pub fn turn(&mut self, at_ns: u64, process: ProcessId, thread: u32) {
        self.step(at_ns, Some(process), Step::Turn(thread));
        if self.is_detailed {
            self.turns.push(Turn { at_ns, step: self.steps, process, thread, hash: self.hash() });
        }
    }

    /// Notes that a message is at this point of its way.
    pub fn message(&mut self, at_ns: u64, process: ProcessId, passage: Passage, rpc: &str, bytes: &[u8]) {
        self.step(at_ns, Some(process), Step::Message { passage, rpc, bytes });
        if self.is_detailed {
            self.enter(at_ns, Some(process), What::Message { passage, rpc: rpc.to_owned(), bytes_count: bytes.len() });
        }
    }

    /// Notes that a request is refused.
    pub fn refusal(&mut self, at_ns: u64, process: ProcessId, refusal: Refusal) {
        let what = What::Refusal(refusal);
        self.step(at_ns, Some(process), Step::What(&what));
        if self.is_detailed {
            self.enter(at_ns, Some(process), what);
        }
    }

    /// Notes something that is kept in every run.
    pub fn note(&mut self, at_ns: u64, process: Option<ProcessId>, what: What) {
        self.step(at_ns, process, Step::What(&what));
        self.enter(at_ns, process, what);
    }

    fn step(&mut self, at_ns: u64, process: Option<ProcessId>, step: Step<'_>) {
        self.steps += 1;
        let process = process.map_or(u32::MAX, |process| process.0);
        self.hash = step.hash(self.hash.number(at_ns).number(u64::from(process)));
    }

    fn enter(&mut self, at_ns: u64, process: Option<ProcessId>, what: What) {
        self.entries.push(Entry { at_ns, step: self.steps, process, what, hash: self.hash() });
    }

    /// Begins an attempt or a workflow task; pass the number to [`Self::end_span`].
    pub fn begin_span(&mut self, span: Span) -> usize {
        self.spans.push(Span { from_step: self.steps, ..span });
        self.spans.len() - 1
    }

    /// Ends an attempt or a workflow task, unless it has ended.
    pub fn end_span(&mut self, number: usize, at_ns: u64, outcome: Outcome) {
        if let Some(span) = self.spans.get_mut(number)
            && span.to_ns.is_none()
        {
            (span.to_ns, span.to_step, span.outcome) = (Some(at_ns), Some(self.steps), outcome);
        }
    }

    /// A client begins to await an update, or a worker to handle it; pass the number to [`Self::end_update`].
    pub fn begin_update(&mut self, at_ns: u64, update: UpdateSpan) -> usize {
        self.updates.push(UpdateSpan { from_ns: at_ns, from_step: self.steps, ..update });
        self.updates.len() - 1
    }

    /// Ends it, unless it has ended.
    pub fn end_update(&mut self, number: usize, at_ns: u64, end: UpdateEnd) {
        if let Some(update) = self.updates.get_mut(number)
            && update.to_ns.is_none()
        {
            (update.to_ns, update.to_step, update.ended) = (Some(at_ns), Some(self.steps), Some(end));
        }
    }

    /// Notes that the server refused what a process reported of its work.
    pub fn refuse_span(&mut self, number: usize) {
        if let Some(span) = self.spans.get_mut(number) {
            span.outcome = Outcome::Refused;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fault::Place, finding::Wrong};

    fn hash_of(what: What) -> u64 {
        let mut log = Log::new(false);
        log.note(7, Some(ProcessId(1)), what);
        log.hash()
    }

    fn crash(rpc: &str, attempt: Option<Attempt>) -> What {
        let (place, meanwhile) = (Place::BeforeRequest(rpc.to_owned()), Vec::new());
        What::Fault(Struck::Crash(Crash { place, attempt, workflow_id: None, meanwhile }))
    }

    #[test]
    fn words_do_not_go_into_the_hash() {
        let failed = |title: &str| What::Finding(Wrong::TestFailed { title: title.to_owned(), detail: String::new() });
        assert_eq!(hash_of(failed("the one")), hash_of(failed("the other")));
        assert_ne!(hash_of(failed("the one")), hash_of(What::Finding(Wrong::TurnKept { report: "the one".to_owned() })));
        let panics = |place: &str| What::Panic { message: String::new(), place: place.to_owned() };
        assert_eq!(hash_of(panics("lib.rs:1")), hash_of(panics("lib.rs:2")), "the place is one of a build");
    }

    #[test]
    fn what_is_known_in_detailed_runs_alone_does_not_go_into_the_hash() {
        let (one, other) = ("RespondActivityTaskCompleted", "RespondActivityTaskFailed");
        assert_eq!(hash_of(crash(one, None)), hash_of(crash(one, Some(Attempt::default()))));
        assert_ne!(hash_of(crash(one, None)), hash_of(crash(other, None)));
        let message = |is_detailed: bool, bytes: &[u8]| {
            let mut log = Log::new(is_detailed);
            log.message(7, ProcessId(1), Passage::Sent, one, bytes);
            (log.hash(), log.entries.len())
        };
        let ((plain, none), (detailed, kept)) = (message(false, b"bytes"), message(true, b"bytes"));
        assert_eq!((plain, none, kept), (detailed, 0, 1));
        assert_ne!(plain, message(false, b"other bytes").0);
    }

    #[test]
    fn what_a_fault_brings_with_it_and_what_was_drawn_go_into_the_hash() {
        let cut = |secs: u64| What::Fault(Struck::Cut { span: std::time::Duration::from_secs(secs) });
        assert_ne!(hash_of(cut(1)), hash_of(cut(2)));
        let mut log = Log::new(false);
        let before = log.hash_with(1);
        assert_ne!(before, log.hash_with(2));
        log.drawn(1, 1, 0);
        assert_eq!(log.hash(), before);
    }
}
