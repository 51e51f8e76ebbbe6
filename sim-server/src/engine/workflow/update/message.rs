//! What workers report of updates: the messages that come along with a completed workflow task (`common/protocol`,
//! `update/validation.go`).

use prost::Message as _;

use crate::{
    engine::{kernel::error::Error, rules::limits::Limits, workflow::commands::Unfit},
    proto::{
        enums::WorkflowTaskFailedCause,
        protocol::Message,
        update::{Acceptance, Rejection, Request, Response},
    },
};

/// The package of the messages of the update protocol.
const PROTOCOL: &str = "temporal.api.update.v1";
/// What Go's protobuf library says of a body. It puts a no-break space behind its name in some builds, to be relied on by nobody,
/// and does so in the recorded server.
const UNREADABLE: &str = "proto:\u{a0}cannot parse invalid wire-format data";
const NOT_UTF8: &str = "string field contains invalid UTF-8";
const NO_SUCH_MESSAGE: &str = "proto:\u{a0}not found";
/// Its messages that workers do not send.
const OTHER_TYPES: [&str; 6] = ["Request", "Meta", "Input", "Outcome", "UpdateRef", "WaitPolicy"];

/// What a worker reports of an update.
#[derive(Debug)]
pub(in crate::engine::workflow) struct Reported {
    pub(in crate::engine::workflow) update_id: String,
    pub(in crate::engine::workflow) body: Body,
    /// What the worker was asked, if this server does not know of it any more.
    pub(in crate::engine::workflow) resurrected: Option<Request>,
}

#[derive(Debug)]
pub(in crate::engine::workflow) enum Body {
    Acceptance(Acceptance),
    Rejection(Rejection),
    Response(Response),
}

/// How far an update has come while the messages of one completion are checked, one after the other. The names are in the real
/// server's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::workflow) enum State {
    Admitted,
    Sent,
    Accepted,
    Completed,
    /// An earlier message accepts it.
    ProvisionallyAccepted,
    /// An earlier message completes or rejects it.
    ProvisionallyCompleted,
}

/// The message type of a message that can be read at all.
///
/// # Errors
/// It has no body, or the body has no type.
pub(in crate::engine::workflow) fn type_of(message: &Message) -> Result<&str, Error> {
    let Some(body) = &message.body else { return Err(Error::invalid("nil message body")) };
    let name = body.type_url.rsplit('/').next().unwrap_or_default();
    if name.is_empty() {
        return Err(Error::invalid("no message name specified"));
    }
    if !name.contains('.') {
        return Err(Error::invalid(format!("failed to extract protocol type: no . found in {name:?}")));
    }
    Ok(name)
}

/// Whether it rejects an update.
pub(in crate::engine::workflow) fn is_rejection(message: &Message) -> bool {
    type_of(message).is_ok_and(|name| name == "temporal.api.update.v1.Rejection")
}

/// Reads a message. The update that it is about is the instance that it names.
pub(in crate::engine::workflow) fn read(message: Message, limits: &Limits) -> Result<Reported, Unfit> {
    let message_type = type_of(&message).map_err(Unfit::Refused)?.to_owned();
    let body = message.body.unwrap_or_default();
    if body.encoded_len() > limits.blob_size_max_bytes {
        return Err(unfit_and_closes(format!("Message type {message_type} exceeds size limit.")));
    }
    let (protocol, name) = message_type.rsplit_once('.').unwrap_or_default();
    if protocol != PROTOCOL {
        return Err(unfit(format!("unsupported protocol type {protocol}")));
    }
    let value = body.value.as_slice();
    let unread = |error: prost::DecodeError| {
        let text = if error.to_string().contains("UTF-8") { NOT_UTF8 } else { UNREADABLE };
        unfit(format!("unable to unmarshal request: {text}"))
    };
    let body = match name {
        "Acceptance" => Body::Acceptance(Acceptance::decode(value).map_err(unread)?),
        "Rejection" => Body::Rejection(Rejection::decode(value).map_err(unread)?),
        "Response" => Body::Response(Response::decode(value).map_err(unread)?),
        other if OTHER_TYPES.contains(&other) => {
            return Err(unfit(format!("Message type *update.{other} not supported")));
        }
        _ => return Err(unfit(format!("unable to unmarshal request: {NO_SUCH_MESSAGE}"))),
    };
    Ok(Reported { update_id: message.protocol_instance_id, body, resurrected: None })
}

impl Body {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Acceptance(_) => "*update.Acceptance",
            Self::Rejection(_) => "*update.Rejection",
            Self::Response(_) => "*update.Response",
        }
    }

    /// What the worker was asked, as it remembers it.
    pub(in crate::engine::workflow) fn request(&mut self) -> Option<Request> {
        match self {
            Self::Acceptance(acceptance) => acceptance.accepted_request.take(),
            Self::Rejection(rejection) => rejection.rejected_request.take(),
            Self::Response(_) => None,
        }
    }
}

impl Reported {
    /// Where it takes the update that is in this state.
    ///
    /// # Errors
    /// It does not fit that state, or lacks a part.
    pub(in crate::engine::workflow) fn check(&self, state: State) -> Result<State, Unfit> {
        let (is_expected, next) = match &self.body {
            Body::Acceptance(_) => (matches!(state, State::Sent | State::Admitted), State::ProvisionallyAccepted),
            Body::Rejection(_) => (matches!(state, State::Sent | State::Admitted), State::ProvisionallyCompleted),
            Body::Response(_) => {
                (matches!(state, State::Accepted | State::ProvisionallyAccepted), State::ProvisionallyCompleted)
            }
        };
        let type_name = self.body.type_name();
        if !is_expected {
            return Err(unfit(format!(
                "invalid state transition attempted for Update {}: received {type_name} message while in state {state:?}",
                self.update_id
            )));
        }
        let unset = |part: &str| Err(unfit(format!("invalid {type_name}: {part} is not set")));
        match &self.body {
            Body::Acceptance(it) if it.accepted_request_sequencing_event_id == 0 => {
                unset("accepted_request_sequencing_event_id")
            }
            Body::Acceptance(it) if it.accepted_request_message_id.is_empty() => unset("accepted_request_message_id"),
            Body::Response(it) => match &it.meta {
                None => unset("meta"),
                Some(meta) if meta.update_id.is_empty() => unset("meta.update_id"),
                Some(meta) if meta.update_id != self.update_id => {
                    Err(unfit(format!("invalid {type_name}: meta.update_id != {}", self.update_id)))
                }
                Some(_) if it.outcome.is_none() => unset("outcome"),
                Some(_) => Ok(next),
            },
            Body::Acceptance(_) | Body::Rejection(_) => Ok(next),
        }
    }
}

/// The workflow task fails.
pub(in crate::engine::workflow) fn unfit(message: String) -> Unfit {
    Unfit::task_failed(WorkflowTaskFailedCause::BadUpdateWorkflowExecutionMessage, &message, false)
}

fn unfit_and_closes(message: String) -> Unfit {
    Unfit::task_failed(WorkflowTaskFailedCause::BadUpdateWorkflowExecutionMessage, &message, true)
}
