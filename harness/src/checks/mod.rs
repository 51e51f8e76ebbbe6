//! The checks of every run: [`liveness`] while it runs, and which [`queues`] nobody serves if it hangs; the [`grammar`] of its
//! histories at its end. [`crate::process::replayer`] replays them, and [`crate::ledger`] counts side effects.

use foretime_history::grammar;

use crate::world::{State, finding::Wrong};

pub(crate) mod liveness;
pub(crate) mod queues;

/// What is looked at when a run is over: whatever else went wrong, every history must be one that a server may write.
pub(crate) fn after_run(state: &mut State) {
    let illegal = state.service().runs().find_map(|run| {
        let violation = grammar::check(&run.events_from(1)).into_iter().next()?;
        let (event_id, rule, text) = (violation.event_id, violation.rule.to_string(), violation.text);
        Some(Wrong::IllegalHistory { workflow_id: run.workflow_id().to_owned(), event_id, rule, text })
    });
    if let Some(illegal) = illegal {
        state.find(None, illegal);
    }
}
