//! How the engine comes to rest after a call, or when time has passed: effects, then matches of tasks and pollers, then what is
//! due, until nothing is left. All transactions begin here.

use std::collections::BTreeSet;

use super::{
    Engine,
    execution::{Cx, machine::Machine, store::Store, transact},
    kernel::{
        due::{Due, RunDue},
        effects::{Effect, Order, Start},
        error::Error,
        key::{Key, NamespaceId, RunKey, ScheduleKey},
        tickets::{Parked, Ticket},
        time::Time,
    },
    schedule::Schedule,
    workflow::run::Run,
};

impl Engine {
    /// Brings everything to rest. `order` chooses between effects on several workflows.
    pub(super) fn settle(&mut self, order: &mut Order<'_>) {
        loop {
            while let Some(effect) = self.effects.take_next(order) {
                self.carry_out(effect);
            }
            while let Some(waiter) = self.update_waiters.next_to_start_anew() {
                self.update_with_start_again(waiter);
            }
            self.match_tasks();
            if !self.effects.is_empty() {
                continue;
            }
            if let Some(batch) = self.batches.take_due() {
                self.step_batch(batch);
            } else if !self.fire_next_instant() {
                break;
            }
        }
        self.catch_up_listings();
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::StartChild { parent, initiated_event_id } => self.start_child(parent, initiated_event_id),
            Effect::StartRun(start) => self.start_next_run(*start),
            Effect::FailFast { namespace, workflow_id, reason } => self.fail_fast(namespace, &workflow_id, &reason),
            Effect::Closed { run, children } => self.after_close(run, &children),
            Effect::External { from, initiated_event_id, namespace, request_id, external } => {
                self.send_external(from, initiated_event_id, namespace, request_id, external);
            }
            Effect::Schedule { schedule, wake } => self.wake_schedule(schedule, wake),
        }
    }

    /// A parked call's time is over. A long poll ends with an empty answer, as on the real server. A query goes to another
    /// worker.
    pub(super) fn expire(&mut self, ticket: Ticket, parked: Parked) {
        match parked {
            Parked::Poll => self.end_poll(ticket),
            Parked::History(run) => self.end_history_wait(run, ticket),
            Parked::Query(query) => self.take_query_from_sticky(query),
            Parked::Update(run) => self.end_update_wait(run, ticket),
            Parked::Sleep { .. } => {}
            Parked::Rest => self.end_rest(ticket),
        }
    }

    /// Forgets a parked call whose caller went away.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        match self.tickets.abandon(ticket) {
            None => {}
            Some(Parked::Poll) => {
                self.matching.unpark(ticket, true, self.wall());
            }
            Some(Parked::History(run)) => {
                self.waiters.remove(run, ticket);
            }
            Some(Parked::Query(query)) => self.drop_query(query),
            Some(Parked::Update(run)) => self.drop_update_waiter(run, ticket),
            Some(Parked::Sleep { due }) => {
                self.domain.timers.cancel(due);
                self.end_sleep(ticket);
            }
            Some(Parked::Rest) => {
                self.resting.remove(&ticket);
            }
        }
    }

    /// Runs all that is due at the next due instant, as of that instant.
    fn fire_next_instant(&mut self) -> bool {
        let Some((at, all)) = self.domain.take_next_instant() else { return false };
        // All of one run go together, in the turn of its first.
        let mut fired = BTreeSet::new();
        for &due in &all {
            match due {
                Due::Sleep(ticket) => self.wake(ticket),
                Due::Run(key, _) if fired.insert(key) => {
                    let of_run = |due: &Due| if let Due::Run(of, what) = due { (*of == key).then_some(*what) } else { None };
                    let due: Vec<RunDue> = all.iter().filter_map(of_run).collect();
                    self.transact_at(at, key, |run, cx| run.fall_due(cx, &due));
                }
                Due::Run(..) => {}
                Due::Batch(key) => self.batches.falls_due(key),
                Due::Schedule(key) => self.transact_schedule_at(at, key, |schedule, cx| schedule.fall_due(cx, &[()])),
            }
        }
        true
    }

    /// One transaction on one run, now.
    pub(super) fn transact<T>(&mut self, key: RunKey, change: impl FnOnce(&mut Run, &mut Cx<'_>) -> T) -> T {
        self.transact_at(self.now(self.runs.get(key).namespace()), key, change)
    }

    /// A new run: its started event and what comes with it, in one transaction.
    pub(super) fn begin<T>(&mut self, start: Start, first: impl FnOnce(&mut Run, &mut Cx<'_>) -> T) -> (RunKey, T) {
        let now = self.now(start.namespace);
        let (runs, _, mut cx) = self.parts(now);
        let run = Run::begin(&mut cx, runs.next_key(), start);
        let key = runs.insert(run);
        self.record_row(Key::Run(key));
        (key, self.transact_at(now, key, first))
    }

    /// One transaction on one run, as of `now`.
    fn transact_at<T>(&mut self, now: Time, key: RunKey, change: impl FnOnce(&mut Run, &mut Cx<'_>) -> T) -> T {
        let (ran, row_revision) = (self.runs.get(key).is_running(), self.runs.get(key).row_revision());
        let (runs, _, mut cx) = self.parts(now);
        let (outcome, held) = transact::transact(runs.stored_mut(key), &mut cx, |run: &mut Run, cx| {
            run.forget_ended_updates();
            change(run, cx)
        });
        self.skipping.holds.change(held);
        if self.verifies_rebuilds {
            self.runs.get(key).verify_rebuild();
        }
        if self.runs.get(key).row_revision() != row_revision {
            self.record_row(Key::Run(key));
        }
        if ran && !self.runs.get(key).is_running() {
            self.note_close(key);
        }
        self.answer_history_waiters(key);
        self.answer_update_waiters(key);
        outcome
    }

    /// A run has just closed.
    fn note_close(&mut self, key: RunKey) {
        if let Some(closed) = &mut self.closed {
            closed.push(key);
        }
        let retention = self.namespaces.get(self.runs.get(key).namespace()).retention;
        self.retention.closed(&mut self.runs, key, retention, self.domain.clock.wall());
        self.replay_closed(key);
    }

    /// One transaction on one schedule, now.
    pub(super) fn transact_schedule<T>(&mut self, key: ScheduleKey, change: impl FnOnce(&mut Schedule, &mut Cx<'_>) -> T) -> T {
        self.transact_schedule_at(self.now(self.schedules.get(key).namespace()), key, change)
    }

    /// One transaction on one schedule, as of `now`.
    fn transact_schedule_at<T>(
        &mut self,
        now: Time,
        key: ScheduleKey,
        change: impl FnOnce(&mut Schedule, &mut Cx<'_>) -> T,
    ) -> T {
        let row_revision = self.schedules.get(key).row_revision();
        let (_, schedules, mut cx) = self.parts(now);
        let (outcome, held) = transact::transact(schedules.stored_mut(key), &mut cx, change);
        self.skipping.holds.change(held);
        if self.schedules.get(key).row_revision() != row_revision {
            self.record_row(Key::Schedule(key));
        }
        outcome
    }

    /// The machines, and apart from them what a transition on one of them may touch.
    fn parts(&mut self, now: Time) -> (&mut Store<Run>, &mut Store<Schedule>, Cx<'_>) {
        let cx = Cx {
            now,
            wall: self.domain.clock.wall(),
            ids: &mut self.ids,
            timers: &mut self.domain.timers,
            matching: &mut self.matching,
            effects: &mut self.effects,
            skipping: &mut self.skipping,
            limits: &self.limits,
            switches: &self.switches,
            replays_always: self.replays_always,
        };
        (&mut self.runs, &mut self.schedules, cx)
    }

    /// The namespace that a request names.
    ///
    /// # Errors
    /// It is empty, too long, or not registered.
    pub(super) fn resolve(&mut self, namespace: &str) -> super::error::Result<NamespaceId> {
        if namespace.len() > self.limits.id_length_max {
            return Err(Error::invalid("Namespace length exceeds limit."));
        }
        self.namespaces.resolve(namespace, &mut self.ids)
    }

    /// The namespace in which a request starts a workflow.
    ///
    /// # Errors
    /// As for [`Self::resolve`]; and it is deprecated or deleted.
    pub(super) fn resolve_for_start(&mut self, namespace: &str) -> super::error::Result<NamespaceId> {
        match self.namespaces.find(namespace) {
            Some(id) => self.namespaces.open_for_starts(id),
            None => self.resolve(namespace),
        }
    }

    /// The namespace that a worker names in the answer to a task is known, or it names none: the task has one.
    ///
    /// # Errors
    /// It is not registered.
    pub(super) fn check_namespace_of_task(&mut self, namespace: &str) -> super::error::Result<()> {
        if namespace.is_empty() { Ok(()) } else { self.resolve(namespace).map(drop) }
    }
}
