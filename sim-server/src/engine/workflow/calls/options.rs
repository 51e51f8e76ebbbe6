//! UpdateWorkflowExecutionOptions (`api/updateworkflowoptions`).

use prost_types::FieldMask;

use crate::{
    engine::{
        Engine,
        kernel::{error::Result, key::RunKey},
        rules::options::workflow,
        workflow::options::OptionsChange,
    },
    proto::{
        workflow::WorkflowExecutionOptions,
        workflowservice::{UpdateWorkflowExecutionOptionsRequest, UpdateWorkflowExecutionOptionsResponse},
    },
};

impl Engine {
    /// UpdateWorkflowExecutionOptions.
    pub(in crate::engine) fn update_workflow_execution_options(
        &mut self,
        request: UpdateWorkflowExecutionOptionsRequest,
    ) -> Result<UpdateWorkflowExecutionOptionsResponse> {
        let namespace = self.resolve(&request.namespace)?;
        workflow::check(&request)?;
        let key = self.load(namespace, &request.workflow_execution.unwrap_or_default())?;
        let (options, mask) = (request.workflow_execution_options.unwrap_or_default(), request.update_mask.unwrap_or_default());
        let options = self.change_workflow_options(key, options, mask, request.identity)?;
        Ok(UpdateWorkflowExecutionOptionsResponse { workflow_execution_options: Some(options), update_time: None })
    }

    /// Changes those options of a run that the mask names. Gives all that it has then, as they were asked for. If they are as
    /// before, nothing is written.
    ///
    /// # Errors
    /// The run is closed, or the options are malformed, whether the mask names them or not.
    fn change_workflow_options(
        &mut self,
        key: RunKey,
        asked: WorkflowExecutionOptions,
        mask: FieldMask,
        identity: String,
    ) -> Result<WorkflowExecutionOptions> {
        self.check_running(key)?;
        let run = self.runs.get(key);
        let change = OptionsChange { written: run.written_options(&asked)?, asked, mask };
        let before = run.options();
        let [answer, after] = change.applied_to(&before)?;
        if answer != before {
            self.transact(key, |run, cx| run.change_options(cx, after, identity));
        }
        Ok(answer)
    }
}
