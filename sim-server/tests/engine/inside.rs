//! What those see and change who hold a service from inside, as a simulation does: no call of a client can.

use foretime_server::{
    config::Config,
    proto::{
        enums::EventType,
        workflowservice::{DeleteWorkflowExecutionRequest, PauseWorkflowExecutionRequest},
    },
};

use crate::support::*;

#[test]
fn a_run_that_was_deleted_is_seen_in_its_place_if_it_is_kept() {
    let deletion = |workflow_id| DeleteWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: execution(workflow_id),
    };
    for keeps_deleted in [true, false] {
        let mut t = Transcript::with(Config { keeps_deleted, ..Config::default() });
        for workflow_id in ["first", "second", "third", "fourth"] {
            t.starts(workflow_id);
        }
        t.calls(deletion("third"));
        t.calls(deletion("first"));
        let again = t.sends(deletion("first"));
        assert!(t.refusal_of(&again).starts_with("NotFound: "));
        let seen = if keeps_deleted { &["first", "second", "third", "fourth"][..] } else { &["second", "fourth"] };
        assert_eq!(t.workflow_ids(), seen);
        if keeps_deleted {
            let last = t.events_of("third", 1).pop().expect("it has events");
            assert_eq!(last.event_type(), EventType::WorkflowExecutionTerminated);
        }
    }
}

#[test]
fn the_dynamic_configuration_changes_while_the_service_runs() {
    let pause = || PauseWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "order".to_owned(),
        ..PauseWorkflowExecutionRequest::default()
    };
    let mut t = Transcript::new();
    t.starts("order");
    t.refuses(pause(), "Unimplemented: workflow pause is not enabled for namespace: default");
    t.follows_dynamic_config("frontend.WorkflowPauseEnabled", "true");
    t.calls(pause());
}
