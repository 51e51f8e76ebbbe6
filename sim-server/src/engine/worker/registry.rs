//! Which worker instances have shut down.

use std::collections::BTreeSet;

/// The worker instances that have shut down. A poll of theirs that comes later is answered at once, without a task.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    shut_down: BTreeSet<String>,
}

impl Workers {
    pub(crate) fn shut_down(&mut self, worker_instance_key: &str) {
        self.shut_down.insert(worker_instance_key.to_owned());
    }

    pub(crate) fn has_shut_down(&self, worker_instance_key: &str) -> bool {
        self.shut_down.contains(worker_instance_key)
    }
}
