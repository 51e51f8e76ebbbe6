//! The user's worker, on a thread of its own. Code that never returns holds that thread alone, so that the check can tell.

use std::{
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use foretime_examine::conduct::Supervised;
use foretime_server::{shell::host::Host, words::with_causes};
use temporalio_client::{Client, ClientOptions};
use temporalio_sdk::{
    Runtime, WorkerOptions,
    interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next},
    runtime::RuntimeOptions,
};
use tokio::sync::{Notify, oneshot};

use crate::failure::Failure;

/// How long a worker has to stop. One that hangs is left to its thread.
const STOP: Duration = Duration::from_secs(5);

/// A worker at work.
#[derive(Debug)]
pub(crate) struct Worker {
    stop: Arc<Notify>,
    /// How it ended, as a sentence.
    ended: oneshot::Receiver<String>,
}

impl Worker {
    /// Starts it.
    ///
    /// # Errors
    /// There are no threads left.
    pub(crate) fn start(server: &Arc<Host>, client: ClientOptions, options: WorkerOptions) -> Result<Self, Failure> {
        let (stop, (end, ended)) = (Arc::new(Notify::new()), oneshot::channel());
        let (stopped, server) = (stop.clone(), Arc::downgrade(server));
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let how = match runtime {
                Ok(runtime) => runtime.block_on(work(server, client, options, stopped)),
                Err(error) => Err(error.to_string()),
            };
            let how = how.map_or_else(|error| format!("the worker has ended: {error}"), |()| "the worker has ended".to_owned());
            // If the check is over, nobody wants to know.
            let _ = end.send(how);
        };
        thread::Builder::new().name("foretime check".to_owned()).spawn(work)?;
        Ok(Self { stop, ended })
    }

    /// Waits until it has ended.
    pub(crate) async fn end(&mut self) -> String {
        // Its thread drops the sender when it panics.
        (&mut self.ended).await.unwrap_or_else(|_| "the worker has panicked".to_owned())
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.notify_one();
        let _ = tokio::time::timeout(STOP, self.end()).await;
    }
}

impl Supervised for Worker {
    async fn ended(&mut self) -> (bool, String) {
        (true, self.end().await)
    }
}

/// Lets no activity run. The server gives out none, and the SDK answers local ones from the history, so none is expected. One that comes
/// all the same never ends, so that nothing follows from it: the check says that the worker did not answer.
struct NoActivities;

impl ActivityInboundInterceptor for NoActivities {
    fn execute_activity<'a>(
        &'a self,
        _input: ExecuteActivityInput,
        _next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        Box::pin(std::future::pending())
    }
}

async fn work(server: Weak<Host>, client: ClientOptions, mut options: WorkerOptions, stop: Arc<Notify>) -> Result<(), String> {
    let connection = crate::wire::connect(server).await.map_err(|error| with_causes(&error, ": "))?;
    let client = Client::new(connection, client).map_err(|error| with_causes(&error, ": "))?;
    let runtime = RuntimeOptions::builder().heartbeat_interval(None).disable_environment_info(true).build()?;
    let runtime = Runtime::from_current_tokio(runtime).map_err(|error| with_causes(&error, ": "))?;
    options.activity_inbound_interceptor(NoActivities);
    let worker = temporalio_sdk::Worker::new(&runtime, client, options);
    let mut worker = worker.map_err(|error| with_causes(&error, ": "))?;
    let initiate_shutdown = worker.shutdown_handle();
    let mut running = Box::pin(worker.run());
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = stop.notified() => {
            initiate_shutdown();
            running.await
        }
    };
    ended.map_err(|error| with_causes(&error, ": "))
}
