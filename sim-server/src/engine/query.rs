//! Queries: straight to a worker through its task queue, or along with the next workflow task (`api/queryworkflow`).

use std::collections::BTreeMap;

use super::{
    Answer, Engine, Parked, Reply, Ticket,
    error::{Error, Result},
    matching::{QueueKind, Task, TaskKey},
    runs::RunKey,
    token::TaskToken,
    validate,
};
use crate::proto::{
    common::{Link, Payloads, link},
    enums::{QueryRejectCondition, QueryResultType, ResourceExhaustedCause, WorkflowExecutionStatus},
    failure::Failure,
    query::{QueryRejected, WorkflowQuery, WorkflowQueryResult},
    workflowservice::{
        QueryWorkflowRequest, QueryWorkflowResponse, RespondQueryTaskCompletedRequest, RespondQueryTaskCompletedResponse,
    },
};

/// From this attempt of its workflow task on, a workflow does not answer (`failQueryWorkflowTaskAttemptCount`).
const FAILED_TASK_ATTEMPTS: i32 = 3;
/// Queries that wait for one workflow task (`history.maxBufferedQueryCount`).
const BUFFERED_QUERIES_MAX: usize = 1;
const CLOSED_BEFORE_STARTED: &str = "Workflow execution closed before WorkflowTaskStarted event";

/// The queries that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct Queries {
    pending: BTreeMap<u64, Query>,
    last: u64,
}

#[derive(Debug)]
struct Query {
    ticket: Ticket,
    run: RunKey,
    body: WorkflowQuery,
    /// Its place in a task queue, if it goes straight to a worker.
    place: Option<TaskKey>,
}

impl Queries {
    /// What goes along with a workflow task.
    pub(super) fn attached(&self, queries: &[u64]) -> BTreeMap<String, WorkflowQuery> {
        queries.iter().filter_map(|id| Some((id.to_string(), self.pending.get(id)?.body.clone()))).collect()
    }

    pub(super) fn body(&self, query: u64) -> Option<(RunKey, WorkflowQuery)> {
        self.pending.get(&query).map(|query| (query.run, query.body.clone()))
    }
}

impl Engine {
    /// QueryWorkflow.
    pub fn query_workflow(
        &mut self,
        mut request: QueryWorkflowRequest,
        ticket: Ticket,
    ) -> Result<Answer<QueryWorkflowResponse>> {
        let key = self.target(&request.namespace, request.execution.as_ref())?;
        validate::execution::query(&mut request, &self.limits)?;
        let key = key?;
        if let Some(status) = self.rejects(key, request.query_reject_condition()) {
            let query_rejected = Some(QueryRejected { status: status.into() });
            let link = Some(self.query_link(key, "Query rejected"));
            return Ok(Answer::Now(QueryWorkflowResponse { query_rejected, link, ..QueryWorkflowResponse::default() }));
        }
        self.check_can_answer(key)?;
        let run = self.runs.get(key);
        let straight = run.tasks.last_started_event_id != 0 && (!run.is_running() || run.tasks.pending.is_none());
        if !straight && run.queries.len() >= BUFFERED_QUERIES_MAX {
            return Err(Error::ResourceExhausted {
                message: "consistent query buffer is full, this may be caused by too many queries and workflow not able to process query fast enough".to_owned(),
                cause: ResourceExhaustedCause::BusyWorkflow,
            });
        }
        self.queries.last += 1;
        let id = self.queries.last;
        let query = Query { ticket, run: key, body: request.query.unwrap_or_default(), place: None };
        self.queries.pending.insert(id, query);
        self.park(ticket, Parked::Query(id));
        self.clock.hold(1);
        if straight {
            self.dispatch_query(id);
        } else {
            self.runs.get_mut(key).queries.push(id);
        }
        Ok(Answer::Parked)
    }

    fn rejects(&self, key: RunKey, condition: QueryRejectCondition) -> Option<WorkflowExecutionStatus> {
        let status = self.runs.get(key).status;
        let rejected = match condition {
            QueryRejectCondition::NotOpen => status != WorkflowExecutionStatus::Running,
            QueryRejectCondition::NotCompletedCleanly => {
                !matches!(status, WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Completed)
            }
            QueryRejectCondition::None | QueryRejectCondition::Unspecified => false,
        };
        rejected.then_some(status)
    }

    fn check_can_answer(&self, key: RunKey) -> Result<()> {
        let run = self.runs.get(key);
        if !run.is_running() && run.tasks.last_started_event_id == 0 {
            return Err(Error::WorkflowNotReady(CLOSED_BEFORE_STARTED.to_owned()));
        }
        if run.tasks.first_backoff.is_some() {
            return Err(Error::WorkflowNotReady("Workflow task is not scheduled yet.".to_owned()));
        }
        if run.is_running() && run.tasks.attempt >= FAILED_TASK_ATTEMPTS {
            return Err(Error::WorkflowNotReady("Unable to query workflow due to Workflow Task in failed state.".to_owned()));
        }
        Ok(())
    }

    /// Puts a query into the queue of the worker that has the run in its cache, or else into the normal one.
    fn dispatch_query(&mut self, id: u64) {
        let Some(query) = self.queries.pending.get(&id) else { return };
        let run = self.runs.get(query.run);
        let wall = self.clock.wall();
        let sticky = run.tasks.sticky.as_ref().map(|sticky| sticky.queue);
        let sticky = sticky.filter(|&queue| self.matching.sticky_worker_available(queue, wall));
        let (namespace, priority) = (run.namespace, run.priority_key());
        let queue = match sticky {
            Some(queue) => queue,
            None => self.matching.queue(namespace, QueueKind::Workflow, &run.facts.task_queue),
        };
        let place = self.matching.add(queue, priority, Task::Query(id), wall);
        if let Some(query) = self.queries.pending.get_mut(&id) {
            query.place = Some(place);
        }
    }

    /// Queries that waited for a workflow task which will not come.
    pub(super) fn release_queries(&mut self, key: RunKey, queries: Vec<u64>) {
        for id in queries {
            if self.runs.get(key).tasks.last_started_event_id != 0 {
                self.dispatch_query(id);
            } else {
                self.finish_query(id, Err(Error::WorkflowNotReady(CLOSED_BEFORE_STARTED.to_owned())));
            }
        }
    }

    /// RespondQueryTaskCompleted.
    pub fn respond_query_task_completed(
        &mut self,
        request: RespondQueryTaskCompletedRequest,
    ) -> Result<RespondQueryTaskCompletedResponse> {
        self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        let token = TaskToken::parse(&request.task_token)?;
        if token.query == 0 {
            return Err(Error::invalid("Invalid TaskToken."));
        }
        let known = self.queries.pending.get(&token.query).filter(|query| query.run.0 == token.run);
        if known.is_none_or(|query| self.runs.get(query.run).run_id != token.run_id) {
            return Err(Error::not_found("query task not found, or already expired"));
        }
        let result = WorkflowQueryResult {
            result_type: request.completed_type,
            answer: request.query_result,
            error_message: request.error_message,
            failure: request.failure,
        };
        self.answer_query(token.query, result);
        Ok(RespondQueryTaskCompletedResponse::default())
    }

    /// What a worker answered, straight or along with a workflow task.
    pub(super) fn answer_query(&mut self, id: u64, mut result: WorkflowQueryResult) {
        let Some(query) = self.queries.pending.get(&id) else { return };
        validate::respond::query_result(&mut result, &self.limits);
        let answer = match result.result_type() {
            QueryResultType::Answered => Ok(self.answered(query.run, result.answer)),
            _ => Err(failed(&result.error_message, result.failure)),
        };
        self.finish_query(id, answer);
    }

    fn answered(&self, key: RunKey, query_result: Option<Payloads>) -> QueryWorkflowResponse {
        let link = Some(self.query_link(key, "Query processed"));
        QueryWorkflowResponse { query_result, link, ..QueryWorkflowResponse::default() }
    }

    fn finish_query(&mut self, id: u64, answer: Result<QueryWorkflowResponse>) {
        let Some(query) = self.queries.pending.remove(&id) else { return };
        self.clock.hold(-1);
        self.runs.get_mut(query.run).queries.retain(|&waiting| waiting != id);
        self.answer(query.ticket, answer.map(|response| Reply::Query(Box::new(response))));
    }

    /// The caller of a query went away.
    pub(super) fn drop_query(&mut self, id: u64) {
        let Some(query) = self.queries.pending.remove(&id) else { return };
        self.clock.hold(-1);
        if let Some(place) = query.place {
            self.matching.remove(place);
        }
        self.runs.get_mut(query.run).queries.retain(|&waiting| waiting != id);
    }

    fn query_link(&self, key: RunKey, reason: &str) -> Link {
        let run = self.runs.get(key);
        let workflow = link::Workflow {
            namespace: self.namespaces.get(run.namespace).name.clone(),
            workflow_id: run.workflow_id.clone(),
            run_id: run.run_id.clone(),
            reason: reason.to_owned(),
        };
        Link { variant: Some(link::Variant::Workflow(workflow)) }
    }
}

fn failed(message: &str, failure: Option<Failure>) -> Error {
    Error::QueryFailed { message: message.to_owned(), failure: failure.map(Box::new) }
}
