//! The workers: who polls, on which connection, and who is gone.
//!
//! A worker is known by its instance key, else by its identity, else by its connection. It is gone when the connection on which it
//! last polled has closed. A poll on an older one has come late: the worker has given that up. Which task queues it serves until then,
//! the room of task queues knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::engine::kernel::{
    key::{Connection, WorkerId},
    time::Time,
    timers::{TimerKey, Timers},
};

/// A worker that has lost its connection is back within this (wall), or gone.
const RETURN_GRACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Worker {
    identity: String,
    /// The newest one on which it has polled since it was last connected.
    connection: Connection,
    is_connected: bool,
    is_gone: bool,
    /// When (wall) it counts as gone.
    leaving: Option<TimerKey>,
}

/// All workers that have polled.
#[derive(Debug)]
pub(crate) struct Workers {
    all: Vec<Worker>,
    by_key: BTreeMap<String, WorkerId>,
    of_connection: BTreeMap<Connection, BTreeSet<WorkerId>>,
    /// Those that may be back, until they count as gone.
    leaving: Timers<WorkerId>,
    /// Whether they are waited for at all.
    has_graces: bool,
    /// The worker instances that have shut down. A poll of theirs that comes later is answered at once, without a task.
    shut_down: BTreeSet<String>,
}

impl Workers {
    pub(crate) fn new(has_graces: bool) -> Self {
        Self {
            all: Vec::new(),
            by_key: BTreeMap::new(),
            of_connection: BTreeMap::new(),
            leaving: Timers::default(),
            has_graces,
            shut_down: BTreeSet::new(),
        }
    }

    /// A worker polls. Also tells whether it had been gone.
    pub(crate) fn poll(&mut self, instance_key: &str, identity: &str, connection: Connection) -> (WorkerId, bool) {
        let id = self.known(instance_key, identity, connection);
        let worker = &mut self.all[id.0 as usize];
        let is_late = worker.is_connected && connection < worker.connection;
        worker.is_connected = true;
        let was_gone = std::mem::take(&mut worker.is_gone);
        if let Some(leaving) = worker.leaving.take() {
            self.leaving.cancel(leaving);
        }
        if is_late {
            return (id, was_gone);
        }
        let before = std::mem::replace(&mut worker.connection, connection);
        if before != connection
            && let Some(workers) = self.of_connection.get_mut(&before)
        {
            workers.remove(&id);
        }
        self.of_connection.entry(connection).or_default().insert(id);
        (id, was_gone)
    }

    /// The worker of these names, which is noted if it is new.
    pub(crate) fn known(&mut self, instance_key: &str, identity: &str, connection: Connection) -> WorkerId {
        let key = match (instance_key, identity) {
            ("", "") => format!("connection {}", connection.0),
            ("", identity) => format!("identity {identity}"),
            (instance_key, _) => format!("instance {instance_key}"),
        };
        let next = WorkerId(self.all.len() as u32);
        let id = *self.by_key.entry(key).or_insert(next);
        if id == next {
            self.all.push(Worker {
                identity: identity.to_owned(),
                connection,
                is_connected: true,
                is_gone: false,
                leaving: None,
            });
            self.of_connection.entry(connection).or_default().insert(id);
        }
        id
    }

    /// It counts as gone in a while, unless it polls again.
    fn leave(&mut self, id: WorkerId, wall: Time) {
        let worker = &mut self.all[id.0 as usize];
        if let Some(leaving) = worker.leaving.take() {
            self.leaving.cancel(leaving);
        }
        if self.has_graces {
            worker.leaving = Some(self.leaving.add(wall + RETURN_GRACE, id));
        }
    }

    /// A connection has closed, and its polls are reset.
    pub(crate) fn close_connection(&mut self, connection: Connection, wall: Time) {
        for id in self.of_connection.remove(&connection).unwrap_or_default() {
            self.all[id.0 as usize].is_connected = false;
            self.leave(id, wall);
        }
    }

    /// The wall reached `wall`: who is not back is gone.
    pub(crate) fn tick(&mut self, wall: Time) -> Vec<WorkerId> {
        let mut gone = Vec::new();
        while let Some((_, id)) = self.leaving.pop_due(wall) {
            let worker = &mut self.all[id.0 as usize];
            worker.leaving = None;
            if !worker.is_connected {
                worker.is_gone = true;
                gone.push(id);
            }
        }
        gone
    }

    /// When (wall) [`Self::tick`] has something to do.
    pub(crate) fn next_tick(&self) -> Option<Time> {
        self.leaving.next()
    }

    /// Its identity.
    pub(crate) fn identity(&self, id: WorkerId) -> &str {
        &self.all[id.0 as usize].identity
    }

    /// A worker instance shuts down. Gives the worker, if it has polled.
    pub(crate) fn shut_down(&mut self, instance_key: &str) -> Option<WorkerId> {
        self.shut_down.insert(instance_key.to_owned());
        self.by_key.get(&format!("instance {instance_key}")).copied()
    }

    pub(crate) fn has_shut_down(&self, instance_key: &str) -> bool {
        self.shut_down.contains(instance_key)
    }
}
