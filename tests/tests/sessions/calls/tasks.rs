//! Workflow tasks: polls, completions with commands of all kinds, failures, answers to queries, and sticky queues.

use std::collections::BTreeMap;

use foretime_server::proto::{
    common::WorkflowExecution,
    enums::{QueryResultType, TaskQueueKind, WorkflowTaskFailedCause},
    query::WorkflowQueryResult,
    taskqueue::{StickyExecutionAttributes, TaskQueue},
    workflowservice::*,
};
use foretime_tests::script::{payloads, task_queue};
use proptest::{collection::vec, prelude::*};

use super::{
    Family, Id, Ms, Nth, QUEUE, Request, STICKY, Spent, WORKER,
    commands::{Ask, Close},
    namespace,
    updates::{self, Report},
};
use crate::world::{Task, World};

/// A call of a workflow worker. A completion without a task to complete becomes a poll.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Poll(Queue, Ms),
    Complete(Nth, Vec<Ask>, Vec<Report>, Option<Close>, Vec<Part>),
    Fail(Nth, WorkflowTaskFailedCause),
    AnswerQuery(Nth, QueryResultType),
    ResetSticky(Id),
    ShutdownWorker(u8),
}

/// The queue that a poll names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Queue {
    Shared,
    /// The worker's sticky queue.
    Sticky,
    Nexus,
}

/// An option of a completion.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// Asks for the next task on the sticky queue, with this schedule-to-start timeout.
    Sticky(Ms),
    ForceNext,
    ReturnNext,
    AnswerQueries,
    AnswerUnknownQuery,
    /// It is the page with this number, and others follow.
    Page(i32),
    /// It is the last page, and has this number.
    LastPage(i32),
}

impl Family for Call {
    fn any() -> BoxedStrategy<Self> {
        use WorkflowTaskFailedCause as Cause;
        let causes = [Cause::WorkflowWorkerUnhandledFailure; 6].into_iter().chain([Cause::GrpcMessageTooLarge]);
        let causes: Vec<_> = causes.collect();
        let answers = [QueryResultType::Answered, QueryResultType::Failed, QueryResultType::Unspecified];
        let close = prop_oneof![9 => Just(None), 1 => Close::any().prop_map(Some)];
        let reports = vec(Report::any(), 0..3);
        let complete = (Nth::any(), vec(Ask::any(), 0..4), reports, close, vec(Part::any(), 0..3));
        prop_oneof![
            16 => (Queue::any(), Ms::up_to(70_000)).prop_map(|(queue, patience)| Self::Poll(queue, patience)),
            24 => complete.prop_map(|(task, asks, reports, close, parts)| Self::Complete(task, asks, reports, close, parts)),
            3 => (Nth::any(), proptest::sample::select(causes)).prop_map(|(task, cause)| Self::Fail(task, cause)),
            3 => (Nth::any(), proptest::sample::select(answers.to_vec())).prop_map(|(task, how)| Self::AnswerQuery(task, how)),
            1 => Id::any().prop_map(Self::ResetSticky),
            1 => (0_u8..4).prop_map(Self::ShutdownWorker),
        ]
        .boxed()
    }

    fn request(&self, world: &World) -> Option<Request> {
        Some(match self {
            Self::Poll(queue, patience) => queue.poll(*patience, world),
            Self::Complete(nth, asks, reports, close, parts) => match nth.of_latest(world.workflow_tasks().len()) {
                Some(at) => complete(world, at, asks, reports, *close, parts),
                None => Queue::Shared.poll(Ms(60_000), world),
            },
            Self::Fail(nth, cause) => {
                let at = nth.of_latest(world.workflow_tasks().len())?;
                let request = RespondWorkflowTaskFailedRequest {
                    namespace: namespace(),
                    task_token: world.workflow_tasks()[at].token.clone(),
                    cause: (*cause).into(),
                    identity: WORKER.to_owned(),
                    ..RespondWorkflowTaskFailedRequest::default()
                };
                Request::of(&request).spends(Spent::Workflow(at))
            }
            Self::AnswerQuery(nth, how) => {
                let at = nth.of_latest(world.query_tasks().len())?;
                let request = RespondQueryTaskCompletedRequest {
                    namespace: namespace(),
                    task_token: world.query_tasks()[at].token.clone(),
                    completed_type: (*how).into(),
                    query_result: payloads("answer"),
                    ..RespondQueryTaskCompletedRequest::default()
                };
                Request::of(&request).spends(Spent::Query(at))
            }
            Self::ResetSticky(id) => Request::of(&ResetStickyTaskQueueRequest {
                namespace: namespace(),
                execution: Some(WorkflowExecution { workflow_id: format!("{id:?}"), run_id: String::new() }),
            }),
            Self::ShutdownWorker(instance) => Request::of(&ShutdownWorkerRequest {
                namespace: namespace(),
                sticky_task_queue: STICKY.to_owned(),
                worker_instance_key: format!("instance-{instance}"),
                ..ShutdownWorkerRequest::default()
            }),
        })
    }
}

impl Queue {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![12 => Just(Self::Shared), 6 => Just(Self::Sticky), 1 => Just(Self::Nexus)]
    }

    /// Each poll comes from a new worker instance, so ShutdownWorker ends few of them.
    fn poll(self, patience: Ms, world: &World) -> Request {
        let (identity, worker_instance_key) = (WORKER.to_owned(), format!("instance-{}", world.call_count()));
        let request = match self {
            Self::Nexus => Request::of(&PollNexusTaskQueueRequest {
                namespace: namespace(),
                task_queue: Some(task_queue(QUEUE)),
                identity,
                worker_instance_key,
                ..PollNexusTaskQueueRequest::default()
            }),
            Self::Shared | Self::Sticky => Request::of(&PollWorkflowTaskQueueRequest {
                namespace: namespace(),
                task_queue: Some(if matches!(self, Self::Sticky) { sticky_queue() } else { task_queue(QUEUE) }),
                identity,
                worker_instance_key,
                ..PollWorkflowTaskQueueRequest::default()
            }),
        };
        Request { patience: Some(patience.span()), ..request }
    }
}

impl Part {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            6 => Ms::up_to(3_000).prop_map(Self::Sticky),
            2 => Just(Self::ForceNext),
            4 => Just(Self::ReturnNext),
            3 => Just(Self::AnswerQueries),
            1 => Just(Self::AnswerUnknownQuery),
            2 => (0..2).prop_map(Self::Page),
            2 => (0..3).prop_map(Self::LastPage),
        ]
    }
}

fn complete(world: &World, at: usize, asks: &[Ask], reports: &[Report], close: Option<Close>, parts: &[Part]) -> Request {
    let task: &Task = &world.workflow_tasks()[at];
    let events = world.events_of(&task.run_id);
    let mut messages = Vec::new();
    for report in reports {
        messages.extend(report.messages(task, events, &messages));
    }
    let asked = asks.iter().filter_map(|ask| ask.command(events));
    let commands = asked.chain(updates::commands(&messages)).chain(close.map(Close::command)).collect();
    let mut request = RespondWorkflowTaskCompletedRequest {
        namespace: namespace(),
        task_token: task.token.clone(),
        commands,
        messages,
        identity: WORKER.to_owned(),
        ..RespondWorkflowTaskCompletedRequest::default()
    };
    for part in parts {
        match part {
            Part::Sticky(patience) => {
                request.sticky_attributes = Some(StickyExecutionAttributes {
                    worker_task_queue: Some(sticky_queue()),
                    schedule_to_start_timeout: patience.proto(),
                });
            }
            Part::ForceNext => request.force_create_new_workflow_task = true,
            Part::ReturnNext => request.return_new_workflow_task = true,
            Part::AnswerQueries => request.query_results.extend(answers(task.queries.iter().cloned())),
            Part::Page(number) => (request.page_number, request.intermediate_page) = (*number, true),
            Part::LastPage(number) => (request.page_number, request.intermediate_page) = (*number, false),
            Part::AnswerUnknownQuery => request.query_results.extend(answers(["1".to_owned(), "none".to_owned()].into_iter())),
        }
    }
    let call = Request::of(&request);
    if request.intermediate_page { call } else { call.spends(Spent::Workflow(at)) }
}

fn answers(queries: impl Iterator<Item = String>) -> BTreeMap<String, WorkflowQueryResult> {
    let answer = WorkflowQueryResult {
        result_type: QueryResultType::Answered.into(),
        answer: payloads("answer"),
        ..WorkflowQueryResult::default()
    };
    queries.map(|query| (query, answer.clone())).collect()
}

/// The queue of a worker that keeps workflows in its cache.
fn sticky_queue() -> TaskQueue {
    TaskQueue { name: STICKY.to_owned(), kind: TaskQueueKind::Sticky.into(), normal_name: QUEUE.to_owned() }
}
