//! A test to simulate.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{choices::Only, time::Start};

/// How many seeds a test runs by default.
pub const RUNS: u64 = 100;
/// One in this many seeds runs twice by default.
pub const TWICE_EVERY: u64 = 10;

/// A test to simulate.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name of the test, as `cargo test` knows it.
    pub name: String,
    /// What it is built into, unless that is a program of its own.
    pub target: Option<String>,
    /// The claims of all `sometimes!` in the test.
    pub claims: Vec<&'static str>,
    /// How many seeds it runs.
    pub runs: u64,
    /// When its runs begin, in seconds of the Unix epoch; `None`: each draws that.
    pub starts_at: Option<i64>,
    /// The program that runs its seeds, without arguments.
    pub program: fn() -> io::Result<Command>,
    /// The arguments that make the program run this test alone.
    pub arguments: Vec<String>,
    /// One in this many seeds runs twice.
    pub twice_every: u64,
    /// Whether a report is written when all runs pass.
    pub shows_one: bool,
    /// Where its regressions are kept, if they are.
    pub regressions: Option<PathBuf>,
    /// How a person runs this test.
    pub command: String,
}

impl Case {
    /// Its name, as files have it.
    pub fn file_name(&self) -> String {
        file_name(&self.name)
    }

    /// Whether its regressions would be beside its source, and that is not where it was when it was compiled: the program came from
    /// elsewhere.
    pub fn has_no_source(&self) -> bool {
        let beside = self.regressions.as_ref().and_then(|folder| folder.ancestors().nth(2));
        beside.is_some_and(|beside| !beside.as_os_str().is_empty() && !beside.is_dir())
    }

    /// The command that repeats a tape.
    pub fn repeat_tape(&self, file: &Path) -> String {
        let file = file.display().to_string();
        let file = if file.contains(char::is_whitespace) { format!("'{file}'") } else { file };
        format!("FORETIME_TAPE={file} {}", self.command)
    }

    /// The command that repeats a seed, with these strikes of faults. `starts_at`: when the run began, in seconds of the Unix epoch,
    /// if that was neither drawn nor said by the test.
    pub fn repeat(&self, seed: u64, only: &Only, starts_at: Option<i64>) -> String {
        let only = if *only == Only::default() { String::new() } else { format!("FORETIME_ONLY={only} ") };
        let starts_at = starts_at.map(|at| format!("FORETIME_STARTS_AT={} ", Start::from_unix_s(at))).unwrap_or_default();
        format!("FORETIME_SEED={seed} {only}{starts_at}{}", self.command)
    }
}

/// The name of a test, as files have it.
pub fn file_name(test: &str) -> String {
    test.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_repeats_a_seed_has_what_the_seed_does_not_say() {
        let case = Case {
            name: "naps".to_owned(),
            target: None,
            claims: Vec::new(),
            runs: RUNS,
            starts_at: None,
            program: || Ok(Command::new("true")),
            arguments: Vec::new(),
            twice_every: TWICE_EVERY,
            shows_one: false,
            regressions: None,
            command: "cargo test naps".to_owned(),
        };
        assert_eq!(case.repeat(7, &Only::default(), None), "FORETIME_SEED=7 cargo test naps");
        let on_plain_date = case.repeat(7, &Only::none(), Some(Start::PLAIN.unix_s()));
        assert_eq!(on_plain_date, "FORETIME_SEED=7 FORETIME_ONLY=none FORETIME_STARTS_AT=2026-01-01T00:00:00Z cargo test naps");
    }
}
