//! Updates, as seen in messages: which clients await one, and which workers handle it. Kept only for reports.

use bytes::Bytes;

use foretime_campaign::{
    log::{UpdateEnd, UpdatePart, UpdateSpan},
    process::ProcessId,
};

use foretime_server::proto::{
    common::WorkflowExecution,
    failure::Failure,
    history::{History, history_event::Attributes},
    protocol::Message as ProtocolMessage,
    update::{self, Rejection, Response, outcome},
    workflowservice::{
        ExecuteMultiOperationRequest, ExecuteMultiOperationResponse, PollWorkflowExecutionUpdateRequest,
        PollWorkflowExecutionUpdateResponse, UpdateWorkflowExecutionRequest, UpdateWorkflowExecutionResponse,
        execute_multi_operation_request::operation::Operation, execute_multi_operation_response::response,
    },
};
use prost::Message;

use super::State;

/// What a worker reports along with a completed workflow task, without its commands.
#[derive(Clone, PartialEq, Message)]
struct Reports {
    #[prost(message, repeated, tag = "11")]
    messages: Vec<ProtocolMessage>,
}

impl State {
    /// A client begins to await an update. Returns the number of its span.
    pub(super) fn update_call_begins(&mut self, process: ProcessId, rpc: &str, message: &Bytes) -> Option<usize> {
        if !self.log.is_detailed() {
            return None;
        }
        let mut call = call_of(process, rpc, message)?;
        if call.name.is_empty() {
            // A poll names only the update that somebody has sent before.
            let is_it = |it: &&UpdateSpan| (&it.update_id, &it.workflow_id) == (&call.update_id, &call.workflow_id);
            let before = self.log.updates.iter().rfind(|it| is_it(it) && !it.name.is_empty())?;
            (call.name, call.input) = (before.name.clone(), before.input.clone());
        }
        Some(self.log.begin_update(self.now_ns, call))
    }

    /// An answer reaches the client.
    pub(super) fn update_call_ends(&mut self, call: Option<usize>, rpc: &str, answer: Result<&Bytes, String>) {
        let Some(call) = call else { return };
        let end = match answer.map(|bytes| outcome_of(rpc, bytes)) {
            Err(text) => UpdateEnd::Refused(text),
            Ok(Some(outcome::Value::Failure(failure))) => UpdateEnd::Failed(reason(&failure)),
            Ok(Some(outcome::Value::Success(_)) | None) => UpdateEnd::Completed,
        };
        self.log.end_update(call, self.now_ns, end);
    }

    /// The client stops waiting.
    pub(super) fn update_call_is_dropped(&mut self, call: Option<usize>) {
        if let Some(call) = call {
            self.log.end_update(call, self.now_ns, UpdateEnd::GivenUp);
        }
    }

    /// A worker gets a workflow task: with updates that are new to it, and, if it gets the whole history, with those that the
    /// workflow has accepted before.
    pub(super) fn updates_come(
        &mut self,
        process: ProcessId,
        execution: &WorkflowExecution,
        messages: &[ProtocolMessage],
        history: Option<&History>,
    ) {
        for update in history.map(open_in).unwrap_or_default() {
            self.handler_begins(process, execution, update, true);
        }
        for message in messages {
            let Some(request) = message.body.as_ref().and_then(|body| update::Request::decode(&*body.value).ok()) else {
                continue;
            };
            self.handler_begins(process, execution, request, false);
        }
    }

    fn handler_begins(
        &mut self,
        process: ProcessId,
        execution: &WorkflowExecution,
        request: update::Request,
        is_replayed: bool,
    ) {
        let update_id = request.meta.map(|meta| meta.update_id).unwrap_or_default();
        if let Some(open) = self.open_handler(&execution.run_id, &update_id) {
            if self.log.updates[open].process == process {
                return;
            }
            // It has been given to another worker.
            self.log.end_update(open, self.now_ns, UpdateEnd::GivenUp);
        }
        let input = request.input.unwrap_or_default();
        let span = UpdateSpan::begun(process, UpdatePart::Handler, update_id, execution.workflow_id.clone());
        let span = UpdateSpan { name: input.name, input: input.args, run_id: execution.run_id.clone(), is_replayed, ..span };
        self.log.begin_update(self.now_ns, span);
    }

    fn open_handler(&self, run_id: &str, update_id: &str) -> Option<usize> {
        let is_it = |it: &UpdateSpan| it.is_handler() && it.to_ns.is_none() && it.run_id == run_id && it.update_id == update_id;
        self.log.updates.iter().rposition(is_it)
    }

    /// The server has taken what a worker reports along with a workflow task of this run.
    pub(super) fn updates_are_reported(&mut self, run_id: &str, completion: &Bytes) {
        for message in Reports::decode(completion.clone()).map(|it| it.messages).unwrap_or_default() {
            let Some(end) = message.body.as_ref().and_then(|body| ends(&body.type_url, &body.value)) else {
                continue;
            };
            if let Some(open) = self.open_handler(run_id, &message.protocol_instance_id) {
                self.log.end_update(open, self.now_ns, end);
            }
        }
    }
}

/// The call of a client that awaits an update, if this is one.
fn call_of(process: ProcessId, rpc: &str, message: &Bytes) -> Option<UpdateSpan> {
    let message = message.clone();
    let request = match rpc {
        "UpdateWorkflowExecution" => UpdateWorkflowExecutionRequest::decode(message).ok()?,
        "ExecuteMultiOperation" => {
            let operations = ExecuteMultiOperationRequest::decode(message).ok()?.operations;
            operations.into_iter().find_map(|it| match it.operation? {
                Operation::UpdateWorkflow(update) => Some(update),
                Operation::StartWorkflow(_) => None,
            })?
        }
        "PollWorkflowExecutionUpdate" => {
            let update_ref = PollWorkflowExecutionUpdateRequest::decode(message).ok()?.update_ref?;
            let workflow_id = update_ref.workflow_execution?.workflow_id;
            return Some(UpdateSpan::begun(process, UpdatePart::Call, update_ref.update_id, workflow_id));
        }
        _ => return None,
    };
    let workflow_id = request.workflow_execution?.workflow_id;
    let update::Request { meta, input, .. } = request.request?;
    let input = input.unwrap_or_default();
    let call = UpdateSpan::begun(process, UpdatePart::Call, meta.unwrap_or_default().update_id, workflow_id);
    Some(UpdateSpan { name: input.name, input: input.args, ..call })
}

/// The outcome of an update that an answer tells.
fn outcome_of(rpc: &str, answer: &Bytes) -> Option<outcome::Value> {
    let answer = answer.clone();
    let outcome = match rpc {
        "PollWorkflowExecutionUpdate" => PollWorkflowExecutionUpdateResponse::decode(answer).ok()?.outcome,
        "ExecuteMultiOperation" => {
            let responses = ExecuteMultiOperationResponse::decode(answer).ok()?.responses;
            responses.into_iter().find_map(|it| match it.response? {
                response::Response::UpdateWorkflow(update) => update.outcome,
                response::Response::StartWorkflow(_) => None,
            })
        }
        _ => UpdateWorkflowExecutionResponse::decode(answer).ok()?.outcome,
    };
    outcome?.value
}

/// The updates that a history has accepted and not completed.
fn open_in(history: &History) -> Vec<update::Request> {
    let mut open = Vec::new();
    for event in &history.events {
        match &event.attributes {
            Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(it)) => {
                open.extend(it.accepted_request.clone().map(|request| (event.event_id, request)));
            }
            Some(Attributes::WorkflowExecutionUpdateCompletedEventAttributes(it)) => {
                open.retain(|(accepted, _)| *accepted != it.accepted_event_id);
            }
            _ => {}
        }
    }
    open.into_iter().map(|(_, request)| request).collect()
}

/// How the handler ends whose worker reports this; `None` for an acceptance.
fn ends(type_url: &str, body: &[u8]) -> Option<UpdateEnd> {
    match type_url.rsplit('.').next()? {
        "Rejection" => {
            let failure = Rejection::decode(body).ok()?.failure.unwrap_or_default();
            Some(UpdateEnd::Rejected(reason(&failure)))
        }
        "Response" => match Response::decode(body).ok()?.outcome?.value? {
            outcome::Value::Failure(failure) => Some(UpdateEnd::Failed(reason(&failure))),
            outcome::Value::Success(_) => Some(UpdateEnd::Completed),
        },
        _ => None,
    }
}

/// The innermost reason.
fn reason(failure: &Failure) -> String {
    let mut innermost = failure;
    while let Some(cause) = innermost.cause.as_deref() {
        innermost = cause;
    }
    innermost.message.clone()
}
