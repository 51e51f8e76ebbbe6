//! Timers that the workflow started.

use super::run::Run;
use crate::{
    engine::{
        execution::Cx,
        kernel::{
            due::{Due, RunDue},
            effects::Extras,
            time::span,
        },
    },
    proto::{
        command::{CancelTimerCommandAttributes, StartTimerCommandAttributes},
        history::{
            TimerCanceledEventAttributes, TimerFiredEventAttributes, TimerStartedEventAttributes, history_event::Attributes,
        },
    },
};

impl Run {
    /// The started event of the timer that runs under this id.
    pub(super) fn running_timer(&self, timer_id: &str) -> Option<i64> {
        let is_it = |started_event_id: &&i64| self.recorded.timers.get(started_event_id).is_some_and(|id| id == timer_id);
        self.volatile.timers.keys().find(is_it).copied()
    }

    pub(super) fn start_timer(
        &mut self,
        cx: &mut Cx<'_>,
        command: StartTimerCommandAttributes,
        extras: Extras,
        completed_event_id: i64,
    ) {
        let at = cx.now + span(command.start_to_fire_timeout.as_ref());
        let attributes = TimerStartedEventAttributes {
            timer_id: command.timer_id,
            start_to_fire_timeout: command.start_to_fire_timeout,
            workflow_task_completed_event_id: completed_event_id,
        };
        let started_event_id = self.add_event_with(cx, Attributes::TimerStartedEventAttributes(attributes), extras);
        let key = cx.timers.add(at, Due::Run(self.key, RunDue::UserTimer(started_event_id)));
        self.volatile.timers.insert(started_event_id, key);
    }

    /// Cancels a running timer, or one whose firing is buffered: then it never fired.
    pub(super) fn cancel_timer(
        &mut self,
        cx: &mut Cx<'_>,
        command: CancelTimerCommandAttributes,
        identity: &str,
        completed_event_id: i64,
    ) {
        let timer_id = command.timer_id;
        let started_event_id = match self.running_timer(&timer_id) {
            Some(started_event_id) => {
                if let Some(key) = self.volatile.timers.remove(&started_event_id) {
                    cx.timers.cancel(key);
                }
                started_event_id
            }
            None => match self.take_buffered_fire(&timer_id).and_then(|event| event.attributes) {
                Some(Attributes::TimerFiredEventAttributes(fired)) => fired.started_event_id,
                _ => return,
            },
        };
        let attributes = TimerCanceledEventAttributes {
            timer_id,
            started_event_id,
            workflow_task_completed_event_id: completed_event_id,
            identity: identity.to_owned(),
        };
        self.add_event(cx, Attributes::TimerCanceledEventAttributes(attributes));
    }

    pub(super) fn fire_timer(&mut self, cx: &mut Cx<'_>, started_event_id: i64) {
        self.volatile.timers.remove(&started_event_id);
        let Some(timer_id) = self.recorded.timers.get(&started_event_id).cloned() else { return };
        let attributes = TimerFiredEventAttributes { timer_id, started_event_id };
        self.note_progress(cx);
        self.add_event(cx, Attributes::TimerFiredEventAttributes(attributes));
        self.schedule_workflow_task(cx);
    }

    pub(super) fn drop_timers(&mut self, cx: &mut Cx<'_>) {
        for (_, key) in std::mem::take(&mut self.volatile.timers) {
            cx.timers.cancel(key);
        }
    }
}
