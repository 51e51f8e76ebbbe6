//! Virtual time: at the wall's pace while locked, skipping when nothing holds it; sleeps; ties at one instant.

use std::time::Duration;

use foretime_server::{
    config::{Config, TimeMode},
    engine::time::Time,
    proto::{
        common::RetryPolicy,
        testservice::{
            GetCurrentTimeResponse, LockTimeSkippingRequest, SleepRequest, SleepUntilRequest, UnlockTimeSkippingRequest,
        },
        workflowservice::StartWorkflowExecutionRequest,
    },
    rpc::table::TEST_SERVICE,
};

use crate::support::{transcript::START, *};

const HOUR: Duration = Duration::from_secs(3600);
const UNBALANCED: &str = "FailedPrecondition: Unbalanced lock and unlock calls: time skipping is not locked.";

/// A workflow that sleeps for an hour.
fn sleeps(t: &mut Transcript) {
    t.starts("order");
    t.runs_workflow_task([start_timer("t", HOUR)]);
}

fn sleep(duration: Duration) -> SleepRequest {
    SleepRequest { duration: span(duration) }
}

#[test]
fn time_that_is_locked_goes_at_the_walls_pace() {
    let mut t = Transcript::new();
    sleeps(&mut t);
    assert_eq!(t.next_deadline(), Some(HOUR));
    t.time_passes(seconds(10));
    assert_eq!(t.elapsed(), seconds(10));
    t.history_from(6, "order").is("");
    t.time_passes(HOUR);
    t.history_from(6, "order").is("
        6 TimerFired (5) t, at 3600s
        7 WorkflowTaskScheduled
    ");
}

#[test]
fn time_that_nothing_holds_skips_to_what_is_due_next_and_no_further() {
    let mut t = Transcript::skipping();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", HOUR), start_timer("u", HOUR * 2)]);
    assert_eq!(t.next_deadline(), Some(Duration::ZERO));
    t.time_skips();
    // The workflow task of the fired timer holds time.
    assert_eq!(t.elapsed(), HOUR);
    t.runs_workflow_task([]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR * 2);
    t.runs_workflow_task([complete("done")]);
    assert_eq!(t.next_deadline(), None);
}

#[test]
fn one_step_of_the_clock_is_one_instant() {
    let mut t = Transcript::skipping();
    let sleeps = [sleep(HOUR), sleep(HOUR), sleep(HOUR * 2)].map(|request| t.sends(request));
    t.time_skips_once();
    assert_eq!(t.elapsed(), HOUR);
    t.answer_to(&sleeps[0]);
    t.answer_to(&sleeps[1]);
    t.still_waits(&sleeps[2]);
    t.time_skips_once();
    t.answer_to(&sleeps[2]);
    assert_eq!(t.elapsed(), HOUR * 2);
}

#[test]
fn a_lock_holds_time_until_it_is_lifted() {
    let mut t = Transcript::skipping();
    for _ in 0..2 {
        t.calls(LockTimeSkippingRequest {});
    }
    sleeps(&mut t);
    for elapsed in [Duration::ZERO, Duration::ZERO, HOUR] {
        t.time_skips();
        assert_eq!(t.elapsed(), elapsed);
        t.calls(UnlockTimeSkippingRequest {});
    }
}

#[test]
fn an_unlock_that_finds_no_lock_is_a_mistake_where_there_is_nothing_to_await() {
    let mut t = Transcript::skipping();
    t.refuses(UnlockTimeSkippingRequest {}, UNBALANCED);
    t.starts("order");
    // Clients that share a lock each unlock it while they await results. A surplus unlock does not release the waiting task.
    t.calls(UnlockTimeSkippingRequest {});
    t.sends(sleep(HOUR));
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
    t.runs_workflow_task([complete("done")]);
    t.calls(LockTimeSkippingRequest {});
    t.calls(LockTimeSkippingRequest {});
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
    t.calls(UnlockTimeSkippingRequest {});
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn who_has_a_task_holds_time_and_a_backoff_does_not() {
    let mut t = Transcript::skipping();
    t.starts("order");
    let retried = Activity { start_to_close_timeout: span(HOUR), retry_policy: attempts(0), ..activity("a") };
    let task = t.polls_workflow_task("w1");
    t.time_skips();
    t.completes(&task, [schedule(retried), start_timer("t", HOUR)]);
    let poll = t.polls_activity("w1");
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
    t.fails_activity(&poll, failure("no luck"));
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(1));
    t.polls_activity("w1").is("a, attempt 2");
}

#[test]
fn a_query_holds_time_while_somebody_may_answer_it() {
    let mut t = Transcript::skipping();
    sleeps(&mut t);
    let query = t.queries("order", "state");
    t.time_skips();
    assert_eq!(t.elapsed(), Duration::ZERO);
    let task = t.polls_workflow_task("w1");
    t.time_passes(seconds(6));
    assert_eq!(t.elapsed(), seconds(6));
    t.answers_query(&task, "fine");
    t.query_is_answered(&query, "fine");
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn a_sleep_goes_with_the_clock_and_may_lift_a_lock() {
    let mut t = Transcript::new();
    let plain = t.sends(sleep(HOUR));
    t.time_skips();
    t.still_waits(&plain);
    let lifting = t.unlocks_and_sleeps(seconds(60));
    t.time_skips();
    t.answer_to(&lifting);
    assert_eq!(t.elapsed(), seconds(60));
    t.still_waits(&plain);
    t.time_passes(HOUR - seconds(60));
    t.answer_to(&plain);
    let until = |at: Time| SleepUntilRequest { timestamp: Some(at.to_proto()) };
    t.calls(until(START + HOUR));
    let later = t.sends(until(START + HOUR + seconds(1)));
    t.time_passes(seconds(1));
    t.answer_to(&later);
}

#[test]
fn who_gives_up_a_sleep_puts_its_lock_back() {
    let mut t = Transcript::new();
    sleeps(&mut t);
    let sleep = t.unlocks_and_sleeps(HOUR * 2);
    assert_eq!(t.next_deadline(), Some(Duration::ZERO));
    t.gives_up(&sleep);
    assert_eq!(t.next_deadline(), Some(HOUR));
}

#[test]
fn sleeps_beside_each_other_each_end_at_their_instant() {
    let mut t = Transcript::new();
    let sleeps = [60, 120].map(|span| t.unlocks_and_sleeps(seconds(span)));
    t.time_skips_once();
    t.answer_to(&sleeps[0]);
    t.still_waits(&sleeps[1]);
    t.time_skips_once();
    t.answer_to(&sleeps[1]);
    assert_eq!(t.elapsed(), seconds(120));
    assert_eq!(t.next_deadline(), None);
}

#[test]
fn time_begins_where_it_is_told_to() {
    let start = Time::from_proto(&"2027-03-28T00:30:00Z".parse().expect("an instant"));
    let config = Config { time: TimeMode::Skipping, start_time: Some(start.to_proto()), ..Config::default() };
    let mut t = Transcript::with(config);
    let now = |t: &mut Transcript| {
        let call = t.sends_to(TEST_SERVICE, "GetCurrentTime", &(), None);
        let reply: GetCurrentTimeResponse = t.answer_to(&call);
        Time::from_proto(&reply.time.expect("a time"))
    };
    assert_eq!(now(&mut t), start);
    t.time_passes(seconds(5));
    assert_eq!(now(&mut t), start + seconds(5));
    t.sends(sleep(HOUR));
    t.time_skips();
    assert_eq!(now(&mut t), start + seconds(5) + HOUR);
}

#[test]
fn a_timer_fires_at_its_nanosecond() {
    let mut t = Transcript::skipping();
    t.starts("order");
    let span = Duration::new(86_400 * 3_650, 123_456_789);
    t.runs_workflow_task([start_timer("t", span)]);
    t.time_skips();
    let fired = t.events_of("order", 1)[5].event_time.expect("a time");
    assert_eq!(Time::from_proto(&fired), START + span);
}

#[test]
fn virtual_time_has_an_end_that_nothing_reaches() {
    let mut t = Transcript::skipping();
    let end = "InvalidArgument: Virtual time ends at 2262-01-01T00:00:00Z.";
    t.refuses(sleep(HOUR * 24 * 365 * 300), end);
    t.refuses(SleepUntilRequest { timestamp: Some(Time::END.to_proto()) }, end);
    let start_time = Some((Time::END - HOUR * 24 * 365).to_proto());
    let mut t = Transcript::with(Config { time: TimeMode::Skipping, start_time, ..Config::default() });
    t.calls(StartWorkflowExecutionRequest {
        workflow_run_timeout: span(HOUR * 24 * 365 * 90),
        retry_policy: Some(RetryPolicy::default()),
        ..start("century")
    });
    t.runs_workflow_task([start_timer("t", HOUR * 24 * 365 * 90)]);
    assert_eq!(t.next_deadline(), None);
    let near = t.sends(SleepUntilRequest { timestamp: Some((Time::END - seconds(1)).to_proto()) });
    t.time_skips();
    t.answer_to(&near);
    // Short timeouts that the end comes before never fall due, and the run does not begin again for ever.
    t.calls(StartWorkflowExecutionRequest {
        workflow_run_timeout: span(seconds(10)),
        retry_policy: Some(RetryPolicy::default()),
        ..start("late")
    });
    t.time_passes(HOUR);
    assert_eq!(t.run_count("late"), 1);
}

#[test]
fn all_that_is_overdue_happens_in_order_and_at_its_own_instant() {
    let mut t = Transcript::new();
    for (id, first) in [("one", 2), ("two", 1)] {
        t.starts(id);
        t.runs_workflow_task([start_timer("t", seconds(first)), start_timer("u", seconds(3))]);
    }
    // As on a machine that was asleep.
    t.wall_leaps(seconds(10));
    t.history_from(7, "one").is("
        7 TimerFired (5) t, at 2s
        8 WorkflowTaskScheduled
        9 TimerFired (6) u, at 3s
    ");
    t.history_from(7, "two").is("
        7 TimerFired (5) t, at 1s
        8 WorkflowTaskScheduled
        9 TimerFired (6) u, at 3s
    ");
    let order: Vec<_> = [t.polls_workflow_task("w1"), t.polls_workflow_task("w1")]
        .map(|task| task.workflow_execution.clone().unwrap_or_default().workflow_id)
        .into();
    assert_eq!(order, ["two", "one"]);
}

#[test]
#[ignore = "woken late, the service starts a task at the wall's instant before it fires what was due earlier"]
fn what_is_overdue_happens_before_a_task_that_starts_later() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(1)), start_timer("u", seconds(2))]);
    let poll = t.awaits_workflow_task("w1");
    t.wall_leaps(seconds(3));
    let task = t.gets_workflow_task(&poll);
    t.completes(&task, []);
    let seconds: Vec<_> = t.events_of("order", 1).iter().map(|event| event.event_time.map_or(0, |at| at.seconds)).collect();
    let started = seconds[task.started_event_id as usize - 1];
    assert!(seconds[task.started_event_id as usize..].iter().all(|&later| later >= started), "{seconds:?}");
}

#[test]
fn ties_of_several_workflows_go_by_what_was_created_first() {
    let mut t = Transcript::new();
    for id in ["one", "two", "three"] {
        t.starts(id);
        t.runs_workflow_task([start_timer("t", seconds(1))]);
    }
    t.signals("two", "again");
    t.runs_workflow_task([cancel_timer("t"), start_timer("t", seconds(1))]);
    t.time_passes(seconds(1));
    let order: Vec<_> =
        (0..3).map(|_| t.polls_workflow_task("w1").workflow_execution.clone().unwrap_or_default().workflow_id).collect();
    assert_eq!(order, ["one", "three", "two"]);
}

#[test]
fn a_wall_that_goes_back_does_not_take_time_with_it() {
    let mut t = Transcript::new();
    t.time_passes(seconds(10));
    t.wall_goes_back(seconds(5));
    assert_eq!(t.elapsed(), seconds(10));
    t.time_passes(seconds(6));
    assert_eq!(t.elapsed(), seconds(11));
}
