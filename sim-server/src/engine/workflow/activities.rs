//! Activities that the workflow scheduled (`workflow/activity.go`). The started event is written when the activity closes.

use std::sync::Arc;

use super::{recorded::ScheduledActivity, run::Run, write::new_event};
use crate::{
    engine::{
        activity::attempt::{Attempt, First, Home},
        execution::{By, Cx},
        kernel::{
            due::ActivityDue,
            effects::Extras,
            key::{ActivityKey, ActivityOwner, WorkerId},
            time::Time,
        },
        rules::{
            failure::{self, encode_string},
            names,
        },
    },
    proto::{
        command::ScheduleActivityTaskCommandAttributes,
        common::{Payloads, WorkerVersionStamp},
        enums::{RetryState, TimeoutType},
        failure::Failure,
        history::{
            ActivityTaskCancelRequestedEventAttributes, ActivityTaskCanceledEventAttributes,
            ActivityTaskCompletedEventAttributes, ActivityTaskFailedEventAttributes, ActivityTaskScheduledEventAttributes,
            ActivityTaskStartedEventAttributes, ActivityTaskTimedOutEventAttributes, history_event::Attributes,
        },
    },
};

/// What the worker of an activity hears in answer to a heartbeat.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct Heard {
    pub(in crate::engine) is_cancel_requested: bool,
    pub(in crate::engine) is_paused: bool,
    pub(in crate::engine) is_reset: bool,
}

/// How an activity closes.
#[derive(Debug)]
pub(in crate::engine) enum Outcome {
    Completed(Option<Payloads>),
    Failed(Option<Failure>, RetryState),
    TimedOut(Failure, RetryState),
    Canceled(Option<Payloads>),
}

impl Run {
    /// The activities that have not ended, with the id of their scheduled event, in order.
    pub(in crate::engine) fn pending_activities(&self) -> impl Iterator<Item = (i64, &ScheduledActivity, &Attempt)> {
        self.volatile.attempts.iter().filter_map(|(&id, attempt)| Some((id, &**self.recorded.activities.get(&id)?, &**attempt)))
    }

    /// An activity that has not ended.
    pub(in crate::engine) fn pending_activity(&self, scheduled_event_id: i64) -> Option<(&ScheduledActivity, &Attempt)> {
        let attempt = self.volatile.attempts.get(&scheduled_event_id)?;
        Some((self.recorded.activities.get(&scheduled_event_id)?, attempt))
    }

    /// Writes the scheduled event and puts the task into its queue, unless the worker takes it along (`eager`).
    pub(super) fn schedule_activity(
        &mut self,
        cx: &mut Cx<'_>,
        command: ScheduleActivityTaskCommandAttributes,
        extras: Extras,
        completed_event_id: i64,
        eager: bool,
    ) -> i64 {
        let attributes = Attributes::ActivityTaskScheduledEventAttributes(scheduled(command, completed_event_id));
        let scheduled_event_id = self.add_event_with(cx, attributes, extras);
        let first = match eager {
            _ if self.is_paused() => First::Held,
            true => First::Eager,
            false => First::Queued,
        };
        if let Some(scheduled) = self.recorded.activities.get(&scheduled_event_id) {
            let (key, home) = (self.activity_key(scheduled_event_id), self.home());
            let attempt = Attempt::first(cx, key, home, Arc::clone(&scheduled.activity), first);
            self.volatile.attempts.insert(scheduled_event_id, Box::new(attempt));
        }
        scheduled_event_id
    }

    /// A worker takes the activity. `request_id`: that of the poll; empty where the start is made up for a completion by id.
    pub(in crate::engine) fn start_activity(
        &mut self,
        cx: &mut Cx<'_>,
        scheduled_event_id: i64,
        worker: Option<WorkerId>,
        identity: &str,
        request_id: String,
    ) {
        if let Some((_, attempt)) = self.pending_activity_mut(scheduled_event_id) {
            attempt.start(cx, worker, identity, request_id);
        }
    }

    pub(super) fn activity_key(&self, scheduled_event_id: i64) -> ActivityKey {
        ActivityKey { owner: ActivityOwner::Run(self.key), scheduled_event_id }
    }

    /// What its attempts have to know of it.
    pub(in crate::engine::workflow) fn home(&self) -> Home {
        Home { namespace: self.namespace, priority_key: self.priority_key() }
    }

    fn pending_activity_mut(&mut self, scheduled_event_id: i64) -> Option<(&ScheduledActivity, &mut Attempt)> {
        let attempt = self.volatile.attempts.get_mut(&scheduled_event_id)?;
        Some((self.recorded.activities.get(&scheduled_event_id)?, attempt))
    }

    /// Records a heartbeat, and gives what its worker is to hear.
    pub(in crate::engine) fn heartbeat_activity(
        &mut self,
        cx: &mut Cx<'_>,
        scheduled_event_id: i64,
        details: Option<Payloads>,
    ) -> Heard {
        let Some((scheduled, attempt)) = self.pending_activity_mut(scheduled_event_id) else { return Heard::default() };
        attempt.heartbeat(cx, details);
        Heard {
            is_cancel_requested: scheduled.cancel_requested_event_id.is_some(),
            is_paused: attempt.pause().is_some(),
            is_reset: attempt.is_reset(),
        }
    }

    /// The worker of an activity reports its failure.
    pub(in crate::engine) fn note_activity_report(&mut self, cx: &Cx<'_>, scheduled_event_id: i64) {
        if let Some((_, attempt)) = self.pending_activity_mut(scheduled_event_id) {
            attempt.note_report(cx.now);
        }
    }

    pub(super) fn activity_falls_due(&mut self, cx: &mut Cx<'_>, scheduled_event_id: i64, what: ActivityDue) {
        let home = self.home();
        let Some((_, attempt)) = self.pending_activity_mut(scheduled_event_id) else { return };
        match what {
            ActivityDue::Retry => attempt.end_backoff(cx, home),
            ActivityDue::Timeout(timeout_type) => {
                if attempt.is_meant_by(timeout_type) {
                    cx.skipping.give_up(self.activity_key(scheduled_event_id));
                    self.time_out_activity(cx, scheduled_event_id, timeout_type);
                }
            }
        }
    }

    fn time_out_activity(&mut self, cx: &mut Cx<'_>, scheduled_event_id: i64, timeout_type: TimeoutType) {
        let failure = failure::timeout(format!("activity {} timeout", names::timeout(timeout_type.into())), timeout_type);
        let Err(retry_state) = self.retry_activity(cx, scheduled_event_id, Some(&failure)) else { return };
        let Some((_, attempt)) = self.pending_activity(scheduled_event_id) else { return };
        let mut failure = if retry_state == RetryState::Timeout && timeout_type != TimeoutType::ScheduleToStart {
            failure::timeout(failure::NOT_ENOUGH_TIME_TO_RETRY.to_owned(), TimeoutType::ScheduleToClose)
        } else {
            failure
        };
        failure::set_heartbeat_details(&mut failure, attempt.heartbeat_details().cloned());
        failure.cause = attempt.last_failure().cloned().map(Box::new);
        self.close_activity(cx, scheduled_event_id, Outcome::TimedOut(failure, retry_state), By::default());
        self.schedule_workflow_task(cx);
    }

    /// Begins the backoff before another attempt.
    ///
    /// # Errors
    /// Why there is none.
    pub(in crate::engine) fn retry_activity(
        &mut self,
        cx: &mut Cx<'_>,
        scheduled_event_id: i64,
        failure: Option<&Failure>,
    ) -> Result<(), RetryState> {
        let Some((scheduled, attempt)) = self.pending_activity_mut(scheduled_event_id) else {
            return Err(RetryState::InternalServerError);
        };
        attempt.retry(cx, scheduled.cancel_requested_event_id.is_some(), failure)?;
        self.note_failed_attempt(cx, scheduled_event_id);
        Ok(())
    }

    /// Writes the started event (if it ran) and the closing one, and forgets the attempt.
    pub(in crate::engine) fn close_activity(&mut self, cx: &mut Cx<'_>, scheduled_event_id: i64, outcome: Outcome, by: By<'_>) {
        let Some(mut attempt) = self.volatile.attempts.remove(&scheduled_event_id) else { return };
        attempt.stop(cx);
        if matches!(outcome, Outcome::Completed(_) | Outcome::Canceled(_)) {
            self.note_progress(cx);
        }
        let started_event_id = self.write_activity_started(cx, scheduled_event_id, &attempt, by.version);
        let identity = by.identity.to_owned();
        let attributes = match outcome {
            Outcome::Completed(result) => {
                Attributes::ActivityTaskCompletedEventAttributes(ActivityTaskCompletedEventAttributes {
                    result,
                    scheduled_event_id,
                    started_event_id,
                    identity,
                    ..ActivityTaskCompletedEventAttributes::default()
                })
            }
            Outcome::Failed(failure, retry_state) => {
                Attributes::ActivityTaskFailedEventAttributes(ActivityTaskFailedEventAttributes {
                    failure,
                    scheduled_event_id,
                    started_event_id,
                    identity,
                    retry_state: retry_state.into(),
                    ..ActivityTaskFailedEventAttributes::default()
                })
            }
            Outcome::TimedOut(failure, retry_state) => {
                Attributes::ActivityTaskTimedOutEventAttributes(ActivityTaskTimedOutEventAttributes {
                    failure: Some(failure),
                    scheduled_event_id,
                    started_event_id,
                    retry_state: retry_state.into(),
                })
            }
            Outcome::Canceled(details) => {
                let scheduled = self.recorded.activities.get(&scheduled_event_id);
                let requested = scheduled.and_then(|scheduled| scheduled.cancel_requested_event_id);
                Attributes::ActivityTaskCanceledEventAttributes(ActivityTaskCanceledEventAttributes {
                    details,
                    latest_cancel_requested_event_id: requested.unwrap_or(0),
                    scheduled_event_id,
                    started_event_id,
                    identity,
                    ..ActivityTaskCanceledEventAttributes::default()
                })
            }
        };
        self.add_event(cx, attributes);
    }

    /// The started event of the last attempt; 0 if it never started (or was buffered). `worker_version`: what the worker says that
    /// reports the end; what it said when it took the attempt is not remembered.
    fn write_activity_started(
        &mut self,
        cx: &mut Cx<'_>,
        scheduled_event_id: i64,
        attempt: &Attempt,
        worker_version: Option<&WorkerVersionStamp>,
    ) -> i64 {
        let Some(started_time) = attempt.started_time() else { return 0 };
        let attributes = ActivityTaskStartedEventAttributes {
            scheduled_event_id,
            identity: attempt.identity().to_owned(),
            request_id: attempt.request_id().to_owned(),
            attempt: attempt.number(),
            last_failure: attempt.last_failure().cloned(),
            worker_version: worker_version.cloned(),
            ..ActivityTaskStartedEventAttributes::default()
        };
        let mut event = new_event(cx, Attributes::ActivityTaskStartedEventAttributes(attributes));
        event.event_time = Some(Time::to_proto(started_time));
        self.put(event)
    }

    /// The workflow asks for the activity's cancellation. One that no worker has is cancelled at once; then true.
    pub(super) fn request_cancel_activity(
        &mut self,
        cx: &mut Cx<'_>,
        scheduled_event_id: i64,
        identity: &str,
        completed_event_id: i64,
    ) -> bool {
        let attributes = ActivityTaskCancelRequestedEventAttributes {
            scheduled_event_id,
            workflow_task_completed_event_id: completed_event_id,
        };
        self.add_event(cx, Attributes::ActivityTaskCancelRequestedEventAttributes(attributes));
        let is_waiting = self.pending_activity(scheduled_event_id).is_some_and(|(_, attempt)| !attempt.is_started());
        if is_waiting {
            let details = encode_string("ACTIVITY_ID_NOT_STARTED");
            self.close_activity(cx, scheduled_event_id, Outcome::Canceled(Some(details)), By::identity(identity));
        }
        is_waiting
    }

    /// The run closes: its activities lead nowhere. They stay to be described, as on the real server.
    pub(super) fn stop_activities(&mut self, cx: &mut Cx<'_>) {
        let owner = ActivityOwner::Run(self.key);
        for (&scheduled_event_id, attempt) in &mut self.volatile.attempts {
            cx.skipping.give_up(ActivityKey { owner, scheduled_event_id });
            attempt.stop(cx);
        }
    }
}

fn scheduled(command: ScheduleActivityTaskCommandAttributes, completed_event_id: i64) -> ActivityTaskScheduledEventAttributes {
    ActivityTaskScheduledEventAttributes {
        activity_id: command.activity_id,
        activity_type: command.activity_type,
        task_queue: command.task_queue,
        header: command.header,
        input: command.input,
        schedule_to_close_timeout: command.schedule_to_close_timeout,
        schedule_to_start_timeout: command.schedule_to_start_timeout,
        start_to_close_timeout: command.start_to_close_timeout,
        heartbeat_timeout: command.heartbeat_timeout,
        workflow_task_completed_event_id: completed_event_id,
        retry_policy: command.retry_policy,
        use_workflow_build_id: command.use_workflow_build_id,
        priority: command.priority,
    }
}
