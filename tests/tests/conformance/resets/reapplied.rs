//! Signals and updates that came after the reset point, and come again.

use super::*;

async fn signalled_later(s: &Script) {
    two_tasks(s).await;
    let links = vec![];
    let _ = s.call(SignalWorkflowExecutionRequest { links, ..s.new_signal("wf", "third") }).await;
    s.run_task([]).await;
    s.signal("wf", "fourth").await;
}

pub(super) async fn signals(s: &Script) {
    signalled_later(s).await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.workflow_task().await;
}

pub(super) async fn signals_left_out(s: &Script) {
    signalled_later(s).await;
    let reset_reapply_exclude_types = vec![Exclude::Signal.into()];
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_exclude_types, ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
}

pub(super) async fn signals_alone(s: &Script) {
    signalled_later(s).await;
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_type: Reapply::Signal.into(), ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
}

pub(super) async fn nothing_reapplied(s: &Script) {
    signalled_later(s).await;
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_type: Reapply::None.into(), ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
    let every = [Exclude::Signal, Exclude::Update, Exclude::Nexus, Exclude::CancelRequest].map(Into::into).to_vec();
    s.await_restart_interval().await;
    s.signal("wf", "fifth").await;
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_exclude_types: every, ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
}

pub(super) async fn a_signal_again(s: &Script) {
    s.start_waiting("wf").await;
    let signal = s.new_signal("wf", "once");
    let _ = s.call(signal.clone()).await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.step("the same signal to the new run");
    let _ = s.call(signal).await;
    s.history("wf").await;
}

pub(super) async fn buffered_signals(s: &Script) {
    let first = s.start_waiting("wf").await;
    s.signal("wf", "one").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "buffered").await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
    s.step("the worker answers to the old run");
    let _ = s.complete(&task, [complete_workflow("done")]).await;
}

/// Five workflow tasks in a row that fail are reported, be it for resets.
pub(super) async fn again_and_again(s: &Script) {
    s.start("wf").await;
    for point in [4, 7, 10, 13, 16] {
        s.run_task([]).await;
        s.step(&format!("to {point}"));
        reset_run(s, reset(s, "wf", point)).await;
        s.describe("wf").await;
        s.await_restart_interval().await;
    }
    s.run_task([]).await;
    s.history("wf").await;
    s.describe("wf").await;
}

/// One update is done, and one accepted.
async fn updated(s: &Script) -> String {
    let run_id = s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "first"), async {
        let task = s.await_workflow_task().await;
        s.report(&task, done(&task, "first")).await;
    })
    .await;
    let accepted = UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Accepted), ..s.new_update("wf", "second") };
    s.updated(accepted, async {
        let task = s.await_workflow_task().await;
        s.report(&task, [acceptance(&task, "second")]).await;
    })
    .await;
    run_id
}

/// A speculative task ends a batch with its started event, too.
pub(super) async fn to_each_event_of_updates(s: &Script) {
    let first = updated(s).await;
    s.history("wf").await;
    for event_id in 5..=12 {
        s.step(&format!("to event {event_id}"));
        let workflow_execution = s.run("wf", &first);
        let _ = s.call(ResetWorkflowExecutionRequest { workflow_execution, ..reset(s, "wf", event_id) }).await;
    }
}

pub(super) async fn updates(s: &Script) {
    let first = updated(s).await;
    s.signal("wf", "later").await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.describe("wf").await;
    s.step("asked of the old run and of the new one");
    let old = s
        .new_update_poll("wf", "first")
        .update_ref
        .map(|it| foretime_server::proto::update::UpdateRef { workflow_execution: s.run("wf", &first), ..it });
    let _ = s.call(PollWorkflowExecutionUpdateRequest { update_ref: old, ..s.new_update_poll("wf", "first") }).await;
    let admitted = PollWorkflowExecutionUpdateRequest { wait_policy: None, ..s.new_update_poll("wf", "first") };
    let _ = s.call(admitted).await;
    s.step("the worker sees them");
    let task = s.workflow_task().await;
    let [accept, respond] = done(&task, "first");
    s.report(&task, [accept, respond, acceptance(&task, "second")]).await;
    let _ = s.call(s.new_update_poll("wf", "first")).await;
    let accepted =
        PollWorkflowExecutionUpdateRequest { wait_policy: until(Stage::Accepted), ..s.new_update_poll("wf", "second") };
    let _ = s.call(accepted).await;
    s.history("wf").await;
}

pub(super) async fn updates_left_out(s: &Script) {
    updated(s).await;
    s.signal("wf", "later").await;
    let reset_reapply_exclude_types = vec![Exclude::Update.into()];
    reset_run(s, ResetWorkflowExecutionRequest { reset_reapply_exclude_types, ..reset(s, "wf", 4) }).await;
    s.history("wf").await;
    let _ = s.call(s.new_update_poll("wf", "first")).await;
}

pub(super) async fn updates_rejected(s: &Script) {
    updated(s).await;
    reset_run(s, reset(s, "wf", 4)).await;
    let task = s.workflow_task().await;
    s.report(&task, [rejection(&task, "first")]).await;
    s.history("wf").await;
}

pub(super) async fn updates_of_a_reset_run(s: &Script) {
    updated(s).await;
    reset_run(s, reset(s, "wf", 4)).await;
    let task = s.await_workflow_task().await;
    s.report(&task, done(&task, "first")).await;
    s.history("wf").await;
    s.step("the reset run is reset");
    s.await_restart_interval().await;
    reset_run(s, reset(s, "wf", 9)).await;
    s.history("wf").await;
    s.step("and again, to before its updates");
    s.await_restart_interval().await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.history("wf").await;
    s.workflow_task().await;
}

pub(super) async fn pending_update(s: &Script) {
    let first = s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "pending"), async {
        let task = s.await_workflow_task().await;
        reset_run(s, reset(s, "wf", 4)).await;
        s.report(&task, done(&task, "pending")).await;
    })
    .await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
}

pub(super) async fn update_again(s: &Script) {
    updated(s).await;
    reset_run(s, reset(s, "wf", 4)).await;
    s.step("the same update is sent to the new run");
    s.updated(s.new_update("wf", "first"), async {
        until_it_has_come().await;
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "first")).await;
    })
    .await;
    s.history("wf").await;
}
