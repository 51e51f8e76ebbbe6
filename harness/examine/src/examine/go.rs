//! What Go's SDK says when code and history part: `history event is ActivityTaskScheduled: (...), replay command is StartTimer: (...)`,
//! `extra replay command for ...`, `missing replay command for ...` (`internal_task_handlers.go`, matchReplayWithHistory).

use foretime_history::{
    Telling,
    compare::{Marker, Step},
    verdict::{Divergence, Thing},
};

use super::{Subject, invented::NOT_RUN};

/// Fills in both sides, as far as the message tells them. `task` is the task that does not fit, from 0.
pub(super) fn read_message(subject: &Subject, task: usize, divergence: &mut Divergence, telling: Telling) {
    let mut message = divergence.message.clone();
    if message.contains(NOT_RUN)
        && let Some((_, extra)) = message.split_once(", replay command is ")
    {
        // What guards the history against local activities is not recorded.
        message = format!("[TMPRL1100] nondeterministic workflow: extra replay command for {extra}");
        divergence.message.clone_from(&message);
    }
    if let Some(local_activity) = unrecorded_local_activity(&message) {
        return read_local_activity(subject, task, divergence, local_activity, telling);
    }
    let recorded = described(&message, "history event is ").or_else(|| described(&message, "missing replay command for "));
    let asked = described(&message, "replay command is ").or_else(|| described(&message, "extra replay command for "));
    let step = recorded.as_ref().and_then(|recorded| step_like(subject, task, recorded));
    divergence.asked = asked.map(|asked| Thing {
        kind: asked.kind.clone(),
        command: asked.kind,
        name: asked.name,
        fields: asked.id.into_iter().collect(),
    });
    match step {
        Some(step) => {
            divergence.event_id = step.event_id();
            let mut recorded = Thing::of(&step, telling);
            // The message has few fields of the other side; the rest of them would look as if they differed.
            recorded
                .fields
                .retain(|(name, _)| divergence.asked.iter().flat_map(|it| &it.fields).any(|(known, _)| known == name));
            divergence.recorded = Some(recorded);
        }
        None if divergence.asked.is_some() => divergence.event_id = Some(subject.behind_commands(task)),
        None => {}
    }
}

/// Fills in that the code runs a local activity: in place of the recorded one that the SDK names, or else of the first event that it
/// does not ask for at that place, which is the first that is no marker.
fn read_local_activity(subject: &Subject, task: usize, divergence: &mut Divergence, name: String, telling: Telling) {
    let last = subject.after_commands(task);
    let steps = || (subject.tasks[task].completed_event_id + 1..=last).filter_map(|id| subject.step(id));
    let (_, found) = divergence.message.split_once("but history event found ").unwrap_or_default();
    let found = found.split([' ', ',', ';']).next().unwrap_or_default().to_owned();
    let in_its_place = steps().find(|step| matches!(step.marker(), Some(Marker::LocalWork(local)) if *local == found));
    if in_its_place.is_none() {
        divergence.message = format!("the code runs the local activity {name}, of which the history has no end");
    }
    let recorded = in_its_place.or_else(|| steps().find(|step| step.marker().is_none()));
    divergence.event_id = recorded.as_ref().and_then(Step::event_id).or(Some(last + 1));
    divergence.recorded = recorded.as_ref().map(|step| Thing::of(step, telling));
    let command = "RecordMarker".to_owned();
    divergence.asked = Some(Thing { kind: "the local activity".to_owned(), command, name, fields: Vec::new() });
}

/// The type of the local activity of which a guarded history has no end.
pub(super) fn unrecorded_local_activity(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("code executed local activity ")?;
    Some(rest.split_once(", but history event found ")?.0.to_owned())
}

/// What the message says of an event or a command.
struct Described {
    kind: String,
    name: String,
    /// The field that identifies it, and its value.
    id: Option<(String, String)>,
}

fn described(message: &str, before: &str) -> Option<Described> {
    let (_, rest) = message.split_once(before)?;
    let kind: String = rest.chars().take_while(|it| it.is_ascii_alphanumeric()).collect();
    // The other side follows on the same line.
    let rest = rest.split(", replay command is").next().unwrap_or(rest);
    let value = |key: &str| {
        let (_, rest) = rest.split_once(key)?;
        Some(rest.split([',', ')']).next().unwrap_or(rest).trim().to_owned())
    };
    let ids = [("ActivityId:", "activity_id"), ("TimerId:", "timer_id"), ("WorkflowId:", "workflow_id")];
    let id = ids.iter().find_map(|(key, field)| Some(((*field).to_owned(), value(key)?)));
    let quoted = |key: &str| Some(rest.split_once(key)?.1.split('"').next()?.to_owned());
    let name = value("Name:").or_else(|| quoted("_type:{name:\"")).or_else(|| quoted("signal_name:\""));
    Some(Described { kind, name: name.or_else(|| value("TimerId:")).unwrap_or_default(), id })
}

/// The event of a task that is described so.
fn step_like(subject: &Subject, task: usize, described: &Described) -> Option<Step> {
    let steps = || {
        let events = subject.encoded_events(subject.tasks[task].completed_event_id + 1, subject.after_commands(task));
        events.filter_map(Step::of_event).filter(|step| step.kind_name() == described.kind)
    };
    let has_id = |step: &Step| described.id.as_ref().is_some_and(|id| step.shown_fields(Telling::Contents).contains(id));
    steps().find(has_id).or_else(|| steps().find(|step| step.name() == described.name)).or_else(|| steps().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_read() {
        let message = "[TMPRL1100] nondeterministic workflow: history event is ActivityTaskScheduled: (ActivityId:6, \
                       ActivityType:(Name:Charge), Input:(Payloads:[len=1])), replay command is ScheduleActivityTask: \
                       (ActivityId:6, ActivityType:(Name:SendEmail), Input:(Payloads:[len=1]))";
        let recorded = described(message, "history event is ").unwrap();
        assert_eq!((recorded.kind.as_str(), recorded.name.as_str()), ("ActivityTaskScheduled", "Charge"));
        let asked = described(message, "replay command is ").unwrap();
        assert_eq!((asked.kind.as_str(), asked.name.as_str()), ("ScheduleActivityTask", "SendEmail"));
        assert_eq!(asked.id, Some(("activity_id".to_owned(), "6".to_owned())));
    }

    #[test]
    fn a_local_activity_is_read() {
        let message = "[TMPRL1100] code executed local activity tax, but history event found nothing, markerData: payloads:{}";
        assert_eq!(unrecorded_local_activity(message).as_deref(), Some("tax"));
    }

    #[test]
    fn one_side_is_read() {
        let message = "nondeterministic workflow: extra replay command for StartTimer: (TimerId:27, StartToFireTimeout:(Seconds:5, Nanos:0))";
        assert!(described(message, "history event is ").is_none());
        let asked = described(message, "extra replay command for ").unwrap();
        assert_eq!((asked.kind.as_str(), asked.name.as_str()), ("StartTimer", "27"));
    }
}
