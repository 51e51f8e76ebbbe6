//! Answers as bytes. Histories are already encoded; they are inserted without decoding.

use bytes::Bytes;
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};

use crate::{
    engine::{ActivityTaskReply, HistoryReply, Reply, ReverseHistoryReply, WorkflowTaskReply},
    proto::{common::DataBlob, enums::EncodingType},
};

/// The tag of `PollWorkflowTaskQueueResponse.history`.
const TASK_HISTORY_TAG: u32 = 8;
/// The tag of `GetWorkflowExecutionHistoryResponse.history`, and of the one that is read backwards.
const HISTORY_TAG: u32 = 1;
/// The tag of `GetWorkflowExecutionHistoryResponse.raw_history`.
const RAW_HISTORY_TAG: u32 = 2;
/// The tag of `GetWorkflowExecutionHistoryResponse.next_page_token`, and of the one that is read backwards.
const NEXT_PAGE_TOKEN_TAG: u32 = 3;

/// An answer of the engine in its wire form.
pub(super) trait Encode {
    fn to_bytes(&self) -> Bytes;
}

/// The answer to a parked call.
pub(super) fn encode(reply: &Reply) -> Bytes {
    match reply {
        Reply::WorkflowTask(reply) => reply.to_bytes(),
        Reply::ActivityTask(reply) => reply.to_bytes(),
        Reply::NexusTask(response) => response.as_ref().to_bytes(),
        Reply::History(reply) => reply.to_bytes(),
        Reply::Query(response) => response.as_ref().to_bytes(),
        Reply::Update(response) => response.as_ref().to_bytes(),
        Reply::PollUpdate(response) => response.as_ref().to_bytes(),
        Reply::MultiOperation(response) => response.as_ref().to_bytes(),
        Reply::Sleep(response) => response.to_bytes(),
        Reply::SkipTime(response) => response.to_bytes(),
        Reply::SleepUntil(response) => response.to_bytes(),
        Reply::Settle(response) => response.as_ref().to_bytes(),
    }
}

impl<M: Message> Encode for M {
    fn to_bytes(&self) -> Bytes {
        self.encode_to_vec().into()
    }
}

impl Encode for ActivityTaskReply {
    fn to_bytes(&self) -> Bytes {
        self.response.encode_to_vec().into()
    }
}

impl Encode for WorkflowTaskReply {
    fn to_bytes(&self) -> Bytes {
        let history = self.history.as_deref();
        let mut bytes = Vec::with_capacity(self.response.encoded_len() + history.map_or(0, <[u8]>::len) + 8);
        // Encoding into a Vec cannot run out of room.
        Message::encode(&self.response, &mut bytes).unwrap_or_default();
        if let Some(history) = history {
            append(&mut bytes, TASK_HISTORY_TAG, history);
        }
        bytes.into()
    }
}

impl Encode for HistoryReply {
    fn to_bytes(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(self.history.len() + self.next_page_token.len() + 16);
        append(&mut bytes, HISTORY_TAG, &self.history);
        for batch in &self.raw_history {
            let blob = DataBlob { encoding_type: EncodingType::Proto3.into(), data: batch.clone() };
            append(&mut bytes, RAW_HISTORY_TAG, &blob.encode_to_vec());
        }
        if !self.next_page_token.is_empty() {
            append(&mut bytes, NEXT_PAGE_TOKEN_TAG, &self.next_page_token);
        }
        bytes.into()
    }
}

impl Encode for ReverseHistoryReply {
    fn to_bytes(&self) -> Bytes {
        self.0.to_bytes()
    }
}

/// Appends a field of bytes, which may be an encoded message.
pub(crate) fn append(bytes: &mut Vec<u8>, tag: u32, field: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, bytes);
    encode_varint(field.len() as u64, bytes);
    bytes.extend_from_slice(field);
}
