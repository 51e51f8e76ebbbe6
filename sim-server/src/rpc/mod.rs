//! The wire's side of the service. One [`table`] binds every RPC to the engine and gives its role. [`status`] gives the
//! engine's errors their code, text and typed detail, and [`reply`] encodes its answers. [`Service`] is the engine behind the
//! table, and [`Serve`] is the interface for what drives it.

use bytes::Bytes;
use http::HeaderMap;

use crate::engine::{Caller, Connection, time::Time};

mod reply;
mod serve;
mod service;
pub mod status;
pub mod table;

pub(crate) use reply::append;
pub use serve::{Answer, Serve, Served, first_come};
pub use service::Service;

/// The caller on this connection, according to the headers of a call.
pub fn caller_of(connection: Connection, headers: &HeaderMap) -> Caller {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut features = text("supported-features").split(',');
    Caller {
        connection,
        client_name: text("client-name").to_owned(),
        client_version: text("client-version").to_owned(),
        follows_next_run_id: features.any(|feature| feature.trim() == "follows-next-run-id"),
    }
}

/// One unary call as it came from the wire.
#[derive(Clone, Debug)]
pub struct Call {
    /// Full service name, such as `temporal.api.workflowservice.v1.WorkflowService`.
    pub service: String,
    /// Method name, such as `StartWorkflowExecution`.
    pub method: String,
    /// Who calls.
    pub caller: Caller,
    /// When the caller gives up (wall time), from the header `grpc-timeout`.
    pub deadline: Option<Time>,
    /// The request message, uncompressed.
    pub message: Bytes,
}
