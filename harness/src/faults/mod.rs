//! What may go wrong: which kinds of faults, how likely and how often. [`Faults`] is what the user asks for; [`plan`] is what
//! one run makes of it. [`place`] is where a fault may strike, [`rpc`] classifies messages, and [`verdict`] decides which fault
//! befalls what.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use foretime_server::proto::enums::EventType;

mod place;
pub(crate) mod plan;
mod rpc;
mod verdict;

pub(crate) use self::{
    place::Place,
    rpc::RpcKind,
    verdict::{Deed, Fall, Fates, Loss, Verdict, verdict},
};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A worker's process ends at its next await and starts again after a while. It strikes while a worker waits, and before
    /// and after it polls, starts an activity, acts on the outside world, completes, and is acknowledged.
    Crash,
    /// All workers crash at the same instant.
    ClusterCrash,
    /// A worker shuts down in good order and starts again, as in a deploy of the same code. It is killed if an activity does
    /// not end within two minutes; that activity is lost.
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
    /// A worker is cut off from the server for a while.
    Cut,
}

impl Fault {
    /// All kinds.
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
    pub(crate) const fn code(self) -> u64 {
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
        }
    }
}

/// The faults of a simulation.
///
/// ```
/// use std::time::Duration;
/// use foretime::{ActivityFaults, Fault, Faults, When};
///
/// // Each seed draws its own subset of all faults, and how likely each of them is.
/// let swarm = Faults::swarm();
/// // Exactly these.
/// let chosen = Faults::none()
///     .with(Fault::Crash, 0.05)
///     .with(Fault::ReplyLost, 0.1)
///     .activity("Billing::charge", ActivityFaults::default().fails(0.2).slow(0.1, Duration::from_secs(1)..=Duration::from_secs(90)))
///     .crash(When::event("ActivityTaskScheduled", 3).of_workflow("order-1"), 2);
/// # let _ = (swarm, chosen);
/// ```
#[derive(Clone, Debug)]
#[must_use = "faults do nothing until they are given to `Sim::faults`"]
pub struct Faults {
    is_swarm: bool,
    chances: BTreeMap<Fault, f64>,
    activities: Vec<(String, ActivityFaults)>,
    triggers: Vec<(When, usize)>,
    each_at_most: u32,
    downtime: RangeInclusive<Duration>,
}

impl Faults {
    /// No faults but those that are added.
    pub fn none() -> Self {
        Self {
            is_swarm: false,
            chances: BTreeMap::new(),
            activities: Vec::new(),
            triggers: Vec::new(),
            each_at_most: 8,
            downtime: Duration::from_millis(50)..=Duration::from_secs(60),
        }
    }

    /// Each run draws which kinds of faults it has, and how likely each is. Anything added to it applies in every run.
    pub fn swarm() -> Self {
        Self { is_swarm: true, ..Self::none() }
    }

    /// Adds a kind of fault that strikes with this chance (0 to 1) at each opportunity: a message, an attempt of an activity,
    /// or a step of a worker.
    pub fn with(mut self, fault: Fault, chance: f64) -> Self {
        self.chances.insert(fault, chance);
        self
    }

    /// Removes a kind of fault, also from a swarm.
    pub fn without(self, fault: Fault) -> Self {
        self.with(fault, 0.0)
    }

    /// Sets faults for the activities of one type, in place of the general ones. They count towards [`Self::each_at_most`] like
    /// any other. `#[activities]` names a type after the struct and the function, such as `Billing::charge`. The test fails if
    /// no run reaches an attempt of it: the name is misspelt, or the activity is never started.
    pub fn activity(mut self, activity_type: impl Into<String>, faults: ActivityFaults) -> Self {
        self.activities.push((activity_type.into(), faults));
        self
    }

    /// Crashes a worker when something happens. Worker 1 is the first, as in reports (the functions that make workers' options
    /// count from 0).
    pub fn crash(mut self, when: When, worker: usize) -> Self {
        self.triggers.push((when, worker));
        self
    }

    /// How often each kind strikes in a run at most; 8 by default. After its last fault a run must come to rest.
    pub fn each_at_most(mut self, count: u32) -> Self {
        self.each_at_most = count;
        self
    }

    /// How long a crashed worker is down; 50 ms to a minute by default.
    pub fn downtime(mut self, downtime: RangeInclusive<Duration>) -> Self {
        self.downtime = downtime;
        self
    }
}

/// What goes wrong with the activities of one type, without changing their code.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ActivityFaults {
    fails: f64,
    error_type: Option<String>,
    slow: f64,
    latency: Option<RangeInclusive<Duration>>,
    hangs: f64,
}

impl ActivityFaults {
    /// The chance that an attempt fails, before or after its work.
    pub fn fails(mut self, chance: f64) -> Self {
        self.fails = chance;
        self
    }

    /// The type of the error that it fails with, as named in retry policies.
    pub fn error_type(mut self, error_type: impl Into<String>) -> Self {
        self.error_type = Some(error_type.into());
        self
    }

    /// The chance that an attempt takes longer, and by how much: before its work, in the middle (at an await), or at its end.
    pub fn slow(mut self, chance: f64, latency: RangeInclusive<Duration>) -> Self {
        self.slow = chance;
        self.latency = Some(latency);
        self
    }

    /// The chance that an attempt does its work and never ends. As in production, it keeps its activity slot for as long as its
    /// worker lives. If that is the only slot, no other activity gets it.
    pub fn hangs(mut self, chance: f64) -> Self {
        self.hangs = chance;
        self
    }
}

/// An event in a history: the moment at which a trigger strikes.
#[derive(Clone, Debug)]
#[must_use]
pub struct When {
    /// The name that the user gave.
    pub(crate) event_type: String,
    /// `None` if the API has no such type.
    pub(crate) kind: Option<EventType>,
    pub(crate) nth: usize,
    pub(crate) workflow_id: Option<String>,
}

impl When {
    /// When the `nth` event (from 1) of this type, such as `ActivityTaskScheduled`, is written. A name that is not in the API's
    /// `EventType` fails the run.
    pub fn event(event_type: impl Into<String>, nth: usize) -> Self {
        let event_type = event_type.into();
        Self { kind: event_type_of(&event_type), event_type, nth, workflow_id: None }
    }

    /// Only in the histories of this workflow id.
    pub fn of_workflow(mut self, workflow_id: impl Into<String>) -> Self {
        self.workflow_id = Some(workflow_id.into());
        self
    }
}

/// The event type with this name in the API, such as `ActivityTaskScheduled`.
fn event_type_of(name: &str) -> Option<EventType> {
    let mut screaming = "EVENT_TYPE".to_owned();
    for char in name.chars() {
        screaming.extend(char.is_uppercase().then_some('_'));
        screaming.extend(char.to_uppercase());
    }
    EventType::from_str_name(&screaming)
}
