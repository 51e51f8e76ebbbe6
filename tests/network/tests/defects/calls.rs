//! Defects of calls that are answered at once.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use foretime_proto::workflowservice::{
    SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse, SignalWorkflowExecutionRequest,
    SignalWorkflowExecutionResponse, StartWorkflowExecutionRequest, StartWorkflowExecutionResponse,
};
use foretime_server::rpc::{Answer, Call};
use prost::Message;
use tonic::Code;

use crate::Tamper;

/// A retry is taken for another request: its request id is replaced.
#[derive(Default)]
pub(crate) struct StripsRequestIds {
    seen: BTreeSet<String>,
    count: u64,
}

impl StripsRequestIds {
    /// The request id that is taken for this one.
    fn taken_for(&mut self, request_id: String) -> String {
        if self.seen.insert(request_id.clone()) {
            return request_id;
        }
        self.count += 1;
        format!("stripped-{}", self.count)
    }
}

impl Tamper for StripsRequestIds {
    fn comes(&mut self, call: &mut Call) -> Option<Answer> {
        match call.method.as_str() {
            "StartWorkflowExecution" => {
                let mut request = StartWorkflowExecutionRequest::decode(&*call.message).ok()?;
                request.request_id = self.taken_for(request.request_id);
                call.message = request.encode_to_vec().into();
            }
            "SignalWorkflowExecution" => {
                let mut request = SignalWorkflowExecutionRequest::decode(&*call.message).ok()?;
                request.request_id = self.taken_for(request.request_id);
                call.message = request.encode_to_vec().into();
            }
            _ => {}
        }
        None
    }
}

/// An answer to a task that comes too late is accepted, and nothing comes of it.
#[derive(Default)]
pub(crate) struct AcceptsLateAnswers;

impl Tamper for AcceptsLateAnswers {
    fn goes(&mut self, call: &Call, answer: Answer) -> Option<Answer> {
        let answers_task = ["RespondWorkflowTaskCompleted", "RespondActivityTaskCompleted"].contains(&call.method.as_str());
        match answer {
            Err(status) if answers_task && status.code() == Code::NotFound => Some(Ok(Bytes::new())),
            answer => Some(answer),
        }
    }
}

/// One signal in three is acknowledged, and nothing else.
#[derive(Default)]
pub(crate) struct DropsSignals {
    count: u64,
}

impl Tamper for DropsSignals {
    fn comes(&mut self, call: &mut Call) -> Option<Answer> {
        if call.method != "SignalWorkflowExecution" {
            return None;
        }
        self.count += 1;
        let is_dropped = self.count.is_multiple_of(3);
        is_dropped.then(|| Ok(SignalWorkflowExecutionResponse::default().encode_to_vec().into()))
    }
}

/// One failure of an activity in five is acknowledged, and nothing else.
#[derive(Default)]
pub(crate) struct DropsFailures {
    count: u64,
}

impl Tamper for DropsFailures {
    fn comes(&mut self, call: &mut Call) -> Option<Answer> {
        if call.method != "RespondActivityTaskFailed" {
            return None;
        }
        self.count += 1;
        self.count.is_multiple_of(5).then(|| Ok(Bytes::new()))
    }
}

/// A query is answered with what the first one of its workflow was answered.
#[derive(Default)]
pub(crate) struct CachesQueries {
    answers: BTreeMap<Bytes, Bytes>,
}

impl Tamper for CachesQueries {
    fn goes(&mut self, call: &Call, answer: Answer) -> Option<Answer> {
        match answer {
            Ok(message) if call.method == "QueryWorkflow" => {
                Some(Ok(self.answers.entry(call.message.clone()).or_insert(message).clone()))
            }
            answer => Some(answer),
        }
    }
}

/// A signal with start starts the workflow, and the signal is dropped.
#[derive(Default)]
pub(crate) struct DropsSignalsOfStarts {
    request_ids: BTreeSet<String>,
}

impl Tamper for DropsSignalsOfStarts {
    fn comes(&mut self, call: &mut Call) -> Option<Answer> {
        if call.method != "SignalWithStartWorkflowExecution" {
            return None;
        }
        let request = SignalWithStartWorkflowExecutionRequest::decode(&*call.message).ok()?;
        self.request_ids.insert(request.request_id.clone());
        let start = StartWorkflowExecutionRequest {
            namespace: request.namespace,
            workflow_id: request.workflow_id,
            workflow_type: request.workflow_type,
            task_queue: request.task_queue,
            input: request.input,
            workflow_task_timeout: request.workflow_task_timeout,
            identity: request.identity,
            request_id: request.request_id,
            workflow_id_reuse_policy: request.workflow_id_reuse_policy,
            workflow_id_conflict_policy: request.workflow_id_conflict_policy,
            ..StartWorkflowExecutionRequest::default()
        };
        call.method = "StartWorkflowExecution".to_owned();
        call.message = start.encode_to_vec().into();
        None
    }

    fn goes(&mut self, call: &Call, answer: Answer) -> Option<Answer> {
        if call.method != "StartWorkflowExecution" {
            return Some(answer);
        }
        let request = StartWorkflowExecutionRequest::decode(&*call.message).ok()?;
        if !self.request_ids.contains(&request.request_id) {
            return Some(answer);
        }
        let answered = answer.map(|message| {
            let started = StartWorkflowExecutionResponse::decode(&*message).unwrap_or_default();
            let StartWorkflowExecutionResponse { run_id, started, .. } = started;
            let answer = SignalWithStartWorkflowExecutionResponse {
                run_id,
                started,
                ..SignalWithStartWorkflowExecutionResponse::default()
            };
            answer.encode_to_vec().into()
        });
        Some(answered)
    }
}
