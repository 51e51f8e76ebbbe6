//! How many transactions a run has had, as DescribeWorkflowExecution tells (`state_transition_count`). The numbers are those of the
//! real server.

use foretime_server::proto::{
    activity::ActivityOptions,
    enums::WorkflowIdConflictPolicy,
    workflowservice::{
        ExecuteMultiOperationRequest, StartWorkflowExecutionRequest, UpdateActivityOptionsRequest,
        execute_multi_operation_request::Operation, execute_multi_operation_request::operation::Operation as Of,
        update_activity_options_request::Activity as ToUpdate,
    },
};
use prost_types::FieldMask;

use crate::support::{updates::*, *};

/// How many the current run of the workflow has had.
fn transitions(t: &mut Transcript, workflow_id: &str) -> i64 {
    t.calls(describe(workflow_id)).workflow_execution_info.unwrap_or_default().state_transition_count
}

#[test]
fn a_start_with_an_update_is_one() {
    let mut t = Transcript::new();
    let start = StartWorkflowExecutionRequest {
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::UseExisting.into(),
        ..start("order")
    };
    let operations = [Of::StartWorkflow(start), Of::UpdateWorkflow(update("order", "u"))];
    let operations = operations.map(|operation| Operation { operation: Some(operation) }).into();
    t.sends(ExecuteMultiOperationRequest { namespace: NAMESPACE.to_owned(), operations, ..Default::default() });
    assert_eq!(transitions(&mut t, "order"), 1);
}

#[test]
fn a_signal_of_another_workflow_is_two_for_who_gets_it() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(3600))]);
    assert_eq!(transitions(&mut t, "order"), 3);
    t.starts("other");
    t.runs_workflow_task([signal_external(external_signal("order", "hello"))]);
    assert_eq!(transitions(&mut t, "order"), 5);
}

#[test]
fn new_options_of_many_activities_are_one() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([schedule(activity("a")), schedule(activity("b"))]);
    t.calls(UpdateActivityOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        execution: execution("order"),
        activity: Some(ToUpdate::MatchAll(true)),
        activity_options: Some(ActivityOptions { heartbeat_timeout: span(seconds(3600)), ..ActivityOptions::default() }),
        update_mask: Some(FieldMask { paths: vec!["heartbeat_timeout".to_owned()] }),
        ..UpdateActivityOptionsRequest::default()
    });
    assert_eq!(transitions(&mut t, "order"), 4);
}
