//! What all checks of a run look at, read once.

use super::{attempts::Attempts, clock::Clock, run::Run, tasks::Tasks};
use crate::record::Record;

/// A run as checks read it.
#[derive(Debug)]
pub struct Reading<'a> {
    /// What was noted of it.
    pub(super) record: &'a Record,
    /// Its workflow runs in the end.
    pub(super) runs: &'a [Run],
    /// The messages of clients.
    pub(super) attempts: Attempts<'a>,
    /// The messages of workers.
    pub(super) tasks: Tasks<'a>,
    /// What the server's time was at each message.
    pub(super) clock: Clock,
}

impl<'a> Reading<'a> {
    /// Reads a run.
    pub fn of(record: &'a Record, runs: &'a [Run]) -> Self {
        let (attempts, tasks) = (Attempts::of(record), Tasks::of(record));
        let clock = Clock::new(&attempts, &tasks, runs);
        Self { record, runs, attempts, tasks, clock }
    }
}
