//! Transcripts of starts.

use super::*;

#[test]
fn a_start_that_is_acknowledged_is_not_lost() {
    last_is_wrong(&[heard(0, 1, start("a"), started("r1"))], &[]);
    let truth = [run("r1", "a", Running)];
    last_is_wrong(&[heard(0, 1, start("a"), started("r1")), refused(2, 3, describe(""), Code::NotFound)], &truth);
    is_right(&[heard(0, 2, start("a"), started("r1")), refused(1, 3, describe(""), Code::NotFound)], &truth);
}

#[test]
fn an_unheard_start_has_its_effect_at_any_time_since_it_began() {
    let truth = [run("r1", "a", Running)];
    for give_up in [unheard(5, start("a")), refused(5, 6, start("a"), Code::Unavailable)] {
        let late = [
            give_up.clone(),
            refused(7, 8, describe(""), Code::NotFound),
            heard(9, 10, describe(""), described("r1", Running)),
        ];
        is_right(&late, &truth);
        last_is_wrong(&[give_up, heard(0, 1, describe(""), described("r1", Running))], &truth);
    }
}

#[test]
fn a_run_is_begun_by_a_start_of_a_client() {
    let story = verdict(&[], &[run("r1", "a", Running)]).expect_err("nobody has asked for it");
    assert!(story.contains("r1: begun by the start a, which no client asked for"), "{story}");
}

#[test]
fn a_retry_of_a_start_is_given_the_same_run() {
    let truth = [run("r1", "a", Completed)];
    let calls = [
        heard(0, 9, start("a"), started("r1")),
        heard(1, 2, describe(""), described("r1", Running)),
        heard(3, 4, describe(""), described("r1", Completed)),
    ];
    is_right(&calls, &truth);
}

#[test]
fn a_retry_does_not_begin_a_second_run() {
    let twice = [run("r1", "a", Completed), run("r2", "a", Running)];
    assert!(verdict(&[heard(0, 9, start("a"), started("r2"))], &twice).is_err());
    let stripped = [run("r1", "a", Completed), run("r2", "of-nobody", Running)];
    assert!(verdict(&[heard(0, 9, start("a"), started("r2"))], &stripped).is_err());
}

#[test]
fn a_retry_begins_a_second_run_if_another_start_came_between() {
    let truth = [run("r1", "a", Completed), run("r2", "b", Completed), run("r3", "a", Running)];
    is_right(&[heard(0, 9, start("a"), started("r3")), heard(1, 2, start("b"), started("r2"))], &truth);
}

#[test]
fn two_starts_do_not_begin_the_same_run() {
    let calls = [heard(0, 1, start("a"), started("r1")), heard(2, 3, start("b"), started("r1"))];
    last_is_wrong(&calls, &[run("r1", "a", Running)]);
}

#[test]
fn a_refused_start_is_told_of_the_run_that_has_the_id() {
    let truth = [run("r1", "a", Running)];
    let first = heard(0, 1, start("a"), started("r1"));
    is_right(&[first.clone(), already_started(2, 3, start("b"), "r1", "a")], &truth);
    last_is_wrong(&[first.clone(), already_started(2, 3, start("b"), "r1", "c")], &truth);
    last_is_wrong(&[first.clone(), already_started(2, 3, start("b"), "r2", "a")], &truth);
    last_is_wrong(&[first.clone(), already_started(2, 3, start("a"), "r1", "a")], &truth);
    last_is_wrong(&[first.clone(), already_started(2, 3, start_or_use("b"), "r1", "a")], &truth);
    last_is_wrong(&[first, refused(2, 3, start("b"), Code::AlreadyExists)], &truth);
}

#[test]
fn a_start_over_a_closed_run_goes_by_the_reuse_policy() {
    let reuse = |reuse| Asked::Start(start_with("b", reuse, Conflict::Fail));
    let first = [heard(0, 1, start("a"), started("r1")), heard(0, 5, wait(""), ended("r1", Failed))];
    let [begun, closed] = first;
    let one = [run("r1", "a", Failed)];
    let two = [run("r1", "a", Failed), run("r2", "b", Running)];
    for (policy, may) in
        [(Reuse::AllowDuplicate, true), (Reuse::AllowDuplicateFailedOnly, true), (Reuse::RejectDuplicate, false)]
    {
        let refused = [begun.clone(), closed.clone(), already_started(6, 7, reuse(policy), "r1", "a")];
        assert_eq!(verdict(&refused, &one).is_err(), may, "{policy:?}");
        let started = [begun.clone(), closed.clone(), heard(6, 7, reuse(policy), started("r2"))];
        assert_eq!(verdict(&started, &two).is_ok(), may, "{policy:?}");
    }
    let completed = [run("r1", "a", Completed), run("r2", "b", Running)];
    let over = heard(6, 7, reuse(Reuse::AllowDuplicateFailedOnly), started("r2"));
    assert!(verdict(&[begun, over], &completed).is_err(), "it did not fail");
}

#[test]
fn a_start_that_uses_the_running_one_is_given_that() {
    let truth = [run("r1", "a", Completed)];
    let first = heard(0, 1, start("a"), started("r1"));
    is_right(&[first.clone(), heard(2, 3, start_or_use("b"), used("r1"))], &truth);
    last_is_wrong(&[first.clone(), heard(2, 3, start("b"), used("r1"))], &truth);
    let closed = heard(2, 3, describe(""), described("r1", Completed));
    last_is_wrong(&[first, closed, heard(4, 5, start_or_use("b"), used("r1"))], &truth);
}

#[test]
fn a_start_that_terminates_the_running_one_takes_its_place_at_once() {
    let truth = [terminated(run("r1", "a", Terminated), "by the server"), run("r2", "b", Running)];
    let both = [heard(0, 1, start("a"), started("r1")), heard(2, 9, start_instead("b"), started("r2"))];
    let with = |calls: &[ClientCall]| [both.as_slice(), calls].concat();
    let seen = [
        heard(0, 9, wait(""), ended("r1", Terminated)),
        heard(3, 4, describe(""), described("r1", Running)),
        heard(5, 6, describe("r1"), described("r1", Terminated)),
        heard(7, 8, describe(""), described("r2", Running)),
    ];
    is_right(&with(&seen), &truth);
    is_right(&with(&[refused(2, 9, update("", "u1"), Code::NotFound)]), &truth);
    last_is_wrong(&with(&[heard(2, 9, describe(""), described("r1", Terminated))]), &truth);
    last_is_wrong(&with(&[refused(2, 9, signal("", "s1"), Code::NotFound)]), &truth);
    let [first, _] = both;
    assert!(verdict(&[first, heard(2, 9, start("b"), started("r2"))], &truth).is_err(), "it asked for no such thing");
}

#[test]
fn a_signal_with_start_starts_or_signals() {
    let truth = [signaled(run("r1", "a", Completed), "s1"), signaled(run("r2", "b", Running), "s2")];
    let calls = [heard(0, 1, start("a"), started("r1")), heard(2, 3, signal_with_start("c", "s1"), used("r1"))];
    is_right(&[calls[0].clone(), calls[1].clone(), heard(4, 5, signal_with_start("b", "s2"), started("r2"))], &truth);
    is_right(&[calls[0].clone(), calls[1].clone(), heard(4, 5, signal_with_start("b", "s2"), used("r2"))], &truth);
    let no_truth = [run("r1", "a", Running)];
    last_is_wrong(&calls, &no_truth);
    let closed = heard(2, 3, describe(""), described("r1", Completed));
    let late = heard(4, 5, signal_with_start("c", "s1"), used("r1"));
    last_is_wrong(&[calls[0].clone(), closed, late], &[signaled(run("r1", "a", Completed), "s1")]);
}

#[test]
fn a_run_that_continues_another_is_begun_by_no_start() {
    let next = RunTruth { start_request_id: "a".to_owned(), ..next_run("r2", "r1", Running) };
    let truth = [run("r1", "a", ContinuedAsNew), next];
    is_right(&[heard(0, 1, start("a"), started("r1")), already_started(2, 3, start("b"), "r2", "of-the-server")], &truth);
    is_right(&[already_started(0, 9, start("a"), "r2", "of-the-server")], &truth);
    assert!(verdict(&[heard(0, 9, start("a"), started("r2"))], &truth).is_err(), "it is told of a run that it did not begin");
}
