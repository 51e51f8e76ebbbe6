//! The wire between processes and the server: requests under way, requests parked at the server, and replies under way.
//! [`client`] is the callers' end, [`mischief`] carries out what befalls messages, and [`refused`] is the reply to a refused
//! request.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

use foretime_campaign::{
    attempt::Attempt,
    choices::Label,
    fault::RpcKind,
    faults::Deed,
    log::{Passage, Struck, Way, What},
    process::{ProcessId, Role},
};

use foretime_server::{
    engine::{Caller, Connection, Ticket},
    rpc::{
        self, Serve, Served,
        table::{self, Role as RpcRole},
    },
    shell::grpc::grpc_timeout,
};
use temporalio_client::callback_based::GrpcRequest;
use tonic::Status;

mod client;
mod mischief;
mod refused;

pub(crate) use self::client::service;
pub(super) use self::refused::Refused;
use super::{Happening, State, lives::Waiter, transfer_order};
use crate::os;

/// How long after a crash the server notices that a poller is gone.
const NOTICED_AFTER: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(5));
/// How long a poll waits in production.
pub(super) const LONG_POLL: Duration = Duration::from_secs(60);
/// When a caller without a deadline gives up on a request that was lost.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

/// How error texts begin that come from the simulation, not from a server.
pub(crate) const SIMULATED: &str = "simulated: ";

/// Names a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CallId(u64);

/// A call that waits for its answer.
#[derive(Debug)]
struct Pending {
    process: ProcessId,
    rpc: String,
    ticket: Option<Ticket>,
    /// The attempt of an activity whose outcome it reports, if that is kept.
    outcome_of: Option<Attempt>,
    /// The workflow that it is about, if that is kept.
    workflow_id: Option<String>,
    /// The number of the update's span that it awaits, if those are kept.
    update: Option<usize>,
    /// Whether [`Happening::TimeOut`] will come for it.
    times_out: bool,
    waiter: Option<Waiter>,
    answer: Option<Result<Bytes, Refused>>,
}

/// All calls that are not answered.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pending: BTreeMap<CallId, Pending>,
    tickets: BTreeMap<Ticket, CallId>,
    /// How many parked calls of processes that are gone the server still believes in. At 0 their connection is closed.
    unnoticed: BTreeMap<ProcessId, usize>,
    last_id: u64,
}

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) service: String,
    pub(super) rpc: String,
    caller: Caller,
    /// When its sender gives up.
    deadline_ns: Option<u64>,
    pub(super) message: Bytes,
}

impl Request {
    /// Whether the server answers only when there is something to report. In production such calls are repeated every minute.
    /// Here one waits for as long as it takes; otherwise a year would be mostly polls.
    fn is_long_poll(&self) -> bool {
        let row = table::row(&self.service, &self.rpc);
        row.is_some_and(|row| matches!(row.role, RpcRole::WorkerPoll | RpcRole::LongPoll))
    }
}

impl Wire {
    /// Takes the answer if it is there. Otherwise the caller is woken when it comes.
    fn take_answer(&mut self, id: CallId, waiter: Waiter) -> Option<Result<Bytes, Refused>> {
        let pending = self.pending.get_mut(&id)?;
        if pending.answer.is_none() {
            pending.waiter = Some(waiter);
            return None;
        }
        self.pending.remove(&id)?.answer
    }
}

impl State {
    /// Sends a request of a process.
    fn send(&mut self, process: ProcessId, request: &GrpcRequest) -> Result<CallId, Status> {
        let request = Request {
            service: request.service.clone(),
            rpc: request.rpc.clone(),
            caller: rpc::caller_of(connection_of(process), &request.headers),
            deadline_ns: grpc_timeout(&request.headers)?.map(|timeout| self.now_ns + nanos(timeout)),
            message: request.proto.clone(),
        };
        self.wire.last_id += 1;
        let id = CallId(self.wire.last_id);
        let is_alive = self.lives.is_alive(process);
        let passage = if is_alive { Passage::Sent } else { Passage::SentInVain };
        self.log.message(self.now_ns, process, passage, &request.rpc, &request.message);
        let pending = Pending {
            process,
            rpc: request.rpc.clone(),
            ticket: None,
            outcome_of: self.attempt_that_ends(&request.rpc, &request.message),
            workflow_id: self.workflow_asked_for(&request.rpc, &request.message),
            update: self.update_call_begins(process, &request.rpc, &request.message),
            times_out: false,
            waiter: None,
            answer: None,
        };
        self.wire.pending.insert(id, pending);
        self.look_into_request(process, &request.rpc, &request.message);
        let is_clients = matches!(self.lives.get(process).role, Role::Test | Role::Client(_));
        let is_sign_of_life = is_clients || RpcKind::of(&request.rpc) == RpcKind::Heartbeat;
        if is_sign_of_life {
            self.progress.lives();
        }
        if is_alive {
            self.dispatch(id, process, request);
        }
        Ok(id)
    }

    /// Puts a request on its way, with whatever befalls it there.
    fn dispatch(&mut self, id: CallId, process: ProcessId, request: Request) {
        let is_cut = self.lives.control(process).cut_until_ns > self.now_ns;
        let verdict = self.verdict_on_call(id, process, Deed::Request { rpc: &request.rpc, is_cut });
        if verdict.is_crash() {
            return;
        }
        if let Some(span) = verdict.cut {
            self.cut_off(process, span);
        }
        if let Some(loss) = verdict.loss {
            let until_deadline = |deadline_ns: u64| Duration::from_nanos(deadline_ns.saturating_sub(self.now_ns));
            let timeout = request.deadline_ns.map_or(USUAL_TIMEOUT, until_deadline);
            return self.lose(id, process, &request.rpc, loss, timeout);
        }
        if verdict.is_doubled {
            let call = self.logged(id, &request.rpc);
            self.note(Some(process), What::Fault(Struck::Duplicate(call)));
            let after = self.latency() + self.latency();
            self.agenda.add(self.now_ns + after, Happening::Duplicate(process, request.clone()));
        }
        let after = self.transit(id, process, Way::Request, &request.rpc, verdict.delay);
        self.agenda.add(self.now_ns + after, Happening::Request(id, request));
    }

    /// A request reaches the server.
    pub(super) fn request_arrives(&mut self, id: CallId, request: Request) {
        let process = self.wire.pending.get(&id).map(|call| call.process);
        if let Some(process) = process {
            self.log.message(self.now_ns, process, Passage::Arrived, &request.rpc, &[]);
        }
        let deadline_ns = request.deadline_ns.filter(|_| !request.is_long_poll());
        match self.serve(process, request) {
            Served::Now(answer) => self.reply(id, answer.map_err(Refused::by_server)),
            Served::Parked(ticket) => match self.wire.pending.get_mut(&id) {
                Some(call) => {
                    call.ticket = Some(ticket);
                    self.wire.tickets.insert(ticket, id);
                    if let Some(deadline_ns) = deadline_ns {
                        call.times_out = true;
                        self.agenda.add(deadline_ns.max(self.now_ns), Happening::TimeOut(id));
                    }
                }
                None => self.abandon(ticket),
            },
        }
        self.deliver_answers();
    }

    /// A request reaches the server once more. Nobody hears the answer.
    pub(super) fn duplicate_arrives(&mut self, process: ProcessId, request: Request) {
        self.log.message(self.now_ns, process, Passage::ArrivedAgain, &request.rpc, &[]);
        if let Served::Parked(ticket) = self.serve(Some(process), request) {
            self.abandon(ticket);
        }
        self.deliver_answers();
    }

    fn serve(&mut self, process: Option<ProcessId>, request: Request) -> Served {
        let Request { service, rpc: method, caller, deadline_ns: _, message } = request;
        let is_workflow_task = RpcKind::of(&method) == RpcKind::AnswerTask;
        let of_operator = (RpcKind::of(&method) == RpcKind::Other).then(|| (method.clone(), message.clone()));
        let failed_task = (method == "RespondWorkflowTaskFailed").then(|| message.clone());
        let workflow_task = (self.log.is_detailed() && is_workflow_task).then(|| message.clone());
        // No deadline: the server must not end a long poll.
        let call = rpc::Call { service, method, caller, deadline: None, message };
        let now = self.time();
        let served = self.service.call(now, call, &mut transfer_order(&mut self.choices));
        if let (true, Served::Now(Err(status))) = (is_workflow_task, &served) {
            self.workflow_task_refused(process, workflow_task.as_ref(), status);
        }
        if let (Some(process), Some(message), Served::Now(Ok(_))) = (process, failed_task, &served) {
            self.workflow_task_failed(process, &message);
        }
        if let (Some(process), Some((method, message)), Served::Now(Ok(_))) = (process, of_operator, &served) {
            self.is_carried_out(process, &method, &message);
        }
        if let (Some(message), Served::Now(answer)) = (workflow_task, &served) {
            self.workflow_task_answered(&message, answer.is_ok());
        }
        served
    }

    /// Tells the server that nobody waits for a call's answer any more.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        let now = self.time();
        self.service.abandon(now, ticket, &mut transfer_order(&mut self.choices));
    }

    /// The server has noticed that a process that is gone does not wait for one of its calls. After the last of them, its
    /// connection is closed.
    pub(super) fn noticed(&mut self, process: ProcessId) {
        let Some(left) = self.wire.unnoticed.get_mut(&process) else { return };
        *left -= 1;
        if *left == 0 {
            self.wire.unnoticed.remove(&process);
            self.close(process);
        }
    }

    /// Tells the server that the connection of a process is closed.
    fn close(&mut self, process: ProcessId) {
        let now = self.time();
        self.service.closed(now, connection_of(process), &mut transfer_order(&mut self.choices));
    }

    /// Sends out the server's latest answers.
    pub(super) fn deliver_answers(&mut self) {
        while let Some((ticket, answer)) = self.service.next_answer() {
            // An answer to a poller that is gone is lost, as in production.
            if let Some(id) = self.wire.tickets.remove(&ticket) {
                self.does_not_time_out(id);
                if let Some(call) = self.wire.pending.get_mut(&id) {
                    call.ticket = None;
                }
                self.reply(id, answer.map_err(Refused::by_server));
            }
        }
        self.look_for_triggers();
    }

    /// Puts a reply on its way, with whatever befalls it there.
    fn reply(&mut self, id: CallId, answer: Result<Bytes, Refused>) {
        let Some((process, rpc)) = self.wire.pending.get(&id).map(|call| (call.process, call.rpc.clone())) else { return };
        let is_empty = !answer.as_ref().is_ok_and(|bytes| !bytes.is_empty());
        let verdict = self.verdict_on_call(id, process, Deed::Reply { rpc: &rpc, is_empty });
        if verdict.is_crash() {
            return;
        }
        let is_lost = verdict.loss.is_some();
        if is_lost {
            let call = self.logged(id, &rpc);
            self.note(Some(process), What::Fault(Struck::ReplyLost(call)));
        }
        let after = self.transit(id, process, Way::Reply, &rpc, verdict.delay);
        let answer = if is_lost { Err(Refused::unreachable()) } else { answer };
        self.agenda.add(self.now_ns + after, Happening::Reply(id, answer));
    }

    /// A reply reaches its caller.
    pub(super) fn reply_arrives(&mut self, id: CallId, answer: Result<Bytes, Refused>) {
        let Some(call) = self.wire.pending.get(&id) else { return };
        let (process, rpc, update) = (call.process, call.rpc.clone(), call.update);
        if !self.lives.is_alive(process) {
            return;
        }
        let cut = self.lives.control(process).cut_until_ns > self.now_ns;
        let answer = if cut { Err(Refused::unreachable()) } else { answer };
        match &answer {
            Ok(bytes) => {
                self.log.message(self.now_ns, process, Passage::Answered, &rpc, bytes);
                self.look_into(process, &rpc, bytes);
            }
            Err(refused) => {
                let refusal = refused.to_be_kept(&rpc, call.outcome_of.clone(), call.workflow_id.clone());
                self.log.refusal(self.now_ns, process, refusal);
            }
        }
        self.update_call_ends(update, &rpc, answer.as_ref().map_err(Refused::text));
        if self.verdict_on_call(id, process, Deed::Delivery { rpc: &rpc }).is_crash() {
            return;
        }
        if let Some(call) = self.wire.pending.get_mut(&id) {
            call.answer = Some(answer);
            if let Some((thread, waker)) = call.waiter.take() {
                os::wake(thread, waker);
            }
        }
    }

    /// The requests of a process that have no answer yet.
    pub(crate) fn asked(&self, process: ProcessId) -> impl Iterator<Item = &str> {
        self.wire.pending.values().filter(move |call| call.process == process).map(|call| call.rpc.as_str())
    }

    /// A call has been at the server for as long as its caller waits for it.
    pub(super) fn time_out(&mut self, id: CallId) {
        let Some(call) = self.wire.pending.get_mut(&id) else { return };
        call.times_out = false;
        if let Some(ticket) = call.ticket.take() {
            self.wire.tickets.remove(&ticket);
            self.abandon(ticket);
            let refused = Refused::by_server(Status::deadline_exceeded("Deadline Exceeded"));
            self.agenda.add(self.now_ns, Happening::Reply(id, Err(refused)));
            self.deliver_answers();
        }
    }

    fn does_not_time_out(&mut self, id: CallId) {
        if self.wire.pending.get_mut(&id).is_some_and(|call| std::mem::take(&mut call.times_out)) {
            self.agenda.retain(|entry| !matches!(entry, Happening::TimeOut(of) if *of == id));
        }
    }

    fn forget(&mut self, id: CallId) -> Option<Pending> {
        self.does_not_time_out(id);
        self.wire.pending.remove(&id)
    }

    /// A caller no longer waits.
    fn give_up(&mut self, id: CallId) {
        let Some(Pending { ticket, update, .. }) = self.forget(id) else { return };
        self.update_call_is_dropped(update);
        if let Some(ticket) = ticket {
            self.wire.tickets.remove(&ticket);
            self.abandon(ticket);
            self.deliver_answers();
        }
    }

    /// Ends the long polls of a process that is about to stop. In production all polls end after a minute.
    pub(super) fn end_polls(&mut self, process: ProcessId) {
        if self.lives.get(process).ended.is_some() {
            return;
        }
        let is_poll = |call: &Pending| call.process == process && RpcKind::of(&call.rpc) == RpcKind::Poll;
        let parked = self.wire.pending.iter().filter(|(_, call)| is_poll(call));
        let parked: Vec<(CallId, Ticket)> = parked.filter_map(|(id, call)| Some((*id, call.ticket?))).collect();
        for (id, ticket) in parked {
            self.abandon(ticket);
            self.wire.tickets.remove(&ticket);
            if let Some(call) = self.wire.pending.get_mut(&id) {
                call.ticket = None;
            }
            self.reply(id, Ok(Bytes::new()));
        }
    }

    /// Cuts the calls of a process that is gone. What is on its way to the server may still arrive. The server notices only
    /// after a while that nobody waits for its answers.
    pub(super) fn cut_wires(&mut self, process: ProcessId) {
        let of_process = |wire: &Wire| -> Vec<CallId> {
            wire.pending.iter().filter(|(_, call)| call.process == process).map(|(id, _)| *id).collect()
        };
        for id in of_process(&self.wire) {
            let Some(call) = self.forget(id) else { continue };
            if let Some(ticket) = call.ticket {
                self.wire.tickets.remove(&ticket);
                *self.wire.unnoticed.entry(process).or_default() += 1;
                let after = self.choices.span(Label::CrashNoticed, NOTICED_AFTER.0, NOTICED_AFTER.1);
                self.agenda.add(self.now_ns + nanos(after), Happening::Abandon(process, ticket));
            } else if self.choices.chance(Label::CrashLosesRequests, 0.5) {
                self.agenda.retain(|entry| !matches!(entry, Happening::Request(of, _) if *of == id));
            }
        }
        if !self.wire.unnoticed.contains_key(&process) {
            self.close(process);
        }
    }
}

/// The connection over which a process calls.
fn connection_of(process: ProcessId) -> Connection {
    Connection(u64::from(process.0) + 1)
}

pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
