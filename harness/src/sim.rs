//! What a test's body holds: the simulated cluster.

use std::{fmt, sync::Arc, time::SystemTime};

use temporalio_client::Client;
use temporalio_sdk::WorkerOptions;

use crate::{
    faults::{Faults, plan::Plan},
    ledger::Ledger,
    os,
    world::{World, lives::Factory},
};

/// A simulated cluster: a server, workers, and the test itself as one more process beside them. Cheap to clone.
#[derive(Clone)]
pub struct Sim {
    world: Arc<World>,
    client: Client,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("seed", &self.seed()).finish_non_exhaustive()
    }
}

impl Sim {
    pub(crate) fn new(world: Arc<World>, client: Client) -> Self {
        Self { world, client }
    }

    /// Adds `count` workers, each a process of its own. `options` makes the options of worker number n (from 0), and is
    /// called on each of its starts: say there what your program's `main` says.
    pub fn workers<O: IntoWorkerOptions>(&self, count: usize, options: impl Fn(usize) -> O + Send + Sync + 'static) -> Workers {
        let fleet = os::exempt(|| self.world.lock().add_fleet(count, factory(options)));
        Workers { world: self.world.clone(), fleet }
    }

    /// Which faults there are from now on. None if not said.
    pub fn faults(&self, faults: Faults) {
        os::exempt(|| {
            let mut state = self.world.lock();
            let state = &mut *state;
            state.plan = Plan::draw(&faults, &mut state.choices);
        });
    }

    /// No faults from now on.
    pub fn stop_faults(&self) {
        os::exempt(|| self.world.lock().plan.stop());
    }

    /// The official client, connected to the simulated server. No fault strikes it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What activities did to the outside world.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.world.clone())
    }

    /// The seed of this run.
    pub fn seed(&self) -> u64 {
        os::exempt(|| self.world.lock().choices.seed())
    }

    /// Virtual now; so is `SystemTime::now()` everywhere in a simulation.
    pub fn now(&self) -> SystemTime {
        os::exempt(|| self.world.lock().system_time())
    }

    /// A panic in a worker is no reason to fail, from now on: the SDK turns one in an activity into a failed attempt.
    pub fn allow_panics(&self) {
        os::exempt(|| self.world.lock().panics_are_findings = false);
    }
}

/// The workers that one call of [`Sim::workers`] added.
#[derive(Clone, Debug)]
pub struct Workers {
    world: Arc<World>,
    fleet: usize,
}

impl Workers {
    /// Deploys another version of the code, worker by worker: each stops in good order, and starts again with these options.
    /// Meanwhile both versions are at work. Every history must replay on the last version.
    pub fn deploy<O: IntoWorkerOptions>(&self, options: impl Fn(usize) -> O + Send + Sync + 'static) {
        os::exempt(|| self.world.lock().deploy(self.fleet, factory(options)));
    }
}

fn factory<O: IntoWorkerOptions>(options: impl Fn(usize) -> O + Send + Sync + 'static) -> Factory {
    Arc::new(move |number| options(number).into_worker_options())
}

/// What makes a worker: its options, or a result with them.
pub trait IntoWorkerOptions {
    /// The options.
    ///
    /// # Errors
    /// Why there are none.
    fn into_worker_options(self) -> Result<WorkerOptions, String>;
}

impl IntoWorkerOptions for WorkerOptions {
    fn into_worker_options(self) -> Result<WorkerOptions, String> {
        Ok(self)
    }
}

impl<E: fmt::Display> IntoWorkerOptions for Result<WorkerOptions, E> {
    fn into_worker_options(self) -> Result<WorkerOptions, String> {
        self.map_err(|error| error.to_string())
    }
}
