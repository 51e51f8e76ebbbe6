//! How long closed executions are kept: for the retention of their namespace, in real time. Virtual time is cheap, and a test that
//! skips a year wants to see what it has done.

use std::{collections::BTreeSet, time::Duration};

use super::{machine::Machine, store::Store};
use crate::engine::kernel::{key::StoreKey, time::Time};

/// The closed executions of one kind, by when (wall) they are to be deleted.
#[derive(Debug)]
pub(crate) struct Retention<K> {
    /// If not, they stay for the life of the server.
    is_on: bool,
    expiring: BTreeSet<(Time, K)>,
}

impl<K: StoreKey> Retention<K> {
    pub(crate) fn new(is_on: bool) -> Self {
        Self { is_on, expiring: BTreeSet::new() }
    }

    /// An execution has closed. What the namespace's retention is at that time counts, also if it is changed later.
    pub(crate) fn closed<M: Machine<Key = K>>(&mut self, store: &mut Store<M>, key: K, retention: Duration, wall: Time) {
        if !self.is_on {
            return;
        }
        let expires_at = wall + retention;
        store.stored_mut(key).expires_at = Some(expires_at);
        self.expiring.insert((expires_at, key));
    }

    /// Removes an execution, whatever it waited for.
    pub(crate) fn remove<M: Machine<Key = K>>(&mut self, store: &mut Store<M>, key: K) -> Option<M> {
        if let Some(expires_at) = store.stored_mut(key).expires_at {
            self.expiring.remove(&(expires_at, key));
        }
        store.remove(key)
    }

    /// When (wall) the next one expires.
    pub(crate) fn next(&self) -> Option<Time> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// The next one that has expired at `wall`.
    pub(crate) fn next_expired(&self, wall: Time) -> Option<K> {
        self.expiring.first().filter(|(at, _)| *at <= wall).map(|(_, key)| *key)
    }
}
