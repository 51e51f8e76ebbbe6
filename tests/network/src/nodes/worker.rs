//! A worker: polls for tasks, decides with the [`interpreter`](super::interpreter), does activities, and answers. It keeps nothing, so
//! each workflow task is decided from the whole history.

use std::time::Duration;

use foretime_campaign::{
    attempt::Attempt,
    effects::Applied,
    log::{Done, Outcome, Span, What},
};
use foretime_server::{
    engine::time::span,
    proto::{
        common::WorkflowExecution,
        enums::QueryResultType,
        failure::{ApplicationFailureInfo, Failure, failure::FailureInfo},
        history::HistoryEvent,
        query::WorkflowQueryResult,
        workflowservice::{
            GetWorkflowExecutionHistoryResponse, PollActivityTaskQueueResponse, PollWorkflowTaskQueueResponse,
            RecordActivityTaskHeartbeatRequest, RecordActivityTaskHeartbeatResponse, RespondActivityTaskCompletedRequest,
            RespondActivityTaskCompletedResponse, RespondActivityTaskFailedRequest, RespondActivityTaskFailedResponse,
            RespondQueryTaskCompletedRequest, RespondQueryTaskCompletedResponse, RespondWorkflowTaskCompletedRequest,
            RespondWorkflowTaskCompletedResponse,
        },
    },
};
use madsim::{rand::Rng, task, time};
use tonic::Status;

use super::{
    NAMESPACE, interpreter,
    requests::{self, json},
};
use crate::{
    plan::{WorkerPlan, activity},
    record::Effect,
    wire::{
        channel::Channel,
        retry::{self, ATTEMPT_TIMEOUT, LONG_POLL_TIMEOUT, Patience},
    },
};

/// How long a poller rests when the server cannot be reached.
const POLL_BACKOFF: Duration = Duration::from_secs(1);
/// For how long a worker tries to answer a task.
const PATIENCE: Patience = Patience { attempt: ATTEMPT_TIMEOUT, whole: Duration::from_secs(60) };
/// How many heartbeats an activity has within their timeout.
const HEARTBEATS_IN_TIMEOUT: u32 = 3;
/// How much longer a slow worker thinks.
const SLOW: Duration = Duration::from_secs(12);

/// A worker.
#[derive(Clone)]
pub struct Worker {
    /// Its name, such as `worker-1`.
    pub name: String,
    /// How it works.
    pub plan: WorkerPlan,
    /// Its way to the service.
    pub channel: Channel,
}

impl Worker {
    /// Works for ever.
    pub async fn run(self) {
        let workflow_pollers = (0..self.plan.workflow_pollers).map(|_| task::spawn(self.clone().poll_workflows()));
        let activity_pollers = (0..self.plan.activity_pollers).map(|_| task::spawn(self.clone().poll_activities()));
        let pollers: Vec<_> = workflow_pollers.chain(activity_pollers).collect();
        for poller in pollers {
            let _ = poller.await;
        }
    }

    async fn poll_workflows(self) {
        let request = requests::poll_workflow(&self.name);
        loop {
            match retry::once(&self.channel, "PollWorkflowTaskQueue", &request, LONG_POLL_TIMEOUT).await {
                Ok(task) => self.do_workflow_task(task).await,
                Err(_) => time::sleep(retry::jittered(POLL_BACKOFF)).await,
            }
        }
    }

    async fn poll_activities(self) {
        let request = requests::poll_activity(&self.name);
        loop {
            match retry::once(&self.channel, "PollActivityTaskQueue", &request, LONG_POLL_TIMEOUT).await {
                Ok(task) => self.do_activity_task(task).await,
                Err(_) => time::sleep(retry::jittered(POLL_BACKOFF)).await,
            }
        }
    }

    /// Does a workflow task; an answer without a token is no task.
    async fn do_workflow_task(&self, task: PollWorkflowTaskQueueResponse) {
        if task.task_token.is_empty() {
            return;
        }
        let span = self.begin_span(span_of_task(&self.channel, &task));
        let outcome = match self.whole_history(&task).await {
            Ok(history) => {
                time::sleep(self.thinks()).await;
                self.answer(&task, &history).await
            }
            Err(refused) => Err(refused),
        };
        self.end_span(span, outcome.is_ok());
    }

    /// All pages of the history of a task.
    async fn whole_history(&self, task: &PollWorkflowTaskQueueResponse) -> Result<Vec<HistoryEvent>, Status> {
        let mut events = task.history.clone().unwrap_or_default().events;
        let mut token = task.next_page_token.clone();
        while !token.is_empty() {
            let request = requests::further_page(task.workflow_execution.clone().unwrap_or_default(), token);
            let answer: GetWorkflowExecutionHistoryResponse =
                retry::call(&self.channel, "GetWorkflowExecutionHistory", &request, PATIENCE).await?;
            events.extend(answer.history.unwrap_or_default().events);
            token = answer.next_page_token;
        }
        Ok(events)
    }

    async fn answer(&self, task: &PollWorkflowTaskQueueResponse, history: &[HistoryEvent]) -> Result<(), Status> {
        if task.query.is_some() {
            let mut request = RespondQueryTaskCompletedRequest {
                namespace: NAMESPACE.to_owned(),
                task_token: task.task_token.clone(),
                query_result: Some(json(&interpreter::answer(history))),
                ..RespondQueryTaskCompletedRequest::default()
            };
            request.set_completed_type(QueryResultType::Answered);
            let answered: Result<RespondQueryTaskCompletedResponse, Status> =
                retry::call(&self.channel, "RespondQueryTaskCompleted", &request, PATIENCE).await;
            return answered.map(|_| ());
        }
        let decision = interpreter::decide(history, &task.messages);
        let query_results = task.queries.keys().map(|id| {
            let mut result =
                WorkflowQueryResult { answer: Some(json(&interpreter::answer(history))), ..WorkflowQueryResult::default() };
            result.set_result_type(QueryResultType::Answered);
            (id.clone(), result)
        });
        let request = RespondWorkflowTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token.clone(),
            identity: self.name.clone(),
            commands: decision.commands,
            messages: decision.messages,
            query_results: query_results.collect(),
            ..RespondWorkflowTaskCompletedRequest::default()
        };
        let answered: Result<RespondWorkflowTaskCompletedResponse, Status> =
            retry::call(&self.channel, "RespondWorkflowTaskCompleted", &request, PATIENCE).await;
        answered.map(|_| ())
    }

    /// Does an attempt of an activity; an answer without a token is none.
    async fn do_activity_task(&self, task: PollActivityTaskQueueResponse) {
        if task.task_token.is_empty() {
            return;
        }
        let attempt = attempt_of(&task);
        let span = self.begin_span(span_of_attempt(&self.channel, &attempt));
        let outcome = self.attempt(&task, attempt).await;
        self.end_span(span, outcome.is_ok());
    }

    async fn attempt(&self, task: &PollActivityTaskQueueResponse, attempt: Attempt) -> Result<(), Status> {
        let input = task.input.as_ref().and_then(|input| input.payloads.first());
        let attempted = activity::attempt(input.map_or(&[], |payload| &payload.data), attempt.attempt);
        self.take_time(task, &attempted).await?;
        match attempted.outcome {
            Ok(result) => {
                if attempted.effect.is_some() {
                    self.have_effect(attempt);
                }
                let request = RespondActivityTaskCompletedRequest {
                    namespace: NAMESPACE.to_owned(),
                    task_token: task.task_token.clone(),
                    identity: self.name.clone(),
                    result: Some(json(&result)),
                    ..RespondActivityTaskCompletedRequest::default()
                };
                let answered: Result<RespondActivityTaskCompletedResponse, Status> =
                    retry::call(&self.channel, "RespondActivityTaskCompleted", &request, PATIENCE).await;
                answered.map(|_| ())
            }
            Err(message) => {
                let info = FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo::default());
                let failure = Failure { message, failure_info: Some(info), ..Failure::default() };
                let request = RespondActivityTaskFailedRequest {
                    namespace: NAMESPACE.to_owned(),
                    task_token: task.task_token.clone(),
                    identity: self.name.clone(),
                    failure: Some(failure),
                    ..RespondActivityTaskFailedRequest::default()
                };
                let answered: Result<RespondActivityTaskFailedResponse, Status> =
                    retry::call(&self.channel, "RespondActivityTaskFailed", &request, PATIENCE).await;
                answered.map(|_| ())
            }
        }
    }

    /// Works for as long as the activity takes, with heartbeats if it has them.
    async fn take_time(&self, task: &PollActivityTaskQueueResponse, attempted: &activity::Attempted) -> Result<(), Status> {
        let mut left = Duration::from_millis(attempted.takes_ms);
        let timeout = task.heartbeat_timeout.as_ref().map(|timeout| span(Some(timeout)));
        let every = timeout.filter(|_| attempted.heartbeats).map(|timeout| timeout / HEARTBEATS_IN_TIMEOUT);
        while let Some(every) = every.filter(|every| *every < left) {
            time::sleep(every).await;
            left -= every;
            let request = RecordActivityTaskHeartbeatRequest {
                namespace: NAMESPACE.to_owned(),
                task_token: task.task_token.clone(),
                identity: self.name.clone(),
                ..RecordActivityTaskHeartbeatRequest::default()
            };
            let beat: RecordActivityTaskHeartbeatResponse =
                retry::call(&self.channel, "RecordActivityTaskHeartbeat", &request, PATIENCE).await?;
            if beat.cancel_requested {
                break;
            }
        }
        time::sleep(left).await;
        Ok(())
    }

    /// Does to the outside world what the activity is for.
    fn have_effect(&self, attempt: Attempt) {
        let mut world = self.channel.world().lock();
        let (process, at_ns) = (self.channel.process(), world.now_ns());
        let subject = attempt.activity_id.clone();
        world.record.effects.push(Effect { process, at_ns, attempt: attempt.clone() });
        let kind = attempt.activity_type.clone();
        world.note(Some(process), What::Effect(Done { kind, subject, key: None, applied: Applied::First, attempt }));
    }

    fn thinks(&self) -> Duration {
        let mut random = madsim::rand::thread_rng();
        let is_slow = self.plan.slow_once_in > 0 && random.gen_range(0..self.plan.slow_once_in) == 0;
        let slow = if is_slow { SLOW } else { Duration::ZERO };
        random.gen_range(Duration::ZERO..=self.plan.thinks_max) + slow
    }

    fn begin_span(&self, span: Span) -> usize {
        self.channel.world().lock().log.begin_span(span)
    }

    fn end_span(&self, span: usize, is_ok: bool) {
        let mut world = self.channel.world().lock();
        let now_ns = world.now_ns();
        world.log.end_span(span, now_ns, if is_ok { Outcome::Completed } else { Outcome::Refused });
    }
}

fn attempt_of(task: &PollActivityTaskQueueResponse) -> Attempt {
    let WorkflowExecution { workflow_id, run_id } = task.workflow_execution.clone().unwrap_or_default();
    Attempt {
        workflow_id,
        run_id,
        activity_id: task.activity_id.clone(),
        activity_type: task.activity_type.clone().unwrap_or_default().name,
        attempt: u32::try_from(task.attempt).unwrap_or(0),
    }
}

/// A workflow task that begins now.
fn span_of_task(channel: &Channel, task: &PollWorkflowTaskQueueResponse) -> Span {
    let WorkflowExecution { workflow_id, run_id } = task.workflow_execution.clone().unwrap_or_default();
    let type_name = task.workflow_type.clone().unwrap_or_default().name;
    Span { type_name, workflow_id, run_id, attempt: u32::try_from(task.attempt).unwrap_or(0), ..span_from_now(channel) }
}

/// An attempt of an activity that begins now.
fn span_of_attempt(channel: &Channel, attempt: &Attempt) -> Span {
    let Attempt { workflow_id, run_id, activity_id, activity_type, attempt } = attempt.clone();
    let (type_name, activity_id) = (activity_type, Some(activity_id));
    Span { type_name, workflow_id, run_id, activity_id, attempt, ..span_from_now(channel) }
}

fn span_from_now(channel: &Channel) -> Span {
    Span {
        process: channel.process(),
        from_ns: channel.world().lock().now_ns(),
        to_ns: None,
        type_name: String::new(),
        workflow_id: String::new(),
        run_id: String::new(),
        activity_id: None,
        attempt: 0,
        resumes_from: None,
        from_step: 0,
        to_step: None,
        outcome: Outcome::Open,
    }
}
