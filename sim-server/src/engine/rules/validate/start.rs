//! StartWorkflowExecution and SignalWithStartWorkflowExecution: `prepareStartWorkflowRequest` in
//! `service/frontend/workflow_handler.go`, `chasm/lib/workflow/validator.go`, then
//! `service/history/api/create_workflow_util.go`.

use prost::Message;
use prost_types::Duration;

use super::{duration, links, priority, user_task_queue};
use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::{cron, limits::Limits, options::versioning, retry, search_attributes::Registry},
    },
    proto::{
        common::{Memo, Payloads, RetryPolicy, SearchAttributes, WorkflowType},
        enums::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
        taskqueue::TaskQueue,
        workflow::VersioningOverride,
        workflowservice::{SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest},
    },
};

/// Checks and completes a start: id policies (TERMINATE_IF_RUNNING becomes TERMINATE_EXISTING), the retry policy, the kind
/// of the task queue, the timeouts. An empty request id stays empty.
///
/// # Errors
/// `InvalidArgument`; `FailedPrecondition` for a version that no worker has; `Unimplemented` for completion callbacks, a versioning
/// override by Deployment, or time skipping by the workflow.
pub fn start(request: &mut StartWorkflowExecutionRequest, limits: &Limits, registry: &Registry) -> Result<()> {
    let policies = (&mut request.workflow_id_reuse_policy, &mut request.workflow_id_conflict_policy);
    default_id_policies(policies.0, policies.1, WorkflowIdConflictPolicy::Fail);
    workflow_id(&request.workflow_id, limits)?;
    retry_policy(request.retry_policy.as_mut())?;
    start_delay(&request.cron_schedule, request.workflow_start_delay.as_mut())?;
    cron_schedule(&request.cron_schedule)?;
    workflow_type(request.workflow_type.as_ref(), limits)?;
    user_task_queue(request.task_queue.as_mut(), "", "", limits)?;
    timeouts(
        request.workflow_execution_timeout.as_mut(),
        request.workflow_run_timeout.as_mut(),
        request.workflow_task_timeout.as_mut(),
    )?;
    if request.request_id.len() > limits.id_length_max {
        return Err(Error::invalid("RequestId length exceeds limit."));
    }
    id_policies(request.workflow_id_reuse_policy, request.workflow_id_conflict_policy)?;
    if request.on_conflict_options.is_some_and(|options| options.attach_completion_callbacks && !options.attach_request_id) {
        return Err(Error::invalid("attaching request ID is required for attaching completion callbacks"));
    }
    search_attributes(request.search_attributes.as_ref(), registry, limits)?;
    priority(request.priority.as_ref())?;
    if !request.completion_callbacks.is_empty() {
        return Err(Error::Unimplemented("Completion callbacks are not supported by this server.".to_owned()));
    }
    links(&request.links, limits)?;
    no_time_skipping(request.time_skipping_config.is_some())?;

    let spans = (&mut request.workflow_run_timeout, &mut request.workflow_task_timeout);
    settle_timeouts(duration::nanos(request.workflow_execution_timeout.as_ref()), spans.0, spans.1, limits);
    sizes(request.input.as_ref(), request.memo.as_ref(), limits)?;
    versioning_override(request.versioning_override.as_mut(), request.task_queue.as_ref())
}

/// Checks and completes a signal-with-start, as [`start`] does a start. The default conflict policy is USE_EXISTING.
///
/// # Errors
/// As for [`start`].
pub fn signal_with_start(
    request: &mut SignalWithStartWorkflowExecutionRequest,
    limits: &Limits,
    registry: &Registry,
) -> Result<()> {
    cron_schedule(&request.cron_schedule)?;
    workflow_id(&request.workflow_id, limits)?;
    named("signal", "signal name", &request.signal_name, limits)?;
    named("workflow type", "workflow type name", name_of(request.workflow_type.as_ref()), limits)?;
    user_task_queue(request.task_queue.as_mut(), "", "", limits)?;
    within("Request ID", &request.request_id, limits)?;
    timeouts(
        request.workflow_execution_timeout.as_mut(),
        request.workflow_run_timeout.as_mut(),
        request.workflow_task_timeout.as_mut(),
    )?;
    retry_policy(request.retry_policy.as_mut())?;
    start_delay(&request.cron_schedule, request.workflow_start_delay.as_mut())?;
    id_policies(request.workflow_id_reuse_policy, request.workflow_id_conflict_policy)?;
    if request.workflow_id_conflict_policy == WorkflowIdConflictPolicy::Fail as i32 {
        return Err(Error::invalid(
            "Invalid WorkflowIDConflictPolicy: WORKFLOW_ID_CONFLICT_POLICY_FAIL is not supported for this operation.",
        ));
    }
    let policies = (&mut request.workflow_id_reuse_policy, &mut request.workflow_id_conflict_policy);
    default_id_policies(policies.0, policies.1, WorkflowIdConflictPolicy::UseExisting);
    search_attributes(request.search_attributes.as_ref(), registry, limits)?;
    priority(request.priority.as_ref())?;
    links(&request.links, limits)?;
    no_time_skipping(request.time_skipping_config.is_some())?;

    let spans = (&mut request.workflow_run_timeout, &mut request.workflow_task_timeout);
    settle_timeouts(duration::nanos(request.workflow_execution_timeout.as_ref()), spans.0, spans.1, limits);
    sizes(request.signal_input.as_ref(), None, limits)?;
    sizes(request.input.as_ref(), request.memo.as_ref(), limits)?;
    versioning_override(request.versioning_override.as_mut(), request.task_queue.as_ref())
}

/// Clamps the run timeout to the execution timeout, and fills and clamps the task timeout: default 10 s, at most 120 s and the
/// run timeout. `execution` is in nanoseconds; zero means unlimited for execution and run. Valid values stay as they are.
pub(crate) fn settle_timeouts(execution: i64, run: &mut Option<Duration>, task: &mut Option<Duration>, limits: &Limits) {
    let (asked_run, asked_task) = (duration::nanos(run.as_ref()), duration::nanos(task.as_ref()));
    let settled_run = match (asked_run, execution) {
        (run, 0) => run,
        (0, execution) => execution,
        (run, execution) => run.min(execution),
    };
    if settled_run != asked_run {
        *run = Some(duration::from_nanos(settled_run));
    }
    let wanted_task = if asked_task == 0 { duration::std_nanos(limits.task_timeout_default) } else { asked_task };
    let mut settled_task = wanted_task.min(duration::std_nanos(limits.task_timeout_max));
    if settled_run != 0 {
        settled_task = settled_task.min(settled_run);
    }
    if settled_task != asked_task {
        *task = Some(duration::from_nanos(settled_task));
    }
}

/// Refuses a bad cron schedule. An empty one is fine.
pub(crate) fn cron_schedule(schedule: &str) -> Result<()> {
    if schedule.is_empty() { Ok(()) } else { cron::parse(schedule).map(drop) }
}

/// Completes and checks a workflow's retry policy. No policy means no retry.
pub(crate) fn retry_policy(policy: Option<&mut RetryPolicy>) -> Result<()> {
    let Some(policy) = policy else { return Ok(()) };
    retry::normalise(policy);
    retry::validate(policy)
}

/// Refuses a workflow type that is missing or long.
pub(crate) fn workflow_type(workflow_type: Option<&WorkflowType>, limits: &Limits) -> Result<()> {
    let name = name_of(workflow_type);
    if name.is_empty() {
        return Err(Error::invalid("WorkflowType is not set on request."));
    }
    if name.len() > limits.id_length_max {
        return Err(Error::invalid("WorkflowType length exceeds limit."));
    }
    Ok(())
}

/// Refuses a workflow id that is missing or long.
pub(crate) fn workflow_id(id: &str, limits: &Limits) -> Result<()> {
    if id.is_empty() {
        return Err(Error::invalid("WorkflowId is not set on request."));
    }
    within("WorkflowId", id, limits)
}

fn name_of(workflow_type: Option<&WorkflowType>) -> &str {
    workflow_type.map_or("", |workflow_type| &workflow_type.name)
}

fn named(what: &str, what_is_long: &str, value: &str, limits: &Limits) -> Result<()> {
    if value.is_empty() {
        return Err(Error::invalid(format!("{what} not set")));
    }
    within(what_is_long, value, limits)
}

fn within(what: &str, value: &str, limits: &Limits) -> Result<()> {
    let (length, limit) = (value.len(), limits.id_length_max);
    if length > limit {
        return Err(Error::invalid(format!("{what} exceeds maximum allowed length ({length}/{limit})")));
    }
    Ok(())
}

fn start_delay(cron_schedule: &str, delay: Option<&mut Duration>) -> Result<()> {
    if !cron_schedule.is_empty() && delay.is_some() {
        return Err(Error::invalid("CronSchedule and WorkflowStartDelay may not be used together."));
    }
    span("WorkflowStartDelaySeconds", delay)
}

/// Refuses negative timeouts, and cuts very long ones.
pub(crate) fn timeouts(
    execution: Option<&mut Duration>,
    run: Option<&mut Duration>,
    task: Option<&mut Duration>,
) -> Result<()> {
    span("WorkflowExecutionTimeoutSeconds", execution)?;
    span("WorkflowRunTimeoutSeconds", run)?;
    span("WorkflowTaskTimeoutSeconds", task)
}

fn span(field: &str, value: Option<&mut Duration>) -> Result<()> {
    let refused = |reason| Error::invalid(format!("An invalid {field} is set on request. cause: {reason}"));
    duration::check_and_cap(value).map_err(refused)
}

fn default_id_policies(reuse: &mut i32, conflict: &mut i32, default_conflict: WorkflowIdConflictPolicy) {
    if *conflict == WorkflowIdConflictPolicy::Unspecified as i32 {
        if *reuse == WorkflowIdReusePolicy::TerminateIfRunning as i32 {
            *conflict = WorkflowIdConflictPolicy::TerminateExisting as i32;
            *reuse = WorkflowIdReusePolicy::AllowDuplicate as i32;
        } else {
            *conflict = default_conflict as i32;
        }
    }
    if *reuse == WorkflowIdReusePolicy::Unspecified as i32 {
        *reuse = WorkflowIdReusePolicy::AllowDuplicate as i32;
    }
}

fn id_policies(reuse: i32, conflict: i32) -> Result<()> {
    const REUSE: &str = "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY";
    let has_conflict_policy = conflict != WorkflowIdConflictPolicy::Unspecified as i32;
    if has_conflict_policy && reuse == WorkflowIdReusePolicy::TerminateIfRunning as i32 {
        return Err(Error::invalid(format!(
            "{REUSE}_TERMINATE_IF_RUNNING cannot be used together with a WorkflowIDConflictPolicy"
        )));
    }
    let terminates = conflict == WorkflowIdConflictPolicy::TerminateExisting as i32;
    if terminates && reuse == WorkflowIdReusePolicy::RejectDuplicate as i32 {
        return Err(Error::invalid(format!(
            "{REUSE}_REJECT_DUPLICATE cannot be used together with WorkflowIdConflictPolicy WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING"
        )));
    }
    Ok(())
}

fn search_attributes(attributes: Option<&SearchAttributes>, registry: &Registry, limits: &Limits) -> Result<()> {
    attributes.map_or(Ok(()), |attributes| registry.validate(attributes, limits))
}

fn sizes(input: Option<&Payloads>, memo: Option<&Memo>, limits: &Limits) -> Result<()> {
    if input.map_or(0, Message::encoded_len) > limits.blob_size_max_bytes {
        return Err(Error::invalid("Blob data size exceeds limit."));
    }
    if memo.map_or(0, Message::encoded_len) > limits.memo_size_max_bytes {
        return Err(Error::invalid("Memo size exceeds limit."));
    }
    Ok(())
}

pub(crate) fn no_time_skipping(asked: bool) -> Result<()> {
    if asked {
        return Err(Error::Unimplemented("The Time-Skipping feature is not enabled for namespace.".to_owned()));
    }
    Ok(())
}

fn versioning_override(asked: Option<&mut VersioningOverride>, task_queue: Option<&TaskQueue>) -> Result<()> {
    let Some(asked) = asked else { return Ok(()) };
    *asked = versioning::checked(asked, task_queue.map_or("", |queue| &queue.name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{
        common::{Callback, Payload, Priority, TimeSkippingConfig},
        taskqueue::TaskQueue,
        workflow::{OnConflictOptions, VersioningOverride},
    };

    type Start = StartWorkflowExecutionRequest;
    type SignalWithStart = SignalWithStartWorkflowExecutionRequest;
    type Change<R> = fn(&mut R);

    fn seconds(seconds: i64) -> Option<Duration> {
        Some(Duration { seconds, nanos: 0 })
    }

    fn blob(size: usize) -> Payload {
        Payload { data: vec![b'x'; size], ..Payload::default() }
    }

    fn good_start() -> Start {
        Start {
            workflow_id: "w".to_owned(),
            workflow_type: Some(WorkflowType { name: "T".to_owned() }),
            task_queue: Some(TaskQueue { name: "q".to_owned(), ..TaskQueue::default() }),
            ..Start::default()
        }
    }

    fn good_signal_with_start() -> SignalWithStart {
        let start = good_start();
        SignalWithStart {
            workflow_id: start.workflow_id,
            workflow_type: start.workflow_type,
            task_queue: start.task_queue,
            signal_name: "s".to_owned(),
            ..SignalWithStart::default()
        }
    }

    fn text(outcome: Result<()>) -> String {
        match outcome {
            Ok(()) => String::new(),
            Err(Error::InvalidArgument(text) | Error::Unimplemented(text)) => text,
            Err(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn bad_starts_are_refused_with_the_real_text() {
        let cases: &[(Change<Start>, &str)] = &[
            (|r| r.workflow_id.clear(), "WorkflowId is not set on request."),
            (|r| r.workflow_id = "w".repeat(1100), "WorkflowId exceeds maximum allowed length (1100/1000)"),
            (|r| r.workflow_type = None, "WorkflowType is not set on request."),
            (|r| r.workflow_type = Some(WorkflowType { name: "T".repeat(1001) }), "WorkflowType length exceeds limit."),
            (|r| r.task_queue = None, "taskQueue is not set"),
            (|r| r.task_queue = Some(TaskQueue::default()), "missing task queue name"),
            (
                |r| r.workflow_execution_timeout = seconds(-1),
                "An invalid WorkflowExecutionTimeoutSeconds is set on request. cause: negative duration",
            ),
            (
                |r| r.workflow_run_timeout = seconds(-1),
                "An invalid WorkflowRunTimeoutSeconds is set on request. cause: negative duration",
            ),
            (
                |r| r.workflow_task_timeout = seconds(-1),
                "An invalid WorkflowTaskTimeoutSeconds is set on request. cause: negative duration",
            ),
            (
                |r| r.workflow_start_delay = seconds(-1),
                "An invalid WorkflowStartDelaySeconds is set on request. cause: negative duration",
            ),
            (|r| r.cron_schedule = "nope".to_owned(), "invalid CronSchedule."),
            (
                |r| {
                    r.cron_schedule = "nope".to_owned();
                    r.workflow_start_delay = seconds(1);
                },
                "CronSchedule and WorkflowStartDelay may not be used together.",
            ),
            (
                |r| r.retry_policy = Some(RetryPolicy { backoff_coefficient: 0.5, ..RetryPolicy::default() }),
                "BackoffCoefficient cannot be less than 1 on retry policy.",
            ),
            (|r| r.request_id = "r".repeat(1001), "RequestId length exceeds limit."),
            (
                |r| {
                    r.workflow_id_reuse_policy = WorkflowIdReusePolicy::TerminateIfRunning as i32;
                    r.workflow_id_conflict_policy = WorkflowIdConflictPolicy::Fail as i32;
                },
                "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING cannot be used together with a WorkflowIDConflictPolicy",
            ),
            (
                |r| {
                    r.workflow_id_reuse_policy = WorkflowIdReusePolicy::RejectDuplicate as i32;
                    r.workflow_id_conflict_policy = WorkflowIdConflictPolicy::TerminateExisting as i32;
                },
                "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE cannot be used together with WorkflowIdConflictPolicy WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING",
            ),
            (
                |r| {
                    r.on_conflict_options =
                        Some(OnConflictOptions { attach_completion_callbacks: true, ..OnConflictOptions::default() })
                },
                "attaching request ID is required for attaching completion callbacks",
            ),
            (
                |r| r.search_attributes = Some(SearchAttributes { indexed_fields: [("Nope".to_owned(), blob(1))].into() }),
                "Namespace default has no mapping defined for search attribute Nope",
            ),
            (|r| r.priority = Some(Priority { priority_key: -1, ..Priority::default() }), "priority key can't be negative"),
            (|r| r.completion_callbacks = vec![Callback::default()], "Completion callbacks are not supported by this server."),
            (|r| r.links = vec![Default::default()], "unsupported link variant"),
            (
                |r| r.time_skipping_config = Some(TimeSkippingConfig::default()),
                "The Time-Skipping feature is not enabled for namespace.",
            ),
            (|r| r.input = Some(Payloads { payloads: vec![blob(3 << 20)] }), "Blob data size exceeds limit."),
            (|r| r.memo = Some(Memo { fields: [("k".to_owned(), blob(3 << 20))].into() }), "Memo size exceeds limit."),
            (|r| r.versioning_override = Some(VersioningOverride::default()), "override behavior is required"),
            (|_| (), ""),
        ];
        for (change, expected) in cases {
            let mut request = good_start();
            change(&mut request);
            assert_eq!(text(start(&mut request, &Limits::default(), &Registry::new("default"))), *expected);
        }
    }

    #[test]
    fn bad_signals_with_start_are_refused_with_the_real_text() {
        let cases: &[(Change<SignalWithStart>, &str)] = &[
            (|r| r.signal_name.clear(), "signal not set"),
            (|r| r.signal_name = "s".repeat(1001), "signal name exceeds maximum allowed length (1001/1000)"),
            (|r| r.workflow_type = None, "workflow type not set"),
            (
                |r| r.workflow_type = Some(WorkflowType { name: "T".repeat(1001) }),
                "workflow type name exceeds maximum allowed length (1001/1000)",
            ),
            (|r| r.request_id = "r".repeat(1001), "Request ID exceeds maximum allowed length (1001/1000)"),
            (
                |r| r.workflow_id_conflict_policy = WorkflowIdConflictPolicy::Fail as i32,
                "Invalid WorkflowIDConflictPolicy: WORKFLOW_ID_CONFLICT_POLICY_FAIL is not supported for this operation.",
            ),
            (|_| (), ""),
        ];
        for (change, expected) in cases {
            let mut request = good_signal_with_start();
            change(&mut request);
            assert_eq!(text(signal_with_start(&mut request, &Limits::default(), &Registry::new("default"))), *expected);
        }
    }

    #[test]
    fn open_choices_are_settled() {
        let mut request = good_start();
        request.workflow_execution_timeout = seconds(60);
        request.workflow_task_timeout = seconds(300);
        request.workflow_id_reuse_policy = WorkflowIdReusePolicy::TerminateIfRunning as i32;
        assert_eq!(start(&mut request, &Limits::default(), &Registry::new("default")), Ok(()));
        assert_eq!((request.workflow_run_timeout, request.workflow_task_timeout), (seconds(60), seconds(60)));
        assert_eq!(request.workflow_id_reuse_policy, WorkflowIdReusePolicy::AllowDuplicate as i32);
        assert_eq!(request.workflow_id_conflict_policy, WorkflowIdConflictPolicy::TerminateExisting as i32);
        assert_eq!(request.task_queue.unwrap_or_default().kind, 1);

        let mut request = good_signal_with_start();
        request.workflow_task_timeout = seconds(300);
        assert_eq!(signal_with_start(&mut request, &Limits::default(), &Registry::new("default")), Ok(()));
        assert_eq!((request.workflow_run_timeout, request.workflow_task_timeout), (None, seconds(120)));
        assert_eq!(request.workflow_id_reuse_policy, WorkflowIdReusePolicy::AllowDuplicate as i32);
        assert_eq!(request.workflow_id_conflict_policy, WorkflowIdConflictPolicy::UseExisting as i32);

        let cases = [
            ((0, 0, 0), (0, 10)),
            ((0, 5, 0), (5, 5)),
            ((100, 500, 20), (100, 20)),
            ((100, 50, 0), (50, 10)),
            ((0, 0, 500), (0, 120)),
        ];
        for ((execution, run, task), expected) in cases {
            let (mut run, mut task) = (seconds(run), seconds(task));
            settle_timeouts(execution * 1_000_000_000, &mut run, &mut task, &Limits::default());
            assert_eq!((run, task), (seconds(expected.0), seconds(expected.1)));
        }
    }
}
