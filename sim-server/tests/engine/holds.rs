//! Who holds time: workers at work, and those who may be on their way; and how it is known that they are not.

use std::time::Duration;

use foretime_server::{
    engine::Connection,
    proto::{
        common::WorkflowExecution,
        enums::WorkflowExecutionStatus,
        workflowservice::{PollWorkflowTaskQueueRequest, ShutdownWorkerRequest, StartWorkflowExecutionRequest},
    },
};

use crate::support::{requests::NAMESPACE, worker::completion, *};

const HOUR: Duration = Duration::from_secs(3600);

/// A workflow that sleeps for an hour, on a queue of its own, served on connection 9.
fn sleeper(t: &mut Transcript) {
    t.calls_on(9);
    t.calls(StartWorkflowExecutionRequest { task_queue: task_queue("elsewhere"), ..start("sleeper") });
    t.runs_workflow_task_of("elsewhere", [start_timer("t", HOUR)]);
    t.calls_on(0);
}

fn poll_as(instance_key: &str) -> PollWorkflowTaskQueueRequest {
    PollWorkflowTaskQueueRequest { worker_instance_key: instance_key.to_owned(), ..workflow_poll(task_queue(QUEUE), "w1") }
}

#[test]
fn a_queue_that_no_worker_has_polled_yet_holds_time_for_ten_seconds() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.starts("order");
    t.time_skips();
    assert_eq!(t.next_deadline(), Some(seconds(10)));
    t.time_passes(seconds(9));
    assert_eq!(t.elapsed(), seconds(9));
    t.time_passes(seconds(1));
    assert_eq!(t.elapsed(), HOUR);
    let told = t.notices();
    let text = "no worker polls task queue queue (workflow tasks): the workflow task of workflow order (W) waits there";
    assert!(told.iter().any(|line| line.contains(text)), "{told:?}");
}

#[test]
fn a_worker_that_comes_in_time_finds_time_as_it_was() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.starts("order");
    t.time_passes(seconds(8));
    t.polls_workflow_task("w1");
    assert_eq!(t.elapsed(), seconds(8));
}

#[test]
fn a_worker_that_is_busy_holds_what_waits_for_it() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.calls_on(1);
    t.starts("one");
    let busy = t.polls_workflow_task("w1");
    t.starts("two");
    // Its only slot is taken: it does not poll.
    t.time_passes(seconds(8));
    assert_eq!(t.elapsed(), seconds(8));
    t.completes(&busy, [complete("done")]);
    t.time_passes(seconds(60));
    assert_eq!(t.elapsed(), seconds(68));
    t.runs_workflow_task([complete("done")]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn what_a_worker_has_in_hand_is_lost_a_second_after_its_connection() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.calls_on(1);
    t.starts("order");
    t.runs_workflow_task([schedule(Activity { start_to_close_timeout: span(seconds(60)), ..activity("a") })]);
    t.polls_activity("w1").is("a, attempt 1");
    t.calls_on(0);
    t.time_passes(seconds(5));
    assert_eq!(t.elapsed(), seconds(5));
    t.closes(Connection(1));
    assert_eq!(t.next_deadline(), Some(seconds(1)));
    t.time_passes(seconds(1));
    // The timeout, then the retry's backoff, for which nobody is there.
    assert!(t.elapsed() >= seconds(60), "{:?}", t.elapsed());
}

#[test]
fn a_worker_that_is_back_within_a_second_has_lost_nothing() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.calls_on(1);
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.closes(Connection(1));
    t.calls_on(2);
    t.awaits_workflow_task("w1");
    t.time_passes(seconds(5));
    assert_eq!(t.elapsed(), seconds(5));
    t.completes(&task, [complete("done")]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

/// Seed 6539 of `cargo sim seeds`: the last polls of a connection that the worker had given up came after those of the next.
#[test]
fn a_poll_that_is_late_on_an_older_connection_does_not_bind_its_worker_to_that() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.calls_on(2);
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.calls_on(1);
    t.awaits_workflow_task("w1");
    t.closes(Connection(1));
    t.time_passes(seconds(5));
    assert_eq!(t.elapsed(), seconds(5));
    t.completes(&task, [complete("done")]);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn polls_that_are_reset_and_do_not_come_back_count_as_gone() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(5))]);
    let poll = t.awaits_workflow_task(worker::WORKER);
    t.gives_up(&poll);
    t.time_skips();
    // The timer's workflow task waits for the worker, which may be back.
    assert_eq!(t.elapsed(), seconds(5));
    t.time_passes(seconds(1));
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn a_worker_that_shuts_down_is_not_waited_for_but_may_finish() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.starts("one");
    let poll = t.sends(poll_as("instance"));
    let task = t.gets_workflow_task(&poll);
    t.calls(ShutdownWorkerRequest {
        namespace: NAMESPACE.to_owned(),
        worker_instance_key: "instance".to_owned(),
        ..ShutdownWorkerRequest::default()
    });
    t.time_passes(seconds(3));
    assert_eq!(t.elapsed(), seconds(3));
    t.completes(&task, [start_timer("t", seconds(10))]);
    t.time_passes(seconds(1));
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn workers_of_one_process_leave_their_queues_one_by_one() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    // Both have the identity of their process, and no instance key.
    t.starts("order");
    let task = t.polls_workflow_task("process");
    let poll = t.sends(workflow_poll(task_queue(QUEUE), "process"));
    t.sends(workflow_poll(task_queue("another"), "process"));
    t.completes(&task, [start_timer("t", seconds(5))]);
    t.gives_up(&poll);
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(5));
    t.time_passes(seconds(1));
    assert_eq!(t.elapsed(), HOUR);
}

#[test]
fn who_starts_a_workflow_anew_where_a_worker_was_starts_the_worker_next() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.calls_on(1);
    t.starts("first");
    t.runs_workflow_task([complete("done")]);
    t.closes(Connection(1));
    t.calls_on(2);
    t.starts("second");
    t.time_passes(seconds(8));
    assert_eq!(t.elapsed(), seconds(8));
    t.polls_workflow_task("w2");
}

#[test]
fn between_the_attempts_of_a_task_that_keeps_failing_time_goes_on() {
    let mut t = Transcript::skipping();
    t.calls(StartWorkflowExecutionRequest { workflow_execution_timeout: span(HOUR), ..start("broken") });
    let first = t.polls_workflow_task("w1");
    t.time_passes(seconds(3));
    assert_eq!(t.elapsed(), seconds(3));
    t.fails(&first);
    // The SDKs do not answer to the attempts after the first: they let them time out.
    let mut attempts = 1;
    while t.awaits_end("broken") {
        let poll = t.sends(workflow_poll(task_queue(QUEUE), "w1"));
        t.time_passes(seconds(4));
        attempts += usize::from(t.is_answered(&poll));
        assert!(attempts < 30, "it goes on for ever");
    }
    assert!(attempts > 5, "{attempts} attempts");
    assert!(t.elapsed() < HOUR + seconds(60));
}

#[test]
fn a_worker_that_takes_its_time_for_a_second_attempt_is_waited_for() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.starts("slow");
    let first = t.polls_workflow_task("w1");
    t.fails(&first);
    let second = t.polls_workflow_task("w1").has_attempt(2);
    t.time_passes(Duration::from_millis(3_900));
    assert_eq!(t.elapsed(), Duration::from_millis(3_900));
    // Too long; but it answers to the attempt that has timed out, and from then on time waits for it.
    t.time_passes(seconds(1));
    let late = t.sends(completion(&second, [complete("done")]));
    assert_eq!(t.refusal_of(&late), "NotFound: Workflow task not found.");
    let third = t.polls_workflow_task("w1").has_attempt(3);
    let before = t.elapsed();
    t.time_passes(seconds(8));
    assert_eq!(t.elapsed(), before + seconds(8));
    t.completes(&third, [complete("done")]);
}

#[test]
fn a_worker_that_reports_its_failures_is_waited_for_each_time() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.starts("flaky");
    for attempt in 1..=5 {
        let task = t.polls_workflow_task("w1").has_attempt(attempt);
        let before = t.elapsed();
        t.time_passes(seconds(3));
        assert_eq!(t.elapsed(), before + seconds(3));
        t.fails(&task);
    }
}

#[test]
fn the_worker_of_what_is_awaited_may_come_back_later() {
    for (is_awaited, elapsed) in [(true, HOUR + seconds(6)), (false, HOUR * 24 + seconds(5))] {
        let mut t = Transcript::skipping();
        t.calls_on(1);
        t.calls(StartWorkflowExecutionRequest { workflow_execution_timeout: span(HOUR * 24), ..start("order") });
        t.runs_workflow_task([start_timer("t", HOUR)]);
        t.closes(Connection(1));
        t.calls_on(2);
        if is_awaited {
            t.awaits_close_of("order");
        }
        t.time_passes(seconds(6));
        assert_eq!(t.elapsed(), elapsed);
    }
}

#[test]
fn who_awaits_what_was_left_may_start_its_worker_next() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.calls_on(10);
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(10))]);
    t.closes(Connection(10));
    t.time_passes(seconds(5));
    assert_eq!(t.elapsed(), HOUR + seconds(4));
    sleeper_again(&mut t);
    t.calls_on(11);
    t.awaits_close_of("order");
    t.time_passes(seconds(8));
    assert_eq!(t.elapsed(), HOUR + seconds(12));
    t.runs_workflow_task([complete("done")]);
}

#[test]
fn a_query_of_a_worker_that_is_gone_does_not_hold_time() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    t.calls_on(10);
    t.starts("order");
    t.runs_workflow_task([]);
    t.closes(Connection(10));
    t.calls_on(11);
    t.time_passes(seconds(2));
    t.queries("order", "state");
    sleeper_again(&mut t);
    t.time_passes(seconds(1));
    assert!(t.elapsed() > HOUR * 2);
}

/// One more timer of an hour.
fn sleeper_again(t: &mut Transcript) {
    t.runs_workflow_task_of("elsewhere", [start_timer("u", HOUR)]);
}

impl Transcript {
    fn awaits_end(&self, workflow_id: &str) -> bool {
        self.status_of(workflow_id) == WorkflowExecutionStatus::Running
    }
}

#[test]
fn a_run_that_is_named_wrongly_holds_nothing() {
    let mut t = Transcript::skipping();
    sleeper(&mut t);
    let mut request = query("nobody", "state");
    request.execution = Some(WorkflowExecution { workflow_id: "nobody".to_owned(), run_id: String::new() });
    let call = t.sends(request);
    t.refusal_of(&call);
    t.time_skips();
    assert_eq!(t.elapsed(), HOUR);
}
