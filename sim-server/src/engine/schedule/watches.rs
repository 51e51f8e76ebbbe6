//! Who waits for which chain of runs to close.

use std::collections::BTreeMap;

use crate::engine::kernel::key::ScheduleKey;

/// The schedules that wait, by the run id of the first run of the chain. A chain has one: it is started by one schedule.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    by_first_run_id: BTreeMap<String, ScheduleKey>,
}

impl Watches {
    pub(crate) fn add(&mut self, first_run_id: &str, schedule: ScheduleKey) {
        self.by_first_run_id.insert(first_run_id.to_owned(), schedule);
    }

    /// Who waits for this chain. Nobody does any more.
    pub(crate) fn take(&mut self, first_run_id: &str) -> Option<ScheduleKey> {
        self.by_first_run_id.remove(first_run_id)
    }
}
