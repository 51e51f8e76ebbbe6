//! Resets, as far as time matters.

use foretime_server::proto::{enums::WorkflowExecutionStatus as Status, workflowservice::*};

use crate::support::{requests, updates::*, *};

/// A reset of the last run of a workflow id.
fn reset(t: &Transcript, workflow_id: &str, workflow_task_finish_event_id: i64) -> ResetWorkflowExecutionRequest {
    ResetWorkflowExecutionRequest {
        namespace: "default".to_owned(),
        workflow_execution: requests::execution(workflow_id),
        reason: "the reason".to_owned(),
        workflow_task_finish_event_id,
        request_id: format!("reset {} of {workflow_id}", t.run_count(workflow_id)),
        ..ResetWorkflowExecutionRequest::default()
    }
}

fn described(t: &mut Transcript, workflow_id: &str) -> DescribeWorkflowExecutionResponse {
    t.calls(requests::describe(workflow_id))
}

/// Seconds since the beginning.
fn at(time: Option<prost_types::Timestamp>) -> Option<i64> {
    time.map(|time| time.seconds - 1_700_000_000)
}

#[test]
fn the_run_begins_anew_and_its_timers_go_on() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest {
        workflow_run_timeout: span(seconds(100)),
        workflow_execution_timeout: span(seconds(1000)),
        ..requests::start("order")
    });
    t.runs_workflow_task([start_timer("t", seconds(60))]);
    t.time_passes(seconds(20));
    t.signals("order", "one");
    t.runs_workflow_task([]);
    t.time_passes(seconds(20));
    let request = reset(&t, "order", 8);
    t.calls(request);
    let shown = described(&mut t, "order");
    let (info, extended) = (shown.workflow_execution_info.expect("an info"), shown.workflow_extended_info.expect("more"));
    assert_eq!((at(info.start_time), at(info.execution_time)), (Some(40), Some(40)));
    assert_eq!((at(extended.original_start_time), at(extended.last_reset_time)), (Some(0), Some(40)));
    assert_eq!((at(extended.run_expiration_time), at(extended.execution_expiration_time)), (Some(140), Some(1040)));
    t.time_passes(seconds(30));
    t.runs_workflow_task([]);
    t.time_passes(seconds(1000));
    t.history_from(5, "order").is("
        5 TimerStarted (4) t 60s
        6 WorkflowExecutionSignaled one by client, at 20s
        7 WorkflowTaskScheduled
        8 WorkflowTaskStarted (7) by history-service, at 40s
        9 WorkflowTaskFailed (7, 8) ResetWorkflow \"the reason\" by history-service
        10 WorkflowTaskScheduled
        11 TimerFired (5) t, at 60s
        12 WorkflowTaskStarted (10) by w, at 70s
        13 WorkflowTaskCompleted (10, 12) by w
        14 WorkflowExecutionTimedOut RetryPolicyNotSet, at 140s
    ");
}

#[test]
fn a_timer_whose_time_has_passed_fires_at_once() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(10))]);
    t.signals("order", "one");
    t.runs_workflow_task([]);
    t.time_passes(seconds(60));
    t.terminates("order");
    let request = reset(&t, "order", 9);
    t.calls(request);
    t.history_from(9, "order").is("
        9 WorkflowTaskFailed (7, 8) ResetWorkflow \"the reason\" by history-service, at 60s
        10 WorkflowTaskScheduled
        11 TimerFired (5) t
    ");
}

#[test]
fn activities_begin_anew_with_their_timeouts() {
    let mut t = Transcript::new();
    t.starts("order");
    let activity = Activity { schedule_to_close_timeout: span(seconds(100)), retry_policy: attempts(0), ..activity("a") };
    t.runs_workflow_task([schedule(activity)]);
    let task = t.polls_activity("w");
    t.fails_activity(&task, failure("oops"));
    t.signals("order", "one");
    t.runs_workflow_task([]);
    t.time_passes(seconds(90));
    let request = reset(&t, "order", 9);
    t.calls(request);
    let task = t.polls_activity("w");
    assert_eq!((task.attempt, at(task.scheduled_time)), (1, Some(90)));
    t.fails_activity(&task, failure("again"));
    t.time_passes(seconds(99));
    assert_eq!(described(&mut t, "order").pending_activities.len(), 1);
    t.time_passes(seconds(1));
    assert_eq!(described(&mut t, "order").pending_activities.len(), 0);
}

#[test]
fn both_runs_are_listed_and_a_deleted_one_is_not() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([]);
    t.time_passes(seconds(10));
    let request = reset(&t, "order", 4);
    t.calls(request);
    let mut listed = || {
        let request = ListWorkflowExecutionsRequest { namespace: "default".to_owned(), ..Default::default() };
        let listed = t.calls(request).executions.into_iter();
        let shown: Vec<_> =
            listed.map(|info| (info.status(), at(info.start_time), info.execution.unwrap_or_default())).collect();
        let first = shown.last().expect("the first run is listed").2.clone();
        t.calls(DeleteWorkflowExecutionRequest { namespace: "default".to_owned(), workflow_execution: Some(first) });
        shown.into_iter().map(|(status, start, _)| (status, start)).collect::<Vec<_>>()
    };
    assert_eq!(listed(), [(Status::Running, Some(10)), (Status::Terminated, Some(0))]);
    assert_eq!(listed(), [(Status::Running, Some(10))]);
}

#[test]
fn who_awaits_the_reset_run_sees_time_skip() {
    let mut t = Transcript::skipping();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(3600))]);
    let first = t.awaits_close_of("order");
    let request = reset(&t, "order", 4);
    t.calls(request);
    assert!(t.is_answered(&first), "the first run is terminated");
    let second = t.awaits_close_of("order");
    t.time_skips();
    t.runs_workflow_task([start_timer("t", seconds(7200))]);
    t.time_skips();
    t.runs_workflow_task([complete("done")]);
    assert!(t.is_answered(&second));
    assert_eq!(t.elapsed(), seconds(7200));
    assert_eq!(t.status_of("order"), Status::Completed);
}

#[test]
fn a_run_that_waits_for_its_first_task_cannot_be_reset() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { workflow_start_delay: span(seconds(60)), ..requests::start("order") });
    t.signals("order", "early");
    let request = reset(&t, "order", 2);
    let range = "Can only reset workflow to event ID in range [WorkflowTaskScheduled +1, WorkflowTaskStarted + 1]: 2";
    t.refuses(request, &format!("InvalidArgument: {range}"));
    assert_eq!(t.run_count("order"), 1);
}

#[test]
fn the_same_update_in_two_runs_of_a_chain_cannot_come_again() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([]);
    for ends in [true, false] {
        t.updates("order", "update");
        let task = t.polls_workflow_task("w");
        t.calls(reports(&task, [acceptance(&task, "update"), response("update", "done")]));
        if ends {
            t.signals("order", "on");
            t.runs_workflow_task([continue_as_new(next_run())]);
            t.time_passes(seconds(1));
            t.runs_workflow_task([]);
        }
    }
    let first = requests::run("order", &t.run_id("order", 1));
    let request = ResetWorkflowExecutionRequest { workflow_execution: first, ..reset(&t, "order", 4) };
    let text = "something went wrong, please retry (Update ID update is already present in mutable state)";
    t.refuses(request, &format!("Internal: {text}"));
    assert_eq!(t.status_of("order"), Status::Running);
}

#[test]
fn what_was_reset_twice_can_be_reset_again() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([record_marker("one")]);
    for name in ["a", "b", "c"] {
        t.signals("order", name);
        let request = reset(&t, "order", 4);
        t.calls(request);
    }
    t.runs_workflow_task([complete("done")]);
    t.history("order").is("
        1 WorkflowExecutionStarted
        2 WorkflowTaskScheduled
        3 WorkflowTaskStarted (2) by w
        4 WorkflowTaskFailed (2, 3) ResetWorkflow \"the reason\" by history-service
        5 WorkflowExecutionSignaled a by client
        6 WorkflowExecutionSignaled b by client
        7 WorkflowExecutionSignaled c by client
        8 WorkflowTaskScheduled
        9 WorkflowTaskStarted (8) by w
        10 WorkflowTaskCompleted (8, 9) by w
        11 WorkflowExecutionCompleted (10) \"done\"
    ");
    assert_eq!(t.run_count("order"), 4);
}

#[test]
fn the_runs_that_follow_have_the_time_that_the_reset_gave() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { workflow_execution_timeout: span(seconds(100)), ..requests::start("order") });
    t.runs_workflow_task([]);
    t.time_passes(seconds(50));
    let request = reset(&t, "order", 4);
    t.calls(request);
    t.time_passes(seconds(60));
    t.runs_workflow_task([continue_as_new(next_run())]);
    let shown = described(&mut t, "order").workflow_extended_info.expect("more");
    assert_eq!(at(shown.execution_expiration_time), Some(150));
}
