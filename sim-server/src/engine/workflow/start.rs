//! How a run begins (`AddWorkflowExecutionStartedEvent`, `GenerateWorkflowStartTasks`).

use std::time::Duration;

use super::{recorded::Recorded, run::Run, volatile::Volatile};
use crate::{
    engine::{
        execution::{By, Cx},
        kernel::{
            due::{Due, RunDue},
            effects::{Extras, Start},
            key::RunKey,
            time::{Time, span, span_to_proto},
        },
        rules::{cron, payloads},
    },
    proto::{
        common::Link,
        enums::ContinueAsNewInitiator,
        history::{
            WorkflowExecutionOptionsUpdatedEventAttributes, WorkflowExecutionStartedEventAttributes, history_event::Attributes,
        },
    },
};

impl Run {
    /// A new run with its started event; its first workflow task is not scheduled yet.
    pub(in crate::engine) fn begin(cx: &mut Cx<'_>, key: RunKey, start: Start) -> Self {
        let Start { namespace, run_id, request_id, mut attributes, extras } = start;
        attributes.memo = payloads::memo_without_nil(attributes.memo);
        attributes.search_attributes = payloads::search_attributes_without_nil(attributes.search_attributes);
        let mut run = Self { key, namespace, recorded: Recorded::new(run_id), volatile: Volatile::new(request_id) };
        run.add_event_with(cx, Attributes::WorkflowExecutionStartedEventAttributes(attributes), extras);
        run.start_timeouts(cx);
        run
    }

    pub(super) fn start_timeouts(&mut self, cx: &mut Cx<'_>) {
        let facts = &self.recorded.facts;
        let is_first_run = facts.first_run_id == self.recorded.run_id;
        let execution = facts.execution_expiration.filter(|_| !is_first_run);
        let run = facts.run_expiration.filter(|&at| execution.is_none_or(|execution| at < execution));
        self.volatile.execution_timer = execution.map(|at| cx.timers.add(at, Due::Run(self.key, RunDue::ExecutionTimeout)));
        self.volatile.run_timer = run.map(|at| cx.timers.add(at, Due::Run(self.key, RunDue::RunTimeout)));
    }

    /// Schedules the first workflow task, at once or after the backoff (start delay, cron, retry).
    pub(in crate::engine) fn schedule_first_workflow_task(&mut self, cx: &mut Cx<'_>) {
        let at = self.recorded.facts.execution_time;
        if at > cx.now {
            let due = Due::Run(self.key, RunDue::FirstWorkflowTask);
            self.volatile.first_backoff = Some(cx.timers.add(at, due));
        } else {
            self.schedule_workflow_task(cx);
        }
    }

    /// Whether its first workflow task is not due yet.
    pub(in crate::engine) fn waits_to_begin(&self) -> bool {
        self.volatile.first_backoff.is_some()
    }

    /// Gives the first workflow task to the worker that starts the run, along with the answer.
    pub(in crate::engine) fn start_eagerly(&mut self, cx: &mut Cx<'_>, identity: &str, request_id: String) {
        self.place_workflow_task(cx, None, false);
        self.start_workflow_task(cx, By::identity(identity), request_id, false);
    }

    /// A start with USE_EXISTING leaves its request id here.
    pub(in crate::engine) fn attach_request(&mut self, cx: &mut Cx<'_>, attached_request_id: String, links: Vec<Link>) {
        let attributes = WorkflowExecutionOptionsUpdatedEventAttributes {
            attached_request_id,
            ..WorkflowExecutionOptionsUpdatedEventAttributes::default()
        };
        let extras = Extras { links, ..Extras::default() };
        self.add_event_with(cx, Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(attributes), extras);
    }

    /// Whether this request id started the run, or was attached to it.
    pub(in crate::engine) fn is_start_of(&self, request_id: &str) -> bool {
        self.volatile.start_request_id == request_id || self.attached_request(request_id).is_some()
    }

    /// The request id that started it.
    pub(in crate::engine) fn start_request_id(&self) -> &str {
        &self.volatile.start_request_id
    }

    /// The event that tells of that request. Where a signal came with the start, it is the signal's: the last that names the request.
    /// A reset run has the request with its start alone.
    pub(in crate::engine) fn start_request_event_id(&self) -> i64 {
        const SIGNAL_AT_START: i64 = 2;
        let second = self.history().get(SIGNAL_AT_START).and_then(|event| event.attributes);
        match second {
            Some(Attributes::WorkflowExecutionSignaledEventAttributes(it))
                if it.request_id == self.start_request_id() && !self.recorded.is_reset =>
            {
                SIGNAL_AT_START
            }
            _ => 1,
        }
    }

    /// The requests that a start with USE_EXISTING attached to it, with the event that tells of each (`None` while that is
    /// buffered).
    pub(in crate::engine) fn attached_requests(&self) -> impl Iterator<Item = (&str, Option<i64>)> {
        let buffered = self.volatile.buffer.iter().filter_map(|event| match &event.attributes {
            Some(Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(it)) => {
                Some((it.attached_request_id.as_str(), None)).filter(|(id, _)| !id.is_empty())
            }
            _ => None,
        });
        let written = self.recorded.attached_request_ids.iter().map(|(id, &event_id)| (id.as_str(), Some(event_id)));
        written.chain(buffered)
    }

    /// An attached request, if this is one.
    pub(in crate::engine) fn attached_request(&self, request_id: &str) -> Option<Option<i64>> {
        self.attached_requests().find(|(id, _)| *id == request_id).map(|(_, event_id)| event_id)
    }
}

/// The parts of a started event that are computed for the first run of a chain, whether a client or a parent asked for it.
pub(super) fn first_of_chain(
    run_id: &str,
    cron_schedule: String,
    start_delay: Duration,
    execution_timeout: Option<prost_types::Duration>,
    now: Time,
) -> WorkflowExecutionStartedEventAttributes {
    let has_schedule = !cron_schedule.is_empty();
    let backoff = if has_schedule && start_delay.is_zero() { until_first_time(&cron_schedule, now) } else { start_delay };
    let expires_after = span(execution_timeout.as_ref());
    let initiator = if has_schedule { ContinueAsNewInitiator::CronSchedule } else { ContinueAsNewInitiator::Unspecified };
    WorkflowExecutionStartedEventAttributes {
        original_execution_run_id: run_id.to_owned(),
        first_execution_run_id: run_id.to_owned(),
        attempt: 1,
        initiator: initiator.into(),
        workflow_execution_timeout: execution_timeout,
        workflow_execution_expiration_time: (!expires_after.is_zero()).then(|| (now + start_delay + expires_after).to_proto()),
        first_workflow_task_backoff: Some(span_to_proto(backoff)),
        cron_schedule,
        ..WorkflowExecutionStartedEventAttributes::default()
    }
}

/// The wait for the first time of a schedule; zero if it has none.
fn until_first_time(cron_schedule: &str, now: Time) -> Duration {
    let schedule = cron::parse(cron_schedule).ok();
    schedule.and_then(|schedule| schedule.next_backoff(now, now)).unwrap_or_default()
}
