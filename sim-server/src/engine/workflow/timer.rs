//! Timers that the workflow started.

use super::{
    Cx, Run,
    due::{Due, RunDue},
};
use crate::{
    engine::{time::span, timers::TimerKey},
    proto::{
        command::{CancelTimerCommandAttributes, StartTimerCommandAttributes},
        history::{
            TimerCanceledEventAttributes, TimerFiredEventAttributes, TimerStartedEventAttributes, history_event::Attributes,
        },
    },
};

/// A running timer.
#[derive(Debug)]
pub(crate) struct UserTimer {
    pub(crate) started_event_id: i64,
    key: TimerKey,
}

impl Run {
    pub(crate) fn start_timer(
        &mut self,
        cx: &mut Cx<'_>,
        command: StartTimerCommandAttributes,
        extras: super::events::Extras,
        completed_event_id: i64,
    ) {
        let at = cx.now + span(command.start_to_fire_timeout.as_ref());
        let attributes = TimerStartedEventAttributes {
            timer_id: command.timer_id.clone(),
            start_to_fire_timeout: command.start_to_fire_timeout,
            workflow_task_completed_event_id: completed_event_id,
        };
        let started_event_id = self.add_event_with(cx, Attributes::TimerStartedEventAttributes(attributes), extras);
        let key = cx.timers.add(at, Due::Run(self.key, RunDue::UserTimer(started_event_id)));
        self.timers.insert(command.timer_id, UserTimer { started_event_id, key });
    }

    /// Cancels a running timer, or one whose firing is buffered: then it never fired.
    pub(crate) fn cancel_timer(
        &mut self,
        cx: &mut Cx<'_>,
        command: CancelTimerCommandAttributes,
        identity: &str,
        completed_event_id: i64,
    ) {
        let timer_id = command.timer_id;
        let started_event_id = match self.timers.remove(&timer_id) {
            Some(timer) => {
                cx.timers.cancel(timer.key);
                timer.started_event_id
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

    pub(crate) fn fire_timer(&mut self, cx: &mut Cx<'_>, started_event_id: i64) {
        let started = self.history.get(started_event_id).and_then(|event| event.attributes);
        let Some(Attributes::TimerStartedEventAttributes(TimerStartedEventAttributes { timer_id, .. })) = started else {
            return;
        };
        self.timers.remove(&timer_id);
        let attributes = TimerFiredEventAttributes { timer_id, started_event_id };
        self.add_event(cx, Attributes::TimerFiredEventAttributes(attributes));
        self.schedule_workflow_task(cx);
    }

    pub(crate) fn drop_timers(&mut self, cx: &mut Cx<'_>) {
        for (_, timer) in std::mem::take(&mut self.timers) {
            cx.timers.cancel(timer.key);
        }
    }
}
