//! Options of a run that can be changed: its priority, and the version of its worker (`AddWorkflowExecutionOptionsUpdatedEvent`).

use prost_types::FieldMask;

use super::run::Run;
use crate::{
    engine::{
        execution::Cx,
        kernel::error::Result,
        rules::options::{versioning, workflow},
    },
    proto::{
        common::Priority,
        history::{WorkflowExecutionOptionsUpdatedEventAttributes, history_event::Attributes},
        workflow::{VersioningOverride, WorkflowExecutionOptions},
    },
};

/// A change of options.
#[derive(Debug)]
pub(in crate::engine) struct OptionsChange {
    /// The options as they are asked for, and answered.
    pub(in crate::engine) asked: WorkflowExecutionOptions,
    /// The same as they are written: see [`Run::written_options`].
    pub(in crate::engine) written: WorkflowExecutionOptions,
    /// Which of them.
    pub(in crate::engine) mask: FieldMask,
}

impl OptionsChange {
    /// What it makes of these options: as they are answered, and as they are written.
    ///
    /// # Errors
    /// The mask names a part of what is changed as a whole only.
    pub(in crate::engine) fn applied_to(&self, before: &WorkflowExecutionOptions) -> Result<[WorkflowExecutionOptions; 2]> {
        let merged = |from| workflow::merged(before.clone(), from, &self.mask);
        Ok([merged(&self.asked)?, merged(&self.written)?])
    }
}

impl Run {
    /// Options that are asked for, as they are written: with the version of the worker spelled out.
    ///
    /// # Errors
    /// It cannot be bound to that version.
    pub(in crate::engine) fn written_options(&self, asked: &WorkflowExecutionOptions) -> Result<WorkflowExecutionOptions> {
        let by = asked.versioning_override.as_ref();
        if by.is_some_and(versioning::names_no_version) {
            return Err(versioning::no_version_yet(self.workflow_id(), self.versioning_override()));
        }
        let versioning_override = by.map(|by| versioning::checked(by, self.task_queue())).transpose()?;
        Ok(WorkflowExecutionOptions { versioning_override, ..asked.clone() })
    }

    /// The changes that are buffered: they count already.
    fn buffered_options(&self) -> impl DoubleEndedIterator<Item = &WorkflowExecutionOptionsUpdatedEventAttributes> {
        self.volatile.buffer.iter().filter_map(|event| match &event.attributes {
            Some(Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(it)) => Some(it),
            _ => None,
        })
    }

    pub(in crate::engine) fn priority(&self) -> Option<&Priority> {
        let buffered = self.buffered_options().rev().find_map(|update| update.priority.as_ref());
        buffered.or(self.recorded.priority.as_ref())
    }

    pub(in crate::engine) fn priority_key(&self) -> i32 {
        self.priority().map_or(0, |priority| priority.priority_key)
    }

    pub(in crate::engine) fn versioning_override(&self) -> Option<&VersioningOverride> {
        let changes = |it: &&WorkflowExecutionOptionsUpdatedEventAttributes| {
            it.unset_versioning_override || it.versioning_override.is_some()
        };
        match self.buffered_options().rev().find(changes) {
            Some(update) => update.versioning_override.as_ref().filter(|_| !update.unset_versioning_override),
            None => self.recorded.versioning_override.as_deref(),
        }
    }

    pub(in crate::engine) fn options(&self) -> WorkflowExecutionOptions {
        WorkflowExecutionOptions {
            versioning_override: self.versioning_override().cloned(),
            priority: self.priority().cloned(),
            time_skipping_config: None,
        }
    }

    /// It has these options from now on. No priority leaves the one that it has; the real server keeps it as well. A workflow
    /// task that waits for a worker waits with the new priority.
    pub(in crate::engine) fn change_options(&mut self, cx: &mut Cx<'_>, options: WorkflowExecutionOptions, identity: String) {
        let before = (self.priority_key(), self.versioning_override().is_some());
        let attributes = WorkflowExecutionOptionsUpdatedEventAttributes {
            unset_versioning_override: options.versioning_override.is_none(),
            versioning_override: options.versioning_override,
            priority: options.priority,
            identity,
            ..WorkflowExecutionOptionsUpdatedEventAttributes::default()
        };
        self.add_event(cx, Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(attributes));
        if self.versioning_override().is_some() != before.1 {
            // The worker that has it in its cache may be of another version now.
            self.leave_sticky(cx);
        }
        if self.priority_key() != before.0 {
            self.move_in_queue(cx);
        }
    }
}
