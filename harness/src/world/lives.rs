//! The simulated processes: the test's body, the workers (life by life) and the replayer.

use std::{sync::Arc, task::Waker};

use foretime_campaign::process::{Life, ProcessId, Role};

use foretime_server::engine::time::Time;
use temporalio_sdk::WorkerOptions;

use crate::os::ThreadId;

/// Makes the options of a worker; called on each start of worker number n.
pub(crate) type Factory = Arc<dyn Fn(usize) -> Result<WorkerOptions, String> + Send + Sync>;

/// A task that waits to hear that its process is killed or asked to stop.
pub(super) type Waiter = (ThreadId, Waker);

/// How the world steers a life of a process.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) main: ThreadId,
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
    /// In the same order.
    controls: Vec<Control>,
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

    pub(crate) fn control(&self, process: ProcessId) -> &Control {
        &self.controls[process.0 as usize]
    }

    pub(crate) fn control_mut(&mut self, process: ProcessId) -> &mut Control {
        &mut self.controls[process.0 as usize]
    }

    /// Begins a life, with this main thread.
    pub(super) fn begin(&mut self, life: Life, main: ThreadId) {
        self.all.push(life);
        self.controls.push(Control::of(main));
    }

    /// Reconnects all processes to the server.
    pub(super) fn reconnect(&mut self) {
        for control in &mut self.controls {
            control.cut_until_ns = 0;
        }
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
        !self.control(process).is_doomed && self.get(process).ended.is_none()
    }

    /// The workers that run now.
    pub(super) fn running_workers(&self) -> Vec<ProcessId> {
        self.slots.iter().filter_map(|slot| slot.life).filter(|process| self.is_alive(*process)).collect()
    }
}

impl Control {
    /// Nobody waits any more: its process has ended. A waker keeps the descriptors of its runtime open.
    pub(super) fn forget_waiters(&mut self) {
        self.doom_waiter = None;
        self.stop_waiter = None;
    }

    fn of(main: ThreadId) -> Self {
        Self {
            main,
            has_no_cache: false,
            is_doomed: false,
            is_stopping: false,
            cut_until_ns: 0,
            doom_waiter: None,
            stop_waiter: None,
        }
    }
}
