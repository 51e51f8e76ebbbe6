//! The requests of operators that the server has carried out.

use std::collections::BTreeSet;

use bytes::Bytes;

use foretime_campaign::{
    operation::{Deed, Operation, Target},
    process::ProcessId,
};

use super::{activities::of_activity, batches::of_batch, schedules::of_schedule, workflows::of_workflow};
use crate::world::State;

/// What operators did.
#[derive(Debug, Default)]
pub(in crate::world) struct Operations {
    /// Kept only for reports.
    pub(in crate::world) all: Vec<Operation>,
    changed_options: ChangedOptions,
}

/// Of which activities the options were changed.
#[derive(Debug, Default)]
struct ChangedOptions {
    /// Of some in these workflows.
    workflow_ids: BTreeSet<String>,
    /// Of whatever a batch found.
    by_filter: bool,
}

/// What was done, to what, and why.
pub(super) type Done = (Deed, Target, String);

impl State {
    /// The server has carried out a request.
    pub(in crate::world) fn is_carried_out(&mut self, process: ProcessId, rpc: &str, message: &Bytes) {
        let changes_options = matches!(rpc, "UpdateActivityOptions" | "UpdateActivityExecutionOptions" | "StartBatchOperation");
        if !changes_options && !self.log.is_detailed() {
            return;
        }
        let read = of_activity(rpc, message).or_else(|| of_workflow(rpc, message));
        let Some((deed, to, reason)) = read.or_else(|| of_schedule(rpc, message)).or_else(|| of_batch(rpc, message)) else {
            return;
        };
        if deed == Deed::ChangeOptions {
            self.operations.changed_options.note(&to);
        }
        if self.log.is_detailed() {
            let (at_ns, step) = (self.now_ns, self.log.steps());
            self.operations.all.push(Operation { at_ns, step, process, deed, to, reason });
        }
    }

    /// Whether somebody has changed the options of activities of this workflow.
    pub(crate) fn has_changed_options(&self, workflow_id: &str) -> bool {
        let changed = &self.operations.changed_options;
        changed.by_filter || changed.workflow_ids.contains(workflow_id)
    }
}

impl ChangedOptions {
    fn note(&mut self, of: &Target) {
        match of {
            Target::Activity { workflow_id, .. } => {
                self.workflow_ids.insert(workflow_id.clone());
            }
            Target::Found { activities: Some(_), .. } => self.by_filter = true,
            Target::Listed { workflow_ids, activities: Some(_) } => self.workflow_ids.extend(workflow_ids.iter().cloned()),
            Target::Workflow { .. } | Target::Schedule(_) | Target::Found { .. } | Target::Listed { .. } => {}
        }
    }
}
