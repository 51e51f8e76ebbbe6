//! What a worker without versioning says of its version: a build id, the name of its deployment, a checksum of its binary.
#![allow(deprecated, reason = "workers still send the deprecated fields")]

use foretime_server::proto::{
    command::ScheduleActivityTaskCommandAttributes,
    common::WorkerVersionStamp,
    enums::{EventType, VersioningBehavior, WorkflowTaskFailedCause},
    failure::ApplicationFailureInfo,
    workflowservice::*,
};
use foretime_tests::{
    commands::*,
    script::*,
    versions::*,
    worker::{application_failure, failure},
};

crate::scripts![
    build_id_in_polls,
    empty_build_ids,
    deployment_in_polls,
    build_ids_in_completions,
    deployment_in_completions,
    behaviour_without_versioning,
    binary_checksums,
    as_an_sdk_says_it,
    many_build_ids,
    versioned_build_id,
    failed_task,
    refused_completion,
    task_that_was_transient,
    task_that_is_no_longer_transient,
    speculative_task,
    speculative_task_that_fails,
    speculative_task_that_is_settled,
    next_task_with_the_completion,
    continued_as_new,
    activities,
    activity_attempts,
    eager_activity,
];

async fn build_id_in_polls(s: &Script) {
    s.start("wf").await;
    let task = s.await_task_of_build("build-1").await;
    s.show_workflow_task(&task);
    s.step("while the worker has the task");
    s.history("wf").await;
    s.describe("wf").await;
    s.step("the completion says nothing");
    let _ = s.complete(&task, []).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn empty_build_ids(s: &Script) {
    s.start("wf").await;
    let task = s.await_task_of_build("").await;
    let _ = s.complete_with(s.new_completion_of_build(&task, "", [])).await;
    s.describe("wf").await;
    s.signal("wf", "go").await;
    s.step("again");
    let task = s.await_task_of_build("").await;
    let _ = s.complete_with(s.new_completion_of_build(&task, "", [])).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn deployment_in_polls(s: &Script) {
    s.start("wf").await;
    let poll = PollWorkflowTaskQueueRequest {
        deployment_options: unversioned("deployment", "build-1"),
        ..s.new_workflow_poll(task_queue(s.queue()))
    };
    let task = s.await_polled(poll).await;
    let _ = s.complete(&task, []).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn build_ids_in_completions(s: &Script) {
    s.start("wf").await;
    for build_id in ["build-1", "build-2", "build-1"] {
        s.step(build_id);
        let task = s.await_workflow_task().await;
        let _ = s.complete_with(s.new_completion_of_build(&task, build_id, [])).await;
        s.describe("wf").await;
        s.signal("wf", "go").await;
    }
    s.step("none");
    s.run_task([complete_workflow("done")]).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn deployment_in_completions(s: &Script) {
    s.start("wf").await;
    for (name, build_id) in [("deployment", "build-1"), ("another", "build-2"), ("", "build-3")] {
        s.step(&format!("{name:?}"));
        let task = s.await_workflow_task().await;
        let deployment_options = unversioned(name, build_id);
        let completion = s.new_completion(&task, []);
        let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { deployment_options, ..completion }).await;
        s.describe("wf").await;
        s.signal("wf", "go").await;
    }
    s.step("none");
    s.run_task([complete_workflow("done")]).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn behaviour_without_versioning(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let completion = RespondWorkflowTaskCompletedRequest {
        versioning_behavior: VersioningBehavior::AutoUpgrade.into(),
        ..s.new_completion(&task, [])
    };
    s.step("no options");
    let _ = s.complete_with(completion.clone()).await;
    s.step("unversioned ones");
    let deployment_options = unversioned("deployment", "build-1");
    let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { deployment_options, ..completion }).await;
    s.step("the worker still has the task");
    s.describe("wf").await;
    let _ = s.complete(&task, []).await;
    s.history("wf").await;
}

async fn binary_checksums(s: &Script) {
    s.start("wf").await;
    for (checksum, build_id) in [("one", ""), ("two", "build-1"), ("two", "build-2"), ("", "build-2"), ("one", "")] {
        s.step(&format!("checksum {checksum:?}, build id {build_id:?}"));
        let binary_checksum = checksum.to_owned();
        let poll = s.new_workflow_poll(task_queue(s.queue()));
        let poll = PollWorkflowTaskQueueRequest { binary_checksum: binary_checksum.clone(), ..poll };
        let task = s.await_polled(poll).await;
        let completion = RespondWorkflowTaskCompletedRequest { binary_checksum, ..s.new_completion(&task, []) };
        let worker_version_stamp = if build_id.is_empty() { None } else { stamp(build_id) };
        let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { worker_version_stamp, ..completion }).await;
        s.describe("wf").await;
        s.signal("wf", "go").await;
    }
    s.history("wf").await;
}

async fn as_an_sdk_says_it(s: &Script) {
    s.start("wf").await;
    let poll = PollWorkflowTaskQueueRequest {
        worker_version_capabilities: capabilities("build-1"),
        deployment_options: unversioned("", "build-1"),
        binary_checksum: "build-1".to_owned(),
        ..s.new_workflow_poll(task_queue(s.queue()))
    };
    let task = s.await_polled(poll).await;
    let completion = RespondWorkflowTaskCompletedRequest {
        deployment_options: unversioned("", "build-1"),
        binary_checksum: "build-1".to_owned(),
        ..s.new_completion_of_build(&task, "build-1", [])
    };
    let _ = s.complete_with(completion).await;
    s.history("wf").await;
    s.describe("wf").await;
}

/// The value of a search attribute is limited, and so is the number of reset points.
async fn many_build_ids(s: &Script) {
    let _ = s.client.call(s.new_start("wf")).await.expect("the workflow starts");
    for number in 1..=25 {
        let task = s.await_workflow_task().await;
        let completion = RespondWorkflowTaskCompletedRequest {
            force_create_new_workflow_task: true,
            binary_checksum: format!("{number:0>150}"),
            ..s.new_completion_of_build(&task, &format!("{number:0>200}"), [])
        };
        s.client.call(completion).await.expect("the task completes");
    }
    s.describe("wf").await;
}

/// A worker that asks for versioning by build ids completes what it was given without.
async fn versioned_build_id(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    let task = s.await_workflow_task().await;
    let worker_version_stamp = stamp("build-1").map(|stamp| WorkerVersionStamp { use_versioning: true, ..stamp });
    let completion = s.new_completion(&task, []);
    let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { worker_version_stamp, ..completion }).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn failed_task(s: &Script) {
    s.start("wf").await;
    let task = s.await_task_of_build("build-1").await;
    s.fail_task_of_build(&task, "build-2").await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn refused_completion(s: &Script) {
    s.start("wf").await;
    let task = s.await_task_of_build("build-1").await;
    let completion = RespondWorkflowTaskCompletedRequest {
        binary_checksum: "the binary".to_owned(),
        deployment_options: unversioned("deployment", "build-2"),
        ..s.new_completion_of_build(&task, "build-2", [cancel_timer("missing")])
    };
    let _ = s.complete_with(completion).await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn task_that_was_transient(s: &Script) {
    s.start("wf").await;
    let task = s.await_task_of_build("build-1").await;
    s.fail_task_of_build(&task, "build-1").await;
    let task = s.await_task_of_build("build-2").await;
    s.step("the worker sees");
    s.show_events("  ", &task.history.clone().unwrap_or_default().events);
    s.step("others see");
    s.history("wf").await;
    s.fail_task_of_build(&task, "build-2").await;
    let task = s.await_task_of_build("build-3").await;
    let _ = s.complete_with(s.new_completion_of_build(&task, "build-4", [complete_workflow("done")])).await;
    s.history("wf").await;
}

async fn task_that_is_no_longer_transient(s: &Script) {
    s.start("wf").await;
    let task = s.await_task_of_build("build-1").await;
    s.fail_task_of_build(&task, "build-1").await;
    s.signal("wf", "go").await;
    let task = s.await_task_of_build("build-2").await;
    s.history("wf").await;
    let _ = s.complete_with(s.new_completion_of_build(&task, "build-3", [complete_workflow("done")])).await;
    s.history("wf").await;
}

async fn speculative_task(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "update"), async {
        let task = s.await_task_of_build("build-1").await;
        s.show_events("  ", &task.history.clone().unwrap_or_default().events);
        s.report_of_build(&task, "update", "build-2").await;
    })
    .await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn speculative_task_that_fails(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "update"), async {
        let task = s.await_task_of_build("build-1").await;
        s.fail_task_of_build(&task, "build-2").await;
        s.history("wf").await;
        let task = s.await_task_of_build("build-3").await;
        s.report_of_build(&task, "update", "build-4").await;
    })
    .await;
    s.history("wf").await;
}

async fn speculative_task_that_is_settled(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "update"), async {
        let task = s.await_task_of_build("build-1").await;
        s.signal("wf", "go").await;
        s.history("wf").await;
        s.report_of_build(&task, "update", "build-2").await;
    })
    .await;
    s.history("wf").await;
}

async fn next_task_with_the_completion(s: &Script) {
    s.start("wf").await;
    let task = s.await_task_of_build("build-1").await;
    let completion = RespondWorkflowTaskCompletedRequest {
        force_create_new_workflow_task: true,
        return_new_workflow_task: true,
        ..s.new_completion_of_build(&task, "build-2", [])
    };
    let reply = s.client.call(completion).await.expect("the task completes");
    let task = reply.workflow_task.expect("the next task comes with the reply");
    s.history("wf").await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
}

async fn continued_as_new(s: &Script) {
    let first = s.start("wf").await;
    s.await_restart_interval().await;
    let task = s.await_task_of_build("build-1").await;
    let completion = RespondWorkflowTaskCompletedRequest {
        binary_checksum: "the binary".to_owned(),
        deployment_options: unversioned("deployment", "build-1"),
        ..s.new_completion_of_build(&task, "build-1", [continue_as_new(s.next_run())])
    };
    let _ = s.complete_with(completion).await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
    s.describe("wf").await;
    let task = s.await_task_of_build("build-2").await;
    let _ = s.complete_with(s.new_completion_of_build(&task, "build-2", [complete_workflow("done")])).await;
    s.describe("wf").await;
}

async fn activities(s: &Script) {
    s.start("wf").await;
    s.step("completed");
    s.run_task([schedule_activity(s.activity("completed"))]).await;
    let task = s.await_activity_of_build("build-1").await;
    s.describe("wf").await;
    s.complete_activity_of_build(&task, "build-2").await;
    s.step("completed without a word");
    s.run_task([schedule_activity(s.activity("silently"))]).await;
    let task = s.await_activity_of_build("build-1").await;
    s.complete_activity(&task, "result").await;
    s.step("completed by id");
    s.run_task([schedule_activity(s.activity("by-id"))]).await;
    s.await_activity_of_build("build-1").await;
    let _ = s
        .call(RespondActivityTaskCompletedByIdRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: s.id("wf"),
            activity_id: "by-id".to_owned(),
            identity: "worker".to_owned(),
            ..Default::default()
        })
        .await;
    s.step("failed");
    s.run_task([schedule_activity(s.activity("failed"))]).await;
    let task = s.await_activity_of_build("build-1").await;
    let info = ApplicationFailureInfo { non_retryable: true, ..Default::default() };
    let request = s.new_activity_failure(&task, application_failure("failed", info));
    let _ = s.call(RespondActivityTaskFailedRequest { worker_version: stamp("build-2"), ..request }).await;
    s.step("cancelled");
    s.run_task([schedule_activity(s.activity("cancelled"))]).await;
    let activity = s.await_activity_of_build("build-1").await;
    s.signal("wf", "cancel it").await;
    let scheduled = s.await_event("wf", EventType::WorkflowExecutionSignaled).await;
    s.run_task([request_cancel_activity(scheduled.event_id - 1)]).await;
    let _ = s
        .call(RespondActivityTaskCanceledRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: activity.task_token,
            identity: "worker".to_owned(),
            worker_version: stamp("build-2"),
            ..Default::default()
        })
        .await;
    s.history("wf").await;
}

async fn activity_attempts(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(ScheduleActivityTaskCommandAttributes {
        start_to_close_timeout: seconds(2.0),
        schedule_to_close_timeout: seconds(3.0),
        ..s.activity("retried")
    })])
    .await;
    let task = s.await_activity_of_build("build-1").await;
    let request = s.new_activity_failure(&task, failure("the first attempt"));
    let _ = s.call(RespondActivityTaskFailedRequest { worker_version: stamp("build-1"), ..request }).await;
    s.step("between two attempts");
    s.describe("wf").await;
    let _ = s.await_activity_of_build("build-2").await;
    s.step("the second attempt");
    s.describe("wf").await;
    s.await_event("wf", EventType::ActivityTaskTimedOut).await;
    s.history("wf").await;
}

async fn eager_activity(s: &Script) {
    s.start("wf").await;
    let task = s.await_task_of_build("build-1").await;
    let activity = ScheduleActivityTaskCommandAttributes { request_eager_execution: true, ..s.activity("eager") };
    let completion = s.new_completion_of_build(&task, "build-1", [schedule_activity(activity)]);
    let reply = s.client.call(completion).await.expect("the task completes");
    let task = &reply.activity_tasks[0];
    s.describe("wf").await;
    s.complete_activity_of_build(task, "build-2").await;
    s.history("wf").await;
}
