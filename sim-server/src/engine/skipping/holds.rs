//! What is in flight, and who has it in hand: workflow tasks, attempts of activities, queries. While a worker is at work on one,
//! or may come for it, time does not skip.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    config::Graces,
    engine::kernel::{
        key::{ActivityKey, RunKey, WorkerId},
        time::Time,
        timers::{TimerKey, Timers},
    },
};

/// How long (wall) time waits for a worker that has a workflow task in hand which has failed before: the less, the more attempts in a row
/// have been silent until they were passed over. Most SDKs do not report a failure after the first; but it may also be a worker that
/// takes its time.
const PATIENCE: [(u32, Duration); 5] = [
    (0, Duration::from_millis(4_000)),
    (1, Duration::from_millis(2_000)),
    (2, Duration::from_millis(500)),
    (4, Duration::from_millis(100)),
    (18, Duration::from_millis(5)),
];

/// What a worker can have in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    WorkflowTask(RunKey),
    Activity(ActivityKey),
}

/// Names one piece of work that a worker took; the next attempt is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Taken {
    pub(crate) work: Work,
    sequence: u64,
}

/// Work that a worker has in hand.
#[derive(Debug)]
pub(crate) struct InHand {
    sequence: u64,
    pub(crate) worker: Option<WorkerId>,
    /// When (wall) the worker took it.
    pub(crate) since: Time,
    /// When (wall) it was last heard of.
    heard: Time,
    /// Its worker is gone.
    is_orphaned: bool,
    /// It repeats what has failed before, and has been given its time.
    is_passed_over: bool,
    /// When (wall) that will be.
    patience: Option<TimerKey>,
    /// The sleeps that lift it.
    lifted_by: u32,
    /// When (wall) the last of them came.
    lifted_at: Time,
}

impl InHand {
    /// Whether time waits for it.
    pub(crate) fn holds(&self) -> bool {
        !self.is_orphaned && !self.is_passed_over && self.lifted_by == 0
    }
}

/// What is in flight.
#[derive(Debug)]
pub(crate) struct Holds {
    /// All tasks and queries, those in hand among them.
    count: i64,
    /// Those in hand that time does not wait for.
    excluded_count: i64,
    in_hand: BTreeMap<Work, InHand>,
    of_worker: BTreeMap<WorkerId, BTreeSet<Work>>,
    /// Those in hand that a sleep lifts.
    lifted: BTreeSet<Work>,
    /// How many attempts in a row have been passed over.
    silent: BTreeMap<Work, u32>,
    /// Workflow tasks that get their whole time next: the worker answers late, or had not failed.
    trusted: BTreeSet<Work>,
    /// When (wall) an attempt is passed over.
    patience: Timers<Work>,
    graces: Option<Graces>,
    last_sequence: u64,
    /// When (wall) something was last put down.
    changed: Time,
}

impl Holds {
    pub(crate) fn new(graces: Option<Graces>) -> Self {
        Self {
            count: 0,
            excluded_count: 0,
            in_hand: BTreeMap::new(),
            of_worker: BTreeMap::new(),
            lifted: BTreeSet::new(),
            silent: BTreeMap::new(),
            trusted: BTreeSet::new(),
            patience: Timers::default(),
            graces,
            last_sequence: 0,
            changed: Time::EPOCH,
        }
    }

    /// How many hold time, unless they wait where no worker comes.
    pub(crate) fn count(&self) -> i64 {
        self.count - self.excluded_count
    }

    /// How many tasks and queries are in flight, whether they hold time or not.
    pub(crate) fn in_flight_count(&self) -> i64 {
        self.count
    }

    /// There are more or fewer in flight.
    pub(crate) fn change(&mut self, change: i64) {
        self.count += change;
    }

    /// A worker takes something. `attempt`: from 1.
    pub(crate) fn take(&mut self, work: Work, worker: Option<WorkerId>, attempt: i32, wall: Time) {
        self.put_down(work, wall);
        self.last_sequence += 1;
        let sequence = self.last_sequence;
        let mut in_hand = InHand {
            sequence,
            worker,
            since: wall,
            heard: wall,
            is_orphaned: false,
            is_passed_over: false,
            patience: None,
            lifted_by: 0,
            lifted_at: wall,
        };
        if let Some(worker) = worker {
            self.of_worker.entry(worker).or_default().insert(work);
        }
        let is_trusted = self.trusted.remove(&work);
        if self.graces.is_some() && attempt > 1 && matches!(work, Work::WorkflowTask(_)) {
            let silent = self.silent.get(&work).copied().unwrap_or(0);
            let patience = PATIENCE.iter().rev().find(|(from, _)| silent >= *from).map(|(_, patience)| *patience);
            in_hand.patience = patience.filter(|_| !is_trusted).map(|patience| self.patience.add(wall + patience, work));
        }
        self.in_hand.insert(work, in_hand);
    }

    /// It is done, or given up.
    pub(crate) fn put_down(&mut self, work: Work, wall: Time) {
        let Some(in_hand) = self.in_hand.remove(&work) else { return };
        self.excluded_count -= i64::from(!in_hand.holds());
        if !in_hand.is_passed_over {
            self.silent.remove(&work);
        }
        if let Some(patience) = in_hand.patience {
            self.patience.cancel(patience);
        }
        self.lifted.remove(&work);
        self.changed = wall;
        if let Some(worker) = in_hand.worker
            && let Some(works) = self.of_worker.get_mut(&worker)
        {
            works.remove(&work);
            if works.is_empty() {
                self.of_worker.remove(&worker);
            }
        }
    }

    /// There will be no further attempt.
    pub(crate) fn forget(&mut self, work: Work) {
        self.silent.remove(&work);
        self.trusted.remove(&work);
    }

    /// A worker says that it is still at work on it.
    pub(crate) fn hear(&mut self, work: Work, wall: Time) {
        self.alter(work, |in_hand| {
            in_hand.heard = wall;
            in_hand.is_orphaned = false;
        });
    }

    /// The attempt that there is now, or else the next, gets its whole time: the worker has answered to one that had timed out, or
    /// the server has failed the last one, and not the worker.
    pub(crate) fn trust(&mut self, work: Work) {
        self.silent.remove(&work);
        let Some(in_hand) = self.in_hand.get_mut(&work) else {
            self.trusted.insert(work);
            return;
        };
        if let Some(patience) = in_hand.patience.take() {
            self.patience.cancel(patience);
        }
        self.alter(work, |in_hand| in_hand.is_passed_over = false);
    }

    /// A worker is gone, or back (`is_gone` says which), with all that it has in hand.
    pub(crate) fn mark_worker(&mut self, worker: WorkerId, is_gone: bool) {
        for work in self.of_worker.get(&worker).cloned().unwrap_or_default() {
            self.alter(work, |in_hand| in_hand.is_orphaned = is_gone);
        }
    }

    /// The wall reached `wall`: attempts that have had their time are passed over.
    pub(crate) fn tick(&mut self, wall: Time) {
        while let Some((_, work)) = self.patience.pop_due(wall) {
            *self.silent.entry(work).or_default() += 1;
            self.alter(work, |in_hand| in_hand.is_passed_over = true);
        }
    }

    /// When (wall) [`Self::tick`] has something to do.
    pub(crate) fn next_tick(&self) -> Option<Time> {
        self.patience.next()
    }

    /// A sleep comes that lifts the attempts of activities that are at work now.
    pub(crate) fn lift_activities(&mut self, wall: Time) -> Vec<Taken> {
        let at_work = self.in_hand.iter().filter(|(work, in_hand)| matches!(work, Work::Activity(_)) && !in_hand.is_orphaned);
        let taken: Vec<_> = at_work.map(|(&work, in_hand)| Taken { work, sequence: in_hand.sequence }).collect();
        for &Taken { work, .. } in &taken {
            self.lifted.insert(work);
            self.alter(work, |in_hand| {
                in_hand.lifted_by += 1;
                in_hand.lifted_at = wall;
            });
        }
        taken
    }

    /// Names what a worker has in hand now, if a sleep lifts it.
    pub(crate) fn lifted_now(&self, work: Work) -> Option<Taken> {
        let in_hand = self.in_hand.get(&work).filter(|in_hand| in_hand.lifted_by > 0)?;
        Some(Taken { work, sequence: in_hand.sequence })
    }

    /// The sleep is over: what it lifted, and is still in hand, holds again.
    pub(crate) fn end_lift(&mut self, taken: &[Taken]) {
        for &Taken { work, sequence } in taken {
            let Some(in_hand) = self.in_hand.get(&work).filter(|in_hand| in_hand.sequence == sequence) else { continue };
            if in_hand.lifted_by == 1 {
                self.lifted.remove(&work);
            }
            self.alter(work, |in_hand| in_hand.lifted_by = in_hand.lifted_by.saturating_sub(1));
        }
    }

    /// The attempts that a sleep lifts, each with the instant (wall) at which it counts as silent: until then its timeouts must not
    /// be reached.
    pub(crate) fn lifted(&self) -> impl Iterator<Item = (Work, Time)> {
        let silence = self.graces.map_or(Duration::ZERO, |graces| graces.silence);
        let lifted = self.lifted.iter().filter_map(|work| Some((*work, self.in_hand.get(work)?)));
        lifted
            .filter(|(_, in_hand)| !in_hand.is_orphaned)
            .map(move |(work, in_hand)| (work, in_hand.heard.max(in_hand.lifted_at) + silence))
    }

    /// All that is in hand.
    pub(crate) fn in_hand(&self) -> impl Iterator<Item = (Work, &InHand)> {
        self.in_hand.iter().map(|(work, in_hand)| (*work, in_hand))
    }

    /// When (wall) something was last put down.
    pub(crate) fn changed(&self) -> Time {
        self.changed
    }

    fn alter(&mut self, work: Work, change: impl FnOnce(&mut InHand)) {
        let Some(in_hand) = self.in_hand.get_mut(&work) else { return };
        let held = in_hand.holds();
        change(in_hand);
        self.excluded_count += i64::from(held) - i64::from(in_hand.holds());
    }
}
