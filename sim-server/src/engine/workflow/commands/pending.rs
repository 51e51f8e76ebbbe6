//! What a run has pending while the commands of one completion are checked, one after the other. The run itself does not change.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    engine::workflow::{run::Run, update::message::State},
    proto::{
        enums::EventType,
        history::{HistoryEvent, history_event::Attributes},
    },
};

/// What the worker has pending, as it sees it: what has ended and is still buffered counts.
#[derive(Debug)]
pub(super) struct Pending<'a> {
    run: &'a Run,
    /// The event that the command at hand will write.
    next_event_id: i64,
    activity_count: usize,
    /// The ids of the activities that earlier commands schedule.
    activity_ids: BTreeSet<String>,
    /// The events with which they do.
    scheduled: BTreeSet<i64>,
    /// Scheduled events whose cancellation an earlier command asks for.
    cancelled: BTreeSet<i64>,
    /// What earlier commands do to timers: start (true) or cancel (false) them.
    timers: BTreeMap<String, bool>,
    /// How many buffered events stay buffered.
    buffered_count: usize,
    child_count: usize,
    /// The workflow ids of the children that earlier commands start.
    children: BTreeSet<String>,
    signal_count: usize,
    cancel_count: usize,
    /// How far the messages before take the updates that they are about.
    updates: BTreeMap<String, State>,
    /// An earlier command closes the workflow.
    has_closed: bool,
}

impl<'a> Pending<'a> {
    pub(super) fn new(run: &'a Run) -> Self {
        Self {
            run,
            next_event_id: run.next_command_event_id(),
            activity_count: run.pending_activities().count(),
            activity_ids: BTreeSet::new(),
            scheduled: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            timers: BTreeMap::new(),
            buffered_count: run.buffered().len(),
            child_count: run.pending_children().count(),
            children: BTreeSet::new(),
            signal_count: 0,
            cancel_count: 0,
            updates: BTreeMap::new(),
            has_closed: false,
        }
    }

    /// The command at hand is done: the next one writes the next event.
    pub(super) fn next_command(&mut self) {
        self.next_event_id += 1;
    }

    pub(super) fn activity_count(&self) -> usize {
        self.activity_count + self.activity_ids.len()
    }

    /// Schedules an activity; whether its id is free.
    pub(super) fn schedule_activity(&mut self, activity_id: &str) -> bool {
        let is_taken = self.run.pending_activities().any(|(_, scheduled, _)| scheduled.activity.activity_id == activity_id);
        let is_free = !is_taken && self.activity_ids.insert(activity_id.to_owned());
        if is_free {
            self.scheduled.insert(self.next_event_id);
        }
        is_free
    }

    /// Asks for an activity's cancellation; whether that can be: once, while it is pending.
    pub(super) fn cancel_activity(&mut self, scheduled_event_id: i64) -> bool {
        let is_pending = match self.run.pending_activity(scheduled_event_id) {
            Some((scheduled, _)) => scheduled.cancel_requested_event_id.is_none(),
            None => self.is_end_buffered(scheduled_event_id) || self.scheduled.contains(&scheduled_event_id),
        };
        is_pending && self.cancelled.insert(scheduled_event_id)
    }

    fn is_end_buffered(&self, scheduled_event_id: i64) -> bool {
        let ends = |event: &HistoryEvent| {
            let is_start = event.event_type() == EventType::ActivityTaskStarted;
            let of = event.attributes.as_ref().and_then(Attributes::scheduled_event_id);
            !is_start && of == Some(scheduled_event_id)
        };
        self.run.buffered().iter().any(ends)
    }

    /// Starts a timer; whether its id is free.
    pub(super) fn start_timer(&mut self, timer_id: &str) -> bool {
        let is_free = self.is_running_timer(timer_id) != Some(true);
        if is_free {
            self.timers.insert(timer_id.to_owned(), true);
        }
        is_free
    }

    /// Cancels a timer; whether that can be: while it runs, or while its firing is buffered.
    pub(super) fn cancel_timer(&mut self, timer_id: &str) -> bool {
        let is_running = self.is_running_timer(timer_id);
        let takes_back = is_running.is_none() && self.is_fire_buffered(timer_id);
        if is_running != Some(true) && !takes_back {
            return false;
        }
        self.buffered_count -= usize::from(takes_back);
        self.timers.insert(timer_id.to_owned(), false);
        true
    }

    /// Whether the timer runs, as the earlier commands leave it; `None` if there is none.
    fn is_running_timer(&self, timer_id: &str) -> Option<bool> {
        let before = || self.run.running_timer(timer_id).map(|_| true);
        self.timers.get(timer_id).copied().or_else(before)
    }

    fn is_fire_buffered(&self, timer_id: &str) -> bool {
        self.run.buffered().iter().any(|event| match &event.attributes {
            Some(Attributes::TimerFiredEventAttributes(fired)) => fired.timer_id == timer_id,
            _ => false,
        })
    }

    pub(super) fn child_count(&self) -> usize {
        self.child_count
    }

    pub(super) fn start_child(&mut self, workflow_id: &str) {
        self.child_count += 1;
        self.children.insert(workflow_id.to_owned());
    }

    /// The workflow ids of the children that earlier commands start.
    pub(super) fn new_children(&self) -> &BTreeSet<String> {
        &self.children
    }

    /// Sends a signal; how many the commands send with it.
    pub(super) fn send_signal(&mut self) -> usize {
        self.signal_count += 1;
        self.signal_count
    }

    /// Sends a cancel request; how many the commands send with it.
    pub(super) fn send_cancel(&mut self) -> usize {
        self.cancel_count += 1;
        self.cancel_count
    }

    /// How far an update has come; `None` if there is none of this id.
    pub(super) fn update_state(&self, update_id: &str) -> Option<State> {
        self.updates.get(update_id).copied().or_else(|| self.run.update_state(update_id))
    }

    pub(super) fn set_update_state(&mut self, update_id: &str, state: State) {
        self.updates.insert(update_id.to_owned(), state);
    }

    /// How many updates count towards the limit of a run.
    pub(super) fn update_count(&self) -> usize {
        self.run.update_count()
    }

    pub(super) fn close(&mut self) {
        self.has_closed = true;
    }

    pub(super) fn has_closed(&self) -> bool {
        self.has_closed
    }

    /// Whether something has happened that the worker does not know of.
    pub(super) fn has_news(&self) -> bool {
        self.buffered_count > 0
    }
}
