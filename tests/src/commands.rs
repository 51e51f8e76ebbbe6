//! A worker's commands.

use foretime_server::proto::{
    command::{
        CancelTimerCommandAttributes, CancelWorkflowExecutionCommandAttributes, Command,
        CompleteWorkflowExecutionCommandAttributes, ContinueAsNewWorkflowExecutionCommandAttributes,
        FailWorkflowExecutionCommandAttributes, ModifyWorkflowPropertiesCommandAttributes, RecordMarkerCommandAttributes,
        RequestCancelActivityTaskCommandAttributes, RequestCancelExternalWorkflowExecutionCommandAttributes,
        ScheduleActivityTaskCommandAttributes, SignalExternalWorkflowExecutionCommandAttributes,
        StartChildWorkflowExecutionCommandAttributes, StartTimerCommandAttributes,
        UpsertWorkflowSearchAttributesCommandAttributes, command::Attributes,
    },
    common::ActivityType,
    enums::CommandType,
};

use crate::{
    script::{Script, payloads, seconds, task_queue, workflow_type},
    worker::failure,
};

/// The command of these attributes.
pub fn command(attributes: Attributes) -> Command {
    let kind = match &attributes {
        Attributes::ScheduleActivityTaskCommandAttributes(_) => CommandType::ScheduleActivityTask,
        Attributes::StartTimerCommandAttributes(_) => CommandType::StartTimer,
        Attributes::CompleteWorkflowExecutionCommandAttributes(_) => CommandType::CompleteWorkflowExecution,
        Attributes::FailWorkflowExecutionCommandAttributes(_) => CommandType::FailWorkflowExecution,
        Attributes::RequestCancelActivityTaskCommandAttributes(_) => CommandType::RequestCancelActivityTask,
        Attributes::CancelTimerCommandAttributes(_) => CommandType::CancelTimer,
        Attributes::CancelWorkflowExecutionCommandAttributes(_) => CommandType::CancelWorkflowExecution,
        Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(_) => {
            CommandType::RequestCancelExternalWorkflowExecution
        }
        Attributes::RecordMarkerCommandAttributes(_) => CommandType::RecordMarker,
        Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(_) => CommandType::ContinueAsNewWorkflowExecution,
        Attributes::StartChildWorkflowExecutionCommandAttributes(_) => CommandType::StartChildWorkflowExecution,
        Attributes::SignalExternalWorkflowExecutionCommandAttributes(_) => CommandType::SignalExternalWorkflowExecution,
        Attributes::UpsertWorkflowSearchAttributesCommandAttributes(_) => CommandType::UpsertWorkflowSearchAttributes,
        Attributes::ProtocolMessageCommandAttributes(_) => CommandType::ProtocolMessage,
        Attributes::ModifyWorkflowPropertiesCommandAttributes(_) => CommandType::ModifyWorkflowProperties,
        Attributes::ScheduleNexusOperationCommandAttributes(_) => CommandType::ScheduleNexusOperation,
        Attributes::RequestCancelNexusOperationCommandAttributes(_) => CommandType::RequestCancelNexusOperation,
    };
    Command { command_type: kind.into(), attributes: Some(attributes), ..Default::default() }
}

/// Completes the workflow.
pub fn complete_workflow(result: &str) -> Command {
    let attributes = CompleteWorkflowExecutionCommandAttributes { result: payloads(result) };
    command(Attributes::CompleteWorkflowExecutionCommandAttributes(attributes))
}

/// Fails the workflow.
pub fn fail_workflow(message: &str) -> Command {
    let attributes = FailWorkflowExecutionCommandAttributes { failure: Some(failure(message)) };
    command(Attributes::FailWorkflowExecutionCommandAttributes(attributes))
}

/// Closes the workflow as cancelled.
pub fn cancel_workflow() -> Command {
    let attributes = CancelWorkflowExecutionCommandAttributes { details: payloads("cancelled") };
    command(Attributes::CancelWorkflowExecutionCommandAttributes(attributes))
}

/// Continues as new. Everything is inherited except what the attributes set.
pub fn continue_as_new(attributes: ContinueAsNewWorkflowExecutionCommandAttributes) -> Command {
    command(Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(attributes))
}

/// Starts a timer.
pub fn start_timer(timer_id: &str, after_seconds: f64) -> Command {
    let attributes =
        StartTimerCommandAttributes { timer_id: timer_id.to_owned(), start_to_fire_timeout: seconds(after_seconds) };
    command(Attributes::StartTimerCommandAttributes(attributes))
}

/// Cancels a timer.
pub fn cancel_timer(timer_id: &str) -> Command {
    command(Attributes::CancelTimerCommandAttributes(CancelTimerCommandAttributes { timer_id: timer_id.to_owned() }))
}

/// Schedules an activity.
pub fn schedule_activity(attributes: ScheduleActivityTaskCommandAttributes) -> Command {
    command(Attributes::ScheduleActivityTaskCommandAttributes(attributes))
}

/// Asks an activity to cancel itself.
pub fn request_cancel_activity(scheduled_event_id: i64) -> Command {
    let attributes = RequestCancelActivityTaskCommandAttributes { scheduled_event_id };
    command(Attributes::RequestCancelActivityTaskCommandAttributes(attributes))
}

/// Starts a child.
pub fn start_child(attributes: StartChildWorkflowExecutionCommandAttributes) -> Command {
    command(Attributes::StartChildWorkflowExecutionCommandAttributes(attributes))
}

/// Records a marker.
pub fn record_marker(name: &str) -> Command {
    let details = [("data".to_owned(), payloads("the detail").unwrap_or_default())].into();
    let attributes = RecordMarkerCommandAttributes { marker_name: name.to_owned(), details, ..Default::default() };
    command(Attributes::RecordMarkerCommandAttributes(attributes))
}

/// Signals another workflow.
pub fn signal_external(attributes: SignalExternalWorkflowExecutionCommandAttributes) -> Command {
    command(Attributes::SignalExternalWorkflowExecutionCommandAttributes(attributes))
}

/// Asks another workflow to cancel itself.
pub fn cancel_external(attributes: RequestCancelExternalWorkflowExecutionCommandAttributes) -> Command {
    command(Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(attributes))
}

/// Upserts search attributes.
pub fn upsert_search_attributes(attributes: UpsertWorkflowSearchAttributesCommandAttributes) -> Command {
    command(Attributes::UpsertWorkflowSearchAttributesCommandAttributes(attributes))
}

/// Upserts the memo.
pub fn modify_properties(attributes: ModifyWorkflowPropertiesCommandAttributes) -> Command {
    command(Attributes::ModifyWorkflowPropertiesCommandAttributes(attributes))
}

impl Script {
    /// An activity `activity_id` of the type `A` on the script's queue, with a start-to-close timeout of 10 s, to be filled in.
    pub fn activity(&self, activity_id: &str) -> ScheduleActivityTaskCommandAttributes {
        ScheduleActivityTaskCommandAttributes {
            activity_id: activity_id.to_owned(),
            activity_type: Some(ActivityType { name: "A".to_owned() }),
            task_queue: Some(task_queue(self.queue())),
            input: payloads("the activity's input"),
            start_to_close_timeout: seconds(10.0),
            ..Default::default()
        }
    }

    /// A child `id` of the type `Child` on the children's queue, to be filled in.
    pub fn child(&self, id: &str) -> StartChildWorkflowExecutionCommandAttributes {
        StartChildWorkflowExecutionCommandAttributes {
            workflow_id: self.id(id),
            workflow_type: Some(workflow_type("Child")),
            task_queue: Some(task_queue(&self.child_queue())),
            ..Default::default()
        }
    }

    /// A signal from a workflow to the workflow `id`, to be filled in.
    pub fn external_signal(&self, id: &str, name: &str) -> SignalExternalWorkflowExecutionCommandAttributes {
        SignalExternalWorkflowExecutionCommandAttributes {
            execution: self.execution(id),
            signal_name: name.to_owned(),
            input: payloads("the signal's input"),
            ..Default::default()
        }
    }

    /// A continue-as-new into the type `Next`, to be filled in.
    pub fn next_run(&self) -> ContinueAsNewWorkflowExecutionCommandAttributes {
        ContinueAsNewWorkflowExecutionCommandAttributes {
            workflow_type: Some(workflow_type("Next")),
            task_queue: Some(task_queue(self.queue())),
            input: payloads("the next input"),
            ..Default::default()
        }
    }
}
