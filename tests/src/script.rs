//! A script: calls in order, each written down with the server's reply.
//!
//! A verb writes the reply (or the refusal) into the transcript and returns it. Verbs whose name starts with `await_` write
//! nothing; they wait for something that the script shows later.

use std::{
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foretime_server::proto::{
    Rpc,
    common::{Payload, Payloads, WorkflowExecution, WorkflowType},
    enums::{EventType, HistoryEventFilterType, TaskQueueKind},
    history::HistoryEvent,
    query::WorkflowQuery,
    taskqueue::TaskQueue,
    workflowservice::*,
};
use tonic::Status;

use crate::{
    client::{Client, PATIENCE},
    normalise::Normaliser,
};

/// The namespace of every script.
pub const NAMESPACE: &str = "default";

/// One script at work against one server.
#[derive(Debug)]
pub struct Script {
    /// The connection, for calls that the verbs do not cover.
    pub client: Client,
    name: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    transcript: String,
    normaliser: Normaliser,
    requests: usize,
}

impl Script {
    /// A script called `name`. Its workflow ids and its task queue contain the name, so that scripts can share a server.
    pub fn new(client: Client, name: &str) -> Self {
        Self { client, name: name.to_owned(), state: Mutex::default() }
    }

    /// What has been written down so far.
    pub fn transcript(&self) -> String {
        self.state().transcript.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a heading that announces the next step.
    pub fn step(&self, words: &str) {
        let mut state = self.state();
        if !state.transcript.is_empty() {
            state.transcript.push('\n');
        }
        state.transcript.push_str(&format!("# {words}\n"));
    }

    /// Writes a line.
    pub fn note(&self, line: impl Display) {
        self.state().transcript.push_str(&format!("{line}\n"));
    }

    /// The workflow id `id` of this script.
    pub fn id(&self, id: &str) -> String {
        format!("{}/{id}", self.name)
    }

    /// The script's task queue.
    pub fn queue(&self) -> &str {
        &self.name
    }

    /// The task queue of this script's children. Their tasks must not race with the parent's.
    pub fn child_queue(&self) -> String {
        format!("{}-child", self.name)
    }

    /// The task queue of a worker that has the script's workflow in its cache.
    pub fn own_queue(&self) -> TaskQueue {
        sticky_queue(&format!("{}-sticky", self.name), &self.name)
    }

    /// Waits for a second, the interval that must lie between two runs of one workflow id
    /// (`history.workflowIdReuseMinimalInterval`). The real server also delays a quick continue-as-new by it.
    pub async fn await_restart_interval(&self) {
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }

    /// A reset of the current run of `id`, to be filled in.
    pub fn new_reset(&self, id: &str, workflow_task_finish_event_id: i64) -> ResetWorkflowExecutionRequest {
        ResetWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: self.execution(id),
            reason: "the reason".to_owned(),
            workflow_task_finish_event_id,
            request_id: self.request_id(),
            ..ResetWorkflowExecutionRequest::default()
        }
    }

    /// A request id that no other call of the script has.
    pub fn request_id(&self) -> String {
        let mut state = self.state();
        state.requests += 1;
        format!("{}-request-{}", self.name, state.requests)
    }

    /// One call, written down.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn call<R: Rpc>(&self, request: R) -> Result<R::Reply, Status> {
        self.call_within(PATIENCE, request).await
    }

    /// One call that carries the deadline `patience`, written down.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn call_within<R: Rpc>(&self, patience: Duration, request: R) -> Result<R::Reply, Status> {
        let reply = self.client.call_within(patience, request).await;
        self.show::<R>(&reply);
        reply
    }

    /// Writes down a reply that came in another way, such as to a call that ran beside others.
    pub fn show<R: Rpc>(&self, reply: &Result<R::Reply, Status>) {
        let mut state = self.state();
        let shown = match reply {
            Ok(reply) => state.normaliser.message(reply),
            Err(status) => state.normaliser.status(status),
        };
        state.transcript.push_str(&format!("{}: {shown}\n", R::METHOD));
    }

    /// Writes down a message with a word before it.
    pub fn show_message<M: prost::Message + prost::Name>(&self, word: &str, message: &M) {
        let mut state = self.state();
        let shown = state.normaliser.message(message);
        state.transcript.push_str(&format!("{word}: {shown}\n"));
    }

    /// Writes down events, one a line, each behind `indent`.
    pub fn show_events(&self, indent: &str, events: &[HistoryEvent]) {
        let mut state = self.state();
        for event in events {
            let line = state.normaliser.event(event);
            state.transcript.push_str(&format!("{indent}{line}\n"));
        }
    }

    /// A start of the workflow `id`, to be filled in.
    pub fn new_start(&self, id: &str) -> StartWorkflowExecutionRequest {
        StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: self.id(id),
            workflow_type: Some(workflow_type("W")),
            task_queue: Some(task_queue(self.queue())),
            identity: "client".to_owned(),
            request_id: self.request_id(),
            ..Default::default()
        }
    }

    /// Starts a workflow, which must succeed. Returns its run id.
    pub async fn start(&self, id: &str) -> String {
        self.start_with(self.new_start(id)).await
    }

    /// Starts a workflow, which has its first task and waits. Returns its run id.
    pub async fn start_waiting(&self, id: &str) -> String {
        let run_id = self.start(id).await;
        self.run_task([]).await;
        run_id
    }

    /// Starts a workflow, which must succeed. Returns its run id.
    pub async fn start_with(&self, request: StartWorkflowExecutionRequest) -> String {
        let reply = self.call(request).await;
        reply.expect("the workflow starts").run_id
    }

    /// Signals the workflow `id`.
    pub async fn signal(&self, id: &str, name: &str) {
        let _ = self.call(self.new_signal(id, name)).await;
    }

    /// A signal, to be filled in.
    pub fn new_signal(&self, id: &str, name: &str) -> SignalWorkflowExecutionRequest {
        SignalWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: self.execution(id),
            signal_name: name.to_owned(),
            input: payloads(&format!("{name}'s input")),
            identity: "client".to_owned(),
            request_id: self.request_id(),
            ..Default::default()
        }
    }

    /// A signal with start, to be filled in.
    pub fn new_signal_with_start(&self, id: &str, name: &str) -> SignalWithStartWorkflowExecutionRequest {
        SignalWithStartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: self.id(id),
            workflow_type: Some(workflow_type("W")),
            task_queue: Some(task_queue(self.queue())),
            signal_name: name.to_owned(),
            signal_input: payloads(&format!("{name}'s input")),
            identity: "client".to_owned(),
            request_id: self.request_id(),
            ..Default::default()
        }
    }

    /// Asks the workflow `id` to cancel itself.
    pub async fn request_cancel(&self, id: &str) {
        let _ = self.call(self.new_request_cancel(id)).await;
    }

    /// A cancel request, to be filled in.
    pub fn new_request_cancel(&self, id: &str) -> RequestCancelWorkflowExecutionRequest {
        RequestCancelWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: self.execution(id),
            identity: "client".to_owned(),
            request_id: self.request_id(),
            reason: "the reason".to_owned(),
            ..Default::default()
        }
    }

    /// Terminates the workflow `id`.
    pub async fn terminate(&self, id: &str) {
        let _ = self.call(self.new_terminate(id)).await;
    }

    /// A termination, to be filled in.
    pub fn new_terminate(&self, id: &str) -> TerminateWorkflowExecutionRequest {
        TerminateWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: self.execution(id),
            reason: "the reason".to_owned(),
            details: payloads("the details"),
            identity: "client".to_owned(),
            ..Default::default()
        }
    }

    /// Describes the current run of `id`.
    ///
    /// The real server lists pending activities in any order. Here they stand in that of their ids.
    pub async fn describe(&self, id: &str) {
        let mut reply = self.client.call(self.new_describe(id)).await;
        if let Ok(reply) = &mut reply {
            reply.pending_activities.sort_by(|one, other| one.activity_id.cmp(&other.activity_id));
        }
        self.show::<DescribeWorkflowExecutionRequest>(&reply);
    }

    /// A describe, to be filled in.
    pub fn new_describe(&self, id: &str) -> DescribeWorkflowExecutionRequest {
        DescribeWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), execution: self.execution(id) }
    }

    /// A query of `id`, to be filled in.
    pub fn new_query(&self, id: &str, query_type: &str) -> QueryWorkflowRequest {
        QueryWorkflowRequest {
            namespace: NAMESPACE.to_owned(),
            execution: self.execution(id),
            query: Some(WorkflowQuery {
                query_type: query_type.to_owned(),
                query_args: payloads("the argument"),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    /// The current run of `id`.
    pub fn execution(&self, id: &str) -> Option<WorkflowExecution> {
        self.run(id, "")
    }

    /// The run `run_id` of `id`.
    pub fn run(&self, id: &str, run_id: &str) -> Option<WorkflowExecution> {
        Some(WorkflowExecution { workflow_id: self.id(id), run_id: run_id.to_owned() })
    }

    /// A read of the history of `id`, to be filled in.
    pub fn new_history(&self, id: &str) -> GetWorkflowExecutionHistoryRequest {
        GetWorkflowExecutionHistoryRequest {
            namespace: NAMESPACE.to_owned(),
            execution: self.execution(id),
            ..Default::default()
        }
    }

    /// Writes down the history of the current run of `id`.
    pub async fn history(&self, id: &str) {
        self.history_of_run(id, "").await;
    }

    /// Writes down the history of one run.
    pub async fn history_of_run(&self, id: &str, run_id: &str) {
        let request = GetWorkflowExecutionHistoryRequest { execution: self.run(id, run_id), ..self.new_history(id) };
        match self.client.call(request).await {
            Ok(reply) => {
                self.note(format_args!("history of {id}:"));
                self.show_events("  ", &reply.history.unwrap_or_default().events);
            }
            Err(status) => self.show::<GetWorkflowExecutionHistoryRequest>(&Err(status)),
        }
    }

    /// Whether the current run of `id` has an event of this type; not written down.
    pub async fn has_event(&self, id: &str, wanted: EventType) -> bool {
        let reply = self.client.call(self.new_history(id)).await.expect("the history is readable");
        reply.history.unwrap_or_default().events.iter().any(|event| event.event_type() == wanted)
    }

    /// Writes down the history of the current run of `id` as another client sees it.
    pub async fn history_seen_by(&self, client: &Client, id: &str) {
        let reply = client.call(self.new_history(id)).await.expect("the history is readable");
        self.show_events("  ", &reply.history.unwrap_or_default().events);
    }

    /// Waits until the current run of `id` has an event of this type. Returns the event.
    pub async fn await_event(&self, id: &str, wanted: EventType) -> HistoryEvent {
        self.await_event_of_run(id, "", wanted).await
    }

    /// Waits until the run has an event of this type. Returns the event.
    pub async fn await_event_of_run(&self, id: &str, run_id: &str, wanted: EventType) -> HistoryEvent {
        let mut request = GetWorkflowExecutionHistoryRequest {
            execution: self.run(id, run_id),
            wait_new_event: true,
            ..self.new_history(id)
        };
        loop {
            let reply = self.client.call(request.clone()).await.expect("the history is readable");
            let mut events = reply.history.unwrap_or_default().events.into_iter();
            if let Some(event) = events.find(|event| event.event_type() == wanted) {
                return event;
            }
            assert!(!reply.next_page_token.is_empty(), "the history of {id} ends without {wanted:?}");
            request.next_page_token = reply.next_page_token;
        }
    }

    /// Waits until the run is closed and writes down its last event.
    pub async fn close_event(&self, id: &str, run_id: &str) -> Option<HistoryEvent> {
        let mut request = GetWorkflowExecutionHistoryRequest {
            execution: self.run(id, run_id),
            wait_new_event: true,
            history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
            ..self.new_history(id)
        };
        loop {
            let reply = self.client.call(request.clone()).await.expect("the history is readable");
            let events = reply.history.unwrap_or_default().events;
            if !events.is_empty() || reply.next_page_token.is_empty() {
                self.note(format_args!("close event of {id}:"));
                self.show_events("  ", &events);
                return events.into_iter().next();
            }
            request.next_page_token = reply.next_page_token;
        }
    }
}

/// A workflow type by name.
pub fn workflow_type(name: &str) -> WorkflowType {
    WorkflowType { name: name.to_owned() }
}

/// A normal task queue.
pub fn task_queue(name: &str) -> TaskQueue {
    TaskQueue { name: name.to_owned(), kind: TaskQueueKind::Normal.into(), ..Default::default() }
}

/// A worker's own queue, for the queue `normal`.
pub fn sticky_queue(name: &str, normal: &str) -> TaskQueue {
    TaskQueue { name: name.to_owned(), kind: TaskQueueKind::Sticky.into(), normal_name: normal.to_owned() }
}

/// Long enough for a call that was just sent to arrive. Nothing outside shows that it has.
pub async fn until_it_has_come() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

/// `text` as a JSON payload.
pub fn payload(text: &str) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: format!("{text:?}").into_bytes(),
        ..Default::default()
    }
}

/// `text` as a single JSON payload.
pub fn payloads(text: &str) -> Option<Payloads> {
    Some(Payloads { payloads: vec![payload(text)] })
}

/// A proto duration.
pub fn seconds(seconds: f64) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(Duration::from_secs_f64(seconds)).ok()
}
