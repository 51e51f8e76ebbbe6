//! Time that runs away with something that fails for ever.

use std::time::Duration;

use foretime_server::{
    config::{Config, RunawayLimits, TimeMode},
    proto::{
        common::RetryPolicy, enums::WorkflowExecutionStatus, foretimeservice::ExplainTimeRequest,
        workflowservice::StartWorkflowExecutionRequest,
    },
};

use crate::support::*;

const HOUR: Duration = Duration::from_secs(3600);

fn server(is_fail_fast: bool) -> Transcript {
    let runaway = RunawayLimits { is_fail_fast, ..RunawayLimits::default() };
    Transcript::with(Config { time: TimeMode::Skipping, runaway, ..Config::default() })
}

/// An activity that is retried for ever, failed until time stands still or this often.
fn fails_for_ever(t: &mut Transcript, most: usize) -> usize {
    t.starts("order");
    t.runs_workflow_task([schedule(Activity {
        start_to_close_timeout: span(HOUR),
        retry_policy: attempts(0),
        ..activity("a")
    })]);
    for count in 0..most {
        let poll = t.sends(activity_poll("w1"));
        t.time_skips();
        if !t.is_answered(&poll) {
            t.gives_up(&poll);
            return count;
        }
        let task = t.gets_activity(&poll);
        t.fails_activity(&task, failure("the gateway is down"));
    }
    most
}

#[test]
fn skipping_stops_after_a_hundred_failures_of_one_activity() {
    let mut t = server(false);
    assert_eq!(fails_for_ever(&mut t, 200), 100);
    let text = "time no longer skips: activity A of workflow order (W) failed 100 times in a row, at last in attempt 100 \
                (the gateway is down), and nothing else happens";
    assert_eq!(t.notices(), [text]);
    assert_eq!(t.calls(ExplainTimeRequest {}).reasons[0], text);
    // A client that does something starts it again.
    let before = t.elapsed();
    t.calls(signal("order", "go on"));
    t.runs_workflow_task([]);
    t.time_skips();
    assert!(t.elapsed() > before);
}

#[test]
fn what_succeeds_in_between_is_no_runaway() {
    let mut t = server(false);
    t.calls(StartWorkflowExecutionRequest { cron_schedule: "0 * * * *".to_owned(), ..start("hourly") });
    for _ in 0..300 {
        t.time_skips();
        t.runs_workflow_task([complete("done")]);
    }
    t.time_skips();
    assert!(t.elapsed() > HOUR * 299);
    assert_eq!(t.notices(), Vec::<String>::new());
}

/// Runs of a chain that fail until time stands still: how many. `awaits`: whether somebody follows the chain from end to end.
fn runs_that_fail(t: &mut Transcript, awaits: bool) -> usize {
    t.calls(StartWorkflowExecutionRequest {
        retry_policy: Some(RetryPolicy { initial_interval: span(seconds(1)), ..RetryPolicy::default() }),
        ..start("order")
    });
    for count in 0..300 {
        let end = awaits.then(|| t.awaits_close_of("order"));
        t.time_skips();
        let poll = t.sends(workflow_poll(task_queue(QUEUE), "w1"));
        if !t.is_answered(&poll) {
            return count;
        }
        let task = t.gets_workflow_task(&poll);
        t.completes(&task, [fail(failure("no luck"))]);
        if let Some(end) = end {
            t.answer_to(&end);
        }
    }
    panic!("it goes on for ever");
}

#[test]
fn skipping_stops_after_a_hundred_failed_runs() {
    for awaits in [false, true] {
        let mut t = server(false);
        assert_eq!(runs_that_fail(&mut t, awaits), 100);
        assert!(t.notices()[0].contains("workflow order (W) failed 100 times in a row, at last with no luck"));
    }
}

#[test]
fn what_nobody_awaits_stops_nobody_who_awaits_something_else() {
    let mut t = server(false);
    t.starts("month");
    t.runs_workflow_task([start_timer("t", HOUR * 24 * 30)]);
    t.awaits_close_of("month");
    assert_eq!(fails_for_ever(&mut t, 200), 200);
    assert_eq!(t.notices(), Vec::<String>::new());
}

#[test]
fn a_sleep_is_not_stopped_by_what_fails_for_ever() {
    let mut t = server(false);
    t.unlocks_and_sleeps(HOUR * 24 * 30);
    assert_eq!(fails_for_ever(&mut t, 200), 200);
}

#[test]
fn skipping_stops_after_a_hundred_years_within_one_wait() {
    let mut t = server(false);
    t.starts("order");
    t.runs_workflow_task([start_timer("t", HOUR * 24 * 365)]);
    let mut years = 0;
    loop {
        t.time_skips();
        let poll = t.sends(workflow_poll(task_queue(QUEUE), "w1"));
        if !t.is_answered(&poll) {
            break;
        }
        years += 1;
        let task = t.gets_workflow_task(&poll);
        t.completes(&task, [start_timer("t", HOUR * 24 * 365)]);
        assert!(years < 300);
    }
    assert_eq!(years, 100);
    assert!(t.notices()[0].contains("100 virtual years have passed within one wait"));
}

#[test]
fn a_chain_of_runs_at_one_instant_comes_to_an_end() {
    let mut t = server(false);
    t.starts("spinning");
    while t.status_of("spinning") == WorkflowExecutionStatus::Running {
        assert!(t.run_count("spinning") < 2_000, "it goes on for ever");
        t.runs_workflow_task([continue_as_new(next_run())]);
    }
    assert_eq!(t.run_count("spinning"), 1_002);
    assert_eq!(t.status_of("spinning"), WorkflowExecutionStatus::Terminated);
    let told = t.notices();
    let text = "workflow spinning (W) is terminated: Too many runs of this chain have begun at one instant.";
    assert!(told.iter().any(|line| line == text), "{told:?}");
}

#[test]
fn fail_fast_closes_what_fails_for_ever() {
    let mut t = server(true);
    assert_eq!(fails_for_ever(&mut t, 200), 100);
    assert_eq!(t.status_of("order"), WorkflowExecutionStatus::Terminated);
}

#[test]
fn fail_fast_closes_a_workflow_whose_task_fails() {
    let mut t = server(true);
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.fails(&task);
    assert_eq!(t.status_of("order"), WorkflowExecutionStatus::Terminated);
}
