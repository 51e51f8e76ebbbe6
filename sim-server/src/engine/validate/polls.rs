use crate::{
    engine::{error::Result, limits::Limits},
    proto::workflowservice::*,
};
pub fn poll_workflow_task(_r: &PollWorkflowTaskQueueRequest, _l: &Limits) -> Result<()> {
    Ok(())
}
pub fn poll_activity_task(_r: &PollActivityTaskQueueRequest, _l: &Limits) -> Result<()> {
    Ok(())
}
