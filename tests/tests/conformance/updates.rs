//! Updates: on speculative and normal workflow tasks, waits for them, closing workflows, messages that do not fit.

use std::time::Duration;

use foretime_server::proto::{
    enums::{UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowTaskFailedCause},
    protocol::Message,
    update::{Acceptance, Meta, Response},
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*, updates::*, worker::WorkflowTask};
use prost_types::Any;

crate::scripts![
    completed_at_once,
    described_by_its_request_id,
    rejected,
    rejected_after_events,
    unprocessed,
    along_with_a_waiting_task,
    while_a_worker_has_a_task,
    before_the_first_task_is_due,
    signal_before_the_task_starts,
    signal_while_the_task_is_out,
    heartbeat_of_its_task,
    nobody_takes_the_task,
    task_fails,
    task_times_out,
    task_keeps_failing,
    sticky,
    accepted_then_completed,
    polls,
    same_id_again,
    two_at_once,
    without_an_id,
    workflow_completes,
    workflow_completes_with_its_acceptance,
    workflow_completes_with_a_rejection,
    workflow_is_about_to_close,
    workflow_continues_as_new,
    terminated,
    terminated_while_the_task_is_out,
    timed_out,
    closed_workflow,
    bad_messages,
    unreadable_messages,
    refused,
    refused_polls,
    too_many_in_flight,
];

async fn completed_at_once(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        s.describe("wf").await;
        s.history("wf").await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
    s.describe("wf").await;
    s.no_workflow_task().await;
}

/// Whether Describe knows the update's request.
async fn described_by_its_request_id(s: &Script) {
    s.start_waiting("wf").await;
    let mut request = UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Accepted), ..s.new_update("wf", "u1") };
    if let Some(update) = &mut request.request {
        update.request_id = "the-request".to_owned();
    }
    s.updated(request, async {
        let task = s.workflow_task().await;
        s.report(&task, [acceptance(&task, "u1")]).await;
    })
    .await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn rejected(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        s.report(&task, [rejection(&task, "u1")]).await;
    })
    .await;
    s.step("a rejection leaves no trace");
    s.history("wf").await;
    let _ = s.call(s.new_update_poll("wf", "u1")).await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn rejected_after_events(s: &Script) {
    s.start("wf").await;
    s.run_task([start_timer("t", 60.0)]).await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        s.report(&task, [rejection(&task, "u1")]).await;
    })
    .await;
    s.history("wf").await;
}

async fn unprocessed(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        s.report(&task, []).await;
    })
    .await;
    s.history("wf").await;
}

async fn along_with_a_waiting_task(s: &Script) {
    s.start("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn while_a_worker_has_a_task(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        let request = RespondWorkflowTaskCompletedRequest { return_new_workflow_task: true, ..s.new_completion(&task, []) };
        let next = s.complete_with(request).await.expect("it fits").workflow_task.expect("the next task comes along");
        s.report(&next, [rejection(&next, "u1")]).await;
    })
    .await;
    s.history("wf").await;
    s.step("without the wish for the next task");
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    s.updated(s.new_update("wf", "u2"), async {
        until_it_has_come().await;
        s.report(&task, []).await;
        let task = s.workflow_task().await;
        s.report(&task, [rejection(&task, "u2")]).await;
    })
    .await;
    s.history("wf").await;
}

async fn before_the_first_task_is_due(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_start_delay: seconds(2.0), ..s.new_start("wf") }).await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn signal_before_the_task_starts(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        s.signal("wf", "go").await;
        s.history("wf").await;
        let task = s.workflow_task().await;
        s.report(&task, [rejection(&task, "u1")]).await;
    })
    .await;
    s.history("wf").await;
}

async fn signal_while_the_task_is_out(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        s.signal("wf", "go").await;
        s.history("wf").await;
        s.report(&task, [rejection(&task, "u1")]).await;
    })
    .await;
    s.history("wf").await;
}

async fn heartbeat_of_its_task(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        let heartbeat = RespondWorkflowTaskCompletedRequest {
            force_create_new_workflow_task: true,
            return_new_workflow_task: true,
            ..s.new_completion(&task, [])
        };
        let next = s.complete_with(heartbeat).await.expect("it fits").workflow_task.expect("the next task comes along");
        s.report(&next, done(&next, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn nobody_takes_the_task(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        tokio::time::sleep(Duration::from_millis(5_500)).await;
        s.history("wf").await;
        let task = s.workflow_task().await;
        s.report(&task, [rejection(&task, "u1")]).await;
    })
    .await;
    s.history("wf").await;
}

async fn task_fails(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
        let task = s.workflow_task().await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn task_times_out(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_task_timeout: seconds(1.0), ..s.new_start("wf") }).await;
    s.run_task([]).await;
    s.updated(s.new_update("wf", "u1"), async {
        let late = s.await_workflow_task().await;
        let task = s.workflow_task().await;
        s.report(&late, done(&late, "u1")).await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn task_keeps_failing(s: &Script) {
    s.start("wf").await;
    for _ in 0..2 {
        let task = s.await_workflow_task().await;
        s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    }
    let _ = s.call(s.new_update("wf", "u1")).await;
}

async fn sticky(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.complete_sticky(s.new_completion(&task, []), 5.0).await;
    s.await_empty_poll(s.own_queue()).await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task_of(s.own_queue()).await;
        s.complete_sticky(s.new_report(&task, done(&task, "u1")), 5.0).await;
    })
    .await;
    s.history("wf").await;
}

async fn accepted_then_completed(s: &Script) {
    s.start_waiting("wf").await;
    let request = UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Accepted), ..s.new_update("wf", "u1") };
    s.updated(request.clone(), async {
        let task = s.workflow_task().await;
        s.report(&task, [acceptance(&task, "u1")]).await;
    })
    .await;
    s.signal("wf", "go").await;
    let task = s.workflow_task().await;
    s.report(&task, [response("u1", "done")]).await;
    let _ = s.call(request).await;
    s.history("wf").await;
}

async fn polls(s: &Script) {
    s.start_waiting("wf").await;
    let now = PollWorkflowExecutionUpdateRequest { wait_policy: None, ..s.new_update_poll("wf", "u1") };
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let _ = s.call(now.clone()).await;
        s.report(&task, [acceptance(&task, "u1")]).await;
        let _ = s.call(now.clone()).await;
        let until_accepted =
            PollWorkflowExecutionUpdateRequest { wait_policy: until(Stage::Accepted), ..s.new_update_poll("wf", "u1") };
        let _ = s.call(until_accepted).await;
        s.signal("wf", "go").await;
        let task = s.await_workflow_task().await;
        s.report(&task, [response("u1", "done")]).await;
    })
    .await;
    let _ = s.call(s.new_update_poll("wf", "u1")).await;
    let _ = s.call(now).await;
}

async fn same_id_again(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let again = s.updated(s.new_update("wf", "u1"), async {
            until_it_has_come().await;
            s.report(&task, done(&task, "u1")).await;
        });
        Box::pin(again).await;
    })
    .await;
    let _ = s.call(s.new_update("wf", "u1")).await;
    s.history("wf").await;
}

async fn two_at_once(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        let second = s.updated(s.new_update("wf", "u2"), async {
            until_it_has_come().await;
            let task = s.workflow_task().await;
            s.report(&task, [acceptance(&task, "u2"), response("u2", "second"), rejection(&task, "u1")]).await;
        });
        Box::pin(second).await;
    })
    .await;
    s.history("wf").await;
}

async fn without_an_id(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", ""), async {
        let task = s.workflow_task().await;
        let id = task.messages[0].protocol_instance_id.clone();
        s.report(&task, done(&task, &id)).await;
    })
    .await;
    s.history("wf").await;
}

async fn workflow_completes(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        let _ = s.complete(&task, [complete_workflow("done")]).await;
    })
    .await;
    s.history("wf").await;
}

async fn workflow_completes_with_its_acceptance(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.workflow_task().await;
        let report = s.new_report(&task, [acceptance(&task, "u1")]);
        let commands = [report.commands.clone(), vec![complete_workflow("done")]].concat();
        let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { commands, ..report }).await;
    })
    .await;
    let _ = s.call(s.new_update_poll("wf", "u1")).await;
    let _ = s.call(s.new_update("wf", "u1")).await;
    let _ = s.call(s.new_update("wf", "u2")).await;
    s.history("wf").await;
}

async fn workflow_continues_as_new(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        s.await_restart_interval().await;
        let _ = s.complete(&task, [continue_as_new(Default::default())]).await;
        let task = s.workflow_task().await;
        s.report(&task, []).await;
    })
    .await;
}

async fn workflow_completes_with_a_rejection(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let report = s.new_report(&task, [rejection(&task, "u1")]);
        let commands = vec![complete_workflow("done")];
        let _ = s.complete_with(RespondWorkflowTaskCompletedRequest { commands, ..report }).await;
    })
    .await;
    s.history("wf").await;
}

async fn workflow_is_about_to_close(s: &Script) {
    s.start_waiting("wf").await;
    s.signal("wf", "go").await;
    let task = s.await_workflow_task().await;
    s.signal("wf", "go on").await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    let task = s.workflow_task().await;
    let _ = s.call(s.new_update("wf", "u1")).await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
}

async fn terminated(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        until_it_has_come().await;
        s.terminate("wf").await;
    })
    .await;
    s.history("wf").await;
    s.describe("wf").await;
}

async fn terminated_while_the_task_is_out(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        s.terminate("wf").await;
        s.report(&task, done(&task, "u1")).await;
    })
    .await;
    s.history("wf").await;
}

async fn timed_out(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { workflow_run_timeout: seconds(2.0), ..s.new_start("wf") }).await;
    s.run_task([]).await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        s.report(&task, [acceptance(&task, "u1")]).await;
    })
    .await;
    s.history("wf").await;
}

async fn closed_workflow(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    let _ = s.call(s.new_update("wf", "u1")).await;
    let _ = s.call(s.new_update_poll("wf", "u1")).await;
}

/// An update whose worker completes the task with these messages.
async fn misreported(s: &Script, what: &str, messages: impl FnOnce(&WorkflowTask) -> RespondWorkflowTaskCompletedRequest) {
    s.step(what);
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let _ = s.complete_with(messages(&task)).await;
    })
    .await;
    // The task that comes in its place.
    let task = s.await_workflow_task().await;
    s.report(&task, []).await;
}

async fn bad_messages(s: &Script) {
    s.start_waiting("wf").await;
    misreported(s, "a response without acceptance", |task| s.new_report(task, [response("u1", "done")])).await;
    misreported(s, "accepted twice", |task| {
        let mut again = acceptance(task, "u1");
        again.id = "u1/again".to_owned();
        s.new_report(task, [acceptance(task, "u1"), again])
    })
    .await;
    misreported(s, "an empty acceptance", |task| s.new_report(task, [message("u1", "accept", &Acceptance::default())])).await;
    misreported(s, "a response to another", |task| {
        let meta = Some(Meta { update_id: "u2".to_owned(), ..Meta::default() });
        let response = message("u1", "complete", &Response { meta, outcome: None });
        s.new_report(task, [acceptance(task, "u1"), response])
    })
    .await;
    misreported(s, "a response without outcome", |task| {
        let meta = Some(Meta { update_id: "u1".to_owned(), ..Meta::default() });
        let response = message("u1", "complete", &Response { meta, outcome: None });
        s.new_report(task, [acceptance(task, "u1"), response])
    })
    .await;
    misreported(s, "an unknown update", |task| s.new_report(task, [response("u2", "done")])).await;
    misreported(s, "an unknown update, accepted", |task| s.new_report(task, [acceptance(task, "u2")])).await;
    misreported(s, "a command without its message", |task| s.new_completion(task, [protocol_message(&response("u1", "done"))]))
        .await;
    misreported(s, "a command that names none", |task| s.new_completion(task, [protocol_message(&Message::default())])).await;
    s.history("wf").await;
}

async fn unreadable_messages(s: &Script) {
    s.start_waiting("wf").await;
    s.updated(s.new_update("wf", "u1"), async {
        let task = s.await_workflow_task().await;
        let with = |body: Option<Any>| {
            let message = Message { id: "m".to_owned(), protocol_instance_id: "u1".to_owned(), body, sequencing_id: None };
            RespondWorkflowTaskCompletedRequest { messages: vec![message], ..s.new_completion(&task, []) }
        };
        let any = |type_url: &str, value: &[u8]| Some(Any { type_url: type_url.to_owned(), value: value.to_vec() });
        let _ = s.complete_with(with(any("type.googleapis.com/temporal.api.query.v1.WorkflowQuery", &[]))).await;
    })
    .await;
    s.history("wf").await;
}

async fn refused(s: &Script) {
    s.start_waiting("wf").await;
    let with = |change: fn(&mut UpdateWorkflowExecutionRequest)| {
        let mut request = s.new_update("wf", "u1");
        change(&mut request);
        request
    };
    let _ = s.call(s.new_update("missing", "u1")).await;
    let _ = s.call(with(|it| it.wait_policy = until(Stage::Admitted))).await;
    let _ = s.call(with(|it| it.workflow_execution = None)).await;
    let _ = s.call(with(|it| it.workflow_execution.as_mut().expect("named").run_id = "x".to_owned())).await;
    let _ = s.call(with(|it| it.request = None)).await;
    let _ = s.call(with(|it| it.request.as_mut().expect("asked").meta = None)).await;
    let _ = s.call(with(|it| it.request.as_mut().expect("asked").input = None)).await;
    let _ = s
        .call(with(|it| {
            it.request.as_mut().expect("asked").input.as_mut().expect("given").name.clear();
        }))
        .await;
    let _ = s.call(s.new_update("wf", &"u".repeat(1001))).await;
    let _ = s.call(with(|it| it.first_execution_run_id = "another".to_owned())).await;
    let _ = s.call(with(|it| it.namespace = "missing".to_owned())).await;
}

async fn refused_polls(s: &Script) {
    s.start_waiting("wf").await;
    let _ = s.call(s.new_update_poll("wf", "missing")).await;
    let _ = s.call(s.new_update_poll("missing", "u1")).await;
    let _ = s.call(PollWorkflowExecutionUpdateRequest { update_ref: None, ..s.new_update_poll("wf", "u1") }).await;
    let mut poll = s.new_update_poll("wf", "u1");
    poll.update_ref.as_mut().expect("named").workflow_execution = None;
    let _ = s.call(poll).await;
    let _ = s.call(s.new_update_poll("wf", "")).await;
}

async fn too_many_in_flight(s: &Script) {
    s.start("wf").await;
    let ids: Vec<String> = (0..10).map(|n| format!("u{n}")).collect();
    let request =
        |id: &String| UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Accepted), ..s.new_update("wf", id) };
    let calls = futures_util::future::join_all(ids.iter().map(|id| s.client.call(request(id))));
    let worker = async {
        until_it_has_come().await;
        let _ = s.call(s.new_update("wf", "one more")).await;
        // The refusal makes the real server forget the others; their calls tell it again.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let task = s.await_workflow_task().await;
        let rejections: Vec<_> = ids.iter().map(|id| rejection(&task, id)).collect();
        let request = RespondWorkflowTaskCompletedRequest { messages: rejections, ..s.new_completion(&task, []) };
        let _ = s.complete_with(request).await;
    };
    let _ = futures_util::future::join(calls, worker).await;
    s.history("wf").await;
}
