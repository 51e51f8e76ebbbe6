//! The Temporal service as a pure state machine.

pub mod cron;
pub mod error;
pub mod limits;
pub mod names;
pub mod payloads;
pub mod retry;
pub mod search_attributes;
pub mod time;
pub mod validate;

/// Names a parked call; chosen by the caller, unique among the parked ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);
