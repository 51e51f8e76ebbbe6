//! UpdateWorkflowExecution and PollWorkflowExecutionUpdate (`api/updateworkflow`, `api/pollupdate`).

use super::target::COMPLETED;
use crate::{
    engine::{
        Context, Engine, Reply,
        kernel::{
            error::{Error, Result},
            key::RunKey,
            tickets::{Answer, Parked, Ticket},
        },
        rules::{names, updates, validate},
        workflow::{
            run::Run,
            update::{
                progress::Progress,
                registry::{Ended, update_id},
                waiters::{Call, Waiter},
            },
        },
    },
    proto::{
        common::{Link, link},
        enums::{EventType, UpdateWorkflowExecutionLifecycleStage as Stage},
        update::{UpdateRef, WaitPolicy, outcome},
        workflowservice::{
            PollWorkflowExecutionUpdateRequest, PollWorkflowExecutionUpdateResponse, UpdateWorkflowExecutionRequest,
            UpdateWorkflowExecutionResponse,
        },
    },
};

/// From this attempt of its workflow task on, a workflow gets no updates (`failUpdateWorkflowTaskAttemptCount`).
const FAILED_TASK_ATTEMPTS: i32 = 3;

/// The run of an update, and how far that has come.
type Found = (RunKey, Progress);

impl Engine {
    /// UpdateWorkflowExecution.
    pub(in crate::engine) fn update_workflow_execution(
        &mut self,
        mut request: UpdateWorkflowExecutionRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<UpdateWorkflowExecutionResponse>> {
        self.target(&request.namespace, request.workflow_execution.as_ref())?;
        self.complete_update_request(&mut request)?;
        let stage = stage_of(request.wait_policy.as_ref());
        let update = request.request.as_ref();
        let update_id = update.map_or("", update_id).to_owned();
        let request_id = update.map(|update| update.request_id.clone()).unwrap_or_default();
        let (key, progress) = self.find_or_admit_update(request)?;
        if is_reached(&progress, stage) {
            return Ok(Answer::Now(self.update_response(key, &update_id, &request_id, progress)));
        }
        let waiter = Waiter { ticket: context.ticket, update_id, stage, call: Call::Update { request_id } };
        self.park_for_update(key, waiter);
        Ok(Answer::Parked)
    }

    /// PollWorkflowExecutionUpdate.
    pub(in crate::engine) fn poll_workflow_execution_update(
        &mut self,
        request: PollWorkflowExecutionUpdateRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<PollWorkflowExecutionUpdateResponse>> {
        let namespace = self.resolve(&request.namespace)?;
        self.switches.check_updates()?;
        let reference = request.update_ref.ok_or_else(|| Error::invalid("UpdateRef is not set on request."))?;
        let execution = reference.workflow_execution.unwrap_or_default();
        let (key, update_id) = (self.load(namespace, &execution)?, reference.update_id);
        let run = self.runs.get(key);
        let progress = run.update_progress(&update_id).ok_or_else(|| unknown(run, &update_id))?;
        let stage = stage_of(request.wait_policy.as_ref());
        if is_reached(&progress, stage) {
            return Ok(Answer::Now(self.poll_update_response(key, &update_id, progress)));
        }
        let waiter = Waiter { ticket: context.ticket, update_id, stage, call: Call::Poll };
        self.park_for_update(key, waiter);
        Ok(Answer::Parked)
    }

    /// Checks and completes a request: an update without an id gets one.
    pub(super) fn complete_update_request(&mut self, request: &mut UpdateWorkflowExecutionRequest) -> Result<()> {
        validate::execution::update(request, &self.limits, &self.switches)?;
        if let Some(meta) = request.request.as_mut().and_then(|update| update.meta.as_mut())
            && meta.update_id.is_empty()
        {
            meta.update_id = self.ids.uuid();
        }
        Ok(())
    }

    /// The update that a request is for: one that is there already, or a new one (`Updater.ApplyRequest`).
    pub(super) fn find_or_admit_update(&mut self, request: UpdateWorkflowExecutionRequest) -> Result<Found> {
        let target = self.target(&request.namespace, request.workflow_execution.as_ref())?;
        let key = self.find(&target)?;
        self.check_chain(key, &request.first_execution_run_id)?;
        let run = self.runs.get(key);
        let update = request.request.unwrap_or_default();
        let known = run.update_progress(update_id(&update));
        if !run.is_running() {
            let error = || run.aborted_update(update_id(&update)).cloned().unwrap_or_else(|| Error::not_found(COMPLETED));
            return known.map(|progress| (key, progress)).ok_or_else(error);
        }
        if run.is_paused() {
            return Err(Error::FailedPrecondition(updates::PAUSED.to_owned()));
        }
        if run.workflow_task_attempt() >= FAILED_TASK_ATTEMPTS {
            return Err(Error::WorkflowNotReady(updates::TASK_KEEPS_FAILING.to_owned()));
        }
        if run.is_closing() {
            return Err(updates::try_the_next_run());
        }
        if let Some(progress) = known {
            return Ok((key, progress));
        }
        run.check_update_limits(&update, &self.limits)?;
        self.begin_anew();
        self.transact(key, |run, cx| run.admit_update(cx, update));
        Ok((key, Progress::Admitted))
    }

    pub(super) fn park_for_update(&mut self, key: RunKey, waiter: Waiter) {
        let until = self.wall() + self.limits.long_poll;
        self.tickets.park_long_poll(waiter.ticket, Parked::Update(key), until);
        self.update_waiters.add(key, waiter);
    }

    /// After a transaction: answers those whose update has come far enough.
    pub(in crate::engine) fn answer_update_waiters(&mut self, key: RunKey) {
        if self.update_waiters.is_empty(key) {
            return;
        }
        let run = self.runs.get(key);
        let ended = run.ended_updates().to_vec();
        let how_ended = |update_id: &str| ended.iter().find(|(id, _)| id == update_id).map(|(_, ended)| ended);
        let progress = |update_id: &str| run.update_progress(update_id);
        let done = self.update_waiters.take(key, |waiter| {
            how_ended(&waiter.update_id).is_some()
                || progress(&waiter.update_id).is_none_or(|progress| is_reached(&progress, waiter.stage))
        });
        for waiter in done {
            let outcome = match how_ended(&waiter.update_id) {
                Some(Ended::Rejected(failure)) => Ok(Progress::rejected(failure.clone())),
                Some(Ended::Aborted(error)) => Err(error.clone()),
                None => {
                    let run = self.runs.get(key);
                    run.update_progress(&waiter.update_id).ok_or_else(|| unknown(run, &waiter.update_id))
                }
            };
            if let (Call::UpdateWithStart(started), Err(error)) = (&waiter.call, &outcome)
                && started.may_start_anew(error)
            {
                self.update_waiters.start_anew(waiter);
            } else {
                self.answer_update(&waiter, outcome.map(|progress| (key, progress)));
            }
        }
    }

    /// The run is deleted, and its updates with it.
    pub(super) fn fail_update_waits(&mut self, key: RunKey) {
        for waiter in self.update_waiters.take(key, |_| true) {
            let outcome = Err(unknown(self.runs.get(key), &waiter.update_id));
            self.answer_update(&waiter, outcome);
        }
    }

    /// A completion was refused. Who waits for the outcome of an accepted update hears that it is accepted, and asks again: the
    /// real server forgets its waits with what else is in memory only.
    pub(super) fn end_waits_for_outcomes(&mut self, key: RunKey) {
        let run = self.runs.get(key);
        let ended = self.update_waiters.take(key, |waiter| run.update_progress(&waiter.update_id) == Some(Progress::Accepted));
        for waiter in ended {
            self.answer_update(&waiter, Ok((key, Progress::Accepted)));
        }
    }

    fn answer_update(&mut self, waiter: &Waiter, outcome: Result<Found>) {
        let update_id = &waiter.update_id;
        let reply = match &waiter.call {
            Call::Update { request_id } => outcome
                .map(|(key, progress)| Reply::Update(Box::new(self.update_response(key, update_id, request_id, progress)))),
            Call::Poll => {
                outcome.map(|(key, progress)| Reply::PollUpdate(Box::new(self.poll_update_response(key, update_id, progress))))
            }
            Call::UpdateWithStart(started) => self.multi_operation_reply(started, update_id, outcome),
        };
        self.tickets.answer(waiter.ticket, reply);
    }

    /// The wait is over: the caller hears how far the update has come.
    pub(in crate::engine) fn end_update_wait(&mut self, key: RunKey, ticket: Ticket) {
        let Some(waiter) = self.update_waiters.remove(key, ticket) else { return };
        let progress = self.runs.get(key).update_progress(&waiter.update_id).unwrap_or(Progress::Admitted);
        self.answer_update(&waiter, Ok((key, progress)));
    }

    /// The caller went away. The update stays.
    pub(in crate::engine) fn drop_update_waiter(&mut self, key: RunKey, ticket: Ticket) {
        self.update_waiters.remove(key, ticket);
    }

    pub(super) fn update_response(
        &self,
        key: RunKey,
        update_id: &str,
        request_id: &str,
        progress: Progress,
    ) -> UpdateWorkflowExecutionResponse {
        let stage = progress.stage();
        let outcome = progress.outcome();
        let has_failed = matches!(outcome.as_ref().and_then(|it| it.value.as_ref()), Some(outcome::Value::Failure(_)));
        let link = match stage {
            // A failure may be a rejection, which no event tells of.
            Stage::Completed if has_failed => Some(self.link_to_run(key, "Update rejected")),
            Stage::Accepted | Stage::Completed => {
                Some(self.link_by_request(key, request_id, EventType::WorkflowExecutionUpdateAccepted))
            }
            Stage::Admitted | Stage::Unspecified => None,
        };
        let update_ref = Some(self.update_ref(key, update_id));
        UpdateWorkflowExecutionResponse { update_ref, outcome, stage: stage.into(), link }
    }

    fn poll_update_response(&self, key: RunKey, update_id: &str, progress: Progress) -> PollWorkflowExecutionUpdateResponse {
        let stage = progress.stage().into();
        let update_ref = Some(self.update_ref(key, update_id));
        PollWorkflowExecutionUpdateResponse { outcome: progress.outcome(), stage, update_ref }
    }

    fn update_ref(&self, key: RunKey, update_id: &str) -> UpdateRef {
        UpdateRef { workflow_execution: Some(self.runs.get(key).execution()), update_id: update_id.to_owned() }
    }

    fn link_to_run(&self, key: RunKey, reason: &str) -> Link {
        let run = self.runs.get(key);
        let namespace = self.namespaces.get(run.namespace()).name.clone();
        let execution = run.execution();
        let workflow = link::Workflow {
            namespace,
            workflow_id: execution.workflow_id,
            run_id: execution.run_id,
            reason: reason.to_owned(),
        };
        Link { variant: Some(link::Variant::Workflow(workflow)) }
    }
}

/// There is no such update, or not any more.
fn unknown(run: &Run, update_id: &str) -> Error {
    let aborted = run.aborted_update(update_id).cloned();
    aborted.unwrap_or_else(|| Error::not_found(format!("update {} not found", names::quoted(update_id))))
}

pub(super) fn stage_of(policy: Option<&WaitPolicy>) -> Stage {
    policy.map_or(Stage::Unspecified, WaitPolicy::lifecycle_stage)
}

/// Whether an update has come as far as a caller waits for. Who waits for less than acceptance hears at once.
pub(super) fn is_reached(progress: &Progress, stage: Stage) -> bool {
    match stage {
        Stage::Unspecified | Stage::Admitted => true,
        Stage::Accepted => *progress != Progress::Admitted,
        Stage::Completed => matches!(progress, Progress::Completed(_)),
    }
}
