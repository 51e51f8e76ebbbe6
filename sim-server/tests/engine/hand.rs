//! ForetimeService: a hand on the clock.

use std::time::Duration;

use foretime_server::{
    engine::time::Time,
    proto::{
        foretimeservice::{
            ExplainTimeRequest, GetTimeRequest, SettleRequest, SettleResponse, SkipTimeRequest, SleepUntilRequest,
        },
        testservice::{LockTimeSkippingRequest, UnlockTimeSkippingRequest},
    },
};

use crate::support::{transcript::START, *};

const HOUR: Duration = Duration::from_secs(3600);

fn skip(duration: Duration) -> SkipTimeRequest {
    SkipTimeRequest { duration: span(duration) }
}

#[test]
fn a_hand_moves_time_whoever_locks_it() {
    let mut t = Transcript::new();
    t.calls(LockTimeSkippingRequest {});
    let skipped = t.sends(skip(HOUR));
    t.time_skips();
    let time = t.answer_to(&skipped).time.expect("a time");
    assert_eq!(Time::from_proto(&time), START + HOUR);
    assert_eq!(t.calls(GetTimeRequest {}).time, Some(time));
    t.time_passes(seconds(1));
    assert_eq!(t.elapsed(), HOUR + seconds(1));
    t.refuses(SkipTimeRequest::default(), "InvalidArgument: Duration is not set on request.");
    t.refuses(skip(HOUR * 24 * 365 * 300), "InvalidArgument: Virtual time ends at 2262-01-01T00:00:00Z.");
}

#[test]
fn all_that_is_due_on_the_way_happens_and_workers_work_in_between() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", HOUR)]);
    let skipped = t.sends(skip(HOUR * 3));
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
    t.still_waits(&skipped);
    t.runs_workflow_task([start_timer("u", HOUR)]);
    t.time_skips();
    t.runs_workflow_task([]);
    t.time_skips();
    t.answer_to(&skipped);
    assert_eq!(t.elapsed(), HOUR * 3);
}

#[test]
fn settle_waits_for_what_is_in_flight_and_moves_no_time() {
    let mut t = Transcript::new();
    t.starts("order");
    let settled = t.sends(SettleRequest::default());
    t.time_skips();
    t.still_waits(&settled);
    let task = t.polls_workflow_task("w1");
    t.still_waits(&settled);
    t.completes(&task, [schedule(activity("a")), start_timer("t", HOUR)]);
    let activity = t.polls_activity("w1").is("a, attempt 1");
    t.completes_activity(&activity, "done");
    t.still_waits(&settled);
    t.runs_workflow_task([]);
    assert!(t.answer_to(&settled).settled);
    assert_eq!(t.elapsed(), Duration::ZERO);
    assert!(t.calls(SettleRequest::default()).settled);
}

#[test]
fn time_says_who_is_at_work() {
    let mut t = Transcript::new();
    t.starts("order");
    t.polls_workflow_task("w1");
    t.awaits_workflow_task("w2");
    let work = t.calls(ExplainTimeRequest {}).work;
    assert_eq!(work.len(), 1);
    let told = (work[0].name.as_str(), work[0].task_queue.as_str(), work[0].identity.as_str(), work[0].poller_count);
    assert_eq!(told, ("the workflow task of workflow order (W)", "queue", "w1", 1));
}

#[test]
fn settle_gives_up_and_says_what_is_in_flight() {
    let mut t = Transcript::new();
    t.starts("order");
    t.polls_workflow_task("w1");
    let settled = t.sends(SettleRequest { timeout: span(seconds(3)) });
    t.time_passes(seconds(3));
    let SettleResponse { settled, in_flight, .. } = t.answer_to(&settled);
    assert!(!settled);
    assert_eq!(in_flight, ["the workflow task of workflow order (W) is at work at w1 for 3.0 s"]);
}

#[test]
fn what_is_done_at_an_instant_happens_at_that_instant() {
    let mut t = Transcript::skipping();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", HOUR * 2)]);
    let reached = t.sends(SleepUntilRequest { duration: span(HOUR), lock: true, time: None });
    t.time_skips();
    t.answer_to(&reached);
    assert_eq!(t.elapsed(), HOUR);
    t.signals("order", "in between");
    t.runs_workflow_task([]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
    t.calls(UnlockTimeSkippingRequest {});
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR * 2);
}

#[test]
fn time_says_why_it_stands_still() {
    let mut t = Transcript::new();
    t.calls(LockTimeSkippingRequest {});
    t.starts("order");
    let why = t.calls(ExplainTimeRequest {});
    assert!(!why.skips);
    assert_eq!(
        why.reasons,
        [
            "no worker polls task queue queue (workflow tasks): the workflow task of workflow order (W) waits there",
            "time is locked by clients:  client (1)",
            "time is locked since the start, until a client unlocks it (--time awaited skips while clients wait)",
            "nothing is due: there is no timer, timeout, retry or sleep that time could skip to",
        ]
    );
}

#[test]
fn time_says_what_it_skipped_to_and_what_comes_next() {
    let mut t = Transcript::skipping();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", HOUR), start_timer("u", HOUR * 2)]);
    t.time_skips();
    let why = t.calls(ExplainTimeRequest {});
    let skips: Vec<_> = why.skips_before.iter().map(|skip| skip.name.as_str()).collect();
    assert_eq!(skips, ["timer t of workflow order (W)"]);
    assert_eq!(why.skip_count, 1);
    assert_eq!(why.next_deadline.expect("a deadline").name, "timer u of workflow order (W)");
    assert_eq!(why.queues.len(), 1);
    assert_eq!((why.queues[0].task_queue.as_str(), why.queues[0].task_count, why.queues[0].worker_count), ("queue", 1, 1));
}
