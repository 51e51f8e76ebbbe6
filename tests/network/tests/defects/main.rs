//! The server, broken on purpose: each defect is found within 2,000 seeds. The engine has none of them; each is a [`Tamper`] around the
//! service that changes one thing on its way in or out.
//!
//! [`tampered`] is what they have in common; [`calls`] has the defects of calls, [`polls`] those of polls and connections.
#![cfg(madsim)]

mod calls;
mod polls;
mod tampered;

use foretime_network::{case, run::MakeService};
use tampered::{Tamper, boxed};

/// Within how many seeds a defect must be found.
const RUNS: u64 = 2_000;

/// Runs seeds until the defect of this test is found. `words`: what is told of it.
fn finds(name: &str, service: MakeService, words: &str) {
    let summary = case::run(name, RUNS, &[], service).unwrap_or_else(|why| panic!("{why}"));
    let seed = summary.failed_seed().unwrap_or_else(|| panic!("{name} was not found in {} seeds", summary.runs));
    println!("{name}: found with seed {seed}\n{}", summary.why(None));
    assert!(summary.finds(words), "{name} was found otherwise than by \"{words}\":\n{}", summary.why(None));
}

#[test]
fn request_ids_are_stripped_from_retries() {
    let service = |config: &_| boxed::<calls::StripsRequestIds>(config);
    finds("request_ids_are_stripped_from_retries", service, "sent again");
}

#[test]
fn a_late_answer_is_accepted() {
    let service = |config: &_| boxed::<calls::AcceptsLateAnswers>(config);
    finds("a_late_answer_is_accepted", service, "that the service acknowledged is in no history");
}

#[test]
fn a_signal_is_acknowledged_but_dropped() {
    let service = |config: &_| boxed::<calls::DropsSignals>(config);
    finds("a_signal_is_acknowledged_but_dropped", service, "a signal that the service acknowledged is in no history");
}

#[test]
fn the_signal_of_a_start_is_dropped() {
    let service = |config: &_| boxed::<calls::DropsSignalsOfStarts>(config);
    let words = "a signal that the service acknowledged is in no history";
    finds("the_signal_of_a_start_is_dropped", service, words);
}

#[test]
fn a_poll_is_sent_away_though_there_may_be_tasks() {
    let service = |config: &_| boxed::<polls::SendsPollsAway>(config);
    finds("a_poll_is_sent_away_though_there_may_be_tasks", service, "a poll was sent away before its time");
}

#[test]
fn an_update_does_not_come_with_its_task() {
    let service = |config: &_| boxed::<polls::ForgetsUpdates>(config);
    let words = "an update was told as failed, with words that no worker has said of it";
    finds("an_update_does_not_come_with_its_task", service, words);
}

#[test]
fn a_failure_of_an_activity_is_acknowledged_but_dropped() {
    let service = |config: &_| boxed::<calls::DropsFailures>(config);
    let words = "a failure of an activity that the service acknowledged is not what became of its attempt";
    finds("a_failure_of_an_activity_is_acknowledged_but_dropped", service, words);
}

#[test]
fn a_query_is_answered_from_a_cache() {
    let service = |config: &_| boxed::<calls::CachesQueries>(config);
    finds("a_query_is_answered_from_a_cache", service, "a query was answered with what no worker said just then");
}

#[test]
fn the_answer_to_a_long_poll_is_lost() {
    let service = |config: &_| boxed::<polls::LosesAnswers>(config);
    finds("the_answer_to_a_long_poll_is_lost", service, "a wait for the end of a run was not answered");
}

#[test]
fn one_task_is_handed_to_two_pollers() {
    let service = |config: &_| boxed::<polls::HandsOutTwice>(config);
    finds("one_task_is_handed_to_two_pollers", service, "a task was handed out twice");
}

#[test]
fn the_lock_of_a_dead_client_is_kept() {
    let service = |config: &_| boxed::<polls::KeepsLocks>(config);
    finds("the_lock_of_a_dead_client_is_kept", service, "something is left in the service though all have gone");
}
