//! The patches and versions in the histories, and who still needs the code from before them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::gather::Gathered;

/// A patch or change, by its id.
#[derive(Clone, Debug, Serialize)]
pub struct Patch {
    /// The type of the workflow.
    pub workflow_type: String,
    /// The id.
    pub id: String,
    /// The runs of that type that have come by it with the new code.
    pub with_count: u64,
    /// The open runs of that type that have not: they came by it before, or will yet.
    pub open_without_count: u64,
    /// The closed runs of that type that have not.
    pub closed_without_count: u64,
}

impl Patch {
    /// What can be done about it now, if anything can.
    pub fn advice(&self) -> Option<String> {
        match self {
            Self { open_without_count: 0, closed_without_count: 0, .. } => Some(format!(
                "every history of {} given has it; no run needs the code from before it any more",
                self.workflow_type
            )),
            Self { open_without_count: 0, closed_without_count, .. } => Some(format!(
                "every open history of {} given has it; {closed_without_count} closed ones do not, which matters to queries and resets alone",
                self.workflow_type
            )),
            _ => None,
        }
    }
}

/// All of them.
pub(crate) fn of(gathered: &Gathered) -> Vec<Patch> {
    let mut patches: BTreeMap<(String, String), Patch> = BTreeMap::new();
    let runs = || gathered.paths.iter().flat_map(|path| &path.runs).map(|run| &run.summary);
    for run in runs() {
        for id in &run.patches {
            let key = (run.workflow_type.clone(), id.clone());
            patches.entry(key).or_insert_with(|| Patch {
                workflow_type: run.workflow_type.clone(),
                id: id.clone(),
                with_count: 0,
                open_without_count: 0,
                closed_without_count: 0,
            });
        }
    }
    for run in runs() {
        for ((workflow_type, id), patch) in &mut patches {
            if *workflow_type != run.workflow_type {
                continue;
            }
            match (run.patches.contains(id), run.is_open) {
                (true, _) => patch.with_count += 1,
                (false, true) => patch.open_without_count += 1,
                (false, false) => patch.closed_without_count += 1,
            }
        }
    }
    patches.into_values().collect()
}
