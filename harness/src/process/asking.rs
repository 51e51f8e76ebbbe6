//! Hands what workflow code asks for to the world, command by command. If the SDK's core refuses a history then, the report says
//! what the code asked for; the core's own text mostly does not.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
};

use foretime_campaign::process::ProcessId;
use foretime_server::proto::command::Command;
use prost::Message;
use temporalio_common::protos::{
    coresdk::{
        common::build_has_change_marker_details,
        workflow_activation::{WorkflowActivation, workflow_activation_job::Variant as Job},
        workflow_commands::{
            SetPatchMarker, SignalExternalWorkflowExecution, WorkflowCommand, signal_external_workflow_execution::Target,
            workflow_command::Variant,
        },
        workflow_completion::{WorkflowActivationCompletion, workflow_activation_completion::Status},
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
use temporalio_sdk::interceptors::WorkerInterceptor;

use crate::world::World;

/// The marker in which the core records a patch.
const PATCH_MARKER: &str = "core_patch";

/// The interceptor of one life of a worker, or of the replayer. Every worker has it, whether a report is wanted or not: memory is the
/// same then.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) world: Arc<World>,
    pub(super) process: ProcessId,
}

impl Asking {
    /// All that the code of a run has asked for since it began, by the run id that the core knows. `None` unless a report is wanted.
    pub(super) fn of_run(&self, run_id: &str) -> Option<Vec<Command>> {
        self.world.enter(|state| state.code_asked(self.process, run_id).map(<[Command]>::to_vec))
    }
}

impl WorkerInterceptor for Asking {
    fn on_workflow_activation<'a, 'b, 'c>(
        &'a self,
        activation: &'b WorkflowActivation,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        if activation.jobs.iter().any(|job| matches!(job.variant, Some(Job::InitializeWorkflow(_)))) {
            self.world.enter(|state| state.code_begins(self.process, &activation.run_id));
        }
        Box::pin(ready(Ok(())))
    }

    fn on_workflow_activation_completion<'a, 'b, 'c>(
        &'a self,
        completion: &'b WorkflowActivationCompletion,
    ) -> Pin<Box<dyn Future<Output = ()> + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        if let Some(Status::Successful(success)) = &completion.status {
            self.world.enter(|state| state.code_asks(self.process, &completion.run_id, || asked(&success.commands)));
        }
        Box::pin(ready(()))
    }
}

/// What the code asks for of the server. What it cancels at once never reaches the server, and cancellations are left out, too: what
/// comes of them, only the core knows.
fn asked(commands: &[WorkflowCommand]) -> Vec<Command> {
    let variants = || commands.iter().filter_map(|command| command.variant.as_ref());
    let is_cancelled = |variant: &Variant| match variant {
        Variant::StartTimer(it) => variants().any(|other| matches!(other, Variant::CancelTimer(cancel) if cancel.seq == it.seq)),
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
        Variant::UpdateResponse(it) => {
            Attributes::ProtocolMessageCommandAttributes(ProtocolMessageCommandAttributes { message_id: it.protocol_instance_id })
        }
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
