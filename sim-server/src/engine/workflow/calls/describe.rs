//! DescribeWorkflowExecution: what is seen of a workflow.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    engine::{
        Engine,
        activity::{
            attempt::{Attempt, AttemptState},
            pause::Pause,
        },
        execution::machine::Machine,
        kernel::{
            error::Result,
            time::{Time, span_to_proto},
        },
        rules::{
            payloads::{self, ExternalPayloads},
            validate,
        },
        workflow::{
            recorded::{Parent, ScheduledActivity},
            run::Run,
            workflow_task::WorkflowTask,
        },
    },
    proto::{
        activity::ActivityOptions,
        common::{ActivityType, Memo, SearchAttributes, WorkflowExecution, WorkflowType},
        enums::{EventType, PendingActivityState, PendingWorkflowTaskState, TaskQueueKind, VersioningBehavior},
        taskqueue::TaskQueue,
        workflow::{
            PendingActivityInfo, PendingChildExecutionInfo, PendingWorkflowTaskInfo, RequestIdInfo, ResetPoints,
            VersioningOverride, WorkflowExecutionConfig, WorkflowExecutionExtendedInfo, WorkflowExecutionInfo,
            WorkflowExecutionPauseInfo, WorkflowExecutionVersioningInfo,
            pending_activity_info::{
                PauseInfo,
                pause_info::{Manual, PausedBy},
            },
        },
        workflowservice::{DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse},
    },
};

/// The zero of Go's `time.Time`, which the real server writes where there is no run timeout.
const GO_ZERO_TIME: prost_types::Timestamp = prost_types::Timestamp { seconds: -62_135_596_800, nanos: 0 };

impl Engine {
    /// DescribeWorkflowExecution.
    pub(in crate::engine) fn describe_workflow_execution(
        &mut self,
        request: DescribeWorkflowExecutionRequest,
    ) -> Result<DescribeWorkflowExecutionResponse> {
        let target = self.target(&request.namespace, request.execution.as_ref())?;
        validate::describe(&request)?;
        let run = self.runs.get(self.find(&target)?);
        let now = self.now(run.namespace());
        let external =
            if self.switches.external_payloads { run.recorded.external_payloads } else { ExternalPayloads::default() };
        let pending = run.pending_activities().map(|(_, scheduled, attempt)| pending_activity(scheduled, attempt, now));
        Ok(DescribeWorkflowExecutionResponse {
            execution_config: Some(config(run)),
            workflow_execution_info: Some(WorkflowExecutionInfo {
                auto_reset_points: Some(reset_points(run, self.namespaces.get(run.namespace()).retention)),
                external_payload_size_bytes: external.size_bytes,
                external_payload_count: external.count,
                ..info(run)
            }),
            pending_activities: pending.collect(),
            pending_children: pending_children(run),
            pending_workflow_task: pending_workflow_task(run),
            workflow_extended_info: Some(extended_info(run)),
            ..DescribeWorkflowExecutionResponse::default()
        })
    }
}

fn config(run: &Run) -> WorkflowExecutionConfig {
    let started = run.started_attributes();
    WorkflowExecutionConfig {
        task_queue: Some(TaskQueue {
            name: run.task_queue().to_owned(),
            kind: TaskQueueKind::Normal.into(),
            normal_name: String::new(),
        }),
        workflow_execution_timeout: started.workflow_execution_timeout,
        workflow_run_timeout: started.workflow_run_timeout,
        default_workflow_task_timeout: Some(span_to_proto(run.recorded.facts.task_timeout)),
        user_metadata: run.history().get(1).and_then(|event| event.user_metadata),
    }
}

fn info(run: &Run) -> WorkflowExecutionInfo {
    let (row, facts) = (run.row(), &run.recorded.facts);
    let memo = row.memo.iter().map(|(name, payload)| (name.clone(), payloads::without_external(payload)));
    let root = facts.root.as_ref().map(|root| WorkflowExecution { workflow_id: root.0.clone(), run_id: root.1.clone() });
    let parent = facts.parent.as_deref();
    let parent_execution =
        |parent: &Parent| WorkflowExecution { workflow_id: parent.workflow_id.clone(), run_id: parent.run_id.clone() };
    WorkflowExecutionInfo {
        root_execution: Some(root.unwrap_or_else(|| run.execution())),
        execution: Some(run.execution()),
        r#type: Some(WorkflowType { name: row.type_name.to_owned() }),
        start_time: Some(row.start_time.to_proto()),
        close_time: row.close_time.map(Time::to_proto),
        status: row.status.into(),
        history_length: run.history().last_id(),
        parent_namespace_id: parent.map(|parent| parent.namespace_id.clone()).unwrap_or_default(),
        parent_execution: parent.map(parent_execution),
        execution_time: Some(row.execution_time.to_proto()),
        memo: Some(Memo { fields: memo.collect() }),
        search_attributes: Some(SearchAttributes { indexed_fields: run.recorded.described_search_attributes() }),
        task_queue: row.task_queue.to_owned(),
        state_transition_count: run.transition_count(),
        history_size_bytes: run.history().size_bytes() as i64,
        execution_duration: row.close_time.map(|at| span_to_proto(at.since(row.execution_time))),
        first_run_id: facts.first_run_id.clone(),
        most_recent_worker_version_stamp: run.recorded.worker_version.clone(),
        worker_deployment_name: run.recorded.worker_deployment_name.clone(),
        priority: run.priority().cloned(),
        versioning_info: versioning_info(run),
        ..WorkflowExecutionInfo::default()
    }
}

/// Where it could be reset to. The points of a run that another follows expire with it (`rolloverAutoResetPointsWithExpiringTime`).
fn reset_points(run: &Run, retention: Duration) -> ResetPoints {
    let mut points = run.recorded.reset_points.clone();
    if let Some(closed) = run.close_time().filter(|_| run.is_followed()) {
        for point in &mut points {
            point.expire_time.get_or_insert((closed + retention).to_proto());
        }
    }
    ResetPoints { points }
}

fn extended_info(run: &Run) -> WorkflowExecutionExtendedInfo {
    let facts = &run.recorded.facts;
    WorkflowExecutionExtendedInfo {
        execution_expiration_time: facts.execution_expiration.map(Time::to_proto),
        run_expiration_time: Some(facts.run_expiration.map_or(GO_ZERO_TIME, Time::to_proto)),
        request_id_infos: request_ids(run),
        cancel_requested: run.is_cancel_requested(),
        original_start_time: Some(facts.original_start_time.to_proto()),
        last_reset_time: run.recorded.is_reset.then(|| facts.start_time.to_proto()),
        reset_run_id: run.reset_run_id().to_owned(),
        pause_info: run.pause().map(|pause| WorkflowExecutionPauseInfo {
            identity: pause.identity,
            paused_time: Some(pause.at.to_proto()),
            reason: pause.reason,
        }),
        ..WorkflowExecutionExtendedInfo::default()
    }
}

fn request_ids(run: &Run) -> BTreeMap<String, RequestIdInfo> {
    let info = |event_type: EventType, event_id: Option<i64>| RequestIdInfo {
        event_type: event_type.into(),
        event_id: event_id.unwrap_or(0),
        buffered: event_id.is_none(),
    };
    let started =
        (run.start_request_id().to_owned(), info(EventType::WorkflowExecutionStarted, Some(run.start_request_event_id())));
    let attached = run.attached_requests();
    let attached = attached.map(|(id, event_id)| (id.to_owned(), info(EventType::WorkflowExecutionOptionsUpdated, event_id)));
    let updates = run.accepted_requests();
    let updates = updates.map(|(id, event_id)| (id, info(EventType::WorkflowExecutionUpdateAccepted, Some(event_id))));
    let admitted = run.admitted_requests();
    // The real server never finds the event of one that a reset has admitted: it counts as buffered for good.
    let admitted = admitted.map(|id| (id, info(EventType::WorkflowExecutionUpdateAdmitted, None)));
    std::iter::once(started).chain(attached).chain(updates).chain(admitted).collect()
}

fn pending_children(run: &Run) -> Vec<PendingChildExecutionInfo> {
    let pending = run.pending_children().map(|(initiated_id, child, run_id)| PendingChildExecutionInfo {
        workflow_id: child.workflow_id.clone(),
        run_id: run_id.unwrap_or_default().to_owned(),
        workflow_type_name: child.workflow_type.as_ref().map(|of| of.name.clone()).unwrap_or_default(),
        initiated_id,
        parent_close_policy: child.parent_close_policy.into(),
    });
    pending.collect()
}

fn pending_activity(scheduled: &ScheduledActivity, attempt: &Attempt, now: Time) -> PendingActivityInfo {
    let activity = attempt.activity();
    let is_paused = attempt.pause().is_some();
    let state = match attempt.state() {
        _ if scheduled.cancel_requested_event_id.is_some() => PendingActivityState::CancelRequested,
        AttemptState::Started if is_paused => PendingActivityState::PauseRequested,
        AttemptState::Started => PendingActivityState::Started,
        AttemptState::Scheduled | AttemptState::Backoff if is_paused => PendingActivityState::Paused,
        AttemptState::Scheduled | AttemptState::Backoff => PendingActivityState::Scheduled,
    };
    let waits_out = attempt.state() == AttemptState::Backoff && !is_paused && attempt.scheduled_time() > now;
    let next_attempt = waits_out.then_some(attempt.scheduled_time());
    // After a timeout, the real server counts from 1970.
    let interval = next_attempt.map(|next| span_to_proto(next.since(attempt.last_complete_time().unwrap_or_default())));
    PendingActivityInfo {
        activity_id: activity.activity_id.clone(),
        activity_type: Some(ActivityType { name: activity.activity_type.clone() }),
        state: state.into(),
        heartbeat_details: attempt.heartbeat_details().cloned(),
        last_heartbeat_time: attempt.last_heartbeat_time().map(Time::to_proto),
        last_started_time: attempt.started_time().map(Time::to_proto),
        attempt: attempt.number(),
        maximum_attempts: activity.retry_policy.as_ref().map_or(0, |policy| policy.maximum_attempts),
        scheduled_time: Some(attempt.scheduled_time().to_proto()),
        activity_options: Some(ActivityOptions {
            task_queue: Some(TaskQueue {
                name: activity.task_queue.clone(),
                kind: TaskQueueKind::Unspecified.into(),
                normal_name: activity.task_queue.clone(),
            }),
            ..activity.options()
        }),
        paused: is_paused,
        pause_info: attempt.pause().map(pause_of_activity),
        expiration_time: activity.retry_expiration.map(Time::to_proto),
        last_failure: attempt.last_failure().cloned(),
        last_worker_identity: attempt.identity().to_owned(),
        current_retry_interval: interval,
        last_attempt_complete_time: attempt.last_complete_time().map(Time::to_proto),
        next_attempt_schedule_time: next_attempt.map(Time::to_proto),
        priority: activity.priority.clone(),
        ..PendingActivityInfo::default()
    }
}

fn pause_of_activity(pause: &Pause) -> PauseInfo {
    let manual = Manual { identity: pause.identity.clone(), reason: pause.reason.clone() };
    PauseInfo { pause_time: Some(pause.at.to_proto()), paused_by: Some(PausedBy::Manual(manual)) }
}

/// Of a run that somebody has imposed a version on, though it may be lifted again. The deprecated fields say the same.
fn versioning_info(run: &Run) -> Option<WorkflowExecutionVersioningInfo> {
    let by = run.versioning_override();
    let by = by.map(|by| VersioningOverride { behavior: VersioningBehavior::AutoUpgrade.into(), ..by.clone() });
    (run.recorded.has_versioning || by.is_some())
        .then(|| WorkflowExecutionVersioningInfo { versioning_override: by, ..WorkflowExecutionVersioningInfo::default() })
}

fn pending_workflow_task(run: &Run) -> Option<PendingWorkflowTaskInfo> {
    let (state, started_time) = match run.workflow_task() {
        WorkflowTask::None => return None,
        WorkflowTask::Scheduled(_) => (PendingWorkflowTaskState::Scheduled, None),
        WorkflowTask::Started(_, started) => (PendingWorkflowTaskState::Started, Some(started.started_time)),
    };
    Some(PendingWorkflowTaskInfo {
        state: state.into(),
        scheduled_time: Some(run.workflow_task_scheduled_time().to_proto()),
        original_scheduled_time: Some(run.workflow_task_original_scheduled_time().to_proto()),
        started_time: started_time.map(Time::to_proto),
        attempt: run.workflow_task_attempt(),
    })
}
