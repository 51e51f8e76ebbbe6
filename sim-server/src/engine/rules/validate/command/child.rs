//! The commands that start runs: ContinueAsNewWorkflowExecution and StartChildWorkflowExecution.

use prost::Message;
use prost_types::Duration;

use super::context::{self, CommandContext, Rejected};
use crate::{
    engine::rules::{
        names,
        validate::{
            duration, priority,
            start::{cron_schedule, retry_policy, settle_timeouts},
            user_task_queue,
        },
    },
    proto::{
        command::{ContinueAsNewWorkflowExecutionCommandAttributes, StartChildWorkflowExecutionCommandAttributes},
        common::{SearchAttributes, WorkflowType},
        enums::{ParentClosePolicy, TaskQueueKind, WorkflowIdReusePolicy, WorkflowTaskFailedCause as Cause},
        taskqueue::TaskQueue,
    },
};

/// ContinueAsNewWorkflowExecution. Unset fields come from the run: type, task queue, run and task timeout. The run timeout is
/// clamped to the execution timeout. Retry policy, cron, memo and search attributes are only those given.
pub fn continue_as_new(
    attributes: &mut ContinueAsNewWorkflowExecutionCommandAttributes,
    context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadContinueAsNewAttributes;
    const COMMAND: &str = "ContinueAsNewWorkflowExecutionCommand";
    known(attributes.search_attributes.as_ref(), context)?;
    let name = attributes.workflow_type.as_ref().map_or("", |workflow_type| &workflow_type.name);
    if name.is_empty() {
        attributes.workflow_type = Some(WorkflowType { name: context.workflow_type.to_owned() });
    }
    let workflow_type = attributes.workflow_type.as_ref().map_or("", |workflow_type| &workflow_type.name);
    let (length, limit) = (workflow_type.len(), context.limits.id_length_max);
    if length > limit {
        let given = format!("WorkflowType={workflow_type} Length={length} Limit={limit}");
        return Err(Rejected::fails(CAUSE, format!("WorkflowType on {COMMAND} exceeds length limit. {given}")));
    }
    let queue = inherited_queue(&mut attributes.task_queue);
    let outcome = user_task_queue(Some(queue), context.task_queue, context.task_queue, context.limits);
    let about = format!("WorkflowType={workflow_type} TaskQueue={}", names::task_queue(attributes.task_queue.as_ref()));
    outcome.map_err(|error| {
        Rejected::fails(CAUSE, format!("error validating {COMMAND} TaskQueue: {}. {about}", context::text(error)))
    })?;
    for (field, span) in [
        ("WorkflowRunTimeout", &mut attributes.workflow_run_timeout),
        ("WorkflowTaskTimeout", &mut attributes.workflow_task_timeout),
        ("BackoffStartInterval", &mut attributes.backoff_start_interval),
    ] {
        timeout(CAUSE, field, COMMAND, span, &about)?;
    }
    let inherit = |span: &mut Option<Duration>, from: std::time::Duration| {
        if duration::nanos(span.as_ref()) == 0 {
            *span = Some(duration::from_nanos(duration::std_nanos(from)));
        }
    };
    inherit(&mut attributes.workflow_run_timeout, context.run_timeout);
    inherit(&mut attributes.workflow_task_timeout, context.task_timeout);
    let spans = (&mut attributes.workflow_run_timeout, &mut attributes.workflow_task_timeout);
    settle_timeouts(duration::std_nanos(context.execution_timeout), spans.0, spans.1, context.limits);
    retry_policy(attributes.retry_policy.as_mut()).map_err(|error| {
        Rejected::fails(CAUSE, format!("invalid WorkflowRetryPolicy on {COMMAND}: {}. {about}", context::text(error)))
    })?;
    typed(attributes.search_attributes.as_ref(), COMMAND, &about, context)?;

    let queue = attributes.task_queue.as_ref().map_or("", |queue| &queue.name);
    if attributes.inherit_build_id && queue != context.task_queue {
        return Err(Rejected::fails(CAUSE, "ContinueAsNew with UseCompatibleVersion cannot run on different task queue."));
    }
    let input = attributes.input.as_ref().map_or(0, Message::encoded_len);
    context.blob(input, CAUSE, format!("{COMMAND}Attributes. Input exceeds size limit."))?;
    context.memo_size(attributes.memo.as_ref(), CAUSE, format!("{COMMAND}Attributes. Memo exceeds size limit."))?;
    sized(attributes.search_attributes.as_ref(), CAUSE, context)
}

/// StartChildWorkflowExecution. Unset fields: the namespace and the task queue come from the run, the timeouts are settled as
/// for any start, the parent close policy is TERMINATE, and the id reuse policy is ALLOW_DUPLICATE.
pub fn start_child(
    attributes: &mut StartChildWorkflowExecutionCommandAttributes,
    context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    const CAUSE: Cause = Cause::BadStartChildExecutionAttributes;
    const COMMAND: &str = "StartChildWorkflowExecutionCommand";
    if attributes.namespace.is_empty() {
        context.namespace.clone_into(&mut attributes.namespace);
    }
    known(attributes.search_attributes.as_ref(), context)?;
    context.same_namespace(CAUSE, &attributes.namespace)?;
    let about = child_names(attributes, context)?;
    for (field, span) in [
        ("WorkflowExecutionTimeout", &mut attributes.workflow_execution_timeout),
        ("WorkflowRunTimeout", &mut attributes.workflow_run_timeout),
        ("WorkflowTaskTimeout", &mut attributes.workflow_task_timeout),
    ] {
        timeout(CAUSE, field, COMMAND, span, &about)?;
    }
    let invalid =
        |field: &str, error| Rejected::fails(CAUSE, format!("invalid {field} on {COMMAND}: {}. {about}", context::text(error)));
    retry_policy(attributes.retry_policy.as_mut()).map_err(|error| invalid("WorkflowRetryPolicy", error))?;
    cron_schedule(&attributes.cron_schedule).map_err(|error| invalid("CronSchedule", error))?;
    typed(attributes.search_attributes.as_ref(), "StartChildWorkflowCommand", &about, context)?;
    priority(attributes.priority.as_ref()).map_err(Rejected::because(CAUSE))?;
    let queue = inherited_queue(&mut attributes.task_queue);
    user_task_queue(Some(queue), context.task_queue, context.task_queue, context.limits).map_err(|error| {
        let queue = names::task_queue(attributes.task_queue.as_ref());
        Rejected::fails(CAUSE, format!("invalid TaskQueue on {COMMAND}: {}. {about} TaskQueue={queue}", context::text(error)))
    })?;
    let spans = (&mut attributes.workflow_run_timeout, &mut attributes.workflow_task_timeout);
    settle_timeouts(duration::nanos(attributes.workflow_execution_timeout.as_ref()), spans.0, spans.1, context.limits);
    attributes.workflow_run_timeout.get_or_insert_default();

    if attributes.versioning_override.is_some() {
        return Err(Rejected::fails(CAUSE, "Versioning overrides are not supported by this server."));
    }
    let queue = attributes.task_queue.as_ref().map_or("", |queue| &queue.name);
    if attributes.inherit_build_id && queue != context.task_queue {
        let message = "StartChildWorkflowExecution with UseCompatibleVersion cannot run on different task queue.";
        return Err(Rejected::fails(CAUSE, message));
    }
    let input = attributes.input.as_ref().map_or(0, Message::encoded_len);
    context.blob(input, CAUSE, format!("{COMMAND}Attributes. Input exceeds size limit."))?;
    context.memo_size(attributes.memo.as_ref(), CAUSE, format!("{COMMAND}Attributes.Memo exceeds size limit."))?;
    sized(attributes.search_attributes.as_ref(), CAUSE, context)?;
    if attributes.parent_close_policy == ParentClosePolicy::Unspecified as i32 {
        attributes.parent_close_policy = ParentClosePolicy::Terminate as i32;
    }
    if attributes.workflow_id_reuse_policy == WorkflowIdReusePolicy::Unspecified as i32 {
        attributes.workflow_id_reuse_policy = WorkflowIdReusePolicy::AllowDuplicate as i32;
    }
    Ok(())
}

/// Checks the child's id and type. Returns the names for later messages.
fn child_names(
    attributes: &StartChildWorkflowExecutionCommandAttributes,
    context: &CommandContext<'_>,
) -> Result<String, Rejected> {
    const COMMAND: &str = "StartChildWorkflowExecutionCommand";
    let refuse = |message| Err(Rejected::fails(Cause::BadStartChildExecutionAttributes, message));
    let workflow_type = attributes.workflow_type.as_ref().map_or("", |workflow_type| &workflow_type.name);
    let (id, namespace) = (&attributes.workflow_id, &attributes.namespace);
    let limit = context.limits.id_length_max;
    if id.is_empty() {
        let about = format!("WorkflowType={workflow_type} Namespace={namespace}");
        return refuse(format!("Required field WorkflowId is not set on {COMMAND}. {about}"));
    }
    if workflow_type.is_empty() {
        let about = format!("WorkflowId={id} Namespace={namespace}");
        return refuse(format!("Required field WorkflowType is not set on {COMMAND}. {about}"));
    }
    if namespace.len() > limit {
        let about = format!(
            "WorkflowId={id} WorkflowType={workflow_type} Namespace={namespace} Length={} Limit={limit}",
            namespace.len()
        );
        return refuse(format!("Namespace on {COMMAND} exceeds length limit. {about}"));
    }
    if id.len() > limit {
        let about =
            format!("WorkflowId={id} Length={} Limit={limit} WorkflowType={workflow_type} Namespace={namespace}", id.len());
        return refuse(format!("WorkflowId on {COMMAND} exceeds length limit. {about}"));
    }
    if workflow_type.len() > limit {
        let about = format!(
            "WorkflowId={id} WorkflowType={workflow_type} Length={} Limit={limit} Namespace={namespace}",
            workflow_type.len()
        );
        return refuse(format!("WorkflowType on {COMMAND} exceeds length limit. {about}"));
    }
    Ok(format!("WorkflowId={id} WorkflowType={workflow_type} Namespace={namespace}"))
}

fn inherited_queue(queue: &mut Option<TaskQueue>) -> &mut TaskQueue {
    queue.get_or_insert_with(|| TaskQueue { kind: TaskQueueKind::Normal as i32, ..TaskQueue::default() })
}

fn timeout(cause: Cause, field: &str, command: &str, span: &mut Option<Duration>, about: &str) -> Result<(), Rejected> {
    duration::check_and_cap(span.as_mut())
        .map_err(|reason| Rejected::fails(cause, format!("Invalid {field} on {command}: {reason}. {about}")))
}

fn known(attributes: Option<&SearchAttributes>, context: &CommandContext<'_>) -> Result<(), Rejected> {
    let outcome = attributes.map_or(Ok(()), |attributes| context.registry.known(attributes));
    outcome.map_err(Rejected::because(Cause::BadSearchAttributes))
}

fn typed(
    attributes: Option<&SearchAttributes>,
    command: &str,
    about: &str,
    context: &CommandContext<'_>,
) -> Result<(), Rejected> {
    let outcome = attributes.map_or(Ok(()), |attributes| context.registry.typed(attributes, context.limits));
    outcome.map_err(|error| {
        let message = format!("invalid SearchAttributes on {command}: {}. {about}", context::text(error));
        Rejected::fails(Cause::BadSearchAttributes, message)
    })
}

fn sized(attributes: Option<&SearchAttributes>, cause: Cause, context: &CommandContext<'_>) -> Result<(), Rejected> {
    let outcome = attributes.map_or(Ok(()), |attributes| context.registry.sized(attributes, context.limits));
    outcome.map_err(|error| Rejected::ends(cause, context::text(error)))
}
