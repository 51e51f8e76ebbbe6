//! Updates: the requests of clients, and what a raw worker reports of them.

use foretime_server::proto::{
    command::{Command, ProtocolMessageCommandAttributes, command::Attributes},
    enums::{UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowIdConflictPolicy},
    protocol::Message,
    update::{Acceptance, Input, Meta, Outcome, Rejection, Request, Response, UpdateRef, WaitPolicy, outcome},
    workflowservice::{
        execute_multi_operation_request::{Operation, operation},
        *,
    },
};
use prost::Name;
use prost_types::Any;
use tonic::Status;

use crate::{
    commands::command,
    script::{NAMESPACE, Script, payloads},
    worker::{WorkflowTask, failure},
};

impl Script {
    /// An update of `id` whose outcome the caller awaits, to be filled in.
    pub fn new_update(&self, id: &str, update_id: &str) -> UpdateWorkflowExecutionRequest {
        let meta = Meta { update_id: update_id.to_owned(), identity: "client".to_owned() };
        let input = Input { name: "add".to_owned(), args: payloads("the argument"), ..Default::default() };
        UpdateWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: self.execution(id),
            wait_policy: until(Stage::Completed),
            request: Some(Request { meta: Some(meta), input: Some(input), ..Default::default() }),
            ..Default::default()
        }
    }

    /// A poll of an update whose outcome the caller awaits, to be filled in.
    pub fn new_update_poll(&self, id: &str, update_id: &str) -> PollWorkflowExecutionUpdateRequest {
        let update_ref = UpdateRef { workflow_execution: self.execution(id), update_id: update_id.to_owned() };
        PollWorkflowExecutionUpdateRequest {
            namespace: NAMESPACE.to_owned(),
            update_ref: Some(update_ref),
            wait_policy: until(Stage::Completed),
            ..Default::default()
        }
    }

    /// Sends the update while `worker` deals with it. The reply is written down last.
    pub async fn updated(&self, request: UpdateWorkflowExecutionRequest, worker: impl Future<Output = ()>) {
        let (answer, ()): (Result<UpdateWorkflowExecutionResponse, Status>, ()) =
            futures_util::future::join(self.client.call(request), worker).await;
        self.show::<UpdateWorkflowExecutionRequest>(&answer);
    }

    /// An update-with-start of `id`, to be filled in.
    pub fn new_update_with_start(&self, id: &str, update_id: &str) -> ExecuteMultiOperationRequest {
        let start = StartWorkflowExecutionRequest {
            workflow_id_conflict_policy: WorkflowIdConflictPolicy::UseExisting.into(),
            ..self.new_start(id)
        };
        operations(start, self.new_update(id, update_id))
    }

    /// Sends the update-with-start while `worker` deals with it. The reply is written down last.
    pub async fn updated_with_start(&self, request: ExecuteMultiOperationRequest, worker: impl Future<Output = ()>) {
        let (answer, ()): (Result<ExecuteMultiOperationResponse, Status>, ()) =
            futures_util::future::join(self.client.call(request), worker).await;
        self.show::<ExecuteMultiOperationRequest>(&answer);
    }

    /// A completion with messages, to be filled in. Each but a rejection has its command.
    pub fn new_report<const N: usize>(
        &self,
        task: &WorkflowTask,
        messages: [Message; N],
    ) -> RespondWorkflowTaskCompletedRequest {
        let rejection = Rejection::full_name();
        let is_rejection = |message: &&Message| message.body.as_ref().is_some_and(|body| body.type_url.ends_with(&rejection));
        let commands: Vec<_> = messages.iter().filter(|message| !is_rejection(message)).map(protocol_message).collect();
        RespondWorkflowTaskCompletedRequest { messages: messages.to_vec(), ..self.new_completion(task, commands) }
    }

    /// Completes a task with messages.
    pub async fn report<const N: usize>(&self, task: &WorkflowTask, messages: [Message; N]) {
        let _ = self.complete_with(self.new_report(task, messages)).await;
    }
}

/// A start and an update, as one call.
pub fn operations(
    start: StartWorkflowExecutionRequest,
    update: UpdateWorkflowExecutionRequest,
) -> ExecuteMultiOperationRequest {
    let all = [operation::Operation::StartWorkflow(start), operation::Operation::UpdateWorkflow(update)];
    ExecuteMultiOperationRequest {
        namespace: NAMESPACE.to_owned(),
        operations: all.map(|operation| Operation { operation: Some(operation) }).into(),
        ..Default::default()
    }
}

/// To wait for this stage.
pub fn until(stage: Stage) -> Option<WaitPolicy> {
    Some(WaitPolicy { lifecycle_stage: stage.into() })
}

/// What a worker reports that accepts an update and completes it.
pub fn done(task: &WorkflowTask, update_id: &str) -> [Message; 2] {
    [acceptance(task, update_id), response(update_id, "done")]
}

/// The message that accepts an update of a task.
pub fn acceptance(task: &WorkflowTask, update_id: &str) -> Message {
    acceptance_of(update_id, task.started_event_id - 1)
}

/// The message that accepts an update, which belongs behind this event.
pub fn acceptance_of(update_id: &str, accepted_request_sequencing_event_id: i64) -> Message {
    let accepted_request_message_id = format!("{update_id}/request");
    let body = Acceptance { accepted_request_message_id, accepted_request_sequencing_event_id, accepted_request: None };
    message(update_id, "accept", &body)
}

/// The message that rejects an update of a task.
pub fn rejection(task: &WorkflowTask, update_id: &str) -> Message {
    rejection_of(update_id, task.started_event_id - 1)
}

/// The message that rejects an update, which belongs behind this event.
pub fn rejection_of(update_id: &str, rejected_request_sequencing_event_id: i64) -> Message {
    let body = Rejection {
        rejected_request_message_id: format!("{update_id}/request"),
        rejected_request_sequencing_event_id,
        failure: Some(failure("no")),
        ..Default::default()
    };
    message(update_id, "reject", &body)
}

/// The message that completes an update.
pub fn response(update_id: &str, result: &str) -> Message {
    let meta = Meta { update_id: update_id.to_owned(), identity: "client".to_owned() };
    let outcome = Outcome { value: payloads(result).map(outcome::Value::Success) };
    message(update_id, "complete", &Response { meta: Some(meta), outcome: Some(outcome) })
}

/// A message of a worker.
pub fn message<M: prost::Message + Name>(update_id: &str, what: &str, body: &M) -> Message {
    let type_url = format!("type.googleapis.com/{}", M::full_name());
    Message {
        id: format!("{update_id}/{what}"),
        protocol_instance_id: update_id.to_owned(),
        body: Some(Any { type_url, value: body.encode_to_vec() }),
        sequencing_id: None,
    }
}

/// The command that says where among the others a message belongs.
pub fn protocol_message(message: &Message) -> Command {
    let attributes = ProtocolMessageCommandAttributes { message_id: message.id.clone() };
    command(Attributes::ProtocolMessageCommandAttributes(attributes))
}
