//! Activities that are reset.

use super::*;

pub(super) async fn reset_before_its_start(s: &Script) {
    schedule(s, quick(s, "a")).await;
    let _ = s.call(reset_by_id(s, "a")).await;
    s.describe("wf").await;
    let activity = s.activity_task().await;
    s.heartbeat(&activity, "half").await;
    s.no_activity_task().await;
}

pub(super) async fn reset_during_backoff(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.heartbeat(&activity, "half").await;
    s.fail_activity(&activity, failure("no luck")).await;
    let _ = s.call(reset_by_id(s, "a")).await;
    s.describe("wf").await;
    s.activity_task().await;
    s.describe("wf").await;
}

pub(super) async fn reset_while_it_runs(s: &Script) {
    let activity = started(s, quick(s, "a")).await;
    let _ = s.call(reset_by_id(s, "a")).await;
    s.describe("wf").await;
    s.heartbeat(&activity, "half").await;
    s.fail_activity(&activity, failure("no luck")).await;
    let activity = s.activity_task().await;
    s.heartbeat(&activity, "half").await;
}

pub(super) async fn reset_while_it_runs_again(s: &Script) {
    let activity = started(s, quick(s, "a")).await;
    s.fail_activity(&activity, failure("no luck")).await;
    let activity = s.activity_task().await;
    let _ = s.call(reset_by_id(s, "a")).await;
    s.describe("wf").await;
    s.heartbeat(&activity, "half").await;
    s.complete_activity(&activity, "the result").await;
}

pub(super) async fn reset_heartbeats(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.heartbeat(&activity, "half").await;
    s.fail_activity(&activity, failure("no luck")).await;
    let _ = s.call(ResetActivityRequest { reset_heartbeat: true, ..reset_by_id(s, "a") }).await;
    s.describe("wf").await;
    s.activity_task().await;
}

pub(super) async fn reset_heartbeats_while_it_runs(s: &Script) {
    let activity = started(s, quick(s, "a")).await;
    s.heartbeat(&activity, "half").await;
    let _ = s.call(ResetActivityRequest { reset_heartbeat: true, ..reset_by_id(s, "a") }).await;
    s.describe("wf").await;
    s.heartbeat(&activity, "more").await;
    s.fail_activity(&activity, failure("no luck")).await;
    s.activity_task().await;
}

pub(super) async fn reset_while_paused(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.fail_activity(&activity, failure("no luck")).await;
    pause(s, "a").await;
    let _ = s.call(reset_by_id(s, "a")).await;
    s.describe("wf").await;
    s.activity_task().await;
}

pub(super) async fn reset_and_kept_paused(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.heartbeat(&activity, "half").await;
    s.fail_activity(&activity, failure("no luck")).await;
    pause(s, "a").await;
    let request = ResetActivityRequest { keep_paused: true, reset_heartbeat: true, ..reset_by_id(s, "a") };
    let _ = s.call(request).await;
    s.describe("wf").await;
    s.no_activity_task().await;
    unpause(s, "a").await;
    s.describe("wf").await;
    s.activity_task().await;
}

pub(super) async fn reset_by_type_and_all(s: &Script) {
    let activity = started(s, slow(s, "a")).await;
    s.fail_activity(&activity, failure("no luck")).await;
    let type_name = s.activity("a").activity_type.unwrap_or_default().name;
    let _ = s.call(reset_of(s, Some(Reset::Type(type_name)))).await;
    let activity = s.activity_task().await;
    s.fail_activity(&activity, failure("no luck")).await;
    let _ = s.call(reset_of(s, Some(Reset::MatchAll(true)))).await;
    let activity = s.activity_task().await;
    s.fail_activity(&activity, failure("no luck")).await;
    let _ = s.call(ResetActivityRequest { jitter: seconds(0.001), ..reset_of(s, Some(Reset::MatchAll(false))) }).await;
    s.activity_task().await;
}

pub(super) async fn reset_to_original_options(s: &Script) {
    schedule(s, slow(s, "a")).await;
    let request = UpdateActivityOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        identity: "operator".to_owned(),
        activity_options: Some(foretime_server::proto::activity::ActivityOptions {
            start_to_close_timeout: seconds(7.0),
            priority: Some(foretime_server::proto::common::Priority { priority_key: 2, ..Default::default() }),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["start_to_close_timeout".to_owned(), "priority".to_owned()] }),
        activity: Some(update_activity_options_request::Activity::Id("a".to_owned())),
        ..Default::default()
    };
    let _ = s.call(request).await;
    let _ = s.call(ResetActivityRequest { restore_original_options: true, ..reset_by_id(s, "a") }).await;
    s.describe("wf").await;
    s.activity_task().await;
}
