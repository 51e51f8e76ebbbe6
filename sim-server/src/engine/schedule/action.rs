//! The workflows that a schedule starts (`startWorkflow` in `workflow.go`).

use jiff::Timestamp;

use super::schedule::Schedule;
use crate::{
    engine::{
        kernel::time::Time,
        rules::{
            schedule::{check, overlap::Start},
            search_attributes::written,
        },
    },
    proto::{
        enums::{ScheduleOverlapPolicy, WorkflowIdReusePolicy},
        workflowservice::StartWorkflowExecutionRequest,
    },
};

impl Schedule {
    /// The start of the workflow of an action. `None`: it starts none.
    pub(super) fn start_request(&self, start: Start, request_id: String) -> Option<StartWorkflowExecutionRequest> {
        let workflow = check::started(&self.set)?.clone();
        let nominal = written_out(start.nominal);
        // What may overlap any other takes no part in this.
        let carries = start.overlap_policy != ScheduleOverlapPolicy::AllowAll as i32;
        let reuse =
            if start.is_manual { WorkflowIdReusePolicy::AllowDuplicate } else { WorkflowIdReusePolicy::RejectDuplicate };
        let mut search_attributes = workflow.search_attributes.unwrap_or_default();
        written::set_datetime(&mut search_attributes.indexed_fields, "TemporalScheduledStartTime", &nominal);
        written::set_keyword(&mut search_attributes.indexed_fields, "TemporalScheduledById", &self.schedule_id);
        Some(StartWorkflowExecutionRequest {
            namespace: self.namespace_name.clone(),
            workflow_id: format!("{}-{nominal}", workflow.workflow_id),
            workflow_type: workflow.workflow_type,
            task_queue: workflow.task_queue,
            input: workflow.input,
            workflow_execution_timeout: workflow.workflow_execution_timeout,
            workflow_run_timeout: workflow.workflow_run_timeout,
            workflow_task_timeout: workflow.workflow_task_timeout,
            identity: self.identity(),
            request_id,
            workflow_id_reuse_policy: reuse.into(),
            retry_policy: workflow.retry_policy,
            memo: workflow.memo,
            search_attributes: Some(search_attributes),
            header: workflow.header,
            last_completion_result: self.last_completion_result.clone().filter(|_| carries),
            continued_failure: self.continued_failure.clone().filter(|_| carries),
            user_metadata: workflow.user_metadata,
            priority: workflow.priority,
            ..StartWorkflowExecutionRequest::default()
        })
    }
}

/// As RFC 3339 has it, in whole seconds.
fn written_out(at: Time) -> String {
    let second = at.to_proto().seconds;
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| at.to_string())
}
