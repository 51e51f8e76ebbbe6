//! Failing runs that are kept as regressions, and what a replay says of them when the code has changed since. The variable `CODE`
//! says which code the test runs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use foretime::{Fault, Faults, Sim};

use crate::{assert_says, drawn::order};

fn code() -> String {
    env::var("CODE").unwrap_or_default()
}

#[foretime::test(runs = 300)]
#[ignore = "fails on purpose"]
async fn large_coupon(sim: Sim) -> foretime::Result {
    let code = code();
    sim.workers(2, |_| crate::drawn::worker());
    let chance = if code.starts_with("rarer") { 0.000_1 } else { 0.05 };
    sim.faults(Faults::none().with(Fault::Crash, chance));
    if code == "new draw" {
        let _ = sim.draw("note", 0..5_u8);
    }
    let amount = match &*code {
        "draw gone" => 650,
        "draw gone, and fails" => 800,
        "other range" => sim.draw("amount", 1..=10_u32),
        "wider range" => sim.draw("amount", 1..=9_000_u32),
        _ => sim.draw("amount", 1..=1_000_u32),
    };
    // What goes before changes the order of events.
    if code.ends_with("other order") {
        order(&sim, "nothing", 1).await?;
    }
    let way = match &*code {
        "slow gateway" => "patience",
        "no gateway" => "nothing",
        mended if mended.starts_with("mended") => "mended coupon",
        _ => "coupon",
    };
    order(&sim, way, amount).await?;
    if code == "fails otherwise" {
        return Err("something else".into());
    }
    sim.ledger().exactly_once_by_key()?;
    Ok(())
}

/// A folder for the regressions of one test of this file.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kept").join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// The regressions in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("kept--large_coupon")).into_iter().flatten();
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// Runs the test with this code, and returns whether it passed, and what it said.
fn runs(folder: &Path, code: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "kept::large_coupon", "--ignored", "--nocapture"]).env("RUST_BACKTRACE", "0").env_remove("CI");
    command.env("FORETIME_REPORTS", folder.join("reports")).env("FORETIME_REGRESSIONS", folder).env("CODE", code);
    let output = command.envs(variables.iter().copied()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// Lets the test fail, so that a regression is kept. Returns its file.
fn kept(folder: &Path) -> PathBuf {
    let (passes, text) = runs(folder, "", &[]);
    assert!(!passes, "{text}");
    assert_says(&text, &["amount = 701", "kept: ", ".json, which runs first from now on"]);
    let [file] = &*files(folder) else { panic!("one regression: {:?}", files(folder)) };
    file.clone()
}

#[test]
fn a_regression_of_a_target_that_has_been_renamed_is_this_ones_and_one_of_another_target_is_not() {
    let folder = folder("target");
    let file = kept(&folder);
    let of_target = |target: &str| {
        let text = fs::read_to_string(&file).expect("it is there");
        let (before, after) = text.split_once("\"test\": \"").expect("it names its test");
        let (_, after) = after.split_once("::").expect("it names its target");
        fs::write(&file, format!("{before}\"test\": \"{target}::{after}")).expect("it can be written");
    };
    of_target("a_target_that_was");
    let (passes, text) = runs(&folder, "mended", &[("FORETIME_RUNS", "1")]);
    assert!(passes, "{text}");
    assert_says(&text, &[".json passes"]);

    of_target("deploy");
    let (passes, text) = runs(&folder, "mended", &[("FORETIME_RUNS", "1")]);
    assert!(passes && !text.contains(".json"), "{text}");
}

#[test]
fn a_failing_run_is_kept_and_runs_first() {
    let folder = folder("first");
    let file = kept(&folder);
    let text = fs::read_to_string(&file).expect("a file");
    assert!(text.contains("amount = 701") && text.contains("redeem coupon 7 was done twice"), "{text}");
    let (passes, text) = runs(&folder, "", &[("FORETIME_RUNS", "1")]);
    assert!(!passes, "{text}");
    assert_says(
        &text,
        &["amount = 701", "It is a regression, ", "and fails as before. No seed was run.", "repeat: FORETIME_TAPE="],
    );
    let (passes, text) = runs(&folder, "", &[("FORETIME_TAPE", file.to_str().expect("a path"))]);
    assert!(!passes, "{text}");
    assert_says(&text, &["It fails as it did when the tape was recorded."]);
}

#[test]
fn nothing_is_kept_beside_the_test_in_ci() {
    let folder = folder("ci");
    let (passes, text) = runs(&folder, "", &[("CI", "true")]);
    assert!(!passes && files(&folder).is_empty(), "{text}");
    assert_says(&text, &["kept: nowhere, because CI is set; copy ", "regression.json to "]);
}

#[test]
fn a_failure_that_cannot_be_kept_is_told_all_the_same() {
    let folder = folder("in-the-way");
    fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join("kept--large_coupon"), "")).expect("a file in the way");
    let (passes, text) = runs(&folder, "", &[]);
    assert!(!passes, "{text}");
    assert_says(&text, &["redeem coupon 7 was done twice", "amount = 701", "kept: nowhere, because cannot write ", "; copy "]);
}

#[test]
fn what_is_no_regression_is_named_with_what_to_do() {
    let folder = folder("broken");
    let file = kept(&folder);
    let text = fs::read_to_string(&file).expect("a file");
    for (broken, why) in [
        (String::new(), "EOF while parsing"),
        (text.replace("\"version\": 2", "\"version\": 9"), "its tape has version 9, and 2 is read here"),
    ] {
        fs::write(&file, broken).expect("it can be written");
        let (passes, text) = runs(&folder, "", &[]);
        assert!(!passes, "{text}");
        assert_says(&text, &[".json is no regression: ", why, "Restore it, or delete it."]);
    }
}

#[test]
fn a_new_draw_elsewhere_leaves_a_regression_as_it_is() {
    let folder = folder("new-draw");
    kept(&folder);
    let (passes, text) = runs(&folder, "new draw", &[]);
    assert!(!passes, "{text}");
    assert_says(&text, &["amount = 701", "fails as before. No seed was run."]);
}

#[test]
fn a_regression_whose_mistake_is_mended_passes() {
    let folder = folder("mended");
    kept(&folder);
    let (passes, text) = runs(&folder, "mended", &[("FORETIME_RUNS", "5")]);
    assert!(passes, "{text}");
    assert_says(&text, &["regression ", ".json passes\n"]);
    let (passes, text) = runs(&folder, "mended, other order", &[("FORETIME_RUNS", "5")]);
    assert!(passes, "{text}");
    assert_says(&text, &[".json passes, and so do 136 other runs of it: its tape no longer fits what the code does (at "]);
    assert_eq!(files(&folder).len(), 1, "it is kept");
}

#[test]
fn a_regression_is_found_again_in_another_order_of_events_and_written_anew() {
    let folder = folder("order");
    let file = kept(&folder);
    let before = fs::read(&file).expect("a file");
    let (passes, text) = runs(&folder, "other order", &[("FORETIME_RUNS", "1")]);
    assert!(!passes, "{text}");
    assert_says(&text, &["amount = 701", "fails as before, though its tape no longer fits", "kept: "]);
    assert_ne!(fs::read(&file).expect("a file"), before);
}

#[test]
fn a_fault_of_a_regression_strikes_again_though_the_seed_no_longer_draws_it() {
    let folder = folder("rarer");
    kept(&folder);
    let (passes, text) = runs(&folder, "rarer, other order", &[("FORETIME_RUNS", "1")]);
    assert!(!passes, "{text}");
    assert_says(
        &text,
        &[
            "amount = 701",
            "Without that one fault the run passes.",
            "fails as before, though its tape no longer fits",
            "kept: ",
        ],
    );
}

/// What follows the misfit is drawn anew, so the run has faults that the failure does not take.
#[test]
fn a_tape_that_no_longer_fits_and_fails_all_the_same_is_made_least_again() {
    let folder = folder("wider");
    kept(&folder);
    let (passes, text) = runs(&folder, "wider range", &[("FORETIME_RUNS", "1")]);
    assert!(!passes, "{text}");
    assert_says(&text, &["amount = 701", "Without that one fault the run passes.", "though its tape no longer fits", "kept: "]);
    assert_eq!(files(&folder).len(), 1, "it is written anew");
}

#[test]
fn a_regression_goes_along_when_its_test_is_renamed() {
    let folder = folder("renamed");
    let file = kept(&folder);
    let text = fs::read_to_string(&file).expect("a file");
    let renamed = text.replace("\"failing::kept::large_coupon\"", "\"failing::kept::big_coupon\"");
    assert_ne!(renamed, text);
    fs::write(&file, renamed).expect("it is written");
    let (passes, text) = runs(&folder, "", &[("FORETIME_RUNS", "1")]);
    assert!(!passes, "{text}");
    assert_says(&text, &["amount = 701", "fails as before. No seed was run."]);
}

#[test]
fn a_regression_whose_input_is_gone_is_rotten_until_it_is_dropped() {
    let folder = folder("gone");
    kept(&folder);
    for (code, why) in [
        ("draw gone", "at amount, number 1, the tape has a draw that the code does not ask for"),
        ("other range", "amount was 701 when it was recorded, and is "),
    ] {
        let (passes, text) = runs(&folder, code, &[("FORETIME_RUNS", "5")]);
        assert!(!passes, "{text}");
        assert_says(&text, &["rotten: ", why, "5 seeds passed", "FORETIME_PRUNE=1 drops it"]);
    }
    let (passes, text) = runs(&folder, "draw gone", &[("FORETIME_RUNS", "5"), ("FORETIME_PRUNE", "1")]);
    assert!(passes && files(&folder).is_empty(), "{text}");
    assert_says(&text, &["is rotten, and was dropped: at amount"]);
}

#[test]
fn an_input_that_is_gone_is_named_and_forgotten_where_the_run_fails_without_it() {
    let folder = folder("gone-and-fails");
    kept(&folder);
    let (passes, text) = runs(&folder, "draw gone, and fails", &[("FORETIME_RUNS", "1")]);
    assert!(!passes, "{text}");
    assert_says(&text, &["fails as before, though its tape no longer fits (at amount, number 1, the tape has a draw"]);
    let [file] = &*files(&folder) else { panic!("it is written anew: {:?}", files(&folder)) };
    let text = fs::read_to_string(file).expect("a file");
    assert!(text.contains("crash:") && !text.contains("input:"), "{text}");
}

#[test]
fn chance_in_an_activity_that_the_mended_code_does_not_come_to_is_no_rot() {
    let folder = folder("no-gateway");
    let (passes, text) = runs(&folder, "slow gateway", &[]);
    assert!(!passes, "{text}");
    assert_says(&text, &["the gateway takes of order-patience = 3000", "kept: "]);
    let (passes, text) = runs(&folder, "no gateway", &[("FORETIME_RUNS", "5")]);
    assert!(passes, "{text}");
    assert_says(&text, &[".json passes, and so do 136 other runs of it: its tape no longer fits what the code does (at "]);
    assert_eq!(files(&folder).len(), 1, "it is kept");
}

#[test]
fn a_regression_that_fails_in_another_way_says_so() {
    let folder = folder("otherwise");
    kept(&folder);
    let (passes, text) = runs(&folder, "fails otherwise", &[("FORETIME_RUNS", "1")]);
    assert!(!passes, "{text}");
    assert_says(&text, &["something else", "fails otherwise than before: then, redeem coupon 7 was done twice"]);
}
