//! The checks of every run: [`liveness`] while it runs, the ledger and the histories at its end. Replay is the affair of
//! [`crate::process::replayer`].

use crate::world::State;

pub(crate) mod liveness;

/// What is looked at when a run is over.
pub(crate) fn after_run(state: &mut State) {
    let _ = state;
}
