//! Whether what activities did to the outside world is what the histories say that they did.

use std::collections::BTreeSet;

use foretime_server::proto::history::history_event::Attributes;

use super::{broken::Broken, reading::Reading, run::Run};
use crate::plan::activity::Activity;

/// Checks that each activity that has completed, and was to have an effect, has had it; and that no attempt had it twice.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, .. } = read;
    let mut seen = BTreeSet::new();
    for effect in &record.effects {
        let of = &effect.attempt;
        if !seen.insert((&of.run_id, &of.activity_id, of.attempt)) {
            return Some(Broken {
                title: "an attempt of an activity was done twice".to_owned(),
                detail: of.to_string(),
                at_ns: effect.at_ns,
                process: Some(effect.process),
            });
        }
    }
    let has_effect = |run: &Run, activity_id: &str| {
        record.effects.iter().any(|effect| effect.attempt.run_id == run.run_id && effect.attempt.activity_id == activity_id)
    };
    for run in runs {
        for event in &run.events {
            let Some(Attributes::ActivityTaskCompletedEventAttributes(completed)) = &event.attributes else { continue };
            let Some(activity_id) = effect_due(run, completed.scheduled_event_id) else { continue };
            if !has_effect(run, &activity_id) {
                return Some(Broken {
                    title: "an activity has completed that was never done".to_owned(),
                    detail: format!("{activity_id} of {}", run.name()),
                    at_ns: 0,
                    process: None,
                });
            }
        }
    }
    None
}

/// The id of the activity that this event scheduled, if it is to have an effect.
fn effect_due(run: &Run, scheduled_event_id: i64) -> Option<String> {
    let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = &run.event(scheduled_event_id)?.attributes else {
        return None;
    };
    let activity: Activity = serde_json::from_slice(&scheduled.input.as_ref()?.payloads.first()?.data).ok()?;
    activity.is_effect.then(|| scheduled.activity_id.clone())
}
