//! UpdateWorkflowExecutionOptions (`api/updateworkflowoptions`).

use prost_types::FieldMask;

use crate::{
    engine::{
        Engine,
        kernel::{error::Result, key::RunKey},
        rules::options::{versioning, workflow},
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
        let options = self.change_workflow_options(key, options, &mask, request.identity)?;
        Ok(UpdateWorkflowExecutionOptionsResponse { workflow_execution_options: Some(options), update_time: None })
    }

    /// Changes those options of a run that the mask names. Gives all that it has then, as they were asked for. If they are as
    /// before, nothing is written.
    ///
    /// # Errors
    /// The run is closed, or the options are malformed, whether the mask names them or not.
    pub(in crate::engine) fn change_workflow_options(
        &mut self,
        key: RunKey,
        options: WorkflowExecutionOptions,
        mask: &FieldMask,
        identity: String,
    ) -> Result<WorkflowExecutionOptions> {
        self.check_running(key)?;
        let run = self.runs.get(key);
        let asked = options.versioning_override.as_ref();
        if asked.is_some_and(versioning::names_no_version) {
            return Err(versioning::no_version_yet(run.workflow_id()));
        }
        let by = asked.map(|asked| versioning::checked(asked, run.task_queue())).transpose()?;
        let before = run.options();
        let answer = workflow::merged(before.clone(), &options, mask)?;
        let after = workflow::merged(before.clone(), &WorkflowExecutionOptions { versioning_override: by, ..options }, mask)?;
        if answer != before {
            self.transact(key, |run, cx| run.change_options(cx, after, identity));
        }
        Ok(answer)
    }
}
