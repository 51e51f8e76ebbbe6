//! Reads all histories that were named, and chooses those that are checked.

use std::path::PathBuf;

use crate::{
    run::{Path, choose},
    source::Found,
};

/// What was read.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The runs that there are, as far as is known.
    pub runs_count: u64,
    /// Those whose histories were read.
    pub read_count: u64,
    /// The paths that the runs took through the code.
    pub paths: Vec<Path>,
    /// Runs of which no workflow task was completed yet: any code replays them.
    pub untouched_count: u64,
    /// Files, or histories in them, that could not be read, each with the reason.
    pub unreadable: Vec<(String, String)>,
}

impl Gathered {
    /// Of what was found, and how many runs there are in all. Of each path through the code, `most` runs are checked.
    pub fn of(mut found: Found, runs_count: u64, most: usize) -> Self {
        found.once_each();
        let read_count = found.runs.len() as u64;
        let (runs, untouched): (Vec<_>, Vec<_>) = found.runs.into_iter().partition(|run| run.summary.completed_tasks_count > 0);
        let untouched_count = untouched.len() as u64;
        Self { runs_count, read_count, paths: choose(runs, most), untouched_count, unreadable: found.unreadable }
    }
}

impl Gathered {
    /// Leaves out what the reasons say of the files' contents.
    pub fn leave_out_contents(&mut self) {
        for (_, why) in &mut self.unreadable {
            if let Some(quoted) = why.find('"') {
                why.replace_range(quoted.., "...");
            }
        }
    }
}

/// Reads files and folders. Of each path through the code, `most` runs are checked.
pub fn gather(paths: &[PathBuf], most: usize) -> Gathered {
    let mut found = Found::to_check(most);
    for path in paths {
        found.read(path, || {});
    }
    let count = found.runs.len() as u64;
    Gathered::of(found, count, most)
}
