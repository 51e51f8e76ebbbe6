//! The runs that were read, and which of them are checked.

use std::{cmp::Reverse, collections::BTreeMap};

use foretime_history::{Summary, path::Class};

use super::source::Source;

/// A run that was read.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where its history is.
    pub source: Source,
    /// What the history says of it.
    pub summary: Summary,
    /// Where it was recorded, if the file says so.
    pub namespace: Option<String>,
}

/// The runs that took one path through the code.
#[derive(Clone, Debug)]
pub struct Path {
    /// Those that are checked first; then the others.
    pub runs: Vec<Run>,
    /// How many of them are checked.
    pub checked_count: usize,
}

impl Path {
    /// How many of its runs are open.
    pub fn open_count(&self) -> usize {
        self.runs.iter().filter(|run| run.summary.is_open).count()
    }
}

/// Puts the runs in order by their paths. Of each path, `most` are checked: the longest, of equally long ones the newest.
pub fn choose(runs: Vec<Run>, most: usize) -> Vec<Path> {
    let mut paths: BTreeMap<(String, String, Class), Vec<Run>> = BTreeMap::new();
    for run in runs {
        let key = (run.summary.task_queue.clone(), run.summary.workflow_type.clone(), run.summary.class);
        paths.entry(key).or_default().push(run);
    }
    let mut paths: Vec<Path> = paths
        .into_values()
        .map(|mut runs| {
            runs.sort_by_key(|run| (Reverse(run.summary.events_count), Reverse(run.summary.started)));
            let checked_count = runs.len().min(most);
            Path { runs, checked_count }
        })
        .collect();
    // Open runs are the ones that the new code will meet.
    paths.sort_by_key(|path| Reverse((path.open_count() > 0, path.runs[0].summary.started)));
    paths
}
