//! The task that gives a worker a history.

use bytes::Bytes;
use prost::Message;

use super::{
    exchange::{Ask, Token},
    pages,
};
use crate::{
    engine::{rules::sdk, time::Time},
    proto::{
        common::{WorkflowExecution, WorkflowType},
        enums::TaskQueueKind,
        foretimeservice::{Manner, ServeHistoryRequest},
        protocol,
        query::WorkflowQuery,
        taskqueue::TaskQueue,
        workflowservice::PollWorkflowTaskQueueResponse,
    },
    rpc::append,
};

/// The tag of `PollWorkflowTaskQueueResponse.history`.
const HISTORY_TAG: u32 = 8;
/// The id of the attached query.
const QUERY_ID: &str = "foretime-check";

/// The answer to the poll of the worker that takes it.
pub(super) fn of(token: Token, ask: &Ask, now: Time) -> Bytes {
    let ServeHistoryRequest { task_queue, workflow_type, workflow_id, run_id, history, query_type, .. } = &ask.request;
    let end = pages::end(history, 0).unwrap_or(history.len());
    let query = WorkflowQuery { query_type: query_type.clone(), ..Default::default() };
    let messages = ask.request.messages.iter().filter_map(|message| protocol::Message::decode(message.as_slice()).ok());
    let response = PollWorkflowTaskQueueResponse {
        task_token: token.to_bytes(),
        workflow_execution: Some(WorkflowExecution { workflow_id: workflow_id.clone(), run_id: run_id.clone() }),
        workflow_type: Some(WorkflowType { name: workflow_type.clone() }),
        previous_started_event_id: ask.request.previous_started_event_id.unwrap_or(sdk::REPLAY_TO_THE_END),
        started_event_id: ask.request.started_event_id,
        // Some SDKs report the failure of a first attempt alone.
        attempt: 1,
        next_page_token: pages::next(token, history, end),
        queries: (ask.request.manner() == Manner::TaskWithQuery).then(|| (QUERY_ID.to_owned(), query)).into_iter().collect(),
        messages: messages.collect(),
        workflow_execution_task_queue: Some(TaskQueue {
            name: task_queue.clone(),
            kind: TaskQueueKind::Normal.into(),
            ..Default::default()
        }),
        scheduled_time: Some(now.to_proto()),
        started_time: Some(now.to_proto()),
        ..Default::default()
    };
    let mut bytes = response.encode_to_vec();
    append(&mut bytes, HISTORY_TAG, &history[..end]);
    bytes.into()
}
