//! What replays find.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use foretime::{Faults, Sim};
use temporalio_client::{WorkflowGetResultOptions, WorkflowQueryOptions, WorkflowStartOptions};
use temporalio_sdk::{WorkerOptions, WorkflowRegistrationError};

use crate::{
    assert_says, fails,
    trouble::{QUEUE, Trouble, run_on, trouble, workflows_alone},
};

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn walks_a_map(sim: Sim) -> foretime::Result {
    trouble(sim, "walk a map", Faults::none()).await
}

#[test]
fn an_activity_with_another_input_in_the_replay_is_found() {
    let text = fails("replayed::walks_a_map", &[]);
    let said = ["asks for something else when it is replayed", "activity Hands::act (", "was scheduled with \"room "];
    assert_says(&text, &said);
}

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn waits_by_chance(sim: Sim) -> foretime::Result {
    trouble(sim, "wait for a while", Faults::none()).await
}

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn asks_a_child_by_chance(sim: Sim) -> foretime::Result {
    trouble(sim, "ask a child by chance", Faults::none()).await
}

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn asks_a_child_of_chance(sim: Sim) -> foretime::Result {
    trouble(sim, "ask a child of chance", Faults::none()).await
}

#[test]
fn whatever_else_a_replay_asks_for_otherwise_is_found() {
    let finds = |test: &str, what: &str| assert_says(&fails(test, &[]), &["asks for something else when it is replayed", what]);
    finds("replayed::waits_by_chance", "timer 1 was started with 6");
    finds("replayed::asks_a_child_by_chance", "the child number (Number) was started with ");
    finds("replayed::asks_a_child_of_chance", "the workflow completed with ");
}

#[foretime::test(runs = 10)]
#[ignore = "fails on purpose"]
async fn acts_or_waits_by_chance(sim: Sim) -> foretime::Result {
    trouble(sim, "act or wait by chance", Faults::none()).await
}

#[test]
fn what_a_history_has_and_what_its_replay_asks_for_is_told() {
    let text = fails("replayed::acts_or_waits_by_chance", &[]);
    let timer = "at event 5 the history has TimerStarted 1; the code asks for ScheduleActivityTask Hands::act (activity 1)";
    let activity = "at event 5 the history has ActivityTaskScheduled Hands::act (activity 1); the code asks for StartTimer 1";
    assert!(text.contains(timer) || text.contains(activity), "{text}");
    assert_says(&text, &["failed: the history of trouble", "at event 5", "\n  run ", " of Trouble: [TMPRL1100]"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn acts_in_workflow_code(sim: Sim) -> foretime::Result {
    trouble(sim, "act itself", Faults::none()).await
}

#[test]
fn an_effect_of_workflow_code_is_found_by_its_replay() {
    let text = fails("replayed::acts_in_workflow_code", &[]);
    assert_says(&text, &["workflow code did \"mail ada\" when it was replayed", "belongs in an activity"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn counts_queries(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| workflows_alone());
    let options = WorkflowStartOptions::new(QUEUE, "trouble").build();
    let run = sim.client().start_workflow(Trouble::run, "wait as often as it was asked".to_owned(), options).await?;
    sim.sleep(Duration::from_secs(5)).await;
    run.query(Trouble::ask, (), WorkflowQueryOptions::default()).await?;
    run.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}

#[test]
fn that_a_query_may_have_changed_something_is_told() {
    let text = fails("replayed::counts_queries", &[]);
    let asked = "A query was asked before: a replay answers none, so their handlers must not change anything.";
    assert_says(&text, &["timer 2 was started with 61s in the history, the replayed code asks for it with 60s", asked]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn counts_its_workflows(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| {
        let count = AtomicU64::new(0);
        let counted = move || Trouble::asked(count.fetch_add(1, Ordering::Relaxed));
        Ok::<_, WorkflowRegistrationError>(WorkerOptions::new(QUEUE).register_workflow_with_factory(counted)?.build())
    });
    run_on(&sim, QUEUE, "act if it was asked").await
}

#[test]
fn what_a_worker_keeps_from_one_run_to_the_next_is_found_by_a_second_replay() {
    let once = "the history of trouble replays once, but not again on the same worker";
    assert_says(
        &fails("replayed::counts_its_workflows", &[("FORETIME_FIRST", "2")]),
        &[once, "its options keep something from one run to the next"],
    );
}
