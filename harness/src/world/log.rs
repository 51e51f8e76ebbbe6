//! What happened, in order. Every step goes into one hash, by which two runs are compared; what matters to people is kept
//! as entries, and in a run that is recorded for a report or a comparison everything is.

use std::hash::{DefaultHasher, Hasher};

use foretime_server::proto::common::Payloads;

use crate::{activities::Attempt, faults::Fault, os::ProcessId};

/// What a process does with a message after its end, while its tasks are dropped: for a comparison of runs, not for people.
pub(crate) const SENDS_IN_VAIN: &str = "sends in vain";

/// What a process does to the outside world, unless that knows it already.
pub(crate) const DOES: &str = "does";

/// What a request does that comes to the server.
pub(crate) const REACHES: &str = "reaches the server with";
/// The same of what the wire has made two of.
pub(crate) const REACHES_AGAIN: &str = "reaches the server again with";

/// What becomes of a request that the server, or the wire, refuses.
pub(crate) const REFUSED: &str = "is refused";

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A message reached the server or its caller.
    Rpc,
    /// A fault.
    Fault(Fault),
    /// An effect on the outside world.
    Effect,
    /// A process began or ended.
    Life,
    /// A panic.
    Panic,
    /// Something that is wrong.
    Finding,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Virtual nanoseconds since the start.
    pub(crate) at_ns: u64,
    /// Its place among all steps.
    pub(crate) step: u64,
    /// Where it happened; the server if nowhere.
    pub(crate) process: Option<ProcessId>,
    /// What it is about.
    pub(crate) kind: EntryKind,
    /// What happened, in a word or two.
    pub(crate) label: String,
    /// The rest.
    pub(crate) detail: String,
    /// The workflow that it is about.
    pub(crate) workflow_id: Option<String>,
    /// The activity that it is about, the same in all attempts.
    pub(crate) activity_id: Option<String>,
    /// The attempt of an activity that it is about: that which a fault befalls, or whose outcome goes with a message, if spans are
    /// kept.
    pub(crate) attempt: Option<Attempt>,
    /// What the detail is made of: what it is about, and what there is to say of that. Names are the user's, so that they cannot be
    /// told apart in the text.
    parts: Option<(String, String)>,
    /// The hash of all steps up to here.
    pub(crate) hash: u64,
}

impl Entry {
    /// Says what it is about.
    pub(crate) fn about(&mut self, workflow_id: &str, activity_id: &str) {
        let named = |id: &str| (!id.is_empty()).then(|| id.to_owned());
        (self.workflow_id, self.activity_id) = (named(workflow_id), named(activity_id));
    }

    /// Which request reached the server, if one did for the first time.
    pub(crate) fn reached(&self) -> Option<&str> {
        self.label.strip_prefix(REACHES).map(str::trim_start)
    }

    /// The attempt that it is about, if it is about one.
    pub(crate) fn of_attempt(&mut self, attempt: Option<Attempt>) -> &mut Self {
        if let Some(attempt) = &attempt {
            self.about(&attempt.workflow_id, &attempt.activity_id);
        }
        self.attempt = attempt;
        self
    }

    /// What its detail is made of.
    pub(crate) fn made_of(&mut self, head: impl Into<String>, tail: impl Into<String>) -> &mut Self {
        self.parts = Some((head.into(), tail.into()));
        self
    }

    /// What its detail is about.
    pub(crate) fn head(&self) -> &str {
        self.parts.as_ref().map_or(&*self.detail, |(head, _)| head)
    }

    /// What there is to say of that; empty if nothing.
    pub(crate) fn tail(&self) -> &str {
        self.parts.as_ref().map_or("", |(_, tail)| tail)
    }
}

/// A thread got its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Virtual nanoseconds since the start.
    pub(crate) at_ns: u64,
    /// Its place among all steps.
    pub(crate) step: u64,
    /// The process of the thread.
    pub(crate) process: ProcessId,
    /// The thread's number.
    pub(crate) thread: u32,
    /// The hash of all steps up to here.
    pub(crate) hash: u64,
}

/// How an attempt or a workflow task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With a result.
    Completed,
    /// With a failure.
    Failed,
    /// With an answer that the server refused: it came too late.
    Refused,
    /// Not yet, or its process ended before it did.
    Open,
}

/// An attempt of an activity or a workflow task, from its start to its end.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// Who worked.
    pub(crate) process: ProcessId,
    /// When it began; virtual nanoseconds since the start.
    pub(crate) from_ns: u64,
    /// When it ended.
    pub(crate) to_ns: Option<u64>,
    /// An activity, not a workflow task.
    pub(crate) is_activity: bool,
    /// What it was.
    pub(crate) label: String,
    /// Of which workflow, which attempt.
    pub(crate) detail: String,
    /// Of which workflow.
    pub(crate) workflow_id: String,
    /// Of which of its runs.
    pub(crate) run_id: String,
    /// Of which activity.
    pub(crate) activity_id: Option<String>,
    /// Which attempt it is, from 1.
    pub(crate) attempt: u32,
    /// The details of the heartbeat that it was given of attempts before it.
    pub(crate) resumes_from: Option<Payloads>,
    /// The steps at which it began and ended.
    pub(crate) from_step: u64,
    pub(crate) to_step: Option<u64>,
    /// How it ended.
    pub(crate) outcome: Outcome,
}

impl Span {
    /// Whether it had begun, and not ended, at this step; without a word of its process's end.
    pub(crate) fn is_open_at(&self, step: u64) -> bool {
        self.from_step <= step && self.to_step.is_none_or(|to_step| to_step > step)
    }
}

/// The log of a run.
#[derive(Debug)]
pub(crate) struct Log {
    hasher: DefaultHasher,
    steps: u64,
    is_detailed: bool,
    /// Who got the turn, in a run that is recorded.
    pub(crate) turns: Vec<Turn>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) spans: Vec<Span>,
}

impl Log {
    /// An empty log. `is_detailed`: keep every message, not only what matters to people.
    pub(crate) fn new(is_detailed: bool) -> Self {
        Self { hasher: DefaultHasher::new(), steps: 0, is_detailed, turns: Vec::new(), entries: Vec::new(), spans: Vec::new() }
    }

    pub(crate) fn is_detailed(&self) -> bool {
        self.is_detailed
    }

    /// The hash of all steps so far.
    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    /// How many steps there were.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// A message reached the server, or its caller. Of a refusal its text is kept.
    pub(super) fn message(&mut self, at_ns: u64, process: ProcessId, verb: &'static str, rpc: &str, bytes: &[u8]) {
        self.step(at_ns, Some(process), verb, rpc, bytes);
        if self.is_detailed {
            let is_text = verb == REFUSED;
            let detail = if is_text { String::from_utf8_lossy(bytes).into_owned() } else { format!("{} bytes", bytes.len()) };
            self.enter(at_ns, Some(process), EntryKind::Rpc, format!("{verb} {rpc}"), detail);
        }
    }

    /// The message that was just kept goes with the outcome of this attempt, or is about this workflow.
    pub(super) fn last_is_of(&mut self, attempt: Option<Attempt>, workflow_id: Option<String>) {
        let Some(entry) = self.entries.last_mut().filter(|_| self.is_detailed) else { return };
        entry.workflow_id = workflow_id;
        if attempt.is_some() {
            entry.of_attempt(attempt);
        }
    }

    /// What was just noted is about this, and has this to say of it.
    pub(super) fn last_is_made_of(&mut self, head: &str, tail: String) {
        if let Some(entry) = self.entries.last_mut() {
            entry.made_of(head, tail);
        }
    }

    /// A thread got its turn.
    pub(super) fn turn(&mut self, at_ns: u64, process: ProcessId, thread: u32) {
        self.steps += 1;
        self.hasher.write_u64(at_ns);
        self.hasher.write_u32(thread);
        if self.is_detailed {
            self.turns.push(Turn { at_ns, step: self.steps, process, thread, hash: self.hash() });
        }
    }

    /// Something that matters to people.
    pub(crate) fn note(
        &mut self,
        at_ns: u64,
        process: Option<ProcessId>,
        kind: EntryKind,
        label: &str,
        detail: String,
    ) -> &mut Entry {
        self.step(at_ns, process, label, &detail, &[]);
        self.enter(at_ns, process, kind, label.to_owned(), detail)
    }

    fn step(&mut self, at_ns: u64, process: Option<ProcessId>, verb: &str, label: &str, bytes: &[u8]) {
        self.steps += 1;
        self.hasher.write_u64(at_ns);
        self.hasher.write_u32(process.map_or(u32::MAX, |process| process.0));
        self.hasher.write(verb.as_bytes());
        self.hasher.write(label.as_bytes());
        self.hasher.write(bytes);
    }

    fn enter(&mut self, at_ns: u64, process: Option<ProcessId>, kind: EntryKind, label: String, detail: String) -> &mut Entry {
        let hash = self.hash();
        self.entries.push_mut(Entry {
            at_ns,
            step: self.steps,
            process,
            kind,
            label,
            detail,
            workflow_id: None,
            activity_id: None,
            attempt: None,
            parts: None,
            hash,
        })
    }

    /// An attempt or a workflow task begins; [`Self::end_span`] wants the number.
    pub(crate) fn begin_span(&mut self, span: Span) -> usize {
        self.spans.push(Span { from_step: self.steps, ..span });
        self.spans.len() - 1
    }

    pub(crate) fn end_span(&mut self, number: usize, at_ns: u64, outcome: Outcome) {
        if let Some(span) = self.spans.get_mut(number)
            && span.to_ns.is_none()
        {
            (span.to_ns, span.to_step, span.outcome) = (Some(at_ns), Some(self.steps), outcome);
        }
    }

    /// What a process said of its work was refused.
    pub(crate) fn refuse_span(&mut self, number: usize) {
        if let Some(span) = self.spans.get_mut(number) {
            span.outcome = Outcome::Refused;
        }
    }
}
