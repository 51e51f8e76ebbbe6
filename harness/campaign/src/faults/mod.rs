//! What may go wrong in a run, how likely and how often. [`Faults`] is what the user asks for; [`plan`] is what one run makes
//! of it, and [`verdict`] decides which fault befalls what.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use foretime_server::proto::enums::EventType;

use crate::fault::Fault;

pub mod plan;
mod verdict;

pub use self::verdict::{Deed, Fall, Fates, Loss, Verdict, verdict};

/// The faults of a simulation.
///
/// ```
/// use std::time::Duration;
/// # mod foretime { pub use foretime_campaign::{fault::Fault, faults::{ActivityFaults, Faults, When}}; }
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
#[non_exhaustive]
pub struct When {
    /// The name that the user gave.
    pub event_type: String,
    /// `None` if the API has no such type.
    pub kind: Option<EventType>,
    /// Which event of this type, from 1.
    pub nth: usize,
    /// The only workflow whose histories count.
    pub workflow_id: Option<String>,
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
