//! The descriptors of histories and commands, decoded once. Those of the whole API would take twice as long.

use std::{collections::BTreeSet, sync::OnceLock};

use foretime_server::proto::{DESCRIPTORS, history::History};
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::FileDescriptorSet;

/// The files that have histories and commands.
const FILES: [&str; 2] = ["temporal/api/history/v1/message.proto", "temporal/api/command/v1/message.proto"];

/// The descriptor of a `History`; `None` if those that we are built with are not whole.
pub(crate) fn history() -> Option<MessageDescriptor> {
    of::<History>()
}

/// The descriptor of a message in these files; `None` as above.
pub(crate) fn of<M: Name>() -> Option<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    POOL.get_or_init(pool).as_ref()?.get_message_by_name(&M::full_name())
}

/// The descriptor of any message of the API; `None` as above. The first call takes as long as all others do not.
pub(crate) fn of_any<M: Name>() -> Option<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    of::<M>().or_else(|| {
        let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).ok());
        pool.as_ref()?.get_message_by_name(&M::full_name())
    })
}

fn pool() -> Option<DescriptorPool> {
    let mut all = FileDescriptorSet::decode(DESCRIPTORS).ok()?;
    let mut wanted = BTreeSet::new();
    let mut open: Vec<String> = FILES.map(str::to_owned).into();
    while let Some(name) = open.pop() {
        let file = all.file.iter().find(|file| file.name() == name)?;
        if wanted.insert(name) {
            open.extend(file.dependency.iter().cloned());
        }
    }
    all.file.retain(|file| wanted.contains(file.name()));
    DescriptorPool::from_file_descriptor_set(all).ok()
}
