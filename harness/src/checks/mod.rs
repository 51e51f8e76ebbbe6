//! The checks of every run. [`liveness`] checks while it runs. At the end, [`grammar`] checks its histories,
//! [`crate::process::replayer`] replays them, and [`crate::ledger`] counts side effects.

use foretime_campaign::finding::Wrong;

use foretime_history::grammar;

use crate::world::State;

pub(crate) mod liveness;

/// The rules of the grammar that follow from the options of activities. If somebody has changed those, no history tells of it.
const RULES_OF_ACTIVITY_OPTIONS: [&str; 2] = ["activity-attempt", "activity-backoff"];

/// Checks a run that is over: whatever else went wrong, every history must be one that a server may write.
pub(crate) fn after_run(state: &mut State) {
    let illegal = state.service().runs().find_map(|run| {
        let options_are_changed = state.has_changed_options(run.workflow_id());
        let is_excused = |rule: &str| options_are_changed && RULES_OF_ACTIVITY_OPTIONS.contains(&rule);
        let violation = grammar::check(&run.events_from(1)).into_iter().find(|violation| !is_excused(violation.rule))?;
        let (event_id, rule, text) = (violation.event_id, violation.rule.to_string(), violation.text);
        Some(Wrong::IllegalHistory { workflow_id: run.workflow_id().to_owned(), event_id, rule, text })
    });
    if let Some(illegal) = illegal {
        state.find(None, illegal);
    }
}
