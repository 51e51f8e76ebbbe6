//! Updates: the requests of clients, and what workers report of them.

use foretime_server::proto::{
    command::{Command, ProtocolMessageCommandAttributes, command::Attributes},
    enums::{CommandType, UpdateWorkflowExecutionLifecycleStage as Stage},
    failure::Failure,
    protocol::{Message, message::SequencingId},
    update::{Acceptance, Input, Meta, Outcome, Rejection, Request, Response, UpdateRef, WaitPolicy, outcome},
    workflowservice::*,
};
use prost::Name;
use prost_types::Any;

use super::{
    CLIENT, NAMESPACE, Transcript, Waiting,
    commands::command,
    execution, failure, payloads, show,
    worker::{WorkflowTask, completion},
};

/// An update named `add`, of which the caller awaits the outcome.
pub(crate) fn update(workflow_id: &str, update_id: &str) -> UpdateWorkflowExecutionRequest {
    let meta = Meta { update_id: update_id.to_owned(), identity: CLIENT.to_owned() };
    let input = Input { name: "add".to_owned(), args: payloads("1"), ..Input::default() };
    UpdateWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: execution(workflow_id),
        wait_policy: until(Stage::Completed),
        request: Some(Request { meta: Some(meta), input: Some(input), ..Request::default() }),
        ..UpdateWorkflowExecutionRequest::default()
    }
}

/// A poll of an update, of which the caller awaits the outcome.
pub(crate) fn poll_update(workflow_id: &str, update_id: &str) -> PollWorkflowExecutionUpdateRequest {
    let update_ref = UpdateRef { workflow_execution: execution(workflow_id), update_id: update_id.to_owned() };
    PollWorkflowExecutionUpdateRequest {
        namespace: NAMESPACE.to_owned(),
        update_ref: Some(update_ref),
        wait_policy: until(Stage::Completed),
        ..PollWorkflowExecutionUpdateRequest::default()
    }
}

/// To wait for this stage.
pub(crate) fn until(stage: Stage) -> Option<WaitPolicy> {
    Some(WaitPolicy { lifecycle_stage: stage.into() })
}

/// The message that accepts an update of a task.
pub(crate) fn acceptance(task: &WorkflowTask, update_id: &str) -> Message {
    let asked = request_to(task, update_id);
    let body = Acceptance {
        accepted_request_message_id: asked.id.clone(),
        accepted_request_sequencing_event_id: task.started_event_id - 1,
        accepted_request: None,
    };
    message(update_id, "accept", &body)
}

/// The message that rejects an update of a task.
pub(crate) fn rejection(task: &WorkflowTask, update_id: &str) -> Message {
    let asked = request_to(task, update_id);
    let body = Rejection {
        rejected_request_message_id: asked.id.clone(),
        rejected_request_sequencing_event_id: task.started_event_id - 1,
        failure: Some(failure("no")),
        ..Rejection::default()
    };
    message(update_id, "reject", &body)
}

/// The message that completes an update.
pub(crate) fn response(update_id: &str, result: &str) -> Message {
    let meta = Meta { update_id: update_id.to_owned(), identity: CLIENT.to_owned() };
    let outcome = Outcome { value: payloads(result).map(outcome::Value::Success) };
    message(update_id, "complete", &Response { meta: Some(meta), outcome: Some(outcome) })
}

/// A message of a worker, with an id of its own.
pub(crate) fn message<M: prost::Message + Name>(update_id: &str, what: &str, body: &M) -> Message {
    let type_url = format!("type.googleapis.com/{}", M::full_name());
    Message {
        id: format!("{update_id}/{what}"),
        protocol_instance_id: update_id.to_owned(),
        body: Some(Any { type_url, value: body.encode_to_vec() }),
        sequencing_id: None,
    }
}

/// The command that says where among the others a message belongs.
pub(crate) fn protocol_message(message: &Message) -> Command {
    let attributes = ProtocolMessageCommandAttributes { message_id: message.id.clone() };
    command(CommandType::ProtocolMessage, Attributes::ProtocolMessageCommandAttributes(attributes))
}

/// A completion with messages, each with its command.
pub(crate) fn reports<const N: usize>(task: &WorkflowTask, messages: [Message; N]) -> RespondWorkflowTaskCompletedRequest {
    let rejection = Rejection::full_name();
    let is_rejection = |message: &&Message| message.body.as_ref().is_some_and(|body| body.type_url.ends_with(&rejection));
    let commands: Vec<_> = messages.iter().filter(|message| !is_rejection(message)).map(protocol_message).collect();
    RespondWorkflowTaskCompletedRequest { messages: messages.to_vec(), ..completion(task, commands) }
}

#[track_caller]
fn request_to<'a>(task: &'a WorkflowTask, update_id: &str) -> &'a Message {
    let found = task.messages.iter().find(|message| message.protocol_instance_id == update_id);
    found.unwrap_or_else(|| panic!("the task has no update {update_id}"))
}

/// The ids of the updates that came along with a task, and the events that they follow.
pub(crate) fn updates_of(task: &WorkflowTask) -> Vec<String> {
    let shown = |message: &Message| match message.sequencing_id {
        Some(SequencingId::EventId(id)) => format!("{} after {id}", message.protocol_instance_id),
        _ => panic!("{message:?} belongs nowhere"),
    };
    task.messages.iter().map(shown).collect()
}

/// The outcome of an update, as text.
fn shown(stage: i32, outcome: Option<&Outcome>) -> String {
    let stage = show::name::<Stage>(stage);
    match outcome.and_then(|outcome| outcome.value.as_ref()) {
        Some(outcome::Value::Success(result)) => format!("{stage}: {}", show::text(Some(result))),
        Some(outcome::Value::Failure(failure)) => format!("{stage}: failed {}", failed(failure)),
        None => stage,
    }
}

fn failed(failure: &Failure) -> String {
    show::failure(Some(failure))
}

impl Transcript {
    /// Sends an update and awaits its outcome.
    pub(crate) fn updates(&mut self, workflow_id: &str, update_id: &str) -> Waiting<UpdateWorkflowExecutionResponse> {
        self.sends(update(workflow_id, update_id))
    }

    /// Checks the answer to an update; it must be there.
    #[track_caller]
    pub(crate) fn update_is(&mut self, call: &Waiting<UpdateWorkflowExecutionResponse>, expected: &str) {
        let reply = self.answer_to(call);
        assert_eq!(shown(reply.stage, reply.outcome.as_ref()), expected);
    }

    /// Checks the answer to a poll of an update; it must be there.
    #[track_caller]
    pub(crate) fn polled_update_is(&mut self, call: &Waiting<PollWorkflowExecutionUpdateResponse>, expected: &str) {
        let reply = self.answer_to(call);
        assert_eq!(shown(reply.stage, reply.outcome.as_ref()), expected);
    }
}
