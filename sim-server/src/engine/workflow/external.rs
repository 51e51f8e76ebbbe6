//! Signals and cancel requests that the workflow sends to others.

use super::{child::TargetNamespace, run::Run};
use crate::{
    engine::{
        execution::Cx,
        kernel::{
            effects::{Effect, External, Extras},
            key::NamespaceId,
        },
    },
    proto::{
        command::{RequestCancelExternalWorkflowExecutionCommandAttributes, SignalExternalWorkflowExecutionCommandAttributes},
        common::WorkflowExecution,
        enums::{CancelExternalWorkflowExecutionFailedCause, SignalExternalWorkflowExecutionFailedCause},
        history::{
            ExternalWorkflowExecutionCancelRequestedEventAttributes, ExternalWorkflowExecutionSignaledEventAttributes,
            RequestCancelExternalWorkflowExecutionFailedEventAttributes,
            RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
            SignalExternalWorkflowExecutionFailedEventAttributes, SignalExternalWorkflowExecutionInitiatedEventAttributes,
            history_event::Attributes,
        },
    },
};

impl Run {
    pub(super) fn initiate_signal_external(
        &mut self,
        cx: &mut Cx<'_>,
        command: SignalExternalWorkflowExecutionCommandAttributes,
        target: TargetNamespace,
        extras: Extras,
        completed_event_id: i64,
    ) {
        let attributes = SignalExternalWorkflowExecutionInitiatedEventAttributes {
            workflow_task_completed_event_id: completed_event_id,
            namespace: command.namespace,
            namespace_id: target.uuid,
            workflow_execution: command.execution,
            signal_name: command.signal_name,
            input: command.input,
            control: command.control,
            child_workflow_only: command.child_workflow_only,
            header: command.header,
        };
        let external = External::Signal(Box::new(attributes.clone()));
        let attributes = Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(attributes);
        let initiated_event_id = self.add_event_with(cx, attributes, extras);
        self.send_external(cx, initiated_event_id, target.id, external);
    }

    pub(super) fn initiate_cancel_external(
        &mut self,
        cx: &mut Cx<'_>,
        command: RequestCancelExternalWorkflowExecutionCommandAttributes,
        target: TargetNamespace,
        extras: Extras,
        completed_event_id: i64,
    ) {
        let attributes = RequestCancelExternalWorkflowExecutionInitiatedEventAttributes {
            workflow_task_completed_event_id: completed_event_id,
            namespace: command.namespace,
            namespace_id: target.uuid,
            workflow_execution: Some(WorkflowExecution { workflow_id: command.workflow_id, run_id: command.run_id }),
            control: command.control,
            child_workflow_only: command.child_workflow_only,
            reason: command.reason,
        };
        let external = External::Cancel(Box::new(attributes.clone()));
        let attributes = Attributes::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(attributes);
        let initiated_event_id = self.add_event_with(cx, attributes, extras);
        self.send_external(cx, initiated_event_id, target.id, external);
    }

    /// Leaves what is sent for after the transaction.
    pub(super) fn send_external(&self, cx: &mut Cx<'_>, initiated_event_id: i64, namespace: NamespaceId, external: External) {
        let request_id = cx.ids.uuid();
        cx.effects.leave(Effect::External { from: self.key, initiated_event_id, namespace, request_id, external });
    }

    pub(super) fn external_signaled(
        &mut self,
        cx: &mut Cx<'_>,
        initiated_event_id: i64,
        sent: SignalExternalWorkflowExecutionInitiatedEventAttributes,
        failed: Option<SignalExternalWorkflowExecutionFailedCause>,
    ) {
        if !self.is_running() {
            return;
        }
        let attributes = match failed {
            None => {
                Attributes::ExternalWorkflowExecutionSignaledEventAttributes(ExternalWorkflowExecutionSignaledEventAttributes {
                    initiated_event_id,
                    namespace: sent.namespace,
                    namespace_id: sent.namespace_id,
                    workflow_execution: sent.workflow_execution,
                    control: sent.control,
                })
            }
            Some(cause) => Attributes::SignalExternalWorkflowExecutionFailedEventAttributes(
                SignalExternalWorkflowExecutionFailedEventAttributes {
                    cause: cause.into(),
                    namespace: sent.namespace,
                    namespace_id: sent.namespace_id,
                    workflow_execution: sent.workflow_execution,
                    initiated_event_id,
                    control: sent.control,
                    ..SignalExternalWorkflowExecutionFailedEventAttributes::default()
                },
            ),
        };
        self.add_event(cx, attributes);
        self.schedule_workflow_task(cx);
    }

    pub(super) fn external_cancel_requested(
        &mut self,
        cx: &mut Cx<'_>,
        initiated_event_id: i64,
        sent: RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
        failed: Option<CancelExternalWorkflowExecutionFailedCause>,
    ) {
        if !self.is_running() {
            return;
        }
        let attributes = match failed {
            None => Attributes::ExternalWorkflowExecutionCancelRequestedEventAttributes(
                ExternalWorkflowExecutionCancelRequestedEventAttributes {
                    initiated_event_id,
                    namespace: sent.namespace,
                    namespace_id: sent.namespace_id,
                    workflow_execution: sent.workflow_execution,
                },
            ),
            Some(cause) => Attributes::RequestCancelExternalWorkflowExecutionFailedEventAttributes(
                RequestCancelExternalWorkflowExecutionFailedEventAttributes {
                    cause: cause.into(),
                    namespace: sent.namespace,
                    namespace_id: sent.namespace_id,
                    workflow_execution: sent.workflow_execution,
                    initiated_event_id,
                    control: sent.control,
                    ..RequestCancelExternalWorkflowExecutionFailedEventAttributes::default()
                },
            ),
        };
        self.add_event(cx, attributes);
        self.schedule_workflow_task(cx);
    }
}
