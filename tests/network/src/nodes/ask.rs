//! How a client asks for what it wants, each time with the patience of an SDK.

use foretime_server::proto::{
    common::WorkflowExecution,
    update::outcome,
    workflowservice::{
        DescribeWorkflowExecutionResponse, QueryWorkflowResponse, RequestCancelWorkflowExecutionResponse,
        SignalWithStartWorkflowExecutionResponse, SignalWorkflowExecutionResponse, StartWorkflowExecutionResponse,
        TerminateWorkflowExecutionResponse, UpdateWorkflowExecutionResponse,
    },
};
use madsim::time;
use tonic::Status;

use super::{client::Client, interpreter::payload, requests};
use crate::{
    plan::errand::{Errand, Wish},
    record::call::Given,
    wire::{
        channel::Channel,
        retry::{self, ATTEMPT_TIMEOUT, LONG_POLL_TIMEOUT, Patience},
    },
};

impl Client {
    /// Asks for what an errand is about, of this run, or of the current one if that is empty.
    pub(super) async fn ask(&self, channel: &Channel, errand: &Errand, run_id: String) -> Result<Given, Status> {
        let Errand { workflow_id, nonce, patience, .. } = errand;
        let patience = Patience { attempt: ATTEMPT_TIMEOUT, whole: *patience };
        let long = Patience { attempt: LONG_POLL_TIMEOUT, ..patience };
        let execution = WorkflowExecution { workflow_id: workflow_id.clone(), run_id: run_id.clone() };
        match &errand.wish {
            Wish::Start(wish) => {
                let request = requests::start(workflow_id, nonce, wish);
                let answer: StartWorkflowExecutionResponse =
                    retry::call(channel, "StartWorkflowExecution", &request, patience).await?;
                Ok(Given::Started { run_id: answer.run_id, started: answer.started })
            }
            Wish::SignalWithStart(wish) => {
                let request = requests::signal_with_start(workflow_id, nonce, wish);
                let answer: SignalWithStartWorkflowExecutionResponse =
                    retry::call(channel, "SignalWithStartWorkflowExecution", &request, patience).await?;
                Ok(Given::Started { run_id: answer.run_id, started: answer.started })
            }
            Wish::Signal => {
                let request = requests::signal(execution, nonce);
                let _: SignalWorkflowExecutionResponse =
                    retry::call(channel, "SignalWorkflowExecution", &request, patience).await?;
                Ok(Given::Done)
            }
            Wish::Cancel => {
                let request = requests::cancel(execution, nonce);
                let _: RequestCancelWorkflowExecutionResponse =
                    retry::call(channel, "RequestCancelWorkflowExecution", &request, patience).await?;
                Ok(Given::Done)
            }
            Wish::Terminate => {
                let request = requests::terminate(execution, nonce);
                let _: TerminateWorkflowExecutionResponse =
                    retry::call(channel, "TerminateWorkflowExecution", &request, patience).await?;
                Ok(Given::Done)
            }
            Wish::Update => update(channel, execution, nonce, long).await,
            Wish::Query => {
                let answer: QueryWorkflowResponse =
                    retry::call(channel, "QueryWorkflow", &requests::query(execution), patience).await?;
                answered(answer)
            }
            Wish::Describe => {
                let request = requests::describe(execution);
                let answer: DescribeWorkflowExecutionResponse =
                    retry::call(channel, "DescribeWorkflowExecution", &request, patience).await?;
                let info = answer.workflow_execution_info.unwrap_or_default();
                let status = info.status();
                Ok(Given::Described { run_id: info.execution.unwrap_or_default().run_id, status })
            }
            Wish::Await => self.await_end(channel, workflow_id, run_id, patience.whole).await,
        }
    }
}

/// Updates, and polls until the update is completed.
async fn update(channel: &Channel, execution: WorkflowExecution, nonce: &str, patience: Patience) -> Result<Given, Status> {
    let began = time::Instant::now();
    let request = requests::update(execution, nonce);
    loop {
        let left = Patience { whole: patience.whole.saturating_sub(began.elapsed()), ..patience };
        let answer: UpdateWorkflowExecutionResponse = retry::call(channel, "UpdateWorkflowExecution", &request, left).await?;
        let run_id = answer.update_ref.and_then(|it| it.workflow_execution).unwrap_or_default().run_id;
        if let Some(value) = answer.outcome.and_then(|outcome| outcome.value) {
            let outcome = match value {
                outcome::Value::Success(payloads) => Ok(payload::text(Some(&payloads))),
                outcome::Value::Failure(failure) => Err(failure.message),
            };
            return Ok(Given::Updated { run_id, outcome });
        }
        if began.elapsed() > patience.whole {
            return Err(Status::deadline_exceeded("the update is not completed"));
        }
    }
}

fn answered(answer: QueryWorkflowResponse) -> Result<Given, Status> {
    match (answer.query_result, answer.query_rejected) {
        (Some(payloads), _) => Ok(Given::Answered(payload::text(Some(&payloads)))),
        (None, rejected) => Err(Status::failed_precondition(format!("rejected: {}", words_of(rejected.as_ref())))),
    }
}

fn words_of(rejected: Option<&foretime_server::proto::query::QueryRejected>) -> String {
    rejected.map_or_else(String::new, |it| it.status().as_str_name().to_owned())
}
