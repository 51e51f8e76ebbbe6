//! Pages of a history that is too long for one message.

use bytes::Bytes;
use prost::{
    Message,
    encoding::{decode_key, decode_varint},
};

use super::exchange::Token;
use crate::{proto::workflowservice::GetWorkflowExecutionHistoryResponse, rpc::append};

/// A page ends after the event that exceeds this. Workers refuse messages of more than 4 MiB.
const PAGE_BYTES: usize = 1 << 20;
/// The tag of `GetWorkflowExecutionHistoryResponse.history`.
const HISTORY_TAG: u32 = 1;

/// The end of the page that begins at a byte: that of an event, or of the history. `None` if there is no event.
pub(super) fn end(history: &[u8], from: usize) -> Option<usize> {
    let mut rest = history.get(from..)?;
    while !rest.is_empty() && history.len() - rest.len() - from < PAGE_BYTES {
        decode_key(&mut rest).ok()?;
        let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
        rest = rest.get(length..)?;
    }
    Some(history.len() - rest.len())
}

/// The token of the page that begins at a byte; empty after the last.
pub(super) fn next(token: Token, history: &[u8], from: usize) -> Vec<u8> {
    if from < history.len() { token.page(from) } else { Vec::new() }
}

/// The page that begins at a byte, as GetWorkflowExecutionHistory answers it. `None` if there is no such page.
pub(super) fn reply(token: Token, history: &[u8], from: usize) -> Option<Bytes> {
    let end = end(history, from)?;
    let next_page_token = next(token, history, end);
    let mut bytes = GetWorkflowExecutionHistoryResponse { next_page_token, ..Default::default() }.encode_to_vec();
    append(&mut bytes, HISTORY_TAG, &history[from..end]);
    Some(bytes.into())
}
