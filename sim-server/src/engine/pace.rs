//! How time passes: what the wall brings about, whether virtual time may skip and how far, and who hears that it cannot.

use std::time::Duration;

use super::{
    Engine,
    execution::{machine::Machine, store::Store, waiters::Waiters},
    kernel::{
        due::Due,
        key::{ActivityKey, ActivityOwner, RunKey},
        time::Time,
    },
    matching::queues::Task,
    skipping::{Awaits, holds::Work, skips::Skip},
    workflow::{run::Run, update::waiters::UpdateWaiters},
};

/// A client that waits this long (wall) for time that cannot move is told why, in the log.
const STANDSTILL: Duration = Duration::from_secs(2);

impl Engine {
    /// The long polls that wait for an end.
    pub(super) fn awaits(&self) -> Awaits {
        Awaits { end_count: self.waiters.end_count(), outcome_count: self.update_waiters.outcome_count() }
    }

    /// Whether time may skip at all now.
    pub(super) fn may_skip(&self) -> bool {
        self.skipping.may_skip(self.awaits(), self.matching.unserved_count()) && self.runs_away().is_none()
    }

    /// Why time no longer skips, if it runs away. It does not towards the end of a sleep, nor for what nobody awaits while something
    /// else is awaited.
    pub(super) fn runs_away(&self) -> Option<&str> {
        if self.skipping.sleeps.is_any() {
            return None;
        }
        let is_any_awaited = self.awaits().is_any();
        let is_of_interest = |run| !is_any_awaited || is_awaited(&self.runs, &self.waiters, &self.update_waiters, run);
        let mut exceeded = self.skipping.runaway.exceeded().filter(|(run, _)| is_of_interest(*run));
        self.skipping.runaway.too_far().or_else(|| exceeded.next().map(|(_, text)| text))
    }

    /// Where time may jump to now: to the next instant at which something falls due; but where a sleep lifts attempts that are at
    /// work, not to their timeouts.
    pub(super) fn next_skip(&self) -> Option<Time> {
        let next = self.domain.next()?;
        if !self.may_skip() {
            return None;
        }
        let to = self.sleep_limit().map_or(next, |limit| next.min(limit));
        (to > self.domain.now() || to == next).then_some(to)
    }

    /// The last instant before a timeout of an attempt that a sleep lifts, and that has not been silent for long.
    pub(super) fn sleep_limit(&self) -> Option<Time> {
        let wall = self.wall();
        let lifted = self.skipping.holds.lifted().filter(|(_, silent_at)| *silent_at > wall);
        lifted.filter_map(|(work, _)| self.timeout_of(work)).min().map(|at| at.shifted(-1))
    }

    fn timeout_of(&self, work: Work) -> Option<Time> {
        match work {
            Work::WorkflowTask(_) => None,
            Work::Activity(activity) => {
                let ActivityOwner::Run(run) = activity.owner;
                self.runs.get(run).pending_activity(activity.scheduled_event_id)?.1.next_timeout()
            }
        }
    }

    /// Time jumps to `to`.
    pub(super) fn skip(&mut self, to: Time) {
        let from = self.domain.now();
        self.domain.clock.skip_to(to);
        let due = self.domain.timers.first().filter(|(at, _)| *at <= to).map(|(_, due)| *due);
        if to > from {
            self.skipping.skips.add(Skip { from, to, due });
        }
        let is_bounded = self.skipping.sleeps.is_any();
        if self.skipping.runaway.skipped(to.since(from), is_bounded) {
            let text = self.skipping.runaway.stop(&due.map_or_else(String::new, |due| self.name_of(due)));
            self.skipping.notices.warn(text);
        }
        self.standing_since = None;
    }

    /// The wall moved on: who has not come by now does not count.
    pub(super) fn end_graces(&mut self) {
        let wall = self.wall();
        let Self { runs, waiters, update_waiters, .. } = self;
        let is_awaited = |task| match task {
            Task::Workflow(run) | Task::Activity(ActivityKey { owner: ActivityOwner::Run(run), .. }) => {
                is_awaited(runs, waiters, update_waiters, run)
            }
            Task::Query(_) | Task::Replay(_) => false,
        };
        let gone = self.workers.tick(wall);
        for &worker in &gone {
            self.matching.forget_worker(worker, wall, is_awaited);
            self.skipping.holds.mark_worker(worker, true);
        }
        self.matching.tick(wall, is_awaited);
        self.skipping.holds.tick(wall);
        for locks in self.skipping.locks.tick(wall) {
            let what = if locks > 0 { "locked" } else { "unlocked" };
            let text = format!("a client has closed its connection and left time {what}: that is undone now");
            self.skipping.notices.inform(text);
        }
        for queue in self.matching.take_released() {
            if let Some(text) = self.matching.waiting_in(queue).map(|waiting| self.name_unserved(&waiting)) {
                self.skipping.notices.inform(format!("time no longer waits for it: {text}"));
            }
            for run in self.matching.replays_in(queue) {
                self.give_up_replay(run, "no worker polls its task queue any more");
            }
        }
        for worker in gone {
            self.give_up_replays_of(worker);
        }
        self.give_up_overdue_replays();
    }

    /// When (wall) one of the graces ends, or somebody is told why time stands still.
    pub(super) fn next_grace(&self) -> Option<Time> {
        let wall = self.wall();
        let silent_at = self.skipping.holds.lifted().map(|(_, silent_at)| silent_at).filter(|at| *at > wall).min();
        let reinstated_at = self.orphans_alone_since.map(|since| since + STANDSTILL);
        let told_at = self.standing_since.filter(|(_, is_told)| !is_told).map(|(since, _)| since + STANDSTILL);
        // Nobody cares for whom time waits where nothing is due.
        let is_of_interest = self.domain.next().is_some() || !self.resting.is_empty();
        let graces = [
            self.workers.next_tick().filter(|_| is_of_interest),
            self.matching.next_tick().filter(|_| is_of_interest),
            self.skipping.holds.next_tick(),
            self.skipping.locks.next_tick(),
            self.replays.next_overdue(),
            silent_at,
            told_at,
            reinstated_at,
        ];
        graces.into_iter().flatten().min()
    }

    /// After all that can happen has happened: time stands still before the timeouts that a sleep must not reach; who waits until
    /// nothing is in flight is answered; and who has waited for long is told why.
    pub(super) fn watch(&mut self) {
        self.domain.clock.stop_at(self.sleep_limit());
        self.answer_rest();
        self.tell_runaways();
        self.reinstate_orphans();
        let is_standing = self.skipping.is_awaited(self.awaits()) && self.next_skip().is_none();
        let wall = self.wall();
        if !is_standing {
            self.standing_since = None;
            return;
        }
        let changed = self.skipping.holds.changed();
        let (since, is_told) = self.standing_since.filter(|(since, _)| *since >= changed).unwrap_or((wall, false));
        self.standing_since = Some((since, is_told));
        if !is_told && wall.since(since) >= STANDSTILL {
            self.standing_since = Some((since, true));
            self.tell_standstill();
        }
    }

    fn tell_runaways(&mut self) {
        if self.runs_away().is_none() {
            return;
        }
        let is_any_awaited = self.awaits().is_any();
        let Self { runs, waiters, update_waiters, skipping, .. } = self;
        let is_of_interest = |run| !is_any_awaited || is_awaited(runs, waiters, update_waiters, run);
        for text in skipping.runaway.take_untold(is_of_interest) {
            skipping.notices.warn(text);
        }
    }

    /// A sleep that lifts nothing any more may have been the test's own after all: then it sleeps on where nothing else goes on.
    fn reinstate_orphans(&mut self) {
        let is_alone = self.skipping.sleeps.has_orphans() && self.is_at_rest() && self.next_skip().is_none();
        let wall = self.wall();
        let changed = self.skipping.holds.changed();
        self.orphans_alone_since = is_alone.then(|| self.orphans_alone_since.unwrap_or(wall).max(changed));
        if self.orphans_alone_since.is_some_and(|since| wall.since(since) >= STANDSTILL) {
            self.orphans_alone_since = None;
            self.skipping.sleeps.reinstate_orphans();
        }
    }

    /// What falls due, for people.
    pub(super) fn name_of(&self, due: Due) -> String {
        match due {
            Due::Sleep(_) => "the end of a sleep".to_owned(),
            // It may be asked for long after, of a run that is deleted since.
            Due::Run(run, _) if !self.runs.contains(run) => "something of a workflow that is deleted".to_owned(),
            Due::Run(run, what) => self.runs.get(run).name_of(what),
            Due::Batch(batch) => format!("the next step of the batch operation {}", self.batches.get(batch).id()),
            Due::Schedule(schedule) => self.schedules.get(schedule).name_of_due(),
        }
    }
}

/// Whether somebody awaits the end of this run or an outcome of it, or of the one at the root of its tree.
fn is_awaited(runs: &Store<Run>, waiters: &Waiters, update_waiters: &UpdateWaiters, run: RunKey) -> bool {
    let is_awaited_itself = |run| waiters.awaits_end(run) || !update_waiters.is_empty(run);
    let row = runs.get(run).row();
    let current = |id: &str| runs.current(row.namespace, id).is_some_and(is_awaited_itself);
    is_awaited_itself(run) || current(row.id) || runs.get(run).root_workflow_id().is_some_and(current)
}
