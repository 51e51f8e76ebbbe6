//! The descriptors of the Temporal API, decoded once.

use std::sync::OnceLock;

use foretime_server::proto::{DESCRIPTORS, history::History};
use prost::Name;
use prost_reflect::{DescriptorPool, MessageDescriptor};

/// The descriptor of a `History`; `None` if those that we are built with are not whole.
pub(crate) fn history() -> Option<MessageDescriptor> {
    of::<History>()
}

/// The descriptor of a message; `None` as above.
pub(crate) fn of<M: Name>() -> Option<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).ok()).as_ref()?;
    pool.get_message_by_name(&M::full_name())
}
