//! Refused calls: their code and text, and that they change nothing (`Transcript::refuses` checks that).

use foretime_server::{
    config::{Config, Personality},
    proto::{common::WorkflowExecution, enums::QueryResultType, workflowservice::*},
    rpc::table::{TABLE, WORKFLOW_SERVICE},
};

use crate::support::{worker::*, *};

type Start = StartWorkflowExecutionRequest;

#[test]
fn starts_that_say_too_little_too_much_or_nonsense() {
    let mut t = Transcript::new();
    let order = || start("order");
    let long = || "x".repeat(1100);
    let negative = Some(prost_types::Duration { seconds: -1, nanos: 0 });
    for (request, text) in [
        (Start { namespace: String::new(), ..order() }, "Namespace is empty."),
        (Start { workflow_id: String::new(), ..order() }, "WorkflowId is not set on request."),
        (Start { workflow_id: long(), ..order() }, "WorkflowId exceeds maximum allowed length (1100/1000)"),
        (Start { workflow_type: None, ..order() }, "WorkflowType is not set on request."),
        (Start { task_queue: None, ..order() }, "taskQueue is not set"),
        (Start { task_queue: task_queue("/_sys/x"), ..order() }, "task queue name cannot start with reserved prefix /_sys/"),
        (Start { request_id: long(), ..order() }, "RequestId length exceeds limit."),
        (
            Start { workflow_run_timeout: negative, ..order() },
            "An invalid WorkflowRunTimeoutSeconds is set on request. cause: negative duration",
        ),
        (Start { cron_schedule: "every now and then".to_owned(), ..order() }, "invalid CronSchedule."),
        (Start { retry_policy: attempts(-1), ..order() }, "MaximumAttempts cannot be negative on retry policy."),
        (Start { input: payloads(&"x".repeat(3 << 20)), ..order() }, "Blob data size exceeds limit."),
    ] {
        t.refuses(request, &format!("InvalidArgument: {text}"));
    }
    assert_eq!(t.run_count("order"), 0);
    t.starts("order");
}

/// Checks that each call that names an execution refuses this one.
fn assert_refused(t: &mut Transcript, execution: Option<WorkflowExecution>, expected: &str) {
    let workflow_execution = execution.clone();
    t.refuses(DescribeWorkflowExecutionRequest { execution: execution.clone(), ..describe("") }, expected);
    t.refuses(GetWorkflowExecutionHistoryRequest { execution: execution.clone(), ..read("") }, expected);
    t.refuses(QueryWorkflowRequest { execution: execution.clone(), ..query("", "state") }, expected);
    t.refuses(ResetStickyTaskQueueRequest { namespace: NAMESPACE.to_owned(), execution }, expected);
    t.refuses(SignalWorkflowExecutionRequest { workflow_execution: workflow_execution.clone(), ..signal("", "s") }, expected);
    let cancel = RequestCancelWorkflowExecutionRequest { workflow_execution: workflow_execution.clone(), ..request_cancel("") };
    t.refuses(cancel, expected);
    t.refuses(TerminateWorkflowExecutionRequest { workflow_execution, ..terminate("") }, expected);
}

#[test]
fn executions_that_are_not_there() {
    let mut t = Transcript::new();
    t.starts("order");
    assert_refused(&mut t, None, "InvalidArgument: Execution is not set on request.");
    assert_refused(&mut t, execution(""), "InvalidArgument: WorkflowId is not set on request.");
    assert_refused(&mut t, run("order", "not a uuid"), "InvalidArgument: Invalid RunId.");
    assert_refused(&mut t, execution("missing"), "NotFound: workflow not found for ID: missing");
    const NO_RUN: &str = "01234567-0123-7123-8123-0123456789ab";
    assert_refused(
        &mut t,
        run("order", NO_RUN),
        &format!("NotFound: workflow execution not found for workflow ID \"order\" and run ID \"{NO_RUN}\""),
    );
}

#[test]
fn signals_without_a_name_or_too_large() {
    let mut t = Transcript::new();
    t.starts("order");
    t.refuses(signal("order", ""), "InvalidArgument: SignalName is not set on request.");
    t.refuses(signal("order", &"x".repeat(1100)), "InvalidArgument: SignalName length exceeds limit.");
    let large = SignalWorkflowExecutionRequest { input: payloads(&"x".repeat(3 << 20)), ..signal("order", "large") };
    t.refuses(large, "InvalidArgument: Blob data size exceeds limit.");
    let nameless = SignalWithStartWorkflowExecutionRequest { signal_name: String::new(), ..signal_with_start("new", "") };
    t.refuses(nameless, "InvalidArgument: signal not set");
    assert_eq!(t.run_count("new"), 0);
}

/// Checks that each call that carries a task token refuses this one.
fn assert_token_refused(t: &mut Transcript, task_token: &[u8], expected: &str) {
    let (namespace, task_token) = (NAMESPACE.to_owned(), task_token.to_vec());
    macro_rules! refused {
        ($($request:ident),*) => {
            $(t.refuses($request { namespace: namespace.clone(), task_token: task_token.clone(), ..$request::default() }, expected);)*
        };
    }
    refused!(
        RespondWorkflowTaskCompletedRequest,
        RespondWorkflowTaskFailedRequest,
        RespondActivityTaskCompletedRequest,
        RespondActivityTaskFailedRequest,
        RespondActivityTaskCanceledRequest,
        RecordActivityTaskHeartbeatRequest,
        RespondQueryTaskCompletedRequest
    );
}

#[test]
fn tokens_that_are_none_or_damaged_or_of_something_else() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    assert_token_refused(&mut t, b"", "InvalidArgument: Task token not set on request.");
    assert_token_refused(&mut t, b"nonsense", "InvalidArgument: Error deserializing task token.");
    for at in 0..task.task_token.len() {
        let mut damaged = completion(&task, [complete("done")]);
        damaged.task_token[at] ^= 0xff;
        let before = t.observed();
        let call = t.sends(damaged);
        let refusal = t.refusal_of(&call);
        let known = ["InvalidArgument: Error deserializing task token.", "NotFound: Workflow task not found."];
        assert!(known.contains(&refusal.as_str()), "damaged at {at}: {refusal}");
        assert_eq!(t.observed(), before);
    }
    let of_an_activity = RespondActivityTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        ..RespondActivityTaskCompletedRequest::default()
    };
    t.refuses(of_an_activity, "NotFound: invalid activityID or activity already timed out or invoking workflow is completed");
    let of_a_query =
        RespondQueryTaskCompletedRequest { completed_type: QueryResultType::Answered.into(), ..query_answer(&task) };
    t.refuses(of_a_query, "InvalidArgument: Invalid TaskToken.");
    t.completes(&task, [complete("done")]);
}

#[test]
fn commands_that_no_worker_may_send_leave_it_its_task() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.refuses(
        completion(&task, [complete("done"), record_marker("m")]),
        "InvalidArgument: invalid command sequence: [CompleteWorkflowExecution, RecordMarker], command \
         CompleteWorkflowExecution must be the last command.",
    );
    let mut unknown = record_marker("m");
    unknown.command_type = 0;
    t.refuses(completion(&task, [unknown]), "InvalidArgument: unknown command type: Unspecified");
    t.completes(&task, [complete("done")]);
}

#[test]
#[expect(deprecated, reason = "the field is on the wire all the same")]
fn a_child_or_a_signal_into_a_namespace_that_is_not_there_leaves_the_worker_its_task() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    const NOWHERE: &str = "NotFound: Namespace nowhere is not found.";
    let elsewhere = Child { namespace: "nowhere".to_owned(), ..child("child") };
    t.refuses(completion(&task, [record_marker("m"), start_child(elsewhere)]), NOWHERE);
    let elsewhere = ExternalSignal { namespace: "nowhere".to_owned(), ..external_signal("other", "hello") };
    t.refuses(completion(&task, [signal_external(elsewhere)]), NOWHERE);
    t.completes(&task, [complete("done")]);
}

#[test]
fn bytes_that_are_no_message_and_methods_that_are_not_there() {
    let mut t = Transcript::new();
    // The requests of these are empty, and are not read.
    const PLAIN: [&str; 6] =
        ["GetClusterInfo", "GetCurrentTime", "GetSearchAttributes", "GetSystemInfo", "LockTimeSkipping", "UnlockTimeSkipping"];
    for row in TABLE.iter().filter(|row| row.is_bound() && !PLAIN.contains(&row.method)) {
        let call = t.sends_bytes::<()>(row.service, row.method, vec![0x0a, 0x7f].into(), None);
        let refused = t.refusal_of(&call);
        assert!(refused.starts_with("Internal: grpc: error unmarshalling request: "), "{}: {refused}", row.method);
    }
    for row in TABLE.iter().filter(|row| !row.is_bound()) {
        let call = t.sends_bytes::<()>(row.service, row.method, Vec::new().into(), None);
        let expected = format!(
            "Unimplemented: Method {}/{} is not implemented by Foretime; see docs/compatibility.md",
            row.service, row.method
        );
        assert_eq!(t.refusal_of(&call), expected);
    }
    let call = t.sends_bytes::<()>(WORKFLOW_SERVICE, "NoSuchMethod", Vec::new().into(), None);
    assert_eq!(t.refusal_of(&call), format!("Unimplemented: unknown method NoSuchMethod for service {WORKFLOW_SERVICE}"));
}

fn namespaces(t: &mut Transcript) -> Vec<String> {
    let listed = t.calls(ListNamespacesRequest::default()).namespaces;
    listed.into_iter().map(|namespace| namespace.namespace_info.unwrap_or_default().name).collect()
}

#[test]
fn a_namespace_that_is_not_there_is_refused_or_made_as_the_server_is_one_or_the_other() {
    let elsewhere = || Start { namespace: "elsewhere".to_owned(), ..start("order") };
    let mut t = Transcript::new();
    t.refuses(elsewhere(), "NotFound: Namespace elsewhere is not found.");
    let before = namespaces(&mut t);
    assert!(!before.contains(&"elsewhere".to_owned()), "{before:?}");

    let mut t = Transcript::with(Config { personality: Personality::TestServer, ..Config::default() });
    t.starts_with(elsewhere());
    assert!(namespaces(&mut t).contains(&"elsewhere".to_owned()));
}

#[test]
fn a_refused_start_makes_no_namespace() {
    let mut t = Transcript::with(Config { personality: Personality::TestServer, ..Config::default() });
    let before = namespaces(&mut t);
    let bad = Start { namespace: "elsewhere".to_owned(), workflow_type: None, ..start("order") };
    t.refuses(bad, "InvalidArgument: WorkflowType is not set on request.");
    assert_eq!(namespaces(&mut t), before);
}
