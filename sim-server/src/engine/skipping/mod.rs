//! When virtual time may skip, and what holds it. This room owns:
//! - what workers have in hand ([`holds`]), and the clients' [`locks`] and [`sleeps`]
//! - what was skipped lately and for what ([`skips`]), and whether time runs away ([`runaway`])
//! - what is to be said in the log ([`notices`])
//!
//! Whether time may skip is a comparison of counts: each is kept where its thing begins and ends, none is found by a walk. The
//! rooms of task queues and workers keep their own part: tasks that nobody will take, workers that are gone.
//!
//! [`calls`] has the RPCs.

mod calls;
pub(crate) mod holds;
pub(crate) mod locks;
pub(crate) mod notices;
pub(crate) mod runaway;
pub(crate) mod skips;
pub(crate) mod sleeps;

use holds::{Holds, Work};
use locks::Locks;
use notices::Notices;
use runaway::Runaway;
use skips::Skips;
use sleeps::Sleeps;

use crate::{
    config::{Config, Personality, TimeMode},
    engine::kernel::key::ActivityKey,
};

/// What decides whether the time of a domain may skip.
#[derive(Debug)]
pub(crate) struct Skipping {
    pub(crate) mode: TimeMode,
    /// Whether who awaits an update's outcome lifts the lock of the start, as an SDK does who awaits a workflow's result.
    outcomes_lift_start: bool,
    pub(crate) holds: Holds,
    pub(crate) locks: Locks,
    pub(crate) sleeps: Sleeps,
    pub(crate) skips: Skips,
    pub(crate) runaway: Runaway,
    pub(crate) notices: Notices,
}

/// The long polls that wait for an end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Awaits {
    /// For the end of a workflow.
    pub(crate) end_count: usize,
    /// For the outcome of an update.
    pub(crate) outcome_count: usize,
}

impl Awaits {
    pub(crate) fn is_any(self) -> bool {
        self.end_count + self.outcome_count > 0
    }
}

impl Skipping {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            mode: config.time,
            outcomes_lift_start: config.personality == Personality::TestServer,
            holds: Holds::new(config.graces),
            locks: Locks::new(config.graces),
            sleeps: Sleeps::default(),
            skips: Skips::default(),
            runaway: Runaway::new(config.runaway),
            notices: Notices::default(),
        }
    }

    /// Whether the lock counts with which the server started.
    pub(crate) fn has_start_lock(&self, awaits: Awaits) -> bool {
        match self.mode {
            TimeMode::Paced => true,
            TimeMode::Skipping => false,
            TimeMode::Locked => {
                let is_lifted = self.locks.is_unlocked() || self.outcomes_lift_start && awaits.outcome_count > 0;
                !is_lifted
            }
            TimeMode::Awaited => !awaits.is_any() && !self.sleeps.is_any(),
        }
    }

    /// Whether time is locked, apart from what sleeps lift.
    pub(crate) fn is_locked(&self, awaits: Awaits) -> bool {
        let has_start_lock = match self.mode {
            TimeMode::Awaited => !awaits.is_any(),
            TimeMode::Paced | TimeMode::Locked | TimeMode::Skipping => self.has_start_lock(awaits),
        };
        has_start_lock || self.locks.count() > 0
    }

    /// How many locks hold time: the clients', and that of the start, less those that sleeps lift.
    pub(crate) fn lock_count(&self, awaits: Awaits) -> i64 {
        if self.mode == TimeMode::Paced {
            return 1;
        }
        let locks = self.locks.count() + i64::from(self.has_start_lock(awaits));
        self.sleeps.left_of(locks)
    }

    /// Whether time may skip. `unserved_count`: how many of the tasks in flight no worker will take.
    pub(crate) fn may_skip(&self, awaits: Awaits, unserved_count: i64) -> bool {
        let is_held = self.lock_count(awaits) > 0 || self.locks.expects_relock() || self.holds.count() > unserved_count;
        !is_held
    }

    /// An attempt that a worker has in hand times out, or its workflow closes.
    pub(crate) fn give_up(&mut self, activity: ActivityKey) {
        if let Some(taken) = self.holds.lifted_now(Work::Activity(activity)) {
            self.sleeps.demote(taken);
        }
    }

    /// Whether somebody waits who expects time to move.
    pub(crate) fn is_awaited(&self, awaits: Awaits) -> bool {
        match self.mode {
            TimeMode::Paced => false,
            TimeMode::Locked => {
                self.sleeps.lifts_any() || awaits.is_any() && (self.outcomes_lift_start || self.locks.is_unlocked())
            }
            TimeMode::Skipping | TimeMode::Awaited => self.sleeps.is_any() || awaits.is_any(),
        }
    }
}
