//! Timers: started, then fired or cancelled once, and never fired early.

use std::collections::BTreeMap;

use foretime_server::{
    engine::time::{Time, span},
    proto::history::{TimerStartedEventAttributes, history_event::Attributes},
};

use super::{Findings, Step, is_before, kinds, namesakes::Namesakes};

/// The timers of a run, by started event.
#[derive(Debug, Default)]
pub(super) struct Timers<'a> {
    timers: BTreeMap<i64, Timer<'a>>,
    namesakes: Namesakes<'a>,
}

#[derive(Debug)]
struct Timer<'a> {
    at: Option<Time>,
    attributes: &'a TimerStartedEventAttributes,
    ended_by: Option<i64>,
}

impl<'a> Timers<'a> {
    pub(super) fn take(&mut self, step: &Step<'a>, findings: &mut Findings) {
        use Attributes as A;
        match step.attributes {
            A::TimerStartedEventAttributes(attributes) => {
                self.namesakes.open(&attributes.timer_id, step);
                self.timers.insert(step.id, Timer { at: step.at, attributes, ended_by: None });
            }
            A::TimerFiredEventAttributes(fired) => {
                let Some(timer) = self.end(step, fired.started_event_id, &fired.timer_id, findings) else { return };
                let due = timer.at.map(|at| at + span(timer.attributes.start_to_fire_timeout.as_ref()));
                if let (Some(at), Some(due)) = (step.at, due)
                    && is_before(at, due)
                {
                    findings.say("timer-early", format!("its timer is not due for another {:?}", due.since(at)));
                }
            }
            A::TimerCanceledEventAttributes(canceled) => {
                self.end(step, canceled.started_event_id, &canceled.timer_id, findings);
            }
            A::WorkflowTaskScheduledEventAttributes(_) => self.namesakes.settle("timer-id", findings),
            attributes if kinds::is_close(attributes.event_type()) => self.namesakes.settle("timer-id", findings),
            _ => {}
        }
    }

    fn end(&mut self, step: &Step<'_>, started: i64, timer_id: &str, findings: &mut Findings) -> Option<&Timer<'a>> {
        let Some(timer) = self.timers.get_mut(&started) else {
            findings.say("timer-order", format!("event {started} started no timer"));
            return None;
        };
        if timer.attributes.timer_id != timer_id {
            let own = &timer.attributes.timer_id;
            findings.say("timer-order", format!("the timer of event {started} is {own:?}, not {timer_id:?}"));
        }
        if let Some(end) = timer.ended_by.replace(step.id) {
            findings.say("timer-order", format!("event {end} ended its timer before"));
        }
        self.namesakes.close(&timer.attributes.timer_id, started, step.at);
        Some(timer)
    }
}
