//! Queries: straight to a worker through its task queue, or along with the next workflow task (`api/queryworkflow`).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    engine::{
        Context, Engine, Reply,
        kernel::{
            error::{Error, Result},
            key::RunKey,
            tickets::{Answer, Parked, Ticket},
            time::Time,
            token::TaskToken,
        },
        matching::queues::{Arrival, QueueKind, Task, TaskKey},
        rules::validate,
    },
    proto::{
        enums::{QueryRejectCondition, QueryResultType, ResourceExhaustedCause, WorkflowExecutionStatus},
        failure::Failure,
        query::{QueryRejected, WorkflowQuery, WorkflowQueryResult},
        workflowservice::{
            QueryWorkflowRequest, QueryWorkflowResponse, RespondQueryTaskCompletedRequest, RespondQueryTaskCompletedResponse,
        },
    },
};

/// From this attempt of its workflow task on, a workflow does not answer (`failQueryWorkflowTaskAttemptCount`).
const FAILED_TASK_ATTEMPTS: i32 = 3;
/// A query waits no longer than this, nor longer than its caller (`DefaultTimeout` of the history client).
const PATIENCE: Duration = Duration::from_secs(30);
const CLOSED_BEFORE_STARTED: &str = "Workflow execution closed before WorkflowTaskStarted event";

/// The queries that wait for an answer.
#[derive(Debug, Default)]
pub(in crate::engine) struct Queries {
    pending: BTreeMap<u64, Query>,
    /// Those that wait for a workflow task of their run, or are attached to one.
    waiting: BTreeMap<RunKey, BTreeSet<u64>>,
    last: u64,
}

#[derive(Debug)]
struct Query {
    ticket: Ticket,
    run: RunKey,
    body: WorkflowQuery,
    /// Its place in a task queue, if it goes straight to a worker.
    place: Option<TaskKey>,
    /// The worker that has the run in its cache did not answer it.
    has_left_sticky: bool,
}

impl Queries {
    /// The queries that go along with the workflow task of this run that has just started: all that wait for one. If it does not
    /// answer them, they go along with the next.
    pub(in crate::engine) fn attached(&self, run: RunKey) -> BTreeMap<String, WorkflowQuery> {
        let waiting = self.waiting.get(&run).into_iter().flatten();
        waiting.filter_map(|id| self.pending.get(id).map(|query| (id.to_string(), query.body.clone()))).collect()
    }

    /// The task of a query that goes straight to a worker: what is asked, and what goes into its token.
    pub(in crate::engine) fn task(&self, query: u64) -> Option<(RunKey, WorkflowQuery, i32)> {
        self.pending.get(&query).map(|query| (query.run, query.body.clone(), query.attempt()))
    }

    /// How many wait for an answer.
    pub(in crate::engine) fn count(&self) -> usize {
        self.pending.len()
    }

    /// How many wait for a workflow task of a run, or are attached to the one that a worker has.
    fn buffered_count(&self, run: RunKey) -> usize {
        self.waiting.get(&run).map_or(0, BTreeSet::len)
    }

    /// Takes the queries of a run that wait for a workflow task, in the order in which they came.
    fn take_waiting(&mut self, run: RunKey) -> BTreeSet<u64> {
        self.waiting.remove(&run).unwrap_or_default()
    }

    fn remove(&mut self, id: u64) -> Option<Query> {
        let query = self.pending.remove(&id)?;
        if let Some(waiting) = self.waiting.get_mut(&query.run) {
            waiting.remove(&id);
            if waiting.is_empty() {
                self.waiting.remove(&query.run);
            }
        }
        Some(query)
    }
}

impl Query {
    /// 1 for the first worker that is asked, 2 for the second. A late answer of the first is known by it.
    fn attempt(&self) -> i32 {
        1 + i32::from(self.has_left_sticky)
    }
}

impl Engine {
    /// QueryWorkflow.
    pub(in crate::engine) fn query_workflow(
        &mut self,
        mut request: QueryWorkflowRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<QueryWorkflowResponse>> {
        let target = self.target(&request.namespace, request.execution.as_ref())?;
        validate::execution::query(&mut request, &self.limits)?;
        let key = self.find(&target)?;
        if let Some(status) = self.rejects(key, request.query_reject_condition()) {
            let query_rejected = Some(QueryRejected { status: status.into() });
            return Ok(Answer::Now(QueryWorkflowResponse { query_rejected, ..QueryWorkflowResponse::default() }));
        }
        self.check_can_answer(key, context.deadline)?;
        let run = self.runs.get(key);
        let goes_straight = run.has_begun_work() && !(run.is_running() && run.has_workflow_task());
        if !goes_straight && self.queries.buffered_count(key) >= self.limits.buffered_queries_max {
            return Err(Error::ResourceExhausted {
                message: "consistent query buffer is full, this may be caused by too many queries and workflow not able to process query fast enough".to_owned(),
                cause: ResourceExhaustedCause::BusyWorkflow,
            });
        }
        self.queries.last += 1;
        let id = self.queries.last;
        let ticket = context.ticket;
        let body = request.query.unwrap_or_default();
        let query = Query { ticket, run: key, body, place: None, has_left_sticky: false };
        self.queries.pending.insert(id, query);
        self.tickets.park(ticket, Parked::Query(id));
        self.skipping.holds.change(1);
        if goes_straight {
            self.dispatch_query(id);
        } else {
            self.queries.waiting.entry(key).or_default().insert(id);
        }
        Ok(Answer::Parked)
    }

    fn rejects(&self, key: RunKey, condition: QueryRejectCondition) -> Option<WorkflowExecutionStatus> {
        let status = self.runs.get(key).status();
        if status == WorkflowExecutionStatus::Paused {
            return Some(status);
        }
        let rejected = match condition {
            QueryRejectCondition::NotOpen => status != WorkflowExecutionStatus::Running,
            QueryRejectCondition::NotCompletedCleanly => {
                !matches!(status, WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Completed)
            }
            QueryRejectCondition::None | QueryRejectCondition::Unspecified => false,
        };
        rejected.then_some(status)
    }

    fn check_can_answer(&self, key: RunKey, deadline: Option<Time>) -> Result<()> {
        let run = self.runs.get(key);
        if !run.is_running() && !run.has_begun_work() {
            return Err(Error::WorkflowNotReady(CLOSED_BEFORE_STARTED.to_owned()));
        }
        // `queryWillTimeoutsBeforeFirstWorkflowTaskStart`. A query holds the clock, so the wait is as long as it looks.
        let wall = self.domain.clock.wall();
        let patience = deadline.map_or(PATIENCE, |deadline| deadline.since(wall).min(PATIENCE));
        let starts_too_late = run.execution_time() > self.domain.clock.now() + patience;
        if starts_too_late && !run.has_workflow_task() && !run.has_begun_work() {
            return Err(Error::WorkflowNotReady("Workflow task is not scheduled yet.".to_owned()));
        }
        if run.is_running() && run.workflow_task_attempt() >= FAILED_TASK_ATTEMPTS {
            return Err(Error::WorkflowNotReady("Unable to query workflow due to Workflow Task in failed state.".to_owned()));
        }
        Ok(())
    }

    /// Puts a query into the queue of the worker that has the run in its cache, or else into the normal one
    /// (`queryDirectlyThroughMatching`).
    fn dispatch_query(&mut self, id: u64) {
        let Some(query) = self.queries.pending.get_mut(&id) else { return };
        let (run, wall) = (self.runs.get(query.run), self.domain.clock.wall());
        let sticky = run.sticky().filter(|_| !query.has_left_sticky);
        let sticky = sticky.filter(|sticky| self.matching.sticky_worker_available(sticky.queue, wall));
        let queue = match sticky {
            Some(sticky) => sticky.queue,
            None => self.matching.queue(run.namespace(), QueueKind::Workflow, run.task_queue()),
        };
        query.place = Some(self.matching.add(queue, run.priority_key(), Task::Query(id), Arrival::Usual, wall));
        if let Some(sticky) = sticky {
            self.tickets.expire_at(query.ticket, wall + sticky.schedule_to_start);
        }
    }

    /// The worker that has the run in its cache has not answered in time. It no longer counts as having the run, and another
    /// worker is asked.
    pub(in crate::engine) fn take_query_from_sticky(&mut self, id: u64) {
        let Some(query) = self.queries.pending.get_mut(&id) else { return };
        query.has_left_sticky = true;
        let (key, place) = (query.run, query.place.take());
        if let Some(place) = place {
            self.matching.remove(place);
        }
        if self.runs.get(key).is_running() {
            self.transact(key, |run, _| run.clear_sticky());
        }
        self.dispatch_query(id);
    }

    /// Queries of this run waited for a workflow task that will not come.
    pub(in crate::engine) fn release_queries(&mut self, key: RunKey) {
        for id in self.queries.take_waiting(key) {
            if self.runs.get(key).has_begun_work() {
                self.dispatch_query(id);
            } else {
                self.finish_query(id, Err(Error::WorkflowNotReady(CLOSED_BEFORE_STARTED.to_owned())));
            }
        }
    }

    /// The run is deleted: nobody answers queries of it.
    pub(super) fn fail_queries_of(&mut self, key: RunKey) {
        let of_run = self.queries.pending.iter().filter(|(_, query)| query.run == key);
        for id in of_run.map(|(id, _)| *id).collect::<Vec<_>>() {
            if let Some(place) = self.queries.pending.get_mut(&id).and_then(|query| query.place.take()) {
                self.matching.remove(place);
            }
            let workflow_id = self.runs.get(key).workflow_id();
            self.finish_query(id, Err(Error::not_found(format!("workflow not found for ID: {workflow_id}"))));
        }
    }

    /// Whether a query is about this run.
    pub(in crate::engine) fn is_query_of(&self, id: u64, key: RunKey) -> bool {
        self.queries.pending.get(&id).is_some_and(|query| query.run == key)
    }

    /// RespondQueryTaskCompleted.
    pub(in crate::engine) fn respond_query_task_completed(
        &mut self,
        request: RespondQueryTaskCompletedRequest,
    ) -> Result<RespondQueryTaskCompletedResponse> {
        self.check_namespace_of_task(&request.namespace)?;
        let token = TaskToken::parse(&request.task_token)?;
        if token.query == 0 {
            return Err(Error::invalid("Invalid TaskToken."));
        }
        let run = self.runs.checked(token.run, &token.run_id);
        let known = self.queries.pending.get(&token.query);
        if known.is_none_or(|query| Some(query.run) != run || query.attempt() != token.attempt) {
            return Err(Error::not_found("query task not found, or already expired"));
        }
        let result = WorkflowQueryResult {
            result_type: request.completed_type,
            answer: request.query_result,
            error_message: request.error_message,
            failure: request.failure,
        };
        self.answer_query(token.query, result, false);
        Ok(RespondQueryTaskCompletedResponse::default())
    }

    /// What a worker answered, straight or along with a workflow task. The real server counts too large an answer of the latter kind as its
    /// own failure.
    pub(in crate::engine) fn answer_query(&mut self, id: u64, mut result: WorkflowQueryResult, came_with_task: bool) {
        if !self.queries.pending.contains_key(&id) {
            return;
        }
        let is_too_large = validate::respond::query_result(&mut result, &self.limits);
        let answer = match result.result_type() {
            _ if is_too_large && came_with_task => Err(Error::invalid(result.error_message)),
            QueryResultType::Answered => {
                Ok(QueryWorkflowResponse { query_result: result.answer, ..QueryWorkflowResponse::default() })
            }
            _ => Err(failed(&result.error_message, result.failure)),
        };
        self.finish_query(id, answer);
    }

    fn finish_query(&mut self, id: u64, answer: Result<QueryWorkflowResponse>) {
        let Some(query) = self.remove_query(id) else { return };
        self.tickets.answer(query.ticket, answer.map(|response| Reply::Query(Box::new(response))));
    }

    /// The caller of a query went away.
    pub(in crate::engine) fn drop_query(&mut self, id: u64) {
        if let Some(place) = self.remove_query(id).and_then(|query| query.place) {
            self.matching.remove(place);
        }
    }

    fn remove_query(&mut self, id: u64) -> Option<Query> {
        let query = self.queries.remove(id)?;
        self.skipping.holds.change(-1);
        Some(query)
    }
}

fn failed(message: &str, failure: Option<Failure>) -> Error {
    Error::QueryFailed { message: message.to_owned(), failure: failure.map(Box::new) }
}
