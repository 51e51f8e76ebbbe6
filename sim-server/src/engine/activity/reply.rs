//! What a worker gets that takes an activity (`recordactivitytaskstarted`).

use crate::{
    engine::{
        Engine,
        kernel::{
            key::{ActivityKey, ActivityOwner, RunKey, WorkerId},
            time::Time,
            token::TaskToken,
        },
        rules::validate::priority,
    },
    proto::{
        common::{ActivityType, WorkflowType},
        history::history_event::Attributes,
        workflowservice::PollActivityTaskQueueResponse,
    },
};

/// An activity task for a worker.
#[derive(Debug, Default)]
pub struct ActivityTaskReply {
    /// The whole answer; empty if the poll met no task.
    pub response: PollActivityTaskQueueResponse,
}

impl Engine {
    /// A worker takes an activity: it starts, and this is what the worker gets.
    pub(in crate::engine) fn start_activity(
        &mut self,
        activity: ActivityKey,
        identity: &str,
        worker: Option<WorkerId>,
    ) -> ActivityTaskReply {
        let ActivityKey { owner: ActivityOwner::Run(key), scheduled_event_id } = activity;
        let request_id = self.ids.uuid();
        self.transact(key, |run, cx| run.start_activity(cx, scheduled_event_id, worker, identity, request_id));
        self.activity_task_reply(key, scheduled_event_id)
    }

    /// The started activity, as the worker gets it.
    fn activity_task_reply(&self, key: RunKey, scheduled_event_id: i64) -> ActivityTaskReply {
        let run = self.runs.get(key);
        let Some((_, attempt)) = run.pending_activity(scheduled_event_id) else { return ActivityTaskReply::default() };
        let activity = attempt.activity();
        let scheduled = match run.history().get(scheduled_event_id).and_then(|event| event.attributes) {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => scheduled,
            _ => return ActivityTaskReply::default(),
        };
        let token = TaskToken {
            run: key.0,
            run_id: run.run_id().to_owned(),
            workflow_id: run.workflow_id().to_owned(),
            scheduled_event_id,
            attempt: attempt.number(),
            activity_id: activity.activity_id.clone(),
            ..TaskToken::default()
        };
        let response = PollActivityTaskQueueResponse {
            task_token: token.into_bytes(),
            workflow_namespace: self.namespaces.get(run.namespace()).name.clone(),
            workflow_type: Some(WorkflowType { name: run.workflow_type().to_owned() }),
            workflow_execution: Some(run.execution()),
            activity_type: Some(ActivityType { name: activity.activity_type.clone() }),
            activity_id: activity.activity_id.clone(),
            header: scheduled.header,
            input: scheduled.input,
            heartbeat_details: attempt.heartbeat_details().cloned(),
            scheduled_time: Some(activity.scheduled_time.to_proto()),
            current_attempt_scheduled_time: Some(attempt.scheduled_time().to_proto()),
            started_time: attempt.started_time().map(Time::to_proto),
            attempt: attempt.number(),
            schedule_to_close_timeout: scheduled.schedule_to_close_timeout,
            start_to_close_timeout: scheduled.start_to_close_timeout,
            heartbeat_timeout: scheduled.heartbeat_timeout,
            retry_policy: activity.retry_policy.clone(),
            priority: priority::merged(run.priority(), activity.priority.clone()),
            ..PollActivityTaskQueueResponse::default()
        };
        ActivityTaskReply { response }
    }
}
