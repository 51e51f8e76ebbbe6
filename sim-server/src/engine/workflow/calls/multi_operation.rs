//! ExecuteMultiOperation, which is update-with-start and nothing else (`api/multioperation`).

use super::update::{is_reached, stage_of};
use crate::{
    engine::{
        Context, Engine, Reply,
        kernel::{
            error::{Error, Result},
            key::{NamespaceId, RunKey},
            tickets::{Answer, Ticket},
            time::span,
        },
        rules::{updates, validate},
        workflow::update::{
            progress::Progress,
            registry::update_id,
            waiters::{Call, Waiter},
        },
    },
    proto::{
        enums::{UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowExecutionStatus, WorkflowIdConflictPolicy},
        workflowservice::{
            ExecuteMultiOperationRequest, ExecuteMultiOperationResponse, StartWorkflowExecutionRequest,
            StartWorkflowExecutionResponse, UpdateWorkflowExecutionRequest, UpdateWorkflowExecutionResponse,
            execute_multi_operation_request::{Operation, operation},
            execute_multi_operation_response::{Response, response},
        },
    },
};

/// An update, and the start of the workflow that it is for if that does not run.
#[derive(Clone, Debug)]
pub(in crate::engine) struct UpdateWithStart {
    namespace: NamespaceId,
    start: StartWorkflowExecutionRequest,
    update: UpdateWorkflowExecutionRequest,
}

/// An update-with-start whose update is awaited.
#[derive(Debug)]
pub(in crate::engine) struct Started {
    response: StartWorkflowExecutionResponse,
    request_id: String,
    /// All of it, if the workflow ran before: once it has closed, another may be started.
    again: Option<UpdateWithStart>,
    is_second_time: bool,
}

impl Engine {
    /// ExecuteMultiOperation.
    pub(in crate::engine) fn execute_multi_operation(
        &mut self,
        request: ExecuteMultiOperationRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<ExecuteMultiOperationResponse>> {
        let operations = self.check_operations(request)?;
        self.update_with_start(operations, context.ticket, false)
    }

    /// Exactly a start and an update, of one workflow id.
    fn check_operations(&mut self, request: ExecuteMultiOperationRequest) -> Result<UpdateWithStart> {
        let namespace = self.resolve(&request.namespace)?;
        let mut operations = request.operations.into_iter().map(|Operation { operation }| operation);
        let pair = (operations.next().flatten(), operations.next().flatten(), operations.next());
        let (
            Some(operation::Operation::StartWorkflow(mut start)),
            Some(operation::Operation::UpdateWorkflow(mut update)),
            None,
        ) = pair
        else {
            return Err(Error::invalid("Operations have to be exactly [Start, Update]."));
        };
        let start_error = self.check_start(&request.namespace, namespace, &mut start).err();
        let named = update.workflow_execution.as_ref().map_or("", |execution| execution.workflow_id.as_str());
        let is_another = start_error.is_none() && named != start.workflow_id;
        let update_error = match self.check_update(&request.namespace, &mut update).err() {
            None if is_another => Some(Error::invalid("WorkflowId is not consistent with previous operation(s).")),
            error => error,
        };
        if start_error.is_some() || update_error.is_some() {
            return Err(failed(
                start_error.unwrap_or(Error::OperationAborted),
                update_error.unwrap_or(Error::OperationAborted),
            ));
        }
        Ok(UpdateWithStart { namespace, start, update })
    }

    fn check_start(
        &mut self,
        namespace_name: &str,
        namespace: NamespaceId,
        start: &mut StartWorkflowExecutionRequest,
    ) -> Result<()> {
        check_namespace(&start.namespace, namespace_name)?;
        validate::start(start, &self.limits, &self.namespaces.get(namespace).search_attributes)?;
        if start.request_id.is_empty() {
            start.request_id = self.ids.uuid();
        }
        if !start.cron_schedule.is_empty() {
            return Err(Error::invalid("CronSchedule is not allowed."));
        }
        if start.request_eager_execution {
            return Err(Error::invalid("RequestEagerExecution is not supported."));
        }
        if !span(start.workflow_start_delay.as_ref()).is_zero() {
            return Err(Error::invalid("WorkflowStartDelay is not supported."));
        }
        // The real server looks for the start's own, while the update's may be left out.
        if start.namespace.is_empty() {
            return Err(Error::NamespaceNotFound(String::new()));
        }
        Ok(())
    }

    fn check_update(&mut self, namespace_name: &str, update: &mut UpdateWorkflowExecutionRequest) -> Result<()> {
        check_namespace(&update.namespace, namespace_name)?;
        namespace_name.clone_into(&mut update.namespace);
        self.complete_update_request(update)?;
        if !update.first_execution_run_id.is_empty() {
            return Err(Error::invalid("FirstExecutionRunId is not allowed."));
        }
        if update.workflow_execution.as_ref().is_some_and(|execution| !execution.run_id.is_empty()) {
            return Err(Error::invalid("RunId is not allowed."));
        }
        Ok(())
    }

    /// Updates the workflow if it runs and may be used, and starts it with the update otherwise (`updateWithStart.Invoke`).
    fn update_with_start(
        &mut self,
        operations: UpdateWithStart,
        ticket: Ticket,
        is_second_time: bool,
    ) -> Result<Answer<ExecuteMultiOperationResponse>> {
        let existing = self.runs.current(operations.namespace, &operations.start.workflow_id);
        if let Some(key) = existing {
            let known = self.runs.get(key).update_progress(update_id_of(&operations.update));
            if let Some(progress @ Progress::Completed(_)) = &known
                && self.runs.get(key).has_completed_update(update_id_of(&operations.update))
            {
                return Ok(Answer::Now(self.known_outcome(key, &operations, progress.clone())));
            }
            let run = self.runs.get(key);
            let is_used = run.start_request_id() == operations.start.request_id
                || known.is_some()
                || operations.start.workflow_id_conflict_policy() == WorkflowIdConflictPolicy::UseExisting;
            if run.is_running() && is_used {
                return self.update_existing(key, operations, ticket, is_second_time);
            }
            if run.is_start_of(&operations.start.request_id) {
                // Nothing is started for the update. Whoever tries again with the same request hears the same.
                let error = Error::Unavailable("Workflow was not started: StartDeduped".to_owned());
                return Err(failed(error, Error::OperationAborted));
            }
        }
        let UpdateWithStart { namespace, start, update } = operations;
        let (request_id, stage) = (request_id_of(&update), stage_of(update.wait_policy.as_ref()));
        let update_id = update_id_of(&update).to_owned();
        let update = update.request.unwrap_or_default();
        let started = self.start_anew(namespace, start, |run, cx| run.admit_update(cx, update));
        let key = started.map_err(|error| failed(error, Error::OperationAborted))?;
        let started = Started { response: self.started_now(key), request_id, again: None, is_second_time };
        Ok(self.await_update((key, Progress::Admitted), started, update_id, stage, ticket))
    }

    /// An update that has its outcome is not asked again, whatever the policies say.
    fn known_outcome(&self, key: RunKey, operations: &UpdateWithStart, progress: Progress) -> ExecuteMultiOperationResponse {
        let run = self.runs.get(key);
        let start = StartWorkflowExecutionResponse {
            run_id: run.run_id().to_owned(),
            status: run.status().into(),
            ..StartWorkflowExecutionResponse::default()
        };
        let update = self.update_response(key, update_id_of(&operations.update), "", progress);
        responses(start, UpdateWorkflowExecutionResponse { link: None, ..update })
    }

    fn update_existing(
        &mut self,
        key: RunKey,
        operations: UpdateWithStart,
        ticket: Ticket,
        is_second_time: bool,
    ) -> Result<Answer<ExecuteMultiOperationResponse>> {
        let stage = stage_of(operations.update.wait_policy.as_ref());
        let found = self.find_or_admit_update(operations.update.clone());
        let (_, progress) = found.map_err(|error| failed(Error::OperationAborted, error))?;
        let response = StartWorkflowExecutionResponse {
            started: false,
            first_execution_run_id: String::new(),
            status: WorkflowExecutionStatus::Running.into(),
            ..self.started_now(key)
        };
        let (request_id, update_id) = (request_id_of(&operations.update), update_id_of(&operations.update).to_owned());
        let started = Started { response, request_id, again: Some(operations), is_second_time };
        Ok(self.await_update((key, progress), started, update_id, stage, ticket))
    }

    /// Answers at once if the update has come as far as the caller waits for.
    fn await_update(
        &mut self,
        (key, progress): (RunKey, Progress),
        started: Started,
        update_id: String,
        stage: Stage,
        ticket: Ticket,
    ) -> Answer<ExecuteMultiOperationResponse> {
        if is_reached(&progress, stage) {
            let update = self.update_response(key, &update_id, &started.request_id, progress);
            return Answer::Now(responses(started.response, update));
        }
        self.park_for_update(key, Waiter { ticket, update_id, stage, call: Call::UpdateWithStart(Box::new(started)) });
        Answer::Parked
    }

    /// The answer to an update-with-start, now that this has become of its update.
    pub(super) fn multi_operation_reply(
        &self,
        started: &Started,
        update_id: &str,
        outcome: Result<(RunKey, Progress)>,
    ) -> Result<Reply> {
        match outcome {
            Ok((key, progress)) => {
                let update = self.update_response(key, update_id, &started.request_id, progress);
                Ok(Reply::MultiOperation(Box::new(responses(started.response.clone(), update))))
            }
            Err(error) if started.again.is_some() => {
                // The second time, the client is to try again.
                let is_closing = is_closing(&error);
                let error = if is_closing { Error::Aborted(updates::CLOSING.to_owned()) } else { error };
                Err(failed(Error::OperationAborted, error))
            }
            Err(error) => Err(Error::MultiOperation(Box::new([None, Some(error)]))),
        }
    }

    /// The workflow closed before it had processed the update. It is started anew, once.
    pub(in crate::engine) fn update_with_start_again(&mut self, waiter: Waiter) {
        let Call::UpdateWithStart(started) = waiter.call else { return };
        let Some(operations) = started.again else { return };
        match self.update_with_start(operations, waiter.ticket, true) {
            Ok(Answer::Parked) => {}
            Ok(Answer::Now(response)) => self.tickets.answer(waiter.ticket, Ok(Reply::MultiOperation(Box::new(response)))),
            Ok(Answer::Refused(error)) | Err(error) => self.tickets.answer(waiter.ticket, Err(error)),
        }
    }
}

impl Started {
    /// Whether the workflow that ran has closed, and another may be started for the update.
    pub(super) fn may_start_anew(&self, error: &Error) -> bool {
        self.again.is_some() && !self.is_second_time && is_closing(error)
    }
}

fn is_closing(error: &Error) -> bool {
    matches!(error, Error::NotFound(text) if text == updates::CLOSING)
}

fn failed(start: Error, update: Error) -> Error {
    Error::MultiOperation(Box::new([Some(start), Some(update)]))
}

fn check_namespace(of_operation: &str, of_request: &str) -> Result<()> {
    if !of_operation.is_empty() && of_operation != of_request {
        return Err(Error::invalid("Operation namespace did not match request's namespace."));
    }
    Ok(())
}

fn update_id_of(request: &UpdateWorkflowExecutionRequest) -> &str {
    request.request.as_ref().map_or("", update_id)
}

fn request_id_of(request: &UpdateWorkflowExecutionRequest) -> String {
    request.request.as_ref().map(|update| update.request_id.clone()).unwrap_or_default()
}

fn responses(start: StartWorkflowExecutionResponse, update: UpdateWorkflowExecutionResponse) -> ExecuteMultiOperationResponse {
    let all = [response::Response::StartWorkflow(start), response::Response::UpdateWorkflow(update)];
    ExecuteMultiOperationResponse { responses: all.map(|response| Response { response: Some(response) }).into() }
}
