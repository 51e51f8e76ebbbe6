//! The simulated processes: the test's body, the workers (life by life) and the replayer.

use std::{sync::Arc, task::Waker};

use foretime_server::engine::time::Time;
use temporalio_sdk::WorkerOptions;

use crate::os::{ProcessId, ThreadId};

/// The name of the process of the test's body, and the identity of its client.
pub(crate) const TEST: &str = "test";

/// Makes the options of a worker; called on each start of worker number n.
pub(crate) type Factory = Arc<dyn Fn(usize) -> Result<WorkerOptions, String> + Send + Sync>;

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Runs the test's body.
    Test,
    /// Runs the worker in this slot.
    Worker(usize),
    /// Replays the histories at the end.
    Replayer,
}

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was killed.
    Crash,
    /// It was asked to stop.
    Shutdown,
    /// It panicked.
    Panic,
    /// It ended by itself; `Some`: with an error.
    Own(Option<String>),
}

/// A task that waits to hear that its process is killed or asked to stop.
pub(super) type Waiter = (ThreadId, Waker);

/// One life of a process.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) role: Role,
    /// As in reports, such as `worker-1`.
    pub(crate) name: String,
    pub(crate) main: ThreadId,
    pub(crate) from_ns: u64,
    pub(crate) ended: Option<(u64, Ending)>,
    /// Which version of the code it runs.
    pub(crate) version: usize,
    /// The task queue that its worker serves. `None` until its options are made.
    pub(crate) task_queue: Option<String>,
    /// It has asked for activity tasks, so its worker has activities.
    pub(crate) takes_activities: bool,
    /// It keeps no workflow in its cache.
    pub(super) has_no_cache: bool,
    /// It has been killed. Nothing that it does has an effect any more.
    pub(crate) is_doomed: bool,
    /// It has been asked to stop.
    pub(super) is_stopping: bool,
    /// It cannot reach the server until this instant.
    pub(super) cut_until_ns: u64,
    pub(super) doom_waiter: Option<Waiter>,
    pub(super) stop_waiter: Option<Waiter>,
}

/// A place for a worker. One life follows another in it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(super) fleet: usize,
    /// Its number within the fleet.
    pub(super) number: usize,
    pub(super) version: usize,
    /// Its life, unless it is down.
    pub(super) life: Option<ProcessId>,
    pub(super) starts_count: u32,
}

/// Workers with the same options, by version of their code.
pub(crate) struct Fleet {
    pub(crate) versions: Vec<Version>,
}

/// A version of the code of a fleet.
pub(crate) struct Version {
    pub(crate) options: Factory,
    /// When its deploy began; for the first version, before all time.
    pub(crate) from: Time,
}

/// All processes.
#[derive(Default)]
pub(crate) struct Lives {
    pub(crate) all: Vec<Life>,
    pub(super) slots: Vec<Slot>,
    pub(crate) fleets: Vec<Fleet>,
}

impl Lives {
    pub(crate) fn get(&self, process: ProcessId) -> &Life {
        &self.all[process.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, process: ProcessId) -> &mut Life {
        &mut self.all[process.0 as usize]
    }

    /// The number of the next life.
    pub(super) fn next_id(&self) -> ProcessId {
        ProcessId(u32::try_from(self.all.len()).unwrap_or(u32::MAX))
    }

    /// The slot of a worker's life.
    pub(super) fn slot_of(&self, process: ProcessId) -> Option<usize> {
        match self.get(process).role {
            Role::Worker(slot) => Some(slot),
            Role::Test | Role::Replayer => None,
        }
    }

    /// The number of the fleet of a worker's life.
    pub(super) fn fleet_of(&self, process: ProcessId) -> Option<usize> {
        self.slot_of(process).map(|slot| self.slots[slot].fleet)
    }

    /// Which version of the code a process runs (0 is the first), if there are several.
    pub(crate) fn version_of(&self, process: ProcessId) -> Option<usize> {
        let fleet = &self.fleets[self.fleet_of(process)?];
        (fleet.versions.len() > 1).then(|| self.get(process).version)
    }

    /// Whether what this process does still counts.
    pub(crate) fn is_alive(&self, process: ProcessId) -> bool {
        let life = self.get(process);
        !life.is_doomed && life.ended.is_none()
    }

    /// The workers that run now.
    pub(super) fn running_workers(&self) -> Vec<ProcessId> {
        self.slots.iter().filter_map(|slot| slot.life).filter(|process| self.is_alive(*process)).collect()
    }
}

impl Life {
    pub(super) fn new(role: Role, name: String, main: ThreadId, from_ns: u64, version: usize) -> Self {
        Self {
            role,
            name,
            main,
            from_ns,
            ended: None,
            version,
            task_queue: None,
            takes_activities: false,
            has_no_cache: false,
            is_doomed: false,
            is_stopping: false,
            cut_until_ns: 0,
            doom_waiter: None,
            stop_waiter: None,
        }
    }
}
