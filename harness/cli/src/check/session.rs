//! A server and the worker beside it: started together, and ended together.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
};

use foretime_examine::{
    conduct::{self, Pollers},
    server::Server,
};
use foretime_server::proto::foretimeservice::AwaitWorkersResponse;
use tokio::time::Instant;

use super::{
    listener::Listener,
    options::Limits,
    worker::{Launch, Worker},
};
use crate::failure::Failure;

/// A server, and the worker beside it.
pub(super) struct Session {
    pub(super) server: Server,
    pub(super) worker: Supervised,
    listener: Listener,
    /// What the worker's program asked for that is not served, before it polled.
    pub(super) refused_calls: Vec<String>,
}

/// The worker, which is started again when it ends; nothing if the user has started it.
pub(super) struct Supervised(Option<Started>);

struct Started {
    launch: Launch,
    worker: Worker,
    restarts_left: u32,
}

/// A worker that ends again and again is started so many times more.
const RESTARTS: u32 = 3;
/// Lines of a worker's output that are shown when it has ended.
const LINES_SHOWN: usize = 12;

impl Session {
    /// Starts a server, and the worker with this command; without a command, the user starts it.
    ///
    /// # Errors
    /// The address is taken, or there is no such program.
    pub(super) fn start(address: Option<SocketAddr>, launch: Option<Launch>) -> Result<Self, Failure> {
        let server = Server::new().map_err(|error| Failure::Runtime(format!("cannot serve histories: {error}")))?;
        let listener = Listener::start(address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))), &server)?;
        let worker = match launch {
            None => None,
            Some(launch) => {
                let launch = Launch { address: listener.address(), ..launch };
                Some(Started { worker: Worker::start(&launch)?, launch, restarts_left: RESTARTS })
            }
        };
        Ok(Self { server, worker: Supervised(worker), listener, refused_calls: Vec::new() })
    }

    /// Waits until all `queues` are polled, or until no more come. Returns the workers by task queue.
    ///
    /// # Errors
    /// No worker polls at all: why, as far as that is known.
    pub(super) async fn attendance(&mut self, queues: &BTreeSet<String>, limits: &Limits) -> Result<Pollers, String> {
        let mut known = AwaitWorkersResponse::default();
        let mut until = Instant::now() + limits.worker_timeout;
        loop {
            let polled = |queue: &String| known.pollers.iter().any(|poller| poller.task_queue == *queue);
            if !known.pollers.is_empty() && queues.iter().all(polled) {
                break;
            }
            let left = until.saturating_duration_since(Instant::now());
            let news = tokio::select! {
                news = self.server.workers(known.version, left) => news,
                ended = self.worker.end() => match known.pollers.is_empty() {
                    true => return Err(format!("{ended} before it polled a task queue{}", self.why_no_poll(&known))),
                    false => None,
                },
            };
            let Some(news) = news else { break };
            if !news.pollers.is_empty() {
                until = until.min(Instant::now() + limits.queue_timeout);
            }
            known = news;
        }
        if known.pollers.is_empty() {
            let waited = limits.worker_timeout;
            return Err(format!("no worker has polled within {waited:?}{}", self.why_no_poll(&known)));
        }
        self.refused_calls.clone_from(&known.refused_calls);
        let mut by_queue: Pollers = BTreeMap::new();
        for poller in known.pollers {
            by_queue.entry(poller.task_queue.clone()).or_default().push(poller);
        }
        Ok(by_queue)
    }

    /// Ends the worker.
    pub(super) async fn stop(self) {
        self.worker.stop().await;
    }

    /// What else is known of a worker that does not poll.
    fn why_no_poll(&self, known: &AwaitWorkersResponse) -> String {
        let address = self.listener.address();
        let mut why = String::new();
        if !known.refused_calls.is_empty() {
            why += &format!(
                "; it called {}, and nothing begins on this server: who awaits the end of what it started waits for ever",
                known.refused_calls.join(", ")
            );
        }
        match &self.worker.0 {
            None => why += &format!("; start one that connects to {address}"),
            Some(started) => {
                if known.refused_calls.is_empty() {
                    why += &format!(
                        "; it was told the address {address} as TEMPORAL_ADDRESS; if it reads another variable or argument, write {{address}} \
                         into its command"
                    );
                }
                why += &last_lines(&started.worker);
            }
        }
        why
    }
}

impl conduct::Supervised for Supervised {
    /// A user who has started the worker ends it, too: nobody knows when.
    async fn ended(&mut self) -> (bool, String) {
        let how = self.end().await;
        let Some(started) = &mut self.0 else { return (true, how) };
        let lines = if started.launch.tells_output { last_lines(&started.worker) } else { String::new() };
        let how = format!("{how}{lines}");
        if started.restarts_left == 0 {
            return (true, how);
        }
        started.restarts_left -= 1;
        match Worker::start(&started.launch) {
            Ok(worker) => {
                started.worker = worker;
                (false, how)
            }
            Err(_) => (true, how),
        }
    }
}

impl Supervised {
    async fn end(&mut self) -> String {
        match &mut self.0 {
            Some(started) => match started.worker.ended().await {
                Some(status) => format!("the worker has ended ({status})"),
                None => "the worker has ended".to_owned(),
            },
            None => std::future::pending().await,
        }
    }

    /// Ends it for good.
    pub(super) async fn stop(self) {
        if let Some(started) = self.0 {
            started.worker.stop().await;
        }
    }
}

fn last_lines(worker: &Worker) -> String {
    let lines = worker.last_lines(LINES_SHOWN);
    if lines.is_empty() {
        return String::new();
    }
    let written = worker.written_bytes();
    let flood = if written > 1 << 20 { format!(", of {} MiB", written >> 20) } else { String::new() };
    format!("; its last lines{flood}:\n    {}", lines.join("\n    "))
}
