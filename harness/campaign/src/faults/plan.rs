//! The faults of one run: which kinds it has, how likely each is, and how many are left.

use std::{collections::BTreeMap, time::Duration};

use super::{ActivityFaults, Faults, When};
use crate::{
    choices::{Choices, Label},
    fault::{Fault, Place},
};

/// The range of a fault's chance in a swarm at each opportunity, drawn decade by decade.
const SWARM_CHANCE: (f64, u32) = (0.002, 7);
/// How much more likely faults of activities are than faults of messages, because there are many more messages.
const ACTIVITY_WEIGHT: f64 = 3.0;
/// How long a kind of fault rests at most after it struck, in a swarm. Without rests, all would strike in the first seconds of
/// a run that takes a year.
const SWARM_REST: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(60),
    Duration::from_secs(3600),
    Duration::from_secs(86_400),
    Duration::from_secs(20 * 86_400),
];
/// One failed attempt in this many is the first of several, in any workflow, as if what the activity needs were down. Only then
/// do all attempts fail that a retry policy allows.
const OUTAGE_ONE_IN: u64 = 3;
/// How many more attempts then fail: the least number, and how many numbers from it are possible.
const OUTAGE_ATTEMPTS: (u64, u64) = (2, 4);
/// How much longer an activity takes if its faults do not set that.
const LATENCY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(120));
/// One slow attempt in this many outlasts its timeout. Only then does it run beside the next attempt, unknown to the server.
const OVERDUE_ONE_IN: u64 = 3;
/// Only attempts with a timeout of at most this are made to outlast it.
const PATIENCE_MAX: Duration = Duration::from_secs(600);

/// After how many awaits an attempt becomes slow; all entries are equally likely. There is usually one await between what it
/// reads and what it writes.
const SLOW_AFTER: [u64; 6] = [0, 0, 1, 1, 1, 2];

/// Whether its opportunities are attempts of activities.
const fn is_of_activities(fault: Fault) -> bool {
    matches!(fault, Fault::ActivityFailure | Fault::ActivitySlow | Fault::ActivityHang)
}

/// The faults of one run.
#[derive(Debug)]
pub struct Plan {
    chances: BTreeMap<Fault, f64>,
    left: BTreeMap<Fault, u32>,
    /// How long each kind rests at most, and until when it rests now.
    rests: BTreeMap<Fault, Duration>,
    rests_until_ns: BTreeMap<Fault, u64>,
    counts: BTreeMap<Fault, u64>,
    /// How often each fault of the test's own struck, and how often it may at most.
    customs: BTreeMap<String, u32>,
    customs_each_at_most: u32,
    /// How many more attempts must fail, for each activity type that is down.
    outages: BTreeMap<String, u64>,
    /// Faults of single types of activities.
    pub activities: Vec<(String, ActivityFaults)>,
    /// When which worker (1 is the first) crashes.
    pub triggers: Vec<(When, usize)>,
    downtime: (Duration, Duration),
    stopped: bool,
}

/// What befalls one attempt of an activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mishap {
    /// It takes longer.
    pub slow: Option<Slow>,
    /// It fails in this way, before or after its work.
    pub failure: Option<ActivityFailure>,
    /// It never ends.
    pub hangs: bool,
}

/// How an attempt takes longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slow {
    /// By how much.
    pub latency: Duration,
    /// After this many awaits; 0: before its work. An attempt with fewer awaits is slow at its end.
    pub after_awaits: u64,
}

/// How an attempt fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityFailure {
    /// Whether it does its work first.
    pub after_work: bool,
    /// The type of the error.
    pub error_type: String,
}

impl Plan {
    /// No faults.
    pub fn none() -> Self {
        Self::draw(&Faults::none(), &mut Choices::from_seed(0, ""))
    }

    /// Draws the faults of a run from `faults`.
    pub fn draw(faults: &Faults, choices: &mut Choices) -> Self {
        let mut chances = BTreeMap::new();
        if faults.is_swarm {
            for fault in Fault::ALL {
                if choices.chance(Label::Swarm, 0.5) {
                    let doublings = i32::try_from(choices.below(Label::SwarmChance, u64::from(SWARM_CHANCE.1))).unwrap_or(0);
                    let weight = if is_of_activities(fault) { ACTIVITY_WEIGHT } else { 1.0 };
                    chances.insert(fault, SWARM_CHANCE.0 * 2_f64.powi(doublings) * weight);
                }
            }
        }
        chances.extend(&faults.chances);
        let mut rests = BTreeMap::new();
        for fault in chances.keys().filter(|_| faults.is_swarm) {
            let rest = usize::try_from(choices.below(Label::SwarmRest, SWARM_REST.len() as u64)).unwrap_or(0);
            rests.insert(*fault, SWARM_REST[rest]);
        }
        let mut most = |_: Fault| match faults.is_swarm {
            true => 1 + u32::try_from(choices.below(Label::SwarmCount, u64::from(faults.each_at_most))).unwrap_or(0),
            false => faults.each_at_most,
        };
        Self {
            left: Fault::ALL.into_iter().map(|fault| (fault, most(fault))).collect(),
            chances,
            rests,
            rests_until_ns: BTreeMap::new(),
            counts: BTreeMap::new(),
            customs: BTreeMap::new(),
            customs_each_at_most: faults.each_at_most,
            outages: BTreeMap::new(),
            activities: faults.activities.clone(),
            triggers: faults.triggers.clone(),
            downtime: (*faults.downtime.start(), *faults.downtime.end()),
            stopped: false,
        }
    }

    /// Stops all faults from now on.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether `fault` strikes at this opportunity, in this place. `weight`: the size of the opportunity; 1 is usual.
    pub fn strikes(&mut self, fault: Fault, place: Place<&str>, weight: f64, now_ns: u64, choices: &mut Choices) -> bool {
        let chance = self.chances.get(&fault).copied().unwrap_or(0.0) * weight;
        self.strikes_with(fault, place, chance, now_ns, choices)
    }

    fn strikes_with(&mut self, fault: Fault, place: Place<&str>, chance: f64, now_ns: u64, choices: &mut Choices) -> bool {
        let rests = self.rests_until_ns.get(&fault).is_some_and(|until_ns| now_ns < *until_ns);
        self.strikes_unless(rests, fault, place, chance, now_ns, choices)
    }

    fn strikes_unless(
        &mut self,
        rests: bool,
        fault: Fault,
        place: Place<&str>,
        chance: f64,
        now_ns: u64,
        choices: &mut Choices,
    ) -> bool {
        let left = self.left.get(&fault).copied().unwrap_or(0);
        if self.stopped || !choices.strikes_with(fault, place, chance, left == 0 || rests) {
            return false;
        }
        if let Some(rest) = self.rests.get(&fault).filter(|rest| !rest.is_zero()) {
            let rest = choices.span(Label::Rest, Duration::from_millis(1), *rest);
            self.rests_until_ns.insert(fault, now_ns + u64::try_from(rest.as_nanos()).unwrap_or(0));
        }
        self.left.insert(fault, left.saturating_sub(1));
        self.count(fault);
        true
    }

    /// Whether a fault of the test's own strikes. `of`: whom it befalls; empty for the test itself.
    pub fn custom_strikes(&mut self, name: &str, of: &str, chance: f64, choices: &mut Choices) -> bool {
        let count = self.customs.get(name).copied().unwrap_or(0);
        if self.stopped || !choices.custom_strikes_with(name, of, chance, count >= self.customs_each_at_most) {
            return false;
        }
        self.customs.insert(name.to_owned(), count + 1);
        self.count(Fault::Custom);
        true
    }

    /// Whether this kind can strike in this run at all.
    pub fn has(&self, fault: Fault) -> bool {
        !self.stopped && self.chances.get(&fault).is_some_and(|chance| *chance > 0.0) && self.left[&fault] > 0
    }

    /// Counts a fault that was not drawn here.
    pub fn count(&mut self, fault: Fault) {
        *self.counts.entry(fault).or_default() += 1;
    }

    /// How many there were of each kind.
    pub fn counts(&self) -> &BTreeMap<Fault, u64> {
        &self.counts
    }

    /// How long a crashed worker is down.
    pub fn downtime(&self, choices: &mut Choices) -> Duration {
        choices.span(Label::Downtime, self.downtime.0, self.downtime.1)
    }

    /// What befalls an attempt of this activity type. `patience`: its timeout without an end or a heartbeat.
    pub fn mishap(&mut self, activity_type: &str, patience: Option<Duration>, now_ns: u64, choices: &mut Choices) -> Mishap {
        if self.stopped {
            return Mishap::default();
        }
        let given = self.activities.iter().find(|(of, _)| of == activity_type).map(|(_, faults)| faults.clone());
        let is_given = given.is_some();
        let chance = |fault: Fault| self.chances.get(&fault).copied().unwrap_or(0.0);
        let faults = given.unwrap_or_else(|| ActivityFaults {
            fails: chance(Fault::ActivityFailure),
            slow: chance(Fault::ActivitySlow),
            hangs: chance(Fault::ActivityHang),
            ..ActivityFaults::default()
        });
        let place = Place::Attempt(activity_type);
        let slow = self.strikes_with(Fault::ActivitySlow, place, faults.slow, now_ns, choices).then(|| {
            let latency = match &faults.latency {
                Some(range) => choices.span(Label::ActivityLatency, *range.start(), *range.end()),
                None => latency(patience, choices),
            };
            let after = usize::try_from(choices.below(Label::SlowAfter, SLOW_AFTER.len() as u64)).unwrap_or(0);
            Slow { latency, after_awaits: SLOW_AFTER[after] }
        });
        let fails = self.fails(activity_type, is_given, faults.fails, now_ns, choices);
        let failure = fails.then(|| ActivityFailure {
            after_work: choices.chance(Label::FailureAfterWork, 0.5),
            error_type: faults.error_type.clone().unwrap_or_else(|| "SimulatedFailure".to_owned()),
        });
        let hangs = failure.is_none() && self.strikes_with(Fault::ActivityHang, place, faults.hangs, now_ns, choices);
        Mishap { slow, failure, hangs }
    }

    /// Whether an attempt of this activity type fails: by chance, or because what it needs is down. `is_given`: the test sets
    /// how often it fails, so there are no outages.
    fn fails(&mut self, activity_type: &str, is_given: bool, chance: f64, now_ns: u64, choices: &mut Choices) -> bool {
        let place = Place::Attempt(activity_type);
        if let Some(left) = self.outages.get_mut(activity_type).filter(|left| **left > 0) {
            *left -= 1;
            return self.strikes_unless(false, Fault::ActivityFailure, place, 1.0, now_ns, choices);
        }
        let fails = self.strikes_with(Fault::ActivityFailure, place, chance, now_ns, choices);
        if fails && !is_given && choices.below(Label::Outage, OUTAGE_ONE_IN) == 0 {
            let (least, span) = OUTAGE_ATTEMPTS;
            self.outages.insert(activity_type.to_owned(), least + choices.below(Label::OutageAttempts, span));
        }
        fails
    }
}

/// How much longer an attempt takes that is given up after `patience`.
fn latency(patience: Option<Duration>, choices: &mut Choices) -> Duration {
    let (from, to) = LATENCY;
    match patience.filter(|patience| (from..=PATIENCE_MAX).contains(patience)) {
        Some(patience) if choices.below(Label::Overdue, OVERDUE_ONE_IN) == 0 => {
            patience + choices.span(Label::ActivityLatency, from, patience)
        }
        // Within its timeout: what it has read is old when it writes, and the server does not notice.
        Some(patience) => choices.span(Label::ActivityLatency, from, to.min(patience)),
        None => choices.span(Label::ActivityLatency, from, to),
    }
}
