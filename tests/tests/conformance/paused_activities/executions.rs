//! The same requests in the form that names activities as executions, which `temporal activity` sends.

use super::*;

fn pause_execution(s: &Script) -> PauseActivityExecutionRequest {
    PauseActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        identity: "operator".to_owned(),
        reason: "the reason".to_owned(),
        request_id: s.request_id(),
        ..Default::default()
    }
}

fn unpause_execution(s: &Script) -> UnpauseActivityExecutionRequest {
    UnpauseActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        ..Default::default()
    }
}

fn reset_execution(s: &Script) -> ResetActivityExecutionRequest {
    ResetActivityExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        ..Default::default()
    }
}

fn change_execution(s: &Script, paths: &[&str]) -> UpdateActivityExecutionOptionsRequest {
    UpdateActivityExecutionOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: s.id("wf"),
        activity_id: "a".to_owned(),
        activity_options: Some(foretime_server::proto::activity::ActivityOptions {
            start_to_close_timeout: seconds(7.0),
            retry_policy: policy(3.0, 4),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        ..Default::default()
    }
}

pub(super) async fn named_as_executions(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.fail_activity(&activity, failure("no luck")).await;
    let request = pause_execution(s);
    let _ = s.call(request.clone()).await;
    let _ = s.call(request).await;
    let _ = s.call(pause_execution(s)).await;
    s.describe("wf").await;
    let _ = s.call(unpause_execution(s)).await;
    let activity = s.activity_task().await;
    s.fail_activity(&activity, failure("no luck")).await;
    let _ = s.call(reset_execution(s)).await;
    s.activity_task().await;
    let _ = s.call(change_execution(s, &["start_to_close_timeout", "retry_policy"])).await;
    let restored = UpdateActivityExecutionOptionsRequest {
        restore_original: true,
        update_mask: None,
        activity_options: None,
        ..change_execution(s, &[])
    };
    let _ = s.call(restored).await;
    s.describe("wf").await;
}

pub(super) async fn bad_requests_that_name_executions(s: &Script) {
    schedule(s, slow(s, "a")).await;
    let long = || "x".repeat(1_001);
    let none = String::new;
    let _ = s.call(PauseActivityExecutionRequest { activity_id: none(), ..pause_execution(s) }).await;
    let _ = s.call(PauseActivityExecutionRequest { activity_id: long(), ..pause_execution(s) }).await;
    let _ = s.call(PauseActivityExecutionRequest { identity: long(), ..pause_execution(s) }).await;
    let _ = s.call(PauseActivityExecutionRequest { request_id: long(), ..pause_execution(s) }).await;
    let _ = s.call(PauseActivityExecutionRequest { run_id: "no run id".to_owned(), ..pause_execution(s) }).await;
    let _ = s.call(PauseActivityExecutionRequest { activity_id: "b".to_owned(), ..pause_execution(s) }).await;
    let _ = s.call(PauseActivityExecutionRequest { workflow_id: s.id("other"), ..pause_execution(s) }).await;
    let _ = s.call(UnpauseActivityExecutionRequest { activity_id: none(), ..unpause_execution(s) }).await;
    let _ = s.call(ResetActivityExecutionRequest { activity_id: none(), ..reset_execution(s) }).await;
    let jitter = Some(Duration { seconds: -1, nanos: 0 });
    let _ = s.call(UnpauseActivityExecutionRequest { jitter, ..unpause_execution(s) }).await;
    let _ = s.call(ResetActivityExecutionRequest { jitter, ..reset_execution(s) }).await;
    for paths in
        [&[][..], &["nope"], &["task_queue.name"], &["start_delay"], &["priority.priority_key"], &["heartbeat_timeout"]]
    {
        let _ = s.call(change_execution(s, paths)).await;
    }
    let request = change_execution(s, &["priority"]);
    let _ = s.call(UpdateActivityExecutionOptionsRequest { restore_original: true, ..request.clone() }).await;
    let _ = s.call(UpdateActivityExecutionOptionsRequest { activity_options: None, ..request.clone() }).await;
    let _ = s.call(UpdateActivityExecutionOptionsRequest { update_mask: None, ..request }).await;
}
