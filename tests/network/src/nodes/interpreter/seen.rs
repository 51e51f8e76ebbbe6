//! What the history has told the workflow so far.

use std::collections::{BTreeMap, BTreeSet};

use foretime_server::proto::{
    common::{Payloads, WorkflowExecution},
    failure::Failure,
    history::{HistoryEvent, history_event::Attributes},
};

use super::payload;

/// What has happened.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The nonces of the signals, in order.
    pub(super) signals: Vec<String>,
    /// Whether the workflow is asked to cancel itself.
    pub(super) is_cancel_requested: bool,
    /// The timers that have fired.
    pub(super) fired: BTreeSet<String>,
    /// How activities ended, by activity id.
    pub(super) activities: BTreeMap<String, String>,
    /// How children ended, by workflow id.
    pub(super) children: BTreeMap<String, String>,
    /// The id of the activity that each event scheduled.
    scheduled: BTreeMap<i64, String>,
}

impl Seen {
    /// Takes in the next event.
    pub(super) fn see(&mut self, event: &HistoryEvent) {
        use Attributes as A;
        let Some(attributes) = &event.attributes else { return };
        match attributes {
            A::WorkflowExecutionSignaledEventAttributes(it) => self.signals.push(payload::text(it.input.as_ref())),
            A::WorkflowExecutionCancelRequestedEventAttributes(_) => self.is_cancel_requested = true,
            A::TimerFiredEventAttributes(it) => drop(self.fired.insert(it.timer_id.clone())),
            A::ActivityTaskScheduledEventAttributes(it) => drop(self.scheduled.insert(event.event_id, it.activity_id.clone())),
            A::ActivityTaskCompletedEventAttributes(it) => {
                self.end_activity(it.scheduled_event_id, payload::text(it.result.as_ref()));
            }
            A::ActivityTaskFailedEventAttributes(it) => self.end_activity(it.scheduled_event_id, failed(it.failure.as_ref())),
            A::ActivityTaskTimedOutEventAttributes(it) => self.end_activity(it.scheduled_event_id, "timed out".to_owned()),
            A::ActivityTaskCanceledEventAttributes(it) => self.end_activity(it.scheduled_event_id, "cancelled".to_owned()),
            _ => self.see_child(attributes),
        }
    }

    fn see_child(&mut self, attributes: &Attributes) {
        use Attributes as A;
        match attributes {
            A::StartChildWorkflowExecutionFailedEventAttributes(it) => {
                self.children.insert(it.workflow_id.clone(), "not started".to_owned());
            }
            A::ChildWorkflowExecutionCompletedEventAttributes(it) => {
                self.end_child(it.workflow_execution.as_ref(), completed(it.result.as_ref()));
            }
            A::ChildWorkflowExecutionFailedEventAttributes(it) => {
                self.end_child(it.workflow_execution.as_ref(), failed(it.failure.as_ref()));
            }
            A::ChildWorkflowExecutionTimedOutEventAttributes(it) => {
                self.end_child(it.workflow_execution.as_ref(), "timed out".to_owned());
            }
            A::ChildWorkflowExecutionCanceledEventAttributes(it) => {
                self.end_child(it.workflow_execution.as_ref(), "cancelled".to_owned());
            }
            A::ChildWorkflowExecutionTerminatedEventAttributes(it) => {
                self.end_child(it.workflow_execution.as_ref(), "terminated".to_owned());
            }
            _ => {}
        }
    }

    fn end_activity(&mut self, scheduled_event_id: i64, outcome: String) {
        if let Some(activity_id) = self.scheduled.get(&scheduled_event_id) {
            self.activities.insert(activity_id.clone(), outcome);
        }
    }

    fn end_child(&mut self, child: Option<&WorkflowExecution>, outcome: String) {
        self.children.insert(child.map(|child| child.workflow_id.clone()).unwrap_or_default(), outcome);
    }
}

fn completed(result: Option<&Payloads>) -> String {
    format!("({})", payload::text(result))
}

fn failed(failure: Option<&Failure>) -> String {
    format!("failed: {}", failure.map_or("", |failure| failure.message.as_str()))
}
