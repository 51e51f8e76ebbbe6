//! What a run has open according to its history, so that workers can cancel and answer what exists.

use std::collections::BTreeMap;

use foretime_server::proto::history::{HistoryEvent, history_event::Attributes};

/// An open activity.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) scheduled_event_id: i64,
    pub(crate) activity_id: String,
    pub(crate) is_cancel_requested: bool,
}

/// The ids of the open timers.
pub(crate) fn timers(events: &[HistoryEvent]) -> Vec<String> {
    use Attributes as A;
    let mut open = BTreeMap::new();
    for event in events {
        match &event.attributes {
            Some(A::TimerStartedEventAttributes(a)) => drop(open.insert(event.event_id, a.timer_id.clone())),
            Some(A::TimerFiredEventAttributes(a)) => drop(open.remove(&a.started_event_id)),
            Some(A::TimerCanceledEventAttributes(a)) => drop(open.remove(&a.started_event_id)),
            _ => {}
        }
    }
    open.into_values().collect()
}

/// The ids of the updates that a reset has admitted again, and that are not accepted.
pub(crate) fn admitted_updates(events: &[HistoryEvent]) -> Vec<String> {
    use Attributes as A;
    let mut admitted = Vec::new();
    for event in events {
        match &event.attributes {
            Some(A::WorkflowExecutionUpdateAdmittedEventAttributes(a)) => {
                let meta = a.request.as_ref().and_then(|request| request.meta.as_ref());
                admitted.push(meta.map(|meta| meta.update_id.clone()).unwrap_or_default());
            }
            Some(A::WorkflowExecutionUpdateAcceptedEventAttributes(a)) => admitted.retain(|id| *id != a.protocol_instance_id),
            _ => {}
        }
    }
    admitted
}

/// The ids of the updates that are accepted and not completed.
pub(crate) fn updates(events: &[HistoryEvent]) -> Vec<String> {
    use Attributes as A;
    let mut open = BTreeMap::new();
    for event in events {
        match &event.attributes {
            Some(A::WorkflowExecutionUpdateAcceptedEventAttributes(a)) => {
                open.insert(event.event_id, a.protocol_instance_id.clone());
            }
            Some(A::WorkflowExecutionUpdateCompletedEventAttributes(a)) => drop(open.remove(&a.accepted_event_id)),
            _ => {}
        }
    }
    open.into_values().collect()
}

/// The open activities.
pub(crate) fn activities(events: &[HistoryEvent]) -> Vec<Activity> {
    use Attributes as A;
    let mut open = BTreeMap::new();
    for event in events {
        let closed = match &event.attributes {
            Some(A::ActivityTaskScheduledEventAttributes(a)) => {
                let (scheduled_event_id, activity_id) = (event.event_id, a.activity_id.clone());
                open.insert(scheduled_event_id, Activity { scheduled_event_id, activity_id, is_cancel_requested: false });
                continue;
            }
            Some(A::ActivityTaskCancelRequestedEventAttributes(a)) => {
                open.entry(a.scheduled_event_id).and_modify(|activity| activity.is_cancel_requested = true);
                continue;
            }
            Some(A::ActivityTaskCompletedEventAttributes(a)) => a.scheduled_event_id,
            Some(A::ActivityTaskFailedEventAttributes(a)) => a.scheduled_event_id,
            Some(A::ActivityTaskTimedOutEventAttributes(a)) => a.scheduled_event_id,
            Some(A::ActivityTaskCanceledEventAttributes(a)) => a.scheduled_event_id,
            _ => continue,
        };
        open.remove(&closed);
    }
    open.into_values().collect()
}
