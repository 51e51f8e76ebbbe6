//! What a simulation refuses, and what it cannot handle.

use foretime::{ActivityFaults, Faults, Sim, When};

use crate::{assert_says, fails, trouble::trouble};

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn connects(sim: Sim) -> foretime::Result {
    trouble(sim, "connect", Faults::none()).await
}

#[test]
fn a_network_socket_is_refused_in_plain_words() {
    let text = fails("refused::connects", &[]);
    assert_says(&text, &["worker-", "opened a network socket, which a simulation refuses", "fake", "repeat: FORETIME_SEED="]);
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn looks_up_a_host(sim: Sim) -> foretime::Result {
    trouble(sim, "look up", Faults::none()).await
}

#[test]
fn a_host_is_not_looked_up() {
    let text = fails("refused::looks_up_a_host", &[]);
    assert_says(&text, &["looked up a host's address in the network, which a simulation refuses", "fake"]);
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
    trouble(sim, "spin", Faults::none()).await
}

#[test]
fn a_thread_that_keeps_its_turn_is_named_with_what_it_does() {
    let text = fails("refused::spins", &[("FORETIME_PATIENCE", "2s")]);
    assert_says(&text, &["a thread does not give up its turn", "thread \"worker-", "it is computing", "spin_without_end"]);
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
    assert_says(&text, &["never held in 3 runs: an attempt of Hands::atc, which has faults of its own, begins"]);
    assert!(!text.contains("Hands::act,"), "{text}");
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
