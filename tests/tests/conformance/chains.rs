//! Chains of runs: continue-as-new, retry, cron, and the timeouts that end a run or a chain.

use foretime_server::proto::{
    command::ContinueAsNewWorkflowExecutionCommandAttributes,
    common::{Memo, Priority, RetryPolicy, SearchAttributes},
    enums::{EventType, TaskQueueKind},
    failure::ApplicationFailureInfo,
    taskqueue::TaskQueue,
    workflow::WorkflowExecutionOptions,
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*, worker::application_failure};
use prost_types::Duration;

crate::scripts![
    continue_as_new,
    continue_as_new_with_everything_set,
    continue_as_new_of_a_young_run,
    continue_as_new_refused,
    retry,
    retry_until_attempts_end,
    retry_not_of_a_named_type,
    retry_not_of_a_non_retryable_failure,
    retry_at_once_if_the_failure_says_when,
    cron,
    cron_after_a_failure,
    run_timeout,
    run_timeout_is_retried,
    execution_timeout,
    execution_timeout_ends_a_chain,
    priority_of_the_next_run,
];

fn policy(maximum_attempts: i32) -> RetryPolicy {
    RetryPolicy {
        initial_interval: Some(Duration { seconds: 1, nanos: 0 }),
        backoff_coefficient: 1.0,
        maximum_attempts,
        non_retryable_error_types: vec!["Final".to_owned()],
        ..Default::default()
    }
}

fn retried(s: &Script, maximum_attempts: i32) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { retry_policy: Some(policy(maximum_attempts)), ..s.new_start("wf") }
}

async fn continue_as_new(s: &Script) {
    let first = s.start("wf").await;
    s.await_restart_interval().await;
    s.run_task([continue_as(s.next_run())]).await;
    s.history_of_run("wf", &first).await;
    s.workflow_task().await;
    s.history("wf").await;
    s.step("the first run is closed");
    let _ =
        s.call(SignalWorkflowExecutionRequest { workflow_execution: s.run("wf", &first), ..s.new_signal("wf", "late") }).await;
}

async fn continue_as_new_refused(s: &Script) {
    let size = |value: &str| Some(SearchAttributes { indexed_fields: [("Size".to_owned(), payload(value))].into() });
    let sticky = TaskQueue {
        kind: TaskQueueKind::Sticky.into(),
        normal_name: "n".to_owned(),
        ..s.next_run().task_queue.unwrap_or_default()
    };
    for (id, attributes) in [
        ("a", ContinueAsNewWorkflowExecutionCommandAttributes { search_attributes: size("x"), ..s.next_run() }),
        (
            "b",
            ContinueAsNewWorkflowExecutionCommandAttributes {
                search_attributes: size("x"),
                task_queue: Some(sticky),
                ..s.next_run()
            },
        ),
    ] {
        s.start(id).await;
        let task = s.workflow_task().await;
        let _ = s.call(s.new_completion(&task, [continue_as(attributes)])).await;
        s.terminate(id).await;
    }
}

fn continue_as(attributes: ContinueAsNewWorkflowExecutionCommandAttributes) -> foretime_server::proto::command::Command {
    foretime_tests::commands::continue_as_new(attributes)
}

async fn continue_as_new_with_everything_set(s: &Script) {
    let map = |name: &str, value: &str| [(name.to_owned(), payload(value))].into();
    let first = s
        .start_with(StartWorkflowExecutionRequest {
            workflow_execution_timeout: seconds(3600.0),
            workflow_run_timeout: seconds(600.0),
            workflow_task_timeout: seconds(20.0),
            memo: Some(Memo { fields: map("note", "the first memo") }),
            search_attributes: Some(SearchAttributes { indexed_fields: map("Colour", "red") }),
            retry_policy: Some(policy(3)),
            ..s.new_start("wf")
        })
        .await;
    s.await_restart_interval().await;
    s.step("all inherited that can be");
    s.run_task([continue_as(s.next_run())]).await;
    s.history_of_run("wf", &first).await;
    s.await_restart_interval().await;
    s.history("wf").await;
    s.step("all given");
    s.run_task([continue_as(ContinueAsNewWorkflowExecutionCommandAttributes {
        workflow_run_timeout: seconds(500.0),
        workflow_task_timeout: seconds(30.0),
        memo: Some(Memo { fields: map("note", "the second memo") }),
        search_attributes: Some(SearchAttributes { indexed_fields: map("Colour", "blue") }),
        ..s.next_run()
    })])
    .await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn continue_as_new_of_a_young_run(s: &Script) {
    s.start("wf").await;
    s.run_task([continue_as(s.next_run())]).await;
    s.step("the next run's first task waits until a second after the first run's start");
    s.workflow_task().await;
}

async fn retry(s: &Script) {
    let first = s.start_with(retried(s, 3)).await;
    s.run_task([fail_workflow("first failure")]).await;
    s.history_of_run("wf", &first).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn retry_until_attempts_end(s: &Script) {
    s.start_with(retried(s, 2)).await;
    s.run_task([fail_workflow("first failure")]).await;
    s.run_task([fail_workflow("second failure")]).await;
    s.history("wf").await;
}

async fn fail_with(s: &Script, info: ApplicationFailureInfo) {
    use foretime_server::proto::command::{FailWorkflowExecutionCommandAttributes, command::Attributes};
    let failure = Some(application_failure("failed", info));
    s.run_task([command(Attributes::FailWorkflowExecutionCommandAttributes(FailWorkflowExecutionCommandAttributes {
        failure,
    }))])
    .await;
}

async fn retry_not_of_a_named_type(s: &Script) {
    s.start_with(retried(s, 3)).await;
    fail_with(s, ApplicationFailureInfo { r#type: "Final".to_owned(), ..Default::default() }).await;
    s.close_event("wf", "").await;
}

async fn retry_not_of_a_non_retryable_failure(s: &Script) {
    s.start_with(retried(s, 3)).await;
    fail_with(s, ApplicationFailureInfo { non_retryable: true, ..Default::default() }).await;
    s.close_event("wf", "").await;
}

async fn retry_at_once_if_the_failure_says_when(s: &Script) {
    let slow = RetryPolicy { initial_interval: Some(Duration { seconds: 600, nanos: 0 }), ..policy(3) };
    s.start_with(StartWorkflowExecutionRequest { retry_policy: Some(slow), ..s.new_start("wf") }).await;
    fail_with(s, ApplicationFailureInfo { next_retry_delay: seconds(2.0), ..Default::default() }).await;
    s.workflow_task().await;
    s.history("wf").await;
}

fn periodic(s: &Script) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { cron_schedule: "@every 2s".to_owned(), ..s.new_start("wf") }
}

async fn cron(s: &Script) {
    let first = s.start_with(periodic(s)).await;
    s.run_task([complete_workflow("the first result")]).await;
    s.history_of_run("wf", &first).await;
    s.workflow_task().await;
    s.history("wf").await;
    s.terminate("wf").await;
    s.close_event("wf", "").await;
}

async fn cron_after_a_failure(s: &Script) {
    let first = s.start_with(periodic(s)).await;
    s.run_task([complete_workflow("the first result")]).await;
    s.close_event("wf", &first).await;
    s.run_task([fail_workflow("the second run fails")]).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn run_timeout(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_run_timeout: seconds(1.0), ..s.new_start("wf") }).await;
    s.close_event("wf", "").await;
    s.history("wf").await;
}

async fn run_timeout_is_retried(s: &Script) {
    let first = s.start_with(StartWorkflowExecutionRequest { workflow_run_timeout: seconds(1.0), ..retried(s, 2) }).await;
    s.close_event("wf", &first).await;
    s.await_event("wf", EventType::WorkflowExecutionTimedOut).await;
    s.history("wf").await;
}

async fn execution_timeout(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_execution_timeout: seconds(1.0), ..s.new_start("wf") }).await;
    s.close_event("wf", "").await;
    s.history("wf").await;
}

async fn execution_timeout_ends_a_chain(s: &Script) {
    let first = s
        .start_with(StartWorkflowExecutionRequest {
            workflow_execution_timeout: seconds(3.0),
            workflow_run_timeout: seconds(2.0),
            ..retried(s, 0)
        })
        .await;
    s.close_event("wf", &first).await;
    s.await_event("wf", EventType::WorkflowExecutionTimedOut).await;
    s.history("wf").await;
}

/// A retry, and the next run of a cron schedule, have the priority that the run before started with; the next run of a
/// continue-as-new has the one that it had at its end.
async fn priority_of_the_next_run(s: &Script) {
    let start = |id: &str| StartWorkflowExecutionRequest {
        priority: Some(Priority { priority_key: 4, ..Default::default() }),
        ..s.new_start(id)
    };
    for (id, start, end) in [
        ("retried", StartWorkflowExecutionRequest { retry_policy: Some(policy(2)), ..start("retried") }, fail_workflow("no")),
        (
            "periodic",
            StartWorkflowExecutionRequest { cron_schedule: "@every 1s".to_owned(), ..start("periodic") },
            complete_workflow("done"),
        ),
        ("continued", start("continued"), continue_as(s.next_run())),
    ] {
        s.start_with(start).await;
        let options = WorkflowExecutionOptions {
            priority: Some(Priority { priority_key: 2, ..Default::default() }),
            ..Default::default()
        };
        let change = UpdateWorkflowExecutionOptionsRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: s.execution(id),
            workflow_execution_options: Some(options),
            update_mask: Some(prost_types::FieldMask { paths: vec!["priority".to_owned()] }),
            ..Default::default()
        };
        let _ = s.call(change).await;
        if id == "continued" {
            // A run that is younger puts the next one off by the rest of a second.
            s.await_restart_interval().await;
        }
        s.run_task([end]).await;
        s.await_workflow_task().await;
        s.history(id).await;
        s.terminate(id).await;
    }
}
