//! The interface between a Temporal service and what drives it: the shell, the simulated wire, tests.

use bytes::Bytes;
use tonic::Status;

use super::Call;
use crate::engine::{Connection, Notice, Order, Ticket, View, time::Time};

/// The result of a call: the reply message, or the status that the wire carries.
pub type Answer = Result<Bytes, Status>;

/// The outcome of [`Serve::call`].
#[derive(Debug)]
pub enum Served {
    /// Answered at once.
    Now(Answer),
    /// Parked. [`Serve::next_answer`] will give the answer under this ticket.
    Parked(Ticket),
}

/// A Temporal service without time, threads or sockets of its own.
///
/// `now` is wall time, and never runs backwards. `order` decides the order of what is due for several workflows. There are no
/// other inputs: whoever records these calls can repeat them.
pub trait Serve: Send {
    /// Serves one call.
    fn call(&mut self, now: Time, call: Call, order: &mut Order<'_>) -> Served;

    /// A client's connection has closed, so its parked calls are given up.
    fn closed(&mut self, now: Time, connection: Connection, order: &mut Order<'_>);

    /// Forgets a parked call whose caller went away or whose deadline passed. No answer will come for it.
    fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>);

    /// Runs everything that is due at `now`. Where virtual time may skip, it skips to the next instant.
    fn advance(&mut self, now: Time, order: &mut Order<'_>);

    /// The wall time at which [`Self::advance`] must be called next, if nothing else happens before.
    fn next_deadline(&self) -> Option<Time>;

    /// The next finished parked call.
    fn next_answer(&mut self) -> Option<(Ticket, Answer)>;

    /// The next line for the log. Who does not want them need not ask: the last hundred are kept.
    fn next_notice(&mut self) -> Option<Notice>;

    /// A view of the state.
    fn view(&self) -> View<'_>;
}

/// The default order: what came first is done first.
pub fn first_come(_count: usize) -> usize {
    0
}
