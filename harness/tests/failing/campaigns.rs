//! Campaigns in a test of one's own.

use foretime::{Campaign, Sim};

use crate::{assert_says, fails};

#[test]
#[ignore = "fails on purpose"]
fn has_a_failed_seed() {
    let summary = Campaign::new("has a failed seed").runs(2).run(|sim: Sim| async move {
        if sim.seed() == 2 { Err(foretime::Failure::new("the second seed is bad")) } else { Ok(()) }
    });
    println!("{}", summary.expect("a pass"));
}

#[test]
fn a_failed_seed_is_an_error_of_the_campaign() {
    let text = fails("campaigns::has_a_failed_seed", &[]);
    assert_says(&text, &["a pass: seed 2 of has a failed seed failed: the second seed is bad", "repeat: FORETIME_SEED=2"]);
}

#[test]
#[ignore = "fails on purpose"]
fn runs_two_of_one_name() {
    for room in ["parlour", "kitchen"] {
        let summary = Campaign::new("a room").runs(1).run(move |_sim: Sim| async move { println!("{room}") });
        println!("{}", summary.expect("a room of its own"));
    }
}

#[test]
fn a_second_campaign_of_a_name_says_why_it_cannot_run() {
    let text = fails("campaigns::runs_two_of_one_name", &[]);
    assert_says(&text, &["a room: 1 runs", "\"a room\" ran in this process before", "proptest!", "sim.draw("]);
}
