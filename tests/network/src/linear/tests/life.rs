//! Transcripts of what comes after a start.

use super::*;

#[test]
fn a_life_of_one_run_is_right() {
    let truth = RunTruth {
        signal_nonces: ["s1".to_owned()].into(),
        update_ids: ["u1".to_owned()].into(),
        is_cancel_requested: true,
        ..run("r1", "a", Completed)
    };
    let calls = [
        refused(0, 1, describe(""), Code::NotFound),
        heard(2, 3, start("a"), started("r1")),
        heard(4, 5, describe(""), described("r1", Running)),
        heard(4, 90, wait("r1"), ended("r1", Completed)),
        heard(6, 7, signal("r1", "s1"), Given::Done),
        heard(8, 9, update("", "u1"), updated("r1")),
        heard(10, 11, query(""), answered()),
        heard(12, 13, cancel(""), Given::Done),
        heard(91, 92, describe("r1"), described("r1", Completed)),
        refused(93, 94, signal("", "s2"), Code::NotFound),
        refused(95, 96, terminate("", "t1"), Code::NotFound),
        heard(97, 98, cancel("r1"), Given::Done),
        heard(99, 100, query("r1"), answered()),
    ];
    is_right(&calls, &[truth]);
}

#[test]
fn a_workflow_that_nobody_started_is_not_there() {
    is_right(&[refused(0, 1, signal("", "s1"), Code::NotFound), unheard(2, start("a"))], &[]);
    last_is_wrong(&[heard(0, 1, query(""), answered())], &[]);
}

#[test]
fn a_run_goes_on_as_new_in_the_instant_in_which_it_closes() {
    let truth = [run("r1", "a", ContinuedAsNew), next_run("r2", "r1", ContinuedAsNew), next_run("r3", "r2", Completed)];
    let first = heard(0, 1, start("a"), started("r1"));
    let calls = [
        first.clone(),
        heard(2, 3, describe(""), described("r1", Running)),
        heard(4, 5, describe(""), described("r2", Running)),
        heard(4, 5, describe("r1"), described("r1", ContinuedAsNew)),
        heard(2, 9, wait("r1"), ended("r3", Completed)),
        heard(2, 9, wait(""), ended("r3", Completed)),
        already_started(6, 7, start("b"), "r2", "of-the-server"),
    ];
    is_right(&calls, &truth);
    last_is_wrong(&[first.clone(), heard(2, 9, wait("r1"), ended("r1", ContinuedAsNew))], &truth);
    last_is_wrong(&[first.clone(), heard(2, 9, describe(""), described("r1", ContinuedAsNew))], &truth);
    last_is_wrong(
        &[first, refused(2, 9, terminate("", "t1"), Code::Internal), heard(10, 11, wait(""), ended("r2", Completed))],
        &truth,
    );
}

#[test]
fn the_current_run_does_not_go_back() {
    let truth = [run("r1", "a", ContinuedAsNew), next_run("r2", "r1", Running)];
    let calls = [
        heard(0, 1, start("a"), started("r1")),
        heard(2, 3, describe(""), described("r2", Running)),
        heard(4, 5, describe(""), described("r1", Running)),
    ];
    last_is_wrong(&calls, &truth);
}

#[test]
fn a_closed_run_does_not_run_again() {
    let truth = [run("r1", "a", Completed)];
    let first = heard(0, 1, start("a"), started("r1"));
    let closed = heard(2, 5, wait("r1"), ended("r1", Completed));
    is_right(&[first.clone(), closed.clone(), heard(4, 6, describe("r1"), described("r1", Running))], &truth);
    last_is_wrong(&[first.clone(), closed.clone(), heard(6, 7, describe("r1"), described("r1", Running))], &truth);
    last_is_wrong(&[first.clone(), closed, heard(6, 7, describe(""), described("r1", Running))], &truth);
    last_is_wrong(&[first, heard(2, 3, describe("r1"), described("r1", Failed))], &truth);
}

#[test]
fn a_signal_that_is_acknowledged_is_in_the_history() {
    let first = heard(0, 1, start("a"), started("r1"));
    let sent = heard(2, 3, signal("", "s1"), Given::Done);
    is_right(&[first.clone(), sent.clone()], &[signaled(run("r1", "a", Running), "s1")]);
    last_is_wrong(&[first, sent], &[run("r1", "a", Running)]);
}

#[test]
fn a_signal_is_not_accepted_after_the_run_was_seen_closed() {
    let truth = [signaled(run("r1", "a", Completed), "s1")];
    let first = heard(0, 1, start("a"), started("r1"));
    let closed = heard(2, 3, describe("r1"), described("r1", Completed));
    last_is_wrong(&[first.clone(), closed.clone(), heard(4, 5, signal("r1", "s1"), Given::Done)], &truth);
    is_right(&[first, closed, heard(1, 5, signal("r1", "s1"), Given::Done)], &truth);
}

#[test]
fn a_signal_that_the_run_has_is_not_refused() {
    let truth = [signaled(run("r1", "a", Completed), "s1")];
    let first = heard(0, 1, start("a"), started("r1"));
    is_right(&[first.clone(), refused(2, 3, signal("", "s2"), Code::NotFound)], &truth);
    last_is_wrong(&[first.clone(), refused(2, 3, signal("", "s1"), Code::NotFound)], &truth);
    last_is_wrong(&[first, refused(2, 3, signal("r1", "s1"), Code::NotFound)], &truth);
}

#[test]
fn a_client_that_begins_anew_may_repeat_a_signal_after_the_end() {
    let truth = [signaled(run("r1", "a", Completed), "s1")];
    let calls = [
        heard(0, 1, start("a"), started("r1")),
        unheard(2, signal("r1", "s1")),
        heard(3, 4, describe("r1"), described("r1", Completed)),
        heard(5, 6, signal("r1", "s1"), Given::Done),
    ];
    is_right(&calls, &truth);
}

#[test]
fn an_acknowledged_termination_closes_the_run() {
    let truth = [terminated(run("r1", "a", Terminated), "t1")];
    let first = heard(0, 1, start("a"), started("r1"));
    let end = heard(2, 5, terminate("", "t1"), Given::Done);
    is_right(&[first.clone(), end.clone(), heard(3, 6, describe(""), described("r1", Running))], &truth);
    last_is_wrong(&[first.clone(), end, heard(6, 7, describe(""), described("r1", Running))], &truth);
    let early = heard(1, 2, describe(""), described("r1", Terminated));
    assert!(verdict(&[first.clone(), early, heard(3, 5, terminate("", "t1"), Given::Done)], &truth).is_err());
    last_is_wrong(&[first.clone(), heard(2, 5, terminate("", "t1"), Given::Done)], &[run("r1", "a", Running)]);
    let story = verdict(&[first], &truth).expect_err("nobody has asked for it");
    assert!(story.contains("for \"t1\", which no client asked for then"), "{story}");
}

#[test]
fn a_retry_of_a_termination_finds_the_run_closed_or_terminates_the_next() {
    let first = heard(0, 1, start("a"), started("r1"));
    let found = refused(2, 9, terminate("", "t1"), Code::NotFound);
    is_right(&[first.clone(), found], &[terminated(run("r1", "a", Terminated), "t1")]);
    let both = [terminated(run("r1", "a", Terminated), "t1"), terminated(run("r2", "b", Terminated), "t1")];
    let calls = [first, heard(2, 9, terminate("", "t1"), Given::Done), heard(4, 5, start("b"), started("r2"))];
    is_right(&calls, &both);
}

#[test]
fn an_update_is_had_by_the_run_that_was_running() {
    let first = heard(0, 1, start("a"), started("r1"));
    let has = |run: RunTruth| RunTruth { update_ids: ["u1".to_owned()].into(), ..run };
    let truth = [has(run("r1", "a", Completed))];
    let closed = heard(2, 5, wait(""), ended("r1", Completed));
    is_right(&[first.clone(), closed.clone(), heard(4, 9, update("r1", "u1"), updated("r1"))], &truth);
    last_is_wrong(&[first.clone(), closed.clone(), heard(6, 9, update("r1", "u1"), updated("r1"))], &truth);
    is_right(&[first.clone(), closed, refused(6, 9, update("r1", "u2"), Code::NotFound)], &truth);
    last_is_wrong(&[first.clone(), heard(2, 9, update("", "u1"), updated("r1"))], &[run("r1", "a", Completed)]);
    let rejected = Given::Updated { run_id: "r1".to_owned(), outcome: Err("no".to_owned()) };
    is_right(&[first, heard(2, 9, update("", "u1"), rejected)], &[run("r1", "a", Completed)]);
}

#[test]
fn a_cancellation_that_is_acknowledged_is_in_the_history_or_came_after_the_end() {
    let first = heard(0, 1, start("a"), started("r1"));
    let asked = heard(2, 3, cancel(""), Given::Done);
    last_is_wrong(&[first.clone(), asked.clone()], &[run("r1", "a", Running)]);
    is_right(&[first.clone(), asked.clone()], &[RunTruth { is_cancel_requested: true, ..run("r1", "a", Running) }]);
    is_right(&[first.clone(), asked.clone()], &[run("r1", "a", Completed)]);
    let running = heard(4, 5, describe(""), described("r1", Running));
    assert!(verdict(&[first, asked, running], &[run("r1", "a", Completed)]).is_err(), "it was running all the time");
}

#[test]
fn a_run_that_nobody_has_seen_before_is_not_found_and_then_is() {
    let truth = [run("r1", "a", Running)];
    let first = heard(0, 5, start("a"), started("r1"));
    is_right(&[first.clone(), refused(1, 2, query("r1"), Code::NotFound), heard(3, 4, query("r1"), answered())], &truth);
    last_is_wrong(&[first, heard(1, 2, query("r1"), answered()), refused(3, 4, query(""), Code::NotFound)], &truth);
}

#[test]
fn a_refusal_that_no_client_should_get_is_wrong() {
    let truth = [run("r1", "a", Running)];
    let first = heard(0, 1, start("a"), started("r1"));
    for code in [Code::InvalidArgument, Code::PermissionDenied, Code::Unimplemented, Code::FailedPrecondition] {
        last_is_wrong(&[first.clone(), refused(2, 3, signal("", "s1"), code)], &truth);
    }
    for code in [Code::Unavailable, Code::DeadlineExceeded, Code::ResourceExhausted, Code::Cancelled, Code::Internal] {
        is_right(&[first.clone(), refused(2, 3, signal("", "s1"), code)], &truth);
    }
}

#[test]
fn calls_about_other_workflows_do_not_count() {
    let other = ClientCall { workflow_id: "order-2".to_owned(), ..heard(0, 1, query(""), answered()) };
    is_right(&[other], &[]);
}

#[test]
fn a_story_names_the_runs_the_order_and_the_call() {
    let truth = [run("r1", "a", Completed)];
    let calls = [
        heard(0, 1_000_000, start("a"), started("r1")),
        heard(2_000_000, 3_000_000, describe("r1"), described("r1", Completed)),
        heard(4_000_000, 1_000_000_005, describe(""), described("r1", Running)),
    ];
    let expected = "\
What clients were told of order-1 cannot all be true.
The runs, as the server knows them in the end:
  r1: begun by the start a; WORKFLOW_EXECUTION_STATUS_COMPLETED
This can be explained, in this order:
  a client's call, or an attempt of it: r1 is running
  client-1, 0.000000000 s to 0.001000000 s: Start a (WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, \
        WORKFLOW_ID_CONFLICT_POLICY_FAIL): started r1
  client-1, 0.002000000 s to 0.003000000 s: Describe of r1: r1 is WORKFLOW_EXECUTION_STATUS_COMPLETED
By then r1 has closed: WORKFLOW_EXECUTION_STATUS_COMPLETED.
None of these can come next, and the first must:
  client-1, 0.004000000 s to 1.000000005 s: Describe of the current run: r1 is WORKFLOW_EXECUTION_STATUS_RUNNING
";
    assert_eq!(verdict(&calls, &truth), Err(expected.to_owned()));
}
