//! Workflows that are paused and unpaused (`tests/pause_workflow_execution_test.go`).

mod activities;

use foretime_server::proto::{
    command::ScheduleActivityTaskCommandAttributes,
    common::{Priority, RetryPolicy},
    enums::{EventType, HistoryEventFilterType, QueryRejectCondition, WorkflowIdConflictPolicy, WorkflowTaskFailedCause},
    workflow::OnConflictOptions,
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*, updates::*, worker::failure};

use activities::*;

crate::scripts![
    idle,
    with_a_task_that_waits,
    with_a_transient_task_that_waits,
    before_its_first_task,
    before_its_delayed_first_task,
    with_a_task_at_a_worker,
    with_a_task_that_fails,
    with_a_task_that_fails_with_signals,
    with_a_task_that_times_out,
    with_a_task_that_goes_on,
    with_a_task_that_closes_it,
    with_a_task_that_starts_things,
    with_a_task_unpaused_before_it_ends,
    twice,
    not_paused,
    of_no_workflow,
    of_a_closed_workflow,
    long_texts,
    signalled,
    timers_fire,
    queried,
    updated,
    update_before_the_pause,
    update_before_the_pause_on_a_task,
    cancelled,
    terminated,
    run_timeout,
    signalled_with_start,
    started_again,
    updated_with_start,
    an_activity_that_waits,
    an_activity_that_runs,
    an_activity_that_fails,
    an_activity_in_backoff,
    an_activity_that_times_out,
    an_activity_cancelled,
    an_activity_paused_too,
    a_child_that_ends,
    a_child_that_is_paused,
    sticky,
    options_changed,
    described_without_reason,
    history_awaited,
    history_awaited_before_the_pause,
];

type Attributes = ScheduleActivityTaskCommandAttributes;

fn retried(s: &Script, initial_s: f64) -> Attributes {
    let policy = RetryPolicy { initial_interval: seconds(initial_s), ..Default::default() };
    Attributes { retry_policy: Some(policy), ..s.activity("a") }
}

fn new_pause(s: &Script) -> PauseWorkflowExecutionRequest {
    PauseWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        run_id: String::new(),
        identity: "operator".to_owned(),
        reason: "the reason".to_owned(),
        request_id: s.request_id(),
    }
}

fn new_unpause(s: &Script) -> UnpauseWorkflowExecutionRequest {
    UnpauseWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        run_id: String::new(),
        identity: "operator".to_owned(),
        reason: "the other reason".to_owned(),
        request_id: s.request_id(),
    }
}

async fn pause(s: &Script) {
    let _ = s.call(new_pause(s)).await;
}

async fn unpause(s: &Script) {
    let _ = s.call(new_unpause(s)).await;
}

/// Unpaused, it has a workflow task.
async fn goes_on(s: &Script) {
    unpause(s).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn wait(wait_s: f64) {
    tokio::time::sleep(std::time::Duration::from_secs_f64(wait_s)).await;
}

/// Asks until the current run of `id` has such an event. A long poll of a paused workflow does not wait.
async fn until_event(s: &Script, id: &str, wanted: EventType) {
    while !s.has_event(id, wanted).await {
        wait(0.05).await;
    }
}

async fn idle(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    s.describe("wf").await;
    s.no_workflow_task().await;
    unpause(s).await;
    s.describe("wf").await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn with_a_task_that_waits(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "go").await;
    pause(s).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.no_workflow_task().await;
    goes_on(s).await;
}

async fn with_a_transient_task_that_waits(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    pause(s).await;
    s.describe("wf").await;
    s.no_workflow_task().await;
    goes_on(s).await;
}

async fn before_its_first_task(s: &Script) {
    s.start("wf").await;
    pause(s).await;
    s.history("wf").await;
    unpause(s).await;
    s.workflow_task().await;
}

async fn before_its_delayed_first_task(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_start_delay: seconds(60.0), ..s.new_start("wf") }).await;
    pause(s).await;
    s.describe("wf").await;
    unpause(s).await;
    s.history("wf").await;
}

async fn with_a_task_at_a_worker(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    pause(s).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.signal("wf", "go").await;
    let _ = s.complete(&task, [start_timer("t", 60.0)]).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.no_workflow_task().await;
    goes_on(s).await;
}

async fn with_a_task_that_fails(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    pause(s).await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.no_workflow_task().await;
    goes_on(s).await;
}

async fn with_a_task_that_fails_with_signals(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    pause(s).await;
    s.signal("wf", "go").await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    s.history("wf").await;
    goes_on(s).await;
}

async fn with_a_task_that_times_out(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_task_timeout: seconds(1.0), ..s.new_start("wf") }).await;
    s.workflow_task().await;
    pause(s).await;
    until_event(s, "wf", EventType::WorkflowTaskTimedOut).await;
    s.history("wf").await;
    s.describe("wf").await;
    unpause(s).await;
    s.describe("wf").await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn with_a_task_that_goes_on(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    pause(s).await;
    let heartbeat = RespondWorkflowTaskCompletedRequest {
        force_create_new_workflow_task: true,
        return_new_workflow_task: true,
        ..s.new_completion(&task, [])
    };
    let _ = s.complete_with(heartbeat).await;
    s.history("wf").await;
    let plain = RespondWorkflowTaskCompletedRequest { return_new_workflow_task: true, ..s.new_completion(&task, []) };
    let _ = s.complete_with(plain).await;
    s.history("wf").await;
}

async fn with_a_task_that_closes_it(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    pause(s).await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.no_workflow_task().await;
    unpause(s).await;
    s.run_task([complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn with_a_task_that_starts_things(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    pause(s).await;
    let commands = [schedule_activity(s.activity("a")), start_timer("t", 1.0), start_child(s.child("child"))];
    let _ = s.complete(&task, commands).await;
    s.no_activity_task().await;
    until_event(s, "wf", EventType::TimerFired).await;
    until_event(s, "wf", EventType::ChildWorkflowExecutionStarted).await;
    s.describe("wf").await;
    unpause(s).await;
    s.activity_task().await;
    s.workflow_task().await;
}

async fn with_a_task_unpaused_before_it_ends(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    pause(s).await;
    unpause(s).await;
    s.describe("wf").await;
    let _ = s.complete(&task, []).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn twice(s: &Script) {
    let run_id = s.start_waiting("wf").await;
    let request = PauseWorkflowExecutionRequest { run_id, ..new_pause(s) };
    let _ = s.call(request.clone()).await;
    s.step("the same request");
    let _ = s.call(request.clone()).await;
    s.step("another request");
    pause(s).await;
    let _ = s.call(PauseWorkflowExecutionRequest { request_id: String::new(), ..request.clone() }).await;
    unpause(s).await;
    s.step("the same request, after it was unpaused");
    let _ = s.call(request.clone()).await;
    unpause(s).await;
    s.step("without a request id, twice");
    let _ = s.call(PauseWorkflowExecutionRequest { request_id: String::new(), ..request.clone() }).await;
    let _ = s.call(PauseWorkflowExecutionRequest { request_id: String::new(), ..request }).await;
    s.history("wf").await;
}

async fn not_paused(s: &Script) {
    s.start_waiting("wf").await;
    unpause(s).await;
    pause(s).await;
    let request = new_unpause(s);
    let _ = s.call(request.clone()).await;
    s.step("the same request");
    let _ = s.call(request).await;
}

async fn of_no_workflow(s: &Script) {
    pause(s).await;
    unpause(s).await;
    let _ = s.call(PauseWorkflowExecutionRequest { workflow_id: String::new(), ..new_pause(s) }).await;
    let _ = s.call(UnpauseWorkflowExecutionRequest { workflow_id: String::new(), ..new_unpause(s) }).await;
    let _ = s.call(PauseWorkflowExecutionRequest::default()).await;
    let _ = s.call(UnpauseWorkflowExecutionRequest::default()).await;
    let namespace = || "no-such-namespace".to_owned();
    let _ = s.call(PauseWorkflowExecutionRequest { namespace: namespace(), ..new_pause(s) }).await;
    let _ = s.call(UnpauseWorkflowExecutionRequest { namespace: namespace(), ..new_unpause(s) }).await;
    s.start("wf").await;
    for run_id in ["11111111-2222-3333-4444-555555555555", "not a run id"] {
        let _ = s.call(PauseWorkflowExecutionRequest { run_id: run_id.to_owned(), ..new_pause(s) }).await;
        let _ = s.call(UnpauseWorkflowExecutionRequest { run_id: run_id.to_owned(), ..new_unpause(s) }).await;
    }
}

async fn of_a_closed_workflow(s: &Script) {
    let run_id = s.start("wf").await;
    s.terminate("wf").await;
    pause(s).await;
    unpause(s).await;
    let _ = s.call(PauseWorkflowExecutionRequest { run_id, ..new_pause(s) }).await;
}

async fn long_texts(s: &Script) {
    let long = || "x".repeat(1_001);
    let _ = s.call(PauseWorkflowExecutionRequest { reason: long(), ..new_pause(s) }).await;
    let _ = s.call(PauseWorkflowExecutionRequest { request_id: long(), ..new_pause(s) }).await;
    let _ = s.call(PauseWorkflowExecutionRequest { identity: long(), ..new_pause(s) }).await;
    let _ = s.call(PauseWorkflowExecutionRequest { workflow_id: long(), ..new_pause(s) }).await;
    let _ = s.call(UnpauseWorkflowExecutionRequest { reason: long(), ..new_unpause(s) }).await;
    let _ = s.call(UnpauseWorkflowExecutionRequest { request_id: long(), ..new_unpause(s) }).await;
    let _ = s.call(UnpauseWorkflowExecutionRequest { identity: long(), ..new_unpause(s) }).await;
    let namespace = || "no-such-namespace".to_owned();
    let _ = s.call(PauseWorkflowExecutionRequest { namespace: namespace(), reason: long(), ..new_pause(s) }).await;
    let _ = s.call(UnpauseWorkflowExecutionRequest { namespace: namespace(), reason: long(), ..new_unpause(s) }).await;
}

async fn signalled(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    s.signal("wf", "one").await;
    s.signal("wf", "two").await;
    s.no_workflow_task().await;
    goes_on(s).await;
}

async fn timers_fire(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("t", 1.0)]).await;
    pause(s).await;
    until_event(s, "wf", EventType::TimerFired).await;
    s.no_workflow_task().await;
    goes_on(s).await;
}

async fn queried(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    let _ = s.call(s.new_query("wf", "state")).await;
    for condition in [QueryRejectCondition::None, QueryRejectCondition::NotOpen, QueryRejectCondition::NotCompletedCleanly] {
        let request = QueryWorkflowRequest { query_reject_condition: condition.into(), ..s.new_query("wf", "state") };
        let _ = s.call(request).await;
    }
}

async fn updated(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    let _ = s.call(s.new_update("wf", "u")).await;
    unpause(s).await;
    s.history("wf").await;
}

async fn update_before_the_pause(s: &Script) {
    s.start_waiting("wf").await;
    let update = s.new_update("wf", "u");
    let worker = async {
        until_it_has_come().await;
        pause(s).await;
        s.history("wf").await;
        s.no_workflow_task().await;
        unpause(s).await;
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "u")).await;
    };
    s.updated(update, worker).await;
    s.history("wf").await;
}

async fn update_before_the_pause_on_a_task(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "go").await;
    let update = s.new_update("wf", "u");
    let worker = async {
        until_it_has_come().await;
        pause(s).await;
    };
    s.updated(update, worker).await;
    s.history("wf").await;
}

async fn cancelled(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    s.request_cancel("wf").await;
    s.no_workflow_task().await;
    s.describe("wf").await;
    unpause(s).await;
    s.run_task([cancel_workflow()]).await;
    s.history("wf").await;
}

async fn terminated(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    s.terminate("wf").await;
    s.history("wf").await;
    s.describe("wf").await;
    let _ = s.call(s.new_query("wf", "state")).await;
}

async fn run_timeout(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_run_timeout: seconds(2.0), ..s.new_start("wf") }).await;
    s.run_task([]).await;
    pause(s).await;
    until_event(s, "wf", EventType::WorkflowExecutionTimedOut).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn signalled_with_start(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    let _ = s.call(s.new_signal_with_start("wf", "go")).await;
    s.no_workflow_task().await;
    s.history("wf").await;
}

async fn started_again(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    s.step("it fails");
    let _ = s.call(s.new_start("wf")).await;
    s.step("it uses the one there is");
    let using = |options| StartWorkflowExecutionRequest {
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::UseExisting.into(),
        on_conflict_options: options,
        ..s.new_start("wf")
    };
    let _ = s.call(using(None)).await;
    let options = OnConflictOptions { attach_request_id: true, ..Default::default() };
    let _ = s.call(using(Some(options))).await;
    s.history("wf").await;
    s.step("it terminates the one there is");
    s.await_restart_interval().await;
    let terminating = StartWorkflowExecutionRequest {
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::TerminateExisting.into(),
        ..s.new_start("wf")
    };
    let _ = s.call(terminating).await;
    s.describe("wf").await;
}

async fn updated_with_start(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    let mut request = s.new_update_with_start("wf", "u");
    for operation in &mut request.operations {
        if let Some(execute_multi_operation_request::operation::Operation::StartWorkflow(start)) = &mut operation.operation {
            start.workflow_id_conflict_policy = WorkflowIdConflictPolicy::UseExisting.into();
        }
    }
    let _ = s.call(request).await;
    s.history("wf").await;
}

async fn a_child_that_ends(s: &Script) {
    s.start("wf").await;
    s.run_task([start_child(s.child("child"))]).await;
    s.run_task([]).await;
    pause(s).await;
    let task = s.child_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    until_event(s, "wf", EventType::ChildWorkflowExecutionCompleted).await;
    s.history("wf").await;
    s.no_workflow_task().await;
}

async fn a_child_that_is_paused(s: &Script) {
    s.start("wf").await;
    s.run_task([start_child(s.child("child"))]).await;
    s.run_task([]).await;
    let task = s.child_task().await;
    let _ = s.complete(&task, []).await;
    let _ = s.call(PauseWorkflowExecutionRequest { workflow_id: s.id("child"), ..new_pause(s) }).await;
    s.step("its parent closes");
    s.terminate("wf").await;
    until_event(s, "child", EventType::WorkflowExecutionTerminated).await;
    s.history("child").await;
}

async fn sticky(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.complete_sticky(s.new_completion(&task, []), 5.0).await;
    s.await_empty_poll(s.own_queue()).await;
    pause(s).await;
    s.signal("wf", "go").await;
    unpause(s).await;
    s.history("wf").await;
    s.workflow_task_of(s.own_queue()).await;
}

async fn options_changed(s: &Script) {
    s.start_waiting("wf").await;
    pause(s).await;
    let request = UpdateWorkflowExecutionOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: s.execution("wf"),
        workflow_execution_options: Some(foretime_server::proto::workflow::WorkflowExecutionOptions {
            priority: Some(Priority { priority_key: 2, ..Default::default() }),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["priority".to_owned()] }),
        identity: "operator".to_owned(),
    };
    let _ = s.call(request).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn described_without_reason(s: &Script) {
    s.start_waiting("wf").await;
    let bare = PauseWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), workflow_id: s.id("wf"), ..Default::default() };
    let _ = s.call(bare).await;
    s.describe("wf").await;
    s.history("wf").await;
}

fn close_event(s: &Script) -> GetWorkflowExecutionHistoryRequest {
    GetWorkflowExecutionHistoryRequest {
        wait_new_event: true,
        history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
        ..s.new_history("wf")
    }
}

async fn history_awaited(s: &Script) {
    s.start_waiting("wf").await;
    let first = GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..s.new_history("wf") };
    let token = s.client.call(first.clone()).await.expect("the history is readable").next_page_token;
    pause(s).await;
    s.step("the close event");
    let _ = s.call(close_event(s)).await;
    s.step("the next event");
    let _ = s.call(first.clone()).await;
    let _ = s.call(GetWorkflowExecutionHistoryRequest { next_page_token: token, ..first }).await;
}

async fn history_awaited_before_the_pause(s: &Script) {
    s.start_waiting("wf").await;
    let first = GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..s.new_history("wf") };
    let token = s.client.call(first.clone()).await.expect("the history is readable").next_page_token;
    let next = GetWorkflowExecutionHistoryRequest { next_page_token: token, ..first };
    let pausing = async {
        until_it_has_come().await;
        pause(s).await;
    };
    let (close, next, ()) = futures_util::future::join3(s.client.call(close_event(s)), s.client.call(next), pausing).await;
    s.step("the close event");
    s.show::<GetWorkflowExecutionHistoryRequest>(&close);
    s.step("the next event");
    s.show::<GetWorkflowExecutionHistoryRequest>(&next);
}
