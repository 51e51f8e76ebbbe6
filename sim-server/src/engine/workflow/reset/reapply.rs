//! What clients have sent since the reset point, and what became of children: it comes again, as new events.

use crate::{
    engine::{
        execution::Cx,
        kernel::{
            effects::Extras,
            error::{Error, Result},
        },
        workflow::{run::Run, update::registry::update_id},
    },
    proto::{
        enums::{ResetReapplyExcludeType as Exclude, ResetReapplyType, UpdateAdmittedEventOrigin},
        history::{HistoryEvent, WorkflowExecutionUpdateAdmittedEventAttributes, history_event::Attributes},
        update::Request,
        workflowservice::ResetWorkflowExecutionRequest,
    },
};

/// Which events come again.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Selection {
    signals: bool,
    updates: bool,
    /// Nothing of the runs is looked at, but what the end of the base run writes.
    pub(in crate::engine) is_empty: bool,
}

/// The events that come again, in order.
#[derive(Debug, Default)]
pub(in crate::engine) struct Reapplied(pub(in crate::engine) Vec<HistoryEvent>);

impl Selection {
    /// What the request leaves of all that could come again (`GetResetReapplyExcludeTypes`).
    pub(in crate::engine) fn of(request: &ResetWorkflowExecutionRequest) -> Self {
        let excluded = |what: Exclude| request.reset_reapply_exclude_types.contains(&what.into());
        let (signals, updates) = match request.reset_reapply_type() {
            ResetReapplyType::Signal => (true, false),
            ResetReapplyType::None => (false, false),
            ResetReapplyType::Unspecified | ResetReapplyType::AllEligible => (true, true),
        };
        let (signals, updates) = (signals && !excluded(Exclude::Signal), updates && !excluded(Exclude::Update));
        let is_empty = !signals && !updates && excluded(Exclude::Nexus) && excluded(Exclude::CancelRequest);
        Self { signals, updates, is_empty }
    }

    /// Whether the event comes again: not what is part of the workflow's own course, and neither requests to cancel nor ends.
    pub(in crate::engine) fn includes(self, event: &HistoryEvent) -> bool {
        use Attributes as A;
        match &event.attributes {
            Some(A::WorkflowExecutionSignaledEventAttributes(_)) => self.signals,
            Some(
                A::WorkflowExecutionUpdateAdmittedEventAttributes(_) | A::WorkflowExecutionUpdateAcceptedEventAttributes(_),
            ) => self.updates,
            Some(
                A::WorkflowExecutionOptionsUpdatedEventAttributes(_)
                | A::StartChildWorkflowExecutionFailedEventAttributes(_)
                | A::ChildWorkflowExecutionStartedEventAttributes(_)
                | A::ChildWorkflowExecutionCompletedEventAttributes(_)
                | A::ChildWorkflowExecutionFailedEventAttributes(_)
                | A::ChildWorkflowExecutionCanceledEventAttributes(_)
                | A::ChildWorkflowExecutionTimedOutEventAttributes(_)
                | A::ChildWorkflowExecutionTerminatedEventAttributes(_),
            ) => true,
            _ => false,
        }
    }
}

impl Reapplied {
    /// No update comes twice: two runs of one chain may have had updates of one id, and the real server fails then.
    ///
    /// # Errors
    /// One does.
    pub(in crate::engine) fn check(&self, run: &Run) -> Result<()> {
        let recorded = &run.recorded;
        let mut known: Vec<&str> = recorded.updates.keys().chain(recorded.admitted.keys()).map(String::as_str).collect();
        for id in self.0.iter().filter_map(|event| request_of(event.attributes.as_ref()?)).map(update_id) {
            if known.contains(&id) {
                return Err(Error::Internal(format!("Update ID {id} is already present in mutable state")));
            }
            known.push(id);
        }
        Ok(())
    }
}

impl Run {
    /// Writes the events anew.
    pub(super) fn reapply(&mut self, cx: &mut Cx<'_>, reapplied: Reapplied) {
        for HistoryEvent { attributes, links, .. } in reapplied.0 {
            let extras = Extras { links, ..Extras::default() };
            match attributes {
                Some(Attributes::WorkflowExecutionSignaledEventAttributes(mut signaled)) => {
                    signaled.external_workflow_execution = None;
                    self.add_event_with(cx, Attributes::WorkflowExecutionSignaledEventAttributes(signaled), extras);
                }
                Some(options @ Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(_)) => {
                    self.add_event_with(cx, options, extras);
                }
                Some(Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(admitted)) => {
                    self.admit_again(cx, admitted.request, admitted.origin);
                }
                Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted)) => {
                    let origin = UpdateAdmittedEventOrigin::Reapply.into();
                    self.admit_again(cx, accepted.accepted_request, origin);
                }
                Some(of_child) => self.reapply_to_child(cx, of_child),
                None => {}
            }
        }
    }

    /// An update that was accepted (then its request stands in that event, or in the one that admitted it) is to be accepted
    /// anew. The event brings the request to the worker.
    fn admit_again(&mut self, cx: &mut Cx<'_>, request: Option<Request>, origin: i32) {
        let Some(request) = request else { return };
        self.volatile.updates.get_or_insert_default().admit_told(request.clone());
        let admitted = WorkflowExecutionUpdateAdmittedEventAttributes { request: Some(request), origin };
        self.add_event(cx, Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(admitted));
    }

    /// What became of a child that this run has, too.
    fn reapply_to_child(&mut self, cx: &mut Cx<'_>, mut attributes: Attributes) {
        let Some(initiated_event_id) = attributes.initiated_event_id() else { return };
        let Some(child) = self.recorded.children.get(&initiated_event_id) else { return };
        if let Attributes::ChildWorkflowExecutionStartedEventAttributes(started) = &attributes {
            if child.started_event_id != 0 {
                return;
            }
            let run_id = started.workflow_execution.as_ref().map(|execution| execution.run_id.clone());
            self.volatile.children.insert(initiated_event_id, run_id);
        } else {
            if let Some(started_event_id) = attributes.started_event_id_mut() {
                *started_event_id = child.started_event_id;
            }
            self.volatile.children.remove(&initiated_event_id);
        }
        self.add_event(cx, attributes);
    }
}

/// The request of an update that an event admits, or accepts.
fn request_of(attributes: &Attributes) -> Option<&Request> {
    match attributes {
        Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(it) => it.request.as_ref(),
        Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(it) => it.accepted_request.as_ref(),
        _ => None,
    }
}
