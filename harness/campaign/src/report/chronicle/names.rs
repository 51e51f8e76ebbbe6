//! What stories call things.

use std::collections::BTreeMap;

use crate::{
    attempt::Attempt,
    process::{ProcessId, Role},
    view::View,
};

/// The names of the runs of workflows that have several.
#[derive(Debug)]
pub(crate) struct RunNames {
    /// By run id: the number of the run within its workflow, from 1, and its name.
    names: BTreeMap<String, (usize, String)>,
}

impl RunNames {
    /// The names of all runs of this simulation so far.
    pub(crate) fn of(view: &View<'_>) -> Self {
        let mut by_workflow: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for run in view.runs() {
            by_workflow.entry(run.workflow_id().to_owned()).or_default().push(run.run_id().to_owned());
        }
        let several = by_workflow.into_iter().filter(|(_, runs)| runs.len() > 1);
        let named = several.flat_map(|(id, runs)| {
            let numbered = (1..).zip(runs);
            numbered.map(move |(number, run_id)| (run_id, (number, format!("run {number} of {id}")))).collect::<Vec<_>>()
        });
        Self { names: named.collect() }
    }

    /// A run, as people call it: its workflow's id, or `run 2 of order-7`.
    pub(crate) fn name<'a>(&'a self, workflow_id: &'a str, run_id: &str) -> &'a str {
        self.names.get(run_id).map_or(workflow_id, |(_, name)| name)
    }

    /// Whether its workflow had a run before it.
    pub(super) fn is_another(&self, run_id: &str) -> bool {
        self.names.get(run_id).is_some_and(|(number, _)| *number > 1)
    }

    /// An attempt of an activity, within a sentence.
    pub(crate) fn subject(&self, attempt: &Attempt) -> String {
        self.in_run(attempt).subject()
    }

    /// The same attempt, with its run's name in place of its workflow's id.
    pub(crate) fn in_run(&self, attempt: &Attempt) -> Attempt {
        Attempt { workflow_id: self.name(&attempt.workflow_id, &attempt.run_id).to_owned(), ..attempt.clone() }
    }
}

/// A process, as people call it: `worker 1`.
pub(crate) fn name(view: &View<'_>, process: ProcessId) -> String {
    let life = view.life(process);
    if life.role == Role::Test { "the test".to_owned() } else { spoken(&life.name) }
}

/// A worker's name or identity (they are the same), as people call it.
pub(super) fn spoken(name: &str) -> String {
    name.replace('-', " ")
}
