//! The messages of a run.

use bytes::Bytes;
use foretime_campaign::process::ProcessId;
use foretime_server::{
    engine::Connection,
    proto::{
        enums::UpdateWorkflowExecutionLifecycleStage,
        failure::Failure,
        history::{
            History, HistoryEvent, WorkflowTaskScheduledEventAttributes, WorkflowTaskStartedEventAttributes,
            history_event::Attributes,
        },
        query::WorkflowQuery,
        update::{Meta, Outcome, Request, UpdateRef, outcome::Value},
        workflow::WorkflowExecutionInfo,
        workflowservice::*,
    },
};
use prost::Message;
use tonic::{Code, Status};

use super::{QUEUE, at, event, execution, input_with, queue, seconds, text};
use crate::{
    checks::Run,
    record::{Record, exchange::Exchange},
};

/// A workflow task as a poll gives it. Its worker has 10 s.
#[derive(Clone, Copy)]
pub(in crate::checks) struct WorkflowTask {
    pub(in crate::checks) token: &'static str,
    pub(in crate::checks) workflow_id: &'static str,
    pub(in crate::checks) run_id: &'static str,
    pub(in crate::checks) started_event_id: i64,
    pub(in crate::checks) attempt: i32,
    /// When it started, in seconds of the server's time.
    pub(in crate::checks) at_s: i64,
}

/// An activity task as a poll gives it. Its worker has 30 s, and 10 s between heartbeats.
#[derive(Clone, Copy)]
pub(in crate::checks) struct Activity {
    pub(in crate::checks) token: &'static str,
    pub(in crate::checks) workflow_id: &'static str,
    pub(in crate::checks) run_id: &'static str,
    pub(in crate::checks) activity_id: &'static str,
    pub(in crate::checks) attempt: i32,
    /// When it started, in seconds of the server's time.
    pub(in crate::checks) at_s: i64,
}

/// The messages of a run. Each arrives a step and a nanosecond after the one before, and its answer as much later.
#[derive(Clone, Default)]
pub(in crate::checks) struct Talk {
    exchanges: Vec<Exchange>,
    step: u64,
}

/// A message that has arrived and is to be answered.
pub(in crate::checks) struct Asking<'a> {
    talk: &'a mut Talk,
    at: usize,
}

impl Talk {
    pub(in crate::checks) fn record(&self) -> Record {
        Record { exchanges: self.exchanges.clone(), ..Record::default() }
    }

    /// Goes on with a message that waits.
    pub(in crate::checks) fn resume(&mut self, at: usize) -> Asking<'_> {
        Asking { talk: self, at }
    }

    pub(in crate::checks) fn start(&mut self, workflow_id: &str, nonce: &str) -> Asking<'_> {
        let request = StartWorkflowExecutionRequest {
            workflow_id: workflow_id.to_owned(),
            input: Some(input_with(nonce)),
            ..StartWorkflowExecutionRequest::default()
        };
        self.ask("StartWorkflowExecution", &request)
    }

    pub(in crate::checks) fn signal(&mut self, workflow_id: &str, run_id: &str, nonce: &str) -> Asking<'_> {
        let request = SignalWorkflowExecutionRequest {
            workflow_execution: Some(execution(workflow_id, run_id)),
            input: Some(text(nonce)),
            ..SignalWorkflowExecutionRequest::default()
        };
        self.ask("SignalWorkflowExecution", &request)
    }

    pub(in crate::checks) fn terminate(&mut self, workflow_id: &str, run_id: &str, reason: &str) -> Asking<'_> {
        let request = TerminateWorkflowExecutionRequest {
            workflow_execution: Some(execution(workflow_id, run_id)),
            reason: reason.to_owned(),
            ..TerminateWorkflowExecutionRequest::default()
        };
        self.ask("TerminateWorkflowExecution", &request)
    }

    pub(in crate::checks) fn cancel(&mut self, workflow_id: &str, run_id: &str, request_id: &str) -> Asking<'_> {
        let request = RequestCancelWorkflowExecutionRequest {
            workflow_execution: Some(execution(workflow_id, run_id)),
            request_id: request_id.to_owned(),
            reason: request_id.to_owned(),
            ..RequestCancelWorkflowExecutionRequest::default()
        };
        self.ask("RequestCancelWorkflowExecution", &request)
    }

    pub(in crate::checks) fn update(&mut self, workflow_id: &str, update_id: &str) -> Asking<'_> {
        let meta = Some(Meta { update_id: update_id.to_owned(), ..Meta::default() });
        let request = UpdateWorkflowExecutionRequest {
            workflow_execution: Some(execution(workflow_id, "")),
            request: Some(Request { meta, ..Request::default() }),
            ..UpdateWorkflowExecutionRequest::default()
        };
        self.ask("UpdateWorkflowExecution", &request)
    }

    pub(in crate::checks) fn query(&mut self, workflow_id: &str) -> Asking<'_> {
        let execution = Some(execution(workflow_id, ""));
        self.ask("QueryWorkflow", &QueryWorkflowRequest { execution, ..QueryWorkflowRequest::default() })
    }

    pub(in crate::checks) fn describe(&mut self, workflow_id: &str) -> Asking<'_> {
        let execution = Some(execution(workflow_id, ""));
        let request = DescribeWorkflowExecutionRequest { execution, ..DescribeWorkflowExecutionRequest::default() };
        self.ask("DescribeWorkflowExecution", &request)
    }

    pub(in crate::checks) fn read_history(&mut self, workflow_id: &str, run_id: &str, close_event_only: bool) -> Asking<'_> {
        let request = GetWorkflowExecutionHistoryRequest {
            execution: Some(execution(workflow_id, run_id)),
            wait_new_event: true,
            history_event_filter_type: if close_event_only { 2 } else { 1 },
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        self.ask("GetWorkflowExecutionHistory", &request)
    }

    pub(in crate::checks) fn poll_workflow_task(&mut self) -> Asking<'_> {
        let task_queue = Some(queue(QUEUE));
        self.ask(
            "PollWorkflowTaskQueue",
            &PollWorkflowTaskQueueRequest { task_queue, ..PollWorkflowTaskQueueRequest::default() },
        )
    }

    pub(in crate::checks) fn poll_activity_task(&mut self) -> Asking<'_> {
        let task_queue = Some(queue(QUEUE));
        self.ask(
            "PollActivityTaskQueue",
            &PollActivityTaskQueueRequest { task_queue, ..PollActivityTaskQueueRequest::default() },
        )
    }

    pub(in crate::checks) fn complete_workflow_task(&mut self, token: &str) -> Asking<'_> {
        let request = RespondWorkflowTaskCompletedRequest {
            task_token: token.as_bytes().to_vec(),
            commands: vec![Default::default()],
            ..RespondWorkflowTaskCompletedRequest::default()
        };
        self.ask("RespondWorkflowTaskCompleted", &request)
    }

    pub(in crate::checks) fn complete_workflow_task_with_nothing(&mut self, token: &str) -> Asking<'_> {
        let task_token = token.as_bytes().to_vec();
        let request = RespondWorkflowTaskCompletedRequest { task_token, ..RespondWorkflowTaskCompletedRequest::default() };
        self.ask("RespondWorkflowTaskCompleted", &request)
    }

    pub(in crate::checks) fn complete_activity(&mut self, token: &str, result: &str) -> Asking<'_> {
        let request = RespondActivityTaskCompletedRequest {
            task_token: token.as_bytes().to_vec(),
            result: Some(text(result)),
            ..RespondActivityTaskCompletedRequest::default()
        };
        self.ask("RespondActivityTaskCompleted", &request)
    }

    pub(in crate::checks) fn fail_activity(&mut self, token: &str) -> Asking<'_> {
        let task_token = token.as_bytes().to_vec();
        let request = RespondActivityTaskFailedRequest { task_token, ..RespondActivityTaskFailedRequest::default() };
        self.ask("RespondActivityTaskFailed", &request)
    }

    pub(in crate::checks) fn heartbeat(&mut self, token: &str) -> Asking<'_> {
        let task_token = token.as_bytes().to_vec();
        let request = RecordActivityTaskHeartbeatRequest { task_token, ..RecordActivityTaskHeartbeatRequest::default() };
        self.ask("RecordActivityTaskHeartbeat", &request)
    }

    pub(in crate::checks) fn answer_query(&mut self, token: &str) -> Asking<'_> {
        let task_token = token.as_bytes().to_vec();
        let request = RespondQueryTaskCompletedRequest { task_token, ..RespondQueryTaskCompletedRequest::default() };
        self.ask("RespondQueryTaskCompleted", &request)
    }

    fn ask(&mut self, method: &str, request: &impl Message) -> Asking<'_> {
        self.step += 1;
        self.exchanges.push(Exchange {
            process: ProcessId(1),
            connection: Connection(1),
            method: method.to_owned(),
            request: request.encode_to_vec().into(),
            timeout_ms: 0,
            arrived_ns: self.step,
            arrived_step: self.step,
            answered: None,
            reached_ns: None,
        });
        let at = self.exchanges.len() - 1;
        Asking { talk: self, at }
    }
}

impl Asking<'_> {
    /// It is given up.
    pub(in crate::checks) fn unanswered(self) {}

    /// It waits. Returns its place, for [`Talk::resume`].
    pub(in crate::checks) fn waits(self) -> usize {
        self.at
    }

    /// Accepted, with an empty message.
    pub(in crate::checks) fn done(self) {
        self.answer(Ok(Bytes::new()));
    }

    pub(in crate::checks) fn refused(self, code: Code) {
        self.answer(Err(Status::new(code, "no")));
    }

    pub(in crate::checks) fn refused_with(self, status: Status) {
        self.answer(Err(status));
    }

    pub(in crate::checks) fn started(self, run_id: &str, started: bool) {
        let run_id = run_id.to_owned();
        self.give(&StartWorkflowExecutionResponse { run_id, started, ..StartWorkflowExecutionResponse::default() });
    }

    pub(in crate::checks) fn updated(self, run_id: &str, outcome: Option<Result<&str, &str>>) {
        let workflow_execution = Some(execution("", run_id));
        let outcome = outcome.map(|outcome| match outcome {
            Ok(result) => Value::Success(text(result)),
            Err(message) => Value::Failure(Failure { message: message.to_owned(), ..Failure::default() }),
        });
        self.give(&UpdateWorkflowExecutionResponse {
            update_ref: Some(UpdateRef { workflow_execution, ..UpdateRef::default() }),
            outcome: outcome.map(|value| Outcome { value: Some(value) }),
            ..UpdateWorkflowExecutionResponse::default()
        });
    }

    /// Accepted by the workflow, without an outcome so far.
    pub(in crate::checks) fn accepted(self, run_id: &str) {
        let workflow_execution = Some(execution("", run_id));
        self.give(&UpdateWorkflowExecutionResponse {
            update_ref: Some(UpdateRef { workflow_execution, ..UpdateRef::default() }),
            stage: UpdateWorkflowExecutionLifecycleStage::Accepted.into(),
            ..UpdateWorkflowExecutionResponse::default()
        });
    }

    /// What the server says to a heartbeat.
    pub(in crate::checks) fn beaten(self, response: &RecordActivityTaskHeartbeatResponse) {
        self.give(response);
    }

    /// A run as it is, but for this change.
    pub(in crate::checks) fn described(self, run: &Run, change: impl FnOnce(&mut DescribeWorkflowExecutionResponse)) {
        let started = run.started().cloned().unwrap_or_default();
        let mut info = WorkflowExecutionInfo {
            execution: Some(execution(&run.workflow_id, &run.run_id)),
            r#type: started.workflow_type,
            task_queue: started.task_queue.unwrap_or_default().name,
            start_time: run.events.first().and_then(|first| first.event_time),
            close_time: run.close_event().and_then(|close| close.event_time),
            history_length: i64::try_from(run.events.len()).unwrap_or(i64::MAX),
            ..WorkflowExecutionInfo::default()
        };
        info.set_status(run.status);
        let mut response = DescribeWorkflowExecutionResponse { workflow_execution_info: Some(info), ..Default::default() };
        change(&mut response);
        self.give(&response);
    }

    pub(in crate::checks) fn page(self, events: &[HistoryEvent], goes_on: bool) {
        self.give(&GetWorkflowExecutionHistoryResponse {
            history: Some(History { events: events.to_vec() }),
            next_page_token: if goes_on { b"next".to_vec() } else { Vec::new() },
            ..GetWorkflowExecutionHistoryResponse::default()
        });
    }

    pub(in crate::checks) fn workflow_task(self, task: WorkflowTask) {
        let scheduled = Attributes::WorkflowTaskScheduledEventAttributes(WorkflowTaskScheduledEventAttributes {
            start_to_close_timeout: Some(seconds(10)),
            ..Default::default()
        });
        let started = Attributes::WorkflowTaskStartedEventAttributes(WorkflowTaskStartedEventAttributes {
            scheduled_event_id: task.started_event_id - 1,
            ..Default::default()
        });
        let unwritten = |event_id: i64, attributes: Attributes| HistoryEvent { task_id: 0, ..event(event_id, 0, attributes) };
        let events = vec![unwritten(task.started_event_id - 1, scheduled), unwritten(task.started_event_id, started)];
        self.give(&PollWorkflowTaskQueueResponse {
            task_token: task.token.as_bytes().to_vec(),
            workflow_execution: Some(execution(task.workflow_id, task.run_id)),
            started_event_id: task.started_event_id,
            attempt: task.attempt,
            started_time: Some(at(task.at_s)),
            history: Some(History { events }),
            ..PollWorkflowTaskQueueResponse::default()
        });
    }

    pub(in crate::checks) fn query_task(self, token: &str, workflow_id: &str, run_id: &str) {
        self.give(&PollWorkflowTaskQueueResponse {
            task_token: token.as_bytes().to_vec(),
            workflow_execution: Some(execution(workflow_id, run_id)),
            query: Some(WorkflowQuery::default()),
            ..PollWorkflowTaskQueueResponse::default()
        });
    }

    pub(in crate::checks) fn activity_task(self, task: Activity) {
        self.give(&PollActivityTaskQueueResponse {
            task_token: task.token.as_bytes().to_vec(),
            workflow_execution: Some(execution(task.workflow_id, task.run_id)),
            activity_id: task.activity_id.to_owned(),
            attempt: task.attempt,
            started_time: Some(at(task.at_s)),
            start_to_close_timeout: Some(seconds(30)),
            heartbeat_timeout: Some(seconds(10)),
            ..PollActivityTaskQueueResponse::default()
        });
    }

    fn give(self, response: &impl Message) {
        self.answer(Ok(response.encode_to_vec().into()));
    }

    fn answer(self, answer: Result<Bytes, Status>) {
        let Self { talk, at } = self;
        talk.step += 1;
        talk.exchanges[at].answered = Some((talk.step, talk.step, answer));
    }
}
