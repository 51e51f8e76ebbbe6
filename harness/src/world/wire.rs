//! The wire between processes and the server: requests under way, parked at the server, replies under way; and what can go
//! wrong with each of them.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use foretime_server::{
    engine::Ticket,
    grpc::grpc_timeout,
    rpc::{self, Caller},
};
use prost::Message;
use temporalio_client::callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse};
use tonic::Status;

use super::{
    Happening, State, World,
    lives::{Role, Waiter},
    log::{Call, Passage, Refusal, Struck, Way, What},
    transfer_order,
};
use crate::{
    activities::Attempt,
    choices::Label,
    faults::{Fault, Place, RpcKind},
    os::{self, ProcessId},
};

/// How long a message is under way.
const LATENCY: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(3));
/// ... and if it is delayed.
const DELAY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));
/// How long after a crash the server notices that a poller is gone.
const NOTICED_AFTER: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(5));
/// How long a poll waits in production.
pub(super) const LONG_POLL: Duration = Duration::from_secs(60);
/// When a caller without a deadline gives up on a request that was lost.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

/// How the texts of errors begin that no server gave.
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
    /// Of which attempt of an activity it says how it ended, if that is kept.
    outcome_of: Option<Attempt>,
    /// The workflow that it is about, if that is kept.
    workflow_id: Option<String>,
    /// Whether [`Happening::TimeOut`] is to come for it.
    times_out: bool,
    waiter: Option<Waiter>,
    answer: Option<Result<Bytes, Status>>,
}

/// All calls that are not answered.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pending: BTreeMap<CallId, Pending>,
    tickets: BTreeMap<Ticket, CallId>,
    last_id: u64,
    last_ticket: u64,
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

/// Whether the server answers only when there is something to say. In production such calls are made anew every minute; here one
/// waits for as long as it takes, or a year would be mostly polls.
fn is_long_poll(rpc: &str) -> bool {
    RpcKind::of(rpc) == RpcKind::Poll || rpc == "GetWorkflowExecutionHistory"
}

/// The transport of a process's client. It holds the world strongly: both live as long as the OS process.
pub(crate) fn service(world: Arc<World>) -> CallbackBasedGrpcService {
    CallbackBasedGrpcService {
        callback: Arc::new(move |request| {
            Box::pin(CallFuture { world: world.clone(), stage: Stage::Unsent(Box::new(request)) })
        }),
    }
}

/// A call as its caller sees it.
struct CallFuture {
    world: Arc<World>,
    stage: Stage,
}

enum Stage {
    Unsent(Box<GrpcRequest>),
    Sent(CallId),
    Done,
}

impl Future for CallFuture {
    type Output = Result<GrpcSuccessResponse, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some((thread, process)) = os::current() else {
            return Poll::Ready(Err(Status::failed_precondition(
                "this client belongs to a simulation, and was used outside of it",
            )));
        };
        os::exempt(|| {
            let world = self.world.clone();
            let mut state = world.lock();
            if let Stage::Unsent(request) = &self.stage {
                match state.send(process, request) {
                    Ok(id) => self.stage = Stage::Sent(id),
                    Err(status) => {
                        self.stage = Stage::Done;
                        return Poll::Ready(Err(status));
                    }
                }
            }
            let Stage::Sent(id) = self.stage else { return Poll::Pending };
            match state.wire.take_answer(id, (thread, context.waker().clone())) {
                None => Poll::Pending,
                Some(answer) => {
                    self.stage = Stage::Done;
                    Poll::Ready(answer.map(|proto| GrpcSuccessResponse { headers: Default::default(), proto: proto.into() }))
                }
            }
        })
    }
}

impl Drop for CallFuture {
    fn drop(&mut self) {
        if let Stage::Sent(id) = self.stage {
            os::exempt(|| self.world.lock().give_up(id));
        }
    }
}

impl Wire {
    /// The answer, if it is there; else the caller is woken when it comes.
    fn take_answer(&mut self, id: CallId, waiter: Waiter) -> Option<Result<Bytes, Status>> {
        let pending = self.pending.get_mut(&id)?;
        if pending.answer.is_none() {
            pending.waiter = Some(waiter);
            return None;
        }
        self.pending.remove(&id)?.answer
    }

    fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }
}

impl State {
    /// A process sends a request.
    fn send(&mut self, process: ProcessId, request: &GrpcRequest) -> Result<CallId, Status> {
        let request = Request {
            service: request.service.clone(),
            rpc: request.rpc.clone(),
            caller: Caller::from_headers(&request.headers),
            deadline_ns: grpc_timeout(&request.headers)?.map(|timeout| self.now_ns + nanos(timeout)),
            message: request.proto.clone(),
        };
        self.wire.last_id += 1;
        let id = CallId(self.wire.last_id);
        let pending = Pending {
            process,
            rpc: request.rpc.clone(),
            ticket: None,
            outcome_of: self.attempt_that_ends(&request.rpc, &request.message),
            workflow_id: self.workflow_asked_for(&request.rpc, &request.message),
            times_out: false,
            waiter: None,
            answer: None,
        };
        self.wire.pending.insert(id, pending);
        let is_alive = self.lives.is_alive(process);
        let passage = if is_alive { Passage::Sent } else { Passage::SentInVain };
        self.log.message(self.now_ns, process, passage, &request.rpc, &request.message);
        self.look_into_request(process, &request.rpc, &request.message);
        let is_sign_of_life = self.lives.get(process).role == Role::Test || RpcKind::of(&request.rpc) == RpcKind::Heartbeat;
        self.progress.signs_of_life += usize::from(is_sign_of_life);
        if is_alive {
            self.dispatch(id, process, request);
        }
        Ok(id)
    }

    /// Puts a request on its way, and on the way decides what goes wrong.
    fn dispatch(&mut self, id: CallId, process: ProcessId, request: Request) {
        let kind = RpcKind::of(&request.rpc);
        let is_worker = self.lives.slot_of(process).is_some();
        if is_worker {
            if self.crashes_at(id, process, Place::BeforeRequest(&request.rpc)) {
                return;
            }
            if self.lives.get(process).cut_until_ns > self.now_ns || self.is_cut(process) {
                let after = self.latency();
                return self.refuse_call(id, after, unreachable());
            }
            if let Some((after, status)) = self.loses(id, process, &request) {
                return self.refuse_call(id, after, status);
            }
            if kind == RpcKind::Heartbeat
                && self.strikes_call(id, Fault::HeartbeatLost, process, &request.rpc, Struck::HeartbeatLost)
            {
                let after = self.latency();
                return self.agenda.add(self.now_ns + after, Happening::Reply(id, Ok(Bytes::new())));
            }
            if kind != RpcKind::Poll && self.strikes_call(id, Fault::Duplicate, process, &request.rpc, Struck::Duplicate) {
                let after = self.latency() + self.latency();
                self.agenda.add(self.now_ns + after, Happening::Duplicate(process, request.clone()));
            }
        }
        let after = self.transit(id, process, is_worker, Way::Request, &request.rpc);
        self.agenda.add(self.now_ns + after, Happening::Request(id, request));
    }

    /// Whether the worker crashes at this moment of a call of its.
    fn crashes_at(&mut self, id: CallId, process: ProcessId, place: Place<&str>) -> bool {
        let outcome_of = self.outcome_of(id);
        self.crashes(process, place, outcome_of)
    }

    /// Whether a fault strikes this call now: then it is noted as `struck`.
    fn strikes_call(
        &mut self,
        id: CallId,
        fault: Fault,
        process: ProcessId,
        rpc: &str,
        struck: impl FnOnce(Call) -> Struck,
    ) -> bool {
        let strikes = self.is_struck(fault, Place::OnTheWire(rpc));
        if strikes {
            let call = Call { rpc: rpc.to_owned(), outcome_of: self.outcome_of(id) };
            self.note(Some(process), What::Fault(struck(call)));
        }
        strikes
    }

    fn outcome_of(&self, id: CallId) -> Option<Attempt> {
        self.wire.pending.get(&id)?.outcome_of.clone()
    }

    /// How a request is lost before it reaches the server, if it is: when its sender learns so, and what.
    fn loses(&mut self, id: CallId, process: ProcessId, request: &Request) -> Option<(u64, Status)> {
        let rpc = &request.rpc;
        if self.strikes_call(id, Fault::Unavailable, process, rpc, Struck::Unavailable) {
            return Some((self.latency(), unreachable()));
        }
        if self.strikes_call(id, Fault::ResourceExhausted, process, rpc, Struck::ResourceExhausted) {
            return Some((self.latency(), Status::resource_exhausted(format!("{SIMULATED}too many requests"))));
        }
        let timeout_ns = request.deadline_ns.map_or(nanos(USUAL_TIMEOUT), |deadline_ns| deadline_ns - self.now_ns);
        let timeout = Duration::from_nanos(timeout_ns);
        let in_vain = |call| Struck::DeadlineExceeded { call, timeout };
        if self.strikes_call(id, Fault::DeadlineExceeded, process, rpc, in_vain) {
            return Some((timeout_ns, Status::deadline_exceeded(format!("{SIMULATED}no answer in time"))));
        }
        None
    }

    /// The worker is cut off now, or this is when it happens.
    fn is_cut(&mut self, process: ProcessId) -> bool {
        if !self.is_struck(Fault::Cut, Place::Connection) {
            return false;
        }
        let span = self.choices.span(Label::CutOff, Duration::from_secs(1), Duration::from_secs(300));
        self.lives.get_mut(process).cut_until_ns = self.now_ns + nanos(span);
        self.note(Some(process), What::Fault(Struck::Cut { span }));
        // The server goes on to give tasks to the polls that it has, for as long as a poll takes there.
        self.agenda.add(self.now_ns + nanos(LONG_POLL), Happening::EndPolls(process));
        true
    }

    fn refuse_call(&mut self, id: CallId, after_ns: u64, status: Status) {
        self.agenda.add(self.now_ns + after_ns, Happening::Reply(id, Err(status)));
    }

    fn latency(&mut self) -> u64 {
        let from = nanos(LATENCY.0);
        from + self.choices.below(Label::Latency, nanos(LATENCY.1) - from)
    }

    /// How long a message of this process takes.
    fn transit(&mut self, id: CallId, process: ProcessId, is_worker: bool, way: Way, rpc: &str) -> u64 {
        if is_worker && self.is_struck(Fault::Delay, Place::OnTheWire(rpc)) {
            let by = self.choices.span(Label::Delay, DELAY.0, DELAY.1);
            let call = Call { rpc: rpc.to_owned(), outcome_of: self.outcome_of(id) };
            self.note(Some(process), What::Fault(Struck::Delay { call, way, by }));
            return nanos(by);
        }
        self.latency()
    }

    /// A request reaches the server.
    pub(super) fn request_arrives(&mut self, id: CallId, request: Request) {
        let ticket = self.wire.next_ticket();
        let process = self.wire.pending.get(&id).map(|call| call.process);
        if let Some(process) = process {
            self.log.message(self.now_ns, process, Passage::Arrived, &request.rpc, &[]);
        }
        let deadline_ns = request.deadline_ns.filter(|_| !is_long_poll(&request.rpc));
        match self.serve(process, request, ticket) {
            Some(answer) => self.reply(id, answer),
            None => match self.wire.pending.get_mut(&id) {
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
        let ticket = self.wire.next_ticket();
        self.log.message(self.now_ns, process, Passage::ArrivedAgain, &request.rpc, &[]);
        if self.serve(Some(process), request, ticket).is_none() {
            self.abandon(ticket);
        }
        self.deliver_answers();
    }

    fn serve(&mut self, process: Option<ProcessId>, request: Request, ticket: Ticket) -> Option<Result<Bytes, Status>> {
        let Request { service, rpc: method, caller, deadline_ns: _, message } = request;
        let is_workflow_task = method.starts_with("RespondWorkflowTask");
        let workflow_task = (self.log.is_detailed() && is_workflow_task).then(|| message.clone());
        // No deadline: the server is to end no long poll.
        let call = rpc::Call { service, method, caller, deadline: None, message };
        let now = self.time();
        let answer = self.service.call_in(now, call, ticket, &mut transfer_order(&mut self.choices));
        if let (true, Some(Err(status))) = (is_workflow_task, &answer) {
            self.workflow_task_refused(process, workflow_task.as_ref(), status);
        }
        if let (Some(message), Some(answer)) = (workflow_task, &answer) {
            self.workflow_task_answered(&message, answer.is_ok());
        }
        answer
    }

    /// The server is told that nobody waits for a call's answer any more.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        let now = self.time();
        self.service.abandon_in(now, ticket, &mut transfer_order(&mut self.choices));
    }

    /// Sends out what the server has answered of late.
    pub(super) fn deliver_answers(&mut self) {
        while let Some((ticket, answer)) = self.service.next_answer() {
            // An answer to a poller that is gone is lost, as it is in production.
            if let Some(id) = self.wire.tickets.remove(&ticket) {
                self.does_not_time_out(id);
                if let Some(call) = self.wire.pending.get_mut(&id) {
                    call.ticket = None;
                }
                self.reply(id, answer);
            }
        }
        self.look_for_triggers();
    }

    /// Puts a reply on its way.
    fn reply(&mut self, id: CallId, answer: Result<Bytes, Status>) {
        let Some((process, rpc)) = self.wire.pending.get(&id).map(|call| (call.process, call.rpc.clone())) else { return };
        let is_worker = self.lives.slot_of(process).is_some();
        let mut answer = answer;
        if is_worker && self.lives.is_alive(process) {
            let has_task = answer.as_ref().is_ok_and(|bytes| !bytes.is_empty());
            if (RpcKind::of(&rpc) != RpcKind::Poll || has_task) && self.crashes_at(id, process, Place::BeforeReply(&rpc)) {
                return;
            }
            if self.strikes_call(id, Fault::ReplyLost, process, &rpc, Struck::ReplyLost) {
                answer = Err(unreachable());
            }
        }
        let after = self.transit(id, process, is_worker, Way::Reply, &rpc);
        self.agenda.add(self.now_ns + after, Happening::Reply(id, answer));
    }

    /// A reply reaches its caller.
    pub(super) fn reply_arrives(&mut self, id: CallId, answer: Result<Bytes, Status>) {
        let Some(call) = self.wire.pending.get(&id) else { return };
        let (process, rpc) = (call.process, call.rpc.clone());
        if !self.lives.is_alive(process) {
            return;
        }
        let cut = self.lives.get(process).cut_until_ns > self.now_ns;
        let answer = if cut { Err(unreachable()) } else { answer };
        match &answer {
            Ok(bytes) => self.log.message(self.now_ns, process, Passage::Answered, &rpc, bytes),
            Err(status) => {
                let refusal = refusal(&rpc, status, call.outcome_of.clone(), call.workflow_id.clone());
                self.log.refusal(self.now_ns, process, refusal);
            }
        }
        self.look_into(process, &rpc, &answer);
        let is_worker = self.lives.slot_of(process).is_some();
        if is_worker && self.crashes_at(id, process, Place::AfterReply(&rpc)) {
            return;
        }
        if let Some(call) = self.wire.pending.get_mut(&id) {
            call.answer = Some(answer);
            if let Some((thread, waker)) = call.waiter.take() {
                os::wake(thread, waker);
            }
        }
    }

    /// What a process has asked for and has no answer to.
    pub(crate) fn asked(&self, process: ProcessId) -> impl Iterator<Item = &str> {
        self.wire.pending.values().filter(move |call| call.process == process).map(|call| call.rpc.as_str())
    }

    /// A call has been at the server for as long as its caller waits.
    pub(super) fn time_out(&mut self, id: CallId) {
        let Some(call) = self.wire.pending.get_mut(&id) else { return };
        call.times_out = false;
        if let Some(ticket) = call.ticket.take() {
            self.wire.tickets.remove(&ticket);
            self.abandon(ticket);
            self.refuse_call(id, 0, Status::deadline_exceeded("Deadline Exceeded"));
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
        if let Some(Pending { ticket: Some(ticket), .. }) = self.forget(id) {
            self.wire.tickets.remove(&ticket);
            self.abandon(ticket);
            self.deliver_answers();
        }
    }

    /// The long polls of a process that is about to stop come to their end, as all do after a minute in production.
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

    /// A process is gone, and its calls with it: what was on its way to the server may still arrive, and the server notices
    /// only after a while that nobody waits for its answers.
    pub(super) fn cut_wires(&mut self, process: ProcessId) {
        let of_process = |wire: &Wire| -> Vec<CallId> {
            wire.pending.iter().filter(|(_, call)| call.process == process).map(|(id, _)| *id).collect()
        };
        for id in of_process(&self.wire) {
            let Some(call) = self.forget(id) else { continue };
            if let Some(ticket) = call.ticket {
                self.wire.tickets.remove(&ticket);
                let after = self.choices.span(Label::CrashNoticed, NOTICED_AFTER.0, NOTICED_AFTER.1);
                self.agenda.add(self.now_ns + nanos(after), Happening::Abandon(ticket));
            } else if self.choices.chance(Label::CrashLosesRequests, 0.5) {
                self.agenda.retain(|entry| !matches!(entry, Happening::Request(of, _) if *of == id));
            }
        }
    }
}

/// The typed details of a refusal, of the `google.rpc.Status` in which they come.
#[derive(Clone, PartialEq, Message)]
struct Details {
    #[prost(bytes = "vec", repeated, tag = "3")]
    details: Vec<Vec<u8>>,
}

/// What is kept of a refusal.
fn refusal(rpc: &str, status: &Status, outcome_of: Option<Attempt>, workflow_id: Option<String>) -> Refusal {
    let details = Details::decode(status.details()).unwrap_or_default().details.concat();
    let (code, text) = (u64::from(i32::from(status.code()).unsigned_abs()), status.message().to_owned());
    let is_simulated = text.starts_with(SIMULATED);
    Refusal { rpc: rpc.to_owned(), code, details, text, is_simulated, outcome_of, workflow_id }
}

fn unreachable() -> Status {
    Status::unavailable(format!("{SIMULATED}the connection broke"))
}

pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
