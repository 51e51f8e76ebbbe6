//! Queries: as a task of their own, or attached to a workflow task.

use std::collections::BTreeMap;

use foretime_server::proto::{
    enums::{QueryRejectCondition, QueryResultType},
    query::WorkflowQueryResult,
    workflowservice::{
        QueryWorkflowRequest, QueryWorkflowResponse, RespondQueryTaskCompletedRequest, RespondWorkflowTaskCompletedRequest,
        StartWorkflowExecutionRequest,
    },
};

use crate::support::{worker::*, *};

const STICKY: &str = "sticky";
const ANSWERED_ALREADY: &str = "NotFound: query task not found, or already expired";

/// A workflow without a pending task.
fn idle() -> Transcript {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([]);
    t
}

/// The completion of a task, with an answer to each attached query.
fn answers(task: &WorkflowTask, answer: &str) -> RespondWorkflowTaskCompletedRequest {
    let result = WorkflowQueryResult {
        result_type: QueryResultType::Answered.into(),
        answer: payloads(answer),
        ..WorkflowQueryResult::default()
    };
    let query_results: BTreeMap<_, _> = task.queries.keys().map(|id| (id.clone(), result.clone())).collect();
    RespondWorkflowTaskCompletedRequest { query_results, ..completion(task, []) }
}

/// The types of the queries of a task.
fn asked(task: &WorkflowTask) -> Vec<&str> {
    let straight = task.query.as_ref().map(|query| query.query_type.as_str());
    task.queries.values().map(|query| query.query_type.as_str()).chain(straight).collect()
}

#[test]
fn a_query_of_an_idle_workflow_goes_straight_to_a_worker_and_leaves_no_trace() {
    let mut t = idle();
    let query = t.queries("order", "state");
    let task = t
        .polls_workflow_task("w1")
        .has_events("1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted, 4 WorkflowTaskCompleted");
    assert_eq!(asked(&task), ["state"]);
    t.still_waits(&query);
    t.answers_query(&task, "fine");
    t.query_is_answered(&query, "fine");
    t.refuses(query_answer(&task), ANSWERED_ALREADY);
    t.description("order").is("Running, 4 events");
}

#[test]
fn a_query_that_finds_a_task_waiting_comes_along_with_it() {
    let mut t = idle();
    t.signals("order", "hello");
    let query = t.queries("order", "state");
    let task = t.polls_workflow_task("w1");
    assert_eq!((asked(&task), task.query.as_ref()), (vec!["state"], None));
    t.calls(answers(&task, "after the signal"));
    t.query_is_answered(&query, "after the signal");
    t.has_no_workflow_task();
}

#[test]
fn a_query_that_comes_while_a_task_is_out_goes_straight_when_that_is_done() {
    let mut t = idle();
    t.signals("order", "hello");
    let task = t.polls_workflow_task("w1");
    let query = t.queries("order", "state");
    t.completes(&task, []);
    let task = t.polls_workflow_task("w1");
    assert_eq!((asked(&task), task.history.clone().unwrap_or_default().events.len()), (vec!["state"], 8));
    t.answers_query(&task, "fine");
    t.query_is_answered(&query, "fine");
}

#[test]
fn a_query_before_the_first_task_waits_for_it() {
    let mut t = Transcript::new();
    t.starts("order");
    let query = t.queries("order", "state");
    let task = t.polls_workflow_task("w1");
    t.calls(answers(&task, "fine"));
    t.query_is_answered(&query, "fine");
    t.starts_with(StartWorkflowExecutionRequest { workflow_start_delay: span(seconds(60)), ..start("later") });
    t.refuses(requests::query("later", "state"), "FailedPrecondition: Workflow task is not scheduled yet.");
}

#[test]
fn one_query_waits_for_a_task_and_no_more() {
    let mut t = idle();
    t.signals("order", "hello");
    t.queries("order", "state");
    t.refuses(
        query("order", "state"),
        "ResourceExhausted: consistent query buffer is full, this may be caused by too many queries and workflow not able to \
         process query fast enough",
    );
}

#[test]
fn a_worker_may_refuse_a_query() {
    let mut t = idle();
    let query = t.queries("order", "nonsense");
    let task = t.polls_workflow_task("w1");
    t.calls(RespondQueryTaskCompletedRequest {
        completed_type: QueryResultType::Failed.into(),
        error_message: "unknown query".to_owned(),
        ..query_answer(&task)
    });
    assert_eq!(t.refusal_of(&query), "InvalidArgument: unknown query");
}

/// An idle workflow with a sticky queue that was polled just now.
fn cached() -> Transcript {
    let mut t = Transcript::new();
    t.starts("order");
    let poll = t.awaits_workflow_task_of(sticky_queue(STICKY), "w1");
    let task = t.polls_workflow_task("w1");
    t.calls(sticky_completion(&task, STICKY, []));
    t.signals("order", "hello");
    let task = t.gets_workflow_task(&poll);
    t.calls(sticky_completion(&task, STICKY, []));
    t
}

#[test]
fn a_query_goes_to_the_worker_that_has_the_workflow() {
    let mut t = cached();
    let query = t.queries("order", "state");
    t.has_no_workflow_task();
    let task = t.polls_workflow_task_of(sticky_queue(STICKY), "w1").has_events("");
    t.answers_query(&task, "fine");
    t.query_is_answered(&query, "fine");
}

#[test]
fn a_query_goes_on_to_another_worker_when_that_one_does_not_answer_in_time() {
    let mut t = cached();
    let query = t.queries("order", "state");
    let late = t.polls_workflow_task_of(sticky_queue(STICKY), "w1");
    t.time_passes(seconds(5));
    t.refuses(query_answer(&late), ANSWERED_ALREADY);
    let task = t.polls_workflow_task("w2");
    assert_eq!(asked(&task), ["state"]);
    t.answers_query(&task, "fine");
    t.query_is_answered(&query, "fine");
}

#[test]
fn a_closed_workflow_answers_unless_the_client_wants_none_of_it() {
    let mut t = idle();
    t.signals("order", "hello");
    t.runs_workflow_task([fail(failure("no luck"))]);
    for condition in [QueryRejectCondition::NotOpen, QueryRejectCondition::NotCompletedCleanly] {
        let reply: QueryWorkflowResponse =
            t.calls(QueryWorkflowRequest { query_reject_condition: condition.into(), ..query("order", "state") });
        assert_eq!(
            reply.query_rejected.map(|rejected| rejected.status().as_str_name()),
            Some("WORKFLOW_EXECUTION_STATUS_FAILED")
        );
    }
    let query = t.queries("order", "state");
    let task = t.polls_workflow_task("w1");
    t.answers_query(&task, "failed");
    t.query_is_answered(&query, "failed");
}

#[test]
fn a_workflow_that_closes_before_its_first_task_answers_none() {
    let mut t = Transcript::new();
    t.starts("order");
    let query = t.queries("order", "state");
    t.terminates("order");
    const CLOSED: &str = "FailedPrecondition: Workflow execution closed before WorkflowTaskStarted event";
    assert_eq!(t.refusal_of(&query), CLOSED);
    t.refuses(requests::query("order", "state"), CLOSED);
}

#[test]
fn a_workflow_whose_task_fails_again_and_again_answers_none() {
    let mut t = idle();
    t.signals("order", "hello");
    for _ in 0..2 {
        let task = t.polls_workflow_task("w1");
        t.fails(&task);
    }
    t.refuses(query("order", "state"), "FailedPrecondition: Unable to query workflow due to Workflow Task in failed state.");
}

#[test]
fn a_query_that_is_given_up_is_not_asked() {
    let mut t = idle();
    let query = t.queries("order", "state");
    t.gives_up(&query);
    t.has_no_workflow_task();
    let query = t.queries("order", "state");
    let task = t.polls_workflow_task("w1");
    t.gives_up(&query);
    t.refuses(query_answer(&task), ANSWERED_ALREADY);
    t.still_waits(&query);
}

#[test]
fn an_attached_query_that_is_given_up_makes_way_for_another() {
    let mut t = idle();
    t.signals("order", "hello");
    let given_up = t.queries("order", "first");
    t.gives_up(&given_up);
    let query = t.queries("order", "second");
    let task = t.polls_workflow_task("w1");
    assert_eq!(asked(&task), ["second"]);
    t.calls(answers(&task, "fine"));
    t.query_is_answered(&query, "fine");
}
