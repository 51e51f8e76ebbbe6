//! The process of the test's own body.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{connect, live};
use crate::{
    failure::Failure,
    finding::Wrong,
    os::{self, ProcessId},
    sim::Sim,
    world::World,
};

/// The user's test: called once in the life of an OS process.
pub(crate) type Body = Box<dyn FnOnce(Sim) -> Pin<Box<dyn Future<Output = Result<(), Failure>>>> + Send>;

/// Who the test's client says it is.
pub(crate) const IDENTITY: &str = "test";

/// Runs the body.
pub(crate) fn run(world: &Arc<World>, process: ProcessId, body: Body) {
    let main = async {
        let client = connect(world, IDENTITY).await.map_err(|error| {
            let (title, detail) = Failure::of_setup(error).into_title_and_detail();
            Wrong::NotBegun { title, detail }
        })?;
        body(Sim::simulated(world.clone(), client)).await.map_err(|failure| {
            let (title, detail) = failure.into_title_and_detail();
            Wrong::TestFailed { title, detail }
        })
    };
    let outcome = live(world, process, main);
    os::exempt(|| {
        let mut state = world.lock();
        match outcome {
            Some(Ok(())) => state.body_ended(),
            Some(Err(wrong)) => state.find(Some(process), wrong),
            // A panic, which is noted where it happened.
            None if state.findings.is_empty() => state.find(Some(process), Wrong::BodyPanicked),
            None => {}
        }
    });
}
