//! Children, and signals and cancel requests between workflows.

use foretime_server::proto::{
    command::Command,
    enums::{ParentClosePolicy, WorkflowIdReusePolicy},
    workflowservice::StartWorkflowExecutionRequest,
};

use crate::support::*;

/// A workflow `parent` that sends these commands in its first task.
fn parent_does(commands: impl IntoIterator<Item = Command>) -> Transcript {
    let mut t = Transcript::new();
    t.starts("parent");
    t.runs_workflow_task(commands);
    t
}

/// A parent that knows that its child has started, and has no pending task.
fn with_child(child: Child) -> Transcript {
    let mut t = parent_does([start_child(child)]);
    t.runs_workflow_task([]);
    t
}

#[test]
fn a_parent_is_told_that_its_child_began_and_what_it_came_to() {
    let mut t = parent_does([start_child(Child { input: payloads("input"), ..child("child") })]);
    t.description("parent").is("
        Running, 7 events
        workflow task: Scheduled, attempt 1, scheduled at 0ns
        child (5) child/1
    ");
    t.runs_workflow_task([]);
    t.time_passes(seconds(1));
    t.runs_workflow_task_of(CHILDREN, [complete("result")]);
    t.history("child").is("
        1 WorkflowExecutionStarted \"input\" by parent/1 (5)
        2 WorkflowTaskScheduled
        3 WorkflowTaskStarted (2) by w, at 1s
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionCompleted (4) \"result\"
    ");
    t.history_from(4, "parent").is("
        4 WorkflowTaskCompleted (2, 3) by w
        5 StartChildWorkflowExecutionInitiated (4) child
        6 ChildWorkflowExecutionStarted (5) child/1
        7 WorkflowTaskScheduled
        8 WorkflowTaskStarted (7) by w
        9 WorkflowTaskCompleted (7, 8) by w
        10 ChildWorkflowExecutionCompleted (5, 6) child/1 \"result\", at 1s
        11 WorkflowTaskScheduled
    ");
}

#[test]
fn a_parent_is_told_of_every_end() {
    type End = fn(&mut Transcript);
    let ends: [(End, &str); 4] = [
        (
            |t| t.runs_workflow_task_of(CHILDREN, [fail(failure("no luck"))]),
            "10 ChildWorkflowExecutionFailed (5, 6) child/1 \"no luck\" RetryPolicyNotSet",
        ),
        (|t| t.terminates("child"), "10 ChildWorkflowExecutionTerminated (5, 6) child/1"),
        (|t| t.time_passes(seconds(9)), "10 ChildWorkflowExecutionTimedOut (5, 6) child/1 RetryPolicyNotSet, at 9s"),
        (
            |t| {
                t.requests_cancel("child");
                t.runs_workflow_task_of(CHILDREN, [cancel()]);
            },
            "10 ChildWorkflowExecutionCanceled (5, 6) child/1 \"cancelled\"",
        ),
    ];
    for (end, told) in ends {
        let mut t = with_child(Child { workflow_run_timeout: span(seconds(9)), ..child("child") });
        end(&mut t);
        t.history_from(10, "parent").is(&format!("{told}\n11 WorkflowTaskScheduled"));
    }
}

#[test]
fn a_child_whose_id_is_taken_does_not_begin() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { task_queue: task_queue(CHILDREN), ..start("child") });
    t.starts("parent");
    t.runs_workflow_task([start_child(child("child"))]);
    t.history_from(5, "parent").is("
        5 StartChildWorkflowExecutionInitiated (4) child
        6 StartChildWorkflowExecutionFailed (5) child WorkflowAlreadyExists
        7 WorkflowTaskScheduled
    ");
    t.runs_workflow_task_of(CHILDREN, [complete("done")]);
    let reject = WorkflowIdReusePolicy::RejectDuplicate.into();
    t.runs_workflow_task([start_child(Child { workflow_id_reuse_policy: reject, ..child("child") })]);
    t.runs_workflow_task([start_child(child("child"))]);
    t.history_from(10, "parent").is("
        10 StartChildWorkflowExecutionInitiated (9) child
        11 StartChildWorkflowExecutionFailed (10) child WorkflowAlreadyExists
        12 WorkflowTaskScheduled
        13 WorkflowTaskStarted (12) by w
        14 WorkflowTaskCompleted (12, 13) by w
        15 StartChildWorkflowExecutionInitiated (14) child
        16 ChildWorkflowExecutionStarted (15) child/2
        17 WorkflowTaskScheduled
    ");
}

#[test]
fn when_a_parent_closes_its_children_fare_as_their_policies_say() {
    use ParentClosePolicy::{Abandon, RequestCancel, Terminate, Unspecified};
    let named = [("terminated", Terminate), ("default", Unspecified), ("asked", RequestCancel), ("abandoned", Abandon)];
    let child_of =
        |(id, policy): (&str, ParentClosePolicy)| start_child(Child { parent_close_policy: policy.into(), ..child(id) });
    let mut t = parent_does(named.map(child_of));
    t.runs_workflow_task([complete("done")]);
    let terminated = "3 WorkflowExecutionTerminated \"by parent close policy\" by history-service";
    t.history_from(3, "terminated").is(terminated);
    t.history_from(3, "default").is(terminated);
    t.history_from(3, "asked").is("3 WorkflowExecutionCancelRequested from parent/1 by history-service");
    t.history_from(3, "abandoned").is("");
    t.description("abandoned").is("
        Running, 2 events
        workflow task: Scheduled, attempt 1, scheduled at 0ns
    ");
}

#[test]
fn a_parent_that_continues_as_new_is_closed_for_its_children() {
    let mut t = with_child(child("child"));
    t.signals("parent", "go");
    t.runs_workflow_task([continue_as_new(next_run())]);
    t.history_from(3, "child").is("3 WorkflowExecutionTerminated \"by parent close policy\" by history-service");
}

#[test]
fn a_parent_is_told_when_the_last_run_of_its_child_ends() {
    let mut t = with_child(Child { retry_policy: attempts(2), ..child("child") });
    t.runs_workflow_task_of(CHILDREN, [fail(failure("one"))]);
    t.history_from(10, "parent").is("");
    t.time_passes(seconds(1));
    let next = NextRun { task_queue: task_queue(CHILDREN), ..next_run() };
    t.runs_workflow_task_of(CHILDREN, [continue_as_new(next)]);
    t.history_from(10, "parent").is("");
    t.time_passes(seconds(1));
    t.runs_workflow_task_of(CHILDREN, [complete("done")]);
    t.history_of("child", 3).is("
        1 WorkflowExecutionStarted by parent/1 (5) after child/2 Workflow in 1s, at 1s
        2 WorkflowTaskScheduled, at 2s
        3 WorkflowTaskStarted (2) by w
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionCompleted (4) \"done\"
    ");
    t.history_from(10, "parent").is("
        10 ChildWorkflowExecutionCompleted (5, 6) child/3 \"done\", at 2s
        11 WorkflowTaskScheduled
    ");
}

#[test]
fn what_a_parent_asks_for_in_its_last_task_is_not_done() {
    let mut t = Transcript::new();
    t.starts("other");
    t.runs_workflow_task([]);
    t.starts("parent");
    t.runs_workflow_task([
        start_child(Child { parent_close_policy: ParentClosePolicy::Abandon.into(), ..child("child") }),
        signal_external(external_signal("other", "hello")),
        cancel_external(external_cancel("other")),
        complete("done"),
    ]);
    t.history_from(5, "parent").is("
        5 StartChildWorkflowExecutionInitiated (4) child
        6 SignalExternalWorkflowExecutionInitiated (4) other hello
        7 RequestCancelExternalWorkflowExecutionInitiated (4) other
        8 WorkflowExecutionCompleted (4) \"done\"
    ");
    assert_eq!(t.run_count("child"), 0);
    t.history_from(5, "other").is("");
}

#[test]
fn a_workflow_signals_and_cancels_another() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { task_queue: task_queue(CHILDREN), ..start("other") });
    t.starts("order");
    t.runs_workflow_task([
        signal_external(ExternalSignal { input: payloads("input"), ..external_signal("other", "hello") }),
        cancel_external(ExternalCancel { reason: "enough".to_owned(), ..external_cancel("other") }),
    ]);
    t.history_from(3, "other").is("
        3 WorkflowExecutionSignaled hello \"input\" from order/1 by history-service
        4 WorkflowExecutionCancelRequested \"enough\" from order/1 (6) by history-service
    ");
    t.history_from(5, "order").is("
        5 SignalExternalWorkflowExecutionInitiated (4) other hello
        6 RequestCancelExternalWorkflowExecutionInitiated (4) other
        7 ExternalWorkflowExecutionSignaled (5) other
        8 WorkflowTaskScheduled
        9 ExternalWorkflowExecutionCancelRequested (6) other
    ");
}

#[test]
fn a_workflow_does_not_reach_one_that_is_missing_closed_not_its_child_or_itself() {
    let mut t = Transcript::new();
    t.starts("closed");
    t.runs_workflow_task([complete("done")]);
    t.starts_with(StartWorkflowExecutionRequest { task_queue: task_queue(CHILDREN), ..start("other") });
    t.starts("order");
    t.runs_workflow_task([
        signal_external(external_signal("missing", "hello")),
        signal_external(external_signal("closed", "hello")),
        signal_external(ExternalSignal { child_workflow_only: true, ..external_signal("other", "hello") }),
        signal_external(external_signal("order", "hello")),
        cancel_external(external_cancel("missing")),
        cancel_external(external_cancel("closed")),
    ]);
    t.history_from(11, "order").is("
        11 SignalExternalWorkflowExecutionFailed (5) missing ExternalWorkflowExecutionNotFound
        12 WorkflowTaskScheduled
        13 SignalExternalWorkflowExecutionFailed (6) closed ExternalWorkflowExecutionNotFound
        14 SignalExternalWorkflowExecutionFailed (7) other ExternalWorkflowExecutionNotFound
        15 SignalExternalWorkflowExecutionFailed (8) order ExternalWorkflowExecutionNotFound
        16 RequestCancelExternalWorkflowExecutionFailed (9) missing ExternalWorkflowExecutionNotFound
        17 ExternalWorkflowExecutionCancelRequested (10) closed
    ");
    t.history_from(3, "other").is("");
}

#[test]
fn what_others_answer_while_a_task_is_out_is_written_behind_it() {
    let mut t = with_child(child("child"));
    t.signals("parent", "hello");
    let task = t.polls_workflow_task("w1");
    t.terminates("child");
    t.completes(&task, [start_child(child("another"))]);
    t.history_from(12, "parent").is("
        12 WorkflowTaskStarted (11) by w1
        13 WorkflowTaskCompleted (11, 12) by w
        14 StartChildWorkflowExecutionInitiated (13) another
        15 ChildWorkflowExecutionTerminated (5, 6) child/1
        16 WorkflowTaskScheduled
        17 ChildWorkflowExecutionStarted (14) another/1
    ");
}
