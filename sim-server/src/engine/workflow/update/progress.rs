//! How far an update has come, and what moves it on.

use super::{
    message::{Body, Reported, State},
    registry::{Ended, update_id},
};
use crate::{
    engine::{
        execution::Cx,
        kernel::error::{Error, Result},
        rules::{failure, limits::Limits, updates},
        workflow::run::Run,
    },
    proto::{
        enums::UpdateWorkflowExecutionLifecycleStage as Stage,
        failure::Failure,
        history::{
            WorkflowExecutionUpdateAcceptedEventAttributes, WorkflowExecutionUpdateCompletedEventAttributes,
            history_event::Attributes,
        },
        protocol::Message,
        update::{Acceptance, Outcome, Request, Response, outcome},
    },
};

/// How far an update has come.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) enum Progress {
    /// It is on its way to the workflow, or there.
    Admitted,
    /// The workflow works on it.
    Accepted,
    /// It has an outcome: of the workflow, or of the server because the workflow closed before.
    Completed(Box<Outcome>),
}

impl Progress {
    /// The outcome of a rejected update.
    pub(in crate::engine) fn rejected(failure: Failure) -> Self {
        Self::Completed(Box::new(Outcome { value: Some(outcome::Value::Failure(failure)) }))
    }

    pub(in crate::engine) fn stage(&self) -> Stage {
        match self {
            Self::Admitted => Stage::Admitted,
            Self::Accepted => Stage::Accepted,
            Self::Completed(_) => Stage::Completed,
        }
    }

    pub(in crate::engine) fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Completed(outcome) => Some(*outcome),
            Self::Admitted | Self::Accepted => None,
        }
    }
}

impl Run {
    /// How far an update has come; `None` if there is none of this id.
    pub(in crate::engine) fn update_progress(&self, update_id: &str) -> Option<Progress> {
        if let Some(told) = self.recorded.updates.get(update_id) {
            return Some(match told.completed_event_id {
                Some(event_id) => Progress::Completed(Box::new(self.update_outcome(event_id))),
                // Whoever knows that it was accepted expects an outcome.
                None if !self.is_running() => Progress::rejected(failure::update_of_closed_workflow()),
                None => Progress::Accepted,
            });
        }
        self.volatile.updates.as_ref().and_then(|updates| updates.is_sent(update_id)).map(|_| Progress::Admitted)
    }

    /// Whether the workflow itself has completed an update.
    pub(in crate::engine) fn has_completed_update(&self, update_id: &str) -> bool {
        let told = self.recorded.updates.get(update_id);
        told.is_some_and(|update| update.completed_event_id.is_some())
    }

    /// The request ids of the updates that it has accepted, with the events that tell so.
    pub(in crate::engine) fn accepted_requests(&self) -> impl Iterator<Item = (String, i64)> {
        self.recorded.updates.values().filter_map(|update| {
            let event = self.history().get(update.accepted_event_id)?;
            let Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted) = event.attributes? else { return None };
            let request_id = accepted.accepted_request?.request_id;
            (!request_id.is_empty()).then_some((request_id, update.accepted_event_id))
        })
    }

    /// The request ids of the updates that a reset has admitted again.
    pub(in crate::engine) fn admitted_requests(&self) -> impl Iterator<Item = String> {
        let accepted = self.recorded.updates.values().filter_map(|update| update.admitted_event_id);
        self.recorded.admitted.values().copied().chain(accepted).filter_map(|event_id| {
            let request_id = self.admitted_request(event_id)?.request_id;
            (!request_id.is_empty()).then_some(request_id)
        })
    }

    /// The request of the event that admitted an update.
    pub(in crate::engine::workflow) fn admitted_request(&self, event_id: i64) -> Option<Request> {
        match self.history().get(event_id)?.attributes? {
            Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(admitted) => admitted.request,
            _ => None,
        }
    }

    fn update_outcome(&self, completed_event_id: i64) -> Outcome {
        match self.history().get(completed_event_id).and_then(|event| event.attributes) {
            Some(Attributes::WorkflowExecutionUpdateCompletedEventAttributes(it)) => it.outcome.unwrap_or_default(),
            _ => Outcome::default(),
        }
    }

    /// How far an update has come, as messages from a worker move it on.
    pub(in crate::engine::workflow) fn update_state(&self, update_id: &str) -> Option<State> {
        let told = self.recorded.updates.get(update_id);
        let state = told.map(|update| if update.completed_event_id.is_some() { State::Completed } else { State::Accepted });
        let is_sent = || self.volatile.updates.as_ref().and_then(|updates| updates.is_sent(update_id));
        state.or_else(|| is_sent().map(|is_sent| if is_sent { State::Sent } else { State::Admitted }))
    }

    /// How many updates are admitted or accepted, and not completed.
    pub(super) fn updates_in_flight(&self) -> usize {
        let accepted = self.recorded.updates.values().filter(|update| update.completed_event_id.is_none());
        accepted.count() + self.pending_update_count()
    }

    fn pending_update_count(&self) -> usize {
        self.volatile.updates.as_ref().map_or(0, |updates| updates.pending_count())
    }

    /// How many updates count towards the limit of a run: all but the rejected ones.
    pub(in crate::engine::workflow) fn update_count(&self) -> usize {
        self.recorded.updates.len() + self.pending_update_count()
    }

    /// Refuses one update too many.
    pub(in crate::engine) fn check_update_limits(&self, request: &Request, limits: &Limits) -> Result<()> {
        updates::check_in_flight(self.updates_in_flight(), limits)?;
        updates::check_total(self.update_count(), limits)?;
        let pending_bytes = self.volatile.updates.as_ref().map_or(0, |updates| updates.pending_bytes());
        updates::check_size(pending_bytes, update_id(request), request, limits)
    }

    /// Whether its worker most likely closes it with the task that it has.
    pub(in crate::engine) fn is_closing(&self) -> bool {
        self.volatile.close_attempted && self.started_task().is_some()
    }

    /// A new update. It goes along with the task that waits for a worker, or else with a speculative one. If a worker has a task
    /// now, it goes along with the next.
    pub(in crate::engine) fn admit_update(&mut self, cx: &mut Cx<'_>, request: Request) {
        self.volatile.updates.get_or_insert_default().admit(request);
        self.keep_speculative();
        if !self.has_workflow_task() {
            self.place_speculative_task(cx, true);
        }
    }

    /// Whether an update waits for a workflow task.
    pub(in crate::engine::workflow) fn has_update_to_send(&self) -> bool {
        self.pending_update_count() > 0
    }

    /// A worker takes the task with this started event.
    pub(in crate::engine::workflow) fn send_updates(&mut self, started_event_id: i64, is_heartbeat: bool) {
        if let Some(updates) = &mut self.volatile.updates {
            updates.send(started_event_id, is_heartbeat);
        }
    }

    /// The messages that go along with the task with this started event.
    pub(in crate::engine::workflow) fn update_messages(&self, started_event_id: i64) -> Vec<Message> {
        self.volatile.updates.as_ref().map(|updates| updates.messages(started_event_id)).unwrap_or_default()
    }

    /// What a worker reports of an update; it was checked.
    pub(in crate::engine::workflow) fn apply_update_report(&mut self, cx: &mut Cx<'_>, reported: Reported) {
        let Reported { update_id, body, resurrected } = reported;
        match body {
            Body::Rejection(rejection) => self.end_update(&update_id, rejection.failure.unwrap_or_default()),
            // The workflow has closed before: the update is aborted with it, and does not go on to the next run.
            Body::Acceptance(_) | Body::Response(_) if !self.is_running() => {
                if let Some(updates) = &mut self.volatile.updates {
                    updates.abort_again(&update_id, &Error::not_found(updates::CLOSING));
                }
            }
            Body::Acceptance(acceptance) => self.accept_update(cx, update_id, &acceptance, resurrected),
            Body::Response(response) => self.complete_update(cx, &update_id, response),
        }
    }

    fn accept_update(&mut self, cx: &mut Cx<'_>, update_id: String, acceptance: &Acceptance, resurrected: Option<Request>) {
        let admitted = self.volatile.updates.as_mut().and_then(|updates| updates.take(&update_id));
        let attributes = WorkflowExecutionUpdateAcceptedEventAttributes {
            accepted_request_message_id: updates::request_message_id(&update_id),
            protocol_instance_id: update_id,
            accepted_request_sequencing_event_id: acceptance.accepted_request_sequencing_event_id,
            accepted_request: admitted.or(resurrected),
        };
        self.add_event(cx, Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(attributes));
    }

    fn complete_update(&mut self, cx: &mut Cx<'_>, update_id: &str, response: Response) {
        let told = self.recorded.updates.get(update_id);
        let attributes = WorkflowExecutionUpdateCompletedEventAttributes {
            meta: response.meta,
            accepted_event_id: told.map_or(0, |update| update.accepted_event_id),
            outcome: response.outcome,
        };
        self.add_event(cx, Attributes::WorkflowExecutionUpdateCompletedEventAttributes(attributes));
    }

    fn end_update(&mut self, update_id: &str, failure: Failure) {
        if let Some(updates) = &mut self.volatile.updates {
            updates.end(update_id, Ended::Rejected(failure));
        }
    }

    /// The worker was sent updates with its task, and said nothing of them: it does not speak the protocol.
    pub(in crate::engine::workflow) fn reject_unprocessed_updates(&mut self) {
        if let Some(updates) = &mut self.volatile.updates {
            updates.end_sent(&Ended::Rejected(failure::unprocessed_update()));
        }
    }

    /// None that is pending will be sent.
    pub(in crate::engine::workflow) fn abort_pending_updates(&mut self, error: &Error) {
        if let Some(updates) = &mut self.volatile.updates {
            updates.end_all(&Ended::Aborted(error.clone()));
        }
    }

    /// The completion of a task is refused, and the task fails. What the worker has seen is not sent again.
    pub(in crate::engine::workflow) fn abort_sent_updates(&mut self) {
        if let Some(updates) = &mut self.volatile.updates {
            updates.end_sent(&Ended::Aborted(Error::WorkflowNotReady(updates::TASK_FAILED.to_owned())));
        }
    }

    /// The completion of a task is refused, and the task does not fail. The updates are sent with the next. A speculative task is
    /// there anew. `drops_cache`: the worker that has seen it no longer has the run in its cache.
    pub(in crate::engine::workflow) fn send_updates_again(&mut self, cx: &mut Cx<'_>, drops_cache: bool) {
        if let Some(updates) = &mut self.volatile.updates {
            updates.unsend();
        }
        self.keep_speculative();
        if self.is_task_speculative() {
            if drops_cache {
                self.clear_sticky();
            }
            self.discard_workflow_task(cx);
            self.place_speculative_task(cx, true);
        }
    }

    /// The run has closed. If another follows, the callers are to try that.
    pub(in crate::engine::workflow) fn abort_updates(&mut self) {
        let error = if self.is_followed() { updates::try_the_next_run() } else { Error::not_found(updates::CLOSING) };
        if let Some(updates) = &mut self.volatile.updates {
            updates.abort_all(&error);
        }
    }

    /// How the end of the run aborted an update; `None` if it did not.
    pub(in crate::engine) fn aborted_update(&self, update_id: &str) -> Option<&Error> {
        self.volatile.updates.as_ref()?.aborted(update_id)
    }

    /// The updates that the last transaction ended without an event, in the order in which it did.
    pub(in crate::engine) fn ended_updates(&self) -> &[(String, Ended)] {
        self.volatile.updates.as_ref().map_or(&[], |updates| updates.ended())
    }

    /// A transaction begins: the callers know how those ended that the last one did.
    pub(in crate::engine) fn forget_ended_updates(&mut self) {
        if let Some(updates) = &mut self.volatile.updates {
            updates.forget_ended();
            if updates.is_empty() {
                self.volatile.updates = None;
            }
        }
    }
}
