//! A history as JSON, in its two forms: the canonical proto JSON, which the `temporal` CLI prints and the Web UI and the replayers of
//! the SDKs load; and the form of the Rust SDK (1.1), whose replayer loads no other.

use std::sync::OnceLock;

use foretime_server::proto::DESCRIPTORS;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;
use temporalio_common::protos::temporal::api::history::v1::History;

/// The canonical form of encoded events; `None` if they are none.
pub(super) fn canonical(encoded: &[u8]) -> Option<Value> {
    let message = DynamicMessage::decode(descriptor()?, encoded).ok()?;
    serde_json::to_value(message).ok()
}

/// The Rust SDK's form of a history in the canonical one.
///
/// # Errors
/// It is not one.
pub(super) fn of_rust_sdk(canonical: &Value) -> Result<Value, String> {
    let descriptor = descriptor().ok_or("the descriptors of the API are not whole")?;
    let message = DynamicMessage::deserialize(descriptor, canonical).map_err(|error| error.to_string())?;
    let history = History::decode(message.encode_to_vec().as_slice()).map_err(|error| error.to_string())?;
    serde_json::to_value(&history).map_err(|error| error.to_string())
}

fn descriptor() -> Option<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).ok()).as_ref()?;
    pool.get_message_by_name("temporal.api.history.v1.History")
}
