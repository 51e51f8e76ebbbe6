//! Timers.

use foretime_server::proto::enums::EventType;
use foretime_tests::{commands::*, script::*};

crate::scripts![
    a_timer,
    cancelled,
    cancelled_in_the_same_task,
    two_with_one_id,
    an_id_used_again,
    cancel_of_an_unknown_one,
    without_a_timeout,
    two_at_one_instant,
    fired_during_a_task,
    fired_during_a_task_and_cancelled,
    gone_when_the_workflow_closes,
];

async fn a_timer(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("t", 1.0)]).await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn cancelled(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("t", 60.0)]).await;
    s.signal("wf", "enough").await;
    s.run_task([cancel_timer("t"), complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn cancelled_in_the_same_task(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("t", 60.0), cancel_timer("t"), complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn two_with_one_id(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("t", 60.0), start_timer("t", 30.0)]).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn an_id_used_again(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("t", 60.0), cancel_timer("t"), start_timer("t", 1.0)]).await;
    s.run_task([complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn cancel_of_an_unknown_one(s: &Script) {
    s.start("wf").await;
    s.run_task([cancel_timer("t")]).await;
    s.history("wf").await;
}

async fn without_a_timeout(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("t", 0.0)]).await;
    s.await_event("wf", EventType::TimerFired).await;
    s.history("wf").await;
}

async fn two_at_one_instant(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("later", 2.0), start_timer("b", 1.0), start_timer("a", 1.0)]).await;
    let task = s.workflow_task().await;
    let _ = s.complete(&task, []).await;
    s.run_task([complete_workflow("done")]).await;
    s.history("wf").await;
}

/// The second task of a workflow, during which a timer has fired.
async fn task_during_which_a_timer_fired(s: &Script) -> foretime_tests::worker::WorkflowTask {
    s.start("wf").await;
    s.run_task([start_timer("t", 1.0), start_timer("probe", 1.0)]).await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    // Nothing outside shows that there is a buffered event.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    task
}

async fn fired_during_a_task(s: &Script) {
    let task = task_during_which_a_timer_fired(s).await;
    s.history("wf").await;
    let _ = s.complete(&task, [record_marker("during")]).await;
    s.workflow_task().await;
    s.history("wf").await;
}

async fn fired_during_a_task_and_cancelled(s: &Script) {
    let task = task_during_which_a_timer_fired(s).await;
    let _ = s.complete(&task, [cancel_timer("t"), cancel_timer("probe"), complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn gone_when_the_workflow_closes(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("t", 1.0), complete_workflow("done")]).await;
    s.no_workflow_task().await;
    s.history("wf").await;
}
