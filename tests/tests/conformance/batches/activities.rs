//! Batch operations on the activities of workflows.

use foretime_server::proto::{
    activity::ActivityOptions,
    command::ScheduleActivityTaskCommandAttributes,
    common::{ActivityType, RetryPolicy},
};
use foretime_tests::worker::failure;

use super::*;

async fn a_paused_activity(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("a")), schedule_activity(s.activity("b"))]).await;
    let request = PauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        activity: Some(pause_activity_request::Activity::Type("A".to_owned())),
        ..Default::default()
    };
    s.client.call(request).await.expect("they are paused");
}

pub(super) async fn pause_and_unpause_activities(s: &Script) {
    a_paused_activity(s).await;
    let activity = Some(batch_operation_unpause_activities::Activity::MatchAll(true));
    let unpause = BatchOperationUnpauseActivities { activity, ..Default::default() };
    done(s, on(s, &["wf", "missing"], job(s, "j", Operation::UnpauseActivitiesOperation(unpause)))).await;
    s.describe("wf").await;
}

pub(super) async fn reset_activities(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("a"))]).await;
    let task = s.activity_task().await;
    s.fail_activity(&task, failure("no")).await;
    let activity = Some(batch_operation_reset_activities::Activity::MatchAll(true));
    let reset = BatchOperationResetActivities { activity, ..Default::default() };
    done(s, on(s, &["wf"], job(s, "j", Operation::ResetActivitiesOperation(reset)))).await;
    s.activity_task().await;
}

pub(super) async fn activity_options(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("a"))]).await;
    let update = BatchOperationUpdateActivityOptions {
        activity: Some(batch_operation_update_activity_options::Activity::MatchAll(true)),
        restore_original: true,
        update_mask: Some(prost_types::FieldMask::default()),
        ..Default::default()
    };
    done(s, on(s, &["wf"], job(s, "j", Operation::UpdateActivityOptionsOperation(update)))).await;
    s.describe("wf").await;
}

fn changing_options(activity: batch_operation_update_activity_options::Activity, paths: &[&str]) -> Operation {
    let options = ActivityOptions {
        task_queue: Some(task_queue("another-queue")),
        schedule_to_close_timeout: seconds(100.0),
        start_to_close_timeout: seconds(9.0),
        heartbeat_timeout: seconds(3.0),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    Operation::UpdateActivityOptionsOperation(BatchOperationUpdateActivityOptions {
        identity: "operator".to_owned(),
        activity: Some(activity),
        activity_options: Some(options),
        update_mask: Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        ..Default::default()
    })
}

fn of_type(name: &str) -> batch_operation_update_activity_options::Activity {
    batch_operation_update_activity_options::Activity::Type(name.to_owned())
}

/// Two workflows, each with an activity of type A and one of type B.
async fn two_workflows_with_activities(s: &Script) {
    for id in ["one", "two"] {
        s.start(id).await;
        let other = ScheduleActivityTaskCommandAttributes {
            activity_type: Some(ActivityType { name: "B".to_owned() }),
            ..s.activity("b")
        };
        s.run_task([schedule_activity(s.activity("a")), schedule_activity(other)]).await;
    }
}

pub(super) async fn activity_options_of_a_type(s: &Script) {
    two_workflows_with_activities(s).await;
    let change = changing_options(of_type("A"), &["start_to_close_timeout", "retry_policy.maximum_attempts"]);
    done(s, on(s, &["one", "two", "missing"], job(s, "j", change))).await;
    s.describe("one").await;
    s.describe("two").await;
    let restore = BatchOperationUpdateActivityOptions {
        activity: Some(of_type("A")),
        restore_original: true,
        update_mask: Some(prost_types::FieldMask::default()),
        ..Default::default()
    };
    done(s, on(s, &["one"], job(s, "j-restore", Operation::UpdateActivityOptionsOperation(restore)))).await;
    s.describe("one").await;
    s.history("one").await;
}

pub(super) async fn activity_options_of_all(s: &Script) {
    two_workflows_with_activities(s).await;
    let all = batch_operation_update_activity_options::Activity::MatchAll(true);
    let change = changing_options(all, &["task_queue.name", "heartbeat_timeout", "schedule_to_close_timeout"]);
    done(s, on(s, &["one"], job(s, "j", change))).await;
    s.describe("one").await;
}

/// What is wrong with it is found out workflow by workflow.
pub(super) async fn activity_options_refused(s: &Script) {
    two_workflows_with_activities(s).await;
    for (id, name, path) in [("type", "C", "heartbeat_timeout"), ("path", "A", "nothing_known"), ("none", "A", "")] {
        let paths: &[&str] = if path.is_empty() { &[] } else { &[path] };
        done(s, on(s, &["one", "two"], job(s, &format!("j-{id}"), changing_options(of_type(name), paths)))).await;
    }
    s.describe("one").await;
}
