//! Simulations that fail, and what is reported about them. Each failing one is an ignored test. The test beside it runs it in a
//! process of its own, as a person would, and reads what it prints.
//!
//! - [`trouble`]: the workflow and the activity that all of them run
//! - [`campaigns`]: what a campaign returns
//! - [`refused`], [`repeated`], [`waiting`], [`replayed`], [`claimed`], [`dated`], [`drawn`], [`local`], [`statics`]: what is found
//! - [`struck`]: clients that are struck, and what is reported of them
//! - [`theatre`]: the snippets of `docs/simulation.md`, and what it says of reports
//! - [`told`]: what is reported, and how to reproduce it; [`kept`]: what is kept of it; [`updated`], [`operated`]: what is reported of updates and of operators

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

mod campaigns;
mod claimed;
mod dated;
mod drawn;
mod kept;
mod local;
mod operated;
mod refused;
mod repeated;
mod replayed;
mod statics;
mod struck;
mod theatre;
mod told;
mod trouble;
mod updated;
mod waiting;

/// Runs the ignored test with this name, which must fail. Returns its output.
fn fails(name: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", name, "--ignored", "--nocapture"]).env("RUST_BACKTRACE", "0");
    command.env("FORETIME_REPORTS", reports()).env("FORETIME_REGRESSIONS", "none");
    let output = command.envs(variables.iter().copied()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{name} should fail:\n{text}");
    text
}

fn reports() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports")
}

/// Where the report of this seed of the ignored test with this name is.
fn report(name: &str, seed: &str) -> PathBuf {
    reports().join("failing").join(name.replace("::", "--")).join(format!("seed-{seed}"))
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("\"{part}\" is not there, or not in its place:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}
