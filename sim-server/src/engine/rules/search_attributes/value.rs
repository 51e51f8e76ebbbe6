//! The value of a search attribute, as the JSON that SDKs write (`common/searchattribute/sadefs/encode_value.go`).

use serde_json::Value;

use crate::{
    engine::rules::{instants::Instant, names},
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
    let Some(value) = decode(payload, value_type) else { return false };
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
        IndexedValueType::Datetime => value.as_str().is_some_and(|text| Instant::read(text).is_some()),
        IndexedValueType::KeywordList | IndexedValueType::Unspecified => false,
    }
}

/// The value for a message, as Go prints what the payload holds; of a payload that the server cannot read, the payload.
pub(super) fn text(payload: &Payload) -> String {
    if payload.metadata.get(ENCODING).is_some_and(|encoding| encoding == BYTES) {
        let bytes: Vec<_> = payload.data.iter().map(u8::to_string).collect();
        return format!("[{}]", bytes.join(" "));
    }
    let value = decode(payload, IndexedValueType::Unspecified);
    value.map_or_else(|| format!("value from <{}>", names::payload(payload)), |value| print(&value))
}

/// The JSON that a payload has, where a value of this type is wanted; `None` if it has none.
pub(crate) fn decode(payload: &Payload, value_type: IndexedValueType) -> Option<Value> {
    if payload.metadata.get(ENCODING).is_none_or(|encoding| encoding != JSON) {
        return None;
    }
    // In Go, that is the integer 0.
    if value_type == IndexedValueType::Int && payload.data.trim_ascii() == b"-0" {
        return Some(Value::from(0));
    }
    serde_json::from_slice(&payload.data).ok()
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
