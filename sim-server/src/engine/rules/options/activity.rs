//! Changing the options of an activity (`common/activityoptions/activity_options.go`, `api/updateactivityoptions/api.go`).

use prost_types::FieldMask;

use super::field_mask::Fields;
use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::{
            limits::Limits,
            retry,
            validate::{self, command, duration},
        },
    },
    proto::{
        activity::ActivityOptions,
        command::ScheduleActivityTaskCommandAttributes,
        common::{ActivityType, Priority, RetryPolicy},
    },
};

/// Every option that can be changed, as [`Fields`] spell it.
const FIELDS: [&str; 15] = [
    "taskQueue.name",
    "scheduleToCloseTimeout",
    "scheduleToStartTimeout",
    "startToCloseTimeout",
    "heartbeatTimeout",
    "startDelay",
    "priority",
    "priority.priorityKey",
    "priority.fairnessKey",
    "priority.fairnessWeight",
    "retryPolicy",
    "retryPolicy.initialInterval",
    "retryPolicy.backoffCoefficient",
    "retryPolicy.maximumInterval",
    "retryPolicy.maximumAttempts",
];

/// Whether a path of a mask names an option that can be changed.
pub(crate) fn is_known(path: &str) -> bool {
    let fields = Fields::new(&FieldMask { paths: vec![path.to_owned()] });
    FIELDS.into_iter().any(|field| fields.has(field))
}

/// Checks those of the options that are named, before it is known what activity they are for. A whole retry policy is completed
/// (`validateAndNormalizeUpdateActivityExecutionOptionsRequest`).
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn check_alone(options: &mut ActivityOptions, fields: &Fields, limits: &Limits) -> Result<()> {
    if fields.has("taskQueue.name") {
        validate::user_task_queue(options.task_queue.as_mut(), "", "", limits)?;
    }
    for (field, name, span) in [
        ("scheduleToCloseTimeout", "ScheduleToCloseTimeout", &mut options.schedule_to_close_timeout),
        ("scheduleToStartTimeout", "ScheduleToStartTimeout", &mut options.schedule_to_start_timeout),
        ("startToCloseTimeout", "StartToCloseTimeout", &mut options.start_to_close_timeout),
        ("heartbeatTimeout", "HeartbeatTimeout", &mut options.heartbeat_timeout),
    ] {
        if fields.has(field) {
            duration::check_and_cap(span.as_mut()).map_err(|reason| Error::invalid(format!("invalid {name}: {reason}")))?;
        }
    }
    if fields.has("priority") || fields.has_below("priority") {
        validate::priority(options.priority.as_ref())?;
    }
    if fields.has("retryPolicy") {
        let policy = options.retry_policy.get_or_insert_default();
        retry::normalise(policy);
        retry::validate(policy)?;
    }
    Ok(())
}

/// Which activity the options are of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<'a> {
    pub(crate) activity_id: &'a str,
    pub(crate) activity_type: &'a str,
    /// The task queue of its workflow.
    pub(crate) workflow_queue: &'a str,
}

/// The options with those of `from` that the mask names.
///
/// # Errors
/// The mask names what `from` does not have, or the activity cannot have what comes of it.
pub(crate) fn merged(
    mut into: ActivityOptions,
    from: &ActivityOptions,
    fields: &Fields,
    of: Of<'_>,
    limits: &Limits,
) -> Result<ActivityOptions> {
    if fields.has("taskQueue.name") {
        let queue = given(from.task_queue.as_ref(), "TaskQueue")?;
        into.task_queue.get_or_insert_default().name.clone_from(&queue.name);
    }
    for (name, into, from) in [
        ("scheduleToCloseTimeout", &mut into.schedule_to_close_timeout, from.schedule_to_close_timeout),
        ("scheduleToStartTimeout", &mut into.schedule_to_start_timeout, from.schedule_to_start_timeout),
        ("startToCloseTimeout", &mut into.start_to_close_timeout, from.start_to_close_timeout),
        ("heartbeatTimeout", &mut into.heartbeat_timeout, from.heartbeat_timeout),
        ("startDelay", &mut into.start_delay, from.start_delay),
    ] {
        if fields.has(name) {
            *into = from;
        }
    }
    merge_priority(&mut into.priority, from.priority.as_ref(), fields)?;
    merge_retry_policy(&mut into.retry_policy, from.retry_policy.as_ref(), fields)?;
    if let Some(policy) = into.retry_policy.as_ref().filter(|_| fields.has_below("retryPolicy")) {
        retry::validate(policy)?;
    }
    completed(into, of, limits)
}

fn merge_priority(into: &mut Option<Priority>, from: Option<&Priority>, fields: &Fields) -> Result<()> {
    if fields.has("priority") {
        *into = from.cloned();
    }
    if fields.has("priority.priorityKey") {
        into.get_or_insert_default().priority_key = given(from, "Priority")?.priority_key;
    }
    if fields.has("priority.fairnessKey") {
        into.get_or_insert_default().fairness_key.clone_from(&given(from, "Priority")?.fairness_key);
    }
    if fields.has("priority.fairnessWeight") {
        into.get_or_insert_default().fairness_weight = given(from, "Priority")?.fairness_weight;
    }
    Ok(())
}

fn merge_retry_policy(into: &mut Option<RetryPolicy>, from: Option<&RetryPolicy>, fields: &Fields) -> Result<()> {
    if fields.has("retryPolicy") {
        *into = Some(given(from, "RetryPolicy")?.clone());
    }
    if fields.has("retryPolicy.initialInterval") {
        into.get_or_insert_default().initial_interval = given(from, "RetryPolicy")?.initial_interval;
    }
    if fields.has("retryPolicy.backoffCoefficient") {
        into.get_or_insert_default().backoff_coefficient = given(from, "RetryPolicy")?.backoff_coefficient;
    }
    if fields.has("retryPolicy.maximumInterval") {
        into.get_or_insert_default().maximum_interval = given(from, "RetryPolicy")?.maximum_interval;
    }
    if fields.has("retryPolicy.maximumAttempts") {
        into.get_or_insert_default().maximum_attempts = given(from, "RetryPolicy")?.maximum_attempts;
    }
    Ok(())
}

fn given<'a, T>(from: Option<&'a T>, what: &str) -> Result<&'a T> {
    from.ok_or_else(|| Error::invalid(format!("{what} is not provided")))
}

/// The options as the workflow would have scheduled the activity with them: the timeouts follow from one another.
fn completed(options: ActivityOptions, of: Of<'_>, limits: &Limits) -> Result<ActivityOptions> {
    let mut attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: of.activity_id.to_owned(),
        activity_type: Some(ActivityType { name: of.activity_type.to_owned() }),
        task_queue: options.task_queue,
        schedule_to_close_timeout: options.schedule_to_close_timeout,
        schedule_to_start_timeout: options.schedule_to_start_timeout,
        start_to_close_timeout: options.start_to_close_timeout,
        heartbeat_timeout: options.heartbeat_timeout,
        ..ScheduleActivityTaskCommandAttributes::default()
    };
    command::rescheduled_activity(&mut attributes, of.workflow_queue, limits)?;
    Ok(ActivityOptions {
        task_queue: attributes.task_queue,
        schedule_to_close_timeout: attributes.schedule_to_close_timeout,
        schedule_to_start_timeout: attributes.schedule_to_start_timeout,
        start_to_close_timeout: attributes.start_to_close_timeout,
        heartbeat_timeout: attributes.heartbeat_timeout,
        ..options
    })
}
