//! StartWorkflowExecution and SignalWithStartWorkflowExecution (`api/startworkflow`, `api/signalwithstartworkflow`).

use crate::{
    engine::{
        Engine,
        execution::{
            Cx,
            conflict::{self, Claim},
        },
        kernel::{
            effects::{Extras, SERVER_IDENTITY, Start},
            error::{Error, Result},
            key::{NamespaceId, RunKey},
            time::span,
        },
        rules::{failure::encode_string, validate},
        workflow::{run::Run, signal::Signal, start::first_of_chain},
    },
    proto::{
        common::link,
        enums::{EventType, WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
        history::WorkflowExecutionStartedEventAttributes,
        workflowservice::{
            SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse, StartWorkflowExecutionRequest,
            StartWorkflowExecutionResponse,
        },
    },
};

/// The outcome of a claim of a workflow id.
enum Verdict {
    /// It is free; the start goes ahead.
    Free,
    /// The running workflow is used instead.
    UseExisting,
}

impl Engine {
    /// StartWorkflowExecution.
    pub(in crate::engine) fn start_workflow_execution(
        &mut self,
        mut request: StartWorkflowExecutionRequest,
    ) -> Result<StartWorkflowExecutionResponse> {
        let namespace = self.resolve_for_start(&request.namespace)?;
        validate::start(&mut request, &self.limits, &self.namespaces.get(namespace).search_attributes)?;
        if request.request_id.is_empty() {
            request.request_id = self.ids.uuid();
        }
        let existing = self.runs.current(namespace, &request.workflow_id);
        if let Some(key) = existing
            && self.runs.get(key).is_start_of(&request.request_id)
        {
            return Ok(self.started_with(key, &request.request_id));
        }
        let (reuse, conflict) = (request.workflow_id_reuse_policy(), request.workflow_id_conflict_policy());
        let run_id = self.ids.run_id(self.now(namespace));
        if let Some(key) = existing
            && let Verdict::UseExisting = self.claim_id(key, reuse, conflict, &run_id)?
        {
            self.attach_to_existing(key, &request);
            return Ok(StartWorkflowExecutionResponse { started: false, ..self.started_with(key, &request.request_id) });
        }
        let eager = request.request_eager_execution
            && self.switches.eager_starts
            && span(request.workflow_start_delay.as_ref()).is_zero()
            && request.cron_schedule.is_empty();
        let (identity, request_id) = (request.identity.clone(), request.request_id.clone());
        let start = self.start_of(namespace, run_id, request, eager);
        if !eager {
            let (key, ()) = self.begin(start, |run, cx| run.schedule_first_workflow_task(cx));
            return Ok(self.started_now(key));
        }
        let (key, ()) = self.begin(start, |run, cx| run.start_eagerly(cx, &identity, request_id));
        let task = self.workflow_task_reply(key, None).into_response();
        Ok(StartWorkflowExecutionResponse { eager_workflow_task: Some(task), ..self.started_now(key) })
    }

    /// Starts a workflow that does not run, or that the policies say to terminate first. `first` is done along with that.
    ///
    /// # Errors
    /// The id may not be used.
    pub(super) fn start_anew(
        &mut self,
        namespace: NamespaceId,
        request: StartWorkflowExecutionRequest,
        first: impl FnOnce(&mut Run, &mut Cx<'_>),
    ) -> Result<RunKey> {
        let (reuse, conflict) = (request.workflow_id_reuse_policy(), request.workflow_id_conflict_policy());
        let run_id = self.ids.run_id(self.now(namespace));
        if let Some(existing) = self.runs.current(namespace, &request.workflow_id) {
            self.claim_id(existing, reuse, conflict, &run_id)?;
        }
        let start = self.start_of(namespace, run_id, request, false);
        let (key, ()) = self.begin(start, |run, cx| {
            run.schedule_first_workflow_task(cx);
            first(run, cx);
        });
        Ok(key)
    }

    /// SignalWithStartWorkflowExecution.
    pub(in crate::engine) fn signal_with_start_workflow_execution(
        &mut self,
        mut request: SignalWithStartWorkflowExecutionRequest,
    ) -> Result<SignalWithStartWorkflowExecutionResponse> {
        let namespace = self.resolve_for_start(&request.namespace)?;
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
        let run_id = self.ids.run_id(self.now(namespace));
        if let Some(key) = existing {
            let run = self.runs.get(key);
            if run.is_running() && conflict != WorkflowIdConflictPolicy::TerminateExisting {
                if !run.has_signal(&signal.request_id) {
                    self.check_signal(key)?;
                    self.transact(key, |run, cx| run.signal(cx, signal));
                }
                return Ok(self.signaled_with_start(key, &request.request_id, false));
            }
            if !run.is_running() && run.is_start_of(&request.request_id) {
                return Ok(self.signaled_with_start(key, &request.request_id, false));
            }
            self.claim_id(key, reuse, conflict, &run_id)?;
        }
        let request_id = request.request_id.clone();
        let start = self.start_of(namespace, run_id, as_start(request), false);
        let (key, ()) = self.begin(start, |run, cx| run.signal_at_start(cx, signal));
        Ok(self.signaled_with_start(key, &request_id, true))
    }

    fn signaled_with_start(&self, key: RunKey, request_id: &str, started: bool) -> SignalWithStartWorkflowExecutionResponse {
        let run = self.runs.get(key);
        SignalWithStartWorkflowExecutionResponse {
            run_id: run.run_id().to_owned(),
            first_execution_run_id: run.first_run_id().to_owned(),
            started,
            signal_link: Some(self.link_by_request(key, request_id, EventType::WorkflowExecutionSignaled)),
        }
    }

    /// The answer to a request that was attached to the run, or started it.
    fn started_with(&self, key: RunKey, request_id: &str) -> StartWorkflowExecutionResponse {
        let answer = self.started_now(key);
        if self.runs.get(key).attached_request(request_id).is_none() {
            return answer;
        }
        let link = self.link_by_request(key, request_id, EventType::WorkflowExecutionOptionsUpdated);
        StartWorkflowExecutionResponse { started: false, link: Some(link), ..answer }
    }

    pub(super) fn started_now(&self, key: RunKey) -> StartWorkflowExecutionResponse {
        let run = self.runs.get(key);
        let event =
            link::workflow_event::EventReference { event_id: 1, event_type: EventType::WorkflowExecutionStarted.into() };
        let link = self.link_to(key, link::workflow_event::Reference::EventRef(event));
        StartWorkflowExecutionResponse {
            run_id: run.run_id().to_owned(),
            first_execution_run_id: run.first_run_id().to_owned(),
            started: true,
            // The real server does not look whether it is paused.
            status: if run.is_running() { WorkflowExecutionStatus::Running } else { run.status() }.into(),
            eager_workflow_task: None,
            link: Some(link),
        }
    }

    /// Claims the workflow id of an existing run under the policies; terminates that run if they say so.
    ///
    /// # Errors
    /// The id may not be used.
    fn claim_id(
        &mut self,
        existing: RunKey,
        reuse: WorkflowIdReusePolicy,
        conflict: WorkflowIdConflictPolicy,
        new_run_id: &str,
    ) -> Result<Verdict> {
        let run = self.runs.get(existing);
        match conflict::claim(run.holder(), reuse, conflict) {
            Claim::Free => Ok(Verdict::Free),
            Claim::UseExisting => Ok(Verdict::UseExisting),
            Claim::TerminateExisting => {
                self.terminate_for(existing, new_run_id);
                Ok(Verdict::Free)
            }
            Claim::Refused(message) => Err(Error::AlreadyStarted {
                message,
                start_request_id: run.start_request_id().to_owned(),
                run_id: run.run_id().to_owned(),
                first_execution_run_id: run.first_run_id().to_owned(),
            }),
        }
    }

    /// Terminates a run that makes room for another of its workflow id.
    pub(in crate::engine) fn terminate_for(&mut self, existing: RunKey, new_run_id: &str) {
        let details = encode_string(&format!("terminated by new runID: {new_run_id}"));
        let reason = "TerminateIfRunning WorkflowIdReusePolicy";
        self.transact(existing, |run, cx| run.terminate(cx, reason, Some(details), SERVER_IDENTITY, Vec::new()));
    }

    /// A start with USE_EXISTING may leave its request id with the running workflow (`on_conflict_options`).
    fn attach_to_existing(&mut self, key: RunKey, request: &StartWorkflowExecutionRequest) {
        let Some(options) = request.on_conflict_options.as_ref().filter(|options| options.attach_request_id) else { return };
        let links = if options.attach_links { request.links.clone() } else { Vec::new() };
        let request_id = request.request_id.clone();
        self.transact(key, |run, cx| run.attach_request(cx, request_id, links));
    }

    fn start_of(
        &mut self,
        namespace: NamespaceId,
        run_id: String,
        mut request: StartWorkflowExecutionRequest,
        eager: bool,
    ) -> Start {
        let now = self.now(namespace);
        if let Some(search_attributes) = &mut request.search_attributes {
            self.namespaces.get(namespace).search_attributes.set_types(search_attributes);
        }
        let start_delay = span(request.workflow_start_delay.as_ref());
        let first = first_of_chain(&run_id, request.cron_schedule, start_delay, request.workflow_execution_timeout, now);
        let attributes = WorkflowExecutionStartedEventAttributes {
            workflow_id: request.workflow_id,
            workflow_type: request.workflow_type,
            task_queue: request.task_queue,
            input: request.input,
            header: request.header,
            workflow_run_timeout: request.workflow_run_timeout,
            workflow_task_timeout: request.workflow_task_timeout,
            retry_policy: request.retry_policy,
            memo: request.memo,
            search_attributes: request.search_attributes,
            priority: request.priority,
            versioning_override: request.versioning_override,
            continued_failure: request.continued_failure,
            last_completion_result: request.last_completion_result,
            identity: request.identity,
            eager_execution_accepted: eager,
            ..first
        };
        let extras = Extras { user_metadata: request.user_metadata, links: request.links, ..Extras::default() };
        Start { namespace, run_id, request_id: request.request_id, attributes, extras }
    }
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
        versioning_override: request.versioning_override,
        ..StartWorkflowExecutionRequest::default()
    }
}
