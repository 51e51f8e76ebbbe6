//! Search attributes that the server itself writes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    super::{limits::SEARCH_ATTRIBUTE_MAX_BYTES, names},
    METADATA_TYPE,
};
use crate::proto::{
    common::Payload,
    enums::IndexedValueType::{self, Bool, Datetime, Int, Keyword, KeywordList},
};

/// The values of a search attribute of the type KeywordList.
pub(crate) fn keywords(attributes: &BTreeMap<String, Payload>, name: &str) -> Vec<String> {
    let present = attributes.get(name).and_then(|payload| serde_json::from_slice(&payload.data).ok());
    present.unwrap_or_default()
}

/// Sets a search attribute of the type KeywordList, whatever its size.
pub(crate) fn set_keywords(attributes: &mut BTreeMap<String, Payload>, name: &str, values: &[String]) {
    set(attributes, name, KeywordList, values.into());
}

/// Sets a search attribute of the type KeywordList. If it gets too large, it loses the oldest values behind the first, which
/// stays (`saveBuildIds`).
pub(crate) fn set_newest_keywords(attributes: &mut BTreeMap<String, Payload>, name: &str, mut values: Vec<String>) {
    set_keywords(attributes, name, &values);
    while values.len() > 1 && attributes.get(name).is_some_and(|payload| payload.data.len() > SEARCH_ATTRIBUTE_MAX_BYTES) {
        values.remove(1);
        set_keywords(attributes, name, &values);
    }
}

/// Sets a search attribute of the type Keyword, or takes it away if it is empty.
pub(crate) fn set_keyword(attributes: &mut BTreeMap<String, Payload>, name: &str, value: &str) {
    if value.is_empty() {
        attributes.remove(name);
    } else {
        set(attributes, name, Keyword, value.into());
    }
}

/// A value of the type Keyword.
pub(crate) fn keyword(value: &str) -> Payload {
    payload(Keyword, Value::from(value).to_string())
}

/// Sets a search attribute of the type Bool.
pub(crate) fn set_bool(attributes: &mut BTreeMap<String, Payload>, name: &str, value: bool) {
    set(attributes, name, Bool, value.into());
}

/// Sets a search attribute of the type Int.
pub(crate) fn set_int(attributes: &mut BTreeMap<String, Payload>, name: &str, value: i64) {
    set(attributes, name, Int, value.into());
}

/// Sets a search attribute of the type Datetime, as RFC 3339 has it.
pub(crate) fn set_datetime(attributes: &mut BTreeMap<String, Payload>, name: &str, value: &str) {
    set(attributes, name, Datetime, value.into());
}

fn set(attributes: &mut BTreeMap<String, Payload>, name: &str, of: IndexedValueType, value: Value) {
    attributes.insert(name.to_owned(), payload(of, value.to_string()));
}

/// A value in JSON, of this type.
pub(crate) fn payload(of: IndexedValueType, json: String) -> Payload {
    let value_type = names::indexed_value(of as i32);
    let metadata = [("encoding", "json/plain"), (METADATA_TYPE, &value_type)];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).into();
    Payload { metadata, data: json.into_bytes(), ..Payload::default() }
}
