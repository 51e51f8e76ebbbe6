use crate::{
    engine::{error::Result, limits::Limits},
    proto::failure::Failure,
    proto::workflowservice::*,
};
pub fn workflow_task_completed(_r: &RespondWorkflowTaskCompletedRequest, _l: &Limits) -> Result<()> {
    Ok(())
}
pub fn workflow_task_failed(_r: &RespondWorkflowTaskFailedRequest, _l: &Limits) -> Result<()> {
    Ok(())
}
pub fn identity(_r: &str, _l: &Limits) -> Result<()> {
    Ok(())
}
pub fn activity_failed(_r: Option<&Failure>, _i: &str, _l: &Limits) -> Result<()> {
    Ok(())
}
pub fn activity_by_id(_r: &str, _i: &str) -> Result<()> {
    Ok(())
}
