//! The verbs of a raw worker.

use std::time::Duration;

use foretime_server::proto::{
    command::Command,
    common::Payloads,
    enums::{QueryResultType, WorkflowTaskFailedCause},
    failure::{ApplicationFailureInfo, Failure, failure::FailureInfo},
    query::WorkflowQueryResult,
    taskqueue::{StickyExecutionAttributes, TaskQueue},
    workflowservice::*,
};
use tonic::Status;

use crate::script::{NAMESPACE, Script, payloads, seconds, task_queue};

/// What a poll hands out.
pub type WorkflowTask = PollWorkflowTaskQueueResponse;
/// What a poll hands out.
pub type ActivityTask = PollActivityTaskQueueResponse;

/// How long a poll waits for a task that a script expects.
const POLL: Duration = Duration::from_secs(20);
/// How long a poll waits for a task that a script does not expect. The real server hangs up a second before the deadline.
const SHORT_POLL: Duration = Duration::from_millis(2_200);

impl Script {
    /// A poll of a workflow task queue, to be filled in.
    pub fn new_workflow_poll(&self, queue: TaskQueue) -> PollWorkflowTaskQueueRequest {
        PollWorkflowTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(queue),
            identity: "worker".to_owned(),
            ..Default::default()
        }
    }

    /// The next workflow task of the script's queue, which must come.
    pub async fn workflow_task(&self) -> WorkflowTask {
        self.workflow_task_of(task_queue(self.queue())).await
    }

    /// The next workflow task of `queue`, which must come.
    pub async fn workflow_task_of(&self, queue: TaskQueue) -> WorkflowTask {
        let task = self.await_workflow_task_of(queue).await;
        self.show_workflow_task(&task);
        task
    }

    /// The next workflow task of the script's queue, which must come; not written down.
    pub async fn await_workflow_task(&self) -> WorkflowTask {
        self.await_workflow_task_of(task_queue(self.queue())).await
    }

    /// The next workflow task of the children's queue, which must come.
    pub async fn child_task(&self) -> WorkflowTask {
        self.workflow_task_of(task_queue(&self.child_queue())).await
    }

    /// The next workflow task of `queue`, which must come; not written down.
    pub async fn await_workflow_task_of(&self, queue: TaskQueue) -> WorkflowTask {
        let task = self.client.call_within(POLL, self.new_workflow_poll(queue)).await.expect("the poll is answered");
        assert!(!task.task_token.is_empty(), "no workflow task came");
        task
    }

    /// Polls for a short while and writes down what came, which should be nothing.
    pub async fn no_workflow_task(&self) {
        self.no_workflow_task_of(task_queue(self.queue())).await;
    }

    /// Polls the children's queue for a short while and writes down what came, which should be nothing.
    pub async fn no_child_task(&self) {
        self.no_workflow_task_of(task_queue(&self.child_queue())).await;
    }

    async fn no_workflow_task_of(&self, queue: TaskQueue) {
        match self.client.call_within(SHORT_POLL, self.new_workflow_poll(queue)).await {
            Ok(task) if task.task_token.is_empty() => self.note("no workflow task"),
            Ok(task) => self.show_workflow_task(&task),
            Err(status) => self.show::<PollWorkflowTaskQueueRequest>(&Err(status)),
        }
    }

    /// Polls `queue` in vain, so that the server knows for ten seconds that a worker is there. Otherwise a task for a sticky
    /// queue goes to the normal one at once.
    pub async fn await_empty_poll(&self, queue: TaskQueue) {
        let task = self.client.call_within(SHORT_POLL, self.new_workflow_poll(queue)).await.expect("the poll is answered");
        assert!(task.task_token.is_empty(), "a task came");
    }

    /// Writes down a task: its fields, then its events by name.
    pub fn show_workflow_task(&self, task: &WorkflowTask) {
        let events = task.history.clone().unwrap_or_default().events;
        self.show_message("workflow task", &WorkflowTask { history: None, ..task.clone() });
        for event in events {
            let name = event.event_type().as_str_name().trim_start_matches("EVENT_TYPE_");
            self.note(format_args!("    {} {name}", event.event_id));
        }
    }

    /// Completes a workflow task.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn complete(
        &self,
        task: &WorkflowTask,
        commands: impl IntoIterator<Item = Command>,
    ) -> Result<RespondWorkflowTaskCompletedResponse, Status> {
        self.complete_with(self.new_completion(task, commands)).await
    }

    /// Completes a workflow task.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn complete_with(
        &self,
        request: RespondWorkflowTaskCompletedRequest,
    ) -> Result<RespondWorkflowTaskCompletedResponse, Status> {
        self.call(request).await
    }

    /// Completes a workflow task as a worker that has the workflow in its cache. Tasks on its own queue expire after
    /// `schedule_to_start_s`.
    pub async fn complete_sticky(&self, completion: RespondWorkflowTaskCompletedRequest, schedule_to_start_s: f64) {
        let sticky = StickyExecutionAttributes {
            worker_task_queue: Some(self.own_queue()),
            schedule_to_start_timeout: seconds(schedule_to_start_s),
        };
        let request = RespondWorkflowTaskCompletedRequest { sticky_attributes: Some(sticky), ..completion };
        let _ = self.complete_with(request).await;
    }

    /// A completion, to be filled in.
    pub fn new_completion(
        &self,
        task: &WorkflowTask,
        commands: impl IntoIterator<Item = Command>,
    ) -> RespondWorkflowTaskCompletedRequest {
        RespondWorkflowTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            commands: commands.into_iter().collect(),
            identity: "worker".to_owned(),
            ..Default::default()
        }
    }

    /// Takes the next task of the script's queue and completes it. Nothing of the task is written down.
    pub async fn run_task(&self, commands: impl IntoIterator<Item = Command>) {
        let task = self.await_workflow_task().await;
        let _ = self.complete(&task, commands).await;
    }

    /// Fails a workflow task.
    pub async fn fail_task(&self, task: &WorkflowTask, cause: WorkflowTaskFailedCause) {
        let request = RespondWorkflowTaskFailedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            cause: cause.into(),
            failure: Some(failure("the worker failed")),
            identity: "worker".to_owned(),
            ..Default::default()
        };
        let _ = self.call(request).await;
    }

    /// Answers a query that came as a task of its own.
    pub async fn answer_query(&self, task: &WorkflowTask, answer: &str) {
        let request = RespondQueryTaskCompletedRequest {
            completed_type: QueryResultType::Answered.into(),
            query_result: payloads(answer),
            ..self.new_query_answer(task)
        };
        let _ = self.call(request).await;
    }

    /// An answer to a query that came as a task of its own, to be filled in.
    pub fn new_query_answer(&self, task: &WorkflowTask) -> RespondQueryTaskCompletedRequest {
        RespondQueryTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            ..Default::default()
        }
    }

    /// A poll of the script's activity task queue, to be filled in.
    pub fn new_activity_poll(&self) -> PollActivityTaskQueueRequest {
        PollActivityTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(task_queue(self.queue())),
            identity: "worker".to_owned(),
            ..Default::default()
        }
    }

    /// The next activity task of the script's queue, which must come.
    pub async fn activity_task(&self) -> ActivityTask {
        let task = self.client.call_within(POLL, self.new_activity_poll()).await.expect("the poll is answered");
        assert!(!task.task_token.is_empty(), "no activity task came");
        self.show_message("activity task", &task);
        task
    }

    /// Polls for a short while and writes down what came, which should be nothing.
    pub async fn no_activity_task(&self) {
        match self.client.call_within(SHORT_POLL, self.new_activity_poll()).await {
            Ok(task) if task.task_token.is_empty() => self.note("no activity task"),
            Ok(task) => self.show_message("activity task", &task),
            Err(status) => self.show::<PollActivityTaskQueueRequest>(&Err(status)),
        }
    }

    /// Completes an activity.
    pub async fn complete_activity(&self, task: &ActivityTask, result: &str) {
        let request = RespondActivityTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            result: payloads(result),
            identity: "worker".to_owned(),
            ..Default::default()
        };
        let _ = self.call(request).await;
    }

    /// Fails an activity.
    pub async fn fail_activity(&self, task: &ActivityTask, failure: Failure) {
        let _ = self.call(self.new_activity_failure(task, failure)).await;
    }

    /// A failure of an activity, to be filled in.
    pub fn new_activity_failure(&self, task: &ActivityTask, failure: Failure) -> RespondActivityTaskFailedRequest {
        RespondActivityTaskFailedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            failure: Some(failure),
            identity: "worker".to_owned(),
            ..Default::default()
        }
    }

    /// Reports an activity as cancelled.
    pub async fn cancel_activity(&self, task: &ActivityTask) {
        let request = RespondActivityTaskCanceledRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            details: payloads("cancelled"),
            identity: "worker".to_owned(),
            ..Default::default()
        };
        let _ = self.call(request).await;
    }

    /// Reports that an activity is alive.
    pub async fn heartbeat(&self, task: &ActivityTask, details: &str) {
        let request = RecordActivityTaskHeartbeatRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            details: payloads(details),
            identity: "worker".to_owned(),
            ..Default::default()
        };
        let _ = self.call(request).await;
    }
}

/// A retryable application failure of the type `Oops`.
pub fn failure(message: &str) -> Failure {
    application_failure(message, ApplicationFailureInfo::default())
}

/// An application failure; the type is `Oops` unless `info` says otherwise.
pub fn application_failure(message: &str, info: ApplicationFailureInfo) -> Failure {
    let r#type = if info.r#type.is_empty() { "Oops".to_owned() } else { info.r#type };
    Failure {
        message: message.to_owned(),
        source: "the tests".to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo { r#type, ..info })),
        ..Default::default()
    }
}

/// A query's answer, for a completion that carries it.
pub fn answered(answer: &str) -> WorkflowQueryResult {
    WorkflowQueryResult { result_type: QueryResultType::Answered.into(), answer: payloads(answer), ..Default::default() }
}

/// Payloads of the texts.
pub fn many_payloads(texts: &[&str]) -> Option<Payloads> {
    Some(Payloads { payloads: texts.iter().map(|text| crate::script::payload(text)).collect() })
}
