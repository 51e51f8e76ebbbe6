//! `foretime time`: a hand on the clock of a running server, from any shell.

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::{Args, Subcommand};
use foretime_server::proto::{
    Rpc,
    foretimeservice::{
        ExplainTimeRequest, ExplainTimeResponse, GetTimeRequest, SettleRequest, SettleResponse, SkipTimeRequest,
    },
};
use hyper::{client::conn::http2, http::Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::{Code, Status, body::Body};

use crate::{
    failure::{Failure, warn},
    values,
};

const EXAMPLES: &str = "\
Examples:
  foretime time now
  foretime time skip 30d --settle
      A month passes; then waits until workers have done all that there is to do.

  foretime time why --address 127.0.0.1:7233
      Says what holds time, what falls due next, and what time skipped to lately.";

/// A skip that takes longer says why, on stderr.
const STANDSTILL: Duration = Duration::from_secs(2);

/// Read and move the virtual clock of a running server
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Time {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the virtual time
    Now(At),
    /// Skip this much virtual time, such as 90s, 1h30m or 30d; all that falls due on the way happens
    Skip {
        /// How much to skip
        #[arg(value_name = "DURATION", value_parser = values::span)]
        duration: Duration,

        /// Wait until workers have done all that there is to do then
        #[arg(long)]
        settle: bool,

        /// How long, in real time, to wait for workers at most
        #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::span)]
        timeout: Duration,

        #[command(flatten)]
        at: At,
    },
    /// Wait until workers have done all that there is to do now; virtual time is not skipped
    Settle {
        /// How long, in real time, to wait at most
        #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::span)]
        timeout: Duration,

        #[command(flatten)]
        at: At,
    },
    /// Say why virtual time stands still
    Why(At),
}

/// Which server, and how to print.
#[derive(Args, Debug)]
struct At {
    /// The server's address
    #[arg(long, value_name = "HOST:PORT", env = "TEMPORAL_ADDRESS", default_value = "127.0.0.1:7233")]
    address: String,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Time {
    /// Does what is asked.
    ///
    /// # Errors
    /// There is no server, it refuses, or [`Command::Settle`] has waited in vain.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|error| Failure::Runtime(format!("cannot start: {error}")))?;
        runtime.block_on(self.command.run())
    }
}

impl Command {
    async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Now(at) => {
                let reply = at.connect().await?.call(GetTimeRequest {}).await?;
                at.print(&reply, || words(reply.time.as_ref()))
            }
            Self::Skip { duration, settle, timeout, at } => {
                let mut server = at.connect().await?;
                let reply = server.skip(duration).await?;
                if settle {
                    return at.settled(&server.settle(timeout).await?);
                }
                at.print(&reply, || words(reply.time.as_ref()))
            }
            Self::Settle { timeout, at } => at.settled(&at.connect().await?.settle(timeout).await?),
            Self::Why(at) => {
                let reply = at.connect().await?.call(ExplainTimeRequest {}).await?;
                at.print(&reply, || explained(&reply))
            }
        }
    }
}

impl At {
    async fn connect(&self) -> Result<Server, Failure> {
        let Self { address, .. } = self;
        let unreachable = |error: &dyn std::error::Error| {
            Failure::Runtime(format!("no server at {address}: {error}; start one, or name another with --address"))
        };
        let origin = format!("http://{address}").parse().map_err(|error| unreachable(&error))?;
        let stream = TcpStream::connect(address).await.map_err(|error| unreachable(&error))?;
        // Not tonic's channel: it would link TLS into the program, and reconnect, which nobody wants here.
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| unreachable(&error))?;
        tokio::spawn(connection);
        Ok(Server { sender, origin, address: address.clone() })
    }

    fn print(&self, reply: &impl serde::Serialize, in_words: impl FnOnce() -> String) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(reply).map_err(|error| Failure::Runtime(format!("cannot write JSON: {error}")))?
        } else {
            in_words()
        };
        // A reader who closed the pipe early has read enough.
        let _ = writeln!(io::stdout(), "{text}");
        Ok(())
    }

    fn settled(&self, reply: &SettleResponse) -> Result<(), Failure> {
        self.print(reply, || words(reply.time.as_ref()))?;
        if reply.settled { Ok(()) } else { Err(Failure::Runtime(format!("still under way: {}", reply.in_flight.join("; ")))) }
    }
}

/// A server that is connected.
#[derive(Clone)]
struct Server {
    sender: http2::SendRequest<Body>,
    origin: Uri,
    address: String,
}

impl Server {
    async fn call<R: Rpc>(&mut self, request: R) -> Result<R::Reply, Failure> {
        let sender = self.sender.clone();
        let service = tower::service_fn(move |request| sender.clone().send_request(request));
        let mut client = tonic::client::Grpc::with_origin(service, self.origin.clone());
        let path = hyper::http::uri::PathAndQuery::from_static(R::PATH);
        let ready = client.ready().await.map_err(|error| Failure::Runtime(format!("{}: {error}", self.address)));
        ready?;
        let codec = tonic_prost::ProstCodec::<R, R::Reply>::default();
        let reply = client.unary(tonic::Request::new(request), path, codec).await;
        reply.map(tonic::Response::into_inner).map_err(|status| self.refused(&status))
    }

    fn refused(&self, status: &Status) -> Failure {
        let Self { address, .. } = self;
        Failure::Runtime(match status.code() {
            Code::Unimplemented => format!("the server at {address} is no Foretime server"),
            _ => format!("the server at {address} refused: {}", status.message()),
        })
    }

    /// Skips, and says why if that takes long.
    async fn skip(&mut self, duration: Duration) -> Result<foretime_server::proto::foretimeservice::SkipTimeResponse, Failure> {
        let duration = duration.try_into().map_err(|_| Failure::Usage("that is too long".to_owned()))?;
        let mut other = self.clone();
        let skip = self.call(SkipTimeRequest { duration: Some(duration) });
        let mut skip = std::pin::pin!(skip);
        if let Ok(done) = tokio::time::timeout(STANDSTILL, &mut skip).await {
            return done;
        }
        let why = other.call(ExplainTimeRequest {}).await?;
        warn(&format!("time has not come there within two seconds: {}", why.reasons.join("; ")));
        skip.await
    }

    async fn settle(&mut self, timeout: Duration) -> Result<SettleResponse, Failure> {
        let timeout = timeout.try_into().map_err(|_| Failure::Usage("that is too long".to_owned()))?;
        self.call(SettleRequest { timeout: Some(timeout) }).await
    }
}

fn words(time: Option<&prost_types::Timestamp>) -> String {
    time.map(ToString::to_string).unwrap_or_default()
}

/// The explanation, for people.
fn explained(why: &ExplainTimeResponse) -> String {
    let mut lines = vec![format!("now:   {} ({})", words(why.time.as_ref()), why.mode)];
    lines.push(match (why.skips, &why.next_deadline) {
        (true, Some(_)) => "time:  skips".to_owned(),
        (true, None) => "time:  would skip, but nothing is due".to_owned(),
        (false, _) => "time:  does not skip".to_owned(),
    });
    lines.extend(why.reasons.iter().map(|reason| format!("       - {reason}")));
    let waiting = [
        (why.awaited_workflow_count, "calls await the end of a workflow"),
        (why.awaited_update_count, "calls await the outcome of an update"),
        (why.sleep_count, "calls sleep in virtual time"),
    ];
    lines.extend(waiting.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("waits: {count} {what}")));
    if let Some(next) = &why.next_deadline {
        lines.push(format!("next:  {} {}", words(next.time.as_ref()), next.name));
    }
    lines.extend(why.locks.iter().map(|lock| format!("lock:  {:+} {} {}", lock.count, lock.client_name, lock.identity)));
    lines.extend(why.work.iter().map(|work| {
        let held = if work.holds_time { "" } else { ", time does not wait for it" };
        let (name, queue, polls) = (&work.name, &work.task_queue, work.poller_count);
        format!("work:  {name} at {}; {polls} polls on task queue {queue}{held}", work.identity)
    }));
    lines.extend(why.queues.iter().map(|queue| {
        let (name, kind) = (&queue.task_queue, &queue.task_queue_type);
        format!(
            "queue: {name} ({kind}): {} tasks, {} polls, {} workers",
            queue.task_count, queue.poller_count, queue.worker_count
        )
    }));
    let last = why.skips_before.iter();
    lines.extend(
        last.map(|skip| format!("skip:  {} to {} for {}", words(skip.from.as_ref()), words(skip.to.as_ref()), skip.name)),
    );
    lines.join("\n")
}
