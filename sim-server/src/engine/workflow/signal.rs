//! Signals that reach the workflow, and requests to cancel it.

use super::run::Run;
use crate::{
    engine::{execution::Cx, kernel::effects::Extras},
    proto::{
        common::{Header, Link, Payloads, WorkflowExecution},
        enums::EventType,
        history::{
            HistoryEvent, WorkflowExecutionCancelRequestedEventAttributes, WorkflowExecutionSignaledEventAttributes,
            history_event::Attributes,
        },
    },
};

/// A signal, whoever sends it.
#[derive(Debug, Default)]
pub(in crate::engine) struct Signal {
    pub(in crate::engine) name: String,
    pub(in crate::engine) input: Option<Payloads>,
    pub(in crate::engine) identity: String,
    pub(in crate::engine) header: Option<Header>,
    pub(in crate::engine) request_id: String,
    pub(in crate::engine) links: Vec<Link>,
    /// The workflow that sent it.
    pub(in crate::engine) external_workflow_execution: Option<WorkflowExecution>,
}

/// A request to cancel, whoever sends it.
#[derive(Debug, Default)]
pub(in crate::engine) struct CancelRequest {
    pub(in crate::engine) reason: String,
    pub(in crate::engine) identity: String,
    pub(in crate::engine) request_id: String,
    pub(in crate::engine) links: Vec<Link>,
    pub(in crate::engine) external_initiated_event_id: i64,
    pub(in crate::engine) external_workflow_execution: Option<WorkflowExecution>,
}

impl Run {
    /// Whether a signal with this request id has come.
    pub(in crate::engine) fn has_signal(&self, request_id: &str) -> bool {
        !request_id.is_empty() && self.volatile.signal_request_ids.contains(request_id)
    }

    /// No signal with this request id comes any more.
    pub(in crate::engine) fn forget_signal(&mut self, request_id: &str) {
        self.volatile.signal_request_ids.remove(request_id);
    }

    /// How many signals have come.
    pub(in crate::engine) fn signal_count(&self) -> usize {
        let is_signal = |event: &&HistoryEvent| event.event_type() == EventType::WorkflowExecutionSignaled;
        self.recorded.signal_count + self.volatile.buffer.iter().filter(is_signal).count()
    }

    /// Writes the signal, unless its request id was seen before, and wakes the workflow.
    pub(in crate::engine) fn signal(&mut self, cx: &mut Cx<'_>, signal: Signal) {
        if self.has_signal(&signal.request_id) {
            return self.keep_speculative();
        }
        self.write_signal(cx, signal);
        self.schedule_workflow_task(cx);
    }

    /// Writes the signal of a SignalWithStart: it comes before the first workflow task, also where that has to wait.
    pub(in crate::engine) fn signal_at_start(&mut self, cx: &mut Cx<'_>, signal: Signal) {
        self.write_signal(cx, signal);
        self.schedule_first_workflow_task(cx);
    }

    fn write_signal(&mut self, cx: &mut Cx<'_>, signal: Signal) {
        if !signal.request_id.is_empty() {
            self.volatile.signal_request_ids.insert(signal.request_id.clone());
        }
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

    /// Whether a request to cancel it has been accepted.
    pub(in crate::engine) fn is_cancel_requested(&self) -> bool {
        self.recorded.is_cancel_requested || self.volatile.cancel_request_id.is_some()
    }

    /// Writes the request, unless one was accepted before.
    pub(in crate::engine) fn request_cancel(&mut self, cx: &mut Cx<'_>, request: CancelRequest) {
        if self.is_cancel_requested() {
            return self.keep_speculative();
        }
        self.volatile.cancel_request_id = Some(request.request_id);
        let attributes = WorkflowExecutionCancelRequestedEventAttributes {
            cause: request.reason,
            external_initiated_event_id: request.external_initiated_event_id,
            external_workflow_execution: request.external_workflow_execution,
            identity: request.identity,
        };
        let extras = Extras { links: request.links, ..Extras::default() };
        self.add_event_with(cx, Attributes::WorkflowExecutionCancelRequestedEventAttributes(attributes), extras);
        // A request to cancel does not wait for the backoff of the first workflow task.
        if let Some(backoff) = self.volatile.first_backoff.take() {
            cx.timers.cancel(backoff);
        }
        self.schedule_workflow_task(cx);
    }
}
