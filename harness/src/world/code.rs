//! What workflow code has asked for, in each run that a worker has, since the first event of the run. Kept only for reports.
//!
//! It is kept as the core's own commands, and read only when a run has failed: to convert them makes maps, and the order of the user's
//! maps depends on how many there were before on their thread.

use std::collections::BTreeMap;

use foretime_campaign::process::ProcessId;
use foretime_server::proto::command::Command;
use prost::Message;
use temporalio_common::protos::{
    coresdk::{
        common::build_has_change_marker_details,
        workflow_commands::{
            SetPatchMarker, SignalExternalWorkflowExecution, WorkflowCommand, signal_external_workflow_execution::Target,
            workflow_command::Variant,
        },
    },
    temporal::api::{
        command::v1::{
            Command as SdkCommand, CommandAttributesExt as _, ProtocolMessageCommandAttributes, RecordMarkerCommandAttributes,
            SignalExternalWorkflowExecutionCommandAttributes, command::Attributes, continue_as_new_cmd_to_api,
            schedule_activity_cmd_to_api, start_child_workflow_cmd_to_api,
        },
        common::v1::{Payloads, WorkflowExecution},
    },
};

use super::State;

/// The marker in which the core records a patch.
const PATCH_MARKER: &str = "core_patch";

/// What the code of all runs has asked for, by process and by the run id that the core knows.
#[derive(Debug, Default)]
pub(super) struct Code {
    asked: BTreeMap<(ProcessId, String), Asked>,
}

/// What the code of a run has asked for, activation by activation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    commands: Vec<Vec<WorkflowCommand>>,
}

impl State {
    /// The code of a run begins anew, with the first event.
    pub(crate) fn code_begins(&mut self, process: ProcessId, run_id: &str) {
        self.code.asked.insert((process, run_id.to_owned()), Asked::default());
    }

    /// It asks for these.
    pub(crate) fn code_asks(&mut self, process: ProcessId, run_id: &str, commands: &[WorkflowCommand]) {
        self.code.asked.entry((process, run_id.to_owned())).or_default().commands.push(commands.to_vec());
    }

    /// All that it has asked for; `None` if that is not kept.
    pub(crate) fn code_asked(&self, process: ProcessId, run_id: &str) -> Option<&Asked> {
        self.code.asked.get(&(process, run_id.to_owned()))
    }
}

impl Asked {
    /// As the server would get it.
    pub(crate) fn of_server(&self) -> Vec<Command> {
        self.commands.iter().flat_map(|commands| of_server(commands)).collect()
    }
}

/// What the code asks for of the server in one activation. What it cancels at once never reaches the server. Cancellations are left
/// out, too: what comes of them, only the core knows.
fn of_server(commands: &[WorkflowCommand]) -> Vec<Command> {
    let variants = || commands.iter().filter_map(|command| command.variant.as_ref());
    let is_cancelled = |variant: &Variant| match variant {
        Variant::StartTimer(it) => {
            variants().any(|other| matches!(other, Variant::CancelTimer(cancel) if cancel.seq == it.seq))
        }
        Variant::ScheduleActivity(it) => {
            variants().any(|other| matches!(other, Variant::RequestCancelActivity(cancel) if cancel.seq == it.seq))
        }
        Variant::StartChildWorkflowExecution(it) => variants()
            .any(|other| matches!(other, Variant::CancelChildWorkflowExecution(cancel) if cancel.child_workflow_seq == it.seq)),
        Variant::SignalExternalWorkflowExecution(it) => {
            variants().any(|other| matches!(other, Variant::CancelSignalWorkflow(cancel) if cancel.seq == it.seq))
        }
        _ => false,
    };
    variants().filter(|variant| !is_cancelled(variant)).filter_map(attributes).filter_map(ours).collect()
}

/// A command of the core as the server would get it; `None` if the core keeps it to itself, or cancels something.
fn attributes(variant: &Variant) -> Option<Attributes> {
    Some(match variant.clone() {
        Variant::StartTimer(it) => it.into(),
        Variant::ScheduleActivity(it) => schedule_activity_cmd_to_api(it, false),
        Variant::StartChildWorkflowExecution(it) => start_child_workflow_cmd_to_api(it, false),
        Variant::SignalExternalWorkflowExecution(it) => signal(it),
        Variant::SetPatchMarker(it) => patch(it)?,
        Variant::UpsertWorkflowSearchAttributes(it) => it.into(),
        Variant::ModifyWorkflowProperties(it) => it.into(),
        Variant::ScheduleNexusOperation(it) => it.into(),
        Variant::UpdateResponse(it) => Attributes::ProtocolMessageCommandAttributes(ProtocolMessageCommandAttributes {
            message_id: it.protocol_instance_id,
        }),
        Variant::CompleteWorkflowExecution(it) => it.into(),
        Variant::FailWorkflowExecution(it) => it.into(),
        Variant::CancelWorkflowExecution(it) => it.into(),
        Variant::ContinueAsNewWorkflowExecution(it) => continue_as_new_cmd_to_api(it, false),
        Variant::RequestCancelActivity(_)
        | Variant::CancelTimer(_)
        | Variant::CancelChildWorkflowExecution(_)
        | Variant::RequestCancelExternalWorkflowExecution(_)
        | Variant::CancelSignalWorkflow(_)
        | Variant::RequestCancelNexusOperation(_)
        | Variant::ScheduleLocalActivity(_)
        | Variant::RequestCancelLocalActivity(_)
        | Variant::RespondToQuery(_) => return None,
    })
}

fn signal(it: SignalExternalWorkflowExecution) -> Attributes {
    let (workflow_id, run_id) = match it.target {
        Some(Target::WorkflowExecution(execution)) => (execution.workflow_id, execution.run_id),
        Some(Target::ChildWorkflowId(workflow_id)) => (workflow_id, String::new()),
        None => Default::default(),
    };
    Attributes::SignalExternalWorkflowExecutionCommandAttributes(SignalExternalWorkflowExecutionCommandAttributes {
        execution: Some(WorkflowExecution { workflow_id, run_id }),
        signal_name: it.signal_name,
        input: Some(Payloads { payloads: it.args }),
        ..Default::default()
    })
}

fn patch(it: SetPatchMarker) -> Option<Attributes> {
    Some(Attributes::RecordMarkerCommandAttributes(RecordMarkerCommandAttributes {
        marker_name: PATCH_MARKER.to_owned(),
        details: build_has_change_marker_details(it.patch_id, it.deprecated).ok()?,
        ..Default::default()
    }))
}

/// The SDK's message as one of ours.
fn ours(attributes: Attributes) -> Option<Command> {
    let command =
        SdkCommand { command_type: attributes.as_type().into(), attributes: Some(attributes), ..SdkCommand::default() };
    Command::decode(&*command.encode_to_vec()).ok()
}
