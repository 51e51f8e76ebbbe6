//! The wire's side of the service: one [`table`] binds every RPC to the engine; [`status`] gives its errors their code,
//! text and typed detail; [`reply`] encodes its answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use tonic::Status;

use crate::{
    config::Config,
    engine::{Engine, Order, RunView, Ticket, time::Time},
};

mod reply;
pub mod status;
pub mod table;

/// What a call's headers tell of who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The header `client-name`; empty if not sent.
    pub client_name: String,
    /// The header `supported-features` has `follows-next-run-id`: a close event may say which run follows.
    pub follows_next_run_id: bool,
}

impl Caller {
    /// Reads the headers.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut features = text("supported-features").split(',');
        Self {
            client_name: text("client-name").to_owned(),
            follows_next_run_id: features.any(|feature| feature.trim() == "follows-next-run-id"),
        }
    }
}

/// One unary call as it came off the wire.
#[derive(Clone, Debug)]
pub struct Call {
    /// Full service name, as `temporal.api.workflowservice.v1.WorkflowService`.
    pub service: String,
    /// Method name, as `StartWorkflowExecution`.
    pub method: String,
    /// Who calls.
    pub caller: Caller,
    /// When the caller gives up (wall time), from the header `grpc-timeout`.
    pub deadline: Option<Time>,
    /// The request message, uncompressed.
    pub message: Bytes,
}

/// The service: the engine behind the table. Pure: time comes in with each call, answers come out of a queue.
#[derive(Debug)]
pub struct Service {
    engine: Engine,
    rows: BTreeMap<(&'static str, &'static str), &'static table::Row>,
}

impl Service {
    /// A service with nothing in it but what the configuration names.
    ///
    /// # Errors
    /// The configuration cannot be honoured; the status says why.
    pub fn new(config: &Config) -> Result<Self, Status> {
        let engine = Engine::new(config).map_err(|error| status::status(&error))?;
        let rows = table::TABLE.iter().map(|row| ((row.service, row.method), row)).collect();
        Ok(Self { engine, rows })
    }

    /// Serves one call: its answer, or `None` if the call is parked; then the answer comes out of [`Self::next_answer`].
    pub fn call(&mut self, now: Time, call: Call, ticket: Ticket) -> Option<Result<Bytes, Status>> {
        self.call_in(now, call, ticket, &mut |_| 0)
    }

    /// [`Self::call`]; what it asks the server to do for several workflows is done in this order.
    pub fn call_in(&mut self, now: Time, call: Call, ticket: Ticket, order: &mut Order<'_>) -> Option<Result<Bytes, Status>> {
        self.engine.tick(now, order);
        let Some(row) = self.rows.get(&(call.service.as_str(), call.method.as_str())) else {
            return Some(Err(Status::unimplemented(format!("unknown method {} for service {}", call.method, call.service))));
        };
        let outcome = match row.handler {
            Some(handler) => handler(&mut self.engine, &call, ticket),
            None => Some(Err(table::unimplemented(row))),
        };
        self.engine.settle(order);
        outcome
    }

    /// Forgets a parked call whose caller went away (or whose deadline passed). No answer will come for it.
    pub fn abandon(&mut self, now: Time, ticket: Ticket) {
        self.abandon_in(now, ticket, &mut |_| 0);
    }

    /// [`Self::abandon`]; what is due for several workflows is done in this order.
    pub fn abandon_in(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>) {
        self.engine.tick(now, order);
        self.engine.abandon(ticket);
        self.engine.settle(order);
    }

    /// Runs everything that is due at `now` (wall time); where virtual time may skip, it skips to the next instant.
    pub fn advance(&mut self, now: Time) {
        self.advance_in(now, &mut |_| 0);
    }

    /// [`Self::advance`]; what comes of it for several workflows is done in this order.
    pub fn advance_in(&mut self, now: Time, order: &mut Order<'_>) {
        self.engine.advance(now, order);
    }

    /// When (wall time) [`Self::advance`] wants to be called next, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Time> {
        self.engine.next_deadline()
    }

    /// Virtual now.
    pub fn virtual_now(&self) -> Time {
        self.engine.now()
    }

    /// Every run, in the order in which they began.
    pub fn runs(&self) -> impl Iterator<Item = RunView<'_>> {
        self.engine.runs()
    }

    /// The next finished parked call.
    pub fn next_answer(&mut self) -> Option<(Ticket, Result<Bytes, Status>)> {
        let (ticket, answer) = self.engine.next_answer()?;
        Some((ticket, answer.map(|reply| reply::encode(&reply)).map_err(|error| status::status(&error))))
    }
}
