//! What holds for every event: its id, its type and its time. A run begins with its start and ends with its close.

use foretime_server::{
    engine::time::Time,
    proto::{
        enums::EventType,
        history::{HistoryEvent, history_event::Attributes},
    },
};

use super::{Findings, kinds};

/// The events so far.
#[derive(Debug, Default)]
pub(super) struct Frame {
    last_id: i64,
    /// The latest time of any event.
    latest: Option<Time>,
    /// When the last workflow task started.
    task_started: Option<Time>,
    /// Since when events that may stand here were held back: from the end of one started workflow task to the next.
    held_since: Option<Time>,
    closed_by: Option<i64>,
}

impl Frame {
    /// Checks the event. Returns its attributes, if it has any.
    pub(super) fn take<'a>(&mut self, event: &'a HistoryEvent, findings: &mut Findings) -> Option<&'a Attributes> {
        let is_first = self.last_id == 0;
        if event.event_id != self.last_id + 1 {
            findings.say("event-id", format!("event {} follows event {}", event.event_id, self.last_id));
        }
        // After a gap, the numbering goes on from there.
        self.last_id = event.event_id;
        if let Some(close) = self.closed_by {
            findings.say("after-close", format!("it comes after event {close}, which closed the run"));
        }
        let Some(attributes) = &event.attributes else {
            findings.say("event-type", "it has no attributes");
            return None;
        };
        let event_type = attributes.event_type();
        if event.event_type != event_type as i32 {
            findings.say("event-type", format!("its attributes are those of {}", event_type.as_str_name()));
        }
        if is_first != (event_type == EventType::WorkflowExecutionStarted) {
            let text = if is_first { "a run begins with its start" } else { "the run has started before" };
            findings.say("first-event", text);
        }
        if kinds::is_close(event_type) {
            self.closed_by = Some(event.event_id);
        }
        match event.event_time.as_ref().map(Time::from_proto) {
            Some(at) => self.take_time(at, event_type, findings),
            None => findings.say("event-time", "it has no time"),
        }
        Some(attributes)
    }

    fn take_time(&mut self, at: Time, event_type: EventType, findings: &mut Findings) {
        use EventType as E;
        match event_type {
            E::WorkflowTaskScheduled => self.held_since = None,
            E::WorkflowTaskStarted => self.task_started = Some(at),
            E::WorkflowTaskCompleted | E::WorkflowTaskFailed | E::WorkflowTaskTimedOut => {
                self.held_since = self.task_started.take();
            }
            _ => {}
        }
        let floor = match event_type {
            // Written when the activity closes; `activities` compares it with the schedule.
            E::ActivityTaskStarted => None,
            // The handler tells when it started, to the second, if its completion comes first.
            E::NexusOperationStarted => None,
            _ if kinds::is_held_back(event_type) => self.held_since.or(self.latest),
            _ => self.latest,
        };
        if let Some(floor) = floor.filter(|&floor| at < floor) {
            let nanos = floor.since(at).as_nanos();
            findings.say("event-time", format!("it goes back in time, by {nanos} ns"));
        }
        self.latest = self.latest.max(Some(at));
    }
}
