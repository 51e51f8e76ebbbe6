//! Payloads: whether two differ, and what they say to people.

use prost_reflect::{DynamicMessage, MapKey, Value};

/// What people are told of payloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    /// Their data, if that is text.
    #[default]
    Contents,
    /// How long they are and how they are encoded, and the same of other text that people or code have written.
    Sizes,
}

/// Only payloads in one of these encodings can be compared: an encrypted one differs each time on purpose.
const COMPARABLE: [&[u8]; 5] = [b"json/plain", b"json/protobuf", b"binary/plain", b"binary/protobuf", b"binary/null"];
/// Longer ones are cut for people.
const SHOWN_CHARS_MAX: usize = 2000;

/// What comes of comparing payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Comparison {
    Same,
    /// They may be the same or not: only their codec could tell.
    Unknown,
    Different,
}

/// Compares two `Payload` messages.
pub(crate) fn compare(one: &DynamicMessage, other: &DynamicMessage) -> Comparison {
    let (data, other_data) = (data(one), data(other));
    let is_different = match (encoding(one), encoding(other)) {
        (encoding, other_encoding) if encoding == other_encoding && data == other_data => false,
        (Some(encoding), Some(other_encoding)) if is_comparable(&encoding) && is_comparable(&other_encoding) => {
            encoding != other_encoding || data_differs(&encoding, &data, &other_data)
        }
        _ => return Comparison::Unknown,
    };
    if is_different { Comparison::Different } else { Comparison::Same }
}

/// Compares two `Payloads` messages.
pub(crate) fn compare_lists(one: &DynamicMessage, other: &DynamicMessage) -> Comparison {
    let (one, other) = (list(one), list(other));
    if one.len() != other.len() {
        return Comparison::Different;
    }
    one.iter().zip(&other).map(|(one, other)| compare(one, other)).max().unwrap_or(Comparison::Same)
}

/// Whether the data of two payloads of one encoding differs. The fields of a JSON object have no order.
pub(crate) fn data_differs(encoding: &[u8], one: &[u8], other: &[u8]) -> bool {
    let json = |data: &[u8]| serde_json::from_slice::<serde_json::Value>(data).ok();
    one != other && (!encoding.starts_with(b"json/") || json(one) != json(other))
}

/// What a `Payloads` message says to people.
pub(crate) fn list_shown(payloads: &DynamicMessage, telling: Telling) -> String {
    let all = list(payloads);
    if all.is_empty() {
        return "nothing".to_owned();
    }
    all.iter().map(|payload| shown(payload, telling)).collect::<Vec<_>>().join(", ")
}

/// What a `Payload` message says to people.
pub(crate) fn shown(payload: &DynamicMessage, telling: Telling) -> String {
    let encoding = encoding(payload).unwrap_or_default();
    let data = data(payload);
    if encoding == b"binary/null" {
        return "null".to_owned();
    }
    match String::from_utf8(data) {
        Ok(text)
            if telling == Telling::Contents && COMPARABLE.contains(&&encoding[..]) && !encoding.starts_with(b"binary/") =>
        {
            text.chars().take(SHOWN_CHARS_MAX).collect()
        }
        text => {
            let length = text.as_ref().map_or_else(|error| error.as_bytes().len(), String::len);
            format!("{length} bytes of {}", String::from_utf8_lossy(&encoding))
        }
    }
}

fn list(payloads: &DynamicMessage) -> Vec<DynamicMessage> {
    let list = payloads.get_field_by_name("payloads");
    let list = list.as_deref().and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(|payload| payload.as_message().cloned()).collect()
}

/// The encoding of a payload, if payloads of it can be compared.
pub(crate) fn is_comparable(encoding: &[u8]) -> bool {
    COMPARABLE.contains(&encoding)
}

/// Whether only its codec can read it. A payload without an encoding is no payload of an SDK.
pub(crate) fn needs_codec(payload: &DynamicMessage) -> bool {
    encoding(payload).is_some_and(|encoding| !is_comparable(&encoding))
}

pub(crate) fn encoding(payload: &DynamicMessage) -> Option<Vec<u8>> {
    let metadata = payload.get_field_by_name("metadata")?;
    metadata.as_map()?.get(&MapKey::String("encoding".to_owned()))?.as_bytes().map(|bytes| bytes.to_vec())
}

pub(crate) fn data(payload: &DynamicMessage) -> Vec<u8> {
    payload.get_field_by_name("data").and_then(|data| data.as_bytes().map(|bytes| bytes.to_vec())).unwrap_or_default()
}
