//! The clients' locks: each belongs to its connection.

use std::time::Duration;

use foretime_server::{
    engine::Connection,
    proto::{
        testservice::{LockTimeSkippingRequest, UnlockTimeSkippingRequest},
        workflowservice::GetSystemInfoRequest,
    },
};

use crate::support::*;

const HOUR: Duration = Duration::from_secs(3600);

/// A workflow that waits for an hour, and a server whose time is locked.
fn server() -> Transcript {
    let mut t = Transcript::new();
    t.calls_on(9);
    t.starts("order");
    t.runs_workflow_task([start_timer("t", HOUR), start_timer("u", HOUR * 2)]);
    t
}

fn locks(t: &mut Transcript, connection: u64) {
    t.calls_on(connection);
    t.calls(LockTimeSkippingRequest {});
}

fn unlocks(t: &mut Transcript, connection: u64) {
    t.calls_on(connection);
    t.calls(UnlockTimeSkippingRequest {});
}

#[test]
fn one_client_does_not_unlock_what_another_has_locked() {
    let mut t = server();
    locks(&mut t, 1);
    // Two calls of another client await results at once.
    unlocks(&mut t, 2);
    unlocks(&mut t, 2);
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
    unlocks(&mut t, 1);
    t.time_skips_once();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn what_a_client_has_locked_lapses_a_second_after_it_is_gone() {
    let mut t = server();
    locks(&mut t, 1);
    unlocks(&mut t, 2);
    t.closes(Connection(1));
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
    t.time_passes(seconds(1));
    assert_eq!(t.elapsed(), HOUR);
    assert_eq!(t.notices(), ["a client has closed its connection and left time locked: that is undone now"]);
}

#[test]
fn what_a_client_has_unlocked_is_locked_again_a_second_after_it_is_gone() {
    let mut t = server();
    unlocks(&mut t, 1);
    t.time_skips_once();
    t.calls_on(9);
    let task = t.polls_workflow_task("w1");
    t.closes(Connection(1));
    t.time_passes(seconds(1));
    t.completes(&task, []);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR + seconds(1));
    assert_eq!(t.next_deadline(), Some(HOUR - seconds(1)));
    assert_eq!(t.notices(), ["a client has closed its connection and left time unlocked: that is undone now"]);
}

#[test]
fn a_client_that_is_back_within_a_second_keeps_its_balance() {
    let mut t = server();
    locks(&mut t, 1);
    t.signals("order", "by a client with an identity");
    unlocks(&mut t, 2);
    t.closes(Connection(1));
    t.calls_on(3);
    t.signals("order", "by the same");
    t.calls_on(9);
    t.runs_workflow_task([]);
    t.time_passes(seconds(5));
    assert_eq!(t.elapsed(), seconds(5));
    unlocks(&mut t, 3);
    t.time_skips_once();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn a_client_that_awaits_the_same_end_again_is_the_same() {
    let mut t = server();
    unlocks(&mut t, 1);
    t.awaits_close_of("order");
    t.closes(Connection(1));
    t.calls_on(2);
    t.awaits_close_of("order");
    t.time_skips_once();
    t.calls_on(9);
    t.runs_workflow_task([]);
    t.time_passes(seconds(2));
    // It is still unlocked, and locks once.
    assert_eq!(t.elapsed(), HOUR * 2 + seconds(2));
    locks(&mut t, 2);
    t.calls_on(9);
    t.runs_workflow_task([start_timer("v", HOUR * 8)]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR * 2 + seconds(2));
}

#[test]
fn who_gets_what_it_awaited_finds_time_as_it_was_then() {
    let mut t = server();
    t.starts("leftover");
    t.runs_workflow_task([start_timer("x", HOUR * 9)]);
    unlocks(&mut t, 1);
    let result = t.awaits_close_of("order");
    t.time_skips_once();
    t.calls_on(9);
    t.runs_workflow_task([complete("done")]);
    t.answer_to(&result);
    // The SDK has the result, and is about to lock.
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
    locks(&mut t, 1);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn who_unlocks_for_good_is_waited_for_twice_and_no_more() {
    let mut t = Transcript::new();
    unlocks(&mut t, 1);
    for (round, waits) in [true, true, false].into_iter().enumerate() {
        t.calls_on(9);
        t.starts(&format!("leftover-{round}"));
        t.runs_workflow_task([start_timer("x", HOUR)]);
        t.starts(&format!("order-{round}"));
        t.calls_on(1);
        let result = t.awaits_close_of(&format!("order-{round}"));
        t.calls_on(9);
        t.runs_workflow_task([complete("done")]);
        t.answer_to(&result);
        let before = t.elapsed();
        t.time_skips();
        assert_eq!(t.elapsed() == before, waits, "{round}");
        t.time_passes(seconds(1));
        assert!(t.elapsed() >= before + HOUR, "{round}");
        t.runs_workflow_task([complete("done")]);
    }
}

#[test]
fn another_client_of_the_same_process_inherits_nothing() {
    let mut t = server();
    t.calls_on(1);
    t.signals("order", "by a client with an identity");
    unlocks(&mut t, 1);
    t.calls(LockTimeSkippingRequest {});
    t.calls(LockTimeSkippingRequest {});
    t.closes(Connection(1));
    t.calls_on(2);
    // What a client asks first, and one that has lost its connection does not ask again.
    t.calls(GetSystemInfoRequest {});
    t.signals("order", "by another with the same identity");
    t.calls_on(9);
    t.runs_workflow_task([]);
    unlocks(&mut t, 2);
    t.time_passes(seconds(1));
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn many_who_wait_at_once_leave_time_as_they_found_it() {
    let mut t = server();
    let waits: Vec<_> = (1..=500)
        .map(|_| {
            unlocks(&mut t, 1);
            t.awaits_close_of("order")
        })
        .collect();
    t.time_skips_once();
    t.calls_on(9);
    t.runs_workflow_task([complete("done")]);
    for wait in &waits {
        t.answer_to(wait);
    }
    for _ in &waits {
        locks(&mut t, 1);
    }
    t.calls_on(9);
    t.starts("next");
    t.runs_workflow_task([start_timer("t", HOUR)]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
    assert_eq!(t.next_deadline(), Some(HOUR));
}
