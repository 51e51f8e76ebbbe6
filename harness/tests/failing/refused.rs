//! What a simulation refuses, and what it cannot handle.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    time::Duration,
};

use foretime::{ActivityFaults, Faults, Sim, When};
use temporalio_sdk::{WorkerOptions, WorkflowRegistrationError};

use crate::{
    assert_says, fails, report, reports,
    trouble::{QUEUE, Trouble, run_on, trouble, workflows_alone},
};

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn connects(sim: Sim) -> foretime::Result {
    trouble(sim, "connect", Faults::none()).await
}

#[test]
fn a_network_socket_is_refused_in_plain_words() {
    let text = fails("refused::connects", &[]);
    let (line, _) = (1..).zip(include_str!("trouble.rs").lines()).find(|(_, it)| it.contains("TcpStream")).expect("a line");
    let refused = "opened a network socket, which a simulation refuses";
    let place = format!("in Hands::act of trouble (attempt 1), at ./tests/failing/trouble.rs:{line}:");
    assert_says(&text, &["worker-", refused, &place, "fake", "repeat: FORETIME_SEED="]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn looks_up_a_host(sim: Sim) -> foretime::Result {
    trouble(sim, "look up", Faults::none()).await
}

#[test]
fn a_host_is_not_looked_up() {
    let text = fails("refused::looks_up_a_host", &[]);
    assert_says(
        &text,
        &[
            "looked up a host's address in the network, which a simulation refuses",
            "for api.example.com, in Hands::act",
            "fake",
        ],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn forks(sim: Sim) -> foretime::Result {
    trouble(sim, "fork", Faults::none()).await
}

#[test]
fn a_fork_is_refused_in_plain_words() {
    assert_says(&fails("refused::forks", &[]), &["worker-", "forked, which a simulation refuses", "another process", "fake"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn spins(sim: Sim) -> foretime::Result {
    fs::create_dir_all(reports())?;
    File::options().create(true).append(true).open(runs_of_spins())?.write_all(b"-")?;
    trouble(sim, "spin", Faults::none()).await
}

/// Has one byte for each run of the test above.
fn runs_of_spins() -> PathBuf {
    reports().join("runs-of-spins")
}

#[test]
fn a_thread_that_keeps_its_turn_is_named_with_what_it_does() {
    let _ = fs::remove_file(runs_of_spins());
    let text = fails("refused::spins", &[("FORETIME_PATIENCE", "2s")]);
    let runs = fs::read(runs_of_spins()).expect("it has run").len();
    assert_eq!(runs, 2, "one to find it, which takes long, and one for the report");
    assert_says(&text, &["a thread does not give up its turn", "thread \"worker-", "it is computing", "spin_without_end"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn exits(_sim: Sim) -> foretime::Result {
    println!("before the end");
    eprintln!("goodbye");
    std::process::exit(3)
}

#[test]
fn what_a_process_printed_that_died_is_shown_with_its_file() {
    let text = fails("refused::exits", &[]);
    let file = report("refused::exits", "1").join("output.txt");
    let ended = [
        "died",
        "it ended with exit code 3",
        "What it printed, in ",
        file.to_str().expect("text"),
        "before the end",
        "goodbye",
    ];
    assert_says(&text, &ended);
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn misspells_an_activity(sim: Sim) -> foretime::Result {
    let failing = ActivityFaults::default().fails(0.1);
    trouble(sim, "act", Faults::none().activity("Hands::act", failing.clone()).activity("Hands::atc", failing)).await
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn misspells_an_event(sim: Sim) -> foretime::Result {
    trouble(sim, "act", Faults::none().crash(When::event("ActivityTaskSchedulde", 1), 1)).await
}

#[test]
fn faults_for_what_does_not_exist_are_no_test() {
    let text = fails("refused::misspells_an_activity", &[]);
    assert_says(
        &text,
        &["no run of 3 reached an attempt of Hands::atc", "is the name misspelt? There were attempts of Hands::act."],
    );
    assert!(!text.contains("sometimes!"), "{text}");
    assert_says(
        &fails("refused::misspells_an_event", &[]),
        &["there is no event \"ActivityTaskSchedulde\"", "ActivityTaskScheduled"],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn sleeps_in_workflow_code(sim: Sim) -> foretime::Result {
    trouble(sim, "sleep", Faults::none()).await
}

#[test]
fn workflow_code_that_sleeps_on_its_thread_is_found() {
    let text = fails("refused::sleeps_in_workflow_code", &[]);
    assert_says(&text, &["workflow code on worker-", "sleeps on its thread", "std::thread::sleep, for 20s", "ctx.timer(..)"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn registers_a_workflow_twice(sim: Sim) -> foretime::Result {
    sim.workers(1, |_| -> Result<WorkerOptions, WorkflowRegistrationError> {
        Ok(WorkerOptions::new(QUEUE).register_workflow::<Trouble>()?.register_workflow::<Trouble>()?.build())
    });
    run_on(&sim, QUEUE, "wait for ever").await
}

#[test]
fn a_worker_without_options_fails_the_run_at_its_first_start() {
    let text = fails("refused::registers_a_workflow_twice", &[]);
    let found =
        ["worker-1 cannot be made: ", "Trouble", "already registered", "after 0.", "given to sim.workers returned this error"];
    assert_says(&text, &found);
    let text = fails("refused::registers_a_workflow_twice", &[("FORETIME_STAGED", "1")]);
    assert_says(&text, &["a worker ended: ", "already registered"]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn deploys_options_that_the_sdk_refuses(sim: Sim) -> foretime::Result {
    let workers = sim.workers(1, |_| workflows_alone());
    sim.sleep(Duration::from_secs(60)).await;
    workers.deploy(|_| WorkerOptions::new(QUEUE).build());
    run_on(&sim, QUEUE, "wait for ever").await
}

#[test]
fn a_worker_that_the_sdk_refuses_fails_the_run() {
    let text = fails("refused::deploys_options_that_the_sdk_refuses", &[]);
    assert_says(
        &text,
        &["worker-1 cannot be made: ", "At least one workflow or activity must be registered", "given to deploy returned"],
    );
}
