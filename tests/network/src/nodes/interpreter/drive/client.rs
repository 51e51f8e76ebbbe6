//! The verbs of the client.

use foretime_server::proto::{
    common::{WorkflowExecution, WorkflowType},
    enums::UpdateWorkflowExecutionLifecycleStage as Stage,
    query::WorkflowQuery,
    update::{Input, Meta, Request, WaitPolicy, outcome},
    workflowservice::*,
};
use prost::Message;

use super::Drive;
use crate::{
    nodes::{
        NAMESPACE,
        interpreter::payload,
        requests::{self, json},
    },
    plan::script::{Script, WORKFLOW_TYPE},
};

const TASK_TIMEOUT: prost_types::Duration = prost_types::Duration { seconds: 2, nanos: 0 };

impl Drive {
    /// Starts a workflow.
    pub(crate) fn starts(&mut self, workflow_id: &str, script: &Script) {
        let request = StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: workflow_id.to_owned(),
            workflow_type: Some(WorkflowType { name: WORKFLOW_TYPE.to_owned() }),
            task_queue: Some(requests::task_queue()),
            input: Some(json(script)),
            workflow_task_timeout: Some(TASK_TIMEOUT),
            request_id: script.nonce.clone(),
            ..StartWorkflowExecutionRequest::default()
        };
        self.calls(&request).unwrap();
    }

    /// Signals a workflow; whether it runs.
    pub(crate) fn signals(&mut self, workflow_id: &str, nonce: &str) -> bool {
        self.calls(&requests::signal(current(workflow_id), nonce)).is_ok()
    }

    /// Asks a workflow to cancel itself.
    pub(crate) fn cancels(&mut self, workflow_id: &str) {
        let _ = self.calls(&requests::cancel(current(workflow_id), "cancel"));
    }

    /// Sends an update, whose id is its nonce; its number.
    pub(crate) fn updates(&mut self, workflow_id: &str, nonce: &str) -> u64 {
        let input = Input { name: "change".to_owned(), args: Some(json(&nonce)), ..Input::default() };
        let meta = Meta { update_id: nonce.to_owned(), identity: "client".to_owned() };
        self.sends(&UpdateWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: Some(current(workflow_id)),
            wait_policy: Some(WaitPolicy { lifecycle_stage: Stage::Completed.into() }),
            request: Some(Request { meta: Some(meta), input: Some(input), ..Request::default() }),
            ..UpdateWorkflowExecutionRequest::default()
        })
    }

    /// Sends a query; its number.
    pub(crate) fn queries(&mut self, workflow_id: &str) -> u64 {
        self.sends(&QueryWorkflowRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(current(workflow_id)),
            query: Some(WorkflowQuery { query_type: "state".to_owned(), ..WorkflowQuery::default() }),
            ..QueryWorkflowRequest::default()
        })
    }

    /// The outcome of the update of this number: the text of its result, or of its failure.
    #[track_caller]
    pub(crate) fn outcome_of(&mut self, update: u64) -> Result<String, String> {
        let bytes = self.answers.remove(&update).expect("the update is answered").unwrap();
        match UpdateWorkflowExecutionResponse::decode(bytes).unwrap().outcome.unwrap().value.unwrap() {
            outcome::Value::Success(result) => Ok(payload::text(Some(&result))),
            outcome::Value::Failure(failure) => Err(failure.message),
        }
    }

    /// The answer to the query of this number.
    #[track_caller]
    pub(crate) fn answer_of(&mut self, query: u64) -> String {
        let bytes = self.answers.remove(&query).expect("the query is answered").unwrap();
        payload::text(QueryWorkflowResponse::decode(bytes).unwrap().query_result.as_ref())
    }
}

fn current(workflow_id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: String::new() }
}
