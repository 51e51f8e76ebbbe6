//! Whether a worker will come for what waits in a task queue: one that polls it, or polled it and is only busy; or one that has yet
//! to come. Time waits for such workers, for those who have yet to come only for a while.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::queues::{Arrival, QueueId};
use crate::engine::kernel::{
    key::WorkerId,
    time::Time,
    timers::{TimerKey, Timers},
};

/// A worker that resets its polls on a queue, or shuts down, polls it again within this (wall), or has left it.
const RETURN_GRACE: Duration = Duration::from_secs(1);

/// Who attends to one queue.
#[derive(Debug, Default)]
struct Attended {
    /// The workers that poll it, or will again, each with the count of its polls.
    workers: BTreeMap<WorkerId, u64>,
    was_polled: bool,
    /// Until when (wall) time waits for a worker to come.
    waits_until: Option<TimerKey>,
    /// Since when (wall) it does.
    waits_since: Time,
    /// No worker will come for its tasks.
    is_unserved: bool,
    task_count: i64,
}

/// Who attends to each queue.
#[derive(Debug)]
pub(super) struct Attendance {
    of: Vec<Attended>,
    /// The queues that each worker serves.
    served: BTreeMap<WorkerId, BTreeSet<QueueId>>,
    /// How long (wall) time waits for the first worker of a queue; for ever if `None`.
    grace: Option<Duration>,
    /// When (wall) a queue's wait for a worker is over.
    lapses: Timers<QueueId>,
    /// When (wall) a worker counts as gone from a queue, unless it has polled again: with the count of its polls.
    departures: Timers<(QueueId, WorkerId, u64)>,
    /// How many tasks wait where no worker will come.
    unserved_count: i64,
    /// Queues with tasks that nobody will come for, since the last look.
    released: Vec<QueueId>,
}

impl Attendance {
    pub(super) fn new(grace: Option<Duration>) -> Self {
        Self {
            of: Vec::new(),
            served: BTreeMap::new(),
            grace,
            lapses: Timers::default(),
            departures: Timers::default(),
            unserved_count: 0,
            released: Vec::new(),
        }
    }

    /// There is one queue more.
    pub(super) fn add_queue(&mut self) {
        self.of.push(Attended::default());
    }

    /// A task waits. `is_polled`: whether polls wait, too.
    pub(super) fn add_task(&mut self, id: QueueId, arrival: Arrival, is_polled: bool, wall: Time) {
        if !is_polled {
            let is_new = arrival == Arrival::New || !self.get(id).was_polled;
            self.expect(id, if is_new { self.grace } else { self.grace.map(|grace| grace.min(RETURN_GRACE)) }, wall);
        }
        let queue = self.get_mut(id);
        queue.task_count += 1;
        self.unserved_count += i64::from(self.get(id).is_unserved);
    }

    /// Time waits this long for a worker to come, and no less than it did before.
    fn expect(&mut self, id: QueueId, grace: Option<Duration>, wall: Time) {
        let Some(grace) = grace else { return };
        let queue = self.get(id);
        if queue.waits_until.is_some_and(|until| until.at >= wall + grace) {
            return;
        }
        self.end_wait(id);
        let queue = self.get_mut(id);
        queue.waits_since = wall;
        let until = self.lapses.add(wall + grace, id);
        self.get_mut(id).waits_until = Some(until);
        self.review(id, wall);
    }

    /// Somebody awaits what waits in this queue: time waits for a worker as it does for the first.
    pub(super) fn await_worker(&mut self, id: QueueId, wall: Time) {
        if self.get(id).workers.is_empty() {
            self.expect(id, self.grace, wall);
        }
    }

    /// A task waits no longer.
    pub(super) fn remove_task(&mut self, id: QueueId) {
        let queue = self.get_mut(id);
        queue.task_count -= 1;
        self.unserved_count -= i64::from(self.get(id).is_unserved);
    }

    /// A worker polls.
    pub(super) fn poll(&mut self, id: QueueId, worker: WorkerId, wall: Time) {
        self.served.entry(worker).or_default().insert(id);
        self.end_wait(id);
        let queue = self.get_mut(id);
        queue.was_polled = true;
        *queue.workers.entry(worker).or_default() += 1;
        self.review(id, wall);
    }

    /// A worker is about to leave a queue.
    pub(super) fn depart(&mut self, id: QueueId, worker: WorkerId, wall: Time) {
        let count = self.get(id).workers.get(&worker).copied();
        if let Some(count) = count.filter(|_| self.grace.is_some()) {
            self.departures.add(wall + RETURN_GRACE, (id, worker, count));
        }
    }

    /// A worker shuts down: it is about to leave all its queues.
    pub(super) fn dismiss(&mut self, worker: WorkerId, wall: Time) {
        for id in self.served.get(&worker).cloned().unwrap_or_default() {
            self.depart(id, worker, wall);
        }
    }

    /// A worker is gone.
    pub(super) fn forget(&mut self, worker: WorkerId, wall: Time, is_awaited: impl Fn(QueueId) -> bool) {
        for id in self.served.remove(&worker).unwrap_or_default() {
            self.get_mut(id).workers.remove(&worker);
            if is_awaited(id) {
                self.expect(id, self.grace, wall);
            }
            self.review(id, wall);
        }
    }

    /// The wall reached `wall`: waits for workers that have not come are over, or have not come back. Where somebody awaits what waits
    /// there, as `is_awaited` tells, the wait is as long as for a first worker.
    pub(super) fn tick(&mut self, wall: Time, is_awaited: impl Fn(QueueId) -> bool) {
        while let Some((_, (id, worker, count))) = self.departures.pop_due(wall) {
            if self.get(id).workers.get(&worker) == Some(&count) {
                self.get_mut(id).workers.remove(&worker);
                if let Some(served) = self.served.get_mut(&worker) {
                    served.remove(&id);
                }
                if is_awaited(id) {
                    self.expect(id, self.grace, wall);
                }
                self.review(id, wall);
            }
        }
        while let Some((_, id)) = self.lapses.pop_due(wall) {
            let queue = self.get_mut(id);
            queue.waits_until = None;
            let until = self.grace.map(|grace| self.get(id).waits_since + grace).filter(|until| *until > wall);
            if let Some(until) = until.filter(|_| self.get(id).workers.is_empty() && is_awaited(id)) {
                self.get_mut(id).waits_until = Some(self.lapses.add(until, id));
            }
            self.review(id, wall);
        }
    }

    /// When (wall) [`Self::tick`] has something to do.
    pub(super) fn next_tick(&self) -> Option<Time> {
        [self.lapses.next(), self.departures.next()].into_iter().flatten().min()
    }

    /// How many tasks wait where no worker will come.
    pub(super) fn unserved_count(&self) -> i64 {
        self.unserved_count
    }

    /// Takes the queues with tasks that nobody will come for, as it has turned out since the last call.
    pub(super) fn take_released(&mut self) -> Vec<QueueId> {
        std::mem::take(&mut self.released)
    }

    pub(super) fn worker_count(&self, id: QueueId) -> usize {
        self.get(id).workers.len()
    }

    pub(super) fn was_polled(&self, id: QueueId) -> bool {
        self.get(id).was_polled
    }

    pub(super) fn is_unserved(&self, id: QueueId) -> bool {
        self.get(id).is_unserved
    }

    /// Whether a worker will come for what waits in a queue may have changed.
    fn review(&mut self, id: QueueId, wall: Time) {
        let has_grace = self.grace.is_some();
        let queue = self.get_mut(id);
        let waits = queue.waits_until.is_some_and(|until| until.at > wall);
        let is_unserved = has_grace && queue.workers.is_empty() && !waits;
        if is_unserved == queue.is_unserved {
            return;
        }
        queue.is_unserved = is_unserved;
        let count = queue.task_count;
        self.unserved_count += if is_unserved { count } else { -count };
        if is_unserved && count > 0 {
            self.released.push(id);
        }
    }

    fn end_wait(&mut self, id: QueueId) {
        if let Some(wait) = self.get_mut(id).waits_until.take() {
            self.lapses.cancel(wait);
        }
    }

    fn get(&self, id: QueueId) -> &Attended {
        &self.of[id.0 as usize]
    }

    fn get_mut(&mut self, id: QueueId) -> &mut Attended {
        &mut self.of[id.0 as usize]
    }
}
