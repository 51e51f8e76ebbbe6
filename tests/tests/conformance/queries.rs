//! Queries: direct, attached to a task, rejected, failed.

use std::time::Duration;

use foretime_server::proto::{
    enums::{QueryRejectCondition, QueryResultType, WorkflowTaskFailedCause},
    query::{WorkflowQuery, WorkflowQueryResult},
    workflowservice::*,
};
use foretime_tests::{
    commands::*,
    script::*,
    updates::done,
    worker::{WorkflowTask, answered, failure},
};
use tonic::Status;

crate::scripts![
    direct,
    failed,
    of_a_closed_workflow,
    of_a_workflow_closed_before_its_first_task,
    before_the_first_task,
    before_a_start_delay_ends,
    before_the_first_task_is_due,
    with_the_task_of_an_update,
    attached,
    attached_and_failed,
    attached_and_unanswered,
    attached_two,
    one_attached_and_one_more,
    after_a_signal,
    rejected_if_not_open,
    rejected_if_not_completed_cleanly,
    on_the_sticky_queue,
    sticky_worker_gone,
    sticky_worker_dies_with_the_query,
    while_the_task_fails,
    nobody_answers,
    without_a_type,
    answer_twice,
];

/// Sends the query while `worker` answers it.
async fn asked(s: &Script, request: QueryWorkflowRequest, worker: impl Future<Output = ()>) {
    let (answer, ()): (Result<QueryWorkflowResponse, Status>, ()) =
        futures_util::future::join(s.client.call(request), worker).await;
    s.show::<QueryWorkflowRequest>(&answer);
}

async fn direct(s: &Script) {
    s.start_waiting("wf").await;
    asked(s, s.new_query("wf", "state"), async {
        let task = s.workflow_task().await;
        s.answer_query(&task, "fine").await;
    })
    .await;
    s.step("a query leaves no trace");
    s.history("wf").await;
}

async fn failed(s: &Script) {
    s.start_waiting("wf").await;
    asked(s, s.new_query("wf", "state"), async {
        let task = s.workflow_task().await;
        let request = RespondQueryTaskCompletedRequest {
            completed_type: QueryResultType::Failed.into(),
            error_message: "cannot say".to_owned(),
            failure: Some(failure("cannot say, in detail")),
            ..s.new_query_answer(&task)
        };
        let _ = s.call(request).await;
    })
    .await;
}

async fn of_a_closed_workflow(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    asked(s, s.new_query("wf", "state"), async {
        let task = s.workflow_task().await;
        s.answer_query(&task, "closed, and fine").await;
    })
    .await;
}

async fn of_a_workflow_closed_before_its_first_task(s: &Script) {
    s.start("wf").await;
    s.terminate("wf").await;
    let _ = s.call(s.new_query("wf", "state")).await;
}

async fn before_the_first_task(s: &Script) {
    s.start("wf").await;
    asked(s, s.new_query("wf", "state"), async {
        until_it_has_come().await;
        let task = s.await_workflow_task().await;
        let answers = task.queries.keys().map(|id| (id.clone(), answered("fine"))).collect();
        s.note(format_args!("queries in the first task: {}", task.queries.len()));
        let request = RespondWorkflowTaskCompletedRequest { query_results: answers, ..s.new_completion(&task, []) };
        let unanswered = task.queries.is_empty();
        let _ = s.complete_with(request).await;
        if unanswered {
            let task = s.workflow_task().await;
            s.answer_query(&task, "fine").await;
        }
    })
    .await;
}

async fn start_in(s: &Script, delay_s: f64) {
    s.start_with(StartWorkflowExecutionRequest { workflow_start_delay: seconds(delay_s), ..s.new_start("wf") }).await;
}

/// The start delay ends before the caller gives up, and so the query waits.
async fn before_a_start_delay_ends(s: &Script) {
    start_in(s, 2.0).await;
    let asked = s.client.call_within(Duration::from_secs(20), s.new_query("wf", "state"));
    let worker = async {
        let task = s.await_workflow_task().await;
        complete_with_answers(s, &task, |_| Some(answered("fine"))).await;
    };
    let (answer, ()) = futures_util::future::join(asked, worker).await;
    s.show::<QueryWorkflowRequest>(&answer);
}

async fn before_the_first_task_is_due(s: &Script) {
    start_in(s, 60.0).await;
    let _ = s.call_within(Duration::from_secs(20), s.new_query("wf", "state")).await;
    s.step("no query waits for longer than 30 s");
    let _ = s.call_within(Duration::from_secs(90), s.new_query("wf", "state")).await;
}

/// An update does not wait for the end of a start delay. Once it has its workflow task, queries do not either.
async fn with_the_task_of_an_update(s: &Script) {
    start_in(s, 3600.0).await;
    let _ = s.call(s.new_query("wf", "state")).await;
    let worker = async {
        until_it_has_come().await;
        let task = s.await_workflow_task().await;
        s.note(format_args!("queries in the task of the update: {}", task.queries.len()));
        let query_results = task.queries.keys().map(|id| (id.clone(), answered("fine"))).collect();
        let report = s.new_report(&task, done(&task, "u1"));
        let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { query_results, ..report }).await;
    };
    let meanwhile = Box::pin(async {
        until_it_has_come().await;
        asked(s, s.new_query("wf", "state"), worker).await;
    });
    s.updated(s.new_update("wf", "u1"), meanwhile).await;
    asked(s, s.new_query("wf", "state"), async {
        let task = s.await_workflow_task().await;
        s.answer_query(&task, "fine, too").await;
    })
    .await;
}

/// A workflow with a scheduled task, and a query that has arrived meanwhile. Returns the task that carries it.
async fn task_with_query(s: &Script) -> WorkflowTask {
    s.signal("wf", "go").await;
    until_it_has_come().await;
    let task = s.await_workflow_task().await;
    for query in task.queries.values() {
        s.show_message("query", query);
    }
    task
}

async fn complete_with_answers(
    s: &Script,
    task: &WorkflowTask,
    answer: impl Fn(&WorkflowQuery) -> Option<WorkflowQueryResult>,
) {
    let query_results =
        task.queries.iter().filter_map(|(id, query)| answer(query).map(|answer| (id.clone(), answer))).collect();
    let request = RespondWorkflowTaskCompletedRequest { query_results, ..s.new_completion(task, []) };
    let _ = s.complete_with(request).await;
}

/// A workflow whose next task waits to be polled.
async fn with_a_task_waiting(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "first").await;
}

async fn attached(s: &Script) {
    with_a_task_waiting(s).await;
    asked(s, s.new_query("wf", "state"), async {
        let task = task_with_query(s).await;
        complete_with_answers(s, &task, |_| Some(answered("fine"))).await;
    })
    .await;
    s.history("wf").await;
}

async fn attached_and_failed(s: &Script) {
    with_a_task_waiting(s).await;
    asked(s, s.new_query("wf", "state"), async {
        let task = task_with_query(s).await;
        complete_with_answers(s, &task, |_| {
            Some(WorkflowQueryResult {
                result_type: QueryResultType::Failed.into(),
                error_message: "cannot say".to_owned(),
                failure: Some(failure("cannot say, in detail")),
                ..Default::default()
            })
        })
        .await;
    })
    .await;
}

async fn attached_and_unanswered(s: &Script) {
    with_a_task_waiting(s).await;
    asked(s, s.new_query("wf", "state"), async {
        let task = task_with_query(s).await;
        complete_with_answers(s, &task, |_| None).await;
        s.step("it comes again, as a task of its own");
        let task = s.workflow_task().await;
        s.answer_query(&task, "fine").await;
    })
    .await;
}

async fn attached_two(s: &Script) {
    with_a_task_waiting(s).await;
    let second = async {
        until_it_has_come().await;
        let answer = s.client.call(s.new_query("wf", "second")).await;
        s.note(format_args!("one of two buffered: {}", answer.is_ok()));
    };
    let first = asked(s, s.new_query("wf", "first"), async {
        until_it_has_come().await;
        until_it_has_come().await;
        let task = s.await_workflow_task().await;
        s.note(format_args!("queries in the task: {}", task.queries.len()));
        complete_with_answers(s, &task, |_| Some(answered("fine"))).await;
    });
    futures_util::future::join(first, second).await;
}

/// A query that a worker has with its task still counts as buffered.
async fn one_attached_and_one_more(s: &Script) {
    with_a_task_waiting(s).await;
    asked(s, s.new_query("wf", "first"), async {
        let task = task_with_query(s).await;
        let _ = s.call(s.new_query("wf", "second")).await;
        complete_with_answers(s, &task, |_| Some(answered("fine"))).await;
    })
    .await;
}

async fn after_a_signal(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "first").await;
    asked(s, s.new_query("wf", "state"), async {
        until_it_has_come().await;
        let task = s.await_workflow_task().await;
        let signals = task.history.iter().flat_map(|history| &history.events).count();
        s.note(format_args!("the task has {signals} events and {} query", task.queries.len()));
        complete_with_answers(s, &task, |_| Some(answered("after the signal"))).await;
    })
    .await;
}

fn rejecting(s: &Script, condition: QueryRejectCondition) -> QueryWorkflowRequest {
    QueryWorkflowRequest { query_reject_condition: condition.into(), ..s.new_query("wf", "state") }
}

async fn rejected_if_not_open(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    let _ = s.call(rejecting(s, QueryRejectCondition::NotOpen)).await;
}

async fn rejected_if_not_completed_cleanly(s: &Script) {
    s.start("wf").await;
    s.run_task([fail_workflow("failed")]).await;
    let _ = s.call(rejecting(s, QueryRejectCondition::NotCompletedCleanly)).await;
}

async fn sticky_and_waiting(s: &Script) {
    sticky_for(s, 10.0).await;
}

/// Gives its worker this many seconds to take what is for it.
async fn sticky_for(s: &Script, schedule_to_start_s: f64) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.complete_sticky(s.new_completion(&task, []), schedule_to_start_s).await;
}

async fn on_the_sticky_queue(s: &Script) {
    sticky_and_waiting(s).await;
    s.await_empty_poll(s.own_queue()).await;
    s.signal("wf", "the worker is there").await;
    let task = s.await_workflow_task_of(s.own_queue()).await;
    s.complete_sticky(s.new_completion(&task, []), 10.0).await;
    asked(s, s.new_query("wf", "state"), async {
        let task = s.workflow_task_of(s.own_queue()).await;
        s.answer_query(&task, "fine").await;
    })
    .await;
}

async fn sticky_worker_gone(s: &Script) {
    sticky_and_waiting(s).await;
    s.step("nobody ever polled the worker's own queue");
    asked(s, s.new_query("wf", "state"), async {
        let task = s.workflow_task().await;
        s.answer_query(&task, "fine").await;
    })
    .await;
}

async fn sticky_worker_dies_with_the_query(s: &Script) {
    sticky_for(s, 2.0).await;
    s.await_empty_poll(s.own_queue()).await;
    asked(s, s.new_query("wf", "state"), async {
        s.step("the worker takes it, and says nothing");
        let first = s.workflow_task_of(s.own_queue()).await;
        s.step("another gets it, with the whole history");
        let second = s.workflow_task().await;
        s.answer_query(&first, "too late").await;
        s.answer_query(&second, "fine").await;
    })
    .await;
    s.step("the worker's own queue is not asked again");
    asked(s, s.new_query("wf", "state"), async {
        let task = s.workflow_task().await;
        s.answer_query(&task, "fine").await;
    })
    .await;
}

async fn while_the_task_fails(s: &Script) {
    s.start("wf").await;
    for _ in 0..3 {
        let task = s.await_workflow_task().await;
        s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    }
    let _ = s.call(s.new_query("wf", "state")).await;
}

async fn nobody_answers(s: &Script) {
    s.start_waiting("wf").await;
    let _ = s.call_within(Duration::from_secs(2), s.new_query("wf", "state")).await;
}

async fn without_a_type(s: &Script) {
    s.start_waiting("wf").await;
    let _ = s.call(QueryWorkflowRequest { query: None, ..s.new_query("wf", "state") }).await;
    let _ = s.call_within(Duration::from_secs(1), QueryWorkflowRequest { execution: None, ..s.new_query("wf", "state") }).await;
}

async fn answer_twice(s: &Script) {
    s.start_waiting("wf").await;
    asked(s, s.new_query("wf", "state"), async {
        let task = s.await_workflow_task().await;
        s.answer_query(&task, "fine").await;
        s.answer_query(&task, "fine").await;
    })
    .await;
}
