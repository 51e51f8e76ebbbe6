//! A message that reached the service, and its answer.

use bytes::Bytes;
use foretime_campaign::process::ProcessId;
use foretime_server::{engine::Connection, rpc::Answer};

/// One attempt of a call, as the service saw it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The life of the process that sent it.
    pub process: ProcessId,
    /// The connection on which it came.
    pub connection: Connection,
    /// The method of the RPC.
    pub method: String,
    /// The encoded request.
    pub request: Bytes,
    /// How long its caller waits from then on, in milliseconds; 0: for ever.
    pub timeout_ms: u64,
    /// When it reached the service; virtual nanoseconds since the start of the run.
    pub arrived_ns: u64,
    /// The place of its arrival among all arrivals and answers of the run: what has a smaller one was before.
    pub arrived_step: u64,
    /// When the service answered, the place of that, and the answer. `None`: it was given up before.
    pub answered: Option<(u64, u64, Answer)>,
    /// When the answer reached the process that asked. `None`: it never did, or nobody waited for it any more.
    pub reached_ns: Option<u64>,
}
