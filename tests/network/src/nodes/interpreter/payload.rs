//! Reads payloads of the simulation: each is one JSON value, as [`json`](crate::nodes::requests::json) writes it.

use foretime_server::proto::common::Payloads;
use serde::de::DeserializeOwned;

/// The data of the one payload; empty if there is none.
pub fn data(payloads: Option<&Payloads>) -> &[u8] {
    payloads.and_then(|all| all.payloads.first()).map_or(&[], |payload| &payload.data)
}

/// The value of the one payload; `None` if it is not such a value.
pub fn value<T: DeserializeOwned>(payloads: Option<&Payloads>) -> Option<T> {
    serde_json::from_slice(data(payloads)).ok()
}

/// The text of the one payload. What is not a JSON string is given as it is, for people.
pub fn text(payloads: Option<&Payloads>) -> String {
    value(payloads).unwrap_or_else(|| String::from_utf8_lossy(data(payloads)).into_owned())
}
