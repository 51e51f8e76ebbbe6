//! What every kind of execution is to the engine: a state machine with timers, holds on time, and a row of what it is found by.

use std::collections::BTreeMap;

use super::transact::Cx;
use crate::{
    engine::kernel::{
        key::{NamespaceId, StoreKey},
        time::Time,
    },
    proto::{common::Payload, enums::WorkflowExecutionStatus},
};

/// An execution of some kind. It changes in transactions only, and knows no other machine.
pub(crate) trait Machine {
    /// What it is called in the store.
    type Key: StoreKey;
    /// What can fall due on it.
    type Due: Copy;

    /// All that falls due on it at one instant, in order.
    fn fall_due(&mut self, cx: &mut Cx<'_>, due: &[Self::Due]);

    /// What every transaction entails, whatever else it did.
    fn end_transaction(&mut self, cx: &mut Cx<'_>);

    /// How much of it is in flight: while somebody works on it or is expected to, time does not skip.
    fn holds(&self) -> i64;

    /// Whether it is open.
    fn is_running(&self) -> bool;

    /// What it is found and listed by.
    fn row(&self) -> Row<'_>;

    /// Another number after each change of what the machine is found by.
    fn row_revision(&self) -> u32;
}

/// What an execution is found and listed by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) namespace: NamespaceId,
    /// Its business id: the workflow id.
    pub(crate) id: &'a str,
    pub(crate) run_id: &'a str,
    pub(crate) type_name: &'a str,
    pub(crate) task_queue: &'a str,
    pub(crate) status: WorkflowExecutionStatus,
    pub(crate) start_time: Time,
    /// When its first work was due.
    pub(crate) execution_time: Time,
    pub(crate) close_time: Option<Time>,
    /// Workflow id and run id of the one that started it.
    pub(crate) parent: Option<(&'a str, &'a str)>,
    /// Workflow id and run id at the root of its tree.
    pub(crate) root: (&'a str, &'a str),
    pub(crate) history_length: i64,
    pub(crate) history_size_bytes: i64,
    pub(crate) transition_count: i64,
    pub(crate) memo: &'a BTreeMap<String, Payload>,
    pub(crate) search_attributes: &'a BTreeMap<String, Payload>,
}
