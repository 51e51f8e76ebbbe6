//! The search attribute TemporalReportedProblems (`tests/workflow_task_reported_problems_test.go`). The server runs with the
//! default of five problems in a row, or fewer.

use foretime_server::proto::{enums::WorkflowTaskFailedCause, workflowservice::*};
use foretime_tests::script::*;

crate::scripts![failures, timeouts, signals_between, failures_of_several_kinds, a_bad_command];

const CAUSE: WorkflowTaskFailedCause = WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure;

async fn fail(s: &Script, count: usize, cause: WorkflowTaskFailedCause) {
    for _ in 0..count {
        let task = s.await_workflow_task().await;
        s.fail_task(&task, cause).await;
    }
}

async fn failures(s: &Script) {
    s.start("wf").await;
    fail(s, 4, CAUSE).await;
    s.describe("wf").await;
    fail(s, 1, CAUSE).await;
    s.describe("wf").await;
    s.run_task([]).await;
    s.describe("wf").await;
}

async fn timeouts(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_task_timeout: seconds(1.0), ..s.new_start("wf") }).await;
    fail(s, 4, CAUSE).await;
    s.await_workflow_task().await;
    s.await_workflow_task().await;
    s.describe("wf").await;
}

async fn signals_between(s: &Script) {
    s.start("wf").await;
    for _ in 0..5 {
        let task = s.await_workflow_task().await;
        s.signal("wf", "go").await;
        s.fail_task(&task, CAUSE).await;
    }
    s.describe("wf").await;
}

async fn failures_of_several_kinds(s: &Script) {
    s.start("wf").await;
    fail(s, 5, CAUSE).await;
    fail(s, 1, WorkflowTaskFailedCause::NonDeterministicError).await;
    s.describe("wf").await;
}

async fn a_bad_command(s: &Script) {
    s.start("wf").await;
    fail(s, 4, CAUSE).await;
    s.run_task([foretime_tests::commands::start_timer("", 1.0)]).await;
    s.describe("wf").await;
}
