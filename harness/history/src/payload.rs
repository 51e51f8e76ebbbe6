//! Payloads: whether two differ, and what they say to people.

use prost_reflect::{DynamicMessage, MapKey, Value};

/// Only payloads in one of these encodings can be compared: an encrypted one differs each time on purpose.
const COMPARABLE: [&[u8]; 5] = [b"json/plain", b"json/protobuf", b"binary/plain", b"binary/protobuf", b"binary/null"];
/// Longer ones are cut for people.
const SHOWN_CHARS_MAX: usize = 200;

/// Whether two `Payload` messages certainly differ.
pub(crate) fn differ(one: &DynamicMessage, other: &DynamicMessage) -> bool {
    let (Some(encoding), Some(other_encoding)) = (comparable(one), comparable(other)) else { return false };
    encoding != other_encoding || data_differs(&encoding, &data(one), &data(other))
}

/// Whether two `Payloads` messages certainly differ.
pub(crate) fn lists_differ(one: &DynamicMessage, other: &DynamicMessage) -> bool {
    let (one, other) = (list(one), list(other));
    one.len() != other.len() || one.iter().zip(&other).any(|(one, other)| differ(one, other))
}

/// Whether the data of two payloads of one encoding differs. The fields of a JSON object have no order.
pub(crate) fn data_differs(encoding: &[u8], one: &[u8], other: &[u8]) -> bool {
    let json = |data: &[u8]| serde_json::from_slice::<serde_json::Value>(data).ok();
    one != other && (!encoding.starts_with(b"json/") || json(one) != json(other))
}

/// What a `Payloads` message says to people.
pub(crate) fn list_shown(payloads: &DynamicMessage) -> String {
    let all = list(payloads);
    if all.is_empty() {
        return "nothing".to_owned();
    }
    all.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// What a `Payload` message says to people: its data, if that is text.
pub(crate) fn shown(payload: &DynamicMessage) -> String {
    let encoding = encoding(payload).unwrap_or_default();
    let data = data(payload);
    if encoding == b"binary/null" {
        return "null".to_owned();
    }
    match String::from_utf8(data) {
        Ok(text) if COMPARABLE.contains(&&encoding[..]) && !encoding.starts_with(b"binary/") => {
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

fn comparable(payload: &DynamicMessage) -> Option<Vec<u8>> {
    encoding(payload).filter(|encoding| is_comparable(encoding))
}

fn encoding(payload: &DynamicMessage) -> Option<Vec<u8>> {
    let metadata = payload.get_field_by_name("metadata")?;
    metadata.as_map()?.get(&MapKey::String("encoding".to_owned()))?.as_bytes().map(|bytes| bytes.to_vec())
}

fn data(payload: &DynamicMessage) -> Vec<u8> {
    payload.get_field_by_name("data").and_then(|data| data.as_bytes().map(|bytes| bytes.to_vec())).unwrap_or_default()
}
