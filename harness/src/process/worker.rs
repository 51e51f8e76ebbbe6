//! One life of a worker: the user's options, the SDK's worker, until it is killed or asked to stop.

use std::sync::Arc;

use temporalio_sdk::Worker;

use super::{Awaits, Word, chain, connect, live, sdk_runtime};
use crate::{
    activities::Activities,
    os::{self, ProcessId},
    world::{
        World,
        lives::{Ending, Factory},
    },
};

/// Runs worker `number` of its fleet. `cache_size`: how many workflows its cache holds, if that is not the options' affair.
pub(crate) fn run(
    world: &Arc<World>,
    process: ProcessId,
    identity: &str,
    number: usize,
    options: &Factory,
    cache_size: Option<usize>,
) {
    let main = work(world, process, identity, number, options, cache_size);
    let outcome = live(world, process, Box::pin(main));
    let ending = match outcome {
        Some(Ok(())) => Ending::Own(None),
        Some(Err(error)) => Ending::Own(Some(error)),
        None => Ending::Panic,
    };
    os::exempt(|| world.lock().life_ended(process, ending));
}

async fn work(
    world: &Arc<World>,
    process: ProcessId,
    identity: &str,
    number: usize,
    options: &Factory,
    cache_size: Option<usize>,
) -> Result<(), String> {
    let client = connect(world, identity).await?;
    let mut options = options(number)?;
    options.activity_inbound_interceptor(Activities { world: world.clone(), process });
    if let Some(cache_size) = cache_size {
        options.max_cached_workflows = cache_size;
    }
    os::exempt(|| world.lock().lives.get_mut(process).task_queue = Some(options.task_queue.clone()));
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
