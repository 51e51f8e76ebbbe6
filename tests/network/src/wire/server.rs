//! The service as a node of the network. What serves is the real shell's `Front`; here are its clock, which stands while the machine
//! does, its connections, and the driver that wakes when something is due.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foretime_campaign::{
    choices::Label,
    finding::{Panicked, Whose, Wrong},
    log::{Passage, Refusal},
    process::ProcessId,
};
use foretime_server::{
    engine::{Caller, Connection, Ticket, View, time::Time},
    rpc::{Answer, Serve},
    shell::front::{Begun, Front, Incoming},
};
use futures_util::FutureExt;
use madsim::{
    net::{Endpoint, Receiver, Sender},
    task, time,
};
use tokio::sync::Notify;

use super::frame::{Frame, Load, Reply, Request};
use crate::{
    record::exchange::Exchange,
    world::{STARTS_AT, Shared},
};

/// Where the service listens.
pub const PORT: u16 = 7233;
/// The longest sleep of the driver.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);
/// How long the driver rests after a panic of the service.
const REST_AFTER_PANIC: Duration = Duration::from_millis(100);
/// The server closes a connection on which nothing came for this long. Clients ping more often.
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// The longest time until the server notices that a peer is gone, once the news can reach it.
const NOTICED_AFTER_MAX: Duration = Duration::from_secs(60);

/// The service at work. It outlives its node, so that it can be looked at in the end.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    world: Shared,
    state: Mutex<State>,
    wake: Notify,
}

struct State {
    front: Front<Waiter>,
    senders: BTreeMap<Connection, Sender>,
    /// The parked calls, by connection and number.
    parked: BTreeMap<(Connection, u64), (Ticket, usize)>,
    /// For how long the machine has stood still in all.
    stood: Duration,
    /// A panic of the service has been found.
    has_panicked: bool,
}

/// Who waits for the answer to a parked call.
#[derive(Debug)]
struct Waiter {
    connection: Connection,
    id: u64,
    /// Its place in the record.
    exchange: usize,
}

impl Server {
    /// A service that nobody has reached yet.
    pub fn new(world: Shared, service: Box<dyn Serve>) -> Self {
        let state = State {
            front: Front::new(service),
            senders: BTreeMap::new(),
            parked: BTreeMap::new(),
            stood: Duration::ZERO,
            has_panicked: false,
        };
        Self { inner: Arc::new(Inner { world, state: Mutex::new(state), wake: Notify::new() }) }
    }

    /// Listens and drives, on the node that calls this, for ever.
    pub async fn run(self) {
        let Ok(endpoint) = Endpoint::bind(SocketAddr::from(([0, 0, 0, 0], PORT))).await else { return };
        task::spawn(self.clone().drive());
        while let Ok((sender, receiver, _)) = endpoint.accept1().await {
            let connection = {
                let mut state = self.lock();
                let connection = state.front.connect();
                state.senders.insert(connection, sender);
                connection
            };
            task::spawn(self.clone().listen(connection, receiver));
        }
    }

    /// Reads what comes on a connection until it is closed.
    async fn listen(self, connection: Connection, mut receiver: Receiver) {
        let is_peer_gone = loop {
            let received = time::timeout(SILENCE_MAX, receiver.recv()).await;
            match received {
                // Nothing came for long, or it was broken here.
                Err(_) => break false,
                Ok(_) if !self.is_open(connection) => break false,
                Ok(Err(_)) => break true,
                Ok(Ok(payload)) => self.take(connection, Frame::from_payload(payload)),
            }
        };
        self.lock().senders.remove(&connection);
        if is_peer_gone {
            // The news takes a while.
            let noticed_after = self.inner.world.lock().choices.span(Label::CrashNoticed, Duration::ZERO, NOTICED_AFTER_MAX);
            time::sleep(noticed_after).await;
        }
        self.close(connection);
    }

    fn take(&self, connection: Connection, load: Option<Load>) {
        match load {
            Some(Load::Request(request)) => self.begin(connection, request),
            Some(Load::Cancel(id)) => self.cancel(connection, id),
            Some(Load::Ping(_)) => self.lock().send(connection, Load::Pong(true)),
            Some(Load::Pong(_) | Load::Reply(_)) | None => {}
        }
    }

    fn begin(&self, connection: Connection, request: Request) {
        let process = ProcessId(request.process);
        let exchange = self.note_arrival(connection, process, &request);
        let mut state = self.lock();
        let now = state.now(&self.inner.world);
        let caller = Caller { connection, client_name: request.client_name, ..Caller::default() };
        let incoming = Incoming {
            service: &request.service,
            method: &request.method,
            caller,
            timeout: (request.timeout_ms > 0).then(|| Duration::from_millis(request.timeout_ms)),
            message: request.message,
        };
        let waiter = Waiter { connection, id: request.id, exchange };
        match state.front.call(now, incoming, || waiter) {
            Begun::Answered(answer) => self.answer(&mut state, connection, request.id, exchange, answer),
            Begun::Parked(ticket) => {
                state.parked.insert((connection, request.id), (ticket, exchange));
            }
        }
        self.settle(state);
    }

    fn note_arrival(&self, connection: Connection, process: ProcessId, request: &Request) -> usize {
        let mut world = self.inner.world.lock();
        world.message(process, Passage::Arrived, &request.method, &request.message);
        let (arrived_ns, arrived_step) = (world.now_ns(), world.log.steps());
        world.record.exchanges.push(Exchange {
            process,
            connection,
            method: request.method.clone(),
            request: request.message.clone(),
            timeout_ms: request.timeout_ms,
            arrived_ns,
            arrived_step,
            answered: None,
            reached_ns: None,
        });
        world.record.exchanges.len() - 1
    }

    /// Sends an answer, and notes it.
    fn answer(&self, state: &mut State, connection: Connection, id: u64, exchange: usize, answer: Answer) {
        {
            let mut world = self.inner.world.lock();
            let at_ns = world.now_ns();
            let Exchange { process, method, .. } = &world.record.exchanges[exchange];
            let (process, rpc) = (*process, method.clone());
            match &answer {
                Ok(message) => world.message(process, Passage::Answered, &rpc, message),
                Err(status) => {
                    let (code, details) = (i32::from(status.code()).unsigned_abs().into(), status.details().to_vec());
                    let text = status.message().to_owned();
                    let refusal =
                        Refusal { rpc, code, details, text, is_simulated: false, outcome_of: None, workflow_id: None };
                    world.log.refusal(at_ns, process, refusal);
                }
            }
            let step = world.log.steps();
            world.record.exchanges[exchange].answered = Some((at_ns, step, answer.clone()));
        }
        state.send(connection, Load::Reply(Reply::of(id, exchange as u64, answer)));
    }

    /// A caller gives up.
    fn cancel(&self, connection: Connection, id: u64) {
        let mut state = self.lock();
        if let Some((ticket, exchange)) = state.parked.remove(&(connection, id)) {
            self.inner.world.lock().record.given_up.insert(exchange);
            let now = state.now(&self.inner.world);
            state.front.abandon(now, ticket);
        }
        self.settle(state);
    }

    /// A connection is no more.
    fn close(&self, connection: Connection) {
        let mut state = self.lock();
        state.senders.remove(&connection);
        {
            let mut world = self.inner.world.lock();
            let of_it = state.parked.iter().filter(|((of, _), _)| *of == connection);
            world.record.given_up.extend(of_it.map(|(_, (_, exchange))| *exchange));
        }
        state.parked.retain(|(of, _), _| *of != connection);
        let now = state.now(&self.inner.world);
        state.front.closed(now, connection);
        self.settle(state);
    }

    /// Hands out the answers that are there, and has the driver look again at what is due.
    fn settle(&self, mut state: MutexGuard<'_, State>) {
        self.hand_out(&mut state);
        drop(state);
        self.inner.wake.notify_one();
    }

    fn hand_out(&self, state: &mut State) {
        while let Some((Waiter { connection, id, exchange }, answer)) = state.front.next_answer() {
            state.parked.remove(&(connection, id));
            self.answer(state, connection, id, exchange, answer);
        }
        while state.front.next_notice().is_some() {}
        self.find_panic(state);
    }

    /// `Front` answers a call that panicked with `INTERNAL`, which callers try again: without this nobody might ever hear of it.
    fn find_panic(&self, state: &mut State) {
        let Some(first) = state.front.first_panic().filter(|_| !state.has_panicked) else { return };
        let (process, thread) = ("server".to_owned(), "main".to_owned());
        let (message, place) = (first.message.clone(), first.amid.clone());
        let panicked = Panicked { process, whose: Whose::User, message, amid: None, thread, place };
        state.has_panicked = true;
        self.inner.world.lock().find(None, Wrong::Panicked(Box::new(panicked)));
    }

    /// Runs what is due, and sleeps until something is.
    async fn drive(self) {
        loop {
            let idle = {
                let mut state = self.lock();
                let now = state.now(&self.inner.world);
                let outcome = state.front.run_due(now);
                self.hand_out(&mut state);
                let idle = state.front.next_due().map_or(LONGEST_SLEEP, |due| due.since(now).min(LONGEST_SLEEP));
                if outcome.is_err() { idle.max(REST_AFTER_PANIC) } else { idle }
            };
            if idle.is_zero() {
                // Something is due again at once, as while time skips. Those who were answered get their turn first.
                task::yield_now().await;
            } else {
                let _ = time::timeout(idle, self.inner.wake.notified()).await;
            }
        }
    }

    /// The machine has stood still for this long, and its clock with it.
    pub fn stood(&self, span: Duration) {
        self.lock().stood += span;
        let mut world = self.inner.world.lock();
        let stood = (world.now_ns(), u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
        world.record.stood.push(stood);
    }

    /// Breaks all connections, from this side: what is on its way is lost.
    pub fn reset(&self) {
        self.lock().senders.clear();
    }

    fn is_open(&self, connection: Connection) -> bool {
        self.lock().senders.contains_key(&connection)
    }

    /// Looks at the service from inside.
    pub fn look<R>(&self, look: impl FnOnce(View<'_>) -> R) -> R {
        look(self.lock().front.view())
    }

    /// How many calls are parked, and how many connections are open.
    pub fn waiting(&self) -> (usize, usize) {
        let state = self.lock();
        (state.front.parked_count(), state.senders.len())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The clock of the machine.
    fn now(&self, world: &Shared) -> Time {
        let now_ns = world.lock().now_ns();
        let stood_ns = u64::try_from(self.stood.as_nanos()).unwrap_or(u64::MAX);
        STARTS_AT.time(now_ns.saturating_sub(stood_ns))
    }

    fn send(&mut self, connection: Connection, load: Load) {
        // If the peer is gone, the answer is lost.
        if let Some(sender) = self.senders.get(&connection) {
            let _ = sender.send(Frame::from(load).into_payload()).now_or_never();
        }
    }
}
