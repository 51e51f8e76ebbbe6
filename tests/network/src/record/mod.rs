//! What is noted of a run, besides the log: [`call`] has what clients asked for and were told, with all retries as one call;
//! [`exchange`] has each single message that reached the service, and its answer; [`locked`] what time it was while it was locked. The
//! checks read them.

pub mod call;
pub mod exchange;
pub mod locked;

use std::collections::BTreeSet;

use call::ClientCall;
use exchange::Exchange;
use foretime_campaign::{attempt::Attempt, process::ProcessId};
use locked::LockedSpan;

/// What was noted, in order.
#[derive(Debug, Default)]
pub struct Record {
    /// What clients asked for, in the order in which they began.
    pub calls: Vec<ClientCall>,
    /// What reached the service, in the order in which it came.
    pub exchanges: Vec<Exchange>,
    /// The numbers of the exchanges that were given up before they were answered: their caller said so, or its connection was closed.
    pub given_up: BTreeSet<usize>,
    /// What activities did to the outside world, in order.
    pub effects: Vec<Effect>,
    /// What time it was while clients had locked it.
    pub locked: Vec<LockedSpan>,
    /// Until when the server's machine stood still, and for how long; virtual nanoseconds, the first since the start of the run.
    pub stood: Vec<(u64, u64)>,
}

/// What an activity did to the outside world.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The life of the worker that did it.
    pub process: ProcessId,
    /// When; virtual nanoseconds since the start of the run.
    pub at_ns: u64,
    /// The attempt that it did.
    pub attempt: Attempt,
}
