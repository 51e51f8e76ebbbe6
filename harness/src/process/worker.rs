//! One life of a worker: runs the SDK's worker with the user's options until it is killed or asked to stop.

use std::sync::Arc;

use foretime_campaign::process::{Ending, ProcessId};
use temporalio_sdk::Worker;

use super::{Awaits, Word, asking::Asking, chain, connect, live, sdk_runtime};
use crate::{
    activities::Activities,
    world::{WorkerStart, World},
};

/// Runs one life of a worker.
pub(crate) fn run(world: &Arc<World>, process: ProcessId, start: WorkerStart) {
    let main = work(world, process, start);
    let outcome = live(world, process, Box::pin(main));
    let ending = match outcome {
        Some(Ok(())) => Ending::Own(None),
        Some(Err(error)) => Ending::Own(Some(error)),
        None => Ending::Panic,
    };
    world.enter(|state| state.life_ended(process, ending));
}

async fn work(world: &Arc<World>, process: ProcessId, start: WorkerStart) -> Result<(), String> {
    let client = connect(world, &start.identity).await?;
    let mut options = (start.options)(start.number)?;
    options.activity_inbound_interceptor(Activities { world: world.clone(), process });
    options.worker_interceptor(Asking::new(world, process));
    if let Some(cache_size) = start.cache_size {
        options.max_cached_workflows = cache_size;
    }
    world.enter(|state| state.lives.get_mut(process).task_queue = Some(options.task_queue.clone()));
    let mut worker = Worker::new(&sdk_runtime()?, client, options).map_err(|error| chain(&error))?;
    let stop = worker.shutdown_handle();
    let mut running = Box::pin(worker.run());
    tokio::select! {
        biased;
        () = (Awaits { world: world.clone(), process, word: Word::Stop }) => stop(),
        ended = &mut running => return ended.map_err(|error| chain(&error)),
    }
    running.await.map_err(|error| chain(&error))
}
