//! The store of runs: by index, by run id, and the current run of each workflow id.

use std::collections::BTreeMap;

use super::{
    error::{Error, Result},
    namespace::NamespaceId,
    workflow::Run,
};

/// Index of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunKey(pub(crate) u32);

/// All runs of a server, open and closed.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    #[expect(clippy::vec_box, reason = "a run is large, and a list that grows copies what is in it")]
    all: Vec<Box<Run>>,
    current: BTreeMap<(NamespaceId, String), RunKey>,
    by_run_id: BTreeMap<String, RunKey>,
}

impl Runs {
    /// The key that the next run will get.
    pub(crate) fn next_key(&self) -> RunKey {
        RunKey(self.all.len() as u32)
    }

    /// Stores a new run; it becomes the current one of its workflow id.
    pub(crate) fn insert(&mut self, run: Run) -> RunKey {
        let key = self.next_key();
        self.current.insert((run.namespace, run.workflow_id.clone()), key);
        self.by_run_id.insert(run.run_id.clone(), key);
        self.all.push(Box::new(run));
        key
    }

    pub(crate) fn get(&self, key: RunKey) -> &Run {
        &self.all[key.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, key: RunKey) -> &mut Run {
        &mut self.all[key.0 as usize]
    }

    /// All runs, in the order in which they began.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.all.iter().map(|run| &**run)
    }

    pub(crate) fn contains(&self, key: RunKey) -> bool {
        (key.0 as usize) < self.all.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The current run of a workflow id.
    pub(crate) fn current(&self, namespace: NamespaceId, workflow_id: &str) -> Option<RunKey> {
        self.current.get(&(namespace, workflow_id.to_owned())).copied()
    }

    pub(crate) fn find_by_run_id(&self, run_id: &str) -> Option<RunKey> {
        self.by_run_id.get(run_id).copied()
    }

    /// The named run, or the current one if `run_id` is empty.
    pub(crate) fn find(&self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Result<RunKey> {
        if run_id.is_empty() {
            return self
                .current(namespace, workflow_id)
                .ok_or_else(|| Error::not_found(format!("workflow not found for ID: {workflow_id}")));
        }
        let matching = |key: &&RunKey| self.get(**key).namespace == namespace && self.get(**key).workflow_id == workflow_id;
        self.by_run_id.get(run_id).filter(matching).copied().ok_or_else(|| {
            Error::not_found(format!("workflow execution not found for workflow ID \"{workflow_id}\" and run ID \"{run_id}\""))
        })
    }
}
