//! A service that serves recorded histories to a worker, one workflow task each, and tells what the worker says. Nothing
//! begins here, and nothing is ever due: no activity, no timer, no child.
//!
//! [`Replay`] stands in for a Temporal server in front of the user's own worker. Whoever checks histories calls `ServeHistory` of
//! `ReplayService` (`protos/foretime/v1`) in process. That call is parked until a worker that polls the task queue has answered.
//! The rooms: [`exchange`] brings histories and polls together, [`task`] makes the task, [`pages`] cuts long histories, and
//! [`attendance`] tells who has polled. A [`Service`] without workflows answers whatever else workers ask, such as what the server can do.

mod attendance;
mod exchange;
mod pages;
mod task;

use std::collections::VecDeque;

use bytes::Bytes;
use prost::Message;
use tonic::Status;

use crate::{
    config::Config,
    engine::{
        Connection, Notice, Order, Ticket, View,
        time::{Time, span},
    },
    proto::{
        Rpc,
        enums::TaskQueueKind,
        foretimeservice::{AwaitWorkersRequest, Outcome, Poller, ServeHistoryRequest, ServeHistoryResponse},
        workflowservice::{
            GetWorkflowExecutionHistoryRequest, ListNamespacesRequest, PollWorkflowTaskQueueRequest,
            RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest, ShutdownWorkerRequest,
            SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse, SignalWorkflowExecutionRequest,
            StartWorkflowExecutionRequest, StartWorkflowExecutionResponse,
        },
    },
    rpc::{
        Answer, Call, Serve, Served, Service,
        table::{self, REPLAY_SERVICE, Role, WORKFLOW_SERVICE},
    },
};
use attendance::Attendance;
use exchange::{Ask, Exchange, Poll, Token};

/// The tickets of this service; those of the service behind it are smaller.
const FIRST_TICKET: u64 = 1 << 63;
/// What programs begin before their worker starts. They hear that it has begun, so that they go on, and nothing comes of it.
const BEGINNINGS: [&str; 4] = [
    StartWorkflowExecutionRequest::METHOD,
    SignalWithStartWorkflowExecutionRequest::METHOD,
    SignalWorkflowExecutionRequest::METHOD,
    "CreateSchedule",
];
/// The run that never runs.
const NO_RUN_ID: &str = "00000000-0000-4000-8000-000000000000";
/// The calls that change nothing that a history could tell: programs make them before their worker starts.
const HARMLESS: [&str; 7] = [
    "RegisterNamespace",
    "UpdateNamespace",
    "AddSearchAttributes",
    "RemoveSearchAttributes",
    "ResetStickyTaskQueue",
    "ShutdownWorker",
    "RecordWorkerHeartbeat",
];

/// The service.
#[derive(Debug)]
pub struct Replay {
    behind: Service,
    last_ticket: u64,
    exchange: Exchange,
    attendance: Attendance,
    answers: VecDeque<(Ticket, Answer)>,
}

impl Replay {
    /// A service that serves nothing yet.
    ///
    /// # Errors
    /// As [`Service::new`].
    pub fn new() -> Result<Self, Status> {
        Ok(Self {
            behind: Service::new(&Config::default())?,
            last_ticket: FIRST_TICKET,
            exchange: Exchange::default(),
            attendance: Attendance::default(),
            answers: VecDeque::new(),
        })
    }

    /// For those who drive any service.
    ///
    /// # Errors
    /// As [`Service::new`].
    pub fn boxed() -> Result<Box<dyn Serve>, Status> {
        Ok(Box::new(Self::new()?))
    }

    fn own(&mut self, now: Time, call: &Call) -> Option<Result<Served, Status>> {
        let is_of_workflows = call.service == WORKFLOW_SERVICE;
        Some(match call.method.as_str() {
            "ServeHistory" if call.service == REPLAY_SERVICE => self.serve_history(now, &call.message),
            "AwaitWorkers" if call.service == REPLAY_SERVICE => self.await_workers(&call.message),
            PollWorkflowTaskQueueRequest::METHOD if is_of_workflows => self.poll(now, call),
            RespondWorkflowTaskCompletedRequest::METHOD if is_of_workflows => {
                self.answered::<RespondWorkflowTaskCompletedRequest>(&call.message, Outcome::TaskCompleted, |it| &it.task_token)
            }
            RespondWorkflowTaskFailedRequest::METHOD if is_of_workflows => {
                self.answered::<RespondWorkflowTaskFailedRequest>(&call.message, Outcome::TaskFailed, |it| &it.task_token)
            }
            GetWorkflowExecutionHistoryRequest::METHOD if is_of_workflows => self.read_history(&call.message),
            method if is_of_workflows && BEGINNINGS.contains(&method) => {
                self.attendance.refuse(method);
                self.tell_attendance();
                Ok(Served::Now(Ok(begun(method))))
            }
            method if is_of_workflows && lists_executions(method) => Ok(Served::Now(Ok(Bytes::new()))),
            method if begins_something(&call.service, method) => {
                self.attendance.refuse(method);
                self.tell_attendance();
                Err(Status::permission_denied(format!(
                    "{method}: this server serves recorded histories to workers; nothing is started or changed on it"
                )))
            }
            _ => return None,
        })
    }

    fn serve_history(&mut self, now: Time, message: &Bytes) -> Result<Served, Status> {
        let request: ServeHistoryRequest = decoded(message)?;
        let ticket = self.ticket();
        self.exchange.offer(Ask { ticket, request });
        self.pair(now);
        Ok(Served::Parked(ticket))
    }

    fn await_workers(&mut self, message: &Bytes) -> Result<Served, Status> {
        let request: AwaitWorkersRequest = decoded(message)?;
        if let Some(news) = self.attendance.since(request.version) {
            return Ok(Served::Now(Ok(news.encode_to_vec().into())));
        }
        let ticket = self.ticket();
        self.attendance.park(ticket);
        Ok(Served::Parked(ticket))
    }

    fn poll(&mut self, now: Time, call: &Call) -> Result<Served, Status> {
        let request: PollWorkflowTaskQueueRequest = decoded(&call.message)?;
        let queue = request.task_queue.unwrap_or_default();
        let is_sticky = queue.kind() == TaskQueueKind::Sticky;
        let poller = Poller {
            namespace: request.namespace,
            task_queue: queue.name,
            identity: request.identity,
            client_name: call.caller.client_name.clone(),
            client_version: call.caller.client_version.clone(),
        };
        if !is_sticky && self.attendance.poll(&poller) {
            self.tell_attendance();
        }
        let ticket = self.ticket();
        let until = exchange::poll_until(now, call.deadline);
        let (connection, worker_instance_key) = (call.caller.connection, request.worker_instance_key);
        self.exchange.park(Poll { ticket, connection, worker_instance_key, poller, until });
        self.pair(now);
        Ok(Served::Parked(ticket))
    }

    /// A worker's answer to the task that has this token.
    fn answered<M: Message + Default>(
        &mut self,
        message: &Bytes,
        outcome: Outcome,
        token: impl Fn(&M) -> &Vec<u8>,
    ) -> Result<Served, Status> {
        let request: M = decoded(message)?;
        let out = Token::parse(token(&request)).and_then(|token| self.exchange.take(token));
        let Some(out) = out else { return Err(Status::not_found("Workflow task not found.")) };
        let keeps_run = out.ask.request.keeps_run;
        self.tell(out.ask.ticket, outcome, message.to_vec(), out.poller);
        if outcome == Outcome::TaskCompleted && !keeps_run {
            // Otherwise the worker would go on from its cache when it is given this run again.
            return Err(Status::not_found("Workflow task not found."));
        }
        Ok(Served::Now(Ok(Bytes::new())))
    }

    fn read_history(&mut self, message: &Bytes) -> Result<Served, Status> {
        let request: GetWorkflowExecutionHistoryRequest = decoded(message)?;
        if request.wait_new_event && request.execution.as_ref().is_some_and(|it| it.run_id == NO_RUN_ID) {
            // Who awaits it waits until the check is over.
            return Ok(Served::Parked(self.ticket()));
        }
        let page = match Token::of_page(&request.next_page_token) {
            Some((token, from)) => self.exchange.history(token).and_then(|history| pages::reply(token, history, from)),
            None => {
                let run_id = request.execution.map(|it| it.run_id).unwrap_or_default();
                let found = self.exchange.find(&run_id);
                found.and_then(|token| pages::reply(token, self.exchange.history(token)?, 0))
            }
        };
        let page = page.ok_or_else(|| Status::not_found("This server serves no such history now."))?;
        Ok(Served::Now(Ok(page)))
    }

    /// Hands out whatever there is a worker for.
    fn pair(&mut self, now: Time) {
        while let Some((poll, token)) = self.exchange.pair(now) {
            if let Some(ask) = self.exchange.ask(token) {
                self.answers.push_back((poll, Ok(task::of(token, ask, now))));
            }
        }
    }

    fn tell(&mut self, ask: Ticket, outcome: Outcome, respond: Vec<u8>, poller: Poller) {
        let response = ServeHistoryResponse { outcome: outcome.into(), respond, poller: Some(poller) };
        self.answers.push_back((ask, Ok(response.encode_to_vec().into())));
    }

    fn tell_attendance(&mut self) {
        let (news, waiting) = self.attendance.news();
        self.answers.extend(waiting.into_iter().map(|ticket| (ticket, Ok(news.clone()))));
    }

    fn end_polls(&mut self, is_over: impl Fn(&Poll) -> bool) {
        let over = self.exchange.end_polls(is_over);
        self.answers.extend(over.into_iter().map(|ticket| (ticket, Ok(Bytes::new()))));
    }

    fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }
}

impl Serve for Replay {
    fn call(&mut self, now: Time, call: Call, order: &mut Order<'_>) -> Served {
        if call.method == ShutdownWorkerRequest::METHOD
            && let Ok(request) = decoded::<ShutdownWorkerRequest>(&call.message)
            && !request.worker_instance_key.is_empty()
        {
            self.end_polls(|poll| poll.worker_instance_key == request.worker_instance_key);
        }
        match self.own(now, &call) {
            Some(served) => served.unwrap_or_else(|status| Served::Now(Err(status))),
            None => self.behind.call(now, call, order),
        }
    }

    fn closed(&mut self, now: Time, connection: Connection, order: &mut Order<'_>) {
        self.exchange.forget_polls(connection);
        for out in self.exchange.take_of(connection) {
            self.tell(out.ask.ticket, Outcome::WorkerGone, Vec::new(), out.poller);
        }
        self.behind.closed(now, connection, order);
    }

    fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>) {
        if ticket.0 < FIRST_TICKET {
            return self.behind.abandon(now, ticket, order);
        }
        self.exchange.forget(ticket);
        self.attendance.forget(ticket);
        self.answers.retain(|(of, _)| *of != ticket);
    }

    fn advance(&mut self, now: Time, order: &mut Order<'_>) {
        self.end_polls(|poll| poll.until <= now);
        for out in self.exchange.take_overdue(now) {
            self.tell(out.ask.ticket, Outcome::TimedOut, Vec::new(), out.poller);
        }
        self.behind.advance(now, order);
    }

    fn next_deadline(&self) -> Option<Time> {
        [self.exchange.next_deadline(), self.behind.next_deadline()].into_iter().flatten().min()
    }

    fn next_answer(&mut self) -> Option<(Ticket, Answer)> {
        self.answers.pop_front().or_else(|| self.behind.next_answer())
    }

    fn next_notice(&mut self) -> Option<Notice> {
        self.behind.next_notice()
    }

    fn view(&self) -> View<'_> {
        self.behind.view()
    }
}

fn decoded<M: Message + Default>(message: &Bytes) -> Result<M, Status> {
    M::decode(&message[..]).map_err(|error| Status::internal(format!("grpc: error unmarshalling request: {error}")))
}

/// Whether a call would begin or change a workflow, or anything else that outlives the check.
fn begins_something(service: &str, method: &str) -> bool {
    let writes = ["ExecuteMultiOperation", "UpdateWorkflowExecution"];
    let is_write = table::row(service, method).is_some_and(|row| row.role == Role::Write) || writes.contains(&method);
    is_write && !HARMLESS.contains(&method) && service == WORKFLOW_SERVICE
}

/// The answer to what a program begins.
fn begun(method: &str) -> Bytes {
    let run_id = NO_RUN_ID.to_owned();
    match method {
        StartWorkflowExecutionRequest::METHOD => {
            StartWorkflowExecutionResponse { run_id, started: true, ..Default::default() }.encode_to_vec().into()
        }
        SignalWithStartWorkflowExecutionRequest::METHOD => {
            SignalWithStartWorkflowExecutionResponse { run_id, started: true, ..Default::default() }.encode_to_vec().into()
        }
        _ => Bytes::new(),
    }
}

/// Whether an RPC lists or counts executions, of which there are none here, whatever the filter says.
fn lists_executions(method: &str) -> bool {
    ["List", "Count", "Scan"].iter().any(|verb| method.starts_with(verb)) && method != ListNamespacesRequest::METHOD
}

/// How long a worker may take with a history; `None`: as long as it likes.
fn timeout(request: &ServeHistoryRequest) -> Option<std::time::Duration> {
    request.timeout.as_ref().map(|timeout| span(Some(timeout)))
}
