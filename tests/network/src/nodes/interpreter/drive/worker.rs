//! What the worker does.

use std::time::Duration;

use foretime_server::{
    engine::time::Time,
    proto::{
        Rpc,
        enums::QueryResultType,
        failure::{ApplicationFailureInfo, Failure, failure::FailureInfo},
        query::WorkflowQueryResult,
        workflowservice::*,
    },
    rpc::{Answer, Served},
};
use prost::Message;
use tonic::Code;

use super::Drive;
use crate::{
    nodes::{
        NAMESPACE,
        interpreter::{answer, decide, payload},
        requests::{self, json},
    },
    plan::activity::{Attempted, attempt},
};

/// What the worker does later.
pub(super) enum Work {
    Answer(Box<PollWorkflowTaskQueueResponse>),
    Beat(Box<PollActivityTaskQueueResponse>, Time),
    Finish(Box<PollActivityTaskQueueResponse>, Attempted),
}

impl Drive {
    /// Sees to it that a poll waits for each kind of task.
    pub(super) fn polls(&mut self) {
        while self.workflow_poll.is_none() {
            match self.serves(&requests::poll_workflow("worker")) {
                Served::Now(answer) => self.takes_workflow_task(answer),
                Served::Parked(ticket) => self.workflow_poll = Some(ticket),
            }
        }
        while self.activity_poll.is_none() {
            match self.serves(&requests::poll_activity("worker")) {
                Served::Now(answer) => self.takes_activity_task(answer),
                Served::Parked(ticket) => self.activity_poll = Some(ticket),
            }
        }
        self.collects();
    }

    pub(super) fn takes_workflow_task(&mut self, answer: Answer) {
        let task = PollWorkflowTaskQueueResponse::decode(answer.unwrap()).unwrap();
        let mut thinks = self.thinks;
        if let Some(draw) = &mut self.hardship {
            if task.query.is_none() && draw.once_in(10) {
                return;
            }
            thinks = Duration::from_millis(draw.one_of(&[0, 0, 1, 100, 1_500, 2_500]));
        }
        if !task.task_token.is_empty() {
            self.plans(self.now + thinks, Work::Answer(Box::new(task)));
        }
    }

    pub(super) fn takes_activity_task(&mut self, answer: Answer) {
        let task = PollActivityTaskQueueResponse::decode(answer.unwrap()).unwrap();
        let is_lost = self.hardship.as_mut().is_some_and(|draw| draw.once_in(10));
        if task.task_token.is_empty() || is_lost {
            return;
        }
        let attempted = attempt(payload::data(task.input.as_ref()), u32::try_from(task.attempt).unwrap());
        let ends = self.now + Duration::from_millis(attempted.takes_ms);
        let task = Box::new(task);
        if attempted.heartbeats {
            self.plans(self.now + beat_every(&task), Work::Beat(task.clone(), ends));
        }
        self.plans(ends, Work::Finish(task, attempted));
    }

    pub(super) fn works(&mut self, work: Work) {
        match work {
            Work::Answer(task) => self.answers_workflow_task(*task),
            Work::Beat(task, ends) => {
                let request = RecordActivityTaskHeartbeatRequest {
                    namespace: NAMESPACE.to_owned(),
                    task_token: task.task_token.clone(),
                    ..RecordActivityTaskHeartbeatRequest::default()
                };
                let next = self.now + beat_every(&task);
                if self.is_still_asked(&request) && next < ends {
                    self.plans(next, Work::Beat(task, ends));
                }
            }
            Work::Finish(task, attempted) => self.finishes_activity(*task, attempted),
        }
    }

    fn answers_workflow_task(&mut self, task: PollWorkflowTaskQueueResponse) {
        assert!(task.next_page_token.is_empty(), "the history is on one page");
        let history = task.history.unwrap_or_default().events;
        let (namespace, task_token) = (NAMESPACE.to_owned(), task.task_token);
        if task.query.is_some() {
            let request = RespondQueryTaskCompletedRequest {
                namespace,
                task_token,
                completed_type: QueryResultType::Answered.into(),
                query_result: Some(json(&answer(&history))),
                ..RespondQueryTaskCompletedRequest::default()
            };
            self.calls(&request).unwrap();
            return;
        }
        let decision = decide(&history, &task.messages);
        let query_result = WorkflowQueryResult {
            result_type: QueryResultType::Answered.into(),
            answer: Some(json(&answer(&history))),
            ..WorkflowQueryResult::default()
        };
        let request = RespondWorkflowTaskCompletedRequest {
            namespace,
            task_token,
            commands: decision.commands,
            messages: decision.messages,
            query_results: task.queries.into_keys().map(|id| (id, query_result.clone())).collect(),
            ..RespondWorkflowTaskCompletedRequest::default()
        };
        match self.calls(&request) {
            Err(status) if status.message() == "UnhandledCommand" => self.unhandled_count += 1,
            Err(status) if status.code() == Code::NotFound => {}
            answered => drop(answered.unwrap()),
        }
    }

    fn finishes_activity(&mut self, task: PollActivityTaskQueueResponse, attempted: Attempted) {
        let (namespace, task_token) = (NAMESPACE.to_owned(), task.task_token);
        match attempted.outcome {
            Ok(result) => {
                let result = Some(json(&result));
                let request = RespondActivityTaskCompletedRequest {
                    namespace,
                    task_token,
                    result,
                    ..RespondActivityTaskCompletedRequest::default()
                };
                self.is_still_asked(&request);
            }
            Err(message) => {
                let info = FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo::default());
                let failure = Some(Failure { message, failure_info: Some(info), ..Failure::default() });
                let request = RespondActivityTaskFailedRequest {
                    namespace,
                    task_token,
                    failure,
                    ..RespondActivityTaskFailedRequest::default()
                };
                self.is_still_asked(&request);
            }
        }
    }

    /// Reports of an activity; whether that is still wanted.
    fn is_still_asked<R: Rpc>(&mut self, request: &R) -> bool {
        match self.calls(request) {
            Err(status) if status.code() == Code::NotFound => false,
            answered => {
                answered.unwrap();
                true
            }
        }
    }
}

fn beat_every(task: &PollActivityTaskQueueResponse) -> Duration {
    let timeout = task.heartbeat_timeout.expect("what heartbeats has a timeout for it");
    Duration::try_from(timeout).unwrap() / 3
}
