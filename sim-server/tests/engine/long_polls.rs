//! Long polls of readers and workers: when they are answered, when they end, and what happens when the caller gives up.

use foretime_server::{
    engine::{Caller, Connection},
    proto::{
        common::Priority,
        enums::HistoryEventFilterType,
        workflowservice::{GetWorkflowExecutionHistoryRequest, StartWorkflowExecutionRequest},
    },
};

use crate::support::{worker::*, *};

/// A read that waits for new events.
fn wait() -> GetWorkflowExecutionHistoryRequest {
    GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..read("order") }
}

/// A read that waits for the close event.
fn wait_for_the_end() -> GetWorkflowExecutionHistoryRequest {
    GetWorkflowExecutionHistoryRequest { history_event_filter_type: HistoryEventFilterType::CloseEvent.into(), ..wait() }
}

/// A read that waits for new events after an earlier page.
fn on(next_page_token: Vec<u8>) -> GetWorkflowExecutionHistoryRequest {
    GetWorkflowExecutionHistoryRequest { next_page_token, ..wait() }
}

#[test]
fn a_reader_gets_what_is_there_and_then_what_comes() {
    let mut t = Transcript::new();
    t.starts("order");
    let page = t.calls(wait());
    t.shown_page(&page).is("1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, and more");
    let waits = t.sends(on(page.next_page_token));
    t.still_waits(&waits);
    t.signals("order", "hello");
    let page = t.answer_to(&waits);
    t.shown_page(&page).is("3 WorkflowExecutionSignaled, and more");
    let waits = t.sends(on(page.next_page_token));
    t.terminates("order");
    let page = t.answer_to(&waits);
    t.shown_page(&page).is("4 WorkflowExecutionTerminated");
}

#[test]
fn a_reader_of_the_end_waits_for_it() {
    let mut t = Transcript::new();
    t.starts("order");
    let waits = [t.sends(wait_for_the_end()), t.sends(wait_for_the_end())];
    let task = t.polls_workflow_task("w1");
    t.signals("order", "hello");
    t.still_waits(&waits[0]);
    t.completes(&task, []);
    t.runs_workflow_task([complete("done")]);
    for wait in &waits {
        let page = t.answer_to(wait);
        t.shown_page(&page).is("9 WorkflowExecutionCompleted");
    }
    let page = t.calls(wait_for_the_end());
    t.shown_page(&page).is("9 WorkflowExecutionCompleted");
}

#[test]
fn a_wait_for_events_ends_after_twenty_seconds_and_can_go_on() {
    let mut t = Transcript::new();
    t.starts("order");
    let page = t.calls(wait());
    let waits = t.sends(on(page.next_page_token));
    let hasty = t.sends_within(seconds(6), wait_for_the_end());
    t.time_passes(seconds(4));
    t.still_waits(&hasty);
    t.time_passes(seconds(1));
    let page = t.answer_to(&hasty);
    t.shown_page(&page).is(", and more");
    t.time_passes(seconds(14));
    t.still_waits(&waits);
    t.time_passes(seconds(1));
    let page = t.answer_to(&waits);
    t.shown_page(&page).is(", and more");
    let waits = t.sends(on(page.next_page_token));
    t.signals("order", "hello");
    let page = t.answer_to(&waits);
    t.shown_page(&page).is("3 WorkflowExecutionSignaled, and more");
}

#[test]
fn who_has_given_up_is_not_answered() {
    let mut t = Transcript::new();
    t.starts("order");
    let (gone, stays) = (t.sends(wait_for_the_end()), t.sends(wait_for_the_end()));
    t.gives_up(&gone);
    t.terminates("order");
    t.still_waits(&gone);
    let page = t.answer_to(&stays);
    t.shown_page(&page).is("3 WorkflowExecutionTerminated");
}

#[test]
fn a_page_holds_whole_transactions() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([record_marker("m")]);
    t.signals("order", "hello");
    let mut request = GetWorkflowExecutionHistoryRequest { maximum_page_size: 2, ..read("order") };
    for expected in [
        "1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted, and more",
        "4 WorkflowTaskCompleted, 5 MarkerRecorded, 6 WorkflowExecutionSignaled, 7 WorkflowTaskScheduled, and more",
        "",
    ] {
        let page = t.calls(request.clone());
        t.shown_page(&page).is(expected);
        request.next_page_token = page.next_page_token;
    }
}

#[test]
fn a_task_that_is_not_written_yet_is_shown_to_workers_and_not_to_people() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.fails(&task);
    t.polls_workflow_task("w1").has_attempt(2);
    let first_four = "1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted, 4 WorkflowTaskFailed";
    let page = t.calls(read("order"));
    t.shown_page(&page).is(&format!("{first_four}, 5 WorkflowTaskScheduled, 6 WorkflowTaskStarted"));
    t.calls_as(Caller { client_name: "temporal-ui".to_owned(), ..Caller::default() });
    let page = t.calls(read("order"));
    t.shown_page(&page).is(first_four);
}

#[test]
fn a_reader_that_does_not_look_for_the_next_run_is_told_of_a_continuation() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { cron_schedule: "@every 10s".to_owned(), ..start("order") });
    t.time_passes(seconds(10));
    t.runs_workflow_task([complete("done")]);
    let request = GetWorkflowExecutionHistoryRequest { execution: run("order", &t.run_id("order", 1)), ..wait_for_the_end() };
    let page = t.calls(request.clone());
    t.shown_events(&page.history.unwrap_or_default().events).is("5 WorkflowExecutionContinuedAsNew (0) then order/2, at 10s");
    t.calls_as(Caller { follows_next_run_id: true, ..Caller::default() });
    let page = t.calls(request);
    t.shown_events(&page.history.unwrap_or_default().events)
        .is("5 WorkflowExecutionCompleted (4) \"done\" then order/2, at 10s");
}

#[test]
fn a_poll_that_meets_no_task_ends_after_a_minute_or_just_before_its_caller_gives_up() {
    let mut t = Transcript::new();
    let (patient, hasty) = (t.awaits_workflow_task("w1"), t.sends_within(seconds(10), activity_poll("w2")));
    t.time_passes(seconds(8));
    t.still_waits(&hasty);
    t.time_passes(seconds(1));
    assert_eq!(t.answer_to(&hasty).task_token, Vec::<u8>::new());
    t.time_passes(seconds(50));
    t.still_waits(&patient);
    t.time_passes(seconds(1));
    t.gets_no_workflow_task(&patient);
    let too_hasty = t.sends_within(seconds(1), activity_poll("w2"));
    assert_eq!(t.refusal_of(&too_hasty), "FailedPrecondition: Context timeout is too short.");
}

#[test]
fn who_polled_first_gets_the_first_task() {
    let mut t = Transcript::new();
    let (first, second) = (t.awaits_workflow_task("w1"), t.awaits_workflow_task("w2"));
    t.starts("one");
    t.starts("two");
    let of = |task: &WorkflowTask| task.workflow_execution.clone().unwrap_or_default().workflow_id;
    assert_eq!(of(&t.gets_workflow_task(&first)), "one");
    assert_eq!(of(&t.gets_workflow_task(&second)), "two");
}

#[test]
fn tasks_wait_in_order_those_of_higher_priority_first() {
    let mut t = Transcript::new();
    let priority = |priority_key| Some(Priority { priority_key, ..Priority::default() });
    for (id, priority_key) in [("low", 5), ("default", 0), ("middle", 3), ("high", 1)] {
        t.starts_with(StartWorkflowExecutionRequest { priority: priority(priority_key), ..start(id) });
    }
    for expected in ["high", "default", "middle", "low"] {
        let task = t.polls_workflow_task("w1");
        assert_eq!(task.workflow_execution.clone().unwrap_or_default().workflow_id, expected);
    }
}

#[test]
fn the_task_of_a_poll_that_was_given_up_goes_to_the_next() {
    let mut t = Transcript::new();
    let (gone, stays) = (t.awaits_workflow_task("w1"), t.awaits_workflow_task("w2"));
    t.gives_up(&gone);
    t.starts("order");
    t.still_waits(&gone);
    t.gets_workflow_task(&stays).has_events("1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted");
}

#[test]
fn the_polls_of_a_connection_that_closes_take_no_task() {
    let of = |connection| Caller { connection: Connection(connection), ..Caller::default() };
    let mut t = Transcript::new();
    t.calls_as(of(1));
    let gone = t.awaits_workflow_task("w1");
    t.calls_as(of(2));
    let poll = t.awaits_workflow_task("w2");
    t.closes(Connection(1));
    t.starts("order");
    t.gets_workflow_task(&poll);
    t.starts("another");
    t.still_waits(&gone);
    t.polls_workflow_task("w3");
}
