//! Resets: what becomes of the run, of what it had pending, and of what came after the reset point.

#![allow(deprecated, reason = "the wire has deprecated fields, and they are tried, too")]

mod children;
mod reapplied;

use foretime_server::proto::{
    command::{Command, ScheduleActivityTaskCommandAttributes, StartChildWorkflowExecutionCommandAttributes},
    common::{RetryPolicy, SearchAttributes},
    enums::{
        EventType, ResetReapplyExcludeType as Exclude, ResetReapplyType as Reapply,
        UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowTaskFailedCause,
    },
    history::history_event::Attributes,
    workflow::{PostResetOperation, post_reset_operation},
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*, updates::*, worker::failure};
use prost_types::Duration;

use children::*;
use reapplied::*;

crate::scripts![
    open_run,
    closed_run,
    refused,
    without_a_task,
    to_each_event,
    to_each_event_of_updates,
    to_the_end_of_a_failed_task,
    twice_with_one_request_id,
    of_a_reset_run,
    again_and_again,
    of_an_older_run,
    signals,
    signals_left_out,
    signals_alone,
    nothing_reapplied,
    a_signal_again,
    buffered_signals,
    cancel_request,
    attached_request,
    updates,
    updates_left_out,
    updates_rejected,
    updates_of_a_reset_run,
    pending_update,
    update_again,
    activities,
    activity_in_hand,
    timers,
    timer_in_the_past,
    child_goes_on,
    child_completes_before,
    child_starts_after_the_point,
    child_after_the_point,
    child_after_the_point_abandoned,
    child_and_close_policy,
    of_a_child,
    of_a_closed_child,
    chain,
    chain_closed,
    retried_run,
    cron_run,
    timeouts,
    search_attributes,
    sticky,
    external_signal,
    waits,
    post_operations,
];

/// A reset of the current run of `id`, to be filled in.
fn reset(s: &Script, id: &str, workflow_task_finish_event_id: i64) -> ResetWorkflowExecutionRequest {
    ResetWorkflowExecutionRequest { identity: "client".to_owned(), ..s.new_reset(id, workflow_task_finish_event_id) }
}

/// Resets the run, which must succeed. Returns the id of the new run.
async fn reset_run(s: &Script, request: ResetWorkflowExecutionRequest) -> String {
    s.call(request).await.expect("the run is reset").run_id
}

/// Two tasks, the second of which starts nothing; a signal lies between.
async fn two_tasks(s: &Script) -> String {
    let run_id = s.start("wf").await;
    s.run_task([record_marker("one")]).await;
    s.signal("wf", "between").await;
    s.run_task([record_marker("two")]).await;
    run_id
}

async fn open_run(s: &Script) {
    let first = two_tasks(s).await;
    s.step("to the end of the first task");
    let _second = reset_run(s, reset(s, "wf", 4)).await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
    let _ = s.call(DescribeWorkflowExecutionRequest { execution: s.run("wf", &first), ..s.new_describe("wf") }).await;
    s.describe("wf").await;
    s.step("it goes on");
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn closed_run(s: &Script) {
    let first = s.start("wf").await;
    s.run_task([record_marker("one")]).await;
    s.signal("wf", "between").await;
    s.run_task([complete_workflow("done")]).await;
    s.step("a closed run");
    reset_run(s, reset(s, "wf", 9)).await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
    let _ = s.call(DescribeWorkflowExecutionRequest { execution: s.run("wf", &first), ..s.new_describe("wf") }).await;
    s.describe("wf").await;
    s.run_task([complete_workflow("done anew")]).await;
    s.describe("wf").await;
}

async fn refused(s: &Script) {
    let run_id = two_tasks(s).await;
    type Request = ResetWorkflowExecutionRequest;
    let good = || reset(s, "wf", 4);
    let _ = s.call(Request { request_id: String::new(), ..good() }).await;
    let _ = s.call(Request { request_id: "r".repeat(1001), ..good() }).await;
    let _ = s.call(Request { workflow_execution: None, ..good() }).await;
    let _ = s.call(Request { workflow_execution: s.run("wf", "no-uuid"), ..good() }).await;
    let _ = s.call(Request { workflow_execution: s.execution("unknown"), ..good() }).await;
    let unknown = "01234567-89ab-4def-8123-456789abcdef";
    let _ = s.call(Request { workflow_execution: s.run("wf", unknown), ..good() }).await;
    let _ = s.call(Request { namespace: String::new(), ..good() }).await;
    let _ = s.call(Request { namespace: "unknown".to_owned(), ..good() }).await;
    let unknown = Request { reset_reapply_type: 17, workflow_execution: s.execution("unknown"), ..good() };
    for request in [Request { reset_reapply_type: 17, ..good() }, unknown] {
        let refused = s.client.call(request).await.expect_err("there is no such type");
        s.note(refused.code());
    }
    for event_id in [-1, 0, 1, 11, 12, 1000] {
        let _ = s.call(reset(s, "wf", event_id)).await;
    }
    let _ = s.call(Request { workflow_execution: s.execution("unknown"), ..reset(s, "wf", 0) }).await;
    let _ = s.call(Request { workflow_execution: s.run("wf", &run_id), ..reset(s, "wf", 0) }).await;
    s.step("it is as it was");
    s.history("wf").await;
}

async fn without_a_task(s: &Script) {
    let run_id =
        s.start_with(StartWorkflowExecutionRequest { workflow_start_delay: seconds(3600.0), ..s.new_start("wf") }).await;
    s.signal("wf", "early").await;
    let _ = s.call(reset(s, "wf", 2)).await;
    s.terminate("wf").await;
    let _ = s.call(reset(s, "wf", 2)).await;
    let _ = s.call(reset(s, "wf", 3)).await;
    s.history_of_run("wf", &run_id).await;
}

/// Each event of a run, from the second to the last and one beyond.
async fn to_each_event(s: &Script) {
    let first = s.start("wf").await;
    s.run_task([record_marker("one"), start_timer("timer", 3600.0)]).await;
    s.signal("wf", "between").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "during").await;
    let _ = s.complete(&task, [record_marker("two")]).await;
    s.run_task([complete_workflow("done")]).await;
    s.history_of_run("wf", &first).await;
    for event_id in 2..=17 {
        s.step(&format!("to {event_id}"));
        let request = ResetWorkflowExecutionRequest { workflow_execution: s.run("wf", &first), ..reset(s, "wf", event_id) };
        if s.call(request).await.is_ok() {
            s.history("wf").await;
        }
        s.await_restart_interval().await;
    }
}

async fn to_the_end_of_a_failed_task(s: &Script) {
    let first = s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "during").await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    s.run_task([record_marker("one")]).await;
    s.history("wf").await;
    for event_id in 4..=8 {
        s.step(&format!("to {event_id}"));
        let request = ResetWorkflowExecutionRequest { workflow_execution: s.run("wf", &first), ..reset(s, "wf", event_id) };
        if s.call(request).await.is_ok() {
            s.history("wf").await;
            s.describe("wf").await;
        }
        s.await_restart_interval().await;
    }
}

async fn twice_with_one_request_id(s: &Script) {
    two_tasks(s).await;
    let request = reset(s, "wf", 4);
    reset_run(s, request.clone()).await;
    s.step("the same again");
    let _ = s.call(request.clone()).await;
    s.history("wf").await;
    s.step("after a task");
    s.run_task([]).await;
    let _ = s.call(request).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn of_a_reset_run(s: &Script) {
    two_tasks(s).await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.run_task([record_marker("one again")]).await;
    s.signal("wf", "later").await;
    s.run_task([]).await;
    s.history("wf").await;
    s.step("to the task of the reset");
    reset_run(s, reset(s, "wf", 8)).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.step("to the failed task");
    let _ = s.call(reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn of_an_older_run(s: &Script) {
    let first = two_tasks(s).await;
    let second = reset_run(s, reset(s, "wf", 4)).await;
    s.run_task([]).await;
    s.signal("wf", "to the second").await;
    s.step("the first again, while the second runs");
    let of_first =
        |event_id| ResetWorkflowExecutionRequest { workflow_execution: s.run("wf", &first), ..reset(s, "wf", event_id) };
    s.await_restart_interval().await;
    let third = reset_run(s, of_first(9)).await;
    s.history_of_run("wf", &second).await;
    s.history_of_run("wf", &third).await;
    for run_id in [&first, &second, &third] {
        let _ = s.call(DescribeWorkflowExecutionRequest { execution: s.run("wf", run_id), ..s.new_describe("wf") }).await;
    }
}

async fn cancel_request(s: &Script) {
    s.start_waiting("wf").await;
    s.request_cancel("wf").await;
    s.run_task([]).await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.step("after the request");
    s.request_cancel("wf").await;
    s.run_task([]).await;
    s.history("wf").await;
    s.signal("wf", "later").await;
    s.run_task([]).await;
    s.await_restart_interval().await;
    reset_run(s, reset(s, "wf", 11)).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn attached_request(s: &Script) {
    use foretime_server::proto::{enums::WorkflowIdConflictPolicy, workflow::OnConflictOptions};
    s.start_waiting("wf").await;
    let options = OnConflictOptions { attach_request_id: true, attach_completion_callbacks: false, attach_links: false };
    let again = StartWorkflowExecutionRequest {
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::UseExisting.into(),
        on_conflict_options: Some(options),
        ..s.new_start("wf")
    };
    let _ = s.call(again.clone()).await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.step("the same start again");
    let _ = s.call(again).await;
    s.history("wf").await;
}

async fn activities(s: &Script) {
    s.start("wf").await;
    let retry_policy = Some(RetryPolicy { initial_interval: seconds(3600.0), ..Default::default() });
    let activity = ScheduleActivityTaskCommandAttributes {
        retry_policy,
        schedule_to_close_timeout: seconds(7200.0),
        ..s.activity("retried")
    };
    s.run_task([schedule_activity(activity)]).await;
    let task = s.activity_task().await;
    s.fail_activity(&task, failure("the first attempt")).await;
    s.describe("wf").await;
    s.signal("wf", "later").await;
    s.run_task([]).await;
    s.step("it was pending at the reset point");
    reset_run(s, reset(s, "wf", 9)).await;
    s.history("wf").await;
    s.describe("wf").await;
    let task = s.activity_task().await;
    s.complete_activity(&task, "done").await;
    s.history("wf").await;
}

async fn activity_in_hand(s: &Script) {
    let first = s.start("wf").await;
    s.run_task([schedule_activity(s.activity("activity"))]).await;
    let old = s.activity_task().await;
    s.signal("wf", "later").await;
    s.run_task([]).await;
    reset_run(s, reset(s, "wf", 9)).await;
    s.step("the worker of the old run reports");
    s.heartbeat(&old, "alive").await;
    s.complete_activity(&old, "old").await;
    let new = s.activity_task().await;
    s.complete_activity(&new, "new").await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
    s.step("the task that scheduled it is done again");
    s.await_restart_interval().await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.no_activity_task().await;
}

async fn timers(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("short", 4.0), start_timer("long", 3600.0)]).await;
    s.signal("wf", "later").await;
    s.run_task([]).await;
    reset_run(s, reset(s, "wf", 9)).await;
    s.run_task([]).await;
    s.await_event("wf", EventType::TimerFired).await;
    s.history("wf").await;
    s.step("it can be cancelled");
    s.run_task([cancel_timer("long")]).await;
    s.history("wf").await;
}

async fn timer_in_the_past(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("short", 1.0)]).await;
    s.signal("wf", "later").await;
    s.run_task([]).await;
    s.await_event("wf", EventType::TimerFired).await;
    s.run_task([complete_workflow("done")]).await;
    s.history("wf").await;
    reset_run(s, reset(s, "wf", 8)).await;
    s.await_event("wf", EventType::TimerFired).await;
    s.history("wf").await;
}

/// Three runs of a chain, each with a signal. Returns the run ids of the first and the second.
async fn chain_of_three(s: &Script) -> [String; 2] {
    let first = s.start("wf").await;
    s.run_task([]).await;
    s.signal("wf", "to the first").await;
    s.await_restart_interval().await;
    s.run_task([continue_as_new(s.next_run())]).await;
    let second = continued_to(s, &first).await;
    s.run_task([]).await;
    s.signal("wf", "to the second").await;
    s.await_restart_interval().await;
    s.run_task([continue_as_new(s.next_run())]).await;
    s.run_task([]).await;
    s.signal("wf", "to the third").await;
    [first, second]
}

async fn continued_to(s: &Script, run_id: &str) -> String {
    match s.close_event("wf", run_id).await.and_then(|event| event.attributes) {
        Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it)) => it.new_execution_run_id,
        other => panic!("not continued as new: {other:?}"),
    }
}

async fn chain(s: &Script) {
    let [first, second] = chain_of_three(s).await;
    let of = |run_id: &str| ResetWorkflowExecutionRequest { workflow_execution: s.run("wf", run_id), ..reset(s, "wf", 4) };
    s.step("the first");
    reset_run(s, of(&first)).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.step("the second, which leads to a closed run");
    s.run_task([]).await;
    s.signal("wf", "to the reset run").await;
    s.await_restart_interval().await;
    reset_run(s, of(&second)).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn chain_closed(s: &Script) {
    let [first, _] = chain_of_three(s).await;
    s.run_task([complete_workflow("done")]).await;
    reset_run(s, ResetWorkflowExecutionRequest { workflow_execution: s.run("wf", &first), ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
    s.step("its successor continues the chain");
    s.await_restart_interval().await;
    s.run_task([continue_as_new(s.next_run())]).await;
    s.workflow_task().await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn retried_run(s: &Script) {
    let policy = RetryPolicy {
        initial_interval: Some(Duration { seconds: 1, nanos: 0 }),
        backoff_coefficient: 1.0,
        maximum_attempts: 3,
        ..Default::default()
    };
    let start = StartWorkflowExecutionRequest { retry_policy: Some(policy), ..s.new_start("wf") };
    let first = s.start_with(start).await;
    s.run_task([fail_workflow("the first")]).await;
    s.run_task([]).await;
    s.signal("wf", "to the second").await;
    s.step("the first attempt");
    reset_run(s, ResetWorkflowExecutionRequest { workflow_execution: s.run("wf", &first), ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.step("the reset run fails");
    s.run_task([fail_workflow("the reset one")]).await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, []).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.step("the second attempt is reset");
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn cron_run(s: &Script) {
    let start = StartWorkflowExecutionRequest { cron_schedule: "@every 2s".to_owned(), ..s.new_start("wf") };
    let first = s.start_with(start).await;
    s.run_task([complete_workflow("first")]).await;
    s.step("the first run is reset while the second waits");
    let request = ResetWorkflowExecutionRequest { workflow_execution: s.run("wf", &first), ..reset(s, "wf", 4) };
    reset_run(s, request).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.run_task([complete_workflow("reset")]).await;
    s.workflow_task().await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn timeouts(s: &Script) {
    let start = StartWorkflowExecutionRequest {
        workflow_execution_timeout: seconds(6.0),
        workflow_run_timeout: seconds(3.0),
        ..s.new_start("wf")
    };
    let first = s.start_with(start).await;
    s.run_task([]).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    s.step("halfway");
    reset_run(s, reset(s, "wf", 4)).await;
    let before = tokio::time::Instant::now();
    s.describe("wf").await;
    let second = s.close_event("wf", "").await;
    let waited = before.elapsed().as_secs_f64();
    s.note(format_args!("after about {} seconds", waited.round()));
    assert!(second.is_some());
    s.history("wf").await;
    s.step("one that has timed out");
    reset_run(s, ResetWorkflowExecutionRequest { workflow_execution: s.run("wf", &first), ..reset(s, "wf", 4) }).await;
    s.describe("wf").await;
}

async fn search_attributes(s: &Script) {
    use foretime_server::proto::command::UpsertWorkflowSearchAttributesCommandAttributes as Upsert;
    let colour = |value: &str| Some(SearchAttributes { indexed_fields: [("Colour".to_owned(), payload(value))].into() });
    s.start_with(StartWorkflowExecutionRequest { search_attributes: colour("red"), ..s.new_start("wf") }).await;
    s.run_task([upsert_search_attributes(Upsert { search_attributes: colour("blue") })]).await;
    s.signal("wf", "later").await;
    s.run_task([upsert_search_attributes(Upsert { search_attributes: colour("green") })]).await;
    s.describe("wf").await;
    reset_run(s, reset(s, "wf", 8)).await;
    s.describe("wf").await;
    s.await_restart_interval().await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.describe("wf").await;
}

async fn sticky(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.complete_sticky(s.new_completion(&task, []), 10.0).await;
    s.await_empty_poll(s.own_queue()).await;
    s.signal("wf", "later").await;
    let task = s.workflow_task_of(s.own_queue()).await;
    s.complete_sticky(s.new_completion(&task, []), 10.0).await;
    reset_run(s, reset(s, "wf", 8)).await;
    s.workflow_task().await;
    s.history("wf").await;
}

/// A signal to another workflow is sent again, if nothing told of its arrival before the reset point.
async fn external_signal(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { task_queue: Some(task_queue(&s.child_queue())), ..s.new_start("other") })
        .await;
    s.start("wf").await;
    s.run_task([signal_external(s.external_signal("other", "hello"))]).await;
    s.await_event("wf", EventType::ExternalWorkflowExecutionSignaled).await;
    s.run_task([]).await;
    s.history("wf").await;
    let _ = s.call(reset(s, "wf", 7)).await;
    let _ = s.call(reset(s, "wf", 9)).await;
    s.await_event("wf", EventType::ExternalWorkflowExecutionSignaled).await;
    s.history("wf").await;
    s.history("other").await;
}

async fn waits(s: &Script) {
    let first = s.start_waiting("wf").await;
    let close = GetWorkflowExecutionHistoryRequest {
        wait_new_event: true,
        history_event_filter_type: foretime_server::proto::enums::HistoryEventFilterType::CloseEvent.into(),
        ..s.new_history("wf")
    };
    let (answer, ()) = futures_util::future::join(s.client.call(close), async {
        until_it_has_come().await;
        reset_run(s, reset(s, "wf", 4)).await;
    })
    .await;
    s.show::<GetWorkflowExecutionHistoryRequest>(&answer);
    let _ = s.call(s.new_query("wf", "state")).await.is_ok();
    s.step("the old run");
    let _ = s.call(SignalWorkflowExecutionRequest { workflow_execution: s.run("wf", &first), ..s.new_signal("wf", "x") }).await;
    let _ = s.call(TerminateWorkflowExecutionRequest { first_execution_run_id: first, ..s.new_terminate("wf") }).await;
    s.history("wf").await;
}

async fn post_operations(s: &Script) {
    s.start_waiting("wf").await;
    let with = |variant| ResetWorkflowExecutionRequest {
        post_reset_operations: vec![PostResetOperation { variant }],
        ..reset(s, "wf", 4)
    };
    let signal = post_reset_operation::SignalWorkflow {
        signal_name: "after".to_owned(),
        input: payloads("the input"),
        ..Default::default()
    };
    let _ = s.call(with(Some(post_reset_operation::Variant::SignalWorkflow(signal.clone())))).await;
    let _ = s.call(with(None)).await;
    let bad = ResetWorkflowExecutionRequest {
        workflow_task_finish_event_id: 100,
        ..with(Some(post_reset_operation::Variant::SignalWorkflow(signal)))
    };
    let _ = s.call(bad).await;
    s.history("wf").await;
}
