//! What each event does to what history tells (`mutable_state_rebuilder.go`).

use std::{mem::take, sync::Arc, time::Duration};

use super::told::{AcceptedUpdate, Child, Facts, Parent, RunPause, ScheduledActivity, Told};
use crate::{
    engine::{
        activity::options::Activity,
        kernel::time::{Time, span},
        rules::{options::versioning, payloads, search_attributes::written},
        workflow::workflow_task::{Scheduled, Started, WorkflowTask},
    },
    proto::{
        common::Priority,
        enums::{WorkflowExecutionStatus as Status, WorkflowTaskFailedCause},
        history::{
            ActivityTaskScheduledEventAttributes, HistoryEvent, StartChildWorkflowExecutionInitiatedEventAttributes,
            WorkflowExecutionStartedEventAttributes, history_event::Attributes,
        },
        workflow::VersioningOverride,
    },
};

impl Told {
    /// Applies the next event. Takes what it remembers out of it.
    pub(super) fn apply(&mut self, event: &mut HistoryEvent) {
        use Attributes as A;
        self.external_payloads.count_of(event);
        let id = event.event_id;
        let at = event.event_time.as_ref().map(Time::from_proto).unwrap_or_default();
        let Some(attributes) = &mut event.attributes else { return };
        match attributes {
            A::WorkflowExecutionStartedEventAttributes(it) => self.started(take(it), at),
            A::WorkflowExecutionCompletedEventAttributes(it) => {
                self.closed(Status::Completed, at, take(&mut it.new_execution_run_id))
            }
            A::WorkflowExecutionFailedEventAttributes(it) => {
                self.closed(Status::Failed, at, take(&mut it.new_execution_run_id))
            }
            A::WorkflowExecutionTimedOutEventAttributes(it) => {
                self.closed(Status::TimedOut, at, take(&mut it.new_execution_run_id))
            }
            A::WorkflowExecutionCanceledEventAttributes(_) => self.closed(Status::Canceled, at, String::new()),
            A::WorkflowExecutionTerminatedEventAttributes(_) => self.closed(Status::Terminated, at, String::new()),
            A::WorkflowExecutionContinuedAsNewEventAttributes(it) => {
                self.closed(Status::ContinuedAsNew, at, take(&mut it.new_execution_run_id));
            }
            A::WorkflowExecutionSignaledEventAttributes(_) => self.signal_count += 1,
            A::WorkflowExecutionCancelRequestedEventAttributes(_) => self.is_cancel_requested = true,
            A::WorkflowExecutionOptionsUpdatedEventAttributes(it) => {
                if !it.attached_request_id.is_empty() {
                    self.attached_request_ids.insert(take(&mut it.attached_request_id), id);
                }
                self.options_updated(it.versioning_override.take(), it.unset_versioning_override, it.priority.take());
            }
            A::WorkflowExecutionPausedEventAttributes(it) => {
                self.status = Status::Paused;
                self.row_revision += 1;
                let (identity, reason) = (take(&mut it.identity), take(&mut it.reason));
                self.pause = Some(Box::new(RunPause { at, identity, reason, request_id: take(&mut it.request_id) }));
            }
            A::WorkflowExecutionUnpausedEventAttributes(_) => {
                self.status = Status::Running;
                self.row_revision += 1;
                self.pause = None;
            }
            A::UpsertWorkflowSearchAttributesEventAttributes(it) => {
                if let Some(upserted) = it.search_attributes.take() {
                    payloads::merge(&mut self.search_attributes, upserted.indexed_fields);
                    self.row_revision += 1;
                }
            }
            A::WorkflowPropertiesModifiedEventAttributes(it) => {
                if let Some(upserted) = it.upserted_memo.take() {
                    payloads::merge(&mut self.memo, upserted.fields);
                    self.row_revision += 1;
                }
            }
            A::WorkflowTaskScheduledEventAttributes(_)
            | A::WorkflowTaskStartedEventAttributes(_)
            | A::WorkflowTaskCompletedEventAttributes(_)
            | A::WorkflowTaskFailedEventAttributes(_)
            | A::WorkflowTaskTimedOutEventAttributes(_) => self.apply_workflow_task(id, at, attributes),
            _ => self.apply_pending(id, at, attributes),
        }
    }

    fn started(&mut self, mut attributes: WorkflowExecutionStartedEventAttributes, at: Time) {
        self.reset_points = attributes.prev_auto_reset_points.take().unwrap_or_default().points;
        self.memo = attributes.memo.take().unwrap_or_default().fields;
        self.search_attributes = attributes.search_attributes.take().unwrap_or_default().indexed_fields;
        self.options_updated(attributes.versioning_override.take(), false, attributes.priority.take());
        self.facts = facts(attributes, at);
    }

    /// An option that is not named stays as it is, so a priority cannot be taken away (`ApplyWorkflowExecutionOptionsUpdatedEvent`).
    fn options_updated(&mut self, by: Option<VersioningOverride>, unsets_override: bool, priority: Option<Priority>) {
        if unsets_override || by.is_some() {
            self.has_versioning |= by.is_some();
            let by = by.filter(|_| !unsets_override);
            let behavior = by.as_ref().map_or("", versioning::behavior_name);
            written::set_keyword(&mut self.search_attributes, "TemporalWorkflowVersioningBehavior", behavior);
            let was_overridden = self.versioning_override.is_some();
            self.versioning_override = by.map(Box::new);
            self.row_revision += 1;
            if self.versioning_override.is_some() != was_overridden {
                self.note_build(None);
            }
        }
        self.priority = priority.or_else(|| self.priority.take());
    }

    fn closed(&mut self, status: Status, at: Time, new_run_id: String) {
        self.status = status;
        self.close_time = Some(at);
        self.new_run_id = new_run_id;
        self.row_revision += 1;
    }

    fn apply_workflow_task(&mut self, id: i64, at: Time, attributes: &mut Attributes) {
        use Attributes as A;
        match attributes {
            A::WorkflowTaskScheduledEventAttributes(it) => {
                let timeout = span(it.start_to_close_timeout.as_ref());
                self.task = WorkflowTask::Scheduled(Scheduled { scheduled_event_id: id, timeout });
            }
            A::WorkflowTaskStartedEventAttributes(it) => {
                if let WorkflowTask::Scheduled(scheduled) = self.task {
                    let started = Started {
                        started_event_id: id,
                        started_time: at,
                        identity: take(&mut it.identity),
                        request_id: take(&mut it.request_id),
                        worker_version: take(&mut it.worker_version),
                        suggest_continue_as_new_reasons: take(&mut it.suggest_continue_as_new_reasons),
                        history_size_bytes: it.history_size_bytes,
                    };
                    self.task = WorkflowTask::Started(scheduled, Box::new(started));
                }
            }
            A::WorkflowTaskCompletedEventAttributes(it) => {
                self.task = WorkflowTask::None;
                self.last_started_event_id = it.started_event_id;
                self.note_worker(it, id, at);
            }
            // A worker may name this cause, too, and no run.
            A::WorkflowTaskFailedEventAttributes(it)
                if it.cause() == WorkflowTaskFailedCause::ResetWorkflow && !it.new_run_id.is_empty() =>
            {
                self.task = WorkflowTask::None;
                self.reset(at);
            }
            _ => self.task = WorkflowTask::None,
        }
    }

    /// A reset begins the run anew, and with it all that is counted from its beginning (`RefreshExpirationTimeoutTask`). What
    /// activities have been doing is forgotten: they are scheduled now (`failInflightActivity`).
    fn reset(&mut self, at: Time) {
        self.is_reset = true;
        self.row_revision += 1;
        let backoff = self.facts.execution_time.since(self.facts.start_time);
        self.facts.start_time = at;
        self.facts.execution_time = at + backoff;
        let execution_timeout = self.facts.execution_timeout;
        if !execution_timeout.is_zero() {
            self.facts.execution_expiration = Some(at + execution_timeout);
        }
        let run_timeout = if self.facts.run_timeout.is_zero() { execution_timeout } else { self.facts.run_timeout };
        if !run_timeout.is_zero() {
            let expiration = at + run_timeout;
            self.facts.run_expiration = Some(self.facts.execution_expiration.map_or(expiration, |end| end.min(expiration)));
        }
        for scheduled in self.activities.values_mut() {
            Arc::make_mut(&mut scheduled.activity).schedule_again(at);
        }
    }

    /// What the events do to things that a run can have open.
    fn apply_pending(&mut self, id: i64, at: Time, attributes: &mut Attributes) {
        use Attributes as A;
        match attributes {
            A::ActivityTaskScheduledEventAttributes(it) => self.activity_scheduled(id, at, take(it)),
            A::ActivityTaskCancelRequestedEventAttributes(it) => {
                if let Some(activity) = self.activities.get_mut(&it.scheduled_event_id) {
                    activity.cancel_requested_event_id = Some(id);
                }
            }
            A::ActivityTaskCompletedEventAttributes(_)
            | A::ActivityTaskFailedEventAttributes(_)
            | A::ActivityTaskTimedOutEventAttributes(_)
            | A::ActivityTaskCanceledEventAttributes(_) => {
                attributes.scheduled_event_id().map(|of| self.activities.remove(&of));
            }
            A::TimerStartedEventAttributes(it) => {
                self.timers.insert(id, take(&mut it.timer_id));
            }
            A::TimerFiredEventAttributes(_) | A::TimerCanceledEventAttributes(_) => {
                attributes.started_event_id().map(|of| self.timers.remove(&of));
            }
            A::StartChildWorkflowExecutionInitiatedEventAttributes(it) => {
                self.children.insert(id, Box::new(child(take(it))));
            }
            A::ChildWorkflowExecutionStartedEventAttributes(it) => {
                if let Some(child) = self.children.get_mut(&it.initiated_event_id) {
                    child.started_event_id = id;
                }
            }
            A::StartChildWorkflowExecutionFailedEventAttributes(_)
            | A::ChildWorkflowExecutionCompletedEventAttributes(_)
            | A::ChildWorkflowExecutionFailedEventAttributes(_)
            | A::ChildWorkflowExecutionCanceledEventAttributes(_)
            | A::ChildWorkflowExecutionTerminatedEventAttributes(_)
            | A::ChildWorkflowExecutionTimedOutEventAttributes(_) => {
                attributes.initiated_event_id().map(|of| self.children.remove(&of));
            }
            A::SignalExternalWorkflowExecutionInitiatedEventAttributes(_)
            | A::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(_) => {
                self.external.insert(id);
            }
            A::ExternalWorkflowExecutionSignaledEventAttributes(_)
            | A::SignalExternalWorkflowExecutionFailedEventAttributes(_)
            | A::ExternalWorkflowExecutionCancelRequestedEventAttributes(_)
            | A::RequestCancelExternalWorkflowExecutionFailedEventAttributes(_) => {
                attributes.initiated_event_id().map(|of| self.external.remove(&of));
            }
            A::WorkflowExecutionUpdateAdmittedEventAttributes(it) => {
                let meta = it.request.as_mut().and_then(|request| request.meta.take());
                self.admitted.insert(meta.unwrap_or_default().update_id, id);
            }
            A::WorkflowExecutionUpdateAcceptedEventAttributes(it) => {
                let admitted_event_id = self.admitted.remove(&it.protocol_instance_id);
                let accepted = AcceptedUpdate { admitted_event_id, accepted_event_id: id, completed_event_id: None };
                self.updates.insert(take(&mut it.protocol_instance_id), accepted);
            }
            A::WorkflowExecutionUpdateCompletedEventAttributes(it) => {
                let update_id = it.meta.as_ref().map_or("", |meta| meta.update_id.as_str());
                if let Some(update) = self.updates.get_mut(update_id) {
                    update.completed_event_id = Some(id);
                }
            }
            // Markers and the starts of activities leave nothing open.
            _ => {}
        }
    }

    fn activity_scheduled(&mut self, id: i64, at: Time, attributes: ActivityTaskScheduledEventAttributes) {
        let activity = Arc::new(Activity::of_event(attributes, at));
        self.activities.insert(id, Box::new(ScheduledActivity { activity, cancel_requested_event_id: None }));
    }
}

fn child(initiated: StartChildWorkflowExecutionInitiatedEventAttributes) -> Child {
    Child {
        parent_close_policy: initiated.parent_close_policy(),
        namespace: initiated.namespace,
        namespace_id: initiated.namespace_id,
        workflow_id: initiated.workflow_id,
        workflow_type: initiated.workflow_type,
        started_event_id: 0,
    }
}

fn facts(attributes: WorkflowExecutionStartedEventAttributes, at: Time) -> Facts {
    let backoff = span(attributes.first_workflow_task_backoff.as_ref());
    let run_timeout = span(attributes.workflow_run_timeout.as_ref());
    let execution_expiration = attributes.workflow_execution_expiration_time.as_ref().map(Time::from_proto);
    let run_expiration = if run_timeout == Duration::ZERO { None } else { Some(at + backoff + run_timeout) };
    let run_expiration = match (run_expiration, execution_expiration) {
        (Some(run), Some(execution)) => Some(run.min(execution)),
        (run, execution) => run.or(execution),
    };
    let parent = attributes.parent_workflow_execution.map(|parent| {
        Box::new(Parent {
            namespace: attributes.parent_workflow_namespace,
            namespace_id: attributes.parent_workflow_namespace_id,
            workflow_id: parent.workflow_id,
            run_id: parent.run_id,
            initiated_event_id: attributes.parent_initiated_event_id,
        })
    });
    Facts {
        workflow_id: attributes.workflow_id,
        workflow_type: attributes.workflow_type.unwrap_or_default().name,
        task_queue: attributes.task_queue.unwrap_or_default().name,
        execution_timeout: span(attributes.workflow_execution_timeout.as_ref()),
        run_timeout,
        task_timeout: span(attributes.workflow_task_timeout.as_ref()),
        execution_expiration,
        run_expiration,
        first_run_id: attributes.first_execution_run_id,
        start_time: at,
        original_start_time: at,
        execution_time: at + backoff,
        attempt: attributes.attempt,
        cron_schedule: attributes.cron_schedule,
        retry_policy: attributes.retry_policy.map(Box::new),
        parent,
        root: attributes.root_workflow_execution.map(|root| Box::new((root.workflow_id, root.run_id))),
    }
}
