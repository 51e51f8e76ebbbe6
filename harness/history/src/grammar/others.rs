//! Other workflows: the children that the run starts, and the signals and cancel requests that it sends.

use std::collections::BTreeMap;

use foretime_server::proto::history::history_event::Attributes;

use super::{Findings, Step};

/// What the run has asked of others, by initiated event.
#[derive(Debug, Default)]
pub(super) struct Others {
    children: BTreeMap<i64, Child>,
    signals: BTreeMap<i64, Sent>,
    cancels: BTreeMap<i64, Sent>,
}

#[derive(Debug, Default)]
struct Child {
    started: Option<i64>,
    ended_by: Option<i64>,
}

/// A signal or a cancel request: the event with its outcome.
type Sent = Option<i64>;

impl Others {
    pub(super) fn take(&mut self, step: &Step<'_>, findings: &mut Findings) {
        use Attributes as A;
        match step.attributes {
            A::StartChildWorkflowExecutionInitiatedEventAttributes(_) => {
                self.children.insert(step.id, Child::default());
            }
            A::StartChildWorkflowExecutionFailedEventAttributes(a) => self.refuse(step, a.initiated_event_id, findings),
            A::ChildWorkflowExecutionStartedEventAttributes(a) => self.start(step, a.initiated_event_id, findings),
            A::ChildWorkflowExecutionCompletedEventAttributes(a) => {
                self.end(step, a.initiated_event_id, a.started_event_id, findings);
            }
            A::ChildWorkflowExecutionFailedEventAttributes(a) => {
                self.end(step, a.initiated_event_id, a.started_event_id, findings);
            }
            A::ChildWorkflowExecutionCanceledEventAttributes(a) => {
                self.end(step, a.initiated_event_id, a.started_event_id, findings);
            }
            A::ChildWorkflowExecutionTimedOutEventAttributes(a) => {
                self.end(step, a.initiated_event_id, a.started_event_id, findings);
            }
            A::ChildWorkflowExecutionTerminatedEventAttributes(a) => {
                self.end(step, a.initiated_event_id, a.started_event_id, findings);
            }
            A::SignalExternalWorkflowExecutionInitiatedEventAttributes(_) => {
                self.signals.insert(step.id, None);
            }
            A::SignalExternalWorkflowExecutionFailedEventAttributes(a) => {
                answer(&mut self.signals, step, a.initiated_event_id, findings);
            }
            A::ExternalWorkflowExecutionSignaledEventAttributes(a) => {
                answer(&mut self.signals, step, a.initiated_event_id, findings);
            }
            A::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(_) => {
                self.cancels.insert(step.id, None);
            }
            A::RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => {
                answer(&mut self.cancels, step, a.initiated_event_id, findings);
            }
            A::ExternalWorkflowExecutionCancelRequestedEventAttributes(a) => {
                answer(&mut self.cancels, step, a.initiated_event_id, findings);
            }
            _ => {}
        }
    }

    fn child(&mut self, initiated: i64, findings: &mut Findings) -> Option<&mut Child> {
        let child = self.children.get_mut(&initiated);
        if child.is_none() {
            findings.say("child-order", format!("event {initiated} initiated no child"));
        }
        child
    }

    fn start(&mut self, step: &Step<'_>, initiated: i64, findings: &mut Findings) {
        let Some(child) = self.child(initiated, findings) else { return };
        if let Some(before) = child.started.replace(step.id).or(child.ended_by) {
            findings.say("child-order", format!("event {before} says what became of the start of its child"));
        }
    }

    fn refuse(&mut self, step: &Step<'_>, initiated: i64, findings: &mut Findings) {
        let Some(child) = self.child(initiated, findings) else { return };
        if let Some(before) = child.ended_by.replace(step.id).or(child.started) {
            findings.say("child-order", format!("event {before} says what became of the start of its child"));
        }
    }

    fn end(&mut self, step: &Step<'_>, initiated: i64, started: i64, findings: &mut Findings) {
        let Some(child) = self.child(initiated, findings) else { return };
        match (child.started, child.ended_by.replace(step.id)) {
            (_, Some(end)) => findings.say("child-order", format!("event {end} ended its child before")),
            (None, None) => findings.say("child-order", "its child has not started"),
            (Some(own), None) if own != started => {
                findings.say("child-order", format!("its child was started by event {own}, not {started}"));
            }
            (Some(_), None) => {}
        }
    }
}

fn answer(sent: &mut BTreeMap<i64, Sent>, step: &Step<'_>, initiated: i64, findings: &mut Findings) {
    match sent.get_mut(&initiated) {
        None => findings.say("external-order", format!("event {initiated} sent nothing of this kind")),
        Some(outcome) => {
            if let Some(before) = outcome.replace(step.id) {
                findings.say("external-order", format!("event {before} told the outcome before"));
            }
        }
    }
}
