//! Eager tasks: handed out with the reply, without a poll.

use foretime_server::proto::{command::ScheduleActivityTaskCommandAttributes, workflowservice::*};
use foretime_tests::{commands::*, script::*};

crate::scripts![workflow_start, workflow_start_with_delay, activities, activity_elsewhere];

fn eager(s: &Script) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { request_eager_execution: true, ..s.new_start("wf") }
}

async fn workflow_start(s: &Script) {
    let reply = s.client.call(eager(s)).await.expect("it starts");
    let task = reply.eager_workflow_task.expect("its first task comes along");
    s.show_workflow_task(&task);
    s.history("wf").await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn workflow_start_with_delay(s: &Script) {
    let _ = s.call(StartWorkflowExecutionRequest { workflow_start_delay: seconds(60.0), ..eager(s) }).await;
    s.history("wf").await;
}

async fn activities(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let eager = |id: &str| ScheduleActivityTaskCommandAttributes { request_eager_execution: true, ..s.activity(id) };
    let request = s.new_completion(&task, [schedule_activity(eager("a")), schedule_activity(s.activity("b"))]);
    let mut reply = s.client.call(request).await.expect("the task completes");
    s.note(format_args!("activities in the reply: {}", reply.activity_tasks.len()));
    let activity = reply.activity_tasks.remove(0);
    s.show_message("activity task", &activity);
    s.history("wf").await;
    s.step("the other one by a poll");
    s.activity_task().await;
    s.complete_activity(&activity, "the result").await;
    s.history("wf").await;
}

async fn activity_elsewhere(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let elsewhere = ScheduleActivityTaskCommandAttributes {
        request_eager_execution: true,
        task_queue: Some(task_queue(&s.child_queue())),
        ..s.activity("a")
    };
    let reply = s.client.call(s.new_completion(&task, [schedule_activity(elsewhere)])).await.expect("it completes");
    s.note(format_args!("activities in the reply: {}", reply.activity_tasks.len()));
}
