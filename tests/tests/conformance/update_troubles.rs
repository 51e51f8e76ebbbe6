//! Updates in trouble: completions that are refused, requests that change nothing, workflows that close, odd requests.

use foretime_server::proto::{
    Rpc,
    common::{Link, link},
    enums::{UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowTaskFailedCause},
    protocol::Message,
    update::WaitPolicy,
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*, updates::*, worker::WorkflowTask};
use prost_types::Any;
use tonic::Status;

crate::scripts![
    cancelled_again_meanwhile,
    signalled_again_meanwhile,
    signalled_again_with_start_meanwhile,
    bad_message_on_the_second_attempt,
    bad_sequence_on_a_speculative_task,
    bad_sequence_on_a_normal_task,
    bad_sequence_on_a_sticky_task,
    bad_sequence_on_a_task_that_was_sticky,
    awaited_while_a_completion_is_refused,
    awaited_while_a_task_keeps_failing,
    aborted_and_asked_for_again,
    aborted_by_the_next_run_and_asked_for_again,
    known_while_the_workflow_closes,
    accepted_behind_the_end,
    sticky_reset_of_a_started_task,
    sticky_reset_of_a_waiting_task,
    sticky_worker_gone,
    messages_of_one_id,
    unreadable_bodies,
    unknown_stage,
    links,
    odd_polls,
    with_start_of_no_namespace,
    worker_of_no_namespace,
    history_of_a_task_that_is_out,
];

/// Sends `request` again while a speculative task is with a worker, which then rejects the update.
async fn rejected_after<R: Rpc + Clone>(s: &Script, request: R) {
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let _ = s.call(request).await;
        s.report(&task, [rejection(&task, "u1")]).await;
    })
    .await;
    s.step("that changed nothing, and so the task leaves no trace");
    s.history("wf").await;
}

async fn cancelled_again_meanwhile(s: &Script) {
    s.start_waiting("wf").await;
    s.request_cancel("wf").await;
    s.run_task([]).await;
    rejected_after(s, s.new_request_cancel("wf")).await;
}

async fn signalled_again_meanwhile(s: &Script) {
    s.start_waiting("wf").await;
    let signal = s.new_signal("wf", "go");
    let _ = s.call(signal.clone()).await;
    s.run_task([]).await;
    rejected_after(s, signal).await;
}

async fn signalled_again_with_start_meanwhile(s: &Script) {
    let signal = s.new_signal_with_start("wf", "go");
    let _ = s.call(signal.clone()).await;
    s.run_task([]).await;
    Box::pin(rejected_after(s, signal)).await;
}

/// The task does not fail again, since the worker would spin. But its updates are not sent any more.
async fn bad_message_on_the_second_attempt(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    let mut second = None;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        let task = s.workflow_task().await;
        s.report(&task, [response("u1", "done")]).await;
        second = Some(task);
    })
    .await;
    let task = second.expect("there was one");
    s.report(&task, done(&task, "u1")).await;
    s.history("wf").await;
}

/// A completion whose commands are in no order.
fn in_bad_sequence(s: &Script, task: &WorkflowTask) -> RespondWorkflowTaskCompletedRequest {
    let report = s.new_report(task, done(task, "u1"));
    let commands = vec![complete_workflow("done"), start_timer("t", 1.0)];
    RespondWorkflowTaskCompletedRequest { commands, ..report }
}

async fn report_in_bad_sequence(s: &Script, task: &WorkflowTask) {
    let _ = s.complete_with(in_bad_sequence(s, task)).await;
}

async fn bad_sequence_on_a_speculative_task(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let first = s.await_workflow_task().await;
        report_in_bad_sequence(s, &first).await;
        let task = s.workflow_task().await;
        s.report(&first, done(&first, "u1")).await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn bad_sequence_on_a_normal_task(s: &Script) {
    s.start("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        let task = s.await_workflow_task().await;
        report_in_bad_sequence(s, &task).await;
        s.report(&task, []).await;
        s.step("what it was sent does not count as ignored: the update comes again");
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

/// A workflow that has had its first task, and whose worker has it in its cache.
async fn waiting_sticky(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.await_empty_poll(s.own_queue()).await;
    s.complete_sticky(s.new_completion(&task, []), 5.0).await;
}

async fn bad_sequence_on_a_sticky_task(s: &Script) {
    waiting_sticky(s).await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task_of(s.own_queue()).await;
        s.complete_sticky(in_bad_sequence(s, &task), 5.0).await;
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

/// The worker no longer says that it has the run in its cache. What it said before still counts.
async fn bad_sequence_on_a_task_that_was_sticky(s: &Script) {
    waiting_sticky(s).await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task_of(s.own_queue()).await;
        report_in_bad_sequence(s, &task).await;
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

/// An update that is accepted, and whose workflow has a task now.
async fn accepted(s: &Script) -> WorkflowTask {
    let request = UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Accepted), ..s.new_update("wf", "u1") };
    s.updated(request, async {
        let task = s.await_workflow_task().await;
        s.report(&task, [acceptance(&task, "u1")]).await;
    })
    .await;
    s.signal("wf", "go").await;
    s.await_workflow_task().await
}

async fn poll_while(s: &Script, worker: impl Future<Output = ()>) {
    let (answer, ()): (Result<PollWorkflowExecutionUpdateResponse, Status>, ()) =
        futures_util::future::join(s.client.call(s.new_update_poll("wf", "u1")), worker).await;
    s.show::<PollWorkflowExecutionUpdateRequest>(&answer);
}

/// Who waits for its outcome hears that it is accepted, and is to ask again.
async fn awaited_while_a_completion_is_refused(s: &Script) {
    s.start_waiting("wf").await;
    let task = accepted(s).await;
    poll_while(s, async {
        until_it_has_come().await;
        report_in_bad_sequence(s, &task).await;
    })
    .await;
    poll_while(s, async {
        until_it_has_come().await;
        s.report(&task, [response("u1", "done")]).await;
    })
    .await;
}

async fn awaited_while_a_task_keeps_failing(s: &Script) {
    s.start_waiting("wf").await;
    let task = accepted(s).await;
    let refused = async |task: WorkflowTask| {
        poll_while(s, async {
            until_it_has_come().await;
            let _ = s.complete(&task, [start_timer("", 1.0)]).await;
        })
        .await;
    };
    refused(task).await;
    refused(s.await_workflow_task().await).await;
}

async fn aborted_and_asked_for_again(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        s.terminate("wf").await;
    })
    .await;
    let _ = s.call(s.new_update("wf", "u1")).await;
    let _ = s.call(s.new_update_poll("wf", "u1")).await;
    let _ = s.call(s.new_update("wf", "u2")).await;
    let _ = s.call(s.new_update_poll("wf", "u2")).await;
}

async fn aborted_by_the_next_run_and_asked_for_again(s: &Script) {
    let run_id = s.start_waiting("wf").await;
    s.await_restart_interval().await;
    let of_run = || UpdateWorkflowExecutionRequest { workflow_execution: s.run("wf", &run_id), ..s.new_update("wf", "u1") };
    s.updated(of_run(), async {
        let task = s.await_workflow_task().await;
        let _ = s.complete(&task, [continue_as_new(s.next_run())]).await;
    })
    .await;
    let _ = s.call(of_run()).await;
    let mut poll = s.new_update_poll("wf", "u1");
    if let Some(update_ref) = &mut poll.update_ref {
        update_ref.workflow_execution = s.run("wf", &run_id);
    }
    let _ = s.call(poll).await;
}

async fn known_while_the_workflow_closes(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "go on").await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    s.await_workflow_task().await;
    let _ = s.call(s.new_update("wf", "u1")).await;
    let _ = s.call(s.new_update_poll("wf", "u1")).await;
}

/// No command names the acceptance: it comes behind the command that continues as new.
async fn accepted_behind_the_end(s: &Script) {
    s.start_waiting("wf").await;
    s.await_restart_interval().await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let report = s.new_report(&task, [acceptance(&task, "u1")]);
        let commands = vec![continue_as_new(s.next_run())];
        let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { commands, ..report }).await;
    })
    .await;
}

fn new_sticky_reset(s: &Script) -> ResetStickyTaskQueueRequest {
    ResetStickyTaskQueueRequest { namespace: NAMESPACE.to_owned(), execution: s.execution("wf") }
}

async fn sticky_reset_of_a_started_task(s: &Script) {
    s.start_waiting("wf").await;
    rejected_after(s, new_sticky_reset(s)).await;
}

/// It waits on in the worker's own queue.
async fn sticky_reset_of_a_waiting_task(s: &Script) {
    waiting_sticky(s).await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        let _ = s.call(new_sticky_reset(s)).await;
        let task = s.await_workflow_task().await;
        s.report(&task, [rejection(&task, "u1")]).await;
    })
    .await;
    s.history("wf").await;
}

/// A worker takes the task from the normal queue, as the one with the cache is gone.
async fn sticky_worker_gone(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.complete_sticky(s.new_completion(&task, []), 5.0).await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        s.history("wf").await;
        s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn messages_of_one_id(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let messages = done(&task, "u1").map(|message| Message { id: "m".to_owned(), ..message });
        s.report(&task, messages).await;
    })
    .await;
}

async fn unreadable_bodies(s: &Script) {
    s.start_waiting("wf").await;
    let bodies: [(&str, &[u8]); 4] =
        [("Acceptance", b"\xff\xff"), ("Acceptance", b"\x0a\x02\xff\xff"), ("Rejection", b"\x0a\x05a"), ("NoSuchMessage", b"")];
    for (name, value) in bodies {
        s.updated(s.new_update("wf", "u1"), async {
            let task = s.await_workflow_task().await;
            let type_url = format!("type.googleapis.com/temporal.api.update.v1.{name}");
            let body = Some(Any { type_url, value: value.to_vec() });
            s.report(&task, [Message { body, ..rejection(&task, "u1") }]).await;
        })
        .await;
        s.run_task([]).await;
    }
}

async fn unknown_stage(s: &Script) {
    s.start_waiting("wf").await;
    let wait_policy = Some(WaitPolicy { lifecycle_stage: 99 });
    let _ = s.call(UpdateWorkflowExecutionRequest { wait_policy, ..s.new_update("wf", "u1") }).await;
    let start = s.new_start("other");
    let update = UpdateWorkflowExecutionRequest { wait_policy, ..s.new_update("other", "u2") };
    let _ = s.call(operations(start, update)).await;
}

/// They are not checked.
async fn links(s: &Script) {
    s.start_waiting("wf").await;
    let mut request = s.new_update("wf", "u1");
    if let Some(update) = &mut request.request {
        let event = link::WorkflowEvent { namespace: NAMESPACE.to_owned(), ..Default::default() };
        update.links = vec![Link { variant: Some(link::Variant::WorkflowEvent(event)) }; 11];
    }
    s.updated(request, async {
        let task = s.await_workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn odd_polls(s: &Script) {
    s.start_waiting("wf").await;
    let mut poll = s.new_update_poll("wf", "u1");
    if let Some(update_ref) = &mut poll.update_ref {
        update_ref.workflow_execution = s.run("wf", "no uuid");
    }
    let _ = s.call(poll).await;
    let _ = s.call(s.new_update_poll("wf", "a \"quoted\"\tid, it's\u{1}")).await;
}

async fn with_start_of_no_namespace(s: &Script) {
    let start = StartWorkflowExecutionRequest { namespace: String::new(), ..s.new_start("wf") };
    let _ = s.call(operations(start, s.new_update("wf", "u1"))).await;
}

/// Its tasks have one.
async fn worker_of_no_namespace(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let commands = [schedule_activity(s.activity("a"))];
    let request = RespondWorkflowTaskCompletedRequest { namespace: String::new(), ..s.new_completion(&task, commands) };
    let _ = s.complete_with(request).await;
    let task = s.activity_task().await;
    let request = RespondActivityTaskCompletedRequest { task_token: task.task_token, ..Default::default() };
    let _ = s.call(request).await;
    let task = s.await_workflow_task().await;
    let request = RespondWorkflowTaskFailedRequest { task_token: task.task_token, ..Default::default() };
    let _ = s.call(request).await;
    s.history("wf").await;
}

/// A reader that waits for new events sees those of the task, too, on its first page.
async fn history_of_a_task_that_is_out(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let request = GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..s.new_history("wf") };
        let first = s.client.call(request).await.expect("there are events");
        s.show_events("", &first.history.expect("they come along").events);
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
}
