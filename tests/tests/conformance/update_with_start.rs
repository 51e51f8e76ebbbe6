//! Update-with-start: new and running workflows, policies, what goes wrong with either half.

use foretime_server::proto::{
    enums::{UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*, updates::*};

crate::scripts![
    starts,
    uses_the_running_workflow,
    conflict_fails,
    conflict_terminates,
    same_request_again,
    same_update_again,
    known_outcome_of_a_closed_workflow,
    closed_workflow,
    closed_workflow_of_the_same_request,
    closed_workflow_that_may_not_be_started_again,
    rejected,
    accepted,
    workflow_closes_meanwhile,
    new_workflow_closes_at_once,
    refused_operations,
    refused_starts,
    refused_updates,
    refused_halves,
];

/// The next task, of which the update is done.
async fn worked(s: &Script, update_id: &str) {
    let task = s.workflow_task().await;
    s.report(&task, done(&task, update_id)).await;
}

fn with_policy(s: &Script, update_id: &str, policy: WorkflowIdConflictPolicy) -> ExecuteMultiOperationRequest {
    let start = StartWorkflowExecutionRequest { workflow_id_conflict_policy: policy.into(), ..s.new_start("wf") };
    operations(start, s.new_update("wf", update_id))
}

async fn starts(s: &Script) {
    s.updated_with_start(s.new_update_with_start("wf", "u1"), worked(s, "u1")).await;
    s.history("wf").await;
}

async fn uses_the_running_workflow(s: &Script) {
    s.start("wf").await;
    s.run_task([]).await;
    s.updated_with_start(s.new_update_with_start("wf", "u1"), worked(s, "u1")).await;
    s.history("wf").await;
}

async fn conflict_fails(s: &Script) {
    s.start("wf").await;
    s.run_task([]).await;
    let _ = s.call(with_policy(s, "u1", WorkflowIdConflictPolicy::Fail)).await;
    let _ = s.call(with_policy(s, "u1", WorkflowIdConflictPolicy::Unspecified)).await;
    s.history("wf").await;
}

async fn conflict_terminates(s: &Script) {
    let first = s.start("wf").await;
    s.run_task([]).await;
    s.await_restart_interval().await;
    s.updated_with_start(with_policy(s, "u1", WorkflowIdConflictPolicy::TerminateExisting), worked(s, "u1")).await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
}

async fn same_request_again(s: &Script) {
    let request = with_policy(s, "u1", WorkflowIdConflictPolicy::Fail);
    s.updated_with_start(request.clone(), worked(s, "u1")).await;
    let _ = s.call(request).await;
}

async fn same_update_again(s: &Script) {
    s.updated_with_start(with_policy(s, "u1", WorkflowIdConflictPolicy::Fail), async {
        let task = s.await_workflow_task().await;
        s.report(&task, [acceptance(&task, "u1")]).await;
        s.signal("wf", "go").await;
        let task = s.await_workflow_task().await;
        let again = s.updated_with_start(with_policy(s, "u1", WorkflowIdConflictPolicy::Fail), async {
            until_it_has_come().await;
            s.report(&task, [response("u1", "done")]).await;
        });
        Box::pin(again).await;
    })
    .await;
}

async fn known_outcome_of_a_closed_workflow(s: &Script) {
    s.updated_with_start(s.new_update_with_start("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let report = s.new_report(&task, done(&task, "u1"));
        let commands = [report.commands.clone(), vec![complete_workflow("done")]].concat();
        let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { commands, ..report }).await;
    })
    .await;
    let _ = s.call(s.new_update_with_start("wf", "u1")).await;
}

async fn closed_workflow(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    s.await_restart_interval().await;
    s.updated_with_start(s.new_update_with_start("wf", "u1"), worked(s, "u1")).await;
}

/// The start is one that has been done already, and what it started is over.
async fn closed_workflow_of_the_same_request(s: &Script) {
    let start = s.new_start("wf");
    let _ = s.call(start.clone()).await;
    s.run_task([complete_workflow("done")]).await;
    let _ = s.call(operations(start, s.new_update("wf", "u1"))).await;
}

async fn closed_workflow_that_may_not_be_started_again(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    let start = StartWorkflowExecutionRequest {
        workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate.into(),
        ..s.new_start("wf")
    };
    let _ = s.call(operations(start, s.new_update("wf", "u1"))).await;
}

async fn rejected(s: &Script) {
    s.updated_with_start(s.new_update_with_start("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        s.report(&task, [rejection(&task, "u1")]).await;
    })
    .await;
    s.history("wf").await;
}

async fn accepted(s: &Script) {
    let update = UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Accepted), ..s.new_update("wf", "u1") };
    s.updated_with_start(operations(s.new_start("wf"), update), async {
        let task = s.await_workflow_task().await;
        s.report(&task, [acceptance(&task, "u1")]).await;
    })
    .await;
}

async fn workflow_closes_meanwhile(s: &Script) {
    s.start("wf").await;
    s.run_task([]).await;
    s.signal("wf", "go").await;
    s.await_restart_interval().await;
    s.updated_with_start(s.new_update_with_start("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        until_it_has_come().await;
        let _ = s.complete(&task, [complete_workflow("done")]).await;
        worked(s, "u1").await;
    })
    .await;
}

async fn new_workflow_closes_at_once(s: &Script) {
    s.updated_with_start(s.new_update_with_start("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let _ = s.complete(&task, [complete_workflow("done")]).await;
    })
    .await;
    s.history("wf").await;
}

async fn refused_operations(s: &Script) {
    let both = s.new_update_with_start("wf", "u1");
    let with = |change: fn(&mut ExecuteMultiOperationRequest)| {
        let mut request = both.clone();
        change(&mut request);
        request
    };
    let _ = s.call(with(|it| it.operations.clear())).await;
    let _ = s.call(with(|it| it.operations.truncate(1))).await;
    let _ = s.call(with(|it| it.operations.reverse())).await;
    let _ = s.call(with(|it| it.operations.push(it.operations[0].clone()))).await;
    let _ = s.call(with(|it| it.operations[0].operation = None)).await;
    let _ = s.call(with(|it| it.namespace = "missing".to_owned())).await;
}

async fn refused_starts(s: &Script) {
    let with = |change: fn(&mut StartWorkflowExecutionRequest)| {
        let mut start = s.new_start("wf");
        change(&mut start);
        operations(start, s.new_update("wf", "u1"))
    };
    let _ = s.call(with(|it| it.cron_schedule = "* * * * *".to_owned())).await;
    let _ = s.call(with(|it| it.request_eager_execution = true)).await;
    let _ = s.call(with(|it| it.workflow_start_delay = seconds(1.0))).await;
    let _ = s.call(with(|it| it.workflow_type = None)).await;
    let _ = s.call(with(|it| it.namespace = "another".to_owned())).await;
    let _ = s.call(operations(s.new_start("another"), s.new_update("wf", "u1"))).await;
}

async fn refused_updates(s: &Script) {
    let with = |change: fn(&mut UpdateWorkflowExecutionRequest)| {
        let mut update = s.new_update("wf", "u1");
        change(&mut update);
        operations(s.new_start("wf"), update)
    };
    let _ = s.call(with(|it| it.first_execution_run_id = "x".to_owned())).await;
    let _ = s
        .call(with(|it| {
            it.workflow_execution.as_mut().expect("named").run_id = "01a2b3c4-0000-7000-8000-0123456789ab".to_owned();
        }))
        .await;
    let _ = s.call(with(|it| it.request = None)).await;
    let _ = s.call(with(|it| it.wait_policy = until(Stage::Admitted))).await;
    let _ = s.call(with(|it| it.namespace = "another".to_owned())).await;
}

async fn refused_halves(s: &Script) {
    let start = StartWorkflowExecutionRequest { workflow_type: None, ..s.new_start("wf") };
    let _ = s.call(operations(start, UpdateWorkflowExecutionRequest { request: None, ..s.new_update("wf", "u1") })).await;
}
