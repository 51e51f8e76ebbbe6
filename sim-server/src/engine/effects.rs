//! What one workflow's transaction leaves for others, done after it.

use super::{
    Engine,
    namespace::NamespaceId,
    runs::RunKey,
    time::{Time, span},
    workflow::{
        Parent,
        child::Child,
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
/// Why the server terminates a child whose parent has closed.
pub const PARENT_CLOSE_REASON: &str = "by parent close policy";

/// Says which of so many transfer tasks is done next, from 0 on.
pub type Order<'a> = dyn FnMut(usize) -> usize + 'a;

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
    pub(super) fn run_effects(&mut self, order: &mut Order<'_>) {
        while let Some(effect) = self.next_effect(order) {
            match effect {
                Effect::StartChild { parent, initiated_event_id } => self.start_child(parent, initiated_event_id),
                Effect::StartRun(mut start) => {
                    let expire_time = Some((self.clock.now() + self.namespaces.get(start.namespace).retention).to_proto());
                    for point in start.attributes.prev_auto_reset_points.iter_mut().flat_map(|of| &mut of.points) {
                        point.expire_time = point.expire_time.or(expire_time);
                    }
                    let key = self.begin_run(*start);
                    self.transact(key, |run, cx| run.schedule_first_workflow_task(cx));
                }
                Effect::Closed(key) => self.after_close(key),
                // `processSignalExecution`, `processCancelExecution`: what a workflow sends in the task that closes it is never sent.
                Effect::External { from, .. } if !self.runs.get(from).is_running() => {}
                Effect::External { from, initiated_event_id, namespace, request_id, external } => match external {
                    External::Signal(sent) => self.signal_external(from, initiated_event_id, namespace, request_id, *sent),
                    External::Cancel(sent) => self.cancel_external(from, initiated_event_id, namespace, request_id, *sent),
                },
            }
        }
    }

    /// A run that follows another begins in the transaction that closes that one. All else is a transfer task of its own, and the real
    /// server works on many of them side by side (`history.transferProcessorSchedulerWorkerCount`).
    fn next_effect(&mut self, order: &mut Order<'_>) -> Option<Effect> {
        let follower = self.effects.iter().position(|effect| matches!(effect, Effect::StartRun(_)));
        let next = match (follower, self.effects.len()) {
            (Some(follower), _) => follower,
            (None, 0 | 1) => 0,
            (None, count) => order(count),
        };
        self.effects.remove(next)
    }

    fn start_child(&mut self, parent: RunKey, initiated_event_id: i64) {
        let run = self.runs.get(parent);
        let Some(child) = run.children.get(&initiated_event_id) else { return };
        if !run.is_running() {
            // The parent closed in the very task that asked for the child: it never starts, whatever its policy.
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
        self.runs.get_mut(child).history.end_batch();
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
        let run = self.runs.get(parent);
        let request_id = format!("{}:{initiated_event_id}:0", run.run_id);
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
            self.apply_parent_close_policy(key, &child);
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

    fn apply_parent_close_policy(&mut self, parent: RunKey, child: &Child) {
        let Some(key) = self.runs.current(child.namespace, &child.workflow_id) else { return };
        let run = self.runs.get(key);
        if !run.is_running() || run.facts.first_run_id != child.run_id {
            return;
        }
        match child.parent_close_policy {
            ParentClosePolicy::Abandon | ParentClosePolicy::Unspecified => {}
            ParentClosePolicy::Terminate => {
                self.transact(key, |run, cx| run.terminate(cx, PARENT_CLOSE_REASON, None, SERVER_IDENTITY, Vec::new()));
            }
            ParentClosePolicy::RequestCancel => {
                let request = CancelRequest {
                    identity: SERVER_IDENTITY.to_owned(),
                    request_id: self.ids.uuid(),
                    external_workflow_execution: Some(self.execution_of(parent)),
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
        mut sent: SignalExternalWorkflowExecutionInitiatedEventAttributes,
    ) {
        self.namespaces.get(namespace).name.clone_into(&mut sent.namespace);
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
        mut sent: RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
    ) {
        self.namespaces.get(namespace).name.clone_into(&mut sent.namespace);
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
        let sender = self.runs.get(from);
        if sender.namespace == namespace && sender.workflow_id == target.workflow_id {
            // A workflow does not reach itself this way.
            return None;
        }
        let key = self.runs.find(namespace, &target.workflow_id, &target.run_id).ok()?;
        if child_workflow_only {
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
