//! Workflow tasks, as seen in messages: which a worker has, and which failed, as reported by the worker or the server.

use bytes::Bytes;

use foretime_campaign::{
    finding::{TaskFailed, TaskFailure, Wrong},
    log::{Outcome, Span},
    process::ProcessId,
};

use foretime_history::refused;
use foretime_server::proto::{
    common::{WorkflowExecution, WorkflowType},
    enums::WorkflowTaskFailedCause,
    history::{History, HistoryEvent, history_event::Attributes},
    protocol::Message as ProtocolMessage,
    workflowservice::RespondWorkflowTaskFailedRequest,
};
use prost::Message;
use tonic::{Code, Status};

use super::{State, wire::SIMULATED};

/// The SDK's text when something else woke workflow code.
const NONDETERMINISTIC_FUTURE: &str = "Nondeterministic future detected";

/// The SDK's text for a run that it cannot even begin. It does not say why.
const NOT_CREATED: &str = "Failed to create workflow execution";

/// The core's texts when it holds the result of a local activity that it has run itself against the one that the history has.
/// Workflow code has no part in either result: the core should have dropped its own, with the run.
const TWO_RESULTS: [&str; 2] =
    ["failed locally, but history said it completed!", "completed successfully locally, but history said it failed!"];

/// How the server's text begins when something arrived before a workflow task was completed.
const UNHANDLED_COMMAND: &str = "UnhandledCommand";

/// A workflow task as its worker gets it; its history is not decoded.
#[derive(Clone, PartialEq, Message)]
pub(super) struct WorkflowTask {
    #[prost(bytes = "bytes", tag = "1")]
    task_token: Bytes,
    #[prost(message, optional, tag = "2")]
    workflow_execution: Option<WorkflowExecution>,
    #[prost(message, optional, tag = "3")]
    workflow_type: Option<WorkflowType>,
    #[prost(int64, tag = "4")]
    previous_started_event_id: i64,
    #[prost(int32, tag = "6")]
    attempt: i32,
    #[prost(bytes = "bytes", tag = "8")]
    history: Bytes,
    #[prost(message, repeated, tag = "15")]
    messages: Vec<ProtocolMessage>,
}

/// The encoded events of a history.
#[derive(Clone, PartialEq, Message)]
struct Events {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    events: Vec<Bytes>,
}

impl State {
    pub(super) fn workflow_task_starts(&mut self, process: ProcessId, task: WorkflowTask) {
        let first = Events::decode(task.history.clone()).ok().and_then(|history| history.events.into_iter().next());
        let starts_at = first.and_then(|event| HistoryEvent::decode(event).ok()).map_or(0, |event| event.event_id);
        if starts_at == 1 && task.previous_started_event_id > 0 {
            self.replays += 1;
        }
        if self.log.is_detailed() {
            let execution = task.workflow_execution.unwrap_or_default();
            let history = (starts_at == 1).then(|| History::decode(task.history).ok()).flatten();
            self.updates_come(process, &execution, &task.messages, history.as_ref());
            let WorkflowExecution { workflow_id, run_id } = execution;
            let span = self.log.begin_span(Span {
                process,
                from_ns: self.now_ns,
                to_ns: None,
                type_name: task.workflow_type.map(|it| it.name).unwrap_or_default(),
                workflow_id,
                run_id,
                activity_id: None,
                attempt: u32::try_from(task.attempt).unwrap_or_default(),
                resumes_from: None,
                from_step: 0,
                to_step: None,
                outcome: Outcome::Open,
            });
            self.tasks.open.insert(task.task_token, (process, span));
        }
    }

    pub(super) fn workflow_task_ends(&mut self, message: &Bytes, outcome: Outcome) {
        if !self.log.is_detailed() {
            return;
        }
        if let Some((_, span)) = self.tasks.task_of(message) {
            let now_ns = self.now_ns;
            self.log.end_span(span, now_ns, outcome);
        }
    }

    /// The server accepts or refuses the answer to a workflow task. An accepted task is dropped: its answer may arrive twice.
    pub(super) fn workflow_task_answered(&mut self, message: &Bytes, is_taken: bool) {
        let Some((token, span)) = self.tasks.task_of(message) else { return };
        if is_taken {
            let run_id = self.log.spans.get(span).map(|span| span.run_id.clone()).unwrap_or_default();
            self.updates_are_reported(&run_id, message);
            self.tasks.open.remove(&token);
        } else {
            self.log.refuse_span(span);
        }
    }

    /// The server fails a workflow task whose answer asks for something impossible. No retry mends that. A task is also refused
    /// because something arrived before it was completed; that is no failure of the code.
    pub(super) fn workflow_task_refused(&mut self, process: Option<ProcessId>, message: Option<&Bytes>, status: &Status) {
        if status.code() != Code::InvalidArgument || status.message().starts_with(UNHANDLED_COMMAND) {
            return;
        }
        let span = message.and_then(|message| self.tasks.task_of(message)).and_then(|(_, span)| self.log.spans.get(span));
        let of = span.map(Span::workflow);
        self.find(process, Wrong::TaskRefused { of, text: status.message().to_owned() });
    }

    /// A worker fails a workflow task: its code does not fit the history, or it panicked. No retry mends that. The server has
    /// taken the failure. Of a task that it gave up long ago, the SDK's core says the same if the history has an update
    /// meanwhile that the task brings once more.
    pub(super) fn workflow_task_failed(&mut self, process: ProcessId, message: &Bytes) {
        let Ok(request) = RespondWorkflowTaskFailedRequest::decode(message.clone()) else { return };
        let cause = request.cause();
        let text = request.failure.map(|failure| failure.message).unwrap_or_default();
        // If the server could not be reached, that is a simulated fault, and the next attempt mends it.
        if text.contains(SIMULATED) {
            return;
        }
        // The SDK's core has a bug when it keeps no workflow. With a local activity under way, it takes the next task for one
        // of the run that it gave up. The next attempt mends that, too.
        if self.lives.control(process).has_no_cache && text.contains("Fatal error in workflow machines") {
            return;
        }
        let reason = match cause {
            // During a rolling deploy, older code meets what newer code has written, whatever the author does. The server gives
            // the task out again, and a worker with newer code completes it. If none does, the run hangs.
            WorkflowTaskFailedCause::NonDeterministicError if self.is_left_behind(process) => return,
            WorkflowTaskFailedCause::NonDeterministicError if text.contains(NONDETERMINISTIC_FUTURE) => {
                TaskFailure::WokenFromOutside
            }
            WorkflowTaskFailedCause::NonDeterministicError if TWO_RESULTS.iter().any(|it| text.contains(it)) => {
                TaskFailure::LateLocalActivity
            }
            WorkflowTaskFailedCause::NonDeterministicError => TaskFailure::CodeDoesNotFit,
            _ => TaskFailure::Other,
        };
        let of = self.tasks.open.get(request.task_token.as_slice()).and_then(|(_, span)| self.log.spans.get(*span));
        let input = of.filter(|_| text.contains(NOT_CREATED)).and_then(|span| self.input_of(&span.run_id));
        let divergence = of.filter(|_| reason == TaskFailure::CodeDoesNotFit).and_then(|span| {
            let run = self.service().runs().find(|run| run.run_id() == span.run_id)?;
            refused::divergence(&run.encoded_events(), &self.code_asked(process, &span.run_id)?.of_server(), &text)
        });
        let failed = TaskFailed {
            reason,
            worker: self.lives.get(process).name.clone(),
            version: self.lives.version_of(process),
            of: of.map(Span::workflow),
            cause: cause.as_str_name(),
            divergence: divergence.map(Box::new),
            text,
            input,
        };
        self.find(Some(process), Wrong::TaskFailed(Box::new(failed)));
    }

    /// What a run was started with.
    fn input_of(&self, run_id: &str) -> Option<String> {
        const SHOWN_CHARS_MAX: usize = 300;
        let run = self.service().runs().find(|run| run.run_id() == run_id)?;
        let Attributes::WorkflowExecutionStartedEventAttributes(started) = run.events_from(1).into_iter().next()?.attributes?
        else {
            return None;
        };
        let payloads = started.input.unwrap_or_default().payloads;
        let texts: Vec<_> = payloads.iter().map(|payload| String::from_utf8_lossy(&payload.data)).collect();
        Some(texts.join(", ").chars().take(SHOWN_CHARS_MAX).collect())
    }

    /// Whether another worker of its fleet has run a newer version of the code.
    fn is_left_behind(&self, process: ProcessId) -> bool {
        let (fleet, version) = (self.lives.fleet_of(process), self.lives.get(process).version);
        let mut others = (0..).map(ProcessId).zip(&self.lives.all);
        others.any(|(other, life)| life.version > version && self.lives.fleet_of(other) == fleet)
    }

    /// The workflows whose tasks a process has, if spans are kept.
    pub(crate) fn workflow_tasks_of(&self, process: ProcessId) -> Vec<String> {
        let of_process = self.tasks.open.values().filter(|(of, _)| *of == process);
        let spans = of_process.filter_map(|(_, span)| self.log.spans.get(*span));
        spans.map(|span| span.workflow().to_string()).collect()
    }
}
