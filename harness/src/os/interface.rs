//! What the simulated operating system and the world above it ask of each other.

use std::time::Duration;

pub(crate) use foretime_campaign::process::ProcessId;

/// A thread of the simulation. Threads are numbered in the order of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ThreadId(pub(crate) u32);

/// What a thread is doing, for people.
#[derive(Clone, Debug)]
pub(crate) struct ThreadDoes {
    /// It has nothing to do and no deadline.
    pub(crate) is_idle: bool,
    /// A line that begins with its name.
    pub(crate) line: String,
}

/// How a simulation starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// Seeds the threads' randomness.
    pub(crate) seed: u64,
    /// The first value of `SystemTime::now()`.
    pub(crate) epoch_ns: u64,
    /// How long a thread may keep its turn, in real time.
    pub(crate) patience: Duration,
    /// Whether one OS thread runs the code of all simulated threads, where that is possible.
    pub(crate) carries: bool,
}

/// What happens next, once the running thread has given up its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This thread, one of those that were offered, gets the turn.
    Run(ThreadId),
    /// The world did something; ask again.
    Again,
    /// The world has nothing to do before this instant, if any, and no thread was offered. Time may move.
    Wait(Option<u64>),
    /// The simulation is over.
    Halt,
}

/// Decides what happens next. Two threads never call it at once.
pub(crate) trait World: Send + Sync {
    /// Does one thing, or picks one of the threads that can run.
    fn step(&self, now_ns: u64, ready: &[(ThreadId, ProcessId)]) -> Step;
    /// Nothing can run, and nothing will ever fall due. Returns whether the world found something to do about it.
    fn stuck(&self) -> bool;
    /// The calling thread asked for something that cannot be simulated; the call fails. `whom`: the host that it is about, if
    /// the call names one. Asked on its own stack.
    fn refused(&self, process: ProcessId, what: &'static str, whom: Option<String>);
    /// The calling thread is about to sleep for this long, by a call that blocks it. Asked on its own stack.
    fn sleeps(&self, thread: ThreadId, process: ProcessId, span: Duration);
    /// A thread of this process has ended.
    fn thread_ended(&self, thread: ThreadId, process: ProcessId);
    /// A thread keeps the turn. The report is for people, and the simulation is over. Returns whether the world noted it; it
    /// cannot while that thread is working on the world itself.
    fn turn_kept(&self, report: &str) -> bool;
}
