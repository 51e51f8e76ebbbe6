//! The Temporal service as a pure state machine.

pub mod error;
pub mod time;

/// Names a parked call; chosen by the caller, unique among the parked ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);
