//! Queries: straight to a worker through its task queue, or along with the next workflow task (`api/queryworkflow`).

use std::collections::BTreeMap;

use super::{
    Answer, Engine, Parked, Reply, Ticket,
    error::{Error, Result},
    matching::{QueueKind, Task, TaskKey},
    runs::RunKey,
    timers::TimerKey,
    token::TaskToken,
    validate,
};
use crate::proto::{
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
    /// When the worker that has the run in its cache has had its time, while it has it.
    sticky_expiry: Option<TimerKey>,
    /// It was with that worker, to no avail.
    has_left_sticky: bool,
}

impl Queries {
    /// What goes along with a workflow task.
    pub(super) fn attached(&self, queries: &[u64]) -> BTreeMap<String, WorkflowQuery> {
        queries.iter().filter_map(|id| Some((id.to_string(), self.pending.get(id)?.body.clone()))).collect()
    }

    /// The task of a query that goes straight to a worker: what is asked, and what goes into its token.
    pub(super) fn task(&self, query: u64) -> Option<(RunKey, WorkflowQuery, i32)> {
        self.pending.get(&query).map(|query| (query.run, query.body.clone(), query.attempt()))
    }
}

impl Query {
    /// Tells the answer of the worker that had it last from that of the one before.
    fn attempt(&self) -> i32 {
        1 + i32::from(self.has_left_sticky)
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
            return Ok(Answer::Now(QueryWorkflowResponse { query_rejected, ..QueryWorkflowResponse::default() }));
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
        let query = Query {
            ticket,
            run: key,
            body: request.query.unwrap_or_default(),
            place: None,
            sticky_expiry: None,
            has_left_sticky: false,
        };
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

    /// Puts a query into the queue of the worker that has the run in its cache, or else into the normal one
    /// (`queryDirectlyThroughMatching`).
    fn dispatch_query(&mut self, id: u64) {
        let Some(query) = self.queries.pending.get(&id) else { return };
        let (ticket, run) = (query.ticket, self.runs.get(query.run));
        let wall = self.clock.wall();
        let sticky = run.tasks.sticky.as_ref().filter(|_| !query.has_left_sticky);
        let sticky = sticky.filter(|sticky| self.matching.sticky_worker_available(sticky.queue, wall));
        let sticky = sticky.map(|sticky| (sticky.queue, sticky.schedule_to_start));
        let (namespace, priority) = (run.namespace, run.priority_key());
        let queue = match sticky {
            Some((queue, _)) => queue,
            None => self.matching.queue(namespace, QueueKind::Workflow, &run.facts.task_queue),
        };
        let place = self.matching.add(queue, priority, Task::Query(id), wall);
        let sticky_expiry = sticky.map(|(_, span)| self.expiries.add(wall + span, ticket));
        if let Some(query) = self.queries.pending.get_mut(&id) {
            (query.place, query.sticky_expiry) = (Some(place), sticky_expiry);
        }
    }

    /// The worker that has the run in its cache has not answered in time: it has that run no more, and another is asked.
    pub(super) fn take_query_from_sticky(&mut self, id: u64) {
        let Some(query) = self.queries.pending.get_mut(&id) else { return };
        query.has_left_sticky = true;
        let (key, place) = (query.run, query.place.take());
        if let Some(place) = place {
            self.matching.remove(place);
        }
        if self.runs.get(key).is_running() {
            self.transact(key, |run, cx| run.clear_sticky(cx));
        }
        self.dispatch_query(id);
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
        let is_it = |query: &&Query| query.run.0 == token.run && query.attempt() == token.attempt;
        let known = self.queries.pending.get(&token.query).filter(is_it);
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
        if !self.queries.pending.contains_key(&id) {
            return;
        }
        validate::respond::query_result(&mut result, &self.limits);
        let answer = match result.result_type() {
            QueryResultType::Answered => {
                Ok(QueryWorkflowResponse { query_result: result.answer, ..QueryWorkflowResponse::default() })
            }
            _ => Err(failed(&result.error_message, result.failure)),
        };
        self.finish_query(id, answer);
    }

    fn finish_query(&mut self, id: u64, answer: Result<QueryWorkflowResponse>) {
        let Some(query) = self.remove_query(id) else { return };
        self.answer(query.ticket, answer.map(|response| Reply::Query(Box::new(response))));
    }

    /// The caller of a query went away.
    pub(super) fn drop_query(&mut self, id: u64) {
        if let Some(place) = self.remove_query(id).and_then(|query| query.place) {
            self.matching.remove(place);
        }
    }

    fn remove_query(&mut self, id: u64) -> Option<Query> {
        let query = self.queries.pending.remove(&id)?;
        self.clock.hold(-1);
        if let Some(expiry) = query.sticky_expiry {
            self.expiries.cancel(expiry);
        }
        self.runs.get_mut(query.run).queries.retain(|&waiting| waiting != id);
        Some(query)
    }
}

fn failed(message: &str, failure: Option<Failure>) -> Error {
    Error::QueryFailed { message: message.to_owned(), failure: failure.map(Box::new) }
}
