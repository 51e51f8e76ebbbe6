//! What operators do, as it is told, and what waits because of it.

use std::time::Duration;

use foretime::Sim;
use temporalio_client::{NamespacedClient, WorkflowStartOptions, grpc::WorkflowService, tonic::IntoRequest};
use temporalio_common::protos::temporal::api::{
    activity::v1::ActivityOptions,
    batch::v1::{BatchOperationUnpauseActivities, batch_operation_unpause_activities},
    common::v1::{RetryPolicy, WorkflowExecution},
    workflowservice::v1::{
        PauseActivityRequest, PauseWorkflowExecutionRequest, ResetActivityExecutionRequest, StartBatchOperationRequest,
        UpdateActivityExecutionOptionsRequest, pause_activity_request, start_batch_operation_request::Operation,
    },
};

use crate::{
    assert_says, fails,
    trouble::{QUEUE, Trouble, worker},
};

/// Starts a workflow whose activity fails, and lets it fail a few times.
async fn fails_for_a_while(sim: &Sim) -> foretime::Result {
    let client = sim.client().clone();
    sim.workers(1, move |_| worker(&client));
    let options = WorkflowStartOptions::new(QUEUE, "trouble").build();
    sim.client().start_workflow(Trouble::run, "fail".to_owned(), options).await?;
    sim.sleep(Duration::from_secs(5)).await;
    Ok(())
}

fn service(sim: &Sim) -> Box<dyn WorkflowService> {
    sim.client().connection().workflow_service()
}

async fn pause_activity(sim: &Sim) -> foretime::Result {
    let request = PauseActivityRequest {
        namespace: sim.client().namespace(),
        execution: Some(WorkflowExecution { workflow_id: "trouble".to_owned(), ..Default::default() }),
        identity: "ops".to_owned(),
        activity: Some(pause_activity_request::Activity::Type("Hands::act".to_owned())),
        reason: "no disks".to_owned(),
        ..Default::default()
    };
    service(sim).pause_activity(request.into_request()).await?;
    Ok(())
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn is_operated_on(sim: Sim) -> foretime::Result {
    fails_for_a_while(&sim).await?;
    pause_activity(&sim).await?;
    let policy = RetryPolicy { maximum_attempts: 100, ..Default::default() };
    let mut request = UpdateActivityExecutionOptionsRequest {
        namespace: sim.client().namespace(),
        workflow_id: "trouble".to_owned(),
        activity_id: "1".to_owned(),
        activity_options: Some(ActivityOptions { retry_policy: Some(policy), ..Default::default() }),
        ..Default::default()
    };
    request.update_mask.get_or_insert_default().paths.push("retry_policy.maximum_attempts".to_owned());
    service(&sim).update_activity_execution_options(request.into_request()).await?;
    let request = ResetActivityExecutionRequest {
        namespace: sim.client().namespace(),
        workflow_id: "trouble".to_owned(),
        activity_id: "1".to_owned(),
        keep_paused: true,
        ..Default::default()
    };
    service(&sim).reset_activity_execution(request.into_request()).await?;
    let unpause = BatchOperationUnpauseActivities {
        activity: Some(batch_operation_unpause_activities::Activity::MatchAll(true)),
        ..Default::default()
    };
    let request = StartBatchOperationRequest {
        namespace: sim.client().namespace(),
        visibility_query: "WorkflowType = 'Trouble'".to_owned(),
        job_id: "disks".to_owned(),
        reason: "disks have come".to_owned(),
        operation: Some(Operation::UnpauseActivitiesOperation(unpause)),
        ..Default::default()
    };
    service(&sim).start_batch_operation(request.into_request()).await?;
    sim.sleep(Duration::from_secs(5)).await;
    Err("and so it went")?
}

#[test]
fn what_an_operator_does_is_told_in_its_order() {
    assert_says(
        &fails("operated::is_operated_on", &[]),
        &[
            "and so it went",
            "the test paused Hands::act of trouble: no disks",
            "the test changed the options of Hands::act of trouble",
            "the test reset Hands::act of trouble",
            "the test unpaused all activities of the workflows that `WorkflowType = 'Trouble'` finds: disks have come",
        ],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn pauses_an_activity_for_ever(sim: Sim) -> foretime::Result {
    fails_for_a_while(&sim).await?;
    pause_activity(&sim).await?;
    sim.client().get_workflow_handle::<Trouble>("trouble").get_result(Default::default()).await?;
    Ok(())
}

#[test]
fn an_activity_that_nobody_unpauses_is_named_with_who_paused_it_and_why() {
    let waits = "trouble (Trouble) waits for activity Hands::act (attempt ";
    assert_says(
        &fails("operated::pauses_an_activity_for_ever", &[]),
        &["nothing will ever happen again", waits, "the disk is full", r#"paused by ops: "no disks")"#],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn pauses_a_workflow_for_ever(sim: Sim) -> foretime::Result {
    sim.dynamic_config("frontend.WorkflowPauseEnabled", "true");
    fails_for_a_while(&sim).await?;
    let request = PauseWorkflowExecutionRequest {
        namespace: sim.client().namespace(),
        workflow_id: "trouble".to_owned(),
        identity: "ops".to_owned(),
        reason: "no disks".to_owned(),
        ..Default::default()
    };
    service(&sim).pause_workflow_execution(request.into_request()).await?;
    Err("and so it stays")?
}

#[test]
fn a_workflow_that_nobody_unpauses_is_named_with_who_paused_it_and_why() {
    let waits = r#"trouble (Trouble) waited for somebody to unpause it (paused by ops: "no disks")"#;
    assert_says(
        &fails("operated::pauses_a_workflow_for_ever", &[]),
        &["and so it stays", "the test paused trouble: no disks", waits],
    );
}
