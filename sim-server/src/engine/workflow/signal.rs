//! Signals that reach the workflow, and requests to cancel it.

use super::{Cx, Run, events::Extras};
use crate::proto::{
    common::{Header, Link, Payloads, WorkflowExecution},
    history::{
        WorkflowExecutionCancelRequestedEventAttributes, WorkflowExecutionSignaledEventAttributes, history_event::Attributes,
    },
};

/// A signal, whoever sends it.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    pub(crate) name: String,
    pub(crate) input: Option<Payloads>,
    pub(crate) identity: String,
    pub(crate) header: Option<Header>,
    pub(crate) request_id: String,
    pub(crate) links: Vec<Link>,
    /// The workflow that sent it.
    pub(crate) external_workflow_execution: Option<WorkflowExecution>,
}

/// A request to cancel, whoever sends it.
#[derive(Debug, Default)]
pub(crate) struct CancelRequest {
    pub(crate) reason: String,
    pub(crate) identity: String,
    pub(crate) request_id: String,
    pub(crate) links: Vec<Link>,
    pub(crate) external_initiated_event_id: i64,
    pub(crate) external_workflow_execution: Option<WorkflowExecution>,
}

impl Run {
    /// Writes the signal, unless its request id was seen before, and wakes the workflow.
    pub(crate) fn signal(&mut self, cx: &mut Cx<'_>, signal: Signal) {
        if !signal.request_id.is_empty() && !self.signal_request_ids.insert(signal.request_id.clone()) {
            return;
        }
        self.write_signal(cx, signal);
        self.schedule_workflow_task(cx);
    }

    /// Writes the signal of a SignalWithStart: it comes before the first workflow task, also where that has to wait.
    pub(crate) fn signal_at_start(&mut self, cx: &mut Cx<'_>, signal: Signal) {
        self.signal_request_ids.insert(signal.request_id.clone());
        self.write_signal(cx, signal);
        self.schedule_first_workflow_task(cx);
    }

    fn write_signal(&mut self, cx: &mut Cx<'_>, signal: Signal) {
        self.signal_count += 1;
        let attributes = WorkflowExecutionSignaledEventAttributes {
            signal_name: signal.name,
            input: signal.input,
            identity: signal.identity,
            header: signal.header,
            external_workflow_execution: signal.external_workflow_execution,
            request_id: signal.request_id,
            ..WorkflowExecutionSignaledEventAttributes::default()
        };
        let extras = Extras { links: signal.links, ..Extras::default() };
        self.add_event_with(cx, Attributes::WorkflowExecutionSignaledEventAttributes(attributes), extras);
    }

    /// Writes the request, unless one was accepted before.
    pub(crate) fn request_cancel(&mut self, cx: &mut Cx<'_>, request: CancelRequest) {
        if self.cancel_request_id.is_some() {
            return;
        }
        self.cancel_request_id = Some(request.request_id);
        let attributes = WorkflowExecutionCancelRequestedEventAttributes {
            cause: request.reason,
            external_initiated_event_id: request.external_initiated_event_id,
            external_workflow_execution: request.external_workflow_execution,
            identity: request.identity,
        };
        let extras = Extras { links: request.links, ..Extras::default() };
        self.add_event_with(cx, Attributes::WorkflowExecutionCancelRequestedEventAttributes(attributes), extras);
        self.schedule_workflow_task(cx);
    }
}
