//! Transactions: the only way in which a machine changes. A transaction makes events, timers, tasks and effects. Effects on
//! other machines are carried out after it.

use super::{machine::Machine, store::Stored};
use crate::engine::{
    kernel::{due::Due, effects::Effects, ids::Ids, time::Time, timers::Timers},
    matching::queues::Matching,
    rules::{limits::Limits, switches::Switches},
    skipping::Skipping,
};

/// What a transition may touch besides its machine.
#[derive(Debug)]
pub(crate) struct Cx<'a> {
    /// Virtual now.
    pub(crate) now: Time,
    /// Wall now.
    pub(crate) wall: Time,
    pub(crate) ids: &'a mut Ids,
    pub(crate) timers: &'a mut Timers<Due>,
    pub(crate) matching: &'a mut Matching,
    pub(crate) effects: &'a mut Effects,
    pub(crate) skipping: &'a mut Skipping,
    pub(crate) limits: &'a Limits,
    pub(crate) switches: &'a Switches,
    /// Each workflow task comes with its whole history.
    pub(crate) replays_always: bool,
}

/// One transaction on one machine: the change, then what every change entails. Gives what the change gives, and by how much the
/// machine's holds on time changed.
pub(crate) fn transact<M: Machine, T>(
    stored: &mut Stored<M>,
    cx: &mut Cx<'_>,
    change: impl FnOnce(&mut M, &mut Cx<'_>) -> T,
) -> (T, i64) {
    let outcome = change(&mut stored.machine, cx);
    stored.machine.end_transaction(cx);
    let holds = if stored.machine.is_running() { stored.machine.holds() } else { 0 };
    let held_before = std::mem::replace(&mut stored.holds, holds);
    (outcome, holds - held_before)
}
