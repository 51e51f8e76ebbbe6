//! The process of the test's own body.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{connect, live};
use crate::{
    failure::Failure,
    finding::FindingKind,
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
        let client = connect(world, IDENTITY).await.map_err(|error| (FindingKind::Setup, Failure::of_setup(error)))?;
        body(Sim::simulated(world.clone(), client)).await.map_err(|failure| (FindingKind::Test, failure))
    };
    let outcome = live(world, process, main);
    os::exempt(|| {
        let mut state = world.lock();
        match outcome {
            Some(Ok(())) => state.body_ended(),
            Some(Err((kind, failure))) => {
                let (title, detail) = failure.title_and_detail();
                state.find(kind, Some(process), title.to_owned(), detail);
            }
            // A panic, which is noted where it happened.
            None if state.findings.is_empty() => {
                state.find(FindingKind::Panic, Some(process), "the test's body panicked".to_owned(), String::new());
            }
            None => {}
        }
    });
}
