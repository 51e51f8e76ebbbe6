//! The value of a search attribute, as the JSON that SDKs write (`common/searchattribute/sadefs/encode_value.go`).

use serde_json::Value;

use crate::{
    engine::rules::names,
    proto::{common::Payload, enums::IndexedValueType},
};

const ENCODING: &str = "encoding";
const JSON: &[u8] = b"json/plain";
const NULL: &[u8] = b"binary/null";
const BYTES: &[u8] = b"binary/plain";

/// Whether the payload holds a value of this type, a list with one such value, or nothing. Only `KeywordList` may have longer
/// lists (measured on 1.32.0, where `system.visibilityAllowList` is off).
pub(super) fn has_type(payload: &Payload, value_type: IndexedValueType) -> bool {
    if payload.metadata.get(ENCODING).is_some_and(|encoding| encoding == NULL) {
        return true;
    }
    let Some(value) = decode(payload) else { return false };
    match (value_type, &value) {
        (_, Value::Null) => true,
        (IndexedValueType::KeywordList, Value::Array(items)) => {
            let strings = |items: &[Value]| items.iter().all(|item| item.is_null() || item.is_string());
            // A list of one list passes, as on the real server.
            strings(items) || matches!(items.as_slice(), [Value::Array(inner)] if strings(inner))
        }
        (_, Value::Array(items)) => match items.as_slice() {
            [] => true,
            [item] => item.is_null() || is(item, value_type),
            _ => false,
        },
        _ => is(&value, value_type),
    }
}

fn is(value: &Value, value_type: IndexedValueType) -> bool {
    match value_type {
        IndexedValueType::Bool => value.is_boolean(),
        IndexedValueType::Int => value.is_i64(),
        IndexedValueType::Double => value.is_number(),
        IndexedValueType::Keyword | IndexedValueType::Text => value.is_string(),
        IndexedValueType::Datetime => value.as_str().is_some_and(is_rfc3339),
        IndexedValueType::KeywordList | IndexedValueType::Unspecified => false,
    }
}

/// As strict as Go: `2006-01-02T15:04:05`, optionally a fraction, then `Z` or `+07:00`.
fn is_rfc3339(text: &str) -> bool {
    let Some((moment, rest)) = text.split_at_checked("2006-01-02T15:04:05".len()) else { return false };
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => rest,
    };
    has_shape(moment, "0000-00-00T00:00:00")
        && !moment.ends_with("60")
        && moment.parse::<jiff::civil::DateTime>().is_ok()
        && is_zone(zone)
}

fn is_zone(zone: &str) -> bool {
    zone == "Z" || (has_shape(&zone.replacen('-', "+", 1), "+00:00") && zone[1..3] < *"24" && zone[4..] < *"60")
}

/// In `shape`, `0` stands for any digit and every other character for itself.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, expected): (u8, u8)| if expected == b'0' { byte.is_ascii_digit() } else { byte == expected };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

/// The value for a message, as Go prints a decoded JSON value, bytes, or a message that it cannot read.
pub(super) fn text(payload: &Payload) -> String {
    if payload.metadata.get(ENCODING).is_some_and(|encoding| encoding == BYTES) {
        let bytes: Vec<_> = payload.data.iter().map(ToString::to_string).collect();
        return format!("[{}]", bytes.join(" "));
    }
    decode(payload).map_or_else(|| format!("value from <{}>", names::payload(payload)), |value| print(&value))
}

/// The JSON that a payload has; `None` if it has none.
pub(crate) fn decode(payload: &Payload) -> Option<Value> {
    let is_json = payload.metadata.get(ENCODING).is_some_and(|encoding| encoding == JSON);
    is_json.then(|| serde_json::from_slice(&payload.data).ok())?
}

fn print(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), names::float),
        Value::String(value) => value.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(print).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut parts: Vec<_> = fields.iter().map(|(key, value)| format!("{key}:{}", print(value))).collect();
            parts.sort_unstable();
            format!("map[{}]", parts.join(" "))
        }
    }
}
