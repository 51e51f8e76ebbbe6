//! Runs that grow too large, on servers with lowered limits: they are terminated.

use std::time::Duration;

use foretime_server::proto::{command::ScheduleActivityTaskCommandAttributes, common::Memo, workflowservice::*};
use foretime_tests::{commands::*, script::*};

crate::scripts![
    too_many_events_by_signals,
    too_many_events_by_commands,
    too_many_events_by_a_timer,
    too_long_a_history,
    a_heartbeat_too_many,
    a_memo_too_large_for_the_state,
    too_many_commands_for_the_state,
    too_much_buffered_for_the_state,
    too_many_buffered_events,
    an_update_of_a_run_too_large,
];

/// The lowered limits.
pub(crate) const ARGUMENTS: &[&str] = &[
    "--dynamic-config-value",
    "limit.historyCount.error=12",
    "--dynamic-config-value",
    "limit.historySize.error=6000",
    "--dynamic-config-value",
    "limit.mutableStateSize.error=4000",
    "--dynamic-config-value",
    "limit.mutableStateSize.warn=3000",
    "--dynamic-config-value",
    "history.maximumBufferedEventsBatch=4",
];

async fn signal(s: &Script, length: usize) {
    let input = payloads(&"x".repeat(length));
    let _ = s.call(SignalWorkflowExecutionRequest { input, ..s.new_signal("wf", "s") }).await;
}

async fn too_many_events_by_signals(s: &Script) {
    s.start("wf").await;
    for _ in 0..13 {
        signal(s, 1).await;
    }
    s.history("wf").await;
}

async fn too_many_events_by_commands(s: &Script) {
    s.start("wf").await;
    s.run_task((0..10).map(|n| start_timer(&n.to_string(), 60.0))).await;
    s.history("wf").await;
    s.start("fits").await;
    s.run_task((0..8).map(|n| start_timer(&n.to_string(), 60.0))).await;
    let _ = s.call(s.new_signal("fits", "s")).await;
    let _ = s.call(s.new_signal("fits", "s")).await;
    s.history("fits").await;
}

async fn too_many_events_by_a_timer(s: &Script) {
    s.start("wf").await;
    s.run_task((0..8).map(|n| start_timer(&n.to_string(), if n == 0 { 1.0 } else { 60.0 }))).await;
    let _ = s.call(s.new_signal("wf", "s")).await;
    s.close_event("wf", "").await;
    s.history("wf").await;
}

async fn too_long_a_history(s: &Script) {
    s.start("wf").await;
    for _ in 0..5 {
        signal(s, 1900).await;
    }
    s.history("wf").await;
}

async fn a_heartbeat_too_many(s: &Script) {
    s.start("wf").await;
    let activity = ScheduleActivityTaskCommandAttributes { heartbeat_timeout: seconds(60.0), ..s.activity("a") };
    s.run_task([schedule_activity(activity)]).await;
    let task = s.activity_task().await;
    s.heartbeat(&task, &"x".repeat(1000)).await;
    s.heartbeat(&task, &"x".repeat(5000)).await;
    s.heartbeat(&task, "x").await;
    s.history("wf").await;
}

async fn a_memo_too_large_for_the_state(s: &Script) {
    let memo = Some(Memo { fields: [("note".to_owned(), payload(&"x".repeat(5000)))].into() });
    s.start_with(StartWorkflowExecutionRequest { memo, ..s.new_start("wf") }).await;
    s.request_cancel("wf").await;
    s.history("wf").await;
}

async fn too_many_commands_for_the_state(s: &Script) {
    s.start("wf").await;
    let memo = Some(Memo { fields: [("note".to_owned(), payload(&"x".repeat(5000)))].into() });
    let upsert =
        modify_properties(foretime_server::proto::command::ModifyWorkflowPropertiesCommandAttributes { upserted_memo: memo });
    s.run_task([upsert]).await;
    s.history("wf").await;
}

async fn too_much_buffered_for_the_state(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    for _ in 0..4 {
        signal(s, 1200).await;
    }
    let _ = s.complete(&task, []).await;
    s.history("wf").await;
}

async fn too_many_buffered_events(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    for _ in 0..6 {
        signal(s, 1).await;
    }
    let _ = s.complete(&task, []).await;
    s.history("wf").await;
}

async fn an_update_of_a_run_too_large(s: &Script) {
    s.start("wf").await;
    for _ in 0..11 {
        signal(s, 1).await;
    }
    let _ = s.call_within(Duration::from_secs(2), s.new_update("wf", "u")).await;
    s.request_cancel("wf").await;
    s.history("wf").await;
}
