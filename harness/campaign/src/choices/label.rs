//! The decisions that are drawn. Each label names a stream of its own.

use crate::fault::Fault;

/// The subject of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// What happens next, of everything that could.
    Schedule,
    /// How long a message takes.
    Latency,
    /// What the server does first of the things that one task asks for.
    TransferTask,
    /// How far apart workers stop in a deploy.
    Deploy,
    /// Which kinds of faults a run has, in a swarm.
    Swarm,
    /// How likely each of them is.
    SwarmChance,
    /// How long each rests at most.
    SwarmRest,
    /// How often each strikes at most.
    SwarmCount,
    /// How long a kind of fault rests after it struck.
    Rest,
    /// How long a crashed worker is down.
    Downtime,
    /// When the server notices a crash.
    CrashNoticed,
    /// Whether what a crashed worker has sent is lost on its way.
    CrashLosesRequests,
    /// How long a message is delayed.
    Delay,
    /// For how long a worker is cut off.
    CutOff,
    /// How much longer an attempt takes.
    ActivityLatency,
    /// After how many awaits an attempt becomes slow.
    SlowAfter,
    /// Whether an attempt takes longer than its timeout.
    Overdue,
    /// Whether an attempt fails after its work.
    FailureAfterWork,
    /// Whether the attempts that follow fail, too.
    Outage,
    /// How many of those fail.
    OutageAttempts,
    /// How many workflows a worker keeps.
    CacheSize,
    /// Where a history is cut for a replay.
    HistoryCut,
    /// On which kind of day a run begins.
    StartsAt,
    /// On which of those days.
    StartDate,
    /// When, on that day.
    StartHour,
    /// Whether a fault of this kind strikes.
    Strike(Fault),
}

impl Label {
    /// Its number. It never changes, because seeds depend on it.
    pub(super) const fn code(self) -> u64 {
        match self {
            Self::Schedule => 1,
            Self::Latency => 2,
            Self::TransferTask => 3,
            Self::Deploy => 4,
            Self::Swarm => 5,
            Self::SwarmChance => 6,
            Self::SwarmRest => 7,
            Self::SwarmCount => 8,
            Self::Rest => 9,
            Self::Downtime => 10,
            Self::CrashNoticed => 11,
            Self::CrashLosesRequests => 12,
            Self::Delay => 13,
            Self::CutOff => 14,
            Self::ActivityLatency => 15,
            Self::SlowAfter => 16,
            Self::Overdue => 17,
            Self::FailureAfterWork => 18,
            Self::Outage => 19,
            Self::OutageAttempts => 20,
            Self::CacheSize => 21,
            Self::HistoryCut => 22,
            Self::StartsAt => 23,
            Self::StartDate => 24,
            Self::StartHour => 25,
            Self::Strike(fault) => 100 + fault.code(),
        }
    }

    /// Its name on tapes.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Latency => "latency",
            Self::TransferTask => "transfer task",
            Self::Deploy => "deploy",
            Self::Swarm => "swarm",
            Self::SwarmChance => "swarm chance",
            Self::SwarmRest => "swarm rest",
            Self::SwarmCount => "swarm count",
            Self::Rest => "rest",
            Self::Downtime => "downtime",
            Self::CrashNoticed => "crash noticed",
            Self::CrashLosesRequests => "crash loses requests",
            Self::Delay => "delayed by",
            Self::CutOff => "cut off for",
            Self::ActivityLatency => "activity latency",
            Self::SlowAfter => "slow after",
            Self::Overdue => "overdue",
            Self::FailureAfterWork => "failure after work",
            Self::Outage => "outage",
            Self::OutageAttempts => "outage attempts",
            Self::CacheSize => "cache size",
            Self::HistoryCut => "history cut",
            Self::StartsAt => "starts at",
            Self::StartDate => "start date",
            Self::StartHour => "start hour",
            Self::Strike(fault) => fault.name(),
        }
    }

    /// Whether it orders the events of a run: who is next, how long messages take, and what the server does first.
    pub(super) const fn is_ordering(self) -> bool {
        matches!(self, Self::Schedule | Self::Latency | Self::TransferTask)
    }

    /// Whether only the checks after a run draw it. Whether they come to that depends on how the run ends, so it is not on tapes: it
    /// always comes from the seed.
    pub(super) const fn is_of_checks(self) -> bool {
        matches!(self, Self::HistoryCut)
    }

    /// Whether it is a consequence of a fault. It is drawn anew for each strike, from the strike's place, so a strike has the
    /// same consequences when those before it are left out.
    pub(super) const fn is_consequence(self) -> bool {
        matches!(
            self,
            Self::Rest
                | Self::Downtime
                | Self::CrashNoticed
                | Self::CrashLosesRequests
                | Self::Delay
                | Self::CutOff
                | Self::ActivityLatency
                | Self::SlowAfter
                | Self::FailureAfterWork
                | Self::CacheSize
        )
    }
}
