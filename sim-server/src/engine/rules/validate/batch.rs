//! StartBatchOperation (`service/worker/batcher/workflow.go`, `ValidateBatchOperation`).

use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::{limits::Limits, list_filter},
    },
    proto::{
        batch::{
            batch_operation_reset_activities, batch_operation_unpause_activities, batch_operation_update_activity_options,
        },
        enums::{ExecutionType, ResetType},
        workflowservice::{StartBatchOperationRequest, start_batch_operation_request::Operation},
    },
};

const TYPE_OR_ALL: &str = "Either activity type must be set, or match all should be set to true";

/// Checks what is asked, but not whether the job's id is taken.
pub(crate) fn start_batch(request: &StartBatchOperationRequest, limits: &Limits) -> Result<()> {
    let selectors =
        [!request.visibility_query.is_empty(), !request.executions.is_empty(), !request.target_executions.is_empty()];
    let selector_count = selectors.into_iter().filter(|is_used| *is_used).count();
    let Some(operation) = request.operation.as_ref().filter(|_| !request.reason.is_empty() && selector_count > 0) else {
        let what = "BatchType,Reason,Namespace, AND one of (Query OR Executions OR TargetExecutions)";
        return Err(Error::invalid(format!("must provide required parameters: {what}")));
    };
    if request.job_id.is_empty() {
        return Err(Error::invalid("JobId is not set on request."));
    }
    if selector_count > 1 {
        return Err(Error::invalid("visibility query, executions, and target executions are mutually exclusive"));
    }
    for (index, target) in request.target_executions.iter().enumerate() {
        let name = operation_name(operation);
        if target.r#type != i32::from(ExecutionType::Workflow) {
            return Err(Error::invalid(format!(
                "target_executions[{index}] has type {}, but operation *workflowservice.StartBatchOperationRequest_{name} \
                 requires Workflow",
                execution_type(target.r#type)
            )));
        }
    }
    check_operation(operation)?;
    if !request.visibility_query.is_empty() {
        let checked = list_filter::check_of_batch(&request.visibility_query);
        checked.map_err(|error| Error::invalid(format!("invalid visibility query: {error}")))?;
    }
    if request.job_id.len() > limits.id_length_max {
        return Err(Error::invalid("WorkflowId exceeds length limit."));
    }
    Ok(())
}

fn check_operation(operation: &Operation) -> Result<()> {
    let refused = |text: &str| Err(Error::invalid(text));
    match operation {
        Operation::SignalOperation(of) if of.signal.is_empty() => refused("must provide signal name"),
        Operation::UpdateWorkflowOptionsOperation(of) => match (&of.workflow_execution_options, &of.update_mask) {
            (None, _) => refused("must provide UpdateOptions"),
            (_, None) => refused("must provide UpdateMask"),
            (Some(_), Some(_)) => Ok(()),
        },
        Operation::ResetOperation(of) => match &of.options {
            Some(options) if options.target.is_none() => refused("batch reset missing target"),
            Some(_) => Ok(()),
            None => match ResetType::try_from(of.reset_type) {
                Ok(ResetType::Unspecified) => refused("unknown batch reset type Unspecified"),
                Ok(ResetType::FirstWorkflowTask | ResetType::LastWorkflowTask) => Ok(()),
                Err(_) => Err(Error::invalid(format!("unknown batch reset type {}", of.reset_type))),
            },
        },
        Operation::UnpauseActivitiesOperation(of) => {
            use batch_operation_unpause_activities::Activity as Of;
            match &of.activity {
                None => refused("activity filter must be set"),
                Some(Of::Type(name)) if name.is_empty() => refused(TYPE_OR_ALL),
                Some(Of::MatchAll(false)) => refused(TYPE_OR_ALL),
                Some(Of::Type(_) | Of::MatchAll(true)) => Ok(()),
            }
        }
        Operation::ResetActivitiesOperation(of) => {
            use batch_operation_reset_activities::Activity as Of;
            match &of.activity {
                None => refused("must provide ActivityType or MatchAll"),
                Some(Of::Type(name)) if name.is_empty() => refused(TYPE_OR_ALL),
                Some(Of::MatchAll(false)) => refused(TYPE_OR_ALL),
                Some(Of::Type(_) | Of::MatchAll(true)) => Ok(()),
            }
        }
        Operation::UpdateActivityOptionsOperation(of) => {
            use batch_operation_update_activity_options::Activity as Of;
            if of.activity_options.is_some() && of.restore_original {
                return refused("cannot set both activity options and restore original");
            }
            if of.activity_options.is_none() && !of.restore_original {
                return refused("Either activity type must be set, or restore original should be set to true");
            }
            match &of.activity {
                Some(Of::Type(name)) if name.is_empty() => refused(TYPE_OR_ALL),
                Some(Of::MatchAll(false)) => refused(TYPE_OR_ALL),
                None | Some(Of::Type(_) | Of::MatchAll(true)) => Ok(()),
            }
        }
        Operation::CancelActivitiesOperation(_)
        | Operation::TerminateActivitiesOperation(_)
        | Operation::DeleteActivitiesOperation(_) => {
            Err(Error::Unimplemented("Batch operations on standalone activities are not supported by this server.".to_owned()))
        }
        Operation::TerminationOperation(_)
        | Operation::SignalOperation(_)
        | Operation::CancellationOperation(_)
        | Operation::DeletionOperation(_) => Ok(()),
    }
}

/// As Go prints an `ExecutionType`.
fn execution_type(kind: i32) -> String {
    match ExecutionType::try_from(kind) {
        Ok(ExecutionType::Unspecified) => "Unspecified".to_owned(),
        Ok(ExecutionType::Workflow) => "Workflow".to_owned(),
        Ok(ExecutionType::Activity) => "Activity".to_owned(),
        _ => kind.to_string(),
    }
}

/// The end of the name of the operation's type in Go.
fn operation_name(operation: &Operation) -> &'static str {
    match operation {
        Operation::TerminationOperation(_) => "TerminationOperation",
        Operation::SignalOperation(_) => "SignalOperation",
        Operation::CancellationOperation(_) => "CancellationOperation",
        Operation::DeletionOperation(_) => "DeletionOperation",
        Operation::ResetOperation(_) => "ResetOperation",
        Operation::UpdateWorkflowOptionsOperation(_) => "UpdateWorkflowOptionsOperation",
        Operation::UnpauseActivitiesOperation(_) => "UnpauseActivitiesOperation",
        Operation::ResetActivitiesOperation(_) => "ResetActivitiesOperation",
        Operation::UpdateActivityOptionsOperation(_) => "UpdateActivityOptionsOperation",
        Operation::CancelActivitiesOperation(_) => "CancelActivitiesOperation",
        Operation::TerminateActivitiesOperation(_) => "TerminateActivitiesOperation",
        Operation::DeleteActivitiesOperation(_) => "DeleteActivitiesOperation",
    }
}
