//! The batch operations of all namespaces.

use std::collections::{BTreeMap, VecDeque};

use super::job::Job;
use crate::engine::kernel::key::{BatchKey, NamespaceId};

/// All batch operations, open and over.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    all: Vec<Job>,
    by_id: BTreeMap<(NamespaceId, String), BatchKey>,
    /// Those whose next step is due, in that order.
    due: VecDeque<BatchKey>,
}

impl Jobs {
    /// Keeps a new job. Its id is not taken.
    pub(super) fn insert(&mut self, job: Job) -> BatchKey {
        let key = self.next_key();
        self.by_id.insert((job.namespace, job.id().to_owned()), key);
        self.all.push(job);
        key
    }

    /// The job's next step is due. It is done once all else is at rest, since it may delete what effects and timers still name.
    pub(crate) fn falls_due(&mut self, key: BatchKey) {
        self.due.push_back(key);
    }

    /// Takes the job whose step is done next.
    pub(crate) fn take_due(&mut self) -> Option<BatchKey> {
        self.due.pop_front()
    }

    /// The key that the next job will have.
    pub(super) fn next_key(&self) -> BatchKey {
        BatchKey(self.all.len() as u32)
    }

    pub(crate) fn get(&self, key: BatchKey) -> &Job {
        &self.all[key.0 as usize]
    }

    pub(super) fn get_mut(&mut self, key: BatchKey) -> &mut Job {
        &mut self.all[key.0 as usize]
    }

    pub(super) fn find(&self, namespace: NamespaceId, job_id: &str) -> Option<BatchKey> {
        self.by_id.get(&(namespace, job_id.to_owned())).copied()
    }

    /// The jobs of a namespace, in the order in which they began.
    pub(super) fn of(&self, namespace: NamespaceId) -> impl Iterator<Item = &Job> {
        self.all.iter().filter(move |job| job.namespace == namespace)
    }

    /// How many jobs are open.
    pub(crate) fn open_count(&self) -> usize {
        self.all.iter().filter(|job| job.is_open()).count()
    }

    /// The open jobs of a namespace.
    pub(crate) fn open_in(&self, namespace: NamespaceId) -> Vec<BatchKey> {
        let jobs = (0..).map(BatchKey).zip(&self.all);
        jobs.filter(|(_, job)| job.namespace == namespace && job.is_open()).map(|(key, _)| key).collect()
    }
}
