//! Where nothing can be simulated: the same test once, on an [`Environment`], with its workers as tasks beside it. Time
//! skips; no fault strikes, and a run does not repeat exactly.

use std::{
    fmt,
    sync::{Arc, Mutex, Once, PoisonError},
    time::{Duration, SystemTime},
};

use temporalio_client::Client;
use temporalio_sdk::{Runtime, Worker};
use tokio::{sync::watch, task::LocalSet};

use crate::{environment::Environment, failure::Failure, process::test::Body, sim::Sim, world::lives::Factory};

/// A server, and the workers that belong to it.
#[derive(Debug)]
pub(crate) struct Stage {
    environment: Environment,
}

/// The workers of one fleet.
#[derive(Clone)]
pub(crate) struct Troupe {
    options: Arc<Mutex<Factory>>,
    /// Counts the deploys; workers stop and start again when it changes.
    version: watch::Sender<usize>,
}

impl fmt::Debug for Troupe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Troupe").finish_non_exhaustive()
    }
}

/// Runs a test's body once.
///
/// # Errors
/// Why it failed.
pub(crate) fn run(body: Body) -> Result<(), Failure> {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        eprintln!(
            "foretime: nothing is simulated here (that takes Linux with glibc, on x86-64 or aarch64). Tests run once each, on \
             foretime::Environment: without faults, and not exactly repeatable."
        );
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let environment = Environment::start().await?;
        body(Sim::staged(Arc::new(Stage { environment }))).await
    })
}

impl Stage {
    pub(crate) fn client(&self) -> Client {
        self.environment.client()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.environment.now()
    }

    /// # Panics
    /// For a span that the wire cannot carry.
    pub(crate) async fn sleep(&self, span: Duration) {
        self.environment.sleep(span).await.expect("less than 10,000 years");
    }

    /// Starts workers as tasks of the test.
    pub(crate) fn add_workers(&self, count: usize, options: &Factory) -> Troupe {
        let troupe = Troupe { options: Arc::new(Mutex::new(options.clone())), version: watch::Sender::new(0) };
        for number in 0..count {
            let (client, troupe) = (self.client(), troupe.clone());
            tokio::task::spawn_local(async move {
                if let Err(error) = troupe.work(client, number).await {
                    eprintln!("foretime: a worker ended: {error}");
                }
            });
        }
        troupe
    }
}

impl Troupe {
    /// Lets the workers stop, and start again with these options.
    pub(crate) fn replace(&self, options: &Factory) {
        *self.options.lock().unwrap_or_else(PoisonError::into_inner) = options.clone();
        self.version.send_modify(|version| *version += 1);
    }

    async fn work(&self, client: Client, number: usize) -> Result<(), Failure> {
        let mut version = self.version.subscribe();
        loop {
            let options = self.options.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let runtime = Runtime::from_current_tokio(Default::default())?;
            let mut worker = Worker::new(&runtime, client.clone(), options(number)?)?;
            let stop = worker.shutdown_handle();
            let mut running = Box::pin(worker.run());
            tokio::select! {
                ended = &mut running => return Ok(ended?),
                _ = version.changed() => stop(),
            }
            running.await?;
        }
    }
}
