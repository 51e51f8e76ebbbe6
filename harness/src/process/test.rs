//! The process of the test's own body.

use std::{future::Future, sync::Arc};

use foretime_campaign::{
    finding::Wrong,
    process::{ProcessId, TEST},
};
use temporalio_client::Client;

use super::{connect, live};
use crate::{failure::Failure, world::World};

/// Runs the body, with a client of its own.
pub(crate) fn run<F>(world: &Arc<World>, process: ProcessId, body: impl FnOnce(Client) -> F)
where
    F: Future<Output = Result<(), Failure>>,
{
    let main = async {
        let client = connect(world, TEST).await.map_err(|error| {
            let (title, detail) = Failure::of_setup(error).into_title_and_detail();
            Wrong::NotBegun { title, detail }
        })?;
        body(client).await.map_err(|failure| {
            let (title, detail) = failure.into_title_and_detail();
            Wrong::TestFailed { title, detail }
        })
    };
    let outcome = live(world, process, main);
    world.enter(|state| {
        match outcome {
            Some(Ok(())) => state.body_ended(),
            Some(Err(wrong)) => state.find(Some(process), wrong),
            // A panic, which was noted where it happened.
            None if state.findings.is_empty() => state.find(Some(process), Wrong::BodyPanicked),
            None => {}
        }
    });
}
