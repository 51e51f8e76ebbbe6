//! The checks of every run: [`liveness`] while it runs, and which [`queues`] nobody serves if it hangs; the [`grammar`] of its
//! histories at its end. [`crate::process::replayer`] replays them, and [`crate::ledger`] counts side effects.

use foretime_history::grammar;

use crate::{finding::FindingKind, world::State};

pub(crate) mod liveness;
mod queues;

/// What is looked at when a run is over: whatever else went wrong, every history must be one that a server may write.
pub(crate) fn after_run(state: &mut State) {
    let illegal = state.service().runs().find_map(|run| {
        let violation = grammar::check(&run.events_from(1)).into_iter().next()?;
        let title = format!("the history of {} is not legal at event {}", run.workflow_id(), violation.event_id);
        Some((title, format!("{}: {}. This is a bug in Foretime.", violation.rule, violation.text)))
    });
    if let Some((title, detail)) = illegal {
        state.find(FindingKind::History, None, title, detail);
    }
}
