//! Children that the workflow started (`recordchildworkflowcompleted`, `processStartChildExecution`).

use super::{Cx, Run, events::Extras};
use crate::{
    engine::{effects::Effect, namespace::NamespaceId},
    proto::{
        command::StartChildWorkflowExecutionCommandAttributes,
        common::{Header, WorkflowExecution, WorkflowType},
        enums::{ParentClosePolicy, StartChildWorkflowExecutionFailedCause},
        history::{
            ChildWorkflowExecutionCanceledEventAttributes, ChildWorkflowExecutionCompletedEventAttributes,
            ChildWorkflowExecutionFailedEventAttributes, ChildWorkflowExecutionStartedEventAttributes,
            ChildWorkflowExecutionTerminatedEventAttributes, ChildWorkflowExecutionTimedOutEventAttributes,
            StartChildWorkflowExecutionFailedEventAttributes, StartChildWorkflowExecutionInitiatedEventAttributes,
            history_event::Attributes,
        },
    },
};

/// A child that is being started, or runs.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) initiated_event_id: i64,
    /// 0 until it started (or while that event is buffered).
    pub(crate) started_event_id: i64,
    pub(crate) namespace: NamespaceId,
    pub(crate) namespace_name: String,
    pub(crate) namespace_uuid: String,
    pub(crate) workflow_id: String,
    /// Empty until it started.
    pub(crate) run_id: String,
    pub(crate) workflow_type: String,
    pub(crate) parent_close_policy: ParentClosePolicy,
}

/// The namespace that a command names.
#[derive(Clone, Debug)]
pub(crate) struct TargetNamespace {
    pub(crate) id: NamespaceId,
    pub(crate) name: String,
    pub(crate) uuid: String,
}

impl Run {
    pub(crate) fn initiate_child(
        &mut self,
        cx: &mut Cx<'_>,
        command: StartChildWorkflowExecutionCommandAttributes,
        target: TargetNamespace,
        extras: Extras,
        completed_event_id: i64,
    ) {
        let mut child = Box::new(Child {
            initiated_event_id: 0,
            started_event_id: 0,
            namespace: target.id,
            namespace_name: target.name.clone(),
            namespace_uuid: target.uuid.clone(),
            workflow_id: command.workflow_id.clone(),
            run_id: String::new(),
            workflow_type: command.workflow_type.as_ref().map(|of| of.name.clone()).unwrap_or_default(),
            parent_close_policy: command.parent_close_policy(),
        });
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
            memo: command.memo,
            search_attributes: command.search_attributes,
            inherit_build_id: command.inherit_build_id,
            priority: command.priority,
            ..StartChildWorkflowExecutionInitiatedEventAttributes::default()
        };
        let attributes = Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(attributes);
        child.initiated_event_id = self.add_event_with(cx, attributes, extras);
        cx.effects.push_back(Effect::StartChild { parent: self.key, initiated_event_id: child.initiated_event_id });
        self.children.insert(child.initiated_event_id, child);
    }

    /// The attributes of the event that initiated a child.
    pub(crate) fn child_initiated(
        &self,
        initiated_event_id: i64,
    ) -> Option<StartChildWorkflowExecutionInitiatedEventAttributes> {
        match self.history.get(initiated_event_id)?.attributes? {
            Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(attributes) => Some(attributes),
            _ => None,
        }
    }

    pub(crate) fn child_started(&mut self, cx: &mut Cx<'_>, initiated_event_id: i64, run_id: &str, header: Option<Header>) {
        if !self.is_running() {
            // The parent closed in the task that asked for the child; the child lives on, as its policy says.
            return;
        }
        let Some(child) = self.children.get_mut(&initiated_event_id) else { return };
        child.run_id = run_id.to_owned();
        let attributes = ChildWorkflowExecutionStartedEventAttributes {
            namespace: child.namespace_name.clone(),
            namespace_id: child.namespace_uuid.clone(),
            initiated_event_id,
            workflow_execution: Some(execution(&child.workflow_id, run_id)),
            workflow_type: Some(WorkflowType { name: child.workflow_type.clone() }),
            header,
        };
        let id = self.add_event(cx, Attributes::ChildWorkflowExecutionStartedEventAttributes(attributes));
        if let Some(child) = self.children.get_mut(&initiated_event_id) {
            child.started_event_id = id;
        }
        self.schedule_workflow_task(cx);
    }

    pub(crate) fn child_start_failed(
        &mut self,
        cx: &mut Cx<'_>,
        initiated_event_id: i64,
        cause: StartChildWorkflowExecutionFailedCause,
    ) {
        let initiated = self.child_initiated(initiated_event_id);
        let Some(child) = self.children.remove(&initiated_event_id) else { return };
        let initiated = initiated.unwrap_or_default();
        let attributes = StartChildWorkflowExecutionFailedEventAttributes {
            namespace: child.namespace_name.clone(),
            namespace_id: child.namespace_uuid.clone(),
            workflow_id: child.workflow_id.clone(),
            workflow_type: Some(WorkflowType { name: child.workflow_type.clone() }),
            cause: cause.into(),
            control: initiated.control,
            initiated_event_id,
            workflow_task_completed_event_id: initiated.workflow_task_completed_event_id,
        };
        self.add_event(cx, Attributes::StartChildWorkflowExecutionFailedEventAttributes(attributes));
        self.schedule_workflow_task(cx);
    }

    /// A child's chain of runs came to an end: `close` is its close event.
    pub(crate) fn child_closed(&mut self, cx: &mut Cx<'_>, initiated_event_id: i64, run_id: &str, close: Attributes) {
        let Some(child) = self.children.remove(&initiated_event_id) else { return };
        let attributes = closed_attributes(&child, run_id, close);
        let Some(attributes) = attributes else { return };
        self.add_event(cx, attributes);
        self.schedule_workflow_task(cx);
    }
}

fn closed_attributes(child: &Child, run_id: &str, close: Attributes) -> Option<Attributes> {
    let namespace = child.namespace_name.clone();
    let namespace_id = child.namespace_uuid.clone();
    let workflow_execution = Some(execution(&child.workflow_id, run_id));
    let workflow_type = Some(WorkflowType { name: child.workflow_type.clone() });
    let (initiated_event_id, started_event_id) = (child.initiated_event_id, child.started_event_id);
    Some(match close {
        Attributes::WorkflowExecutionCompletedEventAttributes(close) => {
            Attributes::ChildWorkflowExecutionCompletedEventAttributes(ChildWorkflowExecutionCompletedEventAttributes {
                result: close.result,
                namespace,
                namespace_id,
                workflow_execution,
                workflow_type,
                initiated_event_id,
                started_event_id,
            })
        }
        Attributes::WorkflowExecutionFailedEventAttributes(close) => {
            Attributes::ChildWorkflowExecutionFailedEventAttributes(ChildWorkflowExecutionFailedEventAttributes {
                failure: close.failure,
                namespace,
                namespace_id,
                workflow_execution,
                workflow_type,
                initiated_event_id,
                started_event_id,
                retry_state: close.retry_state,
            })
        }
        Attributes::WorkflowExecutionCanceledEventAttributes(close) => {
            Attributes::ChildWorkflowExecutionCanceledEventAttributes(ChildWorkflowExecutionCanceledEventAttributes {
                details: close.details,
                namespace,
                namespace_id,
                workflow_execution,
                workflow_type,
                initiated_event_id,
                started_event_id,
            })
        }
        Attributes::WorkflowExecutionTerminatedEventAttributes(_) => {
            Attributes::ChildWorkflowExecutionTerminatedEventAttributes(ChildWorkflowExecutionTerminatedEventAttributes {
                namespace,
                namespace_id,
                workflow_execution,
                workflow_type,
                initiated_event_id,
                started_event_id,
            })
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(close) => {
            Attributes::ChildWorkflowExecutionTimedOutEventAttributes(ChildWorkflowExecutionTimedOutEventAttributes {
                namespace,
                namespace_id,
                workflow_execution,
                workflow_type,
                initiated_event_id,
                started_event_id,
                retry_state: close.retry_state,
            })
        }
        _ => return None,
    })
}

fn execution(workflow_id: &str, run_id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.to_owned() }
}
