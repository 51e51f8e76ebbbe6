//! DescribeWorkflowExecution and DescribeTaskQueue: what is seen of a workflow and of a queue.

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
    common::{ActivityType, Memo, SearchAttributes, WorkflowExecution, WorkflowType},
    enums::{PendingActivityState, PendingWorkflowTaskState, TaskQueueKind, TaskQueueType},
    taskqueue::{PollerInfo, TaskQueue, TaskQueueStatus},
    workflow::{
        PendingActivityInfo, PendingChildExecutionInfo, PendingWorkflowTaskInfo, WorkflowExecutionConfig,
        WorkflowExecutionExtendedInfo, WorkflowExecutionInfo,
    },
    workflowservice::{
        DescribeTaskQueueRequest, DescribeTaskQueueResponse, DescribeWorkflowExecutionRequest,
        DescribeWorkflowExecutionResponse,
    },
};

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
        let parent_namespace = run.facts.parent.as_ref().map(|parent| self.namespaces.get(parent.namespace).uuid.clone());
        Ok(DescribeWorkflowExecutionResponse {
            execution_config: Some(config(run)),
            workflow_execution_info: Some(info(run, parent_namespace.unwrap_or_default())),
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
    WorkflowExecutionConfig {
        task_queue: Some(TaskQueue {
            name: run.facts.task_queue.clone(),
            kind: TaskQueueKind::Normal.into(),
            normal_name: String::new(),
        }),
        workflow_execution_timeout: Some(span_to_proto(run.facts.execution_timeout)),
        workflow_run_timeout: Some(span_to_proto(run.facts.run_timeout)),
        default_workflow_task_timeout: Some(span_to_proto(run.facts.task_timeout)),
        user_metadata: run.history.get(1).and_then(|event| event.user_metadata),
    }
}

fn info(run: &Run, parent_namespace_id: String) -> WorkflowExecutionInfo {
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
        run_expiration_time: run.facts.run_expiration.map(Time::to_proto),
        cancel_requested: run.cancel_request_id.is_some(),
        original_start_time: Some(run.facts.start_time.to_proto()),
        ..WorkflowExecutionExtendedInfo::default()
    }
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
        scheduled_time: (activity.state != ActivityState::Started).then(|| activity.scheduled_time.to_proto()),
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
