//! Batch operations that reset workflows.

use super::*;

async fn two_tasks(s: &Script, id: &str) {
    s.start(id).await;
    s.run_task([start_timer("t", 60.0)]).await;
    s.signal(id, "s").await;
    s.run_task([]).await;
}

pub(super) async fn reset_to_first_and_last(s: &Script) {
    for (id, reset_type) in [("first", ResetType::FirstWorkflowTask), ("last", ResetType::LastWorkflowTask)] {
        two_tasks(s, id).await;
        let reset =
            BatchOperationReset { reset_type: reset_type.into(), identity: "operator".to_owned(), ..Default::default() };
        done(s, on(s, &[id], job(s, &format!("j-{id}"), Operation::ResetOperation(reset)))).await;
        s.await_event(id, EventType::WorkflowTaskFailed).await;
        history(s, id).await;
    }
}

pub(super) async fn reset_by_options(s: &Script) {
    for (id, target) in [
        ("first", Target::FirstWorkflowTask(())),
        ("last", Target::LastWorkflowTask(())),
        ("id", Target::WorkflowTaskId(4)),
        ("bad-id", Target::WorkflowTaskId(1)),
        ("build", Target::BuildId("none".to_owned())),
    ] {
        two_tasks(s, id).await;
        let options = Some(ResetOptions { target: Some(target), ..Default::default() });
        let reset = BatchOperationReset { options, identity: "operator".to_owned(), ..Default::default() };
        done(s, on(s, &[id], job(s, &format!("j-{id}"), Operation::ResetOperation(reset)))).await;
        history(s, id).await;
    }
}

pub(super) async fn reset_without_a_task(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_start_delay: seconds(60.0), ..s.new_start("delayed") }).await;
    s.start("scheduled").await;
    let reset = BatchOperationReset { reset_type: ResetType::FirstWorkflowTask.into(), ..Default::default() };
    done(s, on(s, &["delayed", "scheduled"], job(s, "j", Operation::ResetOperation(reset)))).await;
    history(s, "scheduled").await;
}

/// Where the batcher has to read the history, what is not there is a failure; else it is as good as done.
pub(super) async fn reset_of_what_is_not_there(s: &Script) {
    for (id, target) in [
        ("first", Target::FirstWorkflowTask(())),
        ("last", Target::LastWorkflowTask(())),
        ("id", Target::WorkflowTaskId(4)),
        ("build", Target::BuildId("build-1".to_owned())),
    ] {
        let options = Some(ResetOptions { target: Some(target), ..Default::default() });
        let reset = BatchOperationReset { options, ..Default::default() };
        done(s, on(s, &["missing"], job(s, &format!("j-{id}"), Operation::ResetOperation(reset)))).await;
    }
    let reset = BatchOperationReset { reset_type: ResetType::LastWorkflowTask.into(), ..Default::default() };
    done(s, on(s, &["missing"], job(s, "j-type", Operation::ResetOperation(reset)))).await;
}

fn to_build(build_id: &str, current_run_only: bool) -> Operation {
    let target = Some(Target::BuildId(build_id.to_owned()));
    let options = Some(ResetOptions { target, current_run_only, ..Default::default() });
    Operation::ResetOperation(BatchOperationReset { options, ..Default::default() })
}

/// A task of each of two builds, with a signal before each.
async fn two_builds(s: &Script) -> String {
    let run_id = s.start("wf").await;
    for build_id in ["build-1", "build-2"] {
        s.signal("wf", build_id).await;
        let task = s.await_task_of_build(build_id).await;
        let _ = s.complete_with(s.new_completion_of_build(&task, build_id, [])).await;
    }
    run_id
}

pub(super) async fn reset_to_a_build(s: &Script) {
    two_builds(s).await;
    done(s, on(s, &["wf"], job(s, "j-2", to_build("build-2", false)))).await;
    history(s, "wf").await;
    s.await_restart_interval().await;
    s.step("the run has no point of this build any more");
    done(s, on(s, &["wf"], job(s, "j-2-again", to_build("build-2", false)))).await;
    done(s, on(s, &["wf"], job(s, "j-1", to_build("build-1", false)))).await;
    history(s, "wf").await;
    s.describe("wf").await;
}

/// The current run is the one that the operation names. Where it names none, no point is good.
pub(super) async fn reset_to_a_build_of_the_current_run(s: &Script) {
    let run_id = two_builds(s).await;
    done(s, on(s, &["wf"], job(s, "j-unnamed", to_build("build-2", true)))).await;
    let named = vec![WorkflowExecution { workflow_id: s.id("wf"), run_id }];
    done(s, StartBatchOperationRequest { executions: named, ..job(s, "j-named", to_build("build-2", true)) }).await;
    history(s, "wf").await;
}

/// The point is in the run before.
pub(super) async fn reset_of_a_chain_to_a_build(s: &Script) {
    two_builds(s).await;
    s.signal("wf", "go on").await;
    s.run_task([continue_as_new(s.next_run())]).await;
    s.run_task([]).await;
    done(s, on(s, &["wf"], job(s, "j", to_build("build-1", false)))).await;
    history(s, "wf").await;
    s.describe("wf").await;
}
