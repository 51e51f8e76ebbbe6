//! Applying commands that were checked.

use std::time::Duration;

use super::{Checked, Fit};
use crate::{
    engine::{
        execution::{By, Cx},
        workflow::{run::Run, volatile::Stage, workflow_task::Sticky},
    },
    proto::{
        command::RecordMarkerCommandAttributes,
        enums::TimeoutType,
        history::{
            MarkerRecordedEventAttributes, UpsertWorkflowSearchAttributesEventAttributes,
            WorkflowPropertiesModifiedEventAttributes, history_event::Attributes,
        },
        workflowservice::RespondWorkflowTaskCompletedRequest,
    },
};

/// How long a worker may heartbeat a workflow task (`history.workflowTaskHeartbeatTimeout`).
const HEARTBEAT_MAX: Duration = Duration::from_secs(30 * 60);
/// The request id of a workflow task that goes along with the completion of the one before it.
const INLINE_REQUEST_ID: &str = "request-from-RespondWorkflowTaskCompleted";

/// A worker's answer to a workflow task, checked.
#[derive(Debug)]
pub(in crate::engine::workflow) struct Completion<'a> {
    /// Its commands are taken out.
    pub(in crate::engine::workflow) request: &'a RespondWorkflowTaskCompletedRequest,
    pub(in crate::engine::workflow) has_no_commands: bool,
    /// Its commands and its messages.
    pub(in crate::engine::workflow) commands: Vec<Checked>,
    /// The worker has the run in its cache, and waits for its next task there.
    pub(in crate::engine::workflow) sticky: Option<Sticky>,
    /// The worker only says that it still works on it.
    pub(in crate::engine::workflow) is_heartbeat: bool,
}

/// What goes along with the answer to a completion.
#[derive(Debug, Default)]
pub(in crate::engine::workflow) struct Applied {
    /// Activities, by scheduled event.
    pub(in crate::engine::workflow) eager_activities: Vec<i64>,
    /// The next workflow task, which has started.
    pub(in crate::engine::workflow) gives_next_task: bool,
    /// The task was speculative and is discarded: the worker goes back to this event. 0 if it is not.
    pub(in crate::engine::workflow) reset_history_event_id: i64,
    /// An activity that no worker had was cancelled: the workflow must hear of it.
    has_canceled_activity: bool,
}

impl Run {
    /// The completion of the workflow task that a worker has: its events, what its commands ask for, and the next task if one
    /// is wanted at once.
    pub(in crate::engine::workflow) fn apply_completion(&mut self, cx: &mut Cx<'_>, completion: Completion<'_>) -> Applied {
        let Completion { request, has_no_commands, commands, sticky, is_heartbeat } = completion;
        let original = self.volatile.task.original_scheduled_time;
        let is_overdue = is_heartbeat && cx.now.since(original) > HEARTBEAT_MAX;
        let is_discarded = !is_overdue && has_no_commands && self.may_discard_workflow_task(request);
        let completed_event_id = if is_overdue {
            self.time_out_workflow_task(cx, TimeoutType::StartToClose);
            0
        } else if is_discarded {
            self.discard_workflow_task(cx);
            0
        } else {
            self.complete_workflow_task(cx, request)
        };
        self.volatile.sticky = sticky.filter(|_| !is_overdue);
        let had_buffered = !self.buffered().is_empty();
        self.volatile.stage = Stage::Completing;
        let mut applied = self.apply_commands(cx, commands, &request.identity, completed_event_id);
        if self.is_running() && !request.force_create_new_workflow_task {
            self.reject_unprocessed_updates();
        }
        self.volatile.end_completion();
        let has_news = had_buffered && !self.buffered().is_empty();
        let wanted = request.force_create_new_workflow_task || has_news || applied.has_canceled_activity;
        let may_go_on = self.is_running() && !self.is_paused();
        if may_go_on && wanted {
            applied.gives_next_task = request.return_new_workflow_task;
            let original = (is_heartbeat && !is_overdue).then_some(original);
            self.place_workflow_task(cx, original, !applied.gives_next_task);
            if applied.gives_next_task {
                let is_heartbeat = request.force_create_new_workflow_task;
                self.start_workflow_task(cx, By::completing(request), INLINE_REQUEST_ID.to_owned(), is_heartbeat);
            }
        } else if may_go_on && self.has_update_to_send() {
            applied.gives_next_task = request.return_new_workflow_task;
            if applied.gives_next_task {
                self.place_speculative_task(cx, false);
                self.start_workflow_task(cx, By::completing(request), INLINE_REQUEST_ID.to_owned(), false);
            } else {
                self.place_workflow_task(cx, None, true);
            }
        }
        applied.reset_history_event_id = if is_discarded { self.last_started_event_id() } else { 0 };
        applied
    }

    fn apply_commands(&mut self, cx: &mut Cx<'_>, commands: Vec<Checked>, identity: &str, completed_event_id: i64) -> Applied {
        let mut applied = Applied::default();
        for command in commands {
            // Of a closed run, only an update can still be rejected.
            if !self.is_running() && !matches!(command.command, Fit::Update(_)) {
                continue;
            }
            self.apply_command(cx, command, identity, completed_event_id, &mut applied);
        }
        applied
    }

    fn apply_command(&mut self, cx: &mut Cx<'_>, checked: Checked, identity: &str, done: i64, applied: &mut Applied) {
        let Checked { command, extras } = checked;
        match command {
            Fit::ScheduleActivity(a) => {
                let eager = a.request_eager_execution && !self.is_paused();
                let id = self.schedule_activity(cx, a, extras, done, eager);
                applied.eager_activities.extend(eager.then_some(id));
            }
            Fit::RequestCancelActivity(a) => {
                applied.has_canceled_activity |= self.request_cancel_activity(cx, a.scheduled_event_id, identity, done);
            }
            Fit::StartTimer(a) => self.start_timer(cx, a, extras, done),
            Fit::CancelTimer(a) => self.cancel_timer(cx, a, identity, done),
            Fit::RecordMarker(a) => drop(self.add_event_with(cx, marker(a, done), extras)),
            Fit::UpsertSearchAttributes(a) => {
                let attributes = UpsertWorkflowSearchAttributesEventAttributes {
                    workflow_task_completed_event_id: done,
                    search_attributes: a.search_attributes,
                };
                self.add_event_with(cx, Attributes::UpsertWorkflowSearchAttributesEventAttributes(attributes), extras);
            }
            Fit::ModifyProperties(a) => {
                let attributes = WorkflowPropertiesModifiedEventAttributes {
                    workflow_task_completed_event_id: done,
                    upserted_memo: a.upserted_memo,
                };
                self.add_event_with(cx, Attributes::WorkflowPropertiesModifiedEventAttributes(attributes), extras);
            }
            Fit::StartChild(a, target) => self.initiate_child(cx, *a, target, extras, done),
            Fit::SignalExternal(a, target) => self.initiate_signal_external(cx, a, target, extras, done),
            Fit::CancelExternal(a, target) => self.initiate_cancel_external(cx, a, target, extras, done),
            Fit::Complete(a) => self.complete(cx, a.result, extras, done),
            Fit::Fail(a) => self.fail(cx, a.failure, extras, done),
            Fit::Cancel(a) => self.cancel(cx, a.details, extras, done),
            Fit::ContinueAsNew(a) => self.continue_as_new(cx, *a, extras, done),
            Fit::Update(reported) => self.apply_update_report(cx, *reported),
        }
    }
}

fn marker(a: RecordMarkerCommandAttributes, completed_event_id: i64) -> Attributes {
    Attributes::MarkerRecordedEventAttributes(MarkerRecordedEventAttributes {
        marker_name: a.marker_name,
        details: a.details,
        workflow_task_completed_event_id: completed_event_id,
        header: a.header,
        failure: a.failure,
    })
}
