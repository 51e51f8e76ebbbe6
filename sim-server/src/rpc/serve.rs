//! The hinge between a Temporal service and who drives it: the shell, the simulated wire, tests.

use std::fmt::Debug;

use bytes::Bytes;
use tonic::Status;

use super::Call;
use crate::engine::{Connection, Order, Ticket, View, time::Time};

/// What a call comes to: the reply message, or the status that the wire carries.
pub type Answer = Result<Bytes, Status>;

/// What [`Serve::call`] gives.
#[derive(Debug)]
pub enum Served {
    /// Answered at once.
    Now(Answer),
    /// Parked; the answer comes out of [`Serve::next_answer`] under this ticket.
    Parked(Ticket),
}

/// A Temporal service without time, threads or sockets of its own.
///
/// `now` is wall time, and does not run backwards. `order` says in which order comes about what is to be done for several workflows.
/// Nothing else goes in: whoever keeps these calls can repeat them.
pub trait Serve: Debug + Send {
    /// Serves one call.
    fn call(&mut self, now: Time, call: Call, order: &mut Order<'_>) -> Served;

    /// A client's connection has closed: its parked calls are given up.
    fn closed(&mut self, now: Time, connection: Connection, order: &mut Order<'_>);

    /// Forgets a parked call whose caller went away, or whose deadline passed. No answer will come for it.
    fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>);

    /// Runs everything that is due at `now`; where virtual time may skip, it skips to the next instant.
    fn advance(&mut self, now: Time, order: &mut Order<'_>);

    /// When (wall) [`Self::advance`] wants to be called next, if nothing else happens before.
    fn next_deadline(&self) -> Option<Time>;

    /// The next finished parked call.
    fn next_answer(&mut self) -> Option<(Ticket, Answer)>;

    /// What is inside.
    fn view(&self) -> View<'_>;
}

/// An order for those who have none in mind: what came first is done first.
pub fn first_come(_count: usize) -> usize {
    0
}
