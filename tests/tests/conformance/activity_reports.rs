//! What is said of activities that no worker has, or whose workflow is gone; and what is checked first.

use foretime_server::proto::{enums::UpdateWorkflowExecutionLifecycleStage as Stage, failure::Failure, workflowservice::*};
use foretime_tests::{commands::*, script::*, updates::*};

crate::scripts![completed_before_it_starts, too_large_before_it_starts, malformed_and_too_late, of_a_deleted_workflow];

fn completion_by_id(s: &Script) -> RespondActivityTaskCompletedByIdRequest {
    RespondActivityTaskCompletedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        result: payloads("the result"),
        identity: "somebody else".to_owned(),
        ..Default::default()
    }
}

async fn scheduled(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("a"))]).await;
}

/// It counts as started by who completes it.
async fn completed_before_it_starts(s: &Script) {
    scheduled(s).await;
    let _ = s.call(completion_by_id(s)).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.no_activity_task().await;
}

async fn too_large_before_it_starts(s: &Script) {
    scheduled(s).await;
    let result = payloads(&"x".repeat(3 << 20));
    let _ = s.call(RespondActivityTaskCompletedByIdRequest { result, ..completion_by_id(s) }).await;
    s.describe("wf").await;
}

/// The request is checked before the activity is looked up.
async fn malformed_and_too_late(s: &Script) {
    scheduled(s).await;
    let activity = s.activity_task().await;
    s.terminate("wf").await;
    let failed = s.new_activity_failure(&activity, Failure { message: "no info".to_owned(), ..Default::default() });
    let _ = s.call(failed).await;
    let identity = "i".repeat(1001);
    let _ = s.call(RespondActivityTaskCompletedByIdRequest { identity: identity.clone(), ..completion_by_id(s) }).await;
    let canceled = RespondActivityTaskCanceledRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: activity.task_token.clone(),
        identity,
        ..Default::default()
    };
    let _ = s.call(canceled).await;
}

/// Whatever a worker has in hand of it.
async fn of_a_deleted_workflow(s: &Script) {
    scheduled(s).await;
    let activity = s.activity_task().await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    let delete = DeleteWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), workflow_execution: s.execution("wf") };
    let _ = s.call(delete).await;
    while s.client.call(s.new_describe("wf")).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    s.heartbeat(&activity, "halfway").await;
    s.complete_activity(&activity, "the result").await;
    let _ = s.call(completion_by_id(s)).await;
    let _ = s.complete(&task, []).await;
    s.fail_task(&task, foretime_server::proto::enums::WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    let _ = s.call(UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Accepted), ..s.new_update("wf", "u") }).await;
}
