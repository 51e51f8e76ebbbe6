//! How a schedule's turn is carried out: it starts, cancels and terminates workflows, and waits for them.

use super::{
    outcome::Outcome,
    schedule::{Creation, Schedule},
};
use crate::{
    engine::{
        Engine,
        execution::Cx,
        kernel::{
            effects::{Effect, Wake},
            key::{Key, NamespaceId, RunKey, ScheduleKey},
        },
        rules::schedule::overlap::{Decision, Start},
        workflow::signal::CancelRequest,
    },
    proto::{common::WorkflowExecution, enums::WorkflowExecutionStatus},
};

impl Engine {
    /// A new schedule; `first` is done along with that.
    pub(super) fn begin_schedule(&mut self, creation: Creation, first: impl FnOnce(&mut Schedule, &mut Cx<'_>)) {
        let now = self.now(creation.namespace);
        let schedule = Schedule::begin(self.schedules.next_key(), now, creation);
        let key = self.schedules.insert(schedule);
        self.record_row(Key::Schedule(key));
        self.transact_schedule(key, first);
    }

    /// A schedule looks what there is to do.
    pub(in crate::engine) fn wake_schedule(&mut self, key: ScheduleKey, wake: Wake) {
        let schedule = self.schedules.get(key);
        let now = self.now(schedule.namespace());
        if !schedule.is_open(now) {
            return;
        }
        match wake {
            Wake::Turn => {}
            Wake::Refresh => self.transact_schedule(key, |schedule, _| schedule.needs_refresh = true),
            Wake::Closed(first_run_id) => self.watched_has_closed(key, &first_run_id),
        }
        let next = self.transact_schedule(key, |schedule, _| schedule.begin_turn(now));
        while self.take_actions(key) {}
        self.watch_first_running(key);
        self.transact_schedule(key, |schedule, cx| schedule.end_turn(cx, next));
    }

    /// Takes the actions that are due, as far as they need not wait. Whether there may be more to do.
    fn take_actions(&mut self, key: ScheduleKey) -> bool {
        self.refresh(key);
        let Some(decision) = self.transact_schedule(key, |schedule, _| schedule.decide()) else { return false };
        let Decision { overlapping, alone, cancels, terminates, .. } = decision;
        let starts = overlapping.into_iter().map(|start| (start, true)).chain(alone.map(|start| (start, false)));
        let mut is_any_left_out = false;
        for (start, may_overlap) in starts {
            let may_start = self.transact_schedule(key, |schedule, _| schedule.take_action(start.is_manual));
            is_any_left_out |= !(may_start && self.start_action(key, start, may_overlap));
        }
        if cancels || terminates {
            for running in self.schedules.get(key).info.running_workflows.clone() {
                self.stop_action(key, &running, terminates);
            }
        }
        is_any_left_out
    }

    /// Starts the workflow of an action. Whether that could be.
    fn start_action(&mut self, key: ScheduleKey, start: Start, may_overlap: bool) -> bool {
        let request_id = self.ids.uuid();
        let schedule = self.schedules.get(key);
        let namespace = schedule.namespace();
        let Some(request) = schedule.start_request(start, request_id) else { return false };
        let workflow_id = request.workflow_id.clone();
        let Ok(started) = self.start_workflow_execution(request) else { return false };
        let started = WorkflowExecution { workflow_id, run_id: started.run_id };
        let now = self.now(namespace);
        self.transact_schedule(key, |schedule, _| schedule.record(start, started, may_overlap, now));
        true
    }

    /// Cancels or terminates what runs, to make room.
    fn stop_action(&mut self, key: ScheduleKey, running: &WorkflowExecution, terminates: bool) {
        let schedule = self.schedules.get(key);
        let (namespace, identity) = (schedule.namespace(), schedule.identity());
        let Some(run) = self.runs.current(namespace, &running.workflow_id) else { return };
        if !self.is_running_in_chain(run, &running.run_id) {
            return;
        }
        if terminates {
            let reason = "terminated by schedule overlap policy";
            return self.transact(run, |run, cx| run.terminate(cx, reason, None, &identity, Vec::new()));
        }
        let request = CancelRequest {
            reason: "cancelled by schedule overlap policy".to_owned(),
            identity,
            request_id: self.ids.uuid(),
            ..CancelRequest::default()
        };
        self.transact(run, |run, cx| run.request_cancel(cx, request));
    }

    fn is_running_in_chain(&self, run: RunKey, first_run_id: &str) -> bool {
        let run = self.runs.get(run);
        run.is_running() && run.first_run_id() == first_run_id
    }

    /// Whether a workflow that a schedule has started runs, as those see it who ask for the schedule.
    pub(super) fn is_action_running(&self, namespace: NamespaceId, started: &WorkflowExecution) -> bool {
        let run = self.runs.current(namespace, &started.workflow_id);
        // One that is paused is not shown, and its schedule takes it to be running all the same.
        run.is_some_and(|run| {
            self.is_running_in_chain(run, &started.run_id) && self.runs.get(run).status() == WorkflowExecutionStatus::Running
        })
    }

    /// Looks which of the workflows have closed that the schedule takes to be running, if it must.
    fn refresh(&mut self, key: ScheduleKey) {
        if !self.transact_schedule(key, |schedule, _| std::mem::take(&mut schedule.needs_refresh)) {
            return;
        }
        let schedule = self.schedules.get(key);
        let (namespace, all) = (schedule.namespace(), schedule.info.running_workflows.clone());
        for running in all {
            if let Some(outcome) = self.outcome_of(namespace, &running) {
                self.transact_schedule(key, |schedule, _| schedule.learn(&running.workflow_id, outcome));
            }
        }
    }

    /// How a workflow that a schedule has started has closed. `None`: it, or a run that follows it, is running.
    fn outcome_of(&self, namespace: NamespaceId, started: &WorkflowExecution) -> Option<Outcome> {
        let current = self.runs.current(namespace, &started.workflow_id);
        let is_of_chain = |run: &RunKey| self.runs.get(*run).first_run_id() == started.run_id;
        let mut run = current.filter(is_of_chain).or_else(|| self.runs.find_by_run_id(&started.run_id));
        while let Some(next) = run.and_then(|run| self.runs.get(run).next_run_id()) {
            run = self.runs.find_by_run_id(next);
        }
        let Some(run) = run.map(|run| self.runs.get(run)) else { return Some(Outcome::default()) };
        if run.is_running() {
            return None;
        }
        let close = run.history().get(run.history().last_id()).and_then(|event| event.attributes);
        Some(Outcome::of(run.status(), close, &self.limits))
    }

    /// What waits is started when what runs has closed: the schedule is told then.
    fn watch_first_running(&mut self, key: ScheduleKey) {
        let schedule = self.schedules.get(key);
        if schedule.buffer.is_empty() || schedule.watched.is_some() {
            return;
        }
        let Some(running) = schedule.info.running_workflows.first().cloned() else { return };
        let first_run_id = running.run_id.clone();
        self.schedule_watches.add(&first_run_id, key);
        if self.outcome_of(schedule.namespace(), &running).is_some() {
            self.effects.leave(Effect::Schedule { schedule: key, wake: Wake::Closed(first_run_id.clone()) });
        }
        self.transact_schedule(key, |schedule, _| schedule.watched = Some(first_run_id));
    }

    fn watched_has_closed(&mut self, key: ScheduleKey, first_run_id: &str) {
        let is_watched = |schedule: &mut Schedule| schedule.watched.take_if(|watched| watched == first_run_id).is_some();
        if !self.transact_schedule(key, |schedule, _| is_watched(schedule)) {
            return;
        }
        self.schedule_watches.take(first_run_id);
        let schedule = self.schedules.get(key);
        let running = schedule.info.running_workflows.iter().find(|running| running.run_id == first_run_id).cloned();
        let Some(running) = running else { return };
        if let Some(outcome) = self.outcome_of(schedule.namespace(), &running) {
            self.transact_schedule(key, |schedule, _| schedule.learn(&running.workflow_id, outcome));
        }
    }

    /// A run has closed, and none follows it: a schedule may wait for that.
    pub(in crate::engine) fn tell_schedules(&mut self, run: RunKey) {
        let run = self.runs.get(run);
        if run.is_followed() {
            return;
        }
        if let Some(schedule) = self.schedule_watches.take(run.first_run_id()) {
            let first_run_id = run.first_run_id().to_owned();
            self.effects.leave(Effect::Schedule { schedule, wake: Wake::Closed(first_run_id) });
        }
    }
}
