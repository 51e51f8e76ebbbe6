//! The simulated processes. [`test`] runs the test's body, [`worker`] one of the user's workers, [`client`] what callers have a
//! struck client do, and [`replayer`] the histories at the end. The replayer also watches the [`commands`] of the replayed code and
//! the core's [`verdicts`]. [`asking`] tells the world what workflow code asks for. Each process is one thread with its own
//! current-thread runtime and an ordinary clock; the SDK adds threads of its own.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use foretime_campaign::process::ProcessId;
use foretime_server::words::with_causes;
use temporalio_client::{Client, ClientOptions};
use temporalio_sdk::{Runtime, runtime::RuntimeOptions};

use crate::{
    connection, os,
    world::{World, wire},
};

mod asking;
pub(crate) mod client;
mod commands;
pub(crate) mod replayer;
pub(crate) mod test;
mod verdicts;
pub(crate) mod worker;

/// The namespace of simulations.
const NAMESPACE: &str = "default";

/// The event that a process waits for.
#[derive(Clone, Copy, Debug)]
enum Word {
    /// It has been killed.
    Doom,
    /// It should stop.
    Stop,
}

/// Ends when the world announces the event to the process.
struct Awaits {
    world: Arc<World>,
    process: ProcessId,
    word: Word,
}

impl Future for Awaits {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some((thread, _)) = os::current() else { return Poll::Pending };
        let waiter = (thread, context.waker().clone());
        let said = self.world.enter(|state| match self.word {
            Word::Doom => state.awaits_doom(self.process, waiter),
            Word::Stop => state.awaits_stop(self.process, waiter),
        });
        if said { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Runs the main future of a process to its end, or until the process is killed; then all its tasks are dropped where they
/// stand. `None` if it was killed or panicked.
fn live<T>(world: &Arc<World>, process: ProcessId, main: impl Future<Output = T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime needs no more than an epoll descriptor");
    let doom = Awaits { world: world.clone(), process, word: Word::Doom };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = doom => None,
                outcome = main => Some(outcome),
            }
        })
    }));
    // This drops the tasks now and does not wait for blocked threads.
    runtime.shutdown_background();
    outcome.ok().flatten()
}

/// A client on the world's wire.
pub(crate) async fn connect(world: &Arc<World>, identity: &str) -> Result<Client, String> {
    let connection = connection::connect(identity, wire::service(world.clone())).await;
    let connection = connection.map_err(|error| format!("could not connect: {error}"))?;
    let options = world.enter(|state| state.client_options.clone());
    Client::new(connection, options).map_err(|error| error.to_string())
}

/// The options of clients unless the test sets others.
pub(crate) fn usual_client_options() -> ClientOptions {
    ClientOptions::new(NAMESPACE).build()
}

/// The SDK's runtime on the process's own. Workers send no heartbeats: nobody reads them, and a year has half a million.
fn sdk_runtime() -> Result<Runtime, String> {
    let options = RuntimeOptions::builder().heartbeat_interval(None).disable_environment_info(true).build()?;
    Runtime::from_current_tokio(options).map_err(|error| error.to_string())
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    with_causes(error, ": ")
}
