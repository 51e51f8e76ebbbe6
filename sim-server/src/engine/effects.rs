//! What one workflow's transaction leaves for others, done in order after it.

use super::{
    Engine,
    namespace::NamespaceId,
    runs::RunKey,
    time::{Time, span},
    workflow::{
        Parent,
        events::Extras,
        signal::{CancelRequest, Signal},
        start::Start,
    },
};
use crate::{
    engine::cron,
    proto::{
        common::WorkflowExecution,
        enums::{
            CancelExternalWorkflowExecutionFailedCause, ContinueAsNewInitiator, ParentClosePolicy,
            SignalExternalWorkflowExecutionFailedCause, StartChildWorkflowExecutionFailedCause, WorkflowIdConflictPolicy,
            WorkflowIdReusePolicy,
        },
        history::{
            RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
            SignalExternalWorkflowExecutionInitiatedEventAttributes, StartChildWorkflowExecutionInitiatedEventAttributes,
            WorkflowExecutionStartedEventAttributes, history_event::Attributes,
        },
    },
};

/// Who signs what the server does by itself.
pub(crate) const SERVER_IDENTITY: &str = "history-service";
const PARENT_CLOSE_REASON: &str = "by parent close policy";

/// One thing that is left to do.
#[derive(Debug)]
pub(crate) enum Effect {
    /// A parent wants a child.
    StartChild { parent: RunKey, initiated_event_id: i64 },
    /// A run is followed by another (continue-as-new, retry, cron).
    StartRun(Box<Start>),
    /// A run closed: its parent is told, its children fare as their policies say.
    Closed(RunKey),
    /// A workflow signals or cancels another.
    External { from: RunKey, initiated_event_id: i64, namespace: NamespaceId, request_id: String, external: External },
}

/// What a workflow sends to another.
#[derive(Debug)]
pub(crate) enum External {
    Signal(Box<SignalExternalWorkflowExecutionInitiatedEventAttributes>),
    Cancel(Box<RequestCancelExternalWorkflowExecutionInitiatedEventAttributes>),
}

impl Engine {
    pub(super) fn run_effects(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::StartChild { parent, initiated_event_id } => self.start_child(parent, initiated_event_id),
                Effect::StartRun(start) => {
                    let key = self.begin_run(*start);
                    self.transact(key, |run, cx| run.schedule_first_workflow_task(cx));
                }
                Effect::Closed(key) => self.after_close(key),
                Effect::External { from, initiated_event_id, namespace, request_id, external } => match external {
                    External::Signal(sent) => self.signal_external(from, initiated_event_id, namespace, request_id, *sent),
                    External::Cancel(sent) => self.cancel_external(from, initiated_event_id, namespace, request_id, *sent),
                },
            }
        }
    }

    fn start_child(&mut self, parent: RunKey, initiated_event_id: i64) {
        let run = self.runs.get(parent);
        let Some(child) = run.children.get(&initiated_event_id) else { return };
        if !run.is_running() && child.parent_close_policy != ParentClosePolicy::Abandon {
            return;
        }
        let (namespace, Some(initiated)) = (child.namespace, run.child_initiated(initiated_event_id)) else { return };
        let existing = self.runs.current(namespace, &initiated.workflow_id);
        let refused = existing.is_some_and(|existing| {
            let policy = match initiated.workflow_id_reuse_policy() {
                WorkflowIdReusePolicy::Unspecified => WorkflowIdReusePolicy::AllowDuplicate,
                given => given,
            };
            let (reuse, conflict) = match policy {
                #[allow(deprecated)]
                WorkflowIdReusePolicy::TerminateIfRunning => {
                    (WorkflowIdReusePolicy::AllowDuplicate, WorkflowIdConflictPolicy::TerminateExisting)
                }
                other => (other, WorkflowIdConflictPolicy::Fail),
            };
            self.make_room(existing, reuse, conflict).is_err()
        });
        if refused {
            let cause = StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists;
            return self.transact(parent, |run, cx| run.child_start_failed(cx, initiated_event_id, cause));
        }
        let header = initiated.header.clone();
        let start = self.child_start(parent, namespace, initiated, initiated_event_id);
        let run_id = start.run_id.clone();
        let child = self.begin_run(start);
        self.transact(parent, |run, cx| run.child_started(cx, initiated_event_id, &run_id, header));
        self.transact(child, |run, cx| run.schedule_first_workflow_task(cx));
    }

    fn child_start(
        &mut self,
        parent: RunKey,
        namespace: NamespaceId,
        initiated: StartChildWorkflowExecutionInitiatedEventAttributes,
        initiated_event_id: i64,
    ) -> Start {
        let now = self.clock.now();
        let run_id = self.ids.run_id(now);
        let request_id = self.ids.uuid();
        let run = self.runs.get(parent);
        let of = self.namespaces.get(run.namespace);
        let this = WorkflowExecution { workflow_id: run.workflow_id.clone(), run_id: run.run_id.clone() };
        let root = match run.facts.root.as_deref() {
            Some((workflow_id, run_id)) => WorkflowExecution { workflow_id: workflow_id.clone(), run_id: run_id.clone() },
            None => this.clone(),
        };
        let execution_timeout = span(initiated.workflow_execution_timeout.as_ref());
        let expiration = (!execution_timeout.is_zero()).then(|| (now + execution_timeout).to_proto());
        let backoff = first_backoff(&initiated.cron_schedule, now);
        let attributes = WorkflowExecutionStartedEventAttributes {
            workflow_type: initiated.workflow_type,
            parent_workflow_namespace: of.name.clone(),
            parent_workflow_namespace_id: of.uuid.clone(),
            parent_workflow_execution: Some(this),
            parent_initiated_event_id: initiated_event_id,
            task_queue: initiated.task_queue,
            input: initiated.input,
            workflow_execution_timeout: initiated.workflow_execution_timeout,
            workflow_run_timeout: initiated.workflow_run_timeout,
            workflow_task_timeout: initiated.workflow_task_timeout,
            original_execution_run_id: run_id.clone(),
            first_execution_run_id: run_id.clone(),
            retry_policy: initiated.retry_policy,
            attempt: 1,
            workflow_execution_expiration_time: expiration,
            initiator: first_initiator(&initiated.cron_schedule).into(),
            cron_schedule: initiated.cron_schedule,
            first_workflow_task_backoff: backoff,
            memo: initiated.memo,
            search_attributes: initiated.search_attributes,
            header: initiated.header,
            workflow_id: initiated.workflow_id,
            root_workflow_execution: Some(root),
            priority: initiated.priority.or_else(|| run.facts.priority.clone()),
            ..WorkflowExecutionStartedEventAttributes::default()
        };
        let parent = Parent {
            namespace: run.namespace,
            workflow_id: run.workflow_id.clone(),
            run_id: run.run_id.clone(),
            initiated_event_id,
        };
        let user_metadata = run.history.get(initiated_event_id).and_then(|event| event.user_metadata);
        let extras = Extras { user_metadata, ..Extras::default() };
        Start { namespace, run_id, request_id, parent: Some(parent), attributes, extras }
    }

    /// A run closed: its parent learns it (if no other run follows), then its children fare as their policies say.
    fn after_close(&mut self, key: RunKey) {
        let run = self.runs.get_mut(key);
        let children = std::mem::take(&mut run.children);
        let queries = std::mem::take(&mut run.queries);
        let parent = run.facts.parent.as_deref().filter(|_| run.new_run_id.is_empty()).cloned();
        let run_id = run.run_id.clone();
        if let Some(parent) = parent {
            let close = run.history.get(run.history.last_id()).and_then(|event| event.attributes);
            self.tell_parent(&parent, &run_id, close);
        }
        for child in children.into_values().filter(|child| !child.run_id.is_empty()) {
            self.apply_parent_close_policy(child.namespace, &child.workflow_id, &child.run_id, child.parent_close_policy);
        }
        self.release_queries(key, queries);
    }

    fn tell_parent(&mut self, parent: &Parent, run_id: &str, close: Option<Attributes>) {
        let Ok(key) = self.runs.find(parent.namespace, &parent.workflow_id, &parent.run_id) else { return };
        let Some(close) = close else { return };
        if self.runs.get(key).is_running() {
            self.transact(key, |run, cx| run.child_closed(cx, parent.initiated_event_id, run_id, close));
        }
    }

    fn apply_parent_close_policy(
        &mut self,
        namespace: NamespaceId,
        workflow_id: &str,
        first_run_id: &str,
        policy: ParentClosePolicy,
    ) {
        let Some(key) = self.runs.current(namespace, workflow_id) else { return };
        let run = self.runs.get(key);
        if !run.is_running() || run.facts.first_run_id != first_run_id {
            return;
        }
        match policy {
            ParentClosePolicy::Abandon | ParentClosePolicy::Unspecified => {}
            ParentClosePolicy::Terminate => {
                self.transact(key, |run, cx| run.terminate(cx, PARENT_CLOSE_REASON, None, SERVER_IDENTITY, Vec::new()));
            }
            ParentClosePolicy::RequestCancel => {
                let request = CancelRequest {
                    reason: PARENT_CLOSE_REASON.to_owned(),
                    identity: SERVER_IDENTITY.to_owned(),
                    request_id: self.ids.uuid(),
                    ..CancelRequest::default()
                };
                self.transact(key, |run, cx| run.request_cancel(cx, request));
            }
        }
    }

    fn signal_external(
        &mut self,
        from: RunKey,
        initiated_event_id: i64,
        namespace: NamespaceId,
        request_id: String,
        sent: SignalExternalWorkflowExecutionInitiatedEventAttributes,
    ) {
        use SignalExternalWorkflowExecutionFailedCause as Cause;
        let failed = match self.external_target(from, namespace, sent.workflow_execution.as_ref(), sent.child_workflow_only) {
            None => Some(Cause::ExternalWorkflowExecutionNotFound),
            Some(target) if !self.runs.get(target).is_running() => Some(Cause::ExternalWorkflowExecutionNotFound),
            Some(target) if self.runs.get(target).signal_count >= self.limits.signals_max => {
                Some(Cause::SignalCountLimitExceeded)
            }
            Some(target) => {
                let signal = Signal {
                    name: sent.signal_name.clone(),
                    input: sent.input.clone(),
                    identity: SERVER_IDENTITY.to_owned(),
                    header: sent.header.clone(),
                    request_id,
                    links: Vec::new(),
                    external_workflow_execution: Some(self.execution_of(from)),
                };
                self.transact(target, |run, cx| run.signal(cx, signal));
                None
            }
        };
        self.transact(from, |run, cx| run.external_signaled(cx, initiated_event_id, sent, failed));
    }

    fn cancel_external(
        &mut self,
        from: RunKey,
        initiated_event_id: i64,
        namespace: NamespaceId,
        request_id: String,
        sent: RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
    ) {
        let failed = match self.external_target(from, namespace, sent.workflow_execution.as_ref(), sent.child_workflow_only) {
            None => Some(CancelExternalWorkflowExecutionFailedCause::ExternalWorkflowExecutionNotFound),
            Some(target) => {
                if self.runs.get(target).is_running() {
                    let request = CancelRequest {
                        reason: sent.reason.clone(),
                        identity: SERVER_IDENTITY.to_owned(),
                        request_id,
                        links: Vec::new(),
                        external_initiated_event_id: initiated_event_id,
                        external_workflow_execution: Some(self.execution_of(from)),
                    };
                    self.transact(target, |run, cx| run.request_cancel(cx, request));
                }
                None
            }
        };
        self.transact(from, |run, cx| run.external_cancel_requested(cx, initiated_event_id, sent, failed));
    }

    /// The workflow that a command names. `child_workflow_only`: it must be a child of the sender.
    fn external_target(
        &self,
        from: RunKey,
        namespace: NamespaceId,
        target: Option<&WorkflowExecution>,
        child_workflow_only: bool,
    ) -> Option<RunKey> {
        let target = target?;
        let key = self.runs.find(namespace, &target.workflow_id, &target.run_id).ok()?;
        if child_workflow_only {
            let sender = self.runs.get(from);
            let parent = self.runs.get(key).facts.parent.as_deref()?;
            if parent.workflow_id != sender.workflow_id || parent.run_id != sender.run_id {
                return None;
            }
        }
        Some(key)
    }

    fn execution_of(&self, key: RunKey) -> WorkflowExecution {
        let run = self.runs.get(key);
        WorkflowExecution { workflow_id: run.workflow_id.clone(), run_id: run.run_id.clone() }
    }
}

/// The wait before the first task of a new workflow with a cron schedule; zero without.
pub(super) fn first_backoff(cron_schedule: &str, now: Time) -> Option<prost_types::Duration> {
    let backoff = match cron::parse(cron_schedule) {
        Ok(schedule) if !cron_schedule.is_empty() => schedule.next_backoff(now, now).unwrap_or_default(),
        _ => std::time::Duration::ZERO,
    };
    Some(super::time::span_to_proto(backoff))
}

pub(super) fn first_initiator(cron_schedule: &str) -> ContinueAsNewInitiator {
    if cron_schedule.is_empty() { ContinueAsNewInitiator::Unspecified } else { ContinueAsNewInitiator::CronSchedule }
}
