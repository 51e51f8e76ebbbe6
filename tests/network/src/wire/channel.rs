//! A process's way to the service. It connects when it is needed, connects again when it was broken, and gives a call up at its
//! deadline, as the channels of gRPC do. All callers of a process share one connection.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use foretime_campaign::{log::Passage, process::ProcessId};
use foretime_server::rpc::Answer;
use futures_util::FutureExt;
use madsim::{
    net::{Endpoint, Receiver, Sender},
    task, time,
};
use tokio::sync::oneshot;
use tonic::Status;

use super::frame::{Frame, Load, Request};
use crate::world::Shared;

/// How often a client asks whether the other side is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A connection on which nothing came for this long is given up.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// The header `client-name`.
const CLIENT_NAME: &str = "foretime-network";

/// The way to the service. Cheap to clone.
#[derive(Clone)]
pub struct Channel {
    inner: Arc<Inner>,
}

struct Inner {
    world: Shared,
    process: ProcessId,
    server: SocketAddr,
    state: Mutex<State>,
    /// Held while somebody connects, so that the others wait for that.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// How many connections there were.
    connections_count: u64,
    last_id: u64,
}

struct Connection {
    number: u64,
    sender: Sender,
    waiting: BTreeMap<u64, oneshot::Sender<Answer>>,
    heard_at: time::Instant,
}

impl Channel {
    /// The way of this process to the service at this address.
    pub fn new(world: Shared, process: ProcessId, server: SocketAddr) -> Self {
        let (state, connecting) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { inner: Arc::new(Inner { world, process, server, state, connecting }) }
    }

    /// The process whose way it is.
    pub fn process(&self) -> ProcessId {
        self.inner.process
    }

    /// The world.
    pub fn world(&self) -> &Shared {
        &self.inner.world
    }

    /// Which of its connections is up, if one is.
    pub fn connection_number(&self) -> Option<u64> {
        self.lock().connection.as_ref().map(|connection| connection.number)
    }

    /// Calls once.
    ///
    /// # Errors
    /// The service's refusal; `UNAVAILABLE` if it cannot be reached, or the connection breaks; `DEADLINE_EXCEEDED` after `timeout`.
    pub async fn call(&self, service: &str, method: &str, message: Bytes, timeout: Duration) -> Answer {
        let answer = time::timeout(timeout, self.call_in_time(service, method, message, timeout)).await;
        answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("Timeout expired")))
    }

    async fn call_in_time(&self, service: &str, method: &str, message: Bytes, timeout: Duration) -> Answer {
        self.connect().await?;
        let (answered, answer) = oneshot::channel();
        let id = {
            let mut state = self.lock();
            state.last_id += 1;
            let id = state.last_id;
            let Some(connection) = &mut state.connection else { return Err(broken()) };
            self.inner.world.lock().message(self.inner.process, Passage::Sent, method, &message);
            let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            let (service, method, client_name) = (service.to_owned(), method.to_owned(), CLIENT_NAME.to_owned());
            let process = self.inner.process.0;
            connection.waiting.insert(id, answered);
            connection.send(Load::Request(Request { id, service, method, timeout_ms, message, client_name, process }));
            id
        };
        let given_up = GivenUp { channel: self, id };
        let answer = answer.await.unwrap_or_else(|_| Err(broken()));
        drop(given_up);
        answer
    }

    /// Connects, unless it is connected.
    async fn connect(&self) -> Result<(), Status> {
        let _alone = self.inner.connecting.lock().await;
        if self.lock().connection.is_some() {
            return Ok(());
        }
        let refused = |_| Status::unavailable("the server cannot be reached");
        let endpoint = Endpoint::bind(SocketAddr::from(([0, 0, 0, 0], 0))).await.map_err(refused)?;
        let (sender, receiver) = endpoint.connect1(self.inner.server).await.map_err(refused)?;
        let number = {
            let mut state = self.lock();
            state.connections_count += 1;
            let number = state.connections_count;
            state.connection = Some(Connection { number, sender, waiting: BTreeMap::new(), heard_at: time::Instant::now() });
            number
        };
        task::spawn(self.clone().listen(number, receiver));
        task::spawn(self.clone().keep_alive(number));
        Ok(())
    }

    /// Hands out what comes on a connection until it breaks.
    async fn listen(self, number: u64, mut receiver: Receiver) {
        while let Ok(payload) = receiver.recv().await {
            let mut state = self.lock();
            let Some(connection) = state.connection.as_mut().filter(|it| it.number == number) else { return };
            connection.heard_at = time::Instant::now();
            if let Some(Load::Reply(reply)) = Frame::from_payload(payload)
                && let Some(waiting) = connection.waiting.remove(&reply.id)
            {
                let mut world = self.inner.world.lock();
                let now_ns = world.now_ns();
                if let Some(exchange) = usize::try_from(reply.exchange).ok().and_then(|it| world.record.exchanges.get_mut(it)) {
                    exchange.reached_ns = Some(now_ns);
                }
                let _ = waiting.send(reply.into_answer());
            }
        }
        self.drop_connection(number);
    }

    /// Gives a connection up on which nothing is heard any more.
    async fn keep_alive(self, number: u64) {
        loop {
            time::sleep(PING_EVERY).await;
            {
                let mut state = self.lock();
                let Some(connection) = state.connection.as_mut().filter(|it| it.number == number) else { return };
                if connection.heard_at.elapsed() > SILENCE_MAX {
                    break;
                }
                connection.send(Load::Ping(true));
            }
        }
        self.drop_connection(number);
    }

    /// Those who wait on it hear that it broke.
    fn drop_connection(&self, number: u64) {
        let mut state = self.lock();
        if state.connection.as_ref().is_some_and(|it| it.number == number) {
            state.connection = None;
        }
    }

    /// Breaks the connection, from this side.
    pub fn reset(&self) {
        self.lock().connection = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn send(&self, load: Load) {
        // If the peer is gone, that is noticed by who listens.
        let _ = self.sender.send(Frame::from(load).into_payload()).now_or_never();
    }
}

/// Tells the service when a call is given up before its answer.
struct GivenUp<'a> {
    channel: &'a Channel,
    id: u64,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        let Channel { inner } = self.channel;
        // Who is killed says nothing any more.
        if let Some(connection) = &mut self.channel.lock().connection
            && connection.waiting.remove(&self.id).is_some()
            && inner.world.lock().is_alive(inner.process)
        {
            connection.send(Load::Cancel(self.id));
        }
    }
}

fn broken() -> Status {
    Status::unavailable("transport error: the connection broke")
}
