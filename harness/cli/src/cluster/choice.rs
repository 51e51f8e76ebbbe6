//! Which of the runs that a cluster lists to take: the newest of each workflow type.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::runs::Run;

/// The runs that are taken so far.
#[derive(Debug)]
pub(super) struct Choice {
    query: String,
    most: usize,
    counts: BTreeMap<String, usize>,
    run_ids: HashSet<String>,
    taken: Vec<Run>,
}

impl Choice {
    /// Takes at most `most` runs of each type.
    pub(super) fn new(query: &str, most: usize) -> Self {
        let query = query.trim().to_owned();
        Self { query, most, counts: BTreeMap::new(), run_ids: HashSet::new(), taken: Vec::new() }
    }

    /// Takes what is wanted of a page, whose newest runs come first. Returns whether that was any.
    pub(super) fn take(&mut self, page: impl IntoIterator<Item = Run>) -> bool {
        let before = self.taken.len();
        for run in page {
            let count = self.counts.entry(run.workflow_type.clone()).or_default();
            // A run that begins while others are listed moves them to later pages, where they come again.
            if *count < self.most && self.run_ids.insert(run.run_id.clone()) {
                *count += 1;
                self.taken.push(run);
            }
        }
        self.taken.len() > before
    }

    /// A query for the types of which there are not enough yet. In a cluster with ten million runs, it spares ten thousand pages.
    pub(super) fn query(&self) -> String {
        let full: BTreeSet<_> =
            self.counts.iter().filter(|(_, count)| **count >= self.most).map(|(name, _)| quoted(name)).collect();
        let words = self.query.to_ascii_lowercase();
        let has_order = ["order by", "group by"].iter().any(|clause| words.contains(clause));
        if full.is_empty() || has_order {
            return self.query.clone();
        }
        let others = format!("WorkflowType NOT IN ({})", full.into_iter().collect::<Vec<_>>().join(", "));
        if self.query.is_empty() { others } else { format!("({}) AND {others}", self.query) }
    }

    /// What is taken, in the cluster's order.
    pub(super) fn taken(self) -> Vec<Run> {
        self.taken
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}
