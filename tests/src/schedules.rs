//! The verbs of schedules.

use std::time::Duration;

use foretime_server::proto::{
    common::WorkflowExecution,
    enums::ScheduleOverlapPolicy,
    schedule::{
        BackfillRequest, Schedule, ScheduleAction, ScheduleInfo, SchedulePatch, ScheduleSpec, TriggerImmediatelyRequest,
        schedule_action::Action,
    },
    workflow::NewWorkflowExecutionInfo,
    workflowservice::*,
};

use crate::script::{NAMESPACE, Script, payloads, task_queue, workflow_type};

/// How often it is looked whether a schedule has come as far as a script expects.
const LOOK: Duration = Duration::from_millis(50);
/// The most that a script waits for that.
const PATIENCE: Duration = Duration::from_secs(20);

impl Script {
    /// A schedule without times that starts the workflow `id`, to be filled in.
    pub fn new_schedule(&self, id: &str) -> Schedule {
        let workflow = NewWorkflowExecutionInfo {
            workflow_id: self.id(id),
            workflow_type: Some(workflow_type("W")),
            task_queue: Some(task_queue(self.queue())),
            input: payloads("the input"),
            ..Default::default()
        };
        Schedule { action: action(workflow), ..Default::default() }
    }

    /// A request that creates the schedule `id`, to be filled in.
    pub fn new_create_schedule(&self, id: &str) -> CreateScheduleRequest {
        CreateScheduleRequest {
            namespace: NAMESPACE.to_owned(),
            schedule_id: self.id(id),
            schedule: Some(self.new_schedule("wf")),
            identity: "client".to_owned(),
            request_id: self.request_id(),
            ..Default::default()
        }
    }

    /// Creates a schedule.
    pub async fn create_schedule(&self, id: &str, schedule: Schedule) {
        let _ = self.call(CreateScheduleRequest { schedule: Some(schedule), ..self.new_create_schedule(id) }).await;
    }

    /// A request that updates the schedule `id`, to be filled in.
    pub fn new_update_schedule(&self, id: &str, schedule: Schedule) -> UpdateScheduleRequest {
        UpdateScheduleRequest {
            namespace: NAMESPACE.to_owned(),
            schedule_id: self.id(id),
            schedule: Some(schedule),
            identity: "client".to_owned(),
            request_id: self.request_id(),
            ..Default::default()
        }
    }

    /// A patch of the schedule `id`, to be filled in.
    pub fn new_patch(&self, id: &str, patch: SchedulePatch) -> PatchScheduleRequest {
        PatchScheduleRequest {
            namespace: NAMESPACE.to_owned(),
            schedule_id: self.id(id),
            patch: Some(patch),
            identity: "client".to_owned(),
            request_id: self.request_id(),
        }
    }

    /// Patches a schedule.
    pub async fn patch(&self, id: &str, patch: SchedulePatch) {
        let _ = self.call(self.new_patch(id, patch)).await;
    }

    /// Has the schedule act now, as if it were `at`.
    pub async fn trigger(&self, id: &str, at: &str, policy: ScheduleOverlapPolicy) {
        let trigger = TriggerImmediatelyRequest { overlap_policy: policy.into(), scheduled_time: Some(instant(at)) };
        self.patch(id, SchedulePatch { trigger_immediately: Some(trigger), ..Default::default() }).await;
    }

    /// Has the schedule do what it did not do between two instants.
    pub async fn backfill(&self, id: &str, from: &str, to: &str, policy: ScheduleOverlapPolicy) {
        let backfill =
            BackfillRequest { start_time: Some(instant(from)), end_time: Some(instant(to)), overlap_policy: policy.into() };
        self.patch(id, SchedulePatch { backfill_request: vec![backfill], ..Default::default() }).await;
    }

    /// A describe of the schedule `id`, to be filled in.
    pub fn new_describe_schedule(&self, id: &str) -> DescribeScheduleRequest {
        DescribeScheduleRequest { namespace: NAMESPACE.to_owned(), schedule_id: self.id(id) }
    }

    /// Describes a schedule.
    pub async fn describe_schedule(&self, id: &str) {
        let _ = self.call(self.new_describe_schedule(id)).await;
    }

    /// Waits until a schedule is as expected, and writes down its description.
    pub async fn describe_schedule_once(&self, id: &str, expected: impl Fn(&DescribeScheduleResponse) -> bool) {
        let reply = self.await_schedule(id, expected).await;
        self.show::<DescribeScheduleRequest>(&Ok(reply));
    }

    /// Waits until a schedule is as expected.
    pub async fn await_schedule(
        &self,
        id: &str,
        expected: impl Fn(&DescribeScheduleResponse) -> bool,
    ) -> DescribeScheduleResponse {
        let look = async {
            loop {
                let reply = self.client.call(self.new_describe_schedule(id)).await.expect("the schedule is described");
                if expected(&reply) {
                    return reply;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("the schedule comes as far as expected")
    }

    /// Waits until a schedule has acted so often.
    pub async fn await_actions(&self, id: &str, count: i64) -> ScheduleInfo {
        let reply = self.await_schedule(id, |reply| info(reply).action_count >= count).await;
        info(&reply)
    }

    /// Deletes a schedule.
    pub async fn delete_schedule(&self, id: &str) {
        let _ = self.call(self.new_delete_schedule(id)).await;
    }

    /// A delete of the schedule `id`, to be filled in.
    pub fn new_delete_schedule(&self, id: &str) -> DeleteScheduleRequest {
        let identity = "client".to_owned();
        DeleteScheduleRequest { namespace: NAMESPACE.to_owned(), schedule_id: self.id(id), identity }
    }

    /// A look at the times of the schedule `id` between two instants, to be filled in.
    pub fn new_matching_times(&self, id: &str, from: &str, to: &str) -> ListScheduleMatchingTimesRequest {
        ListScheduleMatchingTimesRequest {
            namespace: NAMESPACE.to_owned(),
            schedule_id: self.id(id),
            start_time: Some(instant(from)),
            end_time: Some(instant(to)),
        }
    }

    /// Writes down when a spec acts between two instants.
    pub async fn matching_times(&self, id: &str, spec: ScheduleSpec, from: &str, to: &str) {
        let schedule = Schedule { spec: Some(spec), ..self.new_schedule("wf") };
        let create = CreateScheduleRequest { schedule: Some(schedule), ..self.new_create_schedule(id) };
        self.client.call(create).await.expect("the schedule is created");
        let reply = self.client.call(self.new_matching_times(id, from, to)).await.expect("the times are listed");
        self.note(format_args!("{from} to {to}:"));
        for time in &reply.start_time {
            self.note(format_args!("  {time}"));
        }
        self.client.call(self.new_delete_schedule(id)).await.expect("the schedule is deleted");
    }
}

/// The action that starts this workflow.
pub fn action(workflow: NewWorkflowExecutionInfo) -> Option<ScheduleAction> {
    Some(ScheduleAction { action: Some(Action::StartWorkflow(workflow)) })
}

/// The info in a description.
pub fn info(reply: &DescribeScheduleResponse) -> ScheduleInfo {
    reply.info.clone().unwrap_or_default()
}

/// The workflows that a schedule has started, the last ones.
pub fn started(info: &ScheduleInfo) -> Vec<WorkflowExecution> {
    info.recent_actions.iter().filter_map(|action| action.start_workflow_result.clone()).collect()
}

/// An instant as RFC 3339 has it.
pub fn instant(text: &str) -> prost_types::Timestamp {
    text.parse().expect("an instant")
}
