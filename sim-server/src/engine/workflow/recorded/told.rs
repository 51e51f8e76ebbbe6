//! What a history tells of its run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    engine::{
        activity::options::Activity, kernel::time::Time, rules::payloads::ExternalPayloads,
        workflow::workflow_task::WorkflowTask,
    },
    proto::{
        common::{Payload, Priority, RetryPolicy, WorkerVersionStamp, WorkflowType},
        enums::{ParentClosePolicy, WorkflowExecutionStatus},
        workflow::{ResetPointInfo, VersioningOverride},
    },
};

/// What a history tells. An activity, a timer or a child stays here until the event that ends it is written, even if that event
/// is buffered first.
#[derive(Debug, PartialEq)]
pub(in crate::engine) struct Told {
    /// The run's own id, which is no event's.
    pub(in crate::engine) run_id: String,
    pub(in crate::engine) facts: Facts,
    pub(in crate::engine) status: WorkflowExecutionStatus,
    pub(in crate::engine) close_time: Option<Time>,
    /// The pause that it is in, or was in when it closed.
    pub(in crate::engine) pause: Option<Box<RunPause>>,
    pub(in crate::engine) priority: Option<Priority>,
    /// The version of the worker that it is bound to, against what its worker says.
    pub(in crate::engine) versioning_override: Option<Box<VersioningOverride>>,
    /// It has, or had, an override of its version.
    pub(in crate::engine) has_versioning: bool,
    /// The run that follows this one (continue-as-new, retry, cron); empty if none does.
    pub(in crate::engine) new_run_id: String,
    /// The open workflow task, if its events are written.
    pub(in crate::engine) task: WorkflowTask,
    /// Started event of the last completed task; 0 before the first.
    pub(in crate::engine) last_started_event_id: i64,
    /// By the id of the scheduled event.
    pub(in crate::engine) activities: BTreeMap<i64, Box<ScheduledActivity>>,
    /// Timer ids, by the id of the started event.
    pub(in crate::engine) timers: BTreeMap<i64, String>,
    /// By the id of the initiated event.
    pub(in crate::engine) children: BTreeMap<i64, Box<Child>>,
    /// Signals and cancel requests to other workflows that are under way: ids of the initiated events.
    pub(in crate::engine) external: BTreeSet<i64>,
    pub(in crate::engine) signal_count: usize,
    pub(in crate::engine) is_cancel_requested: bool,
    /// The run is the outcome of a reset.
    pub(in crate::engine) is_reset: bool,
    /// The updates that were admitted again by a reset and are not accepted, by their ids: the events that admitted them.
    pub(in crate::engine) admitted: BTreeMap<String, i64>,
    /// The updates that were accepted, by their ids.
    pub(in crate::engine) updates: BTreeMap<String, AcceptedUpdate>,
    /// Requests that were attached to this run by a start with USE_EXISTING, and the event that tells of each.
    pub(in crate::engine) attached_request_ids: BTreeMap<String, i64>,
    /// Where the chain of runs could be reset to.
    pub(in crate::engine) reset_points: Vec<ResetPointInfo>,
    /// The build of the worker that completed the last task, if it said one.
    pub(in crate::engine) worker_version: Option<WorkerVersionStamp>,
    /// The deployment of that worker; empty if it said none.
    pub(in crate::engine) worker_deployment_name: String,
    pub(in crate::engine) memo: BTreeMap<String, Payload>,
    pub(in crate::engine) search_attributes: BTreeMap<String, Payload>,
    pub(in crate::engine) external_payloads: ExternalPayloads,
    /// Counts the changes of what the run is found by.
    pub(in crate::engine) row_revision: u32,
}

/// How a run was started. Nothing but a reset changes that.
#[derive(Debug, Default, PartialEq)]
pub(in crate::engine) struct Facts {
    pub(in crate::engine) workflow_id: String,
    pub(in crate::engine) workflow_type: String,
    pub(in crate::engine) task_queue: String,
    /// Zero: none.
    pub(in crate::engine) execution_timeout: Duration,
    /// Zero: none.
    pub(in crate::engine) run_timeout: Duration,
    pub(in crate::engine) task_timeout: Duration,
    pub(in crate::engine) execution_expiration: Option<Time>,
    pub(in crate::engine) run_expiration: Option<Time>,
    pub(in crate::engine) first_run_id: String,
    /// When it began: for one that is the outcome of a reset, the reset.
    pub(in crate::engine) start_time: Time,
    /// When its first event was written.
    pub(in crate::engine) original_start_time: Time,
    /// Start, plus the backoff of the first workflow task.
    pub(in crate::engine) execution_time: Time,
    pub(in crate::engine) attempt: i32,
    pub(in crate::engine) cron_schedule: String,
    pub(in crate::engine) retry_policy: Option<Box<RetryPolicy>>,
    pub(in crate::engine) parent: Option<Box<Parent>>,
    /// Workflow id and run id of the root, if that is not this run.
    pub(in crate::engine) root: Option<Box<(String, String)>>,
}

/// Who has paused a run, and why.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) struct RunPause {
    pub(in crate::engine) at: Time,
    pub(in crate::engine) identity: String,
    pub(in crate::engine) reason: String,
    pub(in crate::engine) request_id: String,
}

/// Who started a child.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) struct Parent {
    /// The name of its namespace.
    pub(in crate::engine) namespace: String,
    pub(in crate::engine) namespace_id: String,
    pub(in crate::engine) workflow_id: String,
    pub(in crate::engine) run_id: String,
    pub(in crate::engine) initiated_event_id: i64,
}

/// An activity that the workflow has scheduled.
#[derive(Debug, PartialEq)]
pub(in crate::engine) struct ScheduledActivity {
    /// What was asked for at first. What is asked for now, its attempt knows.
    pub(in crate::engine) activity: Arc<Activity>,
    /// The event that asked for its cancellation, if one did.
    pub(in crate::engine) cancel_requested_event_id: Option<i64>,
}

/// An update that was accepted.
#[derive(Debug, PartialEq)]
pub(in crate::engine) struct AcceptedUpdate {
    /// The event with the request, if a reset had admitted it again: the accepted event has none then.
    pub(in crate::engine) admitted_event_id: Option<i64>,
    pub(in crate::engine) accepted_event_id: i64,
    /// Its event has the outcome.
    pub(in crate::engine) completed_event_id: Option<i64>,
}

/// A child that is being started, or runs.
#[derive(Debug, PartialEq)]
pub(in crate::engine) struct Child {
    /// The name of its namespace.
    pub(in crate::engine) namespace: String,
    pub(in crate::engine) namespace_id: String,
    pub(in crate::engine) workflow_id: String,
    pub(in crate::engine) workflow_type: Option<WorkflowType>,
    pub(in crate::engine) parent_close_policy: ParentClosePolicy,
    /// 0 until the started event is written.
    pub(in crate::engine) started_event_id: i64,
}

impl Told {
    /// What an empty history tells.
    pub(super) fn new(run_id: String) -> Self {
        Self {
            run_id,
            facts: Facts::default(),
            status: WorkflowExecutionStatus::Running,
            close_time: None,
            pause: None,
            priority: None,
            versioning_override: None,
            has_versioning: false,
            new_run_id: String::new(),
            task: WorkflowTask::None,
            last_started_event_id: 0,
            activities: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeMap::new(),
            external: BTreeSet::new(),
            signal_count: 0,
            is_cancel_requested: false,
            is_reset: false,
            admitted: BTreeMap::new(),
            updates: BTreeMap::new(),
            attached_request_ids: BTreeMap::new(),
            reset_points: Vec::new(),
            worker_version: None,
            worker_deployment_name: String::new(),
            memo: BTreeMap::new(),
            search_attributes: BTreeMap::new(),
            external_payloads: ExternalPayloads::default(),
            row_revision: 0,
        }
    }
}
