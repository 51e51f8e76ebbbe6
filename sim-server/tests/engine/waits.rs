//! Time that skips while some client awaits an end (`--time awaited`).

use std::time::Duration;

use foretime_server::{
    config::{Config, TimeMode},
    engine::{Caller, Connection},
    proto::{
        testservice::{LockTimeSkippingRequest, SleepRequest, UnlockTimeSkippingRequest},
        workflowservice::GetWorkflowExecutionHistoryRequest,
    },
};

use crate::support::{updates::*, *};

const HOUR: Duration = Duration::from_secs(3600);

fn server() -> Transcript {
    Transcript::with(Config { time: TimeMode::Awaited, ..Config::default() })
}

/// A workflow that waits for an hour, and then for another.
fn sleeps(t: &mut Transcript) {
    t.starts("order");
    t.runs_workflow_task([start_timer("t", HOUR), start_timer("u", HOUR * 2)]);
}

#[test]
fn time_stands_until_somebody_awaits_an_end() {
    let mut t = server();
    sleeps(&mut t);
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
    assert_eq!(t.next_deadline(), Some(HOUR));
    let wait = t.awaits_close_of("order");
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
    t.runs_workflow_task([complete("done")]);
    t.answer_to(&wait);
    t.starts("next");
    t.runs_workflow_task([start_timer("t", HOUR)]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn a_read_of_the_history_awaits_no_end() {
    let mut t = server();
    sleeps(&mut t);
    let page = t.calls(GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..read("order") });
    let next_page_token = page.next_page_token;
    let waits = t.sends(GetWorkflowExecutionHistoryRequest { wait_new_event: true, next_page_token, ..read("order") });
    t.still_waits(&waits);
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
}

#[test]
fn temporal_workflow_execute_reads_all_events_and_awaits_the_end() {
    let mut t = server();
    sleeps(&mut t);
    t.calls_as(Caller { client_name: "temporal-cli".to_owned(), ..Caller::default() });
    let page = t.calls(GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..read("order") });
    let next_page_token = page.next_page_token;
    t.sends(GetWorkflowExecutionHistoryRequest { wait_new_event: true, next_page_token, ..read("order") });
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn a_gap_between_polls_pauses_time() {
    let mut t = server();
    sleeps(&mut t);
    let wait = t.awaits_close_of("order");
    t.time_skips_once();
    t.gives_up(&wait);
    t.runs_workflow_task([]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
    t.awaits_close_of("order");
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR * 2);
}

#[test]
fn who_awaits_an_outcome_is_somebody() {
    let mut t = server();
    t.starts("cart");
    t.runs_workflow_task([]);
    let outcome = t.updates("cart", "u1");
    let task = t.polls_workflow_task("w1");
    let mut report = reports(&task, [acceptance(&task, "u1")]);
    report.commands.push(start_timer("t", HOUR));
    t.calls(report);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
    t.gives_up(&outcome);
    t.runs_workflow_task([start_timer("u", HOUR)]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
    t.sends(poll_update("cart", "u1"));
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR * 2);
}

#[test]
fn a_lock_stops_time_also_while_an_end_is_awaited() {
    let mut t = server();
    sleeps(&mut t);
    t.calls_on(1);
    t.calls(LockTimeSkippingRequest {});
    t.calls_on(2);
    t.awaits_close_of("order");
    // Surplus unlocks of an SDK's environment change nothing.
    t.calls(UnlockTimeSkippingRequest {});
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
    t.calls_on(1);
    t.calls(UnlockTimeSkippingRequest {});
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn an_unlock_alone_moves_nothing_and_its_lock_leaves_nothing() {
    let mut t = server();
    sleeps(&mut t);
    t.calls(UnlockTimeSkippingRequest {});
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
    t.calls(LockTimeSkippingRequest {});
    t.awaits_close_of("order");
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn who_sleeps_waits_too() {
    let mut t = server();
    let plain = t.sends(SleepRequest { duration: span(HOUR) });
    t.time_skips();
    t.answer_to(&plain);
    let lifting = t.unlocks_and_sleeps(HOUR);
    t.time_skips();
    t.answer_to(&lifting);
    assert_eq!(t.elapsed(), HOUR * 2);
}

#[test]
fn an_await_within_an_activity_lifts_no_hold() {
    let mut t = server();
    t.starts("order");
    t.runs_workflow_task([schedule(activity("a")), start_timer("t", HOUR)]);
    t.polls_activity("w1").is("a, attempt 1");
    t.awaits_close_of("order");
    t.time_passes(seconds(3));
    assert_eq!(t.elapsed(), seconds(3));
    let told = t.notices();
    assert!(told.iter().any(|line| line.contains("activity A (attempt 1) of workflow order (W) is at work")), "{told:?}");
}

#[test]
fn who_waits_for_time_that_cannot_move_is_told_so_after_two_seconds() {
    let mut t = server();
    t.calls_on(1);
    t.starts("order");
    t.awaits_close_of("order");
    t.time_passes(Duration::from_millis(1_999));
    assert_eq!(t.notices(), Vec::<String>::new());
    t.time_passes(Duration::from_millis(1));
    let told = t.notices();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("no worker polls task queue queue (workflow tasks)"), "{told:?}");
    t.time_passes(seconds(5));
    assert_eq!(t.notices(), Vec::<String>::new());
    t.closes(Connection(1));
}
