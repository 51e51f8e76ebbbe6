//! Sleeps beside work: what a sleep lifts, how far it takes time, and when that ends.

use std::time::Duration;

use foretime_server::proto::testservice::{LockTimeSkippingRequest, SleepResponse, UnlockTimeSkippingRequest};

use crate::support::{worker::ActivityTask, *};

const HOUR: Duration = Duration::from_secs(3600);

/// An awaited workflow whose activity, with a timeout of a minute, runs at a worker. Time is unlocked by who awaits.
fn running() -> (Transcript, ActivityTask) {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([schedule(Activity {
        start_to_close_timeout: span(seconds(60)),
        retry_policy: attempts(0),
        ..activity("a")
    })]);
    let task = t.polls_activity("w1").is("a, attempt 1");
    t.calls(UnlockTimeSkippingRequest {});
    (t, task)
}

/// The same, and a sleep beside it. The first attempt has timed out, the second is done, and who awaited the workflow has locked time again.
fn timed_out_and_done() -> (Transcript, Waiting<SleepResponse>) {
    let (mut t, _) = running();
    let sleep = t.unlocks_and_sleeps(HOUR);
    t.time_passes(seconds(2));
    let second = t.polls_activity("w1").is("a, attempt 2");
    t.calls(LockTimeSkippingRequest {});
    t.completes_activity(&second, "done");
    t.runs_workflow_task([complete("done")]);
    (t, sleep)
}

#[test]
fn a_sleep_beside_an_awaited_workflow_is_not_refused() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([]);
    t.calls(UnlockTimeSkippingRequest {});
    let sleep = t.unlocks_and_sleeps(HOUR * 24);
    t.time_skips();
    t.answer_to(&sleep);
    assert_eq!(t.elapsed(), HOUR * 24);
}

#[test]
fn a_short_sleep_beside_a_running_activity_ends_at_once() {
    let (mut t, task) = running();
    let sleep = t.unlocks_and_sleeps(seconds(30));
    t.time_skips();
    t.answer_to(&sleep);
    assert_eq!(t.elapsed(), seconds(30));
    // What it lifted holds again.
    t.time_passes(seconds(5));
    assert_eq!(t.elapsed(), seconds(35));
    t.completes_activity(&task, "done");
}

#[test]
fn a_long_sleep_does_not_time_out_an_activity_that_is_heard_of() {
    let (mut t, task) = running();
    let sleep = t.unlocks_and_sleeps(HOUR);
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(60) - Duration::from_nanos(1));
    for _ in 0..5 {
        t.time_passes(seconds(1));
        t.heartbeats(&task, "at it");
    }
    // Time stands there, while the activity goes on.
    assert_eq!(t.elapsed(), seconds(60) - Duration::from_nanos(1));
    t.completes_activity(&task, "done");
    t.runs_workflow_task([]);
    t.time_skips();
    t.answer_to(&sleep);
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn a_sleep_takes_an_activity_past_its_timeout_once_it_has_been_silent_for_two_seconds() {
    let (mut t, _) = running();
    let sleep = t.unlocks_and_sleeps(seconds(90));
    t.time_skips();
    t.time_passes(Duration::from_millis(1_999));
    assert!(t.elapsed() < seconds(60));
    t.time_passes(Duration::from_millis(1));
    // The first attempt is over. The second holds time: the sleep lifted the first, and no later one.
    assert_eq!(t.elapsed(), seconds(61));
    let second = t.polls_activity("w1").is("a, attempt 2");
    t.time_passes(seconds(3));
    t.still_waits(&sleep);
    t.completes_activity(&second, "done");
    t.runs_workflow_task([complete("done")]);
    t.time_skips();
    // It was the attempt that slept. Its sleep lifts no lock, and time is still unlocked by who awaits.
    t.answer_to(&sleep);
    assert_eq!(t.elapsed(), seconds(90));
}

#[test]
fn the_sleep_of_an_attempt_that_timed_out_lifts_no_lock() {
    let (mut t, sleep) = timed_out_and_done();
    t.time_skips();
    t.still_waits(&sleep);
    assert_eq!(t.elapsed(), seconds(61));
}

#[test]
fn a_sleep_goes_on_where_nothing_else_does_after_all() {
    let (mut t, sleep) = timed_out_and_done();
    // It was the test that slept: nobody has given it up.
    t.time_passes(seconds(2));
    t.answer_to(&sleep);
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn two_sleeps_beside_a_running_activity_wait_for_it_as_one_does() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([schedule(Activity { start_to_close_timeout: span(seconds(60)), ..activity("a") })]);
    let task = t.polls_activity("w1").is("a, attempt 1");
    let sleeps = [HOUR, HOUR * 2].map(|span| t.unlocks_and_sleeps(span));
    t.time_passes(seconds(5));
    assert_eq!(t.elapsed(), seconds(5));
    t.completes_activity(&task, "done");
    t.runs_workflow_task([complete("done")]);
    t.time_skips();
    for sleep in &sleeps {
        t.answer_to(sleep);
    }
    assert_eq!(t.elapsed(), HOUR * 2);
}

#[test]
fn a_sleep_that_finds_a_lock_lifts_no_activity() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([schedule(Activity { start_to_close_timeout: span(HOUR * 9), ..activity("a") })]);
    let task = t.polls_activity("w1").is("a, attempt 1");
    let sleep = t.unlocks_and_sleeps(HOUR);
    t.time_passes(seconds(5));
    assert_eq!(t.elapsed(), seconds(5));
    t.completes_activity(&task, "done");
    t.runs_workflow_task([]);
    t.time_skips();
    t.answer_to(&sleep);
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn a_workflow_that_closes_takes_the_sleep_of_its_activity_along() {
    let (mut t, _) = running();
    let sleep = t.unlocks_and_sleeps(HOUR);
    t.calls(terminate("order"));
    t.calls(LockTimeSkippingRequest {});
    t.time_skips();
    t.still_waits(&sleep);
    assert!(t.elapsed() < seconds(60));
}
