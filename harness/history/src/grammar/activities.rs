//! Activities: scheduled, then started, then closed once; or closed without a start. Only the last attempt leaves a trace: its
//! start is written when the activity closes, with the time at which it started.

use std::{collections::BTreeMap, time::Duration};

use foretime_server::{
    engine::time::{Time, span},
    proto::{
        enums::TimeoutType,
        failure::{Failure, failure::FailureInfo},
        history::{
            ActivityTaskCanceledEventAttributes, ActivityTaskScheduledEventAttributes, ActivityTaskStartedEventAttributes,
            ActivityTaskTimedOutEventAttributes, history_event::Attributes,
        },
    },
};

use super::{Findings, Step, backoff, is_before, is_reset, kinds, namesakes::Namesakes};

/// The rule of the order of an activity's events, and of their links.
const ORDER: &str = "activity-order";

/// The activities of a run, by scheduled event.
#[derive(Debug, Default)]
pub(super) struct Activities<'a> {
    activities: BTreeMap<i64, Activity<'a>>,
    namesakes: Namesakes<'a>,
    /// Second requests to cancel. One is legal if the close of the activity was held back, so that the first request was not
    /// yet known.
    again: Vec<Again>,
}

/// A request to cancel an activity, after a first one.
#[derive(Debug)]
struct Again {
    event_id: i64,
    at: Option<Time>,
    scheduled: i64,
    first: i64,
}

#[derive(Debug)]
struct Activity<'a> {
    at: Option<Time>,
    attributes: &'a ActivityTaskScheduledEventAttributes,
    started: Option<Started<'a>>,
    cancel_requested: Option<i64>,
    closed_by: Option<i64>,
}

/// The start of an activity's last attempt.
#[derive(Clone, Copy, Debug)]
struct Started<'a> {
    event_id: i64,
    at: Option<Time>,
    attributes: &'a ActivityTaskStartedEventAttributes,
}

impl<'a> Activities<'a> {
    pub(super) fn take(&mut self, step: &Step<'a>, findings: &mut Findings) {
        use Attributes as A;
        match step.attributes {
            A::ActivityTaskScheduledEventAttributes(attributes) => {
                self.namesakes.open(&attributes.activity_id, step);
                let activity = Activity { at: step.at, attributes, started: None, cancel_requested: None, closed_by: None };
                self.activities.insert(step.id, activity);
            }
            A::ActivityTaskStartedEventAttributes(attributes) => self.start(step, attributes, findings),
            A::ActivityTaskCancelRequestedEventAttributes(request) => {
                self.request_cancel(step, request.scheduled_event_id, findings);
            }
            A::ActivityTaskCompletedEventAttributes(close) => {
                let Some(activity) = self.close(step, close.scheduled_event_id, close.started_event_id, findings) else {
                    return;
                };
                if activity.must_have_started(findings).is_some_and(|started| !is_forced(&started)) {
                    activity.check_backoff(findings);
                }
            }
            A::ActivityTaskFailedEventAttributes(close) => {
                let Some(activity) = self.close(step, close.scheduled_event_id, close.started_event_id, findings) else {
                    return;
                };
                activity.must_have_started(findings);
                activity.check_backoff(findings);
            }
            A::ActivityTaskTimedOutEventAttributes(close) => {
                let Some(activity) = self.close(step, close.scheduled_event_id, close.started_event_id, findings) else {
                    return;
                };
                activity.check_timeout(step, close, findings);
                activity.check_backoff(findings);
            }
            A::ActivityTaskCanceledEventAttributes(close) => {
                let Some(activity) = self.close(step, close.scheduled_event_id, close.started_event_id, findings) else {
                    return;
                };
                activity.check_canceled(close, findings);
                activity.check_backoff(findings);
            }
            A::WorkflowTaskScheduledEventAttributes(_) => self.settle(findings),
            attributes if kinds::is_close(attributes.event_type()) => self.settle(findings),
            attributes if is_reset(attributes) => self.schedule_anew(step.at),
            _ => {}
        }
    }

    /// A reset schedules what is pending anew (`failInflightActivity`).
    fn schedule_anew(&mut self, at: Option<Time>) {
        for activity in self.activities.values_mut().filter(|activity| activity.closed_by.is_none()) {
            activity.at = at;
        }
    }

    /// Nothing is held back any more.
    fn settle(&mut self, findings: &mut Findings) {
        self.namesakes.settle("activity-id", findings);
        for Again { event_id, first, .. } in self.again.drain(..) {
            findings.say_of(event_id, "activity-cancel", format!("event {first} asked for the cancellation before"));
        }
    }

    fn activity(&mut self, scheduled: i64, findings: &mut Findings) -> Option<&mut Activity<'a>> {
        let activity = self.activities.get_mut(&scheduled);
        if activity.is_none() {
            findings.say(ORDER, format!("event {scheduled} scheduled no activity"));
        }
        activity
    }

    fn start(&mut self, step: &Step<'a>, attributes: &'a ActivityTaskStartedEventAttributes, findings: &mut Findings) {
        let Some(activity) = self.activity(attributes.scheduled_event_id, findings) else { return };
        let started = Started { event_id: step.id, at: step.at, attributes };
        let before = activity.started.replace(started).map(|started| started.event_id).or(activity.closed_by);
        if let Some(before) = before {
            findings.say(ORDER, format!("its activity was started or closed before, by event {before}"));
        }
        if let (Some(at), Some(scheduled)) = (step.at, activity.at)
            && at < scheduled
        {
            findings.say("event-time", format!("its activity was scheduled {:?} later", scheduled.since(at)));
        }
        let is_limited = !is_of_operator(attributes) && !is_forced(&started);
        let policy = activity.attributes.retry_policy.as_ref().filter(|_| is_limited);
        let attempts_max = policy.map_or(0, |policy| policy.maximum_attempts);
        if attributes.attempt < 1 || attempts_max > 0 && attributes.attempt > attempts_max {
            let limit = if attempts_max > 0 { format!("1 to {attempts_max}") } else { "1 or more".to_owned() };
            findings.say("activity-attempt", format!("it is attempt {}, and only {limit} can be", attributes.attempt));
        }
    }

    fn request_cancel(&mut self, step: &Step<'_>, scheduled: i64, findings: &mut Findings) {
        let Some(activity) = self.activity(scheduled, findings) else { return };
        if let Some(close) = activity.closed_by {
            findings.say("activity-cancel", format!("its activity was closed before, by event {close}"));
        }
        match activity.cancel_requested {
            None => activity.cancel_requested = Some(step.id),
            Some(first) => self.again.push(Again { event_id: step.id, at: step.at, scheduled, first }),
        }
    }

    /// Closes the activity. Event `started` is the start of its last attempt; 0: none.
    fn close(&mut self, step: &Step<'_>, scheduled: i64, started: i64, findings: &mut Findings) -> Option<&Activity<'a>> {
        self.activity(scheduled, findings)?;
        let activity = self.activities.get_mut(&scheduled)?;
        if let Some(before) = activity.closed_by.replace(step.id) {
            findings.say(ORDER, format!("its activity was closed before, by event {before}"));
        }
        let own = activity.started.map_or(0, |started| started.event_id);
        if own != started {
            let text = if own == 0 { "by no event".to_owned() } else { format!("by event {own}") };
            findings.say(ORDER, format!("its activity was started {text}, not by event {started}"));
        }
        self.namesakes.close(&activity.attributes.activity_id, scheduled, step.at);
        self.again.retain(|again| again.scheduled != scheduled || again.at < step.at);
        Some(activity)
    }
}

/// Whether the activity was completed by its id while no worker had it. Then the server makes up a start at that moment,
/// which waits for no backoff.
fn is_forced(started: &Started<'_>) -> bool {
    started.attributes.request_id.is_empty()
}

/// Whether an operator has let this attempt begin: the failure before it is forgotten then, and the policy does not count. A pause
/// also lets an activity fail more often than its policy says.
fn is_of_operator(started: &ActivityTaskStartedEventAttributes) -> bool {
    started.attempt > 1 && started.last_failure.is_none()
}

impl<'a> Activity<'a> {
    fn must_have_started(&self, findings: &mut Findings) -> Option<Started<'a>> {
        if self.started.is_none() {
            findings.say(ORDER, "its activity has not started");
        }
        self.started
    }

    fn check_canceled(&self, close: &ActivityTaskCanceledEventAttributes, findings: &mut Findings) {
        let named = close.latest_cancel_requested_event_id;
        match self.cancel_requested {
            None => findings.say("activity-cancel", "nothing asked for the cancellation of its activity"),
            Some(request) if request != named => {
                findings.say("activity-cancel", format!("event {request} asked for the cancellation, not event {named}"));
            }
            Some(_) => {}
        }
    }

    fn check_backoff(&self, findings: &mut Findings) {
        let (Some(scheduled), Some(policy)) = (self.at, &self.attributes.retry_policy) else { return };
        let Some(Started { event_id, at: Some(at), attributes }) = self.started else { return };
        if is_of_operator(attributes) {
            return;
        }
        let wait = backoff::known_wait(policy, attributes.attempt, attributes.last_failure.as_ref());
        if let Some(due) = wait.map(|wait| scheduled + wait).filter(|&due| is_before(at, due)) {
            let attempt = attributes.attempt;
            let text = format!("attempt {attempt} starts {:?} before the backoff can be over", due.since(at));
            findings.say_of(event_id, "activity-backoff", text);
        }
    }

    fn check_timeout(&self, step: &Step<'_>, close: &ActivityTaskTimedOutEventAttributes, findings: &mut Findings) {
        let timeout_type = timeout_type(close.failure.as_ref());
        let of_attempt = matches!(timeout_type, TimeoutType::StartToClose | TimeoutType::Heartbeat);
        if of_attempt && self.started.is_none() {
            findings.say(ORDER, format!("its activity has not started, so it has no {}", timeout_type.as_str_name()));
        }
        if timeout_type == TimeoutType::ScheduleToStart && self.started.is_some() {
            findings.say(ORDER, "its activity has started, which is in time for TIMEOUT_TYPE_SCHEDULE_TO_START");
        }
        if let (Some(at), Some(due)) = (step.at, self.timeout_due(timeout_type))
            && is_before(at, due)
        {
            let text = format!("{} is not due for another {:?}", timeout_type.as_str_name(), due.since(at));
            findings.say("activity-timeout", text);
        }
    }

    /// The earliest time of a timeout of this type.
    fn timeout_due(&self, timeout_type: TimeoutType) -> Option<Time> {
        let from = |at: Option<Time>, timeout: Duration| at.filter(|_| !timeout.is_zero()).map(|at| at + timeout);
        let started = self.started.and_then(|started| started.at);
        let start_to_close = from(started, span(self.attributes.start_to_close_timeout.as_ref()));
        let heartbeat = from(started, span(self.attributes.heartbeat_timeout.as_ref()));
        match timeout_type {
            TimeoutType::ScheduleToStart => from(self.at, span(self.attributes.schedule_to_start_timeout.as_ref())),
            // Also used for an attempt that timed out with no time left for another.
            TimeoutType::ScheduleToClose => {
                let whole = from(self.at, span(self.attributes.schedule_to_close_timeout.as_ref()));
                [whole, start_to_close, heartbeat].into_iter().flatten().min()
            }
            TimeoutType::StartToClose => start_to_close,
            TimeoutType::Heartbeat => heartbeat,
            TimeoutType::Unspecified => None,
        }
    }
}

fn timeout_type(failure: Option<&Failure>) -> TimeoutType {
    match failure.and_then(|failure| failure.failure_info.as_ref()) {
        Some(FailureInfo::TimeoutFailureInfo(timeout)) => timeout.timeout_type(),
        _ => TimeoutType::Unspecified,
    }
}
