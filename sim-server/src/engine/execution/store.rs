//! The store of machines: by key, by run id, and the current one of each business id.

use std::collections::BTreeMap;

use super::machine::{Machine, Row};
use crate::engine::kernel::{
    error::{Error, Result},
    key::{NamespaceId, StoreKey},
    time::Time,
};

/// A machine, and what the engine keeps of it.
#[derive(Debug)]
pub(crate) struct Stored<M> {
    pub(super) machine: M,
    /// What it adds to the clock's holds, as of its last transaction.
    pub(super) holds: i64,
    /// When (wall) it is to be deleted, if that is known.
    pub(super) expires_at: Option<Time>,
}

/// All machines of one kind, open and closed.
#[derive(Debug)]
pub(crate) struct Store<M: Machine> {
    /// In the order in which they began, which is that of their keys. Boxed: a machine is large, and a tree that grows moves what is
    /// in it. A key is never given out again, and nothing is left of one whose machine is removed.
    all: BTreeMap<M::Key, Box<Stored<M>>>,
    next_key: u32,
    current: BTreeMap<NamespaceId, BTreeMap<String, M::Key>>,
    by_run_id: BTreeMap<String, M::Key>,
}

impl<M: Machine> Default for Store<M> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), next_key: 0, current: BTreeMap::new(), by_run_id: BTreeMap::new() }
    }
}

impl<M: Machine> Store<M> {
    /// The key that the next machine will get.
    pub(crate) fn next_key(&self) -> M::Key {
        M::Key::of(self.next_key)
    }

    /// Stores a new machine; it becomes the current one of its business id.
    pub(crate) fn insert(&mut self, machine: M) -> M::Key {
        let key = self.next_key();
        self.next_key += 1;
        let Row { namespace, id, run_id, .. } = machine.row();
        self.current.entry(namespace).or_default().insert(id.to_owned(), key);
        self.by_run_id.insert(run_id.to_owned(), key);
        self.all.insert(key, Box::new(Stored { machine, holds: 0, expires_at: None }));
        key
    }

    /// Removes a machine. Its business id is free if it was the current one, though older ones may be left.
    pub(crate) fn remove(&mut self, key: M::Key) -> Option<M> {
        let stored = self.all.remove(&key)?;
        let Row { namespace, id, run_id, .. } = stored.machine.row();
        self.by_run_id.remove(run_id);
        if let Some(ids) = self.current.get_mut(&namespace)
            && ids.get(id) == Some(&key)
        {
            ids.remove(id);
        }
        Some(stored.machine)
    }

    pub(crate) fn contains(&self, key: M::Key) -> bool {
        self.all.contains_key(&key)
    }

    /// The machine of a key that nobody has removed.
    pub(crate) fn get(&self, key: M::Key) -> &M {
        &self.all[&key].machine
    }

    /// For a transaction, which alone may change a machine, and for what is kept besides it.
    pub(crate) fn stored_mut(&mut self, key: M::Key) -> &mut Stored<M> {
        self.all.get_mut(&key).expect("nobody names a machine that is removed")
    }

    /// All machines, in the order in which they began.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &M> {
        self.all.values().map(|stored| &stored.machine)
    }

    /// The keys of all machines of a namespace, in the order in which they began.
    pub(crate) fn keys_in(&self, namespace: NamespaceId) -> Vec<M::Key> {
        let of_namespace = self.all.iter().filter(|(_, stored)| stored.machine.row().namespace == namespace);
        of_namespace.map(|(key, _)| *key).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The current machine of a business id.
    pub(crate) fn current(&self, namespace: NamespaceId, id: &str) -> Option<M::Key> {
        self.current.get(&namespace)?.get(id).copied()
    }

    pub(crate) fn find_by_run_id(&self, run_id: &str) -> Option<M::Key> {
        self.by_run_id.get(run_id).copied()
    }

    /// The machine with this index, if it is the one with this run id: an index of another server names another.
    pub(crate) fn checked(&self, index: u32, run_id: &str) -> Option<M::Key> {
        let key = M::Key::of(index);
        let stored = self.all.get(&key)?;
        (stored.machine.row().run_id == run_id).then_some(key)
    }

    /// The named machine, or the current one if `run_id` is empty.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(crate) fn find(&self, namespace: NamespaceId, id: &str, run_id: &str) -> Result<M::Key> {
        if run_id.is_empty() {
            return self.current(namespace, id).ok_or_else(|| Error::not_found(format!("workflow not found for ID: {id}")));
        }
        let is_it = |key: &M::Key| {
            let row = self.get(*key).row();
            row.namespace == namespace && row.id == id
        };
        self.find_by_run_id(run_id).filter(is_it).ok_or_else(|| no_such_run(id, run_id))
    }
}

/// The error for a run that is not there, or not there any more.
pub(crate) fn no_such_run(id: &str, run_id: &str) -> Error {
    Error::not_found(format!("workflow execution not found for workflow ID \"{id}\" and run ID \"{run_id}\""))
}
