//! What reveals whether a seed repeats.

use std::fs;

use foretime::{Faults, Sim};

use crate::{assert_says, fails, report, trouble::trouble};

#[foretime::test(runs = 10)]
#[ignore = "fails on purpose"]
async fn looks_at_the_process(sim: Sim) -> foretime::Result {
    trouble(sim, "look at the process", Faults::none()).await
}

#[test]
fn two_runs_of_a_seed_that_differ_are_shown_at_their_first_difference() {
    let text = fails("repeated::looks_at_the_process", &[]);
    assert_says(
        &text,
        &["seed 10", "the same seed gave two different runs", "both ran:", "then one:", "does seen", "the other:", "does seen"],
    );
}

#[foretime::test(runs = 1)]
#[ignore = "fails on purpose"]
async fn looks_at_memory(sim: Sim) -> foretime::Result {
    trouble(sim, "look at memory", Faults::none()).await?;
    Err("enough seen".into())
}

#[test]
fn memory_lies_where_it_lay_whoever_runs_and_whatever_is_kept_for_the_report() {
    let trace = || fs::read_to_string(report("repeated::looks_at_memory", "1").join("trace.txt")).expect("the trace");
    // The two runs record nothing and the third, for the report, records everything. A difference would be reported.
    let text = fails("repeated::looks_at_memory", &[("FORETIME_TWICE", "1")]);
    assert_says(&text, &["seed 1", "enough seen"]);
    let first = trace();
    assert!(first.contains("0x10"), "memory lies in the region of the program:\n{first}");
    assert!(first.contains("stacks at 0x300"), "stacks lie in theirs:\n{first}");
    fails("repeated::looks_at_memory", &[("FORETIME_THREADS", "system")]);
    assert_eq!(trace(), first);
}
