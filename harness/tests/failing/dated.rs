//! What depends on the date.

use foretime::{Faults, Sim};

use crate::{assert_says, fails, trouble::trouble};

/// An attempt before midnight and the next one after it have two keys.
#[foretime::test(runs = 1000, finds = "was done twice, with the keys charge/2")]
async fn a_key_with_the_day_in_it_is_found_out_over_midnight(sim: Sim) -> foretime::Result {
    trouble(sim, "charge with the day in the key", Faults::swarm()).await
}

#[foretime::test(runs = 3)]
#[ignore = "fails on purpose"]
async fn gives_up(sim: Sim) -> foretime::Result {
    trouble(sim, "charge with a key", Faults::none()).await?;
    Err("enough of it".into())
}

#[test]
fn when_a_run_began_is_told_and_what_fixed_it_is_repeated() {
    let text = fails("dated::gives_up", &[("FORETIME_STARTS_AT", "2028-02-29T23:54:00Z")]);
    assert_says(
        &text,
        &[
            "seed 1 of dated::gives_up",
            "enough of it",
            "It began on Tuesday 2028-02-29 at 23:54 UTC (the leap day).",
            "repeat: FORETIME_SEED=1 FORETIME_ONLY=none FORETIME_STARTS_AT=2028-02-29T23:54:00Z cargo test",
        ],
    );
    let text = fails("dated::gives_up", &[("FORETIME_STARTS_AT", "2026-01-01T00:00:00Z")]);
    assert!(!text.contains("It began on"), "there is nothing to tell of the plain date:\n{text}");
}

#[foretime::test(runs = 3, starts_at = "2027-02-30T00:00:00Z")]
#[ignore = "fails on purpose"]
async fn begins_never(_sim: Sim) {}

#[test]
fn what_is_no_instant_fails_the_test_before_anything_runs() {
    let text = fails("dated::begins_never", &[]);
    assert_says(&text, &["starts_at = \"2027-02-30T00:00:00Z\": this is no instant by RFC 3339, such as 2027-03-28T00:30:00Z"]);
    let text = fails("dated::gives_up", &[("FORETIME_STARTS_AT", "tomorrow")]);
    assert_says(&text, &["FORETIME_STARTS_AT=tomorrow: this is no instant by RFC 3339", "FORETIME_STARTS_AT="]);
}
