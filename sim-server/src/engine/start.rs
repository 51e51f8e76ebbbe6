//! StartWorkflowExecution and SignalWithStartWorkflowExecution (`api/startworkflow`, `api/signalwithstartworkflow`,
//! `api/workflow_id_dedup.go`).

use super::{
    Engine,
    effects::{SERVER_IDENTITY, first_backoff, first_initiator},
    error::{Error, Result},
    failure::encode_string,
    namespace::NamespaceId,
    runs::RunKey,
    time::{span, span_to_proto},
    validate,
    workflow::{events::Extras, signal::Signal, start::Start},
};
use crate::proto::{
    common::{Link, link},
    enums::{EventType, WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    history::{
        WorkflowExecutionOptionsUpdatedEventAttributes, WorkflowExecutionStartedEventAttributes, history_event::Attributes,
    },
    workflowservice::{
        SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse, StartWorkflowExecutionRequest,
        StartWorkflowExecutionResponse,
    },
};

/// What became of the workflow id that a start wants.
enum Room {
    /// Free; the start goes ahead.
    Free,
    /// The running workflow is used instead.
    UseExisting(RunKey),
}

impl Engine {
    /// StartWorkflowExecution.
    pub fn start_workflow_execution(
        &mut self,
        mut request: StartWorkflowExecutionRequest,
    ) -> Result<StartWorkflowExecutionResponse> {
        let namespace = self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        validate::start(&mut request, &self.limits, &self.namespaces.get(namespace).search_attributes)?;
        if request.request_id.is_empty() {
            request.request_id = self.ids.uuid();
        }
        let existing = self.runs.current(namespace, &request.workflow_id);
        if let Some(key) = existing
            && self.is_start_of(key, &request.request_id)
        {
            return Ok(self.started_before(key));
        }
        let (reuse, conflict) = (request.workflow_id_reuse_policy(), request.workflow_id_conflict_policy());
        let run_id = self.ids.run_id(self.clock.now());
        if let Some(key) = existing
            && let Room::UseExisting(key) = self.resolve_duplicate(key, reuse, conflict, &run_id)?
        {
            self.attach_to_existing(key, &request);
            return Ok(StartWorkflowExecutionResponse { started: false, ..self.started_before(key) });
        }
        let eager = request.request_eager_execution
            && span(request.workflow_start_delay.as_ref()).is_zero()
            && request.cron_schedule.is_empty();
        let identity = request.identity.clone();
        let start = self.start_of(namespace, run_id, request, eager);
        let key = self.begin_run(start);
        if !eager {
            self.transact(key, |run, cx| run.schedule_first_workflow_task(cx));
            return Ok(StartWorkflowExecutionResponse { started: true, ..self.started_before(key) });
        }
        self.transact(key, |run, cx| {
            run.place_workflow_task(cx, None, false);
            let request_id = cx.ids.uuid();
            run.start_workflow_task(cx, &identity, request_id);
        });
        let task = self.workflow_task_reply(key, None).into_response();
        Ok(StartWorkflowExecutionResponse { started: true, eager_workflow_task: Some(task), ..self.started_before(key) })
    }

    /// SignalWithStartWorkflowExecution.
    pub fn signal_with_start_workflow_execution(
        &mut self,
        mut request: SignalWithStartWorkflowExecutionRequest,
    ) -> Result<SignalWithStartWorkflowExecutionResponse> {
        let namespace = self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        validate::signal_with_start(&mut request, &self.limits, &self.namespaces.get(namespace).search_attributes)?;
        if request.request_id.is_empty() {
            request.request_id = self.ids.uuid();
        }
        let signal = Signal {
            name: request.signal_name.clone(),
            input: request.signal_input.clone(),
            identity: request.identity.clone(),
            header: request.header.clone(),
            request_id: request.request_id.clone(),
            links: request.links.clone(),
            external_workflow_execution: None,
        };
        let (reuse, conflict) = (request.workflow_id_reuse_policy(), request.workflow_id_conflict_policy());
        let existing = self.runs.current(namespace, &request.workflow_id);
        let run_id = self.ids.run_id(self.clock.now());
        if let Some(key) = existing {
            let is_running = self.runs.get(key).is_running();
            if is_running && conflict != WorkflowIdConflictPolicy::TerminateExisting {
                self.check_signal_limit(key)?;
                self.transact(key, |run, cx| run.signal(cx, signal));
                return Ok(self.signaled_with_start(key, false));
            }
            if !is_running && self.is_start_of(key, &request.request_id) {
                return Ok(self.signaled_with_start(key, false));
            }
            self.resolve_duplicate(key, reuse, conflict, &run_id)?;
        }
        let start = self.start_of(namespace, run_id, as_start(request), false);
        let key = self.begin_run(start);
        self.transact(key, |run, cx| run.signal_at_start(cx, signal));
        Ok(self.signaled_with_start(key, true))
    }

    fn signaled_with_start(&self, key: RunKey, started: bool) -> SignalWithStartWorkflowExecutionResponse {
        let run = self.runs.get(key);
        SignalWithStartWorkflowExecutionResponse {
            run_id: run.run_id.clone(),
            first_execution_run_id: run.facts.first_run_id.clone(),
            started,
            signal_link: None,
        }
    }

    /// Whether this request id started the run, or was attached to it.
    fn is_start_of(&self, key: RunKey, request_id: &str) -> bool {
        let run = self.runs.get(key);
        run.facts.start_request_id == request_id || run.attached_request_ids.contains(request_id)
    }

    fn started_before(&self, key: RunKey) -> StartWorkflowExecutionResponse {
        let run = self.runs.get(key);
        let event =
            link::workflow_event::EventReference { event_id: 1, event_type: EventType::WorkflowExecutionStarted.into() };
        let link = link::WorkflowEvent {
            namespace: self.namespaces.get(run.namespace).name.clone(),
            workflow_id: run.workflow_id.clone(),
            run_id: run.run_id.clone(),
            reference: Some(link::workflow_event::Reference::EventRef(event)),
        };
        StartWorkflowExecutionResponse {
            run_id: run.run_id.clone(),
            first_execution_run_id: run.facts.first_run_id.clone(),
            started: run.attached_request_ids.is_empty(),
            status: run.status.into(),
            eager_workflow_task: None,
            link: Some(Link { variant: Some(link::Variant::WorkflowEvent(link)) }),
        }
    }

    /// Whether the workflow id is free under the policies; terminates the running workflow if they say so.
    pub(super) fn make_room(
        &mut self,
        existing: RunKey,
        reuse: WorkflowIdReusePolicy,
        conflict: WorkflowIdConflictPolicy,
    ) -> Result<()> {
        let run_id = self.ids.run_id(self.clock.now());
        self.resolve_duplicate(existing, reuse, conflict, &run_id).map(|_| ())
    }

    fn resolve_duplicate(
        &mut self,
        existing: RunKey,
        reuse: WorkflowIdReusePolicy,
        conflict: WorkflowIdConflictPolicy,
        new_run_id: &str,
    ) -> Result<Room> {
        let run = self.runs.get(existing);
        let names = format!("WorkflowId: {}, RunId: {}.", run.workflow_id, run.run_id);
        if run.is_running() {
            return match conflict {
                WorkflowIdConflictPolicy::UseExisting => Ok(Room::UseExisting(existing)),
                WorkflowIdConflictPolicy::TerminateExisting => {
                    let details = encode_string(&format!("terminated by new runID: {new_run_id}"));
                    let reason = "TerminateIfRunning WorkflowIdReusePolicy";
                    self.transact(existing, |run, cx| run.terminate(cx, reason, Some(details), SERVER_IDENTITY, Vec::new()));
                    Ok(Room::Free)
                }
                _ => Err(self.already_started(existing, format!("Workflow execution is already running. {names}"))),
            };
        }
        match reuse {
            WorkflowIdReusePolicy::RejectDuplicate => {
                let policy = "Workflow Id reuse policy: reject duplicate workflow Id.";
                Err(self.already_started(existing, format!("Workflow execution already finished. {names} {policy}")))
            }
            WorkflowIdReusePolicy::AllowDuplicateFailedOnly if !is_failed(run.status) => {
                let policy = "Workflow Id reuse policy: allow duplicate workflow Id if last run failed.";
                Err(self
                    .already_started(existing, format!("Workflow execution already finished successfully. {names} {policy}")))
            }
            _ => Ok(Room::Free),
        }
    }

    fn already_started(&self, existing: RunKey, message: String) -> Error {
        let run = self.runs.get(existing);
        Error::AlreadyStarted {
            message,
            start_request_id: run.facts.start_request_id.clone(),
            run_id: run.run_id.clone(),
            first_execution_run_id: run.facts.first_run_id.clone(),
        }
    }

    /// A start with USE_EXISTING may leave its request id with the running workflow (`on_conflict_options`).
    fn attach_to_existing(&mut self, key: RunKey, request: &StartWorkflowExecutionRequest) {
        let Some(options) = &request.on_conflict_options else { return };
        if !options.attach_request_id {
            return;
        }
        let links = if options.attach_links { request.links.clone() } else { Vec::new() };
        let (request_id, identity) = (request.request_id.clone(), request.identity.clone());
        self.transact(key, |run, cx| {
            run.attached_request_ids.insert(request_id.clone());
            let attributes = WorkflowExecutionOptionsUpdatedEventAttributes {
                attached_request_id: request_id,
                identity,
                ..WorkflowExecutionOptionsUpdatedEventAttributes::default()
            };
            let extras = Extras { links, ..Extras::default() };
            run.add_event_with(cx, Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(attributes), extras);
        });
    }

    fn start_of(
        &mut self,
        namespace: NamespaceId,
        run_id: String,
        request: StartWorkflowExecutionRequest,
        eager: bool,
    ) -> Start {
        let now = self.clock.now();
        let execution_timeout = span(request.workflow_execution_timeout.as_ref());
        let start_delay = span(request.workflow_start_delay.as_ref());
        let backoff =
            if start_delay.is_zero() { first_backoff(&request.cron_schedule, now) } else { Some(span_to_proto(start_delay)) };
        let expiration = now + start_delay + execution_timeout;
        let attributes = WorkflowExecutionStartedEventAttributes {
            workflow_type: request.workflow_type,
            task_queue: request.task_queue,
            input: request.input,
            workflow_execution_timeout: request.workflow_execution_timeout,
            workflow_run_timeout: request.workflow_run_timeout,
            workflow_task_timeout: request.workflow_task_timeout,
            initiator: first_initiator(&request.cron_schedule).into(),
            continued_failure: request.continued_failure,
            last_completion_result: request.last_completion_result,
            original_execution_run_id: run_id.clone(),
            identity: request.identity,
            first_execution_run_id: run_id.clone(),
            retry_policy: request.retry_policy,
            attempt: 1,
            workflow_execution_expiration_time: (!execution_timeout.is_zero()).then(|| expiration.to_proto()),
            cron_schedule: request.cron_schedule,
            first_workflow_task_backoff: backoff,
            memo: request.memo,
            search_attributes: request.search_attributes,
            header: request.header,
            workflow_id: request.workflow_id,
            priority: request.priority,
            eager_execution_accepted: eager,
            ..WorkflowExecutionStartedEventAttributes::default()
        };
        let extras = Extras { user_metadata: request.user_metadata, links: request.links, ..Extras::default() };
        Start { namespace, run_id, request_id: request.request_id, parent: None, attributes, extras }
    }
}

/// The closed states after which ALLOW_DUPLICATE_FAILED_ONLY allows a new start.
fn is_failed(status: WorkflowExecutionStatus) -> bool {
    use WorkflowExecutionStatus as S;
    matches!(status, S::Failed | S::Canceled | S::Terminated | S::TimedOut)
}

/// The start that a SignalWithStart holds.
fn as_start(request: SignalWithStartWorkflowExecutionRequest) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        namespace: request.namespace,
        workflow_id: request.workflow_id,
        workflow_type: request.workflow_type,
        task_queue: request.task_queue,
        input: request.input,
        workflow_execution_timeout: request.workflow_execution_timeout,
        workflow_run_timeout: request.workflow_run_timeout,
        workflow_task_timeout: request.workflow_task_timeout,
        identity: request.identity,
        request_id: request.request_id,
        workflow_id_reuse_policy: request.workflow_id_reuse_policy,
        workflow_id_conflict_policy: request.workflow_id_conflict_policy,
        retry_policy: request.retry_policy,
        cron_schedule: request.cron_schedule,
        memo: request.memo,
        search_attributes: request.search_attributes,
        header: request.header,
        workflow_start_delay: request.workflow_start_delay,
        user_metadata: request.user_metadata,
        links: request.links,
        priority: request.priority,
        ..StartWorkflowExecutionRequest::default()
    }
}
