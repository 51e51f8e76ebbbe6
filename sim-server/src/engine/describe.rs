//! DescribeWorkflowExecution and DescribeTaskQueue: what is seen of a workflow and of a queue.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Engine,
    error::Result,
    matching::QueueKind,
    time::{Time, span_to_proto},
    validate,
    workflow::{
        Run,
        activity::{Activity, ActivityState},
    },
};
use crate::proto::{
    activity::ActivityOptions,
    common::{ActivityType, Memo, SearchAttributes, WorkflowExecution, WorkflowType},
    enums::{EventType, PendingActivityState, PendingWorkflowTaskState, TaskQueueKind, TaskQueueType},
    taskqueue::{PollerInfo, TaskQueue, TaskQueueStatus},
    workflow::{
        PendingActivityInfo, PendingChildExecutionInfo, PendingWorkflowTaskInfo, RequestIdInfo, ResetPointInfo, ResetPoints,
        WorkflowExecutionConfig, WorkflowExecutionExtendedInfo, WorkflowExecutionInfo,
    },
    workflowservice::{
        DescribeTaskQueueRequest, DescribeTaskQueueResponse, DescribeWorkflowExecutionRequest,
        DescribeWorkflowExecutionResponse,
    },
};

/// The zero of Go's `time.Time`, which the real server writes where there is no run timeout.
const GO_ZERO_TIME: prost_types::Timestamp = prost_types::Timestamp { seconds: -62_135_596_800, nanos: 0 };

impl Engine {
    /// DescribeWorkflowExecution.
    pub fn describe_workflow_execution(
        &mut self,
        request: DescribeWorkflowExecutionRequest,
    ) -> Result<DescribeWorkflowExecutionResponse> {
        let key = self.target(&request.namespace, request.execution.as_ref())?;
        validate::describe(&request)?;
        let run = self.runs.get(key?);
        let now = self.clock.now();
        let retention = self.namespaces.get(run.namespace).retention;
        let parent_namespace = run.facts.parent.as_ref().map(|parent| self.namespaces.get(parent.namespace).uuid.clone());
        Ok(DescribeWorkflowExecutionResponse {
            execution_config: Some(config(run)),
            workflow_execution_info: Some(info(run, parent_namespace.unwrap_or_default(), retention)),
            pending_activities: run.activities.values().map(|activity| pending_activity(activity, now)).collect(),
            pending_children: run
                .children
                .values()
                .map(|child| PendingChildExecutionInfo {
                    workflow_id: child.workflow_id.clone(),
                    run_id: child.run_id.clone(),
                    workflow_type_name: child.workflow_type.clone(),
                    initiated_id: child.initiated_event_id,
                    parent_close_policy: child.parent_close_policy.into(),
                })
                .collect(),
            pending_workflow_task: pending_workflow_task(run),
            workflow_extended_info: Some(extended_info(run)),
            ..DescribeWorkflowExecutionResponse::default()
        })
    }

    /// DescribeTaskQueue: who polled lately, and how much waits. Reports by version come with versioning.
    pub fn describe_task_queue(&mut self, request: DescribeTaskQueueRequest) -> Result<DescribeTaskQueueResponse> {
        let namespace = self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        let kind = match request.task_queue_type() {
            TaskQueueType::Activity => QueueKind::Activity,
            _ => QueueKind::Workflow,
        };
        let name = request.task_queue.as_ref().map(|queue| queue.name.clone()).unwrap_or_default();
        let queue = self.matching.queue(namespace, kind, &name);
        let pollers = self.matching.pollers_seen(queue).map(|(identity, at)| PollerInfo {
            last_access_time: Some(at.to_proto()),
            identity: identity.to_owned(),
            rate_per_second: 100_000.0,
            ..PollerInfo::default()
        });
        let pollers = pollers.collect();
        let status = TaskQueueStatus { backlog_count_hint: self.matching.backlog(queue) as i64, ..TaskQueueStatus::default() };
        #[allow(deprecated)]
        Ok(DescribeTaskQueueResponse {
            pollers,
            task_queue_status: request.include_task_queue_status.then_some(status),
            ..DescribeTaskQueueResponse::default()
        })
    }
}

fn config(run: &Run) -> WorkflowExecutionConfig {
    let started = run.started_attributes();
    WorkflowExecutionConfig {
        task_queue: Some(TaskQueue {
            name: run.facts.task_queue.clone(),
            kind: TaskQueueKind::Normal.into(),
            normal_name: String::new(),
        }),
        workflow_execution_timeout: started.workflow_execution_timeout,
        workflow_run_timeout: started.workflow_run_timeout,
        default_workflow_task_timeout: Some(span_to_proto(run.facts.task_timeout)),
        user_metadata: run.history.get(1).and_then(|event| event.user_metadata),
    }
}

fn info(run: &Run, parent_namespace_id: String, retention: Duration) -> WorkflowExecutionInfo {
    let facts = &run.facts;
    let this = WorkflowExecution { workflow_id: run.workflow_id.clone(), run_id: run.run_id.clone() };
    let root = facts.root.as_ref().map(|root| WorkflowExecution { workflow_id: root.0.clone(), run_id: root.1.clone() });
    let parent_execution = facts
        .parent
        .as_ref()
        .map(|parent| WorkflowExecution { workflow_id: parent.workflow_id.clone(), run_id: parent.run_id.clone() });
    #[allow(deprecated)]
    WorkflowExecutionInfo {
        root_execution: root.or_else(|| Some(this.clone())),
        execution: Some(this),
        r#type: Some(WorkflowType { name: facts.workflow_type.clone() }),
        start_time: Some(facts.start_time.to_proto()),
        close_time: run.close_time.map(Time::to_proto),
        status: run.status.into(),
        history_length: run.history.last_id(),
        parent_namespace_id,
        parent_execution,
        execution_time: Some(facts.execution_time.to_proto()),
        memo: Some(Memo { fields: run.memo.clone() }),
        search_attributes: Some(SearchAttributes { indexed_fields: run.search_attributes.clone() }),
        auto_reset_points: Some(reset_points(run, retention)),
        task_queue: facts.task_queue.clone(),
        state_transition_count: run.transition_count,
        history_size_bytes: run.history.size_bytes() as i64,
        execution_duration: run.close_time.map(|at| span_to_proto(at.since(facts.execution_time))),
        first_run_id: facts.first_run_id.clone(),
        priority: facts.priority.clone(),
        ..WorkflowExecutionInfo::default()
    }
}

fn extended_info(run: &Run) -> WorkflowExecutionExtendedInfo {
    WorkflowExecutionExtendedInfo {
        execution_expiration_time: run.facts.execution_expiration.map(Time::to_proto),
        run_expiration_time: Some(run.facts.run_expiration.map_or(GO_ZERO_TIME, Time::to_proto)),
        request_id_infos: request_ids(run),
        cancel_requested: run.cancel_request_id.is_some(),
        original_start_time: Some(run.facts.start_time.to_proto()),
        ..WorkflowExecutionExtendedInfo::default()
    }
}

fn request_ids(run: &Run) -> BTreeMap<String, RequestIdInfo> {
    let info =
        |event_type: EventType, event_id| RequestIdInfo { event_type: event_type.into(), event_id, buffered: event_id == 0 };
    let started = (run.facts.start_request_id.clone(), info(EventType::WorkflowExecutionStarted, 1));
    let attached = run.attached_request_ids.iter();
    let attached = attached.map(|(id, &event_id)| (id.clone(), info(EventType::WorkflowExecutionOptionsUpdated, event_id)));
    std::iter::once(started).chain(attached).collect()
}

fn reset_points(run: &Run, retention: Duration) -> ResetPoints {
    let expire_time = run.close_time.map(|at| (at + retention).to_proto());
    let point = |point: &ResetPointInfo| ResetPointInfo { expire_time: point.expire_time.or(expire_time), ..point.clone() };
    ResetPoints { points: run.reset_points.iter().map(point).collect() }
}

fn pending_activity(activity: &Activity, now: Time) -> PendingActivityInfo {
    let state = match activity.state {
        _ if activity.cancel_requested_event_id != 0 => PendingActivityState::CancelRequested,
        ActivityState::Started => PendingActivityState::Started,
        ActivityState::Scheduled | ActivityState::Backoff => PendingActivityState::Scheduled,
    };
    let next_attempt =
        (activity.state == ActivityState::Backoff && activity.scheduled_time > now).then_some(activity.scheduled_time);
    let interval = next_attempt.zip(activity.last_attempt_complete_time).map(|(next, last)| span_to_proto(next.since(last)));
    PendingActivityInfo {
        activity_id: activity.activity_id.clone(),
        activity_type: Some(ActivityType { name: activity.activity_type.clone() }),
        state: state.into(),
        heartbeat_details: activity.heartbeat_details.clone(),
        last_heartbeat_time: activity.last_heartbeat_time.map(Time::to_proto),
        last_started_time: activity.started_time.map(Time::to_proto),
        attempt: activity.attempt,
        maximum_attempts: activity.retry_policy.as_ref().map_or(0, |policy| policy.maximum_attempts),
        scheduled_time: Some(activity.scheduled_time.to_proto()),
        activity_options: Some(ActivityOptions {
            task_queue: Some(TaskQueue {
                name: activity.task_queue.clone(),
                kind: TaskQueueKind::Unspecified.into(),
                normal_name: activity.task_queue.clone(),
            }),
            schedule_to_close_timeout: Some(span_to_proto(activity.schedule_to_close)),
            schedule_to_start_timeout: Some(span_to_proto(activity.schedule_to_start)),
            start_to_close_timeout: Some(span_to_proto(activity.start_to_close)),
            heartbeat_timeout: Some(span_to_proto(activity.heartbeat_timeout)),
            retry_policy: activity.retry_policy.clone(),
            priority: activity.priority.clone(),
            ..ActivityOptions::default()
        }),
        expiration_time: activity.expiration().map(Time::to_proto),
        last_failure: activity.last_failure.clone(),
        last_worker_identity: activity.identity.clone(),
        current_retry_interval: interval,
        last_attempt_complete_time: activity.last_attempt_complete_time.map(Time::to_proto),
        next_attempt_schedule_time: next_attempt.map(Time::to_proto),
        priority: activity.priority.clone(),
        ..PendingActivityInfo::default()
    }
}

fn pending_workflow_task(run: &Run) -> Option<PendingWorkflowTaskInfo> {
    let task = run.tasks.pending.as_ref()?;
    let started = task.started_event_id != 0;
    let state = if started { PendingWorkflowTaskState::Started } else { PendingWorkflowTaskState::Scheduled };
    Some(PendingWorkflowTaskInfo {
        state: state.into(),
        scheduled_time: Some(task.scheduled_time.to_proto()),
        original_scheduled_time: Some(task.original_scheduled_time.to_proto()),
        started_time: started.then(|| task.started_time.to_proto()),
        attempt: run.tasks.attempt,
    })
}
