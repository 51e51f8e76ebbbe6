//! Who waits for what when a run makes no progress.

use std::time::Duration;

use foretime::{Faults, Sim};
use temporalio_client::{WorkflowCancelOptions, WorkflowGetResultOptions, WorkflowStartOptions};

use crate::{
    assert_says, fails,
    trouble::{QUEUE, Trouble, run_on, trouble, worker, workflows_alone},
};

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn waits_for_ever(sim: Sim) -> foretime::Result {
    trouble(sim, "wait for ever", Faults::none()).await
}

#[test]
fn a_run_that_cannot_go_on_says_who_waits() {
    let text = fails("waiting::waits_for_ever", &[]);
    assert_says(&text, &["nothing will ever happen again", "trouble (Trouble) waits for a signal", "test: "]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn misspells_its_queue(sim: Sim) -> foretime::Result {
    let client = sim.client().clone();
    sim.workers(1, move |_| worker(&client));
    run_on(&sim, "truoble", "charge").await
}

#[test]
fn a_task_queue_that_nobody_serves_is_named() {
    let text = fails("waiting::misspells_its_queue", &[]);
    assert_says(&text, &[r#"no worker serves task queue "truoble": they serve "trouble""#]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn forgets_the_activities(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| workflows_alone());
    run_on(&sim, QUEUE, "charge").await
}

#[test]
fn activities_that_are_registered_nowhere_are_named() {
    let text = fails("waiting::forgets_the_activities", &[]);
    assert_says(&text, &["waits for activity Hands::act", r#"no worker of task queue "trouble" has any activity registered"#]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn signals_nobody(sim: Sim) -> foretime::Result {
    trouble(sim, "signal nobody", Faults::none()).await
}

#[test]
fn a_signal_that_nobody_got_is_told() {
    let text = fails("waiting::signals_nobody", &[]);
    assert_says(&text, &["nothing will ever happen again", r#"trouble could not signal nobody "hint": it did not run."#]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn gives_up_waiting(sim: Sim) -> foretime::Result {
    let waits = Duration::from_secs(24 * 60 * 60);
    tokio::time::timeout(waits, trouble(sim, "fail", Faults::none())).await??;
    Ok(())
}

#[test]
fn an_activity_that_is_tried_again_and_again_is_told_with_its_last_failure() {
    let text = fails("waiting::gives_up_waiting", &[]);
    assert_says(&text, &["Hands::act of trouble was at attempt ", "the one before failed: the disk is full"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn fails_for_ever(sim: Sim) -> foretime::Result {
    trouble(sim, "fail", Faults::none()).await
}

#[test]
fn a_run_that_gets_nowhere_says_which_activity_fails() {
    let text = fails("waiting::fails_for_ever", &[]);
    assert_says(
        &text,
        &["nothing has come of the last", "trouble (Trouble) waits for activity Hands::act (attempt ", "the disk is full"],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn swallows_its_cancellation(sim: Sim) -> foretime::Result {
    let client = sim.client().clone();
    sim.workers(1, move |_| worker(&client));
    let options = WorkflowStartOptions::new(QUEUE, "trouble").build();
    let trouble = sim.client().start_workflow(Trouble::run, "try until it is done".to_owned(), options).await?;
    sim.sleep(Duration::from_secs(10)).await;
    trouble.cancel(WorkflowCancelOptions::default()).await?;
    trouble.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}

#[test]
fn code_that_goes_round_and_round_is_named() {
    let text = fails("waiting::swallows_its_cancellation", &[]);
    let round = "worker-1 goes round and round, and no time goes by";
    let with =
        "worker-1: goes on without an end with a workflow task of trouble (Trouble): its code has a loop whose awaits all";
    assert_says(&text, &[round, "on worker-1", with, "trouble was asked to cancel by the test."]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn asks_for_what_cannot_be(sim: Sim) -> foretime::Result {
    trouble(sim, "ask for a child with a long name", Faults::none()).await
}

#[test]
fn a_workflow_task_that_the_server_fails_is_a_failure() {
    let text = fails("waiting::asks_for_what_cannot_be", &[]);
    let failed = "the server failed a workflow task";
    assert_says(&text, &[failed, "of trouble (Trouble): BadStartChildExecutionAttributes: ", "length limit"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn looks_between_two_runs(sim: Sim) -> foretime::Result {
    let client = sim.client().clone();
    sim.workers(1, move |_| worker(&client));
    let options = WorkflowStartOptions::new(QUEUE, "hourly").cron_schedule("0 * * * *".to_owned()).build();
    sim.client().start_workflow(Trouble::run, "charge".to_owned(), options).await?;
    sim.sleep(Duration::from_secs(90 * 60)).await;
    panic!("and that was it");
}

#[test]
fn that_a_run_waits_for_its_time_is_told() {
    let text = fails("waiting::looks_between_two_runs", &[]);
    let (ended, waits) =
        ("run 1 of hourly completed; run 2 of hourly was to begin after ", "waited for its first workflow task, after ");
    assert_says(&text, &["and that was it", ended, waits]);
}
