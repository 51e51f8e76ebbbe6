//! Which of the runs that a cluster lists to take: the newest of each workflow type.

use std::collections::{BTreeMap, HashSet};

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
        let full = self.counts.iter().filter(|(_, count)| **count >= self.most).filter_map(|(name, _)| quoted(name));
        let full: Vec<_> = full.collect();
        let words = self.query.to_ascii_lowercase();
        let has_order = ["order by", "group by"].iter().any(|clause| words.contains(clause));
        if full.is_empty() || has_order {
            return self.query.clone();
        }
        let others = format!("WorkflowType NOT IN ({})", full.join(", "));
        if self.query.is_empty() { others } else { format!("({}) AND {others}", self.query) }
    }

    /// What is taken, in the cluster's order.
    pub(super) fn taken(self) -> Vec<Run> {
        self.taken
    }
}

/// A name as a list filter has it. `None` if there is none: the server (1.32) does not find names with these characters, however they
/// are written.
fn quoted(name: &str) -> Option<String> {
    if name.contains(['"', '\\']) { None } else { Some(format!("'{}'", name.replace('\'', "''"))) }
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::workflow::WorkflowExecutionInfo;

    use super::*;

    fn page(runs: &[(&str, &str)]) -> Vec<Run> {
        let empty = Run::from(WorkflowExecutionInfo::default());
        let run =
            |(name, id): &(&str, &str)| Run { workflow_type: (*name).to_owned(), run_id: (*id).to_owned(), ..empty.clone() };
        runs.iter().map(run).collect()
    }

    fn ids(choice: Choice) -> Vec<String> {
        choice.taken().into_iter().map(|run| run.run_id).collect()
    }

    #[test]
    fn the_first_of_each_type_are_taken_and_none_twice() {
        let mut choice = Choice::new("", 2);
        assert!(choice.take(page(&[("A", "1"), ("A", "2"), ("A", "3"), ("B", "4")])));
        assert!(!choice.take(page(&[("B", "4"), ("A", "5")])));
        assert!(choice.take(page(&[("B", "6"), ("B", "7")])));
        assert_eq!(ids(choice), ["1", "2", "4", "6"]);
    }

    #[test]
    fn full_types_are_left_out_of_the_query() {
        let full = |query: &str| {
            let mut choice = Choice::new(query, 1);
            choice.take(page(&[("It's", "1"), ("B", "2"), (r"C\", "3"), ("\"D\"", "4")]));
            choice.query()
        };
        assert_eq!(Choice::new(" A = 1 ", 1).query(), "A = 1");
        assert_eq!(full(""), "WorkflowType NOT IN ('B', 'It''s')");
        assert_eq!(full("A = 1 OR B = 2"), "(A = 1 OR B = 2) AND WorkflowType NOT IN ('B', 'It''s')");
        assert_eq!(full("A = 1 ORDER BY StartTime"), "A = 1 ORDER BY StartTime", "that would not go into brackets");
    }
}
