//! Panics, and claims that do not hold.

use foretime::{Faults, Sim};

use crate::{assert_says, fails, trouble::trouble};

#[foretime::test(runs = 5)]
#[ignore = "fails on purpose"]
async fn panics(sim: Sim) -> foretime::Result {
    trouble(sim, "panic", Faults::none()).await
}

#[test]
fn a_panic_is_named_with_seed_process_time_and_place() {
    let text = fails("claimed::panics", &[]);
    assert_says(
        &text,
        &[
            "seed 1 of claimed::panics",
            "worker-",
            "panicked: the workflow has had enough",
            "after 0.",
            "in a workflow task of trouble (Trouble), on thread",
            "trouble.rs:",
        ],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn panics_in_an_activity(sim: Sim) -> foretime::Result {
    trouble(sim, "panic in an activity", Faults::none()).await
}

#[test]
fn a_panic_in_an_activity_names_the_attempt() {
    let text = fails("claimed::panics_in_an_activity", &[]);
    assert_says(&text, &["panicked: enough of it", "in Hands::act of trouble (attempt 1), on thread", "trouble.rs:"]);
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn claims(sim: Sim) -> foretime::Result {
    foretime::sometimes!(sim.seed() > 100, "the seed is large");
    Ok(())
}

#[test]
fn what_never_held_in_any_run_fails_the_test() {
    assert_says(&fails("claimed::claims", &[]), &["sometimes! never held in 3 runs: the seed is large"]);
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn claims_too_much(sim: Sim) -> foretime::Result {
    foretime::always!(sim.seed() < 2, "the seed is small");
    Ok(())
}

#[test]
fn what_does_not_always_hold_fails_the_run() {
    let text = fails("claimed::claims_too_much", &[("FORETIME_JOBS", "1")]);
    assert_says(&text, &["seed 2", "not always: the seed is small", "claimed.rs:"]);
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn claims_what_is_not_so(sim: Sim) -> foretime::Result {
    foretime::always!(sim.seed() > 1_000_000, "the seed is large");
    Ok(())
}

#[test]
fn what_does_not_hold_fails_a_test_without_simulation_too() {
    let text = fails("claimed::claims_what_is_not_so", &[("FORETIME_STAGED", "1")]);
    assert_says(&text, &["nothing is simulated here (FORETIME_STAGED is set)", "not always: the seed is large", "claimed.rs:"]);
    assert_says(&fails("claimed::claims_what_is_not_so", &[("FORETIME_STAGED", "0")]), &["seed 1 of", "not always"]);
}

#[test]
fn a_variable_that_is_misspelt_fails_the_test() {
    let text = fails("claimed::claims", &[("FORETIME_RUN", "5")]);
    assert_says(&text, &["FORETIME_RUN is no variable of Foretime's, but almost.", "FORETIME_RUNS=n"]);
}
