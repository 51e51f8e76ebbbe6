//! Workflow tasks: attempts, failures, timeouts, buffering, sticky queues, heartbeats.

use std::time::Duration;

use foretime_server::proto::{
    enums::{EventType, WorkflowTaskFailedCause},
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};

crate::scripts![
    failed_then_completed,
    failed_twice_then_completed,
    failed_then_signalled,
    timed_out,
    timed_out_then_late,
    answered_twice,
    signals_are_buffered,
    buffered_in_order,
    too_much_is_buffered,
    unhandled_command,
    unhandled_command_then_done,
    bad_command,
    bad_command_again,
    command_after_the_last,
    two_closing_commands,
    no_attributes,
    heartbeat,
    heartbeat_that_returns_the_next,
    return_the_next_without_force,
    sticky,
    sticky_without_a_worker,
    sticky_reset,
    sticky_reset_of_a_waiting_task,
    sticky_worker_gone,
    sticky_worker_shut_down,
    sticky_after_a_failure,
    an_empty_poll,
    a_short_poll,
    a_task_of_another_namespace,
    history_in_pages,
];

async fn failed_then_completed(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    s.fail_task(&task, WorkflowTaskFailedCause::NonDeterministicError).await;
    s.history("wf").await;
    let task = s.workflow_task().await;
    s.step("the second attempt is not in the history of its own");
    s.history("wf").await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn failed_twice_then_completed(s: &Script) {
    s.start("wf").await;
    for _ in 0..2 {
        let task = s.workflow_task().await;
        s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    }
    s.describe("wf").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn failed_then_signalled(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    let task = s.workflow_task().await;
    s.signal("wf", "during the second attempt").await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    s.history("wf").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

fn hasty(s: &Script) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { workflow_task_timeout: seconds(1.0), ..s.new_start("wf") }
}

async fn timed_out(s: &Script) {
    s.start_with(hasty(s)).await;
    s.await_workflow_task().await;
    s.await_event("wf", EventType::WorkflowTaskTimedOut).await;
    s.history("wf").await;
    s.step("the second attempt times out unseen");
    s.workflow_task().await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn timed_out_then_late(s: &Script) {
    s.start_with(hasty(s)).await;
    let task = s.await_workflow_task().await;
    s.await_event("wf", EventType::WorkflowTaskTimedOut).await;
    let _ = s.complete(&task, [complete_workflow("late")]).await;
    s.fail_task(&task, WorkflowTaskFailedCause::Unspecified).await;
}

async fn answered_twice(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let _ = s.complete(&task, []).await;
    let _ = s.complete(&task, []).await;
    s.fail_task(&task, WorkflowTaskFailedCause::Unspecified).await;
}

async fn signals_are_buffered(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "one").await;
    s.signal("wf", "two").await;
    s.request_cancel("wf").await;
    s.history("wf").await;
    let _ = s.complete(&task, [start_timer("t", 60.0)]).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn too_much_is_buffered(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    for number in 1..=101 {
        let _ = s.client.call(s.new_signal("wf", &format!("signal {number}"))).await.expect("it is taken");
    }
    s.history("wf").await;
    let _ = s.complete(&task, [start_timer("t", 60.0)]).await;
    s.workflow_task().await;
}

async fn buffered_in_order(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("a"))]).await;
    let activity = s.activity_task().await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    s.step("an activity completes, then a signal comes, both during a workflow task");
    s.complete_activity(&activity, "the result").await;
    s.signal("wf", "after").await;
    let _ = s.complete(&task, [start_timer("t", 60.0)]).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn unhandled_command(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "unseen").await;
    let _ = s.complete(&task, [record_marker("dropped"), complete_workflow("too early")]).await;
    s.history("wf").await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn unhandled_command_then_done(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "unseen").await;
    let _ = s.complete(&task, [complete_workflow("too early")]).await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn bad_command(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let without_timeouts = ScheduleActivity { start_to_close_timeout: None, ..s.activity("1") };
    let _ = s.complete(&task, [record_marker("dropped"), schedule_activity(without_timeouts)]).await;
    s.history("wf").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

type ScheduleActivity = foretime_server::proto::command::ScheduleActivityTaskCommandAttributes;

async fn bad_command_again(s: &Script) {
    s.start_with(hasty(s)).await;
    let task = s.await_workflow_task().await;
    let _ = s.complete(&task, [cancel_timer("unknown")]).await;
    let task = s.workflow_task().await;
    s.step("bad commands on a second attempt are dropped, and the task times out");
    let _ = s.complete(&task, [cancel_timer("unknown")]).await;
    s.history("wf").await;
    s.workflow_task().await;
}

async fn command_after_the_last(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done"), start_timer("t", 60.0)]).await;
    s.history("wf").await;
}

async fn two_closing_commands(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done"), fail_workflow("failed")]).await;
    s.history("wf").await;
}

async fn no_attributes(s: &Script) {
    s.start("wf").await;
    let mut command = start_timer("t", 60.0);
    command.attributes = None;
    s.run_task([command]).await;
    s.history("wf").await;
}

async fn heartbeat(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let request = s.new_completion(&task, []);
    let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { force_create_new_workflow_task: true, ..request }).await;
    s.history("wf").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn heartbeat_that_returns_the_next(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let request = RespondWorkflowTaskCompletedRequest {
        force_create_new_workflow_task: true,
        return_new_workflow_task: true,
        ..s.new_completion(&task, [])
    };
    let reply = s.client.call(request).await.expect("the task completes");
    let task = reply.workflow_task.expect("the next task comes with the reply");
    s.show_workflow_task(&task);
    s.history("wf").await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn return_the_next_without_force(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "buffered").await;
    let request = RespondWorkflowTaskCompletedRequest { return_new_workflow_task: true, ..s.new_completion(&task, []) };
    let reply = s.client.call(request).await.expect("the task completes");
    match reply.workflow_task {
        Some(task) => s.show_workflow_task(&task),
        None => s.note("no task in the reply"),
    }
    s.history("wf").await;
}

/// A workflow whose tasks go to the worker's own queue, which a worker has polled.
async fn start_sticky(s: &Script, patience_seconds: f64) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.await_empty_poll(s.own_queue()).await;
    s.complete_sticky(s.new_completion(&task, []), patience_seconds).await;
    s.signal("wf", "one").await;
    let task = s.workflow_task_of(s.own_queue()).await;
    s.complete_sticky(s.new_completion(&task, []), patience_seconds).await;
}

async fn sticky(s: &Script) {
    start_sticky(s, 10.0).await;
    s.history("wf").await;
    s.describe("wf").await;
}

/// A worker takes the task from the normal queue, as nobody polls the own one. Its failure counts.
async fn sticky_worker_gone(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.complete_sticky(s.new_completion(&task, []), 10.0).await;
    s.signal("wf", "go").await;
    let task = s.workflow_task().await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn sticky_without_a_worker(s: &Script) {
    start_sticky(s, 1.0).await;
    s.signal("wf", "two").await;
    s.step("nobody polls the worker's own queue: back to the normal one");
    s.await_event("wf", EventType::WorkflowTaskTimedOut).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn sticky_reset(s: &Script) {
    start_sticky(s, 10.0).await;
    let request = ResetStickyTaskQueueRequest { namespace: NAMESPACE.to_owned(), execution: s.execution("wf") };
    let _ = s.call(request).await;
    s.signal("wf", "two").await;
    s.workflow_task().await;
    s.history("wf").await;
    s.step("of no workflow");
    let request = ResetStickyTaskQueueRequest { namespace: NAMESPACE.to_owned(), execution: s.execution("missing") };
    let _ = s.call(request).await;
}

async fn sticky_reset_of_a_waiting_task(s: &Script) {
    start_sticky(s, 2.0).await;
    s.signal("wf", "two").await;
    let request = ResetStickyTaskQueueRequest { namespace: NAMESPACE.to_owned(), execution: s.execution("wf") };
    let _ = s.call(request).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn sticky_worker_shut_down(s: &Script) {
    start_sticky(s, 10.0).await;
    let _ = s
        .call(ShutdownWorkerRequest {
            namespace: NAMESPACE.to_owned(),
            sticky_task_queue: s.own_queue().name,
            identity: "worker".to_owned(),
            reason: "the script".to_owned(),
            ..Default::default()
        })
        .await;
    s.signal("wf", "two").await;
    s.step("at once on the normal queue");
    s.workflow_task().await;
    s.history("wf").await;
}

async fn sticky_after_a_failure(s: &Script) {
    start_sticky(s, 10.0).await;
    s.signal("wf", "two").await;
    let task = s.workflow_task_of(s.own_queue()).await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn an_empty_poll(s: &Script) {
    s.no_workflow_task().await;
    s.no_activity_task().await;
}

async fn a_short_poll(s: &Script) {
    let request = s.new_workflow_poll(task_queue(s.queue()));
    let _ = s.call_within(Duration::from_millis(900), request).await;
}

async fn a_task_of_another_namespace(s: &Script) {
    let request =
        PollWorkflowTaskQueueRequest { namespace: "nowhere".to_owned(), ..s.new_workflow_poll(task_queue(s.queue())) };
    let _ = s.call(request).await;
    let request = PollWorkflowTaskQueueRequest { task_queue: None, ..s.new_workflow_poll(task_queue(s.queue())) };
    let _ = s.call(request).await;
}

async fn history_in_pages(s: &Script) {
    s.start("wf").await;
    s.run_task((0..300).map(|at| record_marker(&format!("marker {at}")))).await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    let events = |history: Option<foretime_server::proto::history::History>| {
        let events = history.unwrap_or_default().events;
        let ids: Vec<i64> = events.iter().map(|event| event.event_id).collect();
        format!("{:?} to {:?}", ids.first(), ids.last())
    };
    s.note(format_args!("in the task: {}", events(task.history)));
    let mut next_page_token = task.next_page_token;
    while !next_page_token.is_empty() {
        let request = GetWorkflowExecutionHistoryRequest { next_page_token, ..s.new_history("wf") };
        let reply = s.client.call(request).await.expect("the next page");
        s.note(format_args!("then: {}", events(reply.history)));
        next_page_token = reply.next_page_token;
    }
}
