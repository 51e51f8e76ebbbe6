//! The descriptors of histories, decoded once. Those of the whole API would take twice as long.

use std::{collections::BTreeSet, sync::OnceLock};

<<<<<<< HEAD
use foretime_server::proto::{DESCRIPTORS, history::History};
use prost::Name;
=======
use foretime_server::proto::DESCRIPTORS;
use prost::Message;
>>>>>>> h1
use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::FileDescriptorSet;

/// The file that has histories.
const FILE: &str = "temporal/api/history/v1/message.proto";

/// The descriptor of a `History`; `None` if those that we are built with are not whole.
pub(crate) fn history() -> Option<MessageDescriptor> {
    of::<History>()
}

/// The descriptor of a message; `None` as above.
pub(crate) fn of<M: Name>() -> Option<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
<<<<<<< HEAD
    let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).ok()).as_ref()?;
    pool.get_message_by_name(&M::full_name())
=======
    POOL.get_or_init(pool).as_ref()?.get_message_by_name("temporal.api.history.v1.History")
}

fn pool() -> Option<DescriptorPool> {
    let mut all = FileDescriptorSet::decode(DESCRIPTORS).ok()?;
    let mut wanted = BTreeSet::new();
    let mut open = vec![FILE.to_owned()];
    while let Some(name) = open.pop() {
        let file = all.file.iter().find(|file| file.name() == name)?;
        if wanted.insert(name) {
            open.extend(file.dependency.iter().cloned());
        }
    }
    all.file.retain(|file| wanted.contains(file.name()));
    DescriptorPool::from_file_descriptor_set(all).ok()
>>>>>>> h1
}
