//! What requests about schedules are refused for (`CreateSchedule`, `UpdateSchedule` and `PatchSchedule` in `workflow_handler.go`). Each
//! function checks in the real server's order.

use prost::Message;

use super::{canonical, spec::Spec};
use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::{
            limits::Limits,
            search_attributes::Registry,
            validate::{start, user_task_queue},
        },
    },
    proto::{
        common::{Memo, SearchAttributes},
        enums::WorkflowIdReusePolicy,
        schedule::{Schedule, SchedulePatch, schedule_action::Action},
        workflow::NewWorkflowExecutionInfo,
    },
};

/// A schedule's workflow id on the real server is this and its id.
pub(crate) const WORKFLOW_ID_PREFIX: &str = "temporal-sys-scheduler:";
/// As long as what is appended to the id of each workflow that is started.
const SUFFIX: &str = "-2009-11-10T23:00:00Z";
/// In bytes.
const NOTES_LENGTH_MAX: usize = 1000;

/// The ids of a request that creates a schedule.
pub(crate) fn ids(schedule_id: &str, request_id: &str, limits: &Limits) -> Result<()> {
    start::workflow_id(&format!("{WORKFLOW_ID_PREFIX}{schedule_id}"), limits)?;
    if request_id.is_empty() {
        return Err(Error::invalid("RequestId is not set on request."));
    }
    self::request_id(request_id, limits)
}

/// The request id, which may be empty.
pub(crate) fn request_id(request_id: &str, limits: &Limits) -> Result<()> {
    if request_id.len() > limits.id_length_max {
        return Err(Error::invalid("RequestId length exceeds limit."));
    }
    Ok(())
}

/// A schedule without an id is refused last, by what would look for it.
pub(crate) fn schedule_id(schedule_id: &str) -> Result<()> {
    if schedule_id.is_empty() {
        return Err(Error::invalid("Can't load workflow execution.  WorkflowId not set."));
    }
    Ok(())
}

/// Checks the spec, and brings it into its canonical form.
pub(crate) fn spec(schedule: &mut Schedule) -> Result<Spec> {
    let spec = schedule.spec.get_or_insert_default();
    let compiled = canonical::check_spans(spec).and_then(|()| canonical::canonicalise(spec)).and_then(|()| Spec::new(spec));
    compiled.map_err(|wrong| Error::invalid(format!("Invalid schedule spec: {wrong}")))
}

/// Checks and completes the workflow that a schedule starts, if there is one.
pub(crate) fn action(schedule: Option<&mut Schedule>, limits: &Limits, registry: &Registry) -> Result<()> {
    let Some(workflow) = schedule.and_then(started_mut) else { return Ok(()) };
    start::workflow_id(&format!("{}{SUFFIX}", workflow.workflow_id), limits)?;
    start::workflow_type(workflow.workflow_type.as_ref(), limits)?;
    user_task_queue(workflow.task_queue.as_mut(), "", "", limits)?;
    start::timeouts(
        workflow.workflow_execution_timeout.as_mut(),
        workflow.workflow_run_timeout.as_mut(),
        workflow.workflow_task_timeout.as_mut(),
    )?;
    if !workflow.cron_schedule.is_empty() {
        return Err(Error::invalid("Scheduled workflow must not contain CronSchedule"));
    }
    let allowed = [WorkflowIdReusePolicy::Unspecified as i32, WorkflowIdReusePolicy::AllowDuplicate as i32];
    if !allowed.contains(&workflow.workflow_id_reuse_policy) {
        return Err(Error::invalid("Scheduled workflow must not contain WorkflowIDReusePolicy"));
    }
    search_attributes(workflow.search_attributes.as_ref(), limits, registry)
}

/// The schedule's own search attributes, or those of the workflow that it starts.
pub(crate) fn search_attributes(given: Option<&SearchAttributes>, limits: &Limits, registry: &Registry) -> Result<()> {
    given.map_or(Ok(()), |given| registry.validate(given, limits))
}

/// An update has an action, and this and the memo are not too large.
pub(crate) fn update_size(schedule: &Schedule, memo: Option<&Memo>, limits: &Limits) -> Result<()> {
    let Some(workflow) = started(schedule) else {
        return Err(Error::invalid("Only StartWorkflow action is supported for schedules"));
    };
    let input = workflow.input.as_ref().map_or(0, Message::encoded_len);
    blob(memo.map_or(0, Message::encoded_len) + input, limits)
}

/// What is sent to a schedule in one piece.
pub(crate) fn blob(size_bytes: usize, limits: &Limits) -> Result<()> {
    if size_bytes > limits.blob_size_max_bytes {
        return Err(Error::invalid("Blob data size exceeds limit."));
    }
    Ok(())
}

/// The memo with which a schedule is created.
pub(crate) fn memo(size_bytes: usize, limits: &Limits) -> Result<()> {
    if size_bytes > limits.memo_size_max_bytes {
        return Err(Error::invalid("Memo size exceeds limit."));
    }
    Ok(())
}

/// The notes of a patch.
pub(crate) fn notes(patch: &SchedulePatch) -> Result<()> {
    if patch.pause.len() > NOTES_LENGTH_MAX || patch.unpause.len() > NOTES_LENGTH_MAX {
        return Err(Error::invalid("Schedule notes exceeds limit."));
    }
    Ok(())
}

/// The workflow that a schedule starts.
pub(crate) fn started(schedule: &Schedule) -> Option<&NewWorkflowExecutionInfo> {
    let Action::StartWorkflow(workflow) = schedule.action.as_ref()?.action.as_ref()?;
    Some(workflow)
}

/// As [`started`].
pub(crate) fn started_mut(schedule: &mut Schedule) -> Option<&mut NewWorkflowExecutionInfo> {
    let Action::StartWorkflow(workflow) = schedule.action.as_mut()?.action.as_mut()?;
    Some(workflow)
}
