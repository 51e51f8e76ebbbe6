//! Options that are changed along with a reset, once all has come again (`performPostResetOperations`).

use crate::{
    engine::{
        execution::Cx,
        kernel::error::{Error, Result},
        rules::{options::workflow, validate},
        workflow::{options::OptionsChange, run::Run},
    },
    proto::workflow::{PostResetOperation, WorkflowExecutionOptions, post_reset_operation::Variant},
};

/// Reads what is to be done after a reset of `base`.
///
/// # Errors
/// It is not a change of options, which the real server knows nothing of either; or the options are malformed.
pub(in crate::engine) fn read(operations: Vec<PostResetOperation>, base: &Run) -> Result<Vec<OptionsChange>> {
    operations.into_iter().map(|operation| read_one(operation, base)).collect()
}

fn read_one(operation: PostResetOperation, base: &Run) -> Result<OptionsChange> {
    let update = match operation.variant {
        Some(Variant::UpdateWorkflowOptions(update)) => update,
        Some(Variant::SignalWorkflow(_)) => {
            return Err(Error::invalid("unsupported post reset operation: *workflow.PostResetOperation_SignalWorkflow_"));
        }
        None => return Err(Error::invalid("unsupported post reset operation: <nil>")),
    };
    let asked = update.workflow_execution_options.unwrap_or_default();
    validate::start::no_time_skipping(asked.time_skipping_config.is_some())?;
    let written = base.written_options(&asked)?;
    // The real server falls over a mask that is not there.
    let mask = update.update_mask.ok_or_else(|| Error::Internal("UpdateMask is required".to_owned()))?;
    if let Some(text) = workflow::unknown_path(&mask) {
        return Err(Error::invalid(format!("error applying update_options: {text}")));
    }
    let change = OptionsChange { asked, written, mask };
    change.applied_to(&WorkflowExecutionOptions::default())?;
    Ok(change)
}

impl Run {
    /// Makes a change. If all is as before, nothing is written.
    pub(super) fn change_options_after_reset(&mut self, cx: &mut Cx<'_>, change: &OptionsChange) {
        let before = self.options();
        if let Ok([answer, after]) = change.applied_to(&before)
            && answer != before
        {
            self.change_options(cx, after, String::new());
        }
    }
}
