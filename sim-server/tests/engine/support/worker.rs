//! The verbs of a worker.

use std::ops::Deref;

use foretime_server::proto::{
    command::Command,
    enums::{QueryResultType, WorkflowTaskFailedCause},
    failure::Failure,
    taskqueue::{StickyExecutionAttributes, TaskQueue},
    workflowservice::*,
};

use super::{NAMESPACE, QUEUE, Transcript, Waiting, failure, payloads, requests, seconds, show, span, task_queue};

/// The identity in answers of workers.
pub(crate) const WORKER: &str = "w";

/// A workflow task that a worker has.
#[derive(Clone, Debug)]
pub(crate) struct WorkflowTask(PollWorkflowTaskQueueResponse);

impl Deref for WorkflowTask {
    type Target = PollWorkflowTaskQueueResponse;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl WorkflowTask {
    /// Checks the events that came with it.
    #[track_caller]
    pub(crate) fn has_events(self, expected: &str) -> Self {
        assert_eq!(show::names(&self.history.clone().unwrap_or_default().events), expected);
        self
    }

    /// Checks its attempt.
    #[track_caller]
    pub(crate) fn has_attempt(self, expected: i32) -> Self {
        assert_eq!(self.attempt, expected);
        self
    }
}

impl From<PollWorkflowTaskQueueResponse> for WorkflowTask {
    #[track_caller]
    fn from(response: PollWorkflowTaskQueueResponse) -> Self {
        assert!(!response.task_token.is_empty(), "the poll ended without a task");
        Self(response)
    }
}

/// An activity task that a worker has.
#[derive(Clone, Debug)]
pub(crate) struct ActivityTask(PollActivityTaskQueueResponse);

impl Deref for ActivityTask {
    type Target = PollActivityTaskQueueResponse;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl ActivityTask {
    /// Checks `ID, attempt N`, followed by the last heartbeat details, if any.
    #[track_caller]
    pub(crate) fn is(self, expected: &str) -> Self {
        let details = show::text(self.heartbeat_details.as_ref());
        let details = if details.is_empty() { details } else { format!(", says {details}") };
        assert_eq!(format!("{}, attempt {}{details}", self.activity_id, self.attempt), expected);
        self
    }
}

impl From<PollActivityTaskQueueResponse> for ActivityTask {
    #[track_caller]
    fn from(response: PollActivityTaskQueueResponse) -> Self {
        assert!(!response.task_token.is_empty(), "the poll ended without a task");
        Self(response)
    }
}

impl Transcript {
    /// Polls the shared queue, in which a workflow task must wait.
    #[track_caller]
    pub(crate) fn polls_workflow_task(&mut self, identity: &str) -> WorkflowTask {
        self.polls_workflow_task_of(task_queue(QUEUE), identity)
    }

    /// Polls a queue in which a workflow task must wait.
    #[track_caller]
    pub(crate) fn polls_workflow_task_of(&mut self, queue: Option<TaskQueue>, identity: &str) -> WorkflowTask {
        self.calls(requests::workflow_poll(queue, identity)).into()
    }

    /// Polls the shared queue, in which no workflow task may wait.
    #[track_caller]
    pub(crate) fn awaits_workflow_task(&mut self, identity: &str) -> Waiting<PollWorkflowTaskQueueResponse> {
        self.awaits_workflow_task_of(task_queue(QUEUE), identity)
    }

    /// Polls a queue in which no workflow task may wait.
    #[track_caller]
    pub(crate) fn awaits_workflow_task_of(
        &mut self,
        queue: Option<TaskQueue>,
        identity: &str,
    ) -> Waiting<PollWorkflowTaskQueueResponse> {
        let poll = self.sends(requests::workflow_poll(queue, identity));
        self.still_waits(&poll);
        poll
    }

    /// The task that answers a poll; it must be there.
    #[track_caller]
    pub(crate) fn gets_workflow_task(&mut self, poll: &Waiting<PollWorkflowTaskQueueResponse>) -> WorkflowTask {
        self.answer_to(poll).into()
    }

    /// Checks that the poll ended without a task.
    #[track_caller]
    pub(crate) fn gets_no_workflow_task(&mut self, poll: &Waiting<PollWorkflowTaskQueueResponse>) {
        assert_eq!(self.answer_to(poll), PollWorkflowTaskQueueResponse::default());
    }

    /// Checks that no workflow task waits in the shared queue.
    #[track_caller]
    pub(crate) fn has_no_workflow_task(&mut self) {
        let poll = self.awaits_workflow_task("nobody");
        self.gives_up(&poll);
    }

    #[track_caller]
    pub(crate) fn completes(
        &mut self,
        task: &WorkflowTask,
        commands: impl IntoIterator<Item = Command>,
    ) -> RespondWorkflowTaskCompletedResponse {
        self.calls(completion(task, commands))
    }

    /// Polls a workflow task of the shared queue and completes it.
    #[track_caller]
    pub(crate) fn runs_workflow_task(&mut self, commands: impl IntoIterator<Item = Command>) {
        let task = self.polls_workflow_task(WORKER);
        self.completes(&task, commands);
    }

    /// Polls a workflow task of a queue and completes it.
    #[track_caller]
    pub(crate) fn runs_workflow_task_of(&mut self, queue: &str, commands: impl IntoIterator<Item = Command>) {
        let task = self.polls_workflow_task_of(task_queue(queue), WORKER);
        self.completes(&task, commands);
    }

    #[track_caller]
    pub(crate) fn fails(&mut self, task: &WorkflowTask) {
        self.calls(workflow_task_failure(task));
    }

    /// Answers a query task.
    #[track_caller]
    pub(crate) fn answers_query(&mut self, task: &WorkflowTask, answer: &str) {
        self.calls(RespondQueryTaskCompletedRequest {
            completed_type: QueryResultType::Answered.into(),
            query_result: payloads(answer),
            ..query_answer(task)
        });
    }

    /// Polls the shared queue, in which an activity task must wait.
    #[track_caller]
    pub(crate) fn polls_activity(&mut self, identity: &str) -> ActivityTask {
        self.calls(requests::activity_poll(identity)).into()
    }

    /// Polls the shared queue, in which no activity task may wait.
    #[track_caller]
    pub(crate) fn awaits_activity(&mut self, identity: &str) -> Waiting<PollActivityTaskQueueResponse> {
        let poll = self.sends(requests::activity_poll(identity));
        self.still_waits(&poll);
        poll
    }

    /// The activity task that answers a poll; it must be there.
    #[track_caller]
    pub(crate) fn gets_activity(&mut self, poll: &Waiting<PollActivityTaskQueueResponse>) -> ActivityTask {
        self.answer_to(poll).into()
    }

    /// Checks that no activity task waits in the shared queue.
    #[track_caller]
    pub(crate) fn has_no_activity(&mut self) {
        let poll = self.awaits_activity("nobody");
        self.gives_up(&poll);
    }

    #[track_caller]
    pub(crate) fn completes_activity(&mut self, task: &ActivityTask, result: &str) {
        self.calls(activity_completion(task, result));
    }

    #[track_caller]
    pub(crate) fn fails_activity(&mut self, task: &ActivityTask, failure: Failure) {
        self.calls(activity_failure(task, failure));
    }

    #[track_caller]
    pub(crate) fn cancels_activity(&mut self, task: &ActivityTask) {
        self.calls(activity_cancellation(task));
    }

    /// Sends a heartbeat. Returns whether cancellation is requested.
    #[track_caller]
    pub(crate) fn heartbeats(&mut self, task: &ActivityTask, details: &str) -> bool {
        self.calls(heartbeat(task, details)).cancel_requested
    }
}

pub(crate) fn completion(
    task: &WorkflowTask,
    commands: impl IntoIterator<Item = Command>,
) -> RespondWorkflowTaskCompletedRequest {
    RespondWorkflowTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        commands: commands.into_iter().collect(),
        identity: WORKER.to_owned(),
        ..RespondWorkflowTaskCompletedRequest::default()
    }
}

/// A completion that asks for the next task on a sticky queue, with a schedule-to-start timeout of 5 s.
pub(crate) fn sticky_completion(
    task: &WorkflowTask,
    queue: &str,
    commands: impl IntoIterator<Item = Command>,
) -> RespondWorkflowTaskCompletedRequest {
    let sticky = StickyExecutionAttributes {
        worker_task_queue: requests::sticky_queue(queue),
        schedule_to_start_timeout: span(seconds(5)),
    };
    RespondWorkflowTaskCompletedRequest { sticky_attributes: Some(sticky), ..completion(task, commands) }
}

pub(crate) fn workflow_task_failure(task: &WorkflowTask) -> RespondWorkflowTaskFailedRequest {
    RespondWorkflowTaskFailedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        cause: WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure.into(),
        failure: Some(failure("a bug")),
        identity: WORKER.to_owned(),
        ..RespondWorkflowTaskFailedRequest::default()
    }
}

pub(crate) fn query_answer(task: &WorkflowTask) -> RespondQueryTaskCompletedRequest {
    RespondQueryTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        ..RespondQueryTaskCompletedRequest::default()
    }
}

pub(crate) fn activity_completion(task: &ActivityTask, result: &str) -> RespondActivityTaskCompletedRequest {
    RespondActivityTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        result: payloads(result),
        identity: WORKER.to_owned(),
        ..RespondActivityTaskCompletedRequest::default()
    }
}

pub(crate) fn activity_failure(task: &ActivityTask, failure: Failure) -> RespondActivityTaskFailedRequest {
    RespondActivityTaskFailedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        failure: Some(failure),
        identity: WORKER.to_owned(),
        ..RespondActivityTaskFailedRequest::default()
    }
}

pub(crate) fn activity_cancellation(task: &ActivityTask) -> RespondActivityTaskCanceledRequest {
    RespondActivityTaskCanceledRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        details: payloads("cancelled"),
        identity: WORKER.to_owned(),
        ..RespondActivityTaskCanceledRequest::default()
    }
}

pub(crate) fn heartbeat(task: &ActivityTask, details: &str) -> RecordActivityTaskHeartbeatRequest {
    RecordActivityTaskHeartbeatRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        details: payloads(details),
        identity: WORKER.to_owned(),
        ..RecordActivityTaskHeartbeatRequest::default()
    }
}
