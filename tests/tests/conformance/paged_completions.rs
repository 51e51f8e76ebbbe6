//! Completions of workflow tasks that come in pages (`tests/workflow_completion_pagination_test.go`). The server runs with
//! `history.enableWorkflowTaskCompletionPagination`.

use foretime_server::proto::{command::Command, enums::WorkflowTaskFailedCause, workflowservice::*};
use foretime_tests::{commands::*, script::*, worker::WorkflowTask};

crate::scripts![
    in_order,
    out_of_order,
    one_page_twice,
    a_page_missing,
    no_page_before_the_last,
    sent_again_after_a_loss,
    without_pages_after_pages,
    of_an_old_task,
    after_the_task_failed,
    bad_pages,
    odd_page_numbers,
    a_bad_command_in_the_middle,
    with_a_signal_meanwhile,
    closes_the_workflow,
];

fn page(
    s: &Script,
    task: &WorkflowTask,
    number: i32,
    commands: impl IntoIterator<Item = Command>,
) -> RespondWorkflowTaskCompletedRequest {
    RespondWorkflowTaskCompletedRequest { page_number: number, intermediate_page: true, ..s.new_completion(task, commands) }
}

fn last(
    s: &Script,
    task: &WorkflowTask,
    number: i32,
    commands: impl IntoIterator<Item = Command>,
) -> RespondWorkflowTaskCompletedRequest {
    RespondWorkflowTaskCompletedRequest { page_number: number, ..s.new_completion(task, commands) }
}

async fn in_order(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 0, [record_marker("0"), record_marker("1")])).await;
    s.history("wf").await;
    let _ = s.call(page(s, &task, 1, [record_marker("2")])).await;
    let _ = s.call(last(s, &task, 2, [record_marker("3")])).await;
    s.history("wf").await;
}

async fn out_of_order(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 1, [record_marker("1")])).await;
    let _ = s.call(page(s, &task, 0, [record_marker("0")])).await;
    let _ = s.call(last(s, &task, 2, [])).await;
    s.history("wf").await;
}

async fn one_page_twice(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 0, [record_marker("0")])).await;
    let _ = s.call(page(s, &task, 0, [record_marker("again")])).await;
    let _ = s.call(page(s, &task, 3, [record_marker("beyond the last")])).await;
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    s.history("wf").await;
}

async fn a_page_missing(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 0, [record_marker("0")])).await;
    let _ = s.call(last(s, &task, 2, [record_marker("2")])).await;
    s.step("what was there is gone");
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    s.history("wf").await;
}

async fn no_page_before_the_last(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    s.history("wf").await;
}

async fn sent_again_after_a_loss(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    let _ = s.call(page(s, &task, 0, [record_marker("0")])).await;
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    s.history("wf").await;
}

async fn without_pages_after_pages(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 0, [record_marker("0")])).await;
    let _ = s.call(last(s, &task, 0, [record_marker("alone")])).await;
    s.history("wf").await;
}

async fn of_an_old_task(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, []).await;
    let _ = s.call(page(s, &task, 0, [record_marker("0")])).await;
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    let none = RespondWorkflowTaskCompletedRequest { task_token: Vec::new(), ..page(s, &task, 0, [record_marker("0")]) };
    let _ = s.call(none).await;
}

async fn after_the_task_failed(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 0, [record_marker("0")])).await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    let task = s.workflow_task().await;
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    let _ = s.call(page(s, &task, 0, [record_marker("0")])).await;
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    s.history("wf").await;
}

async fn bad_pages(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, -1, [record_marker("0")])).await;
    let _ = s.call(last(s, &task, -1, [record_marker("0")])).await;
    s.history("wf").await;
}

async fn odd_page_numbers(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 1_000, [record_marker("0")])).await;
    let _ = s.call(page(s, &task, 100_000, [record_marker("0")])).await;
    let _ = s.call(page(s, &task, 0, [])).await;
    let _ = s.call(last(s, &task, 100_000, [])).await;
    s.history("wf").await;
}

async fn a_bad_command_in_the_middle(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 0, [record_marker("0"), start_timer("", 1.0)])).await;
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    s.history("wf").await;
}

async fn with_a_signal_meanwhile(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 0, [record_marker("0")])).await;
    s.signal("wf", "go").await;
    let _ = s.call(last(s, &task, 1, [complete_workflow("done")])).await;
    s.history("wf").await;
}

async fn closes_the_workflow(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let _ = s.call(page(s, &task, 0, [record_marker("0"), complete_workflow("done")])).await;
    s.history("wf").await;
    let _ = s.call(last(s, &task, 1, [record_marker("1")])).await;
    s.history("wf").await;
}
