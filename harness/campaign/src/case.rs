//! A test to simulate.

use std::{io, path::{Path, PathBuf}, process::Command};

use crate::choices::Only;

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

    /// The command that repeats a tape.
    pub fn repeat_tape(&self, file: &Path) -> String {
        format!("FORETIME_TAPE={} {}", file.display(), self.command)
    }

    /// The command that repeats a seed, with these strikes of faults.
    pub fn repeat(&self, seed: u64, only: &Only) -> String {
        let only = if *only == Only::default() { String::new() } else { format!("FORETIME_ONLY={only} ") };
        format!("FORETIME_SEED={seed} {only}{}", self.command)
    }
}

/// The name of a test, as files have it.
pub fn file_name(test: &str) -> String {
    test.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' }).collect()
}
