use crate::{
    engine::{error::Result, limits::Limits, search_attributes::Registry},
    proto::{command::*, common::Payload, enums::WorkflowTaskFailedCause},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
pub struct Rejected {
    pub cause: WorkflowTaskFailedCause,
    pub message: String,
    pub terminate: bool,
}
#[derive(Debug)]
pub struct CommandContext<'a> {
    pub namespace: &'a str,
    pub workflow_id: &'a str,
    pub workflow_type: &'a str,
    pub task_queue: &'a str,
    pub run_timeout: Duration,
    pub execution_timeout: Duration,
    pub task_timeout: Duration,
    pub memo: &'a BTreeMap<String, Payload>,
    pub search_attributes: &'a BTreeMap<String, Payload>,
    pub limits: &'a Limits,
    pub registry: &'a Registry,
}
pub fn command_sequence(_c: &[Command]) -> Result<()> {
    Ok(())
}
macro_rules! ok { ($($n:ident $t:ty),*) => { $(pub fn $n(_a: &mut $t, _c: &CommandContext<'_>) -> Result<(), Rejected> { Ok(()) })* } }
ok!(schedule_activity ScheduleActivityTaskCommandAttributes, request_cancel_activity RequestCancelActivityTaskCommandAttributes, start_timer StartTimerCommandAttributes, cancel_timer CancelTimerCommandAttributes, record_marker RecordMarkerCommandAttributes, upsert_search_attributes UpsertWorkflowSearchAttributesCommandAttributes, modify_properties ModifyWorkflowPropertiesCommandAttributes, start_child StartChildWorkflowExecutionCommandAttributes, signal_external SignalExternalWorkflowExecutionCommandAttributes, complete_workflow CompleteWorkflowExecutionCommandAttributes, fail_workflow FailWorkflowExecutionCommandAttributes, cancel_workflow CancelWorkflowExecutionCommandAttributes, continue_as_new ContinueAsNewWorkflowExecutionCommandAttributes);
pub fn request_cancel_external(
    _a: &mut RequestCancelExternalWorkflowExecutionCommandAttributes,
    _c: &CommandContext<'_>,
    _s: &BTreeSet<String>,
) -> Result<(), Rejected> {
    Ok(())
}
