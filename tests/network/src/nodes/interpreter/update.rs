//! Updates: the messages with which the server asks for them, and those that answer.

use foretime_server::proto::{
    enums::EventType,
    history::{HistoryEvent, WorkflowExecutionUpdateAcceptedEventAttributes, history_event::Attributes},
    protocol::{Message, message::SequencingId},
    update::{Acceptance, Meta, Outcome, Rejection, Request, Response, outcome},
};
use prost::{Message as _, Name};
use prost_types::Any;

use super::{commands::failure, payload};
use crate::nodes::requests::json;

/// The end of the nonce of an update that is rejected.
pub const REJECTED_NONCE_END: &str = "-bad";

/// An update that the server asks for.
#[derive(Debug)]
pub(super) struct Asked {
    message_id: String,
    update_id: String,
    /// The event behind which it belongs.
    sequencing_event_id: i64,
    request: Request,
}

impl Asked {
    /// Reads a message; `None` if it does not ask for an update.
    pub(super) fn of(message: &Message) -> Option<Self> {
        let body = message.body.as_ref().filter(|body| body.type_url == type_url::<Request>())?;
        let Some(SequencingId::EventId(sequencing_event_id)) = message.sequencing_id else { return None };
        Some(Self {
            message_id: message.id.clone(),
            update_id: message.protocol_instance_id.clone(),
            sequencing_event_id,
            request: Request::decode(body.value.as_slice()).ok()?,
        })
    }

    /// What no other update has in its input.
    pub(super) fn nonce(&self) -> String {
        payload::text(self.request.input.as_ref().and_then(|input| input.args.as_ref()))
    }

    pub(super) fn is_rejected(&self) -> bool {
        self.nonce().ends_with(REJECTED_NONCE_END)
    }

    /// The message that accepts it.
    pub(super) fn acceptance(&self) -> Message {
        let body = Acceptance {
            accepted_request_message_id: self.message_id.clone(),
            accepted_request_sequencing_event_id: self.sequencing_event_id,
            accepted_request: Some(self.request.clone()),
        };
        self.answer("accept", &body)
    }

    /// The message that rejects it.
    pub(super) fn rejection(&self) -> Message {
        let body = Rejection {
            rejected_request_message_id: self.message_id.clone(),
            rejected_request_sequencing_event_id: self.sequencing_event_id,
            rejected_request: Some(self.request.clone()),
            failure: Some(failure(&rejection_of(&self.nonce()))),
        };
        self.answer("reject", &body)
    }

    /// The message that completes it.
    pub(super) fn response(&self, outcome: &str) -> Message {
        let identity = self.request.meta.as_ref().map(|meta| meta.identity.clone()).unwrap_or_default();
        let outcome = Outcome { value: Some(outcome::Value::Success(json(&outcome))) };
        let meta = Meta { update_id: self.update_id.clone(), identity };
        self.answer("complete", &Response { meta: Some(meta), outcome: Some(outcome) })
    }

    fn answer<M: prost::Message + Name>(&self, what: &str, body: &M) -> Message {
        Message {
            id: format!("{}/{what}", self.update_id),
            protocol_instance_id: self.update_id.clone(),
            body: Some(Any { type_url: type_url::<M>(), value: body.encode_to_vec() }),
            sequencing_id: None,
        }
    }
}

/// What a worker says of an update that it rejects.
pub fn rejection_of(nonce: &str) -> String {
    format!("{nonce} is rejected")
}

/// The event of the completion with which a worker asked for this event. A child that could not be started names it as well, but that
/// is the server's answer.
pub fn asked_by(event: &HistoryEvent) -> Option<i64> {
    let of = event.attributes.as_ref().and_then(Attributes::workflow_task_completed_event_id);
    of.filter(|_| event.event_type() != EventType::StartChildWorkflowExecutionFailed)
}

/// The events of the commands and messages that came with a completed workflow task, which are behind its event at `completed`.
pub fn asked_with(history: &[HistoryEvent], completed: usize) -> impl Iterator<Item = &HistoryEvent> {
    let completed_event_id = history.get(completed).map(|event| event.event_id);
    history.iter().skip(completed + 1).take_while(move |event| {
        let of = asked_by(event);
        let is_update = matches!(
            event.event_type(),
            EventType::WorkflowExecutionUpdateAccepted | EventType::WorkflowExecutionUpdateCompleted
        );
        is_update || of.is_some() && of == completed_event_id
    })
}

/// The messages that came with the workflow task that was completed with the event at `completed`, as far as the history tells: those
/// of the updates that were accepted.
pub fn accepted_with(history: &[HistoryEvent], completed: usize) -> Vec<Message> {
    let messages = asked_with(history, completed).filter_map(|event| match &event.attributes {
        Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted)) => Some(message_of(accepted)),
        _ => None,
    });
    messages.collect()
}

fn message_of(accepted: &WorkflowExecutionUpdateAcceptedEventAttributes) -> Message {
    let request = accepted.accepted_request.clone().unwrap_or_default();
    Message {
        id: accepted.accepted_request_message_id.clone(),
        protocol_instance_id: accepted.protocol_instance_id.clone(),
        body: Some(Any { type_url: type_url::<Request>(), value: request.encode_to_vec() }),
        sequencing_id: Some(SequencingId::EventId(accepted.accepted_request_sequencing_event_id)),
    }
}

/// The type of a message in an `Any`.
pub(crate) fn type_url<M: Name>() -> String {
    format!("type.googleapis.com/{}", M::full_name())
}
