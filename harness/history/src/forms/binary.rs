//! Protobuf: a `History`; what has histories within it (a `GetWorkflowExecutionHistoryResponse`, the `WorkflowExecutions` of an
//! export of Temporal Cloud); and several of either, each after its length.

use foretime_server::proto::history::HistoryEvent;
use prost::Message as _;

use super::{Recorded, Unreadable};
use crate::wire::{Message, Value, varint};

/// The first field of each of these messages is what has the events, down to the first of an event, its id.
const INNER: u32 = 1;
/// Of `GetWorkflowExecutionHistoryResponse`: events as the server stores them, in `DataBlob`s, whose second field is the data.
const RAW_HISTORY: u32 = 2;
const BLOB_DATA: u32 = 2;
/// Of the same.
const NEXT_PAGE_TOKEN: u32 = 3;
/// From the reply's page or the export's list to the events.
const DEPTH_MAX: usize = 3;

/// The histories in these bytes.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Recorded>, Unreadable> {
    let mut histories = Vec::new();
    if let Some(depth) = depth(bytes) {
        take(bytes, depth, 0, &mut histories)?;
    } else if let Some(raw) = raw_history(bytes) {
        take(&raw, 1, 0, &mut histories)?;
    } else {
        delimited(bytes, &mut histories)?;
    }
    if histories.is_empty() {
        return Err(Unreadable::new(NOTHING));
    }
    Ok(histories)
}

const NOTHING: &str = "is neither JSON nor protobuf";

/// How many messages are around each event: 1 in a `History`. `None` if the beginning looks like none of the messages.
fn depth(mut bytes: &[u8]) -> Option<usize> {
    for depth in 0..=DEPTH_MAX {
        let (key, rest) = varint(bytes)?;
        match (key >> 3, key & 7) {
            (1, 0) if depth > 0 => return Some(depth),
            (1, 2) => {
                // The length may be wrong in a file that was cut off.
                bytes = varint(rest)?.1;
            }
            _ => return None,
        }
    }
    None
}

/// Takes the histories of a message with so many messages around each event. It starts at a byte of the file.
fn take(bytes: &[u8], depth: usize, start: usize, histories: &mut Vec<Recorded>) -> Result<(), Unreadable> {
    if depth == 1 {
        check(bytes, start)?;
        push(bytes, histories);
        return Ok(());
    }
    let mut rest = Message(bytes);
    while !rest.0.is_empty() {
        let at = start + bytes.len() - rest.0.len();
        let (number, value, after) = rest.split_first().ok_or_else(|| cut_off(at))?;
        if let Value::Bytes(inner) = value
            && number == INNER
        {
            take(inner, depth - 1, start + bytes.len() - after.0.len() - inner.len(), histories)?;
        }
        if let (Value::Bytes([_, ..]), Some(last)) = (value, histories.last_mut())
            && number == NEXT_PAGE_TOKEN
        {
            last.has_more = true;
        }
        rest = after;
    }
    Ok(())
}

fn cut_off(at: usize) -> Unreadable {
    Unreadable::new(format!("is protobuf that is cut off or damaged at byte {at}"))
}

/// Whether all events of a history can be decoded.
fn check(bytes: &[u8], start: usize) -> Result<(), Unreadable> {
    let mut rest = Message(bytes);
    while !rest.0.is_empty() {
        let at = start + bytes.len() - rest.0.len();
        let (number, value, after) = rest.split_first().ok_or_else(|| cut_off(at))?;
        if number == INNER {
            event(value).map_err(|what| Unreadable::new(format!("is protobuf, but no event is at byte {at}: {what}")))?;
        }
        rest = after;
    }
    Ok(())
}

/// Whether this is an event.
fn event(value: Value<'_>) -> Result<(), String> {
    let Value::Bytes(event) = value else { return Err("it is a number".to_owned()) };
    let event = HistoryEvent::decode(event).map_err(|error| error.to_string())?;
    if event.event_id == 0 { Err("it has no id".to_owned()) } else { Ok(()) }
}

/// A page goes on with the history before it.
fn push(bytes: &[u8], histories: &mut Vec<Recorded>) {
    let Some(first) = crate::wire::events(bytes).next() else { return };
    if let Some(last) = histories.last_mut()
        && first.id > 1
        && crate::wire::events(&last.encoded).last().is_some_and(|event| event.id + 1 == first.id)
    {
        last.encoded.extend_from_slice(bytes);
        last.has_more = false;
        return;
    }
    histories.push(Recorded { encoded: bytes.to_owned(), ..Recorded::default() });
}

/// The `raw_history` of a reply as one history; `None` if this is no reply with one.
fn raw_history(bytes: &[u8]) -> Option<Vec<u8>> {
    let (number, ..) = Message(bytes).split_first()?;
    let events: Vec<u8> = Message(bytes).all(RAW_HISTORY).flat_map(|blob| blob.message(BLOB_DATA).0).copied().collect();
    (number == RAW_HISTORY && depth(&events) == Some(1)).then_some(events)
}

/// Messages that each stand after their length.
fn delimited(bytes: &[u8], histories: &mut Vec<Recorded>) -> Result<(), Unreadable> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let is_first = at == 0;
        let damaged = || if is_first { Unreadable::new(NOTHING) } else { cut_off(at) };
        let (length, after) = varint(rest).ok_or_else(damaged)?;
        let start = bytes.len() - after.len();
        let depth = depth(after).ok_or_else(damaged)?;
        let length = usize::try_from(length).map_err(|_| damaged())?;
        let (message, after) = after.split_at_checked(length).ok_or_else(|| cut_off(bytes.len()))?;
        take(message, depth, start, histories)?;
        rest = after;
    }
    Ok(())
}
