//! How a run ends, and what follows it: continue-as-new, retry, cron (`SetupNewWorkflowForRetryOrCron`).

use std::time::Duration;

use super::run::Run;
use crate::{
    engine::{
        execution::{By, Cx},
        kernel::{
            effects::{ChildLeft, Effect, Extras, Start},
            time::{Time, span, span_to_proto},
        },
        rules::{
            cron, failure, payloads,
            retry::{self, Verdict, Whose},
        },
        skipping::holds::Work,
    },
    proto::{
        command::ContinueAsNewWorkflowExecutionCommandAttributes,
        common::{Link, Payloads},
        enums::{ContinueAsNewInitiator, RetryState, TimeoutType, WorkflowTaskFailedCause},
        failure::Failure,
        history::{
            WorkflowExecutionCanceledEventAttributes, WorkflowExecutionCompletedEventAttributes,
            WorkflowExecutionContinuedAsNewEventAttributes, WorkflowExecutionFailedEventAttributes,
            WorkflowExecutionStartedEventAttributes, WorkflowExecutionTerminatedEventAttributes,
            WorkflowExecutionTimedOutEventAttributes, history_event::Attributes,
        },
        workflow::ResetPoints,
    },
};

/// The run that follows a closed one.
struct Successor {
    initiator: ContinueAsNewInitiator,
    backoff: Duration,
    run_id: String,
}

impl Run {
    pub(super) fn complete(&mut self, cx: &mut Cx<'_>, result: Option<Payloads>, extras: Extras, completed_event_id: i64) {
        let successor = self.cron_successor(cx);
        let attributes = WorkflowExecutionCompletedEventAttributes {
            result: result.clone(),
            workflow_task_completed_event_id: completed_event_id,
            new_execution_run_id: run_id_of(successor.as_ref()),
        };
        let attributes = Attributes::WorkflowExecutionCompletedEventAttributes(attributes);
        if let Some(successor) = successor {
            self.follow(cx, successor, result, None);
        }
        self.close(cx, attributes, extras);
    }

    pub(super) fn fail(&mut self, cx: &mut Cx<'_>, failure: Option<Failure>, extras: Extras, completed_event_id: i64) {
        let (successor, retry_state) = self.retry_or_cron_successor(cx, failure.as_ref());
        let attributes = WorkflowExecutionFailedEventAttributes {
            failure: failure.clone(),
            retry_state: retry_state.into(),
            workflow_task_completed_event_id: completed_event_id,
            new_execution_run_id: run_id_of(successor.as_ref()),
        };
        if let Some(successor) = successor {
            let last_result = self.started_attributes().last_completion_result;
            self.note_failed_run(cx, failure.as_ref());
            self.follow(cx, successor, last_result, failure);
        }
        self.close(cx, Attributes::WorkflowExecutionFailedEventAttributes(attributes), extras);
    }

    pub(super) fn cancel(&mut self, cx: &mut Cx<'_>, details: Option<Payloads>, extras: Extras, completed_event_id: i64) {
        let attributes =
            WorkflowExecutionCanceledEventAttributes { workflow_task_completed_event_id: completed_event_id, details };
        let attributes = Attributes::WorkflowExecutionCanceledEventAttributes(attributes);
        self.close(cx, attributes, extras);
    }

    /// Flushes what is buffered first, so that it is not lost.
    pub(in crate::engine) fn terminate(
        &mut self,
        cx: &mut Cx<'_>,
        reason: &str,
        details: Option<Payloads>,
        identity: &str,
        links: Vec<Link>,
    ) {
        self.leave_workflow_task(cx);
        let attributes =
            WorkflowExecutionTerminatedEventAttributes { reason: reason.to_owned(), details, identity: identity.to_owned() };
        let attributes = Attributes::WorkflowExecutionTerminatedEventAttributes(attributes);
        self.close(cx, attributes, Extras { links, ..Extras::default() });
    }

    /// The run's timeout (`may_follow`: a retry or the cron schedule may go on), or the whole execution's.
    pub(super) fn time_out(&mut self, cx: &mut Cx<'_>, may_follow: bool) {
        let expired = self.recorded.facts.execution_expiration.is_some_and(|at| at <= cx.now);
        let failure = failure::timeout("workflow timeout".to_owned(), TimeoutType::StartToClose);
        let (successor, retry_state) =
            if may_follow && !expired { self.retry_or_cron_successor(cx, Some(&failure)) } else { (None, RetryState::Timeout) };
        self.leave_workflow_task(cx);
        let attributes = WorkflowExecutionTimedOutEventAttributes {
            retry_state: retry_state.into(),
            new_execution_run_id: run_id_of(successor.as_ref()),
        };
        if let Some(successor) = successor {
            let last_result = self.started_attributes().last_completion_result;
            self.note_failed_run(cx, Some(&failure));
            self.follow(cx, successor, last_result, Some(failure));
        }
        let attributes = Attributes::WorkflowExecutionTimedOutEventAttributes(attributes);
        self.close(cx, attributes, Extras::default());
    }

    pub(super) fn continue_as_new(
        &mut self,
        cx: &mut Cx<'_>,
        command: ContinueAsNewWorkflowExecutionCommandAttributes,
        extras: Extras,
        completed_event_id: i64,
    ) {
        let run_id = cx.ids.run_id(cx.now);
        let backoff = span(command.backoff_start_interval.as_ref());
        let backoff = self.backoff_of_next_run(cx, backoff);
        let initiator = match command.initiator() {
            ContinueAsNewInitiator::Unspecified => ContinueAsNewInitiator::Workflow,
            given => given,
        };
        let next = self.next_after_continue_as_new(&command, initiator, backoff);
        let attributes = WorkflowExecutionContinuedAsNewEventAttributes {
            new_execution_run_id: run_id.clone(),
            workflow_type: next.workflow_type.clone(),
            task_queue: next.task_queue.clone(),
            input: command.input,
            workflow_run_timeout: command.workflow_run_timeout,
            workflow_task_timeout: command.workflow_task_timeout,
            workflow_task_completed_event_id: completed_event_id,
            // As the workflow asked; what the next run really waits stands in its started event.
            backoff_start_interval: command.backoff_start_interval,
            initiator: command.initiator,
            failure: command.failure,
            last_completion_result: command.last_completion_result,
            header: command.header,
            memo: payloads::memo_without_nil(command.memo),
            search_attributes: payloads::search_attributes_without_nil(command.search_attributes),
            ..WorkflowExecutionContinuedAsNewEventAttributes::default()
        };
        self.start_next(cx, run_id, next);
        let attributes = Attributes::WorkflowExecutionContinuedAsNewEventAttributes(attributes);
        self.close(cx, attributes, extras);
    }

    fn next_after_continue_as_new(
        &self,
        command: &ContinueAsNewWorkflowExecutionCommandAttributes,
        initiator: ContinueAsNewInitiator,
        backoff: Duration,
    ) -> WorkflowExecutionStartedEventAttributes {
        let previous = self.started_attributes();
        WorkflowExecutionStartedEventAttributes {
            workflow_type: command.workflow_type.clone().or_else(|| previous.workflow_type.clone()),
            task_queue: command.task_queue.clone().or_else(|| previous.task_queue.clone()),
            input: command.input.clone(),
            workflow_run_timeout: command.workflow_run_timeout,
            workflow_task_timeout: command.workflow_task_timeout.or(previous.workflow_task_timeout),
            initiator: initiator.into(),
            continued_failure: command.failure.clone(),
            last_completion_result: command.last_completion_result.clone(),
            retry_policy: command.retry_policy.clone(),
            attempt: 1,
            cron_schedule: command.cron_schedule.clone(),
            first_workflow_task_backoff: (!backoff.is_zero()).then(|| span_to_proto(backoff)),
            memo: command.memo.clone(),
            search_attributes: command.search_attributes.clone(),
            header: command.header.clone(),
            // A retry, and the next run of a cron schedule, have the one that this run has started with.
            priority: self.priority().cloned(),
            ..previous
        }
    }

    /// Fails the workflow task if a worker has it, and lets what it held back into the history.
    fn leave_workflow_task(&mut self, cx: &mut Cx<'_>) {
        if self.started_task().is_some() {
            self.fail_workflow_task(cx, WorkflowTaskFailedCause::ForceCloseCommand, None, By::SERVER);
        }
        self.drop_workflow_task(cx);
        self.volatile.end_completion();
        self.flush_buffer();
    }

    /// Its end is that of all that is known of it.
    pub(in crate::engine) fn delete_when_closed(&mut self) {
        self.volatile.is_deleted_when_closed = true;
    }

    pub(in crate::engine) fn is_deleted_when_closed(&self) -> bool {
        self.volatile.is_deleted_when_closed
    }

    fn close(&mut self, cx: &mut Cx<'_>, attributes: Attributes, extras: Extras) {
        self.drop_workflow_task(cx);
        cx.skipping.holds.forget(Work::WorkflowTask(self.key));
        self.stop_activities(cx);
        self.drop_timers(cx);
        for timer in [self.volatile.run_timer.take(), self.volatile.execution_timer.take()].into_iter().flatten() {
            cx.timers.cancel(timer);
        }
        let children = self.children_left();
        self.add_event_with(cx, attributes, extras);
        if cx.switches.external_payloads {
            self.recorded.note_external_payloads();
        }
        self.abort_updates();
        self.volatile.buffer.clear();
        self.volatile.end_completion();
        self.recorded.shrink();
        cx.effects.leave(Effect::Closed { run: self.key, children });
    }

    /// The children that have started, and will hear that the run has closed.
    fn children_left(&self) -> Vec<ChildLeft> {
        let left = self.pending_children().filter_map(|(_, child, run_id)| {
            Some(ChildLeft {
                namespace: child.namespace.clone(),
                workflow_id: child.workflow_id.clone(),
                run_id: run_id?.to_owned(),
                parent_close_policy: child.parent_close_policy,
            })
        });
        left.collect()
    }

    fn retry_or_cron_successor(&self, cx: &mut Cx<'_>, failure: Option<&Failure>) -> (Option<Successor>, RetryState) {
        let verdict = match &self.recorded.facts.retry_policy {
            None => Verdict::Stop(RetryState::RetryPolicyNotSet),
            Some(policy) => retry::backoff(
                policy,
                self.recorded.facts.attempt,
                cx.now,
                self.recorded.facts.execution_expiration,
                failure,
                Whose::Workflow,
            ),
        };
        match verdict {
            Verdict::Retry(backoff) => {
                let run_id = cx.ids.run_id(cx.now);
                (Some(Successor { initiator: ContinueAsNewInitiator::Retry, backoff, run_id }), RetryState::InProgress)
            }
            Verdict::Stop(retry_state) => (self.cron_successor(cx), retry_state),
        }
    }

    fn cron_successor(&self, cx: &mut Cx<'_>) -> Option<Successor> {
        if self.recorded.facts.cron_schedule.is_empty() {
            return None;
        }
        let schedule = cron::parse(&self.recorded.facts.cron_schedule).ok()?;
        let backoff = schedule.next_backoff(self.recorded.facts.execution_time, cx.now)?;
        Some(Successor { initiator: ContinueAsNewInitiator::CronSchedule, backoff, run_id: cx.ids.run_id(cx.now) })
    }

    /// A retry or the next run of a cron schedule follows.
    fn follow(&mut self, cx: &mut Cx<'_>, successor: Successor, last_result: Option<Payloads>, failure: Option<Failure>) {
        let previous = self.started_attributes();
        let is_retry = successor.initiator == ContinueAsNewInitiator::Retry;
        let backoff = self.backoff_of_next_run(cx, successor.backoff);
        let next = WorkflowExecutionStartedEventAttributes {
            initiator: successor.initiator.into(),
            continued_failure: failure,
            last_completion_result: last_result,
            attempt: if is_retry { self.recorded.facts.attempt + 1 } else { 1 },
            first_workflow_task_backoff: Some(span_to_proto(backoff)),
            ..previous
        };
        self.start_next(cx, successor.run_id, next);
    }

    /// Leaves the start of the next run as an effect. `next`: its attributes, but for those that every run has that follows
    /// another.
    fn start_next(&mut self, cx: &mut Cx<'_>, run_id: String, next: WorkflowExecutionStartedEventAttributes) {
        let attributes = WorkflowExecutionStartedEventAttributes {
            original_execution_run_id: run_id.clone(),
            first_execution_run_id: self.recorded.facts.first_run_id.clone(),
            continued_execution_run_id: self.run_id().to_owned(),
            // A reset has put it off, which the started event does not tell.
            workflow_execution_expiration_time: self.recorded.facts.execution_expiration.map(Time::to_proto),
            // Only one that pins it would be passed on.
            versioning_override: None,
            prev_auto_reset_points: Some(ResetPoints { points: self.recorded.reset_points.clone() }),
            identity: String::new(),
            eager_execution_accepted: false,
            ..next
        };
        let start =
            Start { namespace: self.namespace, run_id, request_id: cx.ids.uuid(), attributes, extras: Extras::default() };
        cx.effects.leave(Effect::StartRun(Box::new(start)));
    }

    /// A chain of runs does not spin: a run that lived less than the minimum delays the next (`ContinueAsNewMinBackoff`).
    fn backoff_of_next_run(&self, cx: &Cx<'_>, backoff: Duration) -> Duration {
        let lifetime = cx.now.since(self.recorded.facts.execution_time);
        if lifetime + backoff < cx.limits.chain_interval_min {
            cx.limits.chain_interval_min.saturating_sub(lifetime)
        } else {
            backoff
        }
    }
}

fn run_id_of(successor: Option<&Successor>) -> String {
    successor.map(|successor| successor.run_id.clone()).unwrap_or_default()
}
