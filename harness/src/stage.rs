//! Where nothing can be simulated: runs the same test once, on an [`Environment`], with its workers as tasks beside it. Time
//! skips, no fault strikes, and a run does not repeat exactly.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use temporalio_client::{Client, ClientOptions};
use temporalio_sdk::{Runtime, Worker};
use tokio::{
    sync::watch,
    task::{JoinHandle, LocalSet},
};

use crate::{environment::Environment, failure::Failure, os, process, world::lives::Factory};

/// The longest time for workers to stop, in real time.
const STOP_MAX: Duration = Duration::from_secs(20);

/// A server, and the workers that belong to it.
#[derive(Debug)]
pub(crate) struct Stage {
    environment: Environment,
    client_options: Mutex<ClientOptions>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    /// True when the workers must end.
    is_over: watch::Sender<bool>,
    /// Why a worker has ended, once one has: none starts again.
    lost: watch::Sender<Option<Failure>>,
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

/// Whether a test runs, or ran, in this process without simulation.
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Runs a test's body once, from this virtual instant on or from now.
///
/// # Errors
/// Why it failed.
pub(crate) fn run<F>(starts_at: Option<SystemTime>, body: impl FnOnce(Arc<Stage>) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    IS_ON.store(true, Ordering::Relaxed);
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        eprintln!(
            "foretime: nothing is simulated here ({}). Tests run once each, on foretime::Environment: without faults, and not \
             exactly repeatable.",
            if os::SIMULATES { "FORETIME_STAGED is set" } else { "that takes Linux with glibc, on x86-64 or aarch64" }
        );
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut builder = Environment::builder();
        if let Some(starts_at) = starts_at {
            builder = builder.starts_at(starts_at);
        }
        let environment = builder.start().await?;
        let stage = Arc::new(Stage {
            environment,
            client_options: Mutex::new(process::usual_client_options()),
            workers: Mutex::default(),
            is_over: watch::Sender::new(false),
            lost: watch::Sender::new(None),
        });
        let outcome = tokio::select! {
            biased;
            outcome = body(stage.clone()) => outcome,
            failure = stage.loses_a_worker() => Err(failure),
        };
        stage.end().await;
        outcome
    })
}

impl Stage {
    pub(crate) fn client(&self) -> Client {
        self.environment.client()
    }

    /// Makes clients with these options from now on, and returns one.
    pub(crate) async fn use_client_options(&self, options: ClientOptions) -> Result<Client, Failure> {
        *self.client_options.lock().unwrap_or_else(PoisonError::into_inner) = options;
        self.another_client().await
    }

    async fn another_client(&self) -> Result<Client, Failure> {
        let options = self.client_options.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(self.environment.another_client(options).await?)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.environment.now()
    }

    /// # Panics
    /// For a span that the wire cannot carry.
    pub(crate) async fn sleep(&self, span: Duration) {
        self.environment.sleep(span).await.expect("less than 10,000 years");
    }

    /// Ends when a worker has ended with an error: the test would wait for it for ever.
    async fn loses_a_worker(&self) -> Failure {
        let mut lost = self.lost.subscribe();
        // The sender lives as long as the stage.
        let _ = lost.wait_for(Option::is_some).await;
        self.lost.send_replace(None).unwrap_or_else(|| Failure::of_setup("a worker ended"))
    }

    /// Stops the workers in good order.
    async fn end(&self) {
        self.is_over.send_replace(true);
        let workers = std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            // A worker that does not stop is left behind: the test has its outcome.
            let _ = tokio::time::timeout(STOP_MAX, worker).await;
        }
    }

    /// Starts workers as tasks of the test.
    pub(crate) fn add_workers(self: &Arc<Self>, count: usize, options: &Factory) -> Troupe {
        let troupe = Troupe { options: Arc::new(Mutex::new(options.clone())), version: watch::Sender::new(0) };
        for number in 0..count {
            let (stage, troupe) = (self.clone(), troupe.clone());
            let worker = tokio::task::spawn_local(async move {
                if let Err(error) = troupe.work(&stage, number).await {
                    stage.lost.send_replace(Some(Failure::of_setup(format!("a worker ended: {error}"))));
                }
            });
            self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
        troupe
    }
}

impl Troupe {
    /// Stops the workers and starts them again with these options.
    pub(crate) fn replace(&self, options: &Factory) {
        *self.options.lock().unwrap_or_else(PoisonError::into_inner) = options.clone();
        self.version.send_modify(|version| *version += 1);
    }

    async fn work(&self, stage: &Stage, number: usize) -> Result<(), Failure> {
        let client = stage.another_client().await?;
        let (mut version, mut is_over) = (self.version.subscribe(), stage.is_over.subscribe());
        while !*is_over.borrow_and_update() {
            let options = self.options.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let runtime = Runtime::from_current_tokio(Default::default())?;
            let mut worker = Worker::new(&runtime, client.clone(), options(number)?)?;
            let stop = worker.shutdown_handle();
            let mut running = Box::pin(worker.run());
            tokio::select! {
                ended = &mut running => return Ok(ended?),
                _ = version.changed() => stop(),
                _ = is_over.changed() => stop(),
            }
            running.await?;
        }
        Ok(())
    }
}
