//! Signals, signals with start, cancel requests and terminations of clients.

use foretime_server::proto::{
    enums::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    workflowservice::{
        RequestCancelWorkflowExecutionRequest, SignalWithStartWorkflowExecutionRequest, SignalWorkflowExecutionRequest,
        TerminateWorkflowExecutionRequest,
    },
};

use crate::support::{worker::*, *};

const COMPLETED: &str = "NotFound: workflow execution already completed";
const MISSING: &str = "NotFound: workflow not found for ID: missing";
const ANOTHER_RUN: &str = "01234567-0123-7123-8123-0123456789ab";

#[test]
fn signals_are_written_in_order_and_make_one_task() {
    let mut t = Transcript::new();
    t.starts("order");
    t.signals("order", "before the first task");
    t.runs_workflow_task([]);
    t.signals("order", "two");
    t.calls(SignalWorkflowExecutionRequest { input: payloads("input"), ..signal("order", "three") });
    t.runs_workflow_task([]);
    t.has_no_workflow_task();
    t.history("order").is("
        1 WorkflowExecutionStarted
        2 WorkflowTaskScheduled
        3 WorkflowExecutionSignaled before the first task by client
        4 WorkflowTaskStarted (2) by w
        5 WorkflowTaskCompleted (2, 4) by w
        6 WorkflowExecutionSignaled two by client
        7 WorkflowTaskScheduled
        8 WorkflowExecutionSignaled three \"input\" by client
        9 WorkflowTaskStarted (7) by w
        10 WorkflowTaskCompleted (7, 9) by w
    ");
}

#[test]
fn a_request_that_comes_twice_is_one_signal() {
    let mut t = Transcript::new();
    t.starts("order");
    let request = SignalWorkflowExecutionRequest { request_id: "request".to_owned(), ..signal("order", "once") };
    let first = t.calls(request.clone());
    assert_eq!(t.calls(request.clone()), first, "it is answered as the first time");
    t.calls(SignalWorkflowExecutionRequest { request_id: "another".to_owned(), ..request });
    t.history_from(3, "order").is("
        3 WorkflowExecutionSignaled once by client
        4 WorkflowExecutionSignaled once by client
    ");
}

#[test]
fn signals_that_come_while_a_task_is_out_are_written_behind_it() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.signals("order", "one");
    t.time_passes(seconds(1));
    t.requests_cancel("order");
    t.signals("order", "two");
    t.history_from(4, "order").is("");
    t.time_passes(seconds(1));
    t.completes(&task, []);
    t.history_from(4, "order").is("
        4 WorkflowTaskCompleted (2, 3) by w, at 2s
        5 WorkflowExecutionSignaled one by client, at 0ns
        6 WorkflowExecutionCancelRequested by client, at 1s
        7 WorkflowExecutionSignaled two by client
        8 WorkflowTaskScheduled, at 2s
    ");
}

#[test]
fn a_workflow_that_is_closed_or_missing_takes_none() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([complete("done")]);
    t.refuses(signal("order", "late"), COMPLETED);
    let named = run("order", &t.run_id("order", 1));
    t.refuses(SignalWorkflowExecutionRequest { workflow_execution: named, ..signal("order", "late") }, COMPLETED);
    t.refuses(signal("missing", "hello"), MISSING);
}

#[test]
fn a_signal_with_start_comes_before_the_first_task_also_where_that_waits() {
    let mut t = Transcript::new();
    let reply = t.calls(SignalWithStartWorkflowExecutionRequest {
        workflow_start_delay: span(seconds(5)),
        ..signal_with_start("order", "hello")
    });
    assert!(reply.started, "it is new");
    // Another signal does not shorten the delay.
    t.calls(signal_with_start("order", "again"));
    t.has_no_workflow_task();
    t.time_passes(seconds(5));
    t.runs_workflow_task([]);
    t.history("order").is("
        1 WorkflowExecutionStarted in 5s
        2 WorkflowExecutionSignaled hello by client
        3 WorkflowExecutionSignaled again by client
        4 WorkflowTaskScheduled, at 5s
        5 WorkflowTaskStarted (4) by w
        6 WorkflowTaskCompleted (4, 5) by w
    ");
}

#[test]
fn a_signal_with_start_reaches_the_workflow_that_runs_once() {
    let mut t = Transcript::new();
    t.starts("order");
    let request =
        SignalWithStartWorkflowExecutionRequest { request_id: "request".to_owned(), ..signal_with_start("order", "hello") };
    for _ in 0..2 {
        let reply = t.calls(request.clone());
        assert!(!reply.started, "it runs");
        assert_eq!(reply.run_id, t.run_id("order", 1));
    }
    t.history_from(3, "order").is("3 WorkflowExecutionSignaled hello by client");
}

#[test]
fn a_signal_with_start_may_follow_or_replace_a_run() {
    let mut t = Transcript::new();
    t.starts("order");
    let terminates = SignalWithStartWorkflowExecutionRequest {
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::TerminateExisting.into(),
        ..signal_with_start("order", "hello")
    };
    assert!(t.calls(terminates).started, "the run before is terminated");
    t.history_of("order", 1).is(&t.named(&format!(
        "1 WorkflowExecutionStarted
        2 WorkflowTaskScheduled
        3 WorkflowExecutionTerminated \"TerminateIfRunning WorkflowIdReusePolicy\" \"terminated by new runID: {}\" by \
        history-service",
        t.run_id("order", 2)
    )));
    t.runs_workflow_task([complete("done")]);
    let rejects = SignalWithStartWorkflowExecutionRequest {
        workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate.into(),
        ..signal_with_start("order", "hello")
    };
    let run_id = t.run_id("order", 2);
    t.refuses(
        rejects,
        &format!(
            "AlreadyExists: Workflow execution already finished. WorkflowId: order, RunId: {run_id}. Workflow Id reuse policy: \
             reject duplicate workflow Id."
        ),
    );
    assert!(t.calls(signal_with_start("order", "hello")).started, "it is new");
    t.history_of("order", 3).is("
        1 WorkflowExecutionStarted
        2 WorkflowExecutionSignaled hello by client
        3 WorkflowTaskScheduled
    ");
}

#[test]
fn a_workflow_is_asked_once_to_cancel_itself() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([]);
    t.calls(RequestCancelWorkflowExecutionRequest { reason: "enough".to_owned(), ..request_cancel("order") });
    t.requests_cancel("order");
    t.runs_workflow_task([cancel()]);
    // For a closed workflow this is no error, and changes nothing.
    t.requests_cancel("order");
    t.history_from(5, "order").is("
        5 WorkflowExecutionCancelRequested \"enough\" by client
        6 WorkflowTaskScheduled
        7 WorkflowTaskStarted (6) by w
        8 WorkflowTaskCompleted (6, 7) by w
        9 WorkflowExecutionCanceled (8) \"cancelled\"
    ");
}

#[test]
fn a_cancel_request_or_a_termination_may_name_the_chain_that_it_means() {
    let mut t = Transcript::new();
    t.starts("order");
    let another = || ANOTHER_RUN.to_owned();
    const NOT_FOUND: &str = "NotFound: workflow execution not found";
    let cancels = RequestCancelWorkflowExecutionRequest { first_execution_run_id: another(), ..request_cancel("order") };
    t.refuses(cancels.clone(), NOT_FOUND);
    let terminates = TerminateWorkflowExecutionRequest { first_execution_run_id: another(), ..terminate("order") };
    t.refuses(terminates.clone(), NOT_FOUND);
    let first_execution_run_id = t.run_id("order", 1);
    t.calls(RequestCancelWorkflowExecutionRequest { first_execution_run_id: first_execution_run_id.clone(), ..cancels });
    t.calls(TerminateWorkflowExecutionRequest { first_execution_run_id, ..terminates });
    t.history_from(3, "order").is("
        3 WorkflowExecutionCancelRequested by client
        4 WorkflowExecutionTerminated \"terminated by user via frontend\" by client
    ");
}

#[test]
fn who_names_the_chain_means_its_current_run_whatever_run_is_named() {
    let mut t = Transcript::new();
    t.starts("order");
    t.time_passes(seconds(1));
    t.runs_workflow_task([continue_as_new(next_run())]);
    let closed = t.run_id("order", 1);
    let cancels = |first_run_id: &str| RequestCancelWorkflowExecutionRequest {
        workflow_execution: run("order", &closed),
        first_execution_run_id: first_run_id.to_owned(),
        ..request_cancel("order")
    };
    let terminates = |first_run_id: &str| TerminateWorkflowExecutionRequest {
        workflow_execution: run("order", &closed),
        first_execution_run_id: first_run_id.to_owned(),
        ..terminate("order")
    };
    const NOT_FOUND: &str = "NotFound: workflow execution not found";
    t.refuses(cancels(ANOTHER_RUN), NOT_FOUND);
    t.refuses(terminates(ANOTHER_RUN), NOT_FOUND);
    t.calls(cancels(&closed));
    t.calls(terminates(&closed));
    t.history_from(3, "order").is("
        3 WorkflowExecutionCancelRequested by client, at 1s
        4 WorkflowExecutionTerminated \"terminated by user via frontend\" by client
    ");
    // Of a closed chain, whether it is the right one is not asked.
    t.calls(cancels(ANOTHER_RUN));
    t.refuses(terminates(ANOTHER_RUN), COMPLETED);
}

#[test]
fn a_termination_lets_what_waits_for_the_worker_be_seen() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.signals("order", "unseen");
    let request =
        TerminateWorkflowExecutionRequest { reason: "enough".to_owned(), details: payloads("d"), ..terminate("order") };
    t.calls(request.clone());
    t.history_from(4, "order").is("
        4 WorkflowTaskFailed (2, 3) ForceCloseCommand by history-service
        5 WorkflowExecutionSignaled unseen by client
        6 WorkflowExecutionTerminated \"enough\" \"d\" by client
    ");
    t.refuses(completion(&task, [complete("late")]), "NotFound: Workflow task not found.");
    t.refuses(request, COMPLETED);
    t.has_no_workflow_task();
    t.refuses(terminate("missing"), MISSING);
}
