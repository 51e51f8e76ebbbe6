//! The descriptors of the Temporal API, decoded once.

use std::sync::OnceLock;

use foretime_server::proto::DESCRIPTORS;
use prost_reflect::{DescriptorPool, MessageDescriptor};

/// The descriptor of a `History`; `None` if those that we are built with are not whole.
pub(crate) fn history() -> Option<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).ok()).as_ref()?;
    pool.get_message_by_name("temporal.api.history.v1.History")
}
