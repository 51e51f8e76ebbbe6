//! One life of a worker: runs the SDK's worker with the user's options until it is killed or asked to stop.

use std::sync::Arc;

use foretime_campaign::{
    finding::{NoWorker, Unmade, Wrong},
    process::{Ending, ProcessId},
};
use temporalio_sdk::Worker;

use super::{Awaits, Word, asking::Asking, chain, connect, live, sdk_runtime};
use crate::{
    activities::Activities,
    world::{State, WorkerStart, World},
};

/// Why a worker has ended.
enum Failed {
    /// It cannot be made. That is a mistake of the test, which another start would only repeat.
    Unmade(Unmade, String),
    /// Something else went wrong. In production the worker would be started again.
    Ended(String),
}

/// Runs one life of a worker.
pub(crate) fn run(world: &Arc<World>, process: ProcessId, start: WorkerStart) {
    let main = work(world, process, start);
    let outcome = live(world, process, Box::pin(main));
    world.enter(|state| match outcome {
        Some(Ok(())) => state.life_ended(process, Ending::Own(None)),
        Some(Err(Failed::Ended(error))) => state.life_ended(process, Ending::Own(Some(error))),
        Some(Err(Failed::Unmade(whose, error))) => state.worker_not_made(process, whose, error),
        None => state.life_ended(process, Ending::Panic),
    });
}

impl State {
    /// Notes that a worker cannot be made, unless its process has been killed.
    fn worker_not_made(&mut self, process: ProcessId, whose: Unmade, error: String) {
        if !self.lives.is_alive(process) {
            return;
        }
        self.life_ended(process, Ending::Own(Some(error.clone())));
        let (name, version) = (self.lives.get(process).name.clone(), self.lives.version_of(process));
        self.find(Some(process), Wrong::NoWorker(Box::new(NoWorker { process: name, version, whose, error })));
    }
}

async fn work(world: &Arc<World>, process: ProcessId, start: WorkerStart) -> Result<(), Failed> {
    let client = connect(world, &start.identity).await.map_err(Failed::Ended)?;
    let mut options = (start.options)(start.number).map_err(|error| Failed::Unmade(Unmade::ByClosure, error))?;
    options.activity_inbound_interceptor(Activities { world: world.clone(), process });
    options.worker_interceptor(Asking::new(world, process));
    if let Some(cache_size) = start.cache_size {
        options.max_cached_workflows = cache_size;
    }
    world.enter(|state| state.lives.get_mut(process).task_queue = Some(options.task_queue.clone()));
    let runtime = sdk_runtime().map_err(Failed::Ended)?;
    let refused = |error| Failed::Unmade(Unmade::BySdk, chain(&error));
    let mut worker = Worker::new(&runtime, client, options).map_err(refused)?;
    let stop = worker.shutdown_handle();
    let mut running = Box::pin(worker.run());
    tokio::select! {
        biased;
        () = (Awaits { world: world.clone(), process, word: Word::Stop }) => stop(),
        ended = &mut running => return ended.map_err(|error| Failed::Ended(chain(&error))),
    }
    running.await.map_err(|error| Failed::Ended(chain(&error)))
}
