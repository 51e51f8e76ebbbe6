//! Keys: the short names by which the engine's parts know what another part owns.

use super::due::{ActivityDue, Due, RunDue};

/// Index of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NamespaceId(pub(crate) u32);

/// Index of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunKey(pub(crate) u32);

/// Index of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScheduleKey(pub(crate) u32);

/// Index of a batch operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchKey(pub(crate) u32);

/// Index of a machine in the store of its kind.
pub(crate) trait StoreKey: Copy + Ord {
    /// The key of the machine with this index.
    fn of(index: u32) -> Self;
}

impl StoreKey for RunKey {
    fn of(index: u32) -> Self {
        Self(index)
    }
}

impl StoreKey for ScheduleKey {
    fn of(index: u32) -> Self {
        Self(index)
    }
}

/// Index of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorkerId(pub(crate) u32);

/// A client's connection, numbered by whoever carries its calls, in the order in which they came. 0 is for calls of our own, which
/// have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(pub u64);

/// Names a machine, of whatever kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Run(RunKey),
    Schedule(ScheduleKey),
}

/// Names a machine that can have activities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ActivityOwner {
    Run(RunKey),
}

/// Names an activity: its owner, and which of the owner's activities it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ActivityKey {
    pub(crate) owner: ActivityOwner,
    /// The id of its scheduled event.
    pub(crate) scheduled_event_id: i64,
}

impl ActivityKey {
    /// What falls due on the activity, as an entry of its domain's timers.
    pub(crate) fn due(self, what: ActivityDue) -> Due {
        match self.owner {
            ActivityOwner::Run(run) => Due::Run(run, RunDue::Activity(self.scheduled_event_id, what)),
        }
    }
}
