//! The kinds of faults. [`place`] is where one may strike, and [`rpc`] classifies the messages that it may befall.

mod place;
mod rpc;

pub use self::{place::Place, rpc::RpcKind};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A worker's process, or that of a struck client, ends at its next await and starts again after a while. It strikes while a
    /// process waits, and before and after it polls, starts an activity, acts on the outside world, completes, and is
    /// acknowledged; for a client, before and after each of its requests and replies.
    Crash,
    /// All workers and struck clients crash at the same instant.
    ClusterCrash,
    /// A worker or a struck client shuts down in good order and starts again, as in a deploy of the same code. It is killed if
    /// an activity or a call does not end within two minutes; that activity or call is lost.
    Restart,
    /// The server did what it was asked, but the caller only learns that the connection broke.
    ReplyLost,
    /// A request reaches the server twice.
    Duplicate,
    /// A message takes seconds.
    Delay,
    /// The server cannot be reached for one request: `UNAVAILABLE`.
    Unavailable,
    /// The server is too busy for one request: `RESOURCE_EXHAUSTED`.
    ResourceExhausted,
    /// A request is lost, and the caller waits until its deadline: `DEADLINE_EXCEEDED`.
    DeadlineExceeded,
    /// A worker starts with a small cache of workflows, or with none. The next workflow task replays from the start.
    Eviction,
    /// An attempt of an activity fails, before or after its work. In a swarm the next attempts of its type may fail too, as if
    /// what they need were down.
    ActivityFailure,
    /// An attempt of an activity takes longer.
    ActivitySlow,
    /// An attempt of an activity never ends.
    ActivityHang,
    /// A heartbeat does not reach the server, though the worker believes it did.
    HeartbeatLost,
    /// A worker or a struck client is cut off from the server for a while.
    Cut,
    /// A fault of the test's own: `foretime::fault` gives its name and its chance. No swarm draws it.
    Custom,
}

impl Fault {
    /// All kinds that a simulation has of itself.
    pub const ALL: [Self; 15] = [
        Self::Crash,
        Self::ClusterCrash,
        Self::Restart,
        Self::ReplyLost,
        Self::Duplicate,
        Self::Delay,
        Self::Unavailable,
        Self::ResourceExhausted,
        Self::DeadlineExceeded,
        Self::Eviction,
        Self::ActivityFailure,
        Self::ActivitySlow,
        Self::ActivityHang,
        Self::HeartbeatLost,
        Self::Cut,
    ];

    /// Its number. It never changes, because seeds depend on it.
    pub const fn code(self) -> u64 {
        match self {
            Self::Crash => 1,
            Self::ClusterCrash => 2,
            Self::Restart => 3,
            Self::ReplyLost => 4,
            Self::Duplicate => 5,
            Self::Delay => 6,
            Self::Unavailable => 7,
            Self::ResourceExhausted => 8,
            Self::DeadlineExceeded => 9,
            Self::Eviction => 10,
            Self::ActivityFailure => 11,
            Self::ActivitySlow => 12,
            Self::ActivityHang => 13,
            Self::HeartbeatLost => 14,
            Self::Cut => 15,
            Self::Custom => 16,
        }
    }

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::ClusterCrash => "cluster crash",
            Self::Restart => "restart",
            Self::ReplyLost => "reply lost",
            Self::Duplicate => "duplicate",
            Self::Delay => "delay",
            Self::Unavailable => "unavailable",
            Self::ResourceExhausted => "resource exhausted",
            Self::DeadlineExceeded => "deadline exceeded",
            Self::Eviction => "eviction",
            Self::ActivityFailure => "activity failure",
            Self::ActivitySlow => "slow activity",
            Self::ActivityHang => "hanging activity",
            Self::HeartbeatLost => "heartbeat lost",
            Self::Cut => "cut off",
            Self::Custom => "custom",
        }
    }
}
