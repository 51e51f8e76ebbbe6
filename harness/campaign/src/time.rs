//! Virtual time: when simulations begin, and instants counted from there.

use std::time::Duration;

use foretime_server::{
    engine::time::Time,
    proto::history::{HistoryEvent, history_event::Attributes},
};

/// When simulations begin, in seconds of the Unix epoch: 2026-01-01T00:00:00Z.
pub const EPOCH_S: u64 = 1_767_225_600;

/// This time of the server in nanoseconds after the start of the run; `None` if it was before.
pub fn since_start_ns(at: Time) -> Option<u64> {
    u64::try_from(at.as_nanos() - (Time::EPOCH + Duration::from_secs(EPOCH_S)).as_nanos()).ok()
}

/// The same for the time at which the server wrote an event.
pub fn event_ns(event: &HistoryEvent) -> Option<u64> {
    since_start_ns(Time::from_proto(event.event_time.as_ref()?))
}

/// When a workflow run that this event started gets its first workflow task, in nanoseconds after the start of the test's run.
/// `None` unless it has to wait: for its cron schedule, or for its next try.
pub fn first_workflow_task_ns(started: &HistoryEvent) -> Option<u64> {
    let Some(Attributes::WorkflowExecutionStartedEventAttributes(attributes)) = &started.attributes else { return None };
    let backoff: Duration = attributes.first_workflow_task_backoff?.try_into().ok()?;
    let at = Time::from_proto(started.event_time.as_ref()?) + backoff;
    since_start_ns(at).filter(|_| !backoff.is_zero())
}
