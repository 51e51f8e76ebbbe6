//! Activities of a run that somebody repairs: they are paused, reset, or get other options (`workflow/activity.go`). What becomes
//! of each, its attempt says.

use super::run::Run;
use crate::engine::{
    activity::{
        attempt::{Attempt, Home},
        options::Activity,
        pause::Selector,
    },
    execution::Cx,
};

impl Run {
    /// The activities that are meant, by the ids of their scheduled events; of a closed run, those that were pending at its end.
    pub(in crate::engine) fn selected_activities(&self, selector: &Selector) -> Vec<i64> {
        let is_meant = |id: &i64, activity: &Activity| match selector {
            Selector::Id(activity_id) => activity.activity_id == *activity_id,
            Selector::Type(activity_type) => activity.activity_type == *activity_type,
            Selector::All => true,
        } && (!self.is_running() || self.pending_activity(*id).is_some());
        let all = self.recorded.activities.iter();
        all.filter(|(id, scheduled)| is_meant(id, &scheduled.activity)).map(|(&id, _)| id).collect()
    }

    /// What the workflow asked for when it scheduled the activity.
    pub(in crate::engine) fn original_activity(&self, scheduled_event_id: i64) -> Option<&Activity> {
        self.recorded.activities.get(&scheduled_event_id).map(|scheduled| &*scheduled.activity)
    }

    /// Repairs each of the activities. `repair` gets its attempt, and what the workflow asked for.
    pub(in crate::engine) fn repair_activities(
        &mut self,
        cx: &mut Cx<'_>,
        ids: &[i64],
        repair: impl Fn(&mut Attempt, &Activity, &mut Cx<'_>, Home),
    ) {
        let home = self.home();
        let mut has_changed = false;
        for &id in ids {
            let Some(attempt) = self.volatile.attempts.get_mut(&id) else { continue };
            let Some(scheduled) = self.recorded.activities.get(&id) else { continue };
            let was_paused = attempt.pause().is_some();
            repair(attempt, &scheduled.activity, cx, home);
            has_changed |= attempt.pause().is_some() != was_paused;
        }
        if has_changed {
            self.note_pauses();
        }
    }
}
