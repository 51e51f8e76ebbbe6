//! What passes between two runs: starts of children and of next runs, closes, signals, cancel requests. Each is an effect of
//! one run's transaction, carried out after it (`transfer_queue_active_task_executor.go`).

use std::time::Duration;

use super::{
    recorded::Parent,
    signal::{CancelRequest, Signal},
    start::first_of_chain,
};
use crate::{
    engine::{
        Engine, PARENT_CLOSE_REASON,
        execution::conflict::{self, Claim},
        kernel::{
            effects::{ChildLeft, External, Extras, SERVER_IDENTITY, Start},
            key::{NamespaceId, RunKey},
        },
        rules::validate::priority,
    },
    proto::{
        common::WorkflowExecution,
        enums::{
            CancelExternalWorkflowExecutionFailedCause, ParentClosePolicy, SignalExternalWorkflowExecutionFailedCause,
            StartChildWorkflowExecutionFailedCause, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
        },
        history::{
            RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
            SignalExternalWorkflowExecutionInitiatedEventAttributes, StartChildWorkflowExecutionInitiatedEventAttributes,
            WorkflowExecutionStartedEventAttributes, history_event::Attributes,
        },
    },
};

impl Engine {
    /// A run is followed by another.
    pub(in crate::engine) fn start_next_run(&mut self, mut start: Start) {
        let expire_time = self.now(start.namespace) + self.namespaces.get(start.namespace).retention;
        for point in start.attributes.prev_auto_reset_points.iter_mut().flat_map(|of| &mut of.points) {
            point.expire_time.get_or_insert(expire_time.to_proto());
        }
        let is_too_many = self.skipping.runaway.follows(&start.attributes.first_execution_run_id, self.now(start.namespace));
        let (key, ()) = self.begin(start, |run, cx| run.schedule_first_workflow_task(cx));
        if is_too_many {
            let reason = "Too many runs of this chain have begun at one instant.";
            self.skipping.notices.warn(format!("{} is terminated: {reason}", self.runs.get(key).name()));
            self.transact(key, |run, cx| run.terminate(cx, reason, None, SERVER_IDENTITY, Vec::new()));
        }
    }

    /// A workflow that fails for ever is terminated.
    pub(in crate::engine) fn fail_fast(&mut self, namespace: NamespaceId, workflow_id: &str, reason: &str) {
        let key = self.runs.current(namespace, workflow_id).filter(|key| self.runs.get(*key).is_running());
        if let Some(key) = key {
            self.transact(key, |run, cx| run.terminate(cx, reason, None, SERVER_IDENTITY, Vec::new()));
        }
    }

    /// A parent asks for a child.
    pub(in crate::engine) fn start_child(&mut self, parent: RunKey, initiated_event_id: i64) {
        if self.is_over(parent) {
            // The parent closed in the very task that asked for the child: it never starts, whatever its policy.
            return;
        }
        let Some(initiated) = self.runs.get(parent).initiated_child(initiated_event_id) else { return };
        let Some(namespace) = self.namespaces.find(&initiated.namespace) else { return };
        if !self.claim_child_id(namespace, &initiated) {
            let cause = StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists;
            return self.transact(parent, |run, cx| run.child_start_failed(cx, initiated_event_id, cause));
        }
        let header = initiated.header.clone();
        let start = self.child_start(parent, namespace, initiated, initiated_event_id);
        let run_id = start.run_id.clone();
        let (child, ()) = self.begin(start, |_, _| ());
        self.transact(parent, |run, cx| run.child_started(cx, initiated_event_id, &run_id, header));
        self.transact(child, |run, cx| run.schedule_first_workflow_task(cx));
    }

    /// Whether the child may have its workflow id.
    fn claim_child_id(
        &mut self,
        namespace: NamespaceId,
        initiated: &StartChildWorkflowExecutionInitiatedEventAttributes,
    ) -> bool {
        let Some(existing) = self.runs.current(namespace, &initiated.workflow_id) else { return true };
        let (reuse, conflict) = match initiated.workflow_id_reuse_policy() {
            WorkflowIdReusePolicy::TerminateIfRunning => {
                (WorkflowIdReusePolicy::AllowDuplicate, WorkflowIdConflictPolicy::TerminateExisting)
            }
            WorkflowIdReusePolicy::Unspecified => (WorkflowIdReusePolicy::AllowDuplicate, WorkflowIdConflictPolicy::Fail),
            given => (given, WorkflowIdConflictPolicy::Fail),
        };
        let run_id = self.ids.run_id(self.now(namespace));
        match conflict::claim(self.runs.get(existing).holder(), reuse, conflict) {
            Claim::Free => true,
            Claim::TerminateExisting => {
                self.terminate_for(existing, &run_id);
                true
            }
            Claim::UseExisting | Claim::Refused(_) => false,
        }
    }

    fn child_start(
        &mut self,
        parent: RunKey,
        namespace: NamespaceId,
        initiated: StartChildWorkflowExecutionInitiatedEventAttributes,
        initiated_event_id: i64,
    ) -> Start {
        let now = self.now(namespace);
        let run_id = self.ids.run_id(now);
        let run = self.runs.get(parent);
        let request_id = format!("{}:{initiated_event_id}:0", run.run_id());
        let of = self.namespaces.get(run.namespace());
        let this = run.execution();
        let root = match run.recorded.facts.root.as_deref() {
            Some((workflow_id, run_id)) => WorkflowExecution { workflow_id: workflow_id.clone(), run_id: run_id.clone() },
            None => this.clone(),
        };
        let no_delay = Duration::ZERO;
        let first = first_of_chain(&run_id, initiated.cron_schedule, no_delay, initiated.workflow_execution_timeout, now);
        let attributes = WorkflowExecutionStartedEventAttributes {
            workflow_id: initiated.workflow_id,
            workflow_type: initiated.workflow_type,
            task_queue: initiated.task_queue,
            input: initiated.input,
            header: initiated.header,
            workflow_run_timeout: initiated.workflow_run_timeout,
            workflow_task_timeout: initiated.workflow_task_timeout,
            retry_policy: initiated.retry_policy,
            memo: initiated.memo,
            search_attributes: initiated.search_attributes,
            priority: priority::merged(run.priority(), initiated.priority),
            parent_workflow_namespace: of.name.clone(),
            parent_workflow_namespace_id: of.uuid.clone(),
            parent_workflow_execution: Some(this),
            parent_initiated_event_id: initiated_event_id,
            root_workflow_execution: Some(root),
            ..first
        };
        let user_metadata = run.history().get(initiated_event_id).and_then(|event| event.user_metadata);
        let extras = Extras { user_metadata, ..Extras::default() };
        Start { namespace, run_id, request_id, attributes, extras }
    }

    /// A run closed. Its parent learns it, if no other run follows. Then its children are treated as their policies say.
    pub(in crate::engine) fn after_close(&mut self, key: RunKey, children: &[ChildLeft]) {
        let run = self.runs.get(key);
        let is_reset = !run.reset_run_id().is_empty() && run.is_ended_by_reset();
        if run.recorded.new_run_id.is_empty()
            && !run.is_ended_by_reset()
            && let Some(parent) = run.recorded.facts.parent.as_deref().cloned()
            && let Some(close) = run.history().get(run.history().last_id()).and_then(|event| event.attributes)
        {
            self.tell_parent(&parent, key, close);
        }
        // The children are those of the run that the reset has made.
        for child in children.iter().filter(|_| !is_reset) {
            self.apply_parent_close_policy(key, child);
        }
        self.tell_schedules(key);
        self.release_queries(key);
        if self.runs.get(key).is_deleted_when_closed() {
            self.delete_run(key);
        }
    }

    /// A parent that has been reset hears of its children in the run that goes on (`recordChildWorkflowCompleted`).
    fn tell_parent(&mut self, parent: &Parent, child: RunKey, close: Attributes) {
        let Some(namespace) = self.namespaces.find(&parent.namespace) else { return };
        let mut key = self.runs.find(namespace, &parent.workflow_id, &parent.run_id).ok();
        while let Some(closed) = key.map(|key| self.runs.get(key)).filter(|run| !run.is_running()) {
            key = self.runs.find_by_run_id(closed.reset_run_id());
        }
        let Some(key) = key else { return };
        let child = self.runs.get(child);
        let (run_id, first_run_id) = (child.run_id().to_owned(), child.first_run_id().to_owned());
        if !self.is_over(key) && self.runs.get(key).has_child(parent.initiated_event_id, &first_run_id) {
            self.transact(key, |run, cx| run.child_closed(cx, parent.initiated_event_id, &run_id, close));
        }
    }

    fn apply_parent_close_policy(&mut self, parent_key: RunKey, child: &ChildLeft) {
        let namespace = self.namespaces.find(&child.namespace);
        let Some(key) = namespace.and_then(|namespace| self.runs.current(namespace, &child.workflow_id)) else { return };
        let run = self.runs.get(key);
        let is_parent = |parent: &Parent| parent.run_id == self.runs.get(parent_key).run_id();
        // A child that an earlier run began is not this one's to end, though it hears of it (`ChildWorkflowOnly`).
        let is_child = run.recorded.facts.parent.as_deref().is_some_and(is_parent);
        if !run.is_running() || !is_child || run.first_run_id() != child.run_id {
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
                    external_workflow_execution: Some(self.runs.get(parent_key).execution()),
                    ..CancelRequest::default()
                };
                self.transact(key, |run, cx| run.request_cancel(cx, request));
            }
        }
    }

    /// A workflow signals or cancels another. What it sends in the task that closes it is never sent (`processSignalExecution`,
    /// `processCancelExecution`).
    pub(in crate::engine) fn send_external(
        &mut self,
        from: RunKey,
        initiated_event_id: i64,
        namespace: NamespaceId,
        request_id: String,
        external: External,
    ) {
        if !self.runs.get(from).is_running() {
            return;
        }
        match external {
            External::Signal(sent) => self.signal_external(from, initiated_event_id, namespace, request_id, *sent),
            External::Cancel(sent) => self.cancel_external(from, initiated_event_id, namespace, request_id, *sent),
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
        let mut signaled = None;
        let failed = match self.external_target(from, namespace, sent.workflow_execution.as_ref(), sent.child_workflow_only) {
            None => Some(Cause::ExternalWorkflowExecutionNotFound),
            Some(target) if self.is_over(target) => Some(Cause::ExternalWorkflowExecutionNotFound),
            Some(target) if self.has_all_signals(target) => Some(Cause::SignalCountLimitExceeded),
            Some(target) => {
                let signal = Signal {
                    name: sent.signal_name.clone(),
                    input: sent.input.clone(),
                    identity: SERVER_IDENTITY.to_owned(),
                    header: sent.header.clone(),
                    request_id: request_id.clone(),
                    links: Vec::new(),
                    external_workflow_execution: Some(self.runs.get(from).execution()),
                };
                self.transact(target, |run, cx| run.signal(cx, signal));
                signaled = Some(target);
                None
            }
        };
        self.transact(from, |run, cx| run.external_signaled(cx, initiated_event_id, sent, failed));
        // Once the sender knows, the signal cannot come twice (`RemoveSignalMutableState`).
        if let Some(target) = signaled.filter(|target| !self.is_over(*target)) {
            self.transact(target, |run, _| run.forget_signal(&request_id));
        }
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
                if !self.is_over(target) {
                    let request = CancelRequest {
                        reason: sent.reason.clone(),
                        identity: SERVER_IDENTITY.to_owned(),
                        request_id,
                        links: Vec::new(),
                        external_initiated_event_id: initiated_event_id,
                        external_workflow_execution: Some(self.runs.get(from).execution()),
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
        if sender.namespace() == namespace && sender.workflow_id() == target.workflow_id {
            // A workflow does not reach itself this way.
            return None;
        }
        let key = self.runs.find(namespace, &target.workflow_id, &target.run_id).ok()?;
        if child_workflow_only {
            let parent = self.runs.get(key).recorded.facts.parent.as_deref()?;
            if parent.workflow_id != sender.workflow_id() || parent.run_id != sender.run_id() {
                return None;
            }
        }
        Some(key)
    }
}
