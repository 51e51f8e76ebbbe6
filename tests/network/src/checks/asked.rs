//! What a workflow asked for with one workflow task, in one form for commands and for the events that they make.

use std::fmt;

use foretime_server::proto::{
    command::{Command, command::Attributes as Wanted},
    common::{ActivityType, Memo, Payloads, WorkflowType},
    failure::Failure,
    history::history_event::Attributes as Told,
    protocol::Message,
    update::{Acceptance, Outcome, Response, outcome::Value},
};
use prost::{Message as _, Name};

use crate::nodes::interpreter::{Decision, payload::data, update::type_url};

/// One thing that a workflow asked for. Timeouts of activities are left out: the server shortens them to those of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Activity {
        activity_id: String,
        type_name: String,
        input: Vec<u8>,
    },
    Timer {
        timer_id: String,
        ms: u64,
    },
    NoTimer {
        timer_id: String,
    },
    Child {
        workflow_id: String,
        type_name: String,
        input: Vec<u8>,
        policy: i32,
    },
    Marker {
        name: String,
    },
    Memo {
        fields: Vec<(String, Vec<u8>)>,
    },
    Accept {
        update_id: String,
    },
    Respond {
        update_id: String,
        outcome: Result<Vec<u8>, String>,
    },
    Complete {
        result: Vec<u8>,
    },
    Fail {
        message: String,
    },
    Cancel {
        details: Vec<u8>,
    },
    ContinueAsNew {
        type_name: String,
        input: Vec<u8>,
    },
    /// What no script asks for; by its name.
    Other(String),
}

impl Asked {
    /// What this answer to a workflow task asks for, in the order in which its events come.
    pub(super) fn all_of(decision: &Decision) -> Vec<Self> {
        decision.commands.iter().map(|command| Self::of_command(command, &decision.messages)).collect()
    }

    fn of_command(command: &Command, messages: &[Message]) -> Self {
        use Wanted as W;
        match &command.attributes {
            Some(W::ScheduleActivityTaskCommandAttributes(it)) => {
                Self::activity(&it.activity_id, it.activity_type.as_ref(), it.input.as_ref())
            }
            Some(W::StartTimerCommandAttributes(it)) => Self::timer(&it.timer_id, it.start_to_fire_timeout.as_ref()),
            Some(W::CancelTimerCommandAttributes(it)) => Self::NoTimer { timer_id: it.timer_id.clone() },
            Some(W::StartChildWorkflowExecutionCommandAttributes(it)) => {
                Self::child(&it.workflow_id, it.workflow_type.as_ref(), it.input.as_ref(), it.parent_close_policy)
            }
            Some(W::RecordMarkerCommandAttributes(it)) => Self::Marker { name: it.marker_name.clone() },
            Some(W::ModifyWorkflowPropertiesCommandAttributes(it)) => Self::memo(it.upserted_memo.as_ref()),
            Some(W::ProtocolMessageCommandAttributes(it)) => {
                let message = messages.iter().find(|message| message.id == it.message_id);
                message.map_or_else(|| Self::Other(format!("absent message {}", it.message_id)), Self::of_message)
            }
            Some(W::CompleteWorkflowExecutionCommandAttributes(it)) => Self::Complete { result: bytes(it.result.as_ref()) },
            Some(W::FailWorkflowExecutionCommandAttributes(it)) => Self::Fail { message: message_of(it.failure.as_ref()) },
            Some(W::CancelWorkflowExecutionCommandAttributes(it)) => Self::Cancel { details: bytes(it.details.as_ref()) },
            Some(W::ContinueAsNewWorkflowExecutionCommandAttributes(it)) => {
                Self::ContinueAsNew { type_name: name(it.workflow_type.as_ref()), input: bytes(it.input.as_ref()) }
            }
            _ => Self::Other(command.command_type().as_str_name().to_owned()),
        }
    }

    fn of_message(message: &Message) -> Self {
        let (update_id, body) = (message.protocol_instance_id.clone(), message.body.clone().unwrap_or_default());
        if body.type_url == type_url::<Acceptance>() {
            return Self::Accept { update_id };
        }
        match Response::decode(body.value.as_slice()) {
            Ok(response) if body.type_url == type_url::<Response>() => Self::respond(update_id, response.outcome.as_ref()),
            _ => Self::Other(format!("message {} that is no {}", message.id, Response::NAME)),
        }
    }

    /// What an event that a command made tells of it.
    pub(super) fn of_event(attributes: &Told) -> Self {
        use Told as T;
        match attributes {
            T::ActivityTaskScheduledEventAttributes(it) => {
                Self::activity(&it.activity_id, it.activity_type.as_ref(), it.input.as_ref())
            }
            T::TimerStartedEventAttributes(it) => Self::timer(&it.timer_id, it.start_to_fire_timeout.as_ref()),
            T::TimerCanceledEventAttributes(it) => Self::NoTimer { timer_id: it.timer_id.clone() },
            T::StartChildWorkflowExecutionInitiatedEventAttributes(it) => {
                Self::child(&it.workflow_id, it.workflow_type.as_ref(), it.input.as_ref(), it.parent_close_policy)
            }
            T::MarkerRecordedEventAttributes(it) => Self::Marker { name: it.marker_name.clone() },
            T::WorkflowPropertiesModifiedEventAttributes(it) => Self::memo(it.upserted_memo.as_ref()),
            T::WorkflowExecutionUpdateAcceptedEventAttributes(it) => {
                Self::Accept { update_id: it.protocol_instance_id.clone() }
            }
            T::WorkflowExecutionUpdateCompletedEventAttributes(it) => {
                let update_id = it.meta.as_ref().map(|meta| meta.update_id.clone()).unwrap_or_default();
                Self::respond(update_id, it.outcome.as_ref())
            }
            T::WorkflowExecutionCompletedEventAttributes(it) => Self::Complete { result: bytes(it.result.as_ref()) },
            T::WorkflowExecutionFailedEventAttributes(it) => Self::Fail { message: message_of(it.failure.as_ref()) },
            T::WorkflowExecutionCanceledEventAttributes(it) => Self::Cancel { details: bytes(it.details.as_ref()) },
            T::WorkflowExecutionContinuedAsNewEventAttributes(it) => {
                Self::ContinueAsNew { type_name: name(it.workflow_type.as_ref()), input: bytes(it.input.as_ref()) }
            }
            other => Self::Other(other.event_type().as_str_name().to_owned()),
        }
    }

    fn activity(activity_id: &str, activity_type: Option<&ActivityType>, input: Option<&Payloads>) -> Self {
        let type_name = activity_type.map(|it| it.name.clone()).unwrap_or_default();
        Self::Activity { activity_id: activity_id.to_owned(), type_name, input: bytes(input) }
    }

    fn timer(timer_id: &str, span: Option<&prost_types::Duration>) -> Self {
        let span = span.and_then(|span| std::time::Duration::try_from(*span).ok()).unwrap_or_default();
        Self::Timer { timer_id: timer_id.to_owned(), ms: u64::try_from(span.as_millis()).unwrap_or(u64::MAX) }
    }

    fn child(workflow_id: &str, workflow_type: Option<&WorkflowType>, input: Option<&Payloads>, policy: i32) -> Self {
        let type_name = name(workflow_type);
        Self::Child { workflow_id: workflow_id.to_owned(), type_name, input: bytes(input), policy }
    }

    fn memo(memo: Option<&Memo>) -> Self {
        let fields = memo.into_iter().flat_map(|memo| &memo.fields);
        Self::Memo { fields: fields.map(|(name, payload)| (name.clone(), payload.data.clone())).collect() }
    }

    fn respond(update_id: String, outcome: Option<&Outcome>) -> Self {
        let outcome = match outcome.and_then(|outcome| outcome.value.as_ref()) {
            Some(Value::Success(result)) => Ok(bytes(Some(result))),
            Some(Value::Failure(failure)) => Err(failure.message.clone()),
            None => Err("no outcome".to_owned()),
        };
        Self::Respond { update_id, outcome }
    }
}

/// For people: the end of a sentence such as "the workflow asks ...".
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Activity { activity_id, type_name, input } => {
                write!(f, "for the activity {activity_id} of type {type_name} with {}", shown(input))
            }
            Self::Timer { timer_id, ms } => write!(f, "for the timer {timer_id} of {ms} ms"),
            Self::NoTimer { timer_id } => write!(f, "to cancel the timer {timer_id}"),
            Self::Child { workflow_id, type_name, input, policy } => {
                write!(f, "for the child {workflow_id} of type {type_name} with {}, close policy {policy}", shown(input))
            }
            Self::Marker { name } => write!(f, "for the marker {name}"),
            Self::Memo { fields } => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect();
                write!(f, "for the memo {}", fields.join(", "))
            }
            Self::Accept { update_id } => write!(f, "to accept the update {update_id}"),
            Self::Respond { update_id, outcome: Ok(result) } => {
                write!(f, "to complete the update {update_id} with {}", shown(result))
            }
            Self::Respond { update_id, outcome: Err(message) } => {
                write!(f, "to complete the update {update_id} with the failure {message:?}")
            }
            Self::Complete { result } => write!(f, "to complete with {}", shown(result)),
            Self::Fail { message } => write!(f, "to fail with {message:?}"),
            Self::Cancel { details } => write!(f, "to end as cancelled with {}", shown(details)),
            Self::ContinueAsNew { type_name, input } => {
                write!(f, "to continue as new, as {type_name} with {}", shown(input))
            }
            Self::Other(name) => write!(f, "for {name}"),
        }
    }
}

fn name(workflow_type: Option<&WorkflowType>) -> String {
    workflow_type.map(|it| it.name.clone()).unwrap_or_default()
}

fn bytes(payloads: Option<&Payloads>) -> Vec<u8> {
    data(payloads).to_vec()
}

fn message_of(failure: Option<&Failure>) -> String {
    failure.map(|failure| failure.message.clone()).unwrap_or_default()
}

fn shown(json: &[u8]) -> String {
    String::from_utf8_lossy(json).into_owned()
}
