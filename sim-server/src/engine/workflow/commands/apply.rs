//! Applying commands that were checked.

use super::Checked;
use crate::{
    engine::workflow::{Cx, Run},
    proto::{
        command::command::Attributes as Command,
        history::{
            MarkerRecordedEventAttributes, UpsertWorkflowSearchAttributesEventAttributes,
            WorkflowPropertiesModifiedEventAttributes, history_event::Attributes,
        },
    },
};

/// What is left to do once the commands are applied.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Activities that the worker takes along with the answer, by scheduled event.
    pub(crate) eager_activities: Vec<i64>,
    /// An activity that no worker had was cancelled: the workflow must hear of it.
    pub(crate) canceled_unstarted_activity: bool,
}

impl Run {
    pub(crate) fn apply_commands(
        &mut self,
        cx: &mut Cx<'_>,
        commands: Vec<Checked>,
        identity: &str,
        completed_event_id: i64,
    ) -> Applied {
        let mut applied = Applied::default();
        for command in commands {
            if !self.is_running() {
                break;
            }
            self.apply_command(cx, command, identity, completed_event_id, &mut applied);
        }
        applied
    }

    fn apply_command(&mut self, cx: &mut Cx<'_>, command: Checked, identity: &str, done: i64, applied: &mut Applied) {
        let Checked { attributes, extras, target } = command;
        match (attributes, target) {
            (Command::ScheduleActivityTaskCommandAttributes(a), _) => {
                let eager = a.request_eager_execution;
                let id = self.schedule_activity(cx, a, extras, done, eager);
                if eager {
                    applied.eager_activities.push(id);
                }
            }
            (Command::RequestCancelActivityTaskCommandAttributes(a), _) => {
                applied.canceled_unstarted_activity |= self.request_cancel_activity(cx, a.scheduled_event_id, identity, done);
            }
            (Command::StartTimerCommandAttributes(a), _) => self.start_timer(cx, a, extras, done),
            (Command::CancelTimerCommandAttributes(a), _) => self.cancel_timer(cx, a, identity, done),
            (Command::CompleteWorkflowExecutionCommandAttributes(a), _) => self.complete(cx, a.result, extras, done),
            (Command::FailWorkflowExecutionCommandAttributes(a), _) => self.fail(cx, a.failure, extras, done),
            (Command::CancelWorkflowExecutionCommandAttributes(a), _) => self.cancel(cx, a.details, extras, done),
            (Command::ContinueAsNewWorkflowExecutionCommandAttributes(a), _) => self.continue_as_new(cx, a, extras, done),
            (Command::RecordMarkerCommandAttributes(a), _) => {
                let attributes = MarkerRecordedEventAttributes {
                    marker_name: a.marker_name,
                    details: a.details,
                    workflow_task_completed_event_id: done,
                    header: a.header,
                    failure: a.failure,
                };
                self.add_event_with(cx, Attributes::MarkerRecordedEventAttributes(attributes), extras);
            }
            (Command::UpsertWorkflowSearchAttributesCommandAttributes(a), _) => {
                if let Some(upserted) = &a.search_attributes {
                    merge(&mut self.search_attributes, &upserted.indexed_fields);
                }
                let attributes = UpsertWorkflowSearchAttributesEventAttributes {
                    workflow_task_completed_event_id: done,
                    search_attributes: a.search_attributes,
                };
                self.add_event_with(cx, Attributes::UpsertWorkflowSearchAttributesEventAttributes(attributes), extras);
            }
            (Command::ModifyWorkflowPropertiesCommandAttributes(a), _) => {
                if let Some(upserted) = &a.upserted_memo {
                    merge(&mut self.memo, &upserted.fields);
                }
                let attributes = WorkflowPropertiesModifiedEventAttributes {
                    workflow_task_completed_event_id: done,
                    upserted_memo: a.upserted_memo,
                };
                self.add_event_with(cx, Attributes::WorkflowPropertiesModifiedEventAttributes(attributes), extras);
            }
            (Command::StartChildWorkflowExecutionCommandAttributes(a), Some(target)) => {
                self.initiate_child(cx, a, target, extras, done);
            }
            (Command::SignalExternalWorkflowExecutionCommandAttributes(a), Some(target)) => {
                self.initiate_signal_external(cx, a, target, extras, done);
            }
            (Command::RequestCancelExternalWorkflowExecutionCommandAttributes(a), Some(target)) => {
                self.initiate_cancel_external(cx, a, target, extras, done);
            }
            // The check let none of these through.
            _ => {}
        }
    }
}

use std::collections::BTreeMap;

use crate::{engine::payloads::is_nil, proto::common::Payload};

/// Upserted fields replace; null ones delete.
fn merge(base: &mut BTreeMap<String, Payload>, upserted: &BTreeMap<String, Payload>) {
    for (name, value) in upserted {
        if is_nil(value) {
            base.remove(name);
        } else {
            base.insert(name.clone(), value.clone());
        }
    }
}
