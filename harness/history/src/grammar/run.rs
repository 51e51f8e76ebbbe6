//! What holds for the run as a whole: its timeouts, its successor, and requests that reach it more than once.

use std::{collections::BTreeMap, time::Duration};

use foretime_server::{
    engine::time::{Time, span},
    proto::{
        enums::RetryState,
        history::{WorkflowExecutionStartedEventAttributes, history_event::Attributes},
    },
};

use super::{Findings, Step, is_before, is_reset};

/// The run so far.
#[derive(Debug, Default)]
pub(super) struct Run<'a> {
    original_run_id: &'a str,
    /// When it must have timed out, if ever.
    expiration: Option<Time>,
    cancel_requested: Option<i64>,
    /// The signals, by request id, and by whether they are of another workflow: such an id is forgotten once its sender knows, and
    /// a client may use it. After a reset none are known: those that it brings again may come once more.
    signals: BTreeMap<(&'a str, bool), i64>,
    timeouts: Timeouts,
    is_reset: bool,
}

/// The timeouts of a run and of its chain; zero: none.
#[derive(Debug, Default)]
struct Timeouts {
    run: Duration,
    execution: Duration,
}

impl<'a> Run<'a> {
    pub(super) fn take(&mut self, step: &Step<'a>, findings: &mut Findings) {
        use Attributes as A;
        match step.attributes {
            A::WorkflowExecutionStartedEventAttributes(started) => self.start(step, started),
            A::WorkflowExecutionSignaledEventAttributes(signal) if !signal.request_id.is_empty() && !self.is_reset => {
                let is_of_workflow = signal.external_workflow_execution.is_some();
                if let Some(first) = self.signals.insert((&signal.request_id, is_of_workflow), step.id) {
                    findings.say("signal-repeated", format!("event {first} is the same request, {}", signal.request_id));
                }
            }
            A::WorkflowExecutionCancelRequestedEventAttributes(_) => {
                if let Some(first) = self.cancel_requested.replace(step.id) {
                    findings.say("cancel-repeated", format!("event {first} asked for the cancellation before"));
                }
            }
            A::WorkflowExecutionTimedOutEventAttributes(close) => {
                if let (Some(at), Some(due)) = (step.at, self.expiration)
                    && is_before(at, due)
                {
                    findings.say("run-timeout", format!("no timeout of the run is due for another {:?}", due.since(at)));
                }
                check_retried(close.retry_state, &close.new_execution_run_id, findings);
            }
            A::WorkflowExecutionFailedEventAttributes(close) => {
                check_retried(close.retry_state, &close.new_execution_run_id, findings);
            }
            A::WorkflowExecutionContinuedAsNewEventAttributes(close) => {
                if close.new_execution_run_id.is_empty() {
                    findings.say("successor", "it names no run to continue in");
                } else if close.new_execution_run_id == self.original_run_id {
                    findings.say("successor", "it names this very run to continue in");
                }
            }
            other if is_reset(other) => self.reset(step),
            _ => {}
        }
    }

    /// The timeouts begin anew (`RefreshExpirationTimeoutTask`).
    fn reset(&mut self, step: &Step<'a>) {
        self.is_reset = true;
        let Timeouts { run, execution } = self.timeouts;
        let from_now = |timeout: Duration| step.at.filter(|_| !timeout.is_zero()).map(|at| at + timeout);
        self.expiration = [from_now(run), from_now(execution)].into_iter().flatten().min();
    }

    fn start(&mut self, step: &Step<'a>, started: &'a WorkflowExecutionStartedEventAttributes) {
        self.original_run_id = &started.original_execution_run_id;
        let run_timeout = span(started.workflow_run_timeout.as_ref());
        self.timeouts = Timeouts { run: run_timeout, execution: span(started.workflow_execution_timeout.as_ref()) };
        let backoff = span(started.first_workflow_task_backoff.as_ref());
        let of_run = step.at.filter(|_| !run_timeout.is_zero()).map(|at| at + backoff + run_timeout);
        let of_execution = started.workflow_execution_expiration_time.as_ref().map(Time::from_proto);
        self.expiration = [of_run, of_execution].into_iter().flatten().min();
    }
}

fn check_retried(retry_state: i32, new_run_id: &str, findings: &mut Findings) {
    if retry_state == RetryState::InProgress as i32 && new_run_id.is_empty() {
        findings.say("successor", "it says that the run is retried, and names no run that does");
    }
}
