//! The processes of a run as stories and reports see them: who they are, how long they live and how they end.

/// A process of the run: a group of threads. A thread belongs to the process of the thread that created it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

/// The name of the process of the test's body, and the identity of its client.
pub const TEST: &str = "test";

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs the test's body.
    Test,
    /// Runs the worker in this slot.
    Worker(usize),
    /// Runs the struck client in this slot: a program that calls the server and has no worker.
    Client(usize),
    /// Replays the histories at the end.
    Replayer,
}

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was killed.
    Crash,
    /// It was asked to stop.
    Shutdown,
    /// It panicked.
    Panic,
    /// It ended by itself; `Some`: with an error.
    Own(Option<String>),
}

/// One life of a process. A worker or a struck client that starts again begins another.
#[derive(Clone, Debug)]
pub struct Life {
    /// What it is for.
    pub role: Role,
    /// As in reports, such as `worker-1`.
    pub name: String,
    /// When it began; virtual nanoseconds since the start.
    pub from_ns: u64,
    /// When and how it ended.
    pub ended: Option<(u64, Ending)>,
    /// Which version of the code it runs (0 is the first).
    pub version: usize,
    /// The task queue that its worker serves. `None` until its options are made.
    pub task_queue: Option<String>,
    /// Whether it has asked for activity tasks, so its worker has activities.
    pub takes_activities: bool,
}
