//! Updates: on speculative workflow tasks, on normal ones, and as long polls.

use foretime_server::{
    config::{Config, Personality},
    proto::{
        enums::UpdateWorkflowExecutionLifecycleStage as Stage,
        update::{Acceptance, Meta, Response},
        workflowservice::{
            PollWorkflowExecutionUpdateRequest, RespondWorkflowTaskCompletedRequest, StartWorkflowExecutionRequest,
            UpdateWorkflowExecutionRequest,
        },
    },
};

use crate::support::{updates::*, worker::*, *};

const STICKY: &str = "sticky";

/// A workflow without a pending task: its history has four events.
fn idle() -> Transcript {
    let mut t = Transcript::new();
    t.starts("cart");
    t.runs_workflow_task([]);
    t
}

#[test]
fn an_update_that_is_accepted_and_completed_with_one_task() {
    let mut t = idle();
    let update = t.updates("cart", "u1");
    let task = t.polls_workflow_task("w1").has_events(
        "1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted, 4 WorkflowTaskCompleted, \
         5 WorkflowTaskScheduled, 6 WorkflowTaskStarted",
    );
    assert_eq!(updates_of(&task), ["u1 after 5"]);
    assert_eq!(task.messages[0].id, "u1/request");
    t.description("cart").is("
        Running, 4 events
        workflow task: Started, attempt 1, scheduled at 0ns
    ");
    t.still_waits(&update);
    t.calls(reports(&task, [acceptance(&task, "u1"), response("u1", "2")]));
    t.update_is(&update, "Completed: \"2\"");
    t.history_from(5, "cart").is("
        5 WorkflowTaskScheduled
        6 WorkflowTaskStarted (5) by w
        7 WorkflowTaskCompleted (5, 6) by w
        8 WorkflowExecutionUpdateAccepted u1 after 5
        9 WorkflowExecutionUpdateCompleted (8) u1 \"2\"
    ");
    t.has_no_workflow_task();
}

#[test]
fn an_update_that_is_rejected_leaves_no_trace() {
    let mut t = idle();
    let update = t.updates("cart", "u1");
    let task = t.polls_workflow_task("w1");
    let answer = t.calls(reports(&task, [rejection(&task, "u1")]));
    assert_eq!(answer.reset_history_event_id, 3);
    t.update_is(&update, "Completed: failed \"no\"");
    t.description("cart").is("Running, 4 events");
    t.refuses(poll_update("cart", "u1"), "NotFound: update \"u1\" not found");
    // Its id is free again.
    let update = t.updates("cart", "u1");
    t.still_waits(&update);
    let task = t.polls_workflow_task("w1");
    assert_eq!((updates_of(&task), task.started_event_id), (vec!["u1 after 5".to_owned()], 6));
}

#[test]
fn a_rejection_is_written_if_events_came_before_it() {
    let mut t = Transcript::new();
    t.starts("cart");
    t.runs_workflow_task([start_timer("t", seconds(60))]);
    let update = t.updates("cart", "u1");
    let task = t.polls_workflow_task("w1");
    assert_eq!(t.calls(reports(&task, [rejection(&task, "u1")])).reset_history_event_id, 0);
    t.update_is(&update, "Completed: failed \"no\"");
    t.history_from(6, "cart").is("
        6 WorkflowTaskScheduled
        7 WorkflowTaskStarted (6) by w
        8 WorkflowTaskCompleted (6, 7) by w
    ");
}

#[test]
fn an_update_goes_along_with_a_task_that_waits() {
    let mut t = Transcript::new();
    t.starts("cart");
    let update = t.updates("cart", "u1");
    let task = t.polls_workflow_task("w1");
    assert_eq!(updates_of(&task), ["u1 after 2"]);
    t.calls(reports(&task, [acceptance(&task, "u1")]));
    t.still_waits(&update);
    t.history("cart").is("
        1 WorkflowExecutionStarted
        2 WorkflowTaskScheduled
        3 WorkflowTaskStarted (2) by w1
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionUpdateAccepted u1 after 2
    ");
    t.signals("cart", "go");
    let task = t.polls_workflow_task("w1");
    assert_eq!(updates_of(&task), [""; 0]);
    t.calls(reports(&task, [response("u1", "2")]));
    t.update_is(&update, "Completed: \"2\"");
}

#[test]
fn an_update_that_comes_while_a_worker_has_a_task_goes_along_with_the_next() {
    let mut t = idle();
    t.signals("cart", "go");
    let task = t.polls_workflow_task("w1");
    let update = t.updates("cart", "u1");
    let answer =
        t.calls(RespondWorkflowTaskCompletedRequest { return_new_workflow_task: true, ..sticky_completion(&task, STICKY, []) });
    let task = WorkflowTask::from(answer.workflow_task.expect("the next task"));
    assert_eq!(updates_of(&task), ["u1 after 9"]);
    t.description("cart").is("
        Running, 8 events
        workflow task: Started, attempt 1, scheduled at 0ns
    ");
    t.calls(reports(&task, [acceptance(&task, "u1"), response("u1", "2")]));
    t.update_is(&update, "Completed: \"2\"");
}

#[test]
fn a_signal_makes_a_normal_task_of_a_speculative_one() {
    let mut t = idle();
    t.updates("cart", "u1");
    t.signals("cart", "go");
    t.history_from(5, "cart").is("
        5 WorkflowTaskScheduled
        6 WorkflowExecutionSignaled go by client
    ");
    let task = t.polls_workflow_task("w1");
    assert_eq!(updates_of(&task), ["u1 after 6"]);

    let mut t = idle();
    t.updates("cart", "u1");
    let task = t.polls_workflow_task("w1");
    t.signals("cart", "go");
    t.calls(reports(&task, [rejection(&task, "u1")]));
    t.history_from(5, "cart").is("
        5 WorkflowTaskScheduled
        6 WorkflowTaskStarted (5)
        7 WorkflowTaskCompleted (5, 6) by w
        8 WorkflowExecutionSignaled go by client
        9 WorkflowTaskScheduled
    ");
}

#[test]
fn a_speculative_task_that_nobody_takes_becomes_a_normal_one_after_5_s() {
    let mut t = idle();
    let update = t.updates("cart", "u1");
    t.time_passes(seconds(5));
    t.history_from(5, "cart").is("
        5 WorkflowTaskScheduled
        6 WorkflowTaskTimedOut (5, 0) ScheduleToStart, at 5s
        7 WorkflowTaskScheduled
    ");
    let task = t.polls_workflow_task("w1").has_attempt(1);
    assert_eq!(updates_of(&task), ["u1 after 7"]);
    t.calls(reports(&task, [acceptance(&task, "u1"), response("u1", "2")]));
    t.update_is(&update, "Completed: \"2\"");
}

#[test]
fn a_speculative_task_that_fails_or_times_out_is_written_and_its_updates_are_sent_again() {
    let mut t = idle();
    let update = t.updates("cart", "u1");
    let task = t.polls_workflow_task("w1");
    t.fails(&task);
    t.history_from(5, "cart").is("
        5 WorkflowTaskScheduled
        6 WorkflowTaskStarted (5) by w
        7 WorkflowTaskFailed (5, 6) WorkflowWorkerUnhandledFailure \"a bug\" by w
    ");
    let task = t.polls_workflow_task("w2").has_attempt(2);
    assert_eq!(updates_of(&task), ["u1 after 8"]);
    t.calls(reports(&task, [acceptance(&task, "u1"), response("u1", "2")]));
    t.update_is(&update, "Completed: \"2\"");
}

#[test]
fn a_task_that_an_update_brings_before_the_first_is_due_is_tried_again_at_once() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { workflow_start_delay: span(seconds(60)), ..start("cart") });
    t.updates("cart", "u1");
    let task = t.polls_workflow_task("w1");
    t.fails(&task);
    let task = t.polls_workflow_task("w1").has_attempt(2);
    t.calls(reports(&task, [acceptance(&task, "u1"), response("u1", "2")]));
    t.time_passes(seconds(60));
    t.has_no_workflow_task();
}

#[test]
fn a_worker_that_says_nothing_of_an_update_rejects_it() {
    let mut t = idle();
    let update = t.updates("cart", "u1");
    t.runs_workflow_task([]);
    t.update_is(
        &update,
        "Completed: failed \"Workflow Update is rejected because it wasn't processed by worker. Probably, Workflow Update is \
         not supported by the worker.\"",
    );
    t.description("cart").is("Running, 4 events");
}

#[test]
fn who_waits_for_acceptance_hears_of_it_and_may_poll_for_the_outcome() {
    let mut t = idle();
    let until_accepted = UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Accepted), ..update("cart", "u1") };
    let accepted = t.sends(until_accepted.clone());
    let task = t.polls_workflow_task("w1");
    let start = start_timer("t", seconds(60));
    let report = reports(&task, [acceptance(&task, "u1")]);
    let commands = [report.commands.clone(), vec![start]].concat();
    t.calls(RespondWorkflowTaskCompletedRequest { commands, ..report });
    t.update_is(&accepted, "Accepted");
    let now = PollWorkflowExecutionUpdateRequest { wait_policy: None, ..poll_update("cart", "u1") };
    let polled = t.sends(now.clone());
    t.polled_update_is(&polled, "Accepted");
    let poll = t.sends(poll_update("cart", "u1"));
    t.still_waits(&poll);
    t.time_passes(seconds(20));
    t.polled_update_is(&poll, "Accepted");
    let poll = t.sends(poll_update("cart", "u1"));
    t.time_passes(seconds(40));
    let task = t.polls_workflow_task("w1");
    t.calls(reports(&task, [response("u1", "2")]));
    t.polled_update_is(&poll, "Accepted");
    // Whoever asks again with the same id hears the same.
    for _ in 0..2 {
        let again = t.sends(until_accepted.clone());
        t.update_is(&again, "Completed: \"2\"");
    }
    t.has_no_workflow_task();
}

#[test]
fn a_wait_ends_after_20_s_with_what_is_reached() {
    let mut t = idle();
    let update = t.updates("cart", "u1");
    t.polls_workflow_task("w1");
    t.time_passes(seconds(20));
    t.update_is(&update, "Admitted");
}

#[test]
fn a_workflow_that_closes_aborts_what_it_has_not_accepted_and_fails_what_it_has() {
    let mut t = idle();
    let accepted = t.updates("cart", "accepted");
    let task = t.polls_workflow_task("w1");
    t.calls(reports(&task, [acceptance(&task, "accepted")]));
    let admitted = t.updates("cart", "admitted");
    t.terminates("cart");
    assert_eq!(t.refusal_of(&admitted), "NotFound: workflow update was aborted by closing workflow");
    let failed = "Completed: failed \"Workflow Update failed because the Workflow completed before the Update completed.\"";
    t.update_is(&accepted, failed);
    let poll = t.sends(poll_update("cart", "accepted"));
    t.polled_update_is(&poll, failed);
    t.refuses(update("cart", "new"), "NotFound: workflow execution already completed");
    let again = t.updates("cart", "accepted");
    t.update_is(&again, failed);
    t.history_from(9, "cart").is("9 WorkflowExecutionTerminated \"terminated by user via frontend\" by client");
}

#[test]
fn what_a_workflow_has_not_accepted_is_for_the_run_that_follows() {
    let mut t = idle();
    t.signals("cart", "go");
    let task = t.polls_workflow_task("w1");
    let update = t.updates("cart", "u1");
    t.completes(&task, [continue_as_new(NextRun::default())]);
    assert_eq!(t.refusal_of(&update), "ResourceExhausted: workflow operation can not be applied because workflow is closing");
    t.time_passes(seconds(1));
    assert_eq!(t.polls_workflow_task("w1").messages, []);
}

#[test]
fn a_message_that_does_not_fit_fails_the_task() {
    let refused = |messages: fn(&WorkflowTask) -> Vec<foretime_server::proto::protocol::Message>| {
        let mut t = idle();
        let update = t.updates("cart", "u1");
        let task = t.polls_workflow_task("w1");
        let request = RespondWorkflowTaskCompletedRequest { messages: messages(&task), ..completion(&task, []) };
        let call = t.sends(request);
        let refusal = t.refusal_of(&call);
        assert_eq!(
            t.refusal_of(&update),
            "FailedPrecondition: Unable to perform workflow execution update due to unexpected workflow task failure."
        );
        t.history_from(5, "cart").is(&format!(
            "
            5 WorkflowTaskScheduled
            6 WorkflowTaskStarted (5) by w
            7 WorkflowTaskFailed (5, 6) BadUpdateWorkflowExecutionMessage {:?} by w
            ",
            refusal.strip_prefix("InvalidArgument: ").expect("its code")
        ));
        refusal
    };
    let bad = |text: &str| format!("InvalidArgument: BadUpdateWorkflowExecutionMessage: {text}");
    assert_eq!(
        refused(|_| vec![response("u1", "2")]),
        bad("invalid state transition attempted for Update u1: received *update.Response message while in state Sent")
    );
    assert_eq!(
        refused(|task| vec![acceptance(task, "u1"), acceptance(task, "u1")]),
        bad("invalid state transition attempted for Update u1: received *update.Acceptance message while in state \
             ProvisionallyAccepted")
    );
    assert_eq!(
        refused(|_| vec![message("u1", "accept", &Acceptance::default())]),
        bad("invalid *update.Acceptance: accepted_request_sequencing_event_id is not set")
    );
    assert_eq!(
        refused(|task| {
            let meta = Some(Meta { update_id: "u2".to_owned(), ..Meta::default() });
            vec![acceptance(task, "u1"), message("u1", "complete", &Response { meta, outcome: None })]
        }),
        bad("invalid *update.Response: meta.update_id != u1")
    );
    assert_eq!(
        refused(|_| vec![response("u2", "2")]),
        bad(
            "update u2 wasn't found on the server. This is most likely a transient error which will be resolved automatically \
             by retries"
        )
    );
}

#[test]
fn there_are_limits() {
    let mut t = Transcript::with(Config {
        personality: Personality::DevServer,
        dynamic_config: [("history.maxInFlightUpdates", "2"), ("history.maxTotalUpdates", "3")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Config::default()
    });
    t.starts("cart");
    let updates = ["u1", "u2"].map(|id| t.updates("cart", id));
    t.refuses(update("cart", "u3"), "ResourceExhausted: limit on number of concurrent in-flight updates has been reached (2)");
    let task = t.polls_workflow_task("w1");
    let messages = ["u1", "u2"].map(|id| [acceptance(&task, id), response(id, "2")]);
    let [[a, b], [c, d]] = messages;
    t.calls(reports(&task, [a, b, c, d]));
    updates.iter().for_each(|update| t.update_is(update, "Completed: \"2\""));
    t.updates("cart", "u3");
    t.refuses(
        update("cart", "u4"),
        "FailedPrecondition: The limit on the total number of distinct updates in this workflow has been reached (3). Make sure \
         any duplicate updates share an Update ID so the server can deduplicate them, and consider rejecting updates that you \
         aren't going to process. You can also Continue-as-New to avoid this; we recommend you check Continue-as-New Suggested \
         in your Workflow.",
    );
}

#[test]
fn an_update_is_refused() {
    let mut t = idle();
    t.refuses(update("missing", "u1"), "NotFound: workflow not found for ID: missing");
    let admitted = UpdateWorkflowExecutionRequest { wait_policy: until(Stage::Admitted), ..update("cart", "u1") };
    t.refuses(
        admitted,
        "PermissionDenied: UpdateWorkflowExecution issued asynchronously and waiting on update admitted is not supported.",
    );
    t.refuses(update("cart", &"u".repeat(1001)), "InvalidArgument: UpdateId length exceeds limit.");
    let with = |change: fn(&mut UpdateWorkflowExecutionRequest)| {
        let mut request = update("cart", "u1");
        change(&mut request);
        request
    };
    t.refuses(with(|it| it.request = None), "InvalidArgument: Update meta is not set on request.");
    t.refuses(
        with(|it| it.request.as_mut().expect("a request").input = None),
        "InvalidArgument: Update input is not set on request.",
    );
    t.refuses(with(|it| it.first_execution_run_id = "another".to_owned()), "NotFound: workflow execution not found");
    t.refuses(
        PollWorkflowExecutionUpdateRequest { update_ref: None, ..poll_update("cart", "u1") },
        "InvalidArgument: UpdateRef is not set on request.",
    );
    t.refuses(poll_update("cart", "zz"), "NotFound: update \"zz\" not found");
}

#[test]
fn time_skips_while_an_update_is_awaited() {
    let mut t = Transcript::with(Config::default());
    t.starts("cart");
    t.runs_workflow_task([]);
    let update = t.updates("cart", "u1");
    let task = t.polls_workflow_task("w1");
    let report = reports(&task, [acceptance(&task, "u1")]);
    let commands = [report.commands.clone(), vec![start_timer("t", seconds(5 * 3600))]].concat();
    t.calls(RespondWorkflowTaskCompletedRequest { commands, ..report });
    let poll = t.awaits_workflow_task("w1");
    t.time_skips();
    let task = t.gets_workflow_task(&poll);
    t.calls(reports(&task, [response("u1", "2")]));
    t.update_is(&update, "Completed: \"2\"");
}
