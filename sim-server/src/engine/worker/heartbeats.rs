//! The last heartbeat of each worker (`service/matching/workers/registry_impl.go`).

use std::{collections::BTreeMap, time::Duration};

use crate::{
    engine::kernel::{key::NamespaceId, time::Time},
    proto::{enums::WorkerStatus, worker::WorkerHeartbeat},
};

/// How long (wall) a worker counts that says nothing more: `matching.workerRegistryEntryTTL`.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The workers that tell of themselves, by their instance keys.
#[derive(Debug, Default)]
pub(crate) struct Heartbeats {
    of: BTreeMap<NamespaceId, BTreeMap<String, Told>>,
}

#[derive(Debug)]
struct Told {
    /// Wall time.
    at: Time,
    heartbeat: WorkerHeartbeat,
}

impl Heartbeats {
    /// Workers tell of themselves. One that has shut down is forgotten, as are those that have said nothing for long.
    pub(crate) fn record(&mut self, namespace: NamespaceId, wall: Time, heartbeats: Vec<WorkerHeartbeat>) {
        for workers in self.of.values_mut() {
            workers.retain(|_, told| told.counts_at(wall));
        }
        let workers = self.of.entry(namespace).or_default();
        for heartbeat in heartbeats {
            let key = heartbeat.worker_instance_key.clone();
            if heartbeat.status() == WorkerStatus::Shutdown {
                workers.remove(&key);
            } else {
                workers.insert(key, Told { at: wall, heartbeat });
            }
        }
    }

    /// The workers of a namespace, by their instance keys.
    pub(crate) fn of(&self, namespace: NamespaceId, wall: Time) -> impl Iterator<Item = &WorkerHeartbeat> {
        let all = self.of.get(&namespace).into_iter().flatten().map(|(_, told)| told);
        all.filter(move |told| told.counts_at(wall)).map(|told| &told.heartbeat)
    }

    /// One worker.
    pub(crate) fn get(&self, namespace: NamespaceId, wall: Time, worker_instance_key: &str) -> Option<&WorkerHeartbeat> {
        let told = self.of.get(&namespace)?.get(worker_instance_key)?;
        told.counts_at(wall).then_some(&told.heartbeat)
    }
}

impl Told {
    fn counts_at(&self, wall: Time) -> bool {
        wall.since(self.at) <= PATIENCE
    }
}
