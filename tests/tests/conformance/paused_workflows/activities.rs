//! Activities of workflows that are paused.

use super::*;

pub(super) async fn an_activity_that_waits(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(retried(s, 0.2))]).await;
    pause(s).await;
    s.describe("wf").await;
    s.no_activity_task().await;
    unpause(s).await;
    s.describe("wf").await;
    let activity = s.activity_task().await;
    s.complete_activity(&activity, "done").await;
    s.workflow_task().await;
    s.history("wf").await;
}

pub(super) async fn an_activity_that_runs(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(retried(s, 0.2))]).await;
    let activity = s.activity_task().await;
    pause(s).await;
    s.heartbeat(&activity, "half").await;
    s.describe("wf").await;
    s.complete_activity(&activity, "done").await;
    s.history("wf").await;
    s.no_workflow_task().await;
    unpause(s).await;
    s.workflow_task().await;
}

pub(super) async fn an_activity_that_fails(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(retried(s, 0.2))]).await;
    let activity = s.activity_task().await;
    pause(s).await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.step("its retry does not wait");
    let activity = s.activity_task().await;
    unpause(s).await;
    s.complete_activity(&activity, "done").await;
    s.history("wf").await;
}

pub(super) async fn an_activity_in_backoff(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(retried(s, 1.0))]).await;
    let activity = s.activity_task().await;
    s.fail_activity(&activity, failure("no luck")).await;
    pause(s).await;
    s.describe("wf").await;
    s.no_activity_task().await;
    s.describe("wf").await;
    unpause(s).await;
    s.activity_task().await;
}

pub(super) async fn an_activity_that_times_out(s: &Script) {
    let queued = Attributes { schedule_to_start_timeout: seconds(1.0), activity_id: "b".to_owned(), ..retried(s, 0.2) };
    let closed = Attributes { schedule_to_close_timeout: seconds(2.0), ..retried(s, 0.2) };
    s.start("wf").await;
    s.run_task([schedule_activity(closed), schedule_activity(queued)]).await;
    pause(s).await;
    wait(3.0).await;
    s.history("wf").await;
    s.describe("wf").await;
}

pub(super) async fn an_activity_cancelled(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(retried(s, 0.2))]).await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    pause(s).await;
    let _ = s.complete(&task, [request_cancel_activity(5)]).await;
    s.history("wf").await;
    s.no_workflow_task().await;
    unpause(s).await;
    s.workflow_task().await;
}

pub(super) async fn an_activity_paused_too(s: &Script) {
    s.start("wf").await;
    s.run_task([
        schedule_activity(retried(s, 0.2)),
        schedule_activity(Attributes { activity_id: "b".to_owned(), ..retried(s, 0.2) }),
    ])
    .await;
    let pause_activity = PauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        identity: "operator".to_owned(),
        activity: Some(pause_activity_request::Activity::Id("a".to_owned())),
        ..Default::default()
    };
    let _ = s.call(pause_activity).await;
    pause(s).await;
    s.describe("wf").await;
    s.step("the activity is unpaused, and the workflow is not");
    let unpause_activity = UnpauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        identity: "operator".to_owned(),
        activity: Some(unpause_activity_request::Activity::Id("a".to_owned())),
        ..Default::default()
    };
    let _ = s.call(unpause_activity).await;
    s.describe("wf").await;
    let activity = s.activity_task().await;
    s.complete_activity(&activity, "done").await;
    s.step("the workflow is unpaused, and the other activity is not");
    let pause_activity = PauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        identity: "operator".to_owned(),
        activity: Some(pause_activity_request::Activity::Id("b".to_owned())),
        ..Default::default()
    };
    let _ = s.call(pause_activity).await;
    unpause(s).await;
    s.no_activity_task().await;
    s.describe("wf").await;
}
