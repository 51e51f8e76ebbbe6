//! What workers were given, and what they answered. A task token ties an answer to its task.

use std::collections::BTreeMap;

use foretime_server::proto::{
    common::{Payloads, WorkflowExecution},
    history::{HistoryEvent, history_event::Attributes},
    protocol::Message as ProtocolMessage,
    workflowservice::{
        PollActivityTaskQueueResponse, PollWorkflowTaskQueueResponse, RecordActivityTaskHeartbeatRequest,
        RespondActivityTaskCanceledRequest, RespondActivityTaskCompletedRequest, RespondActivityTaskFailedRequest,
        RespondQueryTaskCompletedRequest, RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskCompletedResponse,
        RespondWorkflowTaskFailedRequest, StartWorkflowExecutionResponse,
    },
};
use prost::Message;
use tonic::{Code, Status};

use super::{
    attempts::{accepted, answer},
    run::{instant_ns, span_ns},
};
use crate::record::{Record, exchange::Exchange};

/// A task that the service has handed out, in the answer to a poll or to another call.
#[derive(Clone, Debug)]
pub(super) struct Handed<'a> {
    /// The exchange whose answer had it.
    pub(super) exchange: &'a Exchange,
    /// The place of that answer among all arrivals and answers.
    pub(super) step: u64,
    pub(super) token: Vec<u8>,
    pub(super) workflow_id: String,
    pub(super) run_id: String,
    /// When it was started; nanoseconds of the server's time. 0 for a query.
    pub(super) started_ns: i64,
    pub(super) work: Work,
}

/// What kind of task it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Workflow {
        started_event_id: i64,
        attempt: i32,
        /// How long the worker has. `None` if the page of history that came along does not tell.
        timeout_ns: Option<i64>,
    },
    Activity {
        activity_id: String,
        attempt: i32,
        /// When the first attempt was scheduled; nanoseconds of the server's time.
        scheduled_ns: i64,
        schedule_to_close_ns: Option<i64>,
        start_to_close_ns: Option<i64>,
        heartbeat_ns: Option<i64>,
    },
    /// A query that goes straight to a worker.
    Query,
}

/// What a worker answered to a task.
#[derive(Clone, Debug)]
pub(super) struct Report<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) token: Vec<u8>,
    pub(super) said: Said,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    WorkflowTaskCompleted {
        /// It asks for nothing and rejects all updates that came along: a speculative task leaves no trace then.
        is_empty: bool,
    },
    WorkflowTaskFailed,
    ActivityCompleted(Option<Payloads>),
    ActivityFailed,
    ActivityCanceled,
    Heartbeat,
    Query,
}

impl Report<'_> {
    /// Whether the service accepted it.
    pub(super) fn is_accepted(&self) -> bool {
        accepted(self.exchange).is_some()
    }

    /// What the service refused it with.
    pub(super) fn refusal(&self) -> Option<&Status> {
        self.exchange.answered.as_ref().and_then(|(.., answer)| answer.as_ref().err())
    }

    /// Whether the worker no longer had its task after it. A workflow task also ends with an answer that does not fit.
    pub(super) fn ends_task(&self) -> bool {
        match self.said {
            Said::Heartbeat => false,
            Said::WorkflowTaskCompleted { .. } | Said::WorkflowTaskFailed => {
                self.is_accepted() || self.refusal().is_some_and(|refusal| refusal.code() != Code::NotFound)
            }
            _ => self.is_accepted(),
        }
    }
}

/// All tasks that were handed out, in the order in which they were, and all answers of workers, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Tasks<'a> {
    pub(super) handed: Vec<Handed<'a>>,
    pub(super) reports: Vec<Report<'a>>,
    /// The places of the tasks with a token, in [`Self::handed`].
    by_token: BTreeMap<Vec<u8>, usize>,
}

impl<'a> Tasks<'a> {
    /// Those of a record.
    pub(super) fn of(record: &'a Record) -> Self {
        let mut tasks = Self::default();
        for exchange in &record.exchanges {
            tasks.handed.extend(handed_in(exchange));
            tasks.reports.extend(report_in(exchange));
        }
        tasks.handed.sort_by_key(|handed| handed.step);
        for (at, handed) in tasks.handed.iter().enumerate() {
            tasks.by_token.entry(handed.token.clone()).or_insert(at);
        }
        tasks
    }

    /// The task that an answer is for: the first that was handed out with its token.
    pub(super) fn task_of(&self, report: &Report<'_>) -> Option<&Handed<'a>> {
        self.by_token.get(&report.token).map(|at| &self.handed[*at])
    }

    /// The answers that came with this token before a step.
    pub(super) fn reports_before<'t>(&'t self, token: &'t [u8], step: u64) -> impl Iterator<Item = &'t Report<'a>> {
        self.reports.iter().filter(move |report| report.token == token && report.exchange.arrived_step < step)
    }
}

/// The tasks in an answer.
fn handed_in(exchange: &Exchange) -> Vec<Handed<'_>> {
    let mut handed = Vec::new();
    match exchange.method.as_str() {
        "PollWorkflowTaskQueue" => handed.extend(answer(exchange).and_then(|task| workflow_task(exchange, task))),
        "PollActivityTaskQueue" => handed.extend(answer(exchange).and_then(|task| activity_task(exchange, task))),
        "RespondWorkflowTaskCompleted" => {
            let it: RespondWorkflowTaskCompletedResponse = answer(exchange).unwrap_or_default();
            handed.extend(it.workflow_task.and_then(|task| workflow_task(exchange, task)));
            handed.extend(it.activity_tasks.into_iter().filter_map(|task| activity_task(exchange, task)));
        }
        "StartWorkflowExecution" => {
            let it: StartWorkflowExecutionResponse = answer(exchange).unwrap_or_default();
            handed.extend(it.eager_workflow_task.and_then(|task| workflow_task(exchange, task)));
        }
        _ => {}
    }
    handed
}

/// `None`: the poll met no task.
fn workflow_task(exchange: &Exchange, task: PollWorkflowTaskQueueResponse) -> Option<Handed<'_>> {
    if task.task_token.is_empty() {
        return None;
    }
    let events = task.history.as_ref().map_or(&[][..], |history| &history.events);
    let work = match task.query {
        Some(_) => Work::Query,
        None => Work::Workflow {
            started_event_id: task.started_event_id,
            attempt: task.attempt,
            timeout_ns: timeout_of(events, task.started_event_id),
        },
    };
    let started_ns = task.started_time.as_ref().map_or(0, instant_ns);
    handed(exchange, task.task_token, task.workflow_execution, started_ns, work)
}

/// `None`: the poll met no task.
fn activity_task(exchange: &Exchange, task: PollActivityTaskQueueResponse) -> Option<Handed<'_>> {
    if task.task_token.is_empty() {
        return None;
    }
    let work = Work::Activity {
        activity_id: task.activity_id,
        attempt: task.attempt,
        scheduled_ns: task.scheduled_time.as_ref().map_or(0, instant_ns),
        schedule_to_close_ns: span_ns(task.schedule_to_close_timeout.as_ref()),
        start_to_close_ns: span_ns(task.start_to_close_timeout.as_ref()),
        heartbeat_ns: span_ns(task.heartbeat_timeout.as_ref()),
    };
    let started_ns = task.started_time.as_ref().map_or(0, instant_ns);
    handed(exchange, task.task_token, task.workflow_execution, started_ns, work)
}

fn handed(
    exchange: &Exchange,
    token: Vec<u8>,
    execution: Option<WorkflowExecution>,
    started_ns: i64,
    work: Work,
) -> Option<Handed<'_>> {
    let WorkflowExecution { workflow_id, run_id } = execution.unwrap_or_default();
    let step = exchange.answered.as_ref().map(|(_, step, _)| *step)?;
    Some(Handed { exchange, step, token, workflow_id, run_id, started_ns, work })
}

/// The timeout that the scheduled event of a task tells.
fn timeout_of(events: &[HistoryEvent], started_event_id: i64) -> Option<i64> {
    let started = events.iter().find(|event| event.event_id == started_event_id)?;
    let Some(Attributes::WorkflowTaskStartedEventAttributes(started)) = &started.attributes else { return None };
    let scheduled = events.iter().find(|event| event.event_id == started.scheduled_event_id)?;
    match &scheduled.attributes {
        Some(Attributes::WorkflowTaskScheduledEventAttributes(it)) => span_ns(it.start_to_close_timeout.as_ref()),
        _ => None,
    }
}

/// The answer of a worker, if that is what it is.
fn report_in(exchange: &Exchange) -> Option<Report<'_>> {
    let request = exchange.request.as_ref();
    let (token, said) = match exchange.method.as_str() {
        "RespondWorkflowTaskCompleted" => {
            let it = RespondWorkflowTaskCompletedRequest::decode(request).ok()?;
            let is_empty = it.commands.is_empty() && it.messages.iter().all(is_rejection);
            (it.task_token, Said::WorkflowTaskCompleted { is_empty })
        }
        "RespondWorkflowTaskFailed" => {
            (RespondWorkflowTaskFailedRequest::decode(request).ok()?.task_token, Said::WorkflowTaskFailed)
        }
        "RespondActivityTaskCompleted" => {
            let it = RespondActivityTaskCompletedRequest::decode(request).ok()?;
            (it.task_token, Said::ActivityCompleted(it.result))
        }
        "RespondActivityTaskFailed" => {
            (RespondActivityTaskFailedRequest::decode(request).ok()?.task_token, Said::ActivityFailed)
        }
        "RespondActivityTaskCanceled" => {
            (RespondActivityTaskCanceledRequest::decode(request).ok()?.task_token, Said::ActivityCanceled)
        }
        "RecordActivityTaskHeartbeat" => {
            (RecordActivityTaskHeartbeatRequest::decode(request).ok()?.task_token, Said::Heartbeat)
        }
        "RespondQueryTaskCompleted" => (RespondQueryTaskCompletedRequest::decode(request).ok()?.task_token, Said::Query),
        _ => return None,
    };
    Some(Report { exchange, token, said })
}

fn is_rejection(message: &ProtocolMessage) -> bool {
    message.body.as_ref().is_some_and(|body| body.type_url.ends_with("temporal.api.update.v1.Rejection"))
}
