//! Polls for tasks, and what a worker gets: tasks meet pollers, start, and become replies (`recordworkflowtaskstarted`,
//! `recordactivitytaskstarted`, `matching_engine.go`).

use std::time::Duration;

use prost::Message;

use super::{
    Answer, Engine, Parked, Reply, Ticket,
    error::{Error, Result},
    history,
    matching::{Poller, QueueKind, Task},
    runs::RunKey,
    time::Time,
    token::{PageToken, TaskToken},
    validate,
    workflow::activity::Activity,
};
use crate::proto::{
    common::{ActivityType, WorkflowExecution, WorkflowType},
    enums::TaskQueueKind,
    history::{History as HistoryProto, history_event::Attributes},
    taskqueue::TaskQueue,
    workflowservice::{
        PollActivityTaskQueueRequest, PollActivityTaskQueueResponse, PollNexusTaskQueueRequest, PollNexusTaskQueueResponse,
        PollWorkflowTaskQueueRequest, PollWorkflowTaskQueueResponse,
    },
};

/// A poll that meets no task ends after this long (`matching.longPollExpirationInterval`).
const LONG_POLL: Duration = Duration::from_secs(60);
/// ... or this long before the caller's own deadline (`returnEmptyTaskTimeBudget`).
const POLL_MARGIN: Duration = Duration::from_secs(1);
/// A long poll with less time than this is refused (`common.MinLongPollTimeout`).
const POLL_MIN: Duration = Duration::from_secs(2);
/// A poll's history is paged (`primitives.GetHistoryMaxPageSize`).
const HISTORY_PAGE_COUNT: usize = 256;
/// ... and kept clear of the SDKs' limits on a message.
const HISTORY_PAGE_BYTES: usize = 3 << 20;

/// A workflow task for a worker; its history is encoded already.
#[derive(Debug, Default)]
pub struct WorkflowTaskReply {
    /// Without history.
    pub response: PollWorkflowTaskQueueResponse,
    /// The bytes of the `History` message that belongs into it; `None` for an empty answer.
    pub history: Option<Vec<u8>>,
}

/// An activity task for a worker.
#[derive(Debug, Default)]
pub struct ActivityTaskReply {
    /// The whole answer; empty if the poll met no task.
    pub response: PollActivityTaskQueueResponse,
}

impl WorkflowTaskReply {
    /// As one message, its history decoded.
    pub fn into_response(self) -> PollWorkflowTaskQueueResponse {
        let history = self.history.map(|bytes| HistoryProto::decode(bytes.as_slice()).unwrap_or_default());
        PollWorkflowTaskQueueResponse { history, ..self.response }
    }
}

impl Engine {
    /// PollWorkflowTaskQueue. `deadline`: when (wall) the caller gives up.
    pub fn poll_workflow_task_queue(
        &mut self,
        request: PollWorkflowTaskQueueRequest,
        deadline: Option<Time>,
        ticket: Ticket,
    ) -> Result<Answer<WorkflowTaskReply>> {
        let namespace = self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        validate::polls::poll_workflow_task(&request, &self.limits)?;
        let until = self.poll_until(deadline)?;
        let name = request.task_queue.map(|queue| queue.name).unwrap_or_default();
        let queue = self.matching.queue(namespace, QueueKind::Workflow, &name);
        let poller =
            Poller { ticket, identity: request.identity, worker_instance_key: request.worker_instance_key, queue, until };
        Ok(self.park_poll(poller))
    }

    /// PollActivityTaskQueue. `deadline`: when (wall) the caller gives up.
    pub fn poll_activity_task_queue(
        &mut self,
        request: PollActivityTaskQueueRequest,
        deadline: Option<Time>,
        ticket: Ticket,
    ) -> Result<Answer<ActivityTaskReply>> {
        let namespace = self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        validate::polls::poll_activity_task(&request, &self.limits)?;
        let until = self.poll_until(deadline)?;
        let name = request.task_queue.map(|queue| queue.name).unwrap_or_default();
        let queue = self.matching.queue(namespace, QueueKind::Activity, &name);
        let poller =
            Poller { ticket, identity: request.identity, worker_instance_key: request.worker_instance_key, queue, until };
        Ok(self.park_poll(poller))
    }

    /// PollNexusTaskQueue: a long poll that meets no task, so that workers with Nexus services can do their other work.
    pub fn poll_nexus_task_queue(
        &mut self,
        request: PollNexusTaskQueueRequest,
        deadline: Option<Time>,
        ticket: Ticket,
    ) -> Result<Answer<PollNexusTaskQueueResponse>> {
        let namespace = self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        let until = self.poll_until(deadline)?;
        let name = request.task_queue.map(|queue| queue.name).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Error::invalid("TaskQueue is not set on request."))?;
        let queue = self.matching.queue(namespace, QueueKind::Nexus, &name);
        let (identity, worker_instance_key) = (request.identity, request.worker_instance_key);
        Ok(self.park_poll(Poller { ticket, identity, worker_instance_key, queue, until }))
    }

    /// When (wall) a long poll ends with an empty answer.
    fn poll_until(&self, deadline: Option<Time>) -> Result<Time> {
        let wall = self.clock.wall();
        let Some(deadline) = deadline else { return Ok(wall + LONG_POLL) };
        if deadline.since(wall) < POLL_MIN {
            return Err(Error::FailedPrecondition("Context timeout is too short.".to_owned()));
        }
        Ok((wall + LONG_POLL).min(deadline - POLL_MARGIN))
    }

    fn park_poll<T: Default>(&mut self, poller: Poller) -> Answer<T> {
        if self.matching.has_shut_down(&poller.worker_instance_key) {
            return Answer::Now(T::default());
        }
        let expiry = self.expire_at(poller.until, poller.ticket);
        self.park(poller.ticket, Parked::Poll { expiry });
        self.matching.park(poller, self.clock.wall());
        Answer::Parked
    }

    /// Ends a parked poll with an empty answer.
    pub(super) fn end_poll(&mut self, ticket: Ticket) {
        let Some(Parked::Poll { expiry }) = self.parked.get(&ticket).copied() else { return };
        self.expiries.cancel(expiry);
        let kind = self.matching.unpark(ticket, false, self.clock.wall());
        let reply = match kind {
            Some(QueueKind::Activity) => Reply::ActivityTask(Box::default()),
            Some(QueueKind::Nexus) => Reply::NexusTask(Box::default()),
            _ => Reply::WorkflowTask(Box::default()),
        };
        self.answer(ticket, Ok(reply));
    }

    /// Lets waiting tasks meet waiting pollers until none can.
    pub(super) fn match_tasks(&mut self) {
        while let Some((task, poller)) = self.matching.take_match() {
            if let Some(Parked::Poll { expiry }) = self.parked.get(&poller.ticket).copied() {
                self.expiries.cancel(expiry);
            }
            let reply = match task {
                Task::Workflow(key) => {
                    let request_id = self.ids.uuid();
                    self.transact(key, |run, cx| run.start_workflow_task(cx, &poller.identity, request_id));
                    Reply::WorkflowTask(Box::new(self.workflow_task_reply(key, Some(&poller))))
                }
                Task::Activity(key, scheduled_event_id) => {
                    let request_id = self.ids.uuid();
                    self.transact(key, |run, cx| run.start_activity(cx, scheduled_event_id, &poller.identity, request_id));
                    Reply::ActivityTask(Box::new(self.activity_task_reply(key, scheduled_event_id)))
                }
                Task::Query(query) => Reply::WorkflowTask(Box::new(self.query_task_reply(query, &poller))),
            };
            self.answer(poller.ticket, Ok(reply));
        }
    }

    /// The started workflow task of a run, as the worker gets it. `poller`: who polled it; without, it goes along with an
    /// answer (eager start, or a new task returned by a completion).
    pub(super) fn workflow_task_reply(&mut self, key: RunKey, poller: Option<&Poller>) -> WorkflowTaskReply {
        let run = self.runs.get(key);
        let Some(task) = run.tasks.started() else { return WorkflowTaskReply::default() };
        let token = TaskToken {
            run: key.0,
            run_id: run.run_id.clone(),
            scheduled_event_id: task.scheduled_event_id,
            started_event_id: task.started_event_id,
            attempt: run.tasks.attempt,
            started_time: task.started_time.as_nanos(),
            ..TaskToken::default()
        };
        // Who has the run in its cache, or just had its last task, needs only what is new.
        let is_known = |poller: &Poller| run.tasks.sticky.as_ref().is_some_and(|sticky| poller.queue == sticky.queue);
        let from = if poller.is_none_or(is_known) { run.tasks.last_started_event_id + 1 } else { 1 };
        let until = run.history.next_id();
        let page_end = run.history.page(from, until, HISTORY_PAGE_COUNT, HISTORY_PAGE_BYTES).end;
        let mut bytes = run.history.slice(from, page_end).to_vec();
        let mut next_page_token = Vec::new();
        if page_end < until {
            let page = PageToken {
                run_id: run.run_id.clone(),
                from: page_end,
                until,
                transient: task.transient,
                ..PageToken::default()
            };
            next_page_token = page.to_bytes();
        } else if task.transient {
            for event in run.transient_events(task) {
                history::append(&mut bytes, &event);
            }
        }
        let response = PollWorkflowTaskQueueResponse {
            task_token: token.to_bytes(),
            workflow_execution: Some(WorkflowExecution { workflow_id: run.workflow_id.clone(), run_id: run.run_id.clone() }),
            workflow_type: Some(WorkflowType { name: run.facts.workflow_type.clone() }),
            previous_started_event_id: run.tasks.last_started_event_id,
            started_event_id: task.started_event_id,
            attempt: run.tasks.attempt,
            next_page_token,
            workflow_execution_task_queue: Some(normal_queue(&run.facts.task_queue)),
            scheduled_time: Some(task.scheduled_time.to_proto()),
            started_time: Some(task.started_time.to_proto()),
            queries: self.queries.attached(&task.queries),
            ..PollWorkflowTaskQueueResponse::default()
        };
        WorkflowTaskReply { response, history: Some(bytes) }
    }

    /// A query that goes straight to a worker: all of the history (or none, to the worker that has it), no task of its own.
    fn query_task_reply(&mut self, query: u64, poller: &Poller) -> WorkflowTaskReply {
        let Some((key, body, attempt)) = self.queries.task(query) else { return WorkflowTaskReply::default() };
        let run = self.runs.get(key);
        let token = TaskToken { run: key.0, run_id: run.run_id.clone(), query, attempt, ..TaskToken::default() };
        let is_sticky = run.tasks.sticky.as_ref().is_some_and(|sticky| poller.queue == sticky.queue);
        let until = run.history.next_id();
        let from = if is_sticky { until } else { 1 };
        let page_end = run.history.page(from, until, HISTORY_PAGE_COUNT, HISTORY_PAGE_BYTES).end;
        let bytes = run.history.slice(from, page_end).to_vec();
        let page = PageToken { run_id: run.run_id.clone(), from: page_end, until, ..PageToken::default() };
        let response = PollWorkflowTaskQueueResponse {
            task_token: token.to_bytes(),
            workflow_execution: Some(WorkflowExecution { workflow_id: run.workflow_id.clone(), run_id: run.run_id.clone() }),
            workflow_type: Some(WorkflowType { name: run.facts.workflow_type.clone() }),
            previous_started_event_id: run.tasks.last_started_event_id,
            attempt: 1,
            next_page_token: if page_end < until { page.to_bytes() } else { Vec::new() },
            workflow_execution_task_queue: Some(normal_queue(&run.facts.task_queue)),
            query: Some(body),
            ..PollWorkflowTaskQueueResponse::default()
        };
        WorkflowTaskReply { response, history: Some(bytes) }
    }

    /// The started activity, as the worker gets it.
    pub(super) fn activity_task_reply(&self, key: RunKey, scheduled_event_id: i64) -> ActivityTaskReply {
        let run = self.runs.get(key);
        let Some(activity) = run.activities.get(&scheduled_event_id) else { return ActivityTaskReply::default() };
        let scheduled = match run.history.get(scheduled_event_id).and_then(|event| event.attributes) {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => scheduled,
            _ => return ActivityTaskReply::default(),
        };
        let response = PollActivityTaskQueueResponse {
            task_token: activity_token(key, &run.run_id, activity).to_bytes(),
            workflow_namespace: self.namespaces.get(run.namespace).name.clone(),
            workflow_type: Some(WorkflowType { name: run.facts.workflow_type.clone() }),
            workflow_execution: Some(WorkflowExecution { workflow_id: run.workflow_id.clone(), run_id: run.run_id.clone() }),
            activity_type: Some(ActivityType { name: activity.activity_type.clone() }),
            activity_id: activity.activity_id.clone(),
            header: scheduled.header,
            input: scheduled.input,
            heartbeat_details: activity.heartbeat_details.clone(),
            scheduled_time: Some(activity.first_scheduled_time.to_proto()),
            current_attempt_scheduled_time: Some(activity.scheduled_time.to_proto()),
            started_time: activity.started_time.map(Time::to_proto),
            attempt: activity.attempt,
            schedule_to_close_timeout: scheduled.schedule_to_close_timeout,
            start_to_close_timeout: scheduled.start_to_close_timeout,
            heartbeat_timeout: scheduled.heartbeat_timeout,
            retry_policy: scheduled.retry_policy,
            priority: activity.priority.clone(),
            ..PollActivityTaskQueueResponse::default()
        };
        ActivityTaskReply { response }
    }
}

fn activity_token(key: RunKey, run_id: &str, activity: &Activity) -> TaskToken {
    TaskToken {
        run: key.0,
        run_id: run_id.to_owned(),
        scheduled_event_id: activity.scheduled_event_id,
        attempt: activity.attempt,
        activity_id: activity.activity_id.clone(),
        ..TaskToken::default()
    }
}

fn normal_queue(name: &str) -> TaskQueue {
    TaskQueue { name: name.to_owned(), kind: TaskQueueKind::Normal.into(), normal_name: String::new() }
}
