//! Options that are changed along with a reset, once all has come again (`performPostResetOperations`).

use prost_types::FieldMask;

use crate::{
    engine::{
        execution::Cx,
        kernel::error::{Error, Result},
        rules::{
            options::{versioning, workflow},
            validate,
        },
        workflow::run::Run,
    },
    proto::workflow::{PostResetOperation, WorkflowExecutionOptions, post_reset_operation::Variant},
};

/// A change of options that can be made.
#[derive(Debug)]
pub(in crate::engine) struct WorkflowOptionsChange {
    /// As it was asked for.
    asked: WorkflowExecutionOptions,
    /// As it is written.
    written: WorkflowExecutionOptions,
    mask: FieldMask,
}

impl WorkflowOptionsChange {
    /// Reads what is to be done after a reset of `base`.
    ///
    /// # Errors
    /// It is not a change of options, which the real server knows nothing of either; or the options are malformed.
    pub(in crate::engine) fn read(operations: Vec<PostResetOperation>, base: &Run) -> Result<Vec<Self>> {
        operations.into_iter().map(|operation| Self::read_one(operation, base)).collect()
    }

    fn read_one(operation: PostResetOperation, base: &Run) -> Result<Self> {
        let update = match operation.variant {
            Some(Variant::UpdateWorkflowOptions(update)) => update,
            Some(Variant::SignalWorkflow(_)) => {
                return Err(Error::invalid("unsupported post reset operation: *workflow.PostResetOperation_SignalWorkflow_"));
            }
            None => return Err(Error::invalid("unsupported post reset operation: <nil>")),
        };
        let asked = update.workflow_execution_options.unwrap_or_default();
        validate::start::no_time_skipping(asked.time_skipping_config.is_some())?;
        if asked.versioning_override.as_ref().is_some_and(versioning::names_no_version) {
            return Err(versioning::no_version_yet(base.workflow_id()));
        }
        let by = asked.versioning_override.as_ref().map(|by| versioning::checked(by, base.task_queue())).transpose()?;
        // The real server falls over a mask that is not there.
        let mask = update.update_mask.ok_or_else(|| Error::Internal("UpdateMask is required".to_owned()))?;
        if let Some(text) = workflow::unknown_path(&mask) {
            return Err(Error::invalid(format!("error applying update_options: {text}")));
        }
        workflow::merged(WorkflowExecutionOptions::default(), &asked, &mask)?;
        let written = WorkflowExecutionOptions { versioning_override: by, ..asked.clone() };
        Ok(Self { asked, written, mask })
    }
}

impl Run {
    /// Makes a change. If all is as before, nothing is written.
    pub(super) fn change_options_after_reset(&mut self, cx: &mut Cx<'_>, change: &WorkflowOptionsChange) {
        let before = self.options();
        let merged = |from: &WorkflowExecutionOptions| workflow::merged(before.clone(), from, &change.mask);
        if let (Ok(answer), Ok(after)) = (merged(&change.asked), merged(&change.written))
            && answer != before
        {
            self.change_options(cx, after, String::new());
        }
    }
}
