//! What a worker gets that takes a workflow task, or a query that goes straight to it (`recordworkflowtaskstarted`).

use prost::Message;

use super::{history, run::Run};
use crate::{
    engine::{
        Engine,
        kernel::{
            key::RunKey,
            token::{PageToken, TaskToken},
        },
        matching::queues::{Poller, QueueId},
    },
    proto::{
        common::WorkflowType, enums::TaskQueueKind, history::History as HistoryProto, taskqueue::TaskQueue,
        workflowservice::PollWorkflowTaskQueueResponse,
    },
};

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

impl WorkflowTaskReply {
    /// As one message, its history decoded.
    pub fn into_response(self) -> PollWorkflowTaskQueueResponse {
        let history = self.history.map(|bytes| HistoryProto::decode(bytes.as_slice()).unwrap_or_default());
        PollWorkflowTaskQueueResponse { history, ..self.response }
    }
}

/// A beginning of a run's history.
struct FirstPage {
    bytes: Vec<u8>,
    /// Where the next page begins, if there is one.
    next: Option<PageToken>,
}

impl Engine {
    /// A worker takes the workflow task of a run: it starts, and this is what the worker gets.
    pub(in crate::engine) fn start_workflow_task(&mut self, key: RunKey, poller: &Poller) -> WorkflowTaskReply {
        let request_id = self.ids.uuid();
        self.transact(key, |run, cx| run.hand_out_workflow_task(cx, poller, request_id));
        self.workflow_task_reply(key, Some(poller.queue))
    }

    /// The started workflow task of a run, as the worker gets it. `polled`: the queue from which the worker took it; `None` if it
    /// is part of an answer (to an eager start, or to the completion of the task before).
    pub(in crate::engine) fn workflow_task_reply(&mut self, key: RunKey, polled: Option<QueueId>) -> WorkflowTaskReply {
        let run = self.runs.get(key);
        let Some((scheduled, started)) = run.workflow_task().started() else { return WorkflowTaskReply::default() };
        let attempt = run.workflow_task_attempt();
        let token = TaskToken {
            run: key.0,
            run_id: run.run_id().to_owned(),
            workflow_id: run.workflow_id().to_owned(),
            scheduled_event_id: scheduled.scheduled_event_id,
            started_event_id: started.started_event_id,
            attempt,
            started_time: started.started_time.as_nanos(),
            ..TaskToken::default()
        };
        // Who has the run in its cache, or just had its last task, needs only what is new.
        let knows_the_rest = polled.is_none_or(|queue| run.has_cached(queue));
        let FirstPage { mut bytes, next } =
            first_page(run, if knows_the_rest { run.last_started_event_id() + 1 } else { 1 }, run.history().next_id());
        let unwritten = run.unwritten_events();
        if next.is_none() {
            unwritten.iter().for_each(|event| history::append(&mut bytes, event));
        }
        let next = next.map(|page| PageToken { transient: !unwritten.is_empty(), ..page });
        let response = PollWorkflowTaskQueueResponse {
            task_token: token.into_bytes(),
            started_event_id: started.started_event_id,
            attempt,
            next_page_token: next.map(PageToken::into_bytes).unwrap_or_default(),
            scheduled_time: Some(run.workflow_task_scheduled_time().to_proto()),
            started_time: Some(started.started_time.to_proto()),
            messages: run.update_messages(started.started_event_id),
            queries: self.queries.attached(key),
            ..response_of(run)
        };
        WorkflowTaskReply { response, history: Some(bytes) }
    }

    /// A query that goes straight to a worker: all of the history (or none, to the worker that has it), no task of its own.
    pub(in crate::engine) fn query_task_reply(&mut self, query: u64, polled: QueueId) -> WorkflowTaskReply {
        let Some((key, body, attempt)) = self.queries.task(query) else { return WorkflowTaskReply::default() };
        let run = self.runs.get(key);
        let token = TaskToken { run: key.0, run_id: run.run_id().to_owned(), query, attempt, ..TaskToken::default() };
        let from = if run.has_cached(polled) { run.history().next_id() } else { 1 };
        let FirstPage { bytes, next } = first_page(run, from, run.history().next_id());
        let response = PollWorkflowTaskQueueResponse {
            task_token: token.into_bytes(),
            attempt: 1,
            next_page_token: next.map(PageToken::into_bytes).unwrap_or_default(),
            query: Some(body),
            ..response_of(run)
        };
        WorkflowTaskReply { response, history: Some(bytes) }
    }

    /// A task for a worker that gets the history up to an event, that one not included, and nothing else of the run.
    pub(in crate::engine) fn task_up_to(
        &self,
        key: RunKey,
        until: i64,
        task: PollWorkflowTaskQueueResponse,
    ) -> WorkflowTaskReply {
        let run = self.runs.get(key);
        let FirstPage { bytes, next } = first_page(run, 1, until);
        let PollWorkflowTaskQueueResponse { workflow_execution, workflow_type, workflow_execution_task_queue, .. } =
            response_of(run);
        let next_page_token = next.map(PageToken::into_bytes).unwrap_or_default();
        let response = PollWorkflowTaskQueueResponse {
            workflow_execution,
            workflow_type,
            workflow_execution_task_queue,
            next_page_token,
            ..task
        };
        WorkflowTaskReply { response, history: Some(bytes) }
    }
}

/// The first page of the events from `from` up to `until`, that one not included.
fn first_page(run: &Run, from: i64, until: i64) -> FirstPage {
    let end = run.history().page(from, until, HISTORY_PAGE_COUNT, HISTORY_PAGE_BYTES).end;
    let next = (end < until).then(|| PageToken { run_id: run.run_id().to_owned(), from: end, until, ..PageToken::default() });
    FirstPage { bytes: run.history().encoded(from, end), next }
}

/// What every task says of its run.
fn response_of(run: &Run) -> PollWorkflowTaskQueueResponse {
    let task_queue =
        TaskQueue { name: run.task_queue().to_owned(), kind: TaskQueueKind::Normal.into(), normal_name: String::new() };
    PollWorkflowTaskQueueResponse {
        workflow_execution: Some(run.execution()),
        workflow_type: Some(WorkflowType { name: run.workflow_type().to_owned() }),
        previous_started_event_id: run.last_started_event_id(),
        workflow_execution_task_queue: Some(task_queue),
        ..PollWorkflowTaskQueueResponse::default()
    }
}
