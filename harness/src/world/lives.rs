//! The simulated processes: the test's body, the workers and the struck clients (life by life), and the replayer.

use std::{sync::Arc, task::Waker};

use foretime_campaign::process::{Life, ProcessId, Role};

use foretime_server::engine::time::Time;
use temporalio_sdk::WorkerOptions;

use crate::os::ThreadId;

/// Makes the options of a worker; called on each start of worker number n.
pub(crate) type Factory = Arc<dyn Fn(usize) -> Result<WorkerOptions, String> + Send + Sync>;

/// A task that waits to hear that its process is killed or asked to stop.
pub(crate) type Waiter = (ThreadId, Waker);

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

/// What starts in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Starts {
    /// A worker of this fleet, with its number within it.
    Worker { fleet: usize, number: usize },
    /// A struck client.
    Client,
}

/// A place for a worker or for a struck client. One life follows another in it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(super) starts: Starts,
    /// As in reports, such as `worker-1`.
    pub(super) name: String,
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

    /// The slot of a life that may be followed by another: a worker's, or a struck client's.
    pub(super) fn slot_of(&self, process: ProcessId) -> Option<usize> {
        match self.get(process).role {
            Role::Worker(slot) | Role::Client(slot) => Some(slot),
            Role::Test | Role::Replayer => None,
        }
    }

    /// Adds a slot, with a name that tells how many of its kind there are. Returns its number.
    pub(super) fn add_slot(&mut self, starts: Starts) -> usize {
        let is_alike = |slot: &&Slot| (slot.starts == Starts::Client) == (starts == Starts::Client);
        let kind = if starts == Starts::Client { "client" } else { "worker" };
        let name = format!("{kind}-{}", self.slots.iter().filter(is_alike).count() + 1);
        self.slots.push(Slot { starts, name, version: 0, life: None, starts_count: 0 });
        self.slots.len() - 1
    }

    /// The name of those who live in this slot.
    pub(crate) fn name_of(&self, slot: usize) -> String {
        self.slots[slot].name.clone()
    }

    /// The slot of a worker by its number among the workers, from 1.
    pub(super) fn worker(&self, number: usize) -> Option<&Slot> {
        let mut workers = self.slots.iter().filter(|slot| slot.fleet().is_some());
        workers.nth(number.checked_sub(1)?)
    }

    /// The number of the fleet of a worker's life.
    pub(super) fn fleet_of(&self, process: ProcessId) -> Option<usize> {
        self.slots[self.slot_of(process)?].fleet()
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

    /// The workers and struck clients that run now.
    pub(super) fn running(&self) -> Vec<ProcessId> {
        self.slots.iter().filter_map(|slot| slot.life).filter(|process| self.is_alive(*process)).collect()
    }
}

impl Slot {
    /// The fleet of its worker, if it is a worker's.
    pub(super) const fn fleet(&self) -> Option<usize> {
        match self.starts {
            Starts::Worker { fleet, .. } => Some(fleet),
            Starts::Client => None,
        }
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
