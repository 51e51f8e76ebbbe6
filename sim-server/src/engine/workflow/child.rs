//! Children that the workflow started (`recordchildworkflowcompleted`, `processStartChildExecution`).

use super::{recorded::Child, run::Run};
use crate::{
    engine::{
        execution::Cx,
        kernel::{
            effects::{Effect, Extras},
            key::NamespaceId,
        },
        rules::payloads,
    },
    proto::{
        command::StartChildWorkflowExecutionCommandAttributes,
        common::{Header, WorkflowExecution},
        enums::StartChildWorkflowExecutionFailedCause,
        history::{
            ChildWorkflowExecutionCanceledEventAttributes, ChildWorkflowExecutionCompletedEventAttributes,
            ChildWorkflowExecutionFailedEventAttributes, ChildWorkflowExecutionStartedEventAttributes,
            ChildWorkflowExecutionTerminatedEventAttributes, ChildWorkflowExecutionTimedOutEventAttributes,
            StartChildWorkflowExecutionFailedEventAttributes, StartChildWorkflowExecutionInitiatedEventAttributes,
            history_event::Attributes,
        },
    },
};

/// The namespace that a command names.
#[derive(Clone, Debug)]
pub(in crate::engine) struct TargetNamespace {
    pub(in crate::engine) id: NamespaceId,
    pub(in crate::engine) name: String,
    pub(in crate::engine) uuid: String,
}

impl Run {
    pub(super) fn initiate_child(
        &mut self,
        cx: &mut Cx<'_>,
        command: StartChildWorkflowExecutionCommandAttributes,
        target: TargetNamespace,
        extras: Extras,
        completed_event_id: i64,
    ) {
        let attributes = StartChildWorkflowExecutionInitiatedEventAttributes {
            namespace: target.name,
            namespace_id: target.uuid,
            workflow_id: command.workflow_id,
            workflow_type: command.workflow_type,
            task_queue: command.task_queue,
            input: command.input,
            workflow_execution_timeout: command.workflow_execution_timeout,
            workflow_run_timeout: command.workflow_run_timeout,
            workflow_task_timeout: command.workflow_task_timeout,
            parent_close_policy: command.parent_close_policy,
            control: command.control,
            workflow_task_completed_event_id: completed_event_id,
            workflow_id_reuse_policy: command.workflow_id_reuse_policy,
            retry_policy: command.retry_policy,
            cron_schedule: command.cron_schedule,
            header: command.header,
            memo: payloads::memo_without_nil(command.memo),
            search_attributes: payloads::search_attributes_without_nil(command.search_attributes),
            inherit_build_id: command.inherit_build_id,
            priority: command.priority,
            ..StartChildWorkflowExecutionInitiatedEventAttributes::default()
        };
        let attributes = Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(attributes);
        let initiated_event_id = self.add_event_with(cx, attributes, extras);
        self.volatile.children.insert(initiated_event_id, None);
        cx.effects.leave(Effect::StartChild { parent: self.key, initiated_event_id });
    }

    /// The children that have not ended, with the id of their initiated event and, once they have started, their run id.
    pub(in crate::engine) fn pending_children(&self) -> impl Iterator<Item = (i64, &Child, Option<&str>)> {
        let pending = self.volatile.children.iter();
        pending.filter_map(|(&id, run_id)| Some((id, &**self.recorded.children.get(&id)?, run_id.as_deref())))
    }

    /// The attributes of the event that initiated a child, if that has not ended.
    pub(super) fn initiated_child(
        &self,
        initiated_event_id: i64,
    ) -> Option<StartChildWorkflowExecutionInitiatedEventAttributes> {
        if !self.volatile.children.contains_key(&initiated_event_id) {
            return None;
        }
        match self.history().get(initiated_event_id)?.attributes? {
            Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(attributes) => Some(attributes),
            _ => None,
        }
    }

    pub(super) fn child_started(&mut self, cx: &mut Cx<'_>, initiated_event_id: i64, run_id: &str, header: Option<Header>) {
        if !self.is_running() {
            // The parent closed in the task that asked for the child; the child lives on, as its policy says.
            return;
        }
        let Some(child) = self.recorded.children.get(&initiated_event_id) else { return };
        let attributes = ChildWorkflowExecutionStartedEventAttributes {
            namespace: child.namespace.clone(),
            namespace_id: child.namespace_id.clone(),
            initiated_event_id,
            workflow_execution: Some(execution(&child.workflow_id, run_id)),
            workflow_type: child.workflow_type.clone(),
            header,
        };
        self.volatile.children.insert(initiated_event_id, Some(run_id.to_owned()));
        self.add_event(cx, Attributes::ChildWorkflowExecutionStartedEventAttributes(attributes));
        self.schedule_workflow_task(cx);
    }

    pub(super) fn child_start_failed(
        &mut self,
        cx: &mut Cx<'_>,
        initiated_event_id: i64,
        cause: StartChildWorkflowExecutionFailedCause,
    ) {
        let Some(initiated) = self.initiated_child(initiated_event_id) else { return };
        self.volatile.children.remove(&initiated_event_id);
        let attributes = StartChildWorkflowExecutionFailedEventAttributes {
            namespace: initiated.namespace,
            namespace_id: initiated.namespace_id,
            workflow_id: initiated.workflow_id,
            workflow_type: initiated.workflow_type,
            cause: cause.into(),
            control: initiated.control,
            initiated_event_id,
            ..StartChildWorkflowExecutionFailedEventAttributes::default()
        };
        self.add_event(cx, Attributes::StartChildWorkflowExecutionFailedEventAttributes(attributes));
        self.schedule_workflow_task(cx);
    }

    /// Whether it waits for the end of this chain of runs.
    pub(super) fn has_child(&self, initiated_event_id: i64, first_run_id: &str) -> bool {
        let child = self.volatile.children.get(&initiated_event_id);
        child.is_some_and(|run_id| run_id.as_deref().is_none_or(|run_id| run_id == first_run_id))
    }

    /// A child's chain of runs came to an end: `close` is its close event.
    pub(super) fn child_closed(&mut self, cx: &mut Cx<'_>, initiated_event_id: i64, run_id: &str, close: Attributes) {
        if self.volatile.children.remove(&initiated_event_id).is_none() {
            return;
        }
        let child = self.recorded.children.get(&initiated_event_id);
        let Some(attributes) = child.and_then(|child| closed_attributes(initiated_event_id, child, run_id, close)) else {
            return;
        };
        self.add_event(cx, attributes);
        self.schedule_workflow_task(cx);
    }
}

/// What the parent is told of a child that closed with `close`.
fn closed_attributes(initiated_event_id: i64, child: &Child, run_id: &str, close: Attributes) -> Option<Attributes> {
    /// Attributes of this kind: its own fields, and those that every kind has.
    macro_rules! told {
        ($attributes:ident { $($own:ident: $value:expr),* }) => {
            Attributes::$attributes($attributes {
                $($own: $value,)*
                namespace: child.namespace.clone(),
                namespace_id: child.namespace_id.clone(),
                workflow_execution: Some(execution(&child.workflow_id, run_id)),
                workflow_type: child.workflow_type.clone(),
                initiated_event_id,
                started_event_id: child.started_event_id,
            })
        };
    }
    Some(match close {
        Attributes::WorkflowExecutionCompletedEventAttributes(close) => {
            told!(ChildWorkflowExecutionCompletedEventAttributes { result: close.result })
        }
        Attributes::WorkflowExecutionFailedEventAttributes(close) => {
            told!(ChildWorkflowExecutionFailedEventAttributes { failure: close.failure, retry_state: close.retry_state })
        }
        Attributes::WorkflowExecutionCanceledEventAttributes(close) => {
            told!(ChildWorkflowExecutionCanceledEventAttributes { details: close.details })
        }
        Attributes::WorkflowExecutionTerminatedEventAttributes(_) => {
            told!(ChildWorkflowExecutionTerminatedEventAttributes {})
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(close) => {
            told!(ChildWorkflowExecutionTimedOutEventAttributes { retry_state: close.retry_state })
        }
        _ => return None,
    })
}

fn execution(workflow_id: &str, run_id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.to_owned() }
}
