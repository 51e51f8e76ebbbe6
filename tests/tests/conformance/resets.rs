//! Resets: what becomes of the run, of what it had pending, and of what came after the reset point.

#![allow(deprecated, reason = "the wire has deprecated fields, and they are tried, too")]

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
    ResetWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: s.execution(id),
        reason: "the reason".to_owned(),
        workflow_task_finish_event_id,
        request_id: s.request_id(),
        identity: "client".to_owned(),
        ..Default::default()
    }
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

async fn signalled_later(s: &Script) {
    two_tasks(s).await;
    let links = vec![];
    let _ = s.call(SignalWorkflowExecutionRequest { links, ..s.new_signal("wf", "third") }).await;
    s.run_task([]).await;
    s.signal("wf", "fourth").await;
}

async fn signals(s: &Script) {
    signalled_later(s).await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.workflow_task().await;
}

async fn signals_left_out(s: &Script) {
    signalled_later(s).await;
    let reset_reapply_exclude_types = vec![Exclude::Signal.into()];
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_exclude_types, ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
}

async fn signals_alone(s: &Script) {
    signalled_later(s).await;
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_type: Reapply::Signal.into(), ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
}

async fn nothing_reapplied(s: &Script) {
    signalled_later(s).await;
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_type: Reapply::None.into(), ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
    let every = [Exclude::Signal, Exclude::Update, Exclude::Nexus, Exclude::CancelRequest].map(Into::into).to_vec();
    s.await_restart_interval().await;
    s.signal("wf", "fifth").await;
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_exclude_types: every, ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
}

async fn a_signal_again(s: &Script) {
    s.start_waiting("wf").await;
    let signal = s.new_signal("wf", "once");
    let _ = s.call(signal.clone()).await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.step("the same signal to the new run");
    let _ = s.call(signal).await;
    s.history("wf").await;
}

async fn buffered_signals(s: &Script) {
    let first = s.start_waiting("wf").await;
    s.signal("wf", "one").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "buffered").await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
    s.step("the worker answers to the old run");
    let _ = s.complete(&task, [complete_workflow("done")]).await;
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

/// One update is done, and one accepted.
async fn updated(s: &Script) -> String {
    let run_id = s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "first"), async {
        let task = s.await_workflow_task().await;
        s.report(&task, done(&task, "first")).await;
    })
    .await;
    let accepted = UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Accepted), ..s.new_update("wf", "second") };
    s.updated(accepted, async {
        let task = s.await_workflow_task().await;
        s.report(&task, [acceptance(&task, "second")]).await;
    })
    .await;
    run_id
}

/// A speculative task ends a batch with its started event, too.
async fn to_each_event_of_updates(s: &Script) {
    let first = updated(s).await;
    s.history("wf").await;
    for event_id in 5..=12 {
        s.step(&format!("to event {event_id}"));
        let workflow_execution = s.run("wf", &first);
        let _ = s.call(ResetWorkflowExecutionRequest { workflow_execution, ..reset(s, "wf", event_id) }).await;
    }
}

async fn updates(s: &Script) {
    let first = updated(s).await;
    s.signal("wf", "later").await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.step("asked of the old run and of the new one");
    let old = s
        .new_update_poll("wf", "first")
        .update_ref
        .map(|it| foretime_server::proto::update::UpdateRef { workflow_execution: s.run("wf", &first), ..it });
    let _ = s.call(PollWorkflowExecutionUpdateRequest { update_ref: old, ..s.new_update_poll("wf", "first") }).await;
    let admitted = PollWorkflowExecutionUpdateRequest { wait_policy: None, ..s.new_update_poll("wf", "first") };
    let _ = s.call(admitted).await;
    s.step("the worker sees them");
    let task = s.workflow_task().await;
    let [accept, respond] = done(&task, "first");
    s.report(&task, [accept, respond, acceptance(&task, "second")]).await;
    let _ = s.call(s.new_update_poll("wf", "first")).await;
    let accepted =
        PollWorkflowExecutionUpdateRequest { wait_policy: until(Stage::Accepted), ..s.new_update_poll("wf", "second") };
    let _ = s.call(accepted).await;
    s.history("wf").await;
}

async fn updates_left_out(s: &Script) {
    updated(s).await;
    s.signal("wf", "later").await;
    let reset_reapply_exclude_types = vec![Exclude::Update.into()];
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_exclude_types, ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
    let _ = s.call(s.new_update_poll("wf", "first")).await;
}

async fn updates_rejected(s: &Script) {
    updated(s).await;
    reset_run(s, reset(s, "wf", 4)).await;
    let task = s.workflow_task().await;
    s.report(&task, [rejection(&task, "first")]).await;
    s.history("wf").await;
}

async fn updates_of_a_reset_run(s: &Script) {
    updated(s).await;
    reset_run(s, reset(s, "wf", 4)).await;
    let task = s.await_workflow_task().await;
    s.report(&task, done(&task, "first")).await;
    s.history("wf").await;
    s.step("the reset run is reset");
    s.await_restart_interval().await;
    reset_run(s, reset(s, "wf", 9)).await;
    s.history("wf").await;
    s.step("and again, to before its updates");
    s.await_restart_interval().await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.workflow_task().await;
}

async fn pending_update(s: &Script) {
    let first = s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "pending"), async {
        let task = s.await_workflow_task().await;
        reset_run(s, reset(s, "wf", 4)).await;
        s.report(&task, done(&task, "pending")).await;
    })
    .await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
}

async fn update_again(s: &Script) {
    updated(s).await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.step("the same update is sent to the new run");
    s.updated(s.new_update("wf", "first"), async {
        until_it_has_come().await;
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "first")).await;
    })
    .await;
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

/// A parent whose child runs; a signal and a task come after. Returns the parent's run id.
async fn with_child(s: &Script, child: StartChildWorkflowExecutionCommandAttributes) -> String {
    let run_id = s.start("parent").await;
    s.run_task([start_child(child)]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    s.run_task([]).await;
    s.signal("parent", "later").await;
    s.run_task([]).await;
    run_id
}

async fn child_goes_on(s: &Script) {
    let first = with_child(s, s.child("child")).await;
    s.history("parent").await;
    reset_run(s, reset(s, "parent", 13)).await;
    s.history_of_run("parent", &first).await;
    s.history("parent").await;
    s.describe("parent").await;
    s.describe("child").await;
    s.run_task([]).await;
    s.step("the child completes");
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionCompleted).await;
    s.history("parent").await;
    s.describe("parent").await;
}

async fn child_completes_before(s: &Script) {
    with_child(s, s.child("child")).await;
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionCompleted).await;
    s.run_task([complete_workflow("done")]).await;
    reset_run(s, reset(s, "parent", 13)).await;
    s.history("parent").await;
    s.describe("parent").await;
}

async fn child_starts_after_the_point(s: &Script) {
    with_child(s, s.child("child")).await;
    s.history("parent").await;
    s.step("the task of the child's start");
    let _ = s.call(reset(s, "parent", 7)).await;
    let _ = s.call(reset(s, "parent", 8)).await;
    s.history("parent").await;
    s.describe("parent").await;
}

/// The child was asked for in the task that is done again.
async fn child_after_the_point(s: &Script) {
    let first = with_child(s, s.child("child")).await;
    reset_run(s, reset(s, "parent", 4)).await;
    s.history("parent").await;
    s.describe("parent").await;
    s.describe("child").await;
    s.step("it is asked for again");
    s.run_task([start_child(s.child("child"))]).await;
    s.await_event("parent", EventType::StartChildWorkflowExecutionFailed).await;
    s.history("parent").await;
    s.step("the old child completes");
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.history("parent").await;
    s.history_of_run("parent", &first).await;
}

async fn child_after_the_point_abandoned(s: &Script) {
    use foretime_server::proto::enums::ParentClosePolicy;
    let child = StartChildWorkflowExecutionCommandAttributes {
        parent_close_policy: ParentClosePolicy::Abandon.into(),
        ..s.child("child")
    };
    with_child(s, child).await;
    s.run_task_of_child().await;
    reset_run(s, reset(s, "parent", 4)).await;
    s.run_task([start_child(s.child("child"))]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionStarted).await;
    s.history("parent").await;
    s.describe("child").await;
}

/// The reset run closes: its child is one of the run before.
async fn child_and_close_policy(s: &Script) {
    with_child(s, s.child("child")).await;
    reset_run(s, reset(s, "parent", 13)).await;
    s.run_task([complete_workflow("done")]).await;
    s.close_event("parent", "").await;
    until_it_has_come().await;
    s.describe("child").await;
    s.history("child").await;
}

async fn of_a_child(s: &Script) {
    with_child(s, s.child("child")).await;
    let task = s.await_workflow_task_of(task_queue(&s.child_queue())).await;
    let _ = s.complete(&task, []).await;
    reset_run(s, reset(s, "child", 4)).await;
    s.history("child").await;
    s.describe("child").await;
    s.history("parent").await;
    s.describe("parent").await;
    s.step("the reset child completes");
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionCompleted).await;
    s.history("parent").await;
}

async fn of_a_closed_child(s: &Script) {
    with_child(s, s.child("child")).await;
    let task = s.await_workflow_task_of(task_queue(&s.child_queue())).await;
    let _ = s.complete(&task, [complete_workflow("the child's result")]).await;
    s.await_event("parent", EventType::ChildWorkflowExecutionCompleted).await;
    s.run_task([]).await;
    reset_run(s, reset(s, "child", 4)).await;
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("another result")]).await;
    s.history("child").await;
    s.history("parent").await;
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

/// What the scripts of children need.
trait Children {
    /// The child's next task is done, and the child with it.
    async fn run_task_of_child(&self);
}

impl Children for Script {
    async fn run_task_of_child(&self) {
        let task = self.await_workflow_task_of(task_queue(&self.child_queue())).await;
        let commands: [Command; 1] = [complete_workflow("the child's result")];
        let _ = self.complete(&task, commands).await;
    }
}
