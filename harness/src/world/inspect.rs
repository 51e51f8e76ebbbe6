//! Reads messages: which attempts workers have, who was given an open run, whether the moment of a trigger has come. Also notes
//! panics.

use std::collections::BTreeMap;

use bytes::Bytes;

use foretime_campaign::{
    attempt::Attempt,
    fault::{Place, RpcKind},
    faults::{Faults, plan::Plan},
    finding::{Amid, Panicked, Whose, Wrong},
    log::{Outcome, What},
    process::ProcessId,
    view::Joined,
};

use foretime_server::{
    proto::{
        common::{Payloads, WorkflowExecution},
        workflowservice::{
            PollActivityTaskQueueResponse, RespondWorkflowTaskCompletedResponse, StartWorkflowExecutionResponse,
        },
    },
    rpc::Serve,
};
use prost::Message;

use super::{State, attempt, workflow_tasks::WorkflowTask};

/// The answer to a task, of whatever kind.
#[derive(Clone, PartialEq, Message)]
struct TaskAnswer {
    #[prost(bytes = "bytes", tag = "1")]
    task_token: Bytes,
}

/// A request about a workflow; names which one.
#[derive(Clone, PartialEq, Message)]
struct OfExecution {
    #[prost(message, optional, tag = "2")]
    workflow_execution: Option<WorkflowExecution>,
}

/// The same, for requests without a run.
#[derive(Clone, PartialEq, Message)]
struct OfWorkflowId {
    #[prost(string, tag = "2")]
    workflow_id: String,
}

/// The workflow that a request of the test or of an activity's client is about.
fn workflow_of(rpc: &str, message: &Bytes) -> Option<String> {
    match rpc {
        "StartWorkflowExecution" | "SignalWithStartWorkflowExecution" => {
            Some(OfWorkflowId::decode(message.clone()).ok()?.workflow_id)
        }
        "SignalWorkflowExecution"
        | "RequestCancelWorkflowExecution"
        | "TerminateWorkflowExecution"
        | "DescribeWorkflowExecution"
        | "QueryWorkflow"
        | "UpdateWorkflowExecution"
        | "GetWorkflowExecutionHistory" => Some(OfExecution::decode(message.clone()).ok()?.workflow_execution?.workflow_id),
        _ => None,
    }
}

/// The workflow tasks that workers have, by token, until their answer is taken. Also the heartbeats that attempts were given,
/// and how far the histories have been searched for triggers.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    pub(super) open: BTreeMap<Bytes, (ProcessId, usize)>,
    /// By run id, activity id and attempt. Kept only for reports.
    heartbeats: BTreeMap<(String, String, u32), Payloads>,
    /// The attempts that were given out, by token. Kept only for reports.
    attempts: BTreeMap<Bytes, Attempt>,
    /// Kept only for reports.
    joined: Vec<Joined>,
    events_seen: BTreeMap<String, usize>,
    trigger_counts: BTreeMap<usize, usize>,
}

impl Tasks {
    /// The token of the task that this answers, and its span, if spans are kept.
    pub(super) fn task_of(&self, answer: &Bytes) -> Option<(Bytes, usize)> {
        let token = TaskAnswer::decode(answer.clone()).ok()?.task_token;
        let (_, span) = self.open.get(&token)?;
        Some((token, *span))
    }

    /// The span of the only task that a process has, if spans are kept.
    fn only_one_of(&self, process: ProcessId) -> Option<usize> {
        let mut spans = self.open.values().filter(|(of, _)| *of == process).map(|(_, span)| *span);
        spans.next().filter(|_| spans.next().is_none())
    }

    /// Ends the tasks of a process that is gone.
    pub(super) fn forget(&mut self, process: ProcessId) {
        self.open.retain(|_, (of, _)| *of != process);
    }
}

impl State {
    /// Notes the faults that the test sets.
    pub(crate) fn has_faults(&mut self, faults: &Faults) {
        self.plan = Plan::draw(faults, &mut self.choices);
        for (activity_type, _) in &self.plan.activities {
            self.activities.entry(activity_type.clone()).or_default();
        }
        let unknown = self.plan.triggers.iter().find(|(when, _)| when.kind.is_none()).map(|(when, _)| when.event_type.clone());
        if let Some(name) = unknown {
            self.find(None, Wrong::NoSuchEvent { name });
        }
    }

    /// Notes that an attempt of this activity begins.
    pub(crate) fn activity_begins(&mut self, activity_type: &str) {
        match self.activities.get_mut(activity_type) {
            Some(has_begun) => *has_begun = true,
            None => drop(self.activities.insert(activity_type.to_owned(), true)),
        }
    }

    /// Reads an answer that reaches its caller.
    pub(super) fn look_into(&mut self, process: ProcessId, rpc: &str, bytes: &Bytes) {
        match rpc {
            "PollWorkflowTaskQueue" if !bytes.is_empty() => {
                if let Ok(task) = WorkflowTask::decode(bytes.clone()) {
                    self.workflow_task_starts(process, task);
                }
            }
            "PollActivityTaskQueue" if self.log.is_detailed() => {
                if let Ok(task) = PollActivityTaskQueueResponse::decode(bytes.clone()) {
                    self.activity_task_starts(task);
                }
            }
            "StartWorkflowExecution" if self.log.is_detailed() => {
                if let Ok(StartWorkflowExecutionResponse { run_id, started: false, .. }) =
                    StartWorkflowExecutionResponse::decode(bytes.clone())
                {
                    let (at_ns, step) = (self.now_ns, self.log.steps());
                    self.tasks.joined.push(Joined { at_ns, step, process, run_id });
                }
            }
            // Eager activities arrive with the answer to the task that asks for them.
            "RespondWorkflowTaskCompleted" if self.log.is_detailed() => {
                let tasks = RespondWorkflowTaskCompletedResponse::decode(bytes.clone()).map(|it| it.activity_tasks);
                tasks.unwrap_or_default().into_iter().for_each(|task| self.activity_task_starts(task));
            }
            _ => {}
        }
    }

    fn activity_task_starts(&mut self, task: PollActivityTaskQueueResponse) {
        let WorkflowExecution { workflow_id, run_id } = task.workflow_execution.unwrap_or_default();
        let attempt = Attempt {
            workflow_id,
            run_id,
            activity_id: task.activity_id,
            activity_type: task.activity_type.map(|it| it.name).unwrap_or_default(),
            attempt: u32::try_from(task.attempt).unwrap_or_default(),
        };
        if let Some(details) = task.heartbeat_details {
            let key = (attempt.run_id.clone(), attempt.activity_id.clone(), attempt.attempt);
            self.tasks.heartbeats.insert(key, details);
        }
        self.tasks.attempts.insert(task.task_token.into(), attempt);
    }

    /// The attempt whose end a worker reports with this request, if attempts are kept.
    pub(super) fn attempt_that_ends(&self, rpc: &str, message: &Bytes) -> Option<Attempt> {
        if !self.log.is_detailed() || RpcKind::of(rpc) != RpcKind::EndActivity {
            return None;
        }
        self.tasks.attempts.get(&TaskAnswer::decode(message.clone()).ok()?.task_token).cloned()
    }

    /// The workflow that a request is about, if that is kept.
    pub(super) fn workflow_asked_for(&self, rpc: &str, message: &Bytes) -> Option<String> {
        self.log.is_detailed().then(|| workflow_of(rpc, message)).flatten()
    }

    /// The processes that asked to start a workflow and were given a run that existed.
    pub(crate) fn joined(&self) -> &[Joined] {
        &self.tasks.joined
    }

    /// The details of the last heartbeat of earlier attempts, as given to this attempt.
    pub(crate) fn heartbeat_before(&self, attempt: &Attempt) -> Option<Payloads> {
        let Attempt { run_id, activity_id, attempt, .. } = attempt;
        self.tasks.heartbeats.get(&(run_id.clone(), activity_id.clone(), *attempt)).cloned()
    }

    /// Reads a request that a process sends.
    pub(super) fn look_into_request(&mut self, process: ProcessId, rpc: &str, message: &Bytes) {
        match rpc {
            "PollActivityTaskQueue" => self.lives.get_mut(process).takes_activities = true,
            "RespondWorkflowTaskCompleted" => self.workflow_task_ends(message, Outcome::Completed),
            "RespondWorkflowTaskFailed" => self.workflow_task_ends(message, Outcome::Failed),
            _ => {}
        }
    }

    /// Checks whether the moment of a trigger has come, by reading what was written since the last look.
    pub(super) fn look_for_triggers(&mut self) {
        if self.plan.triggers.is_empty() {
            return;
        }
        let mut written = Vec::new();
        for run in self.service.view().runs() {
            let seen = self.tasks.events_seen.entry(run.run_id().to_owned()).or_default();
            if run.events_count() > *seen {
                let events = run.events_from(i64::try_from(*seen + 1).unwrap_or(1));
                written.extend(events.into_iter().map(|event| (run.workflow_id().to_owned(), event.event_type())));
                *seen = run.events_count();
            }
        }
        let mut struck = Vec::new();
        for (workflow_id, event_type) in written {
            for (number, (when, worker)) in self.plan.triggers.iter().enumerate() {
                let fits = when.kind == Some(event_type) && when.workflow_id.as_ref().is_none_or(|id| *id == workflow_id);
                let count = self.tasks.trigger_counts.entry(number).or_default();
                *count += usize::from(fits);
                if fits && *count == when.nth {
                    let (event_type, workflow_id) = (when.event_type.clone(), workflow_id.clone());
                    struck.push((*worker, Place::Event { event_type, workflow_id, nth: when.nth }));
                }
            }
        }
        for (worker, place) in struck {
            self.kill_worker(worker, place);
        }
    }

    /// Notes a panic on a thread of this process.
    pub(crate) fn panicked(&mut self, process: ProcessId, thread: &str, message: &str, place: &str) {
        let control = self.lives.control(process);
        // Two panics are ignored: those of a killed process while its tasks are dropped, and a debug assertion of the SDK's
        // core. That assertion fires when an activity takes more than five seconds to end in a shutdown.
        if control.is_doomed || control.is_stopping && place.contains("/temporalio-sdk-core-") {
            return;
        }
        let whose = match place.split_once("/registry/src/") {
            Some((_, crate_path)) if crate_path.contains("/temporalio-sdk-core-") => Whose::Core,
            Some((_, crate_path)) if crate_path.contains("/temporalio-") => Whose::Sdk,
            _ => Whose::User,
        };
        let name = self.lives.get(process).name.clone();
        self.note(Some(process), What::Panic { message: message.to_owned(), place: place.to_owned() });
        if self.panics_are_findings {
            let panicked = Panicked {
                process: name,
                whose,
                message: message.to_owned(),
                amid: self.what_panicked(process),
                thread: thread.to_owned(),
                place: place.to_owned(),
            };
            self.find(Some(process), Wrong::Panicked(Box::new(panicked)));
        }
    }

    /// Whose code panics on this thread: an activity's, or that of the only workflow that the process is working on.
    fn what_panicked(&self, process: ProcessId) -> Option<Amid> {
        attempt::current().map(Amid::Attempt).or_else(|| {
            let span = self.log.spans.get(self.tasks.only_one_of(process)?)?;
            Some(Amid::WorkflowTask(span.workflow()))
        })
    }
}
