//! A Temporal server as a node of madsim's network, and its client.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use foretime_server::{
    config::{Config, TimeMode},
    engine::{Caller, Connection, time::Time},
    proto::Rpc,
    rpc::{Answer, Service},
    shell::front::{Begun, Front, Incoming},
};
use futures_util::{Stream, stream};
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};
use tonic::{
    Request, Response, Status, async_trait,
    transport::{Channel, Endpoint, Server},
};

use crate::{
    TEMPORAL,
    carrier::{Reply, Request as Carried, carrier_client::CarrierClient, carrier_server, carrier_server::CarrierServer},
    trace,
};

/// The longest sleep of the driver.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// The server. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Temporal(Arc<Inner>);

struct Inner {
    front: Mutex<Front<oneshot::Sender<Answer>>>,
    wake: Notify,
}

// README server: begin
impl Temporal {
    /// A server whose ids come from `seed`. Its time is madsim's.
    pub fn new(seed: u64) -> Result<Self, Status> {
        // madsim's clock jumps to what is next by itself, so the server need not skip time.
        let service = Service::boxed(&Config { time: TimeMode::Paced, graces: None, seed, ..Config::default() })?;
        Ok(Self(Arc::new(Inner { front: Mutex::new(Front::new(service)), wake: Notify::new() })))
    }

    /// What the server is made of. Do not hold it across an `await`.
    pub fn front(&self) -> MutexGuard<'_, Front<oneshot::Sender<Answer>>> {
        self.0.front.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves until the node ends.
    pub async fn serve(self, address: SocketAddr) {
        tokio::spawn(self.clone().drive());
        Server::builder().add_service(CarrierServer::new(self)).serve(address).await.expect("the address is free");
    }

    /// Runs what falls due: timers, timeouts, the ends of long polls.
    async fn drive(self) {
        loop {
            let next = self.enter(|front, now| {
                front.run_due(now).unwrap_or_else(|text| panic!("the server panicked: {text}"));
                front.next_due()
            });
            let idle = next.map_or(LONGEST_SLEEP, |due| due.since(now()).min(LONGEST_SLEEP));
            let _ = timeout(idle, self.0.wake.notified()).await;
        }
    }

    /// Does `work`, then hands out the answers that came of it.
    fn enter<R>(&self, work: impl FnOnce(&mut Front<oneshot::Sender<Answer>>, Time) -> R) -> R {
        let mut front = self.front();
        let done = work(&mut front, now());
        while let Some((caller, answer)) = front.next_answer() {
            // If its receiver is gone, the caller has given up.
            let _ = caller.send(answer);
        }
        done
    }

    /// Serves one call, on a connection of its own: when this is dropped, the connection closes and the call is given up.
    async fn answer(self, call: Carried) -> Result<Reply, Status> {
        let connection = self.front().connect();
        let _open = Open { temporal: self.clone(), connection };
        let (sender, receiver) = oneshot::channel();
        let incoming = Incoming {
            service: &call.service,
            method: &call.method,
            caller: Caller { connection, ..Caller::default() },
            timeout: Some(Duration::from_millis(call.timeout_ms)),
            message: call.message.into(),
        };
        let begun = self.enter(|front, now| front.call(now, incoming, || sender));
        self.0.wake.notify_one();
        let answer = match begun {
            Begun::Answered(answer) => answer,
            Begun::Parked(_) => receiver.await.unwrap_or_else(|_| Err(Status::internal("the server forgot the call"))),
        };
        trace::add(answer.as_ref().map_or_else(|refusal| refusal.message().as_bytes(), |message| message));
        Ok(Reply { message: answer?.to_vec() })
    }
}

/// An open connection.
struct Open {
    temporal: Temporal,
    connection: Connection,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.temporal.enter(|front, now| front.closed(now, self.connection));
        self.temporal.0.wake.notify_one();
    }
}
// README server: end

#[async_trait]
impl carrier_server::Carrier for Temporal {
    type CallStream = Pin<Box<dyn Stream<Item = Result<Reply, Status>> + Send>>;

    async fn call(&self, request: Request<Carried>) -> Result<Response<Self::CallStream>, Status> {
        let call = request.into_inner();
        trace::add(call.method.as_bytes());
        trace::add(&call.message);
        Ok(Response::new(Box::pin(stream::once(self.clone().answer(call)))))
    }
}

/// A client of the server.
#[derive(Clone)]
pub struct Client(CarrierClient<Channel>);

impl Client {
    /// A client that connects with each call.
    pub fn new() -> Self {
        Self(CarrierClient::new(Endpoint::from_static(TEMPORAL).connect_lazy()))
    }

    /// Makes one attempt of a call.
    pub async fn call<R: Rpc>(&self, request: R, patience: Duration) -> Result<R::Reply, Status> {
        let carried = Carried {
            service: R::SERVICE.to_owned(),
            method: R::METHOD.to_owned(),
            message: request.encode_to_vec(),
            timeout_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
        };
        let mut client = self.0.clone();
        let reply = async {
            let mut replies = client.call(carried).await?.into_inner();
            replies.message().await?.ok_or_else(|| Status::unavailable("the connection was lost"))
        };
        let reply = timeout(patience, reply).await.map_err(|_| Status::deadline_exceeded("no answer in time"))??;
        prost::Message::decode(reply.message.as_slice()).map_err(|error| Status::internal(error.to_string()))
    }
}

/// The time of the server: madsim's wall clock.
fn now() -> Time {
    Time::EPOCH + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
