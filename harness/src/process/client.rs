//! One life of a struck client's process: does its errands, several at once, until it is killed or asked to stop.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::{Context, Poll},
};

use foretime_campaign::process::{Ending, ProcessId};
use temporalio_client::Client;
use tokio::task::LocalSet;

use super::{connect, live};
use crate::{
    os,
    world::{
        State, World,
        errands::{ErrandId, Loss, Work},
        lives::Waiter,
    },
};

/// Runs one life of the client with this identity.
pub(crate) fn run(world: &Arc<World>, process: ProcessId, identity: &str) {
    let ending = match live(world, process, Box::pin(serve(world, process, identity))) {
        Some(Ok(())) => Ending::Own(None),
        Some(Err(error)) => Ending::Own(Some(error)),
        None => Ending::Panic,
    };
    world.enter(|state| state.life_ended(process, ending));
}

async fn serve(world: &Arc<World>, process: ProcessId, identity: &str) -> Result<(), String> {
    let client = connect(world, identity).await?;
    let errands = LocalSet::new();
    let take_up = async {
        while let Some((id, parcel)) = asks(world, |state, waiter| state.next_errand(process, &waiter)).await {
            if let Some(work) = parcel.open() {
                tokio::task::spawn_local(go(OnErrand { world: world.clone(), process, id }, work, client.clone()));
            }
        }
    };
    errands.run_until(take_up).await;
    // It has been asked to stop, and finishes what it has begun.
    errands.await;
    Ok(())
}

/// A process on an errand. If this is dropped before the errand is done, the errand panicked, or the process is gone.
struct OnErrand {
    world: Arc<World>,
    process: ProcessId,
    id: ErrandId,
}

impl OnErrand {
    fn ends(&self, end: Result<(), Loss>) {
        self.world.enter(|state| state.end_errand(self.process, self.id, end));
    }
}

impl Drop for OnErrand {
    fn drop(&mut self) {
        self.ends(Err(Loss::Panic));
    }
}

/// Goes on an errand until it is done, or until nobody waits for it.
async fn go(on_errand: OnErrand, work: Work, client: Client) {
    let id = on_errand.id;
    let is_left = |state: &mut State, waiter: Waiter| if state.is_left(id, waiter) { Poll::Ready(()) } else { Poll::Pending };
    tokio::select! {
        biased;
        () = asks(&on_errand.world, is_left) => {}
        () = work(client) => on_errand.ends(Ok(())),
    }
}

/// Asks the world until it answers. It wakes the waiter that it is given when that is worth another try.
fn asks<T>(world: &World, mut ask: impl FnMut(&mut State, Waiter) -> Poll<T>) -> impl Future<Output = T> {
    poll_fn(move |context: &mut Context<'_>| match os::current() {
        Some((thread, _)) => world.enter(|state| ask(state, (thread, context.waker().clone()))),
        None => Poll::Pending,
    })
}
