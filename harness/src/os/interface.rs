//! What the simulated operating system and the world above it say to each other.

use std::time::Duration;

/// A thread of the simulation; numbered in the order of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ThreadId(pub(crate) u32);

/// A simulated process: a group of threads. A thread belongs to the process of the thread that created it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProcessId(pub(crate) u32);

/// What a thread does, for people.
#[derive(Clone, Debug)]
pub(crate) struct ThreadDoes {
    /// It has nothing to do, and waits for no time.
    pub(crate) is_idle: bool,
    /// A line that begins with its name.
    pub(crate) line: String,
}

/// How a simulation starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// Of the threads' randomness.
    pub(crate) seed: u64,
    /// What `SystemTime::now()` says first.
    pub(crate) epoch_ns: u64,
    /// How long a thread may keep its turn, in real time.
    pub(crate) patience: Duration,
    /// Whether one thread runs the code of all, where that is possible.
    pub(crate) carries: bool,
}

/// What happens next, when the running thread has given up its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This thread, one of those that were offered, gets the turn.
    Run(ThreadId),
    /// The world did something; ask again.
    Again,
    /// The world has nothing to do before this instant, if any, and no thread was offered: time may move.
    Wait(Option<u64>),
    /// The simulation is over.
    Halt,
}

/// What decides. It is never called by two threads at once.
pub(crate) trait World: Send + Sync {
    /// Does one thing, or picks one of the threads that can run.
    fn step(&self, now_ns: u64, ready: &[(ThreadId, ProcessId)]) -> Step;
    /// Nothing can run, and nothing will ever fall due. Whether the world found something to do about it.
    fn stuck(&self) -> bool;
    /// A thread asked for something that cannot be simulated; the call fails.
    fn refused(&self, thread: ThreadId, process: ProcessId, what: &'static str);
    /// The calling thread is about to sleep for this long, by a call that blocks it. Asked on its own stack.
    fn sleeps(&self, thread: ThreadId, process: ProcessId, span: Duration);
    /// A thread of this process has ended.
    fn thread_ended(&self, thread: ThreadId, process: ProcessId);
    /// A thread keeps the turn: the report is made for people, and the simulation is over. Whether the world could take note
    /// of it; it cannot if the thread is at work on the world itself.
    fn turn_kept(&self, report: &str) -> bool;
}
