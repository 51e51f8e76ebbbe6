//! Answers as bytes. Histories are encoded already: they are put into place, not decoded.

use bytes::Bytes;
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};

use crate::engine::{HistoryReply, Reply, WorkflowTaskReply};

/// The tag of `PollWorkflowTaskQueueResponse.history`.
const TASK_HISTORY_TAG: u32 = 8;
/// The tag of `GetWorkflowExecutionHistoryResponse.history`.
const HISTORY_TAG: u32 = 1;
/// The tag of `GetWorkflowExecutionHistoryResponse.next_page_token`.
const NEXT_PAGE_TOKEN_TAG: u32 = 3;

/// The answer to a parked call.
pub(super) fn encode(reply: &Reply) -> Bytes {
    match reply {
        Reply::WorkflowTask(reply) => workflow_task(reply),
        Reply::ActivityTask(reply) => message(&reply.response),
        Reply::NexusTask(response) => message(response.as_ref()),
        Reply::History(reply) => history(reply),
        Reply::Query(response) => message(response.as_ref()),
        Reply::Sleep(response) => message(response),
    }
}

pub(super) fn message(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

fn workflow_task(reply: &WorkflowTaskReply) -> Bytes {
    let history = reply.history.as_deref();
    let mut bytes = Vec::with_capacity(reply.response.encoded_len() + history.map_or(0, <[u8]>::len) + 8);
    // Encoding into a Vec cannot run out of room.
    reply.response.encode(&mut bytes).unwrap_or_default();
    if let Some(history) = history {
        append(&mut bytes, TASK_HISTORY_TAG, history);
    }
    bytes.into()
}

pub(super) fn history(reply: &HistoryReply) -> Bytes {
    let mut bytes = Vec::with_capacity(reply.history.len() + reply.next_page_token.len() + 16);
    append(&mut bytes, HISTORY_TAG, &reply.history);
    if !reply.next_page_token.is_empty() {
        append(&mut bytes, NEXT_PAGE_TOKEN_TAG, &reply.next_page_token);
    }
    bytes.into()
}

fn append(bytes: &mut Vec<u8>, tag: u32, field: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, bytes);
    encode_varint(field.len() as u64, bytes);
    bytes.extend_from_slice(field);
}
