//! The wire's side of the service: one table binds every RPC to the engine.

pub mod status;

use bytes::Bytes;
use tonic::Status;

use crate::engine::{Ticket, time::Time};

/// One unary call as it came off the wire.
#[derive(Clone, Debug)]
pub struct Call {
    /// Full service name, as `temporal.api.workflowservice.v1.WorkflowService`.
    pub service: String,
    /// Method name, as `StartWorkflowExecution`.
    pub method: String,
    /// The header `client-name`; empty if not sent.
    pub client_name: String,
    /// When the caller gives up (wall time), from the header `grpc-timeout`.
    pub deadline: Option<Time>,
    /// The request message, uncompressed.
    pub message: Bytes,
}

/// The service: the engine behind the table. Pure: time comes in with each call, answers come out of a queue.
#[derive(Debug)]
pub struct Service {}

impl Service {
    /// Serves one call: its answer, or `None` if the call is parked; then the answer comes out of [`Self::next_answer`].
    pub fn call(&mut self, now: Time, call: Call, ticket: Ticket) -> Option<Result<Bytes, Status>> {
        let _ = (now, call, ticket);
        Some(Err(Status::unimplemented("soon")))
    }

    /// Forgets a parked call whose caller went away (or whose deadline passed). No answer will come for it.
    pub fn abandon(&mut self, now: Time, ticket: Ticket) {
        let _ = (now, ticket);
    }

    /// Runs everything that is due at `now` (wall time), and skips virtual time where that is allowed.
    pub fn advance(&mut self, now: Time) {
        let _ = now;
    }

    /// When (wall time) [`Self::advance`] wants to be called next, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Time> {
        None
    }

    /// The next finished parked call.
    pub fn next_answer(&mut self) -> Option<(Ticket, Result<Bytes, Status>)> {
        None
    }
}
