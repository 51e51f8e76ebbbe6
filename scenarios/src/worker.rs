//! Runs a worker beside something else: a test's body, or the main job.

use anyhow::{Context, bail};
use temporalio_client::Client;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};

/// Serves `options.task_queue` while `body` runs, then stops the worker in good order and returns the result of `body`.
///
/// # Errors
/// Those of `body`, and those of the worker if it cannot start or ends before `body` does.
pub async fn beside<T>(
    client: Client,
    options: WorkerOptions,
    body: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let runtime = Runtime::from_current_tokio(Default::default())?;
    let mut worker = Worker::new(&runtime, client, options)?;
    let shut_down = worker.shutdown_handle();
    let mut running = Box::pin(worker.run());
    let outcome = tokio::select! {
        ended = &mut running => {
            ended.context("the worker failed")?;
            bail!("the worker stopped by itself")
        }
        outcome = body => outcome,
    };
    shut_down();
    running.await.context("the worker failed while it stopped")?;
    outcome
}
