//! Activities that are answered by id, and eager activities.

use foretime_server::proto::{
    command::Command,
    workflowservice::{
        RecordActivityTaskHeartbeatByIdRequest, RespondActivityTaskCanceledByIdRequest,
        RespondActivityTaskCompletedByIdRequest, RespondActivityTaskFailedByIdRequest,
    },
};

use crate::support::{worker::*, *};

const NOT_FOUND: &str = "NotFound: invalid activityID or activity already timed out or invoking workflow is completed";

/// A workflow that sends these commands in its first task.
fn does(commands: impl IntoIterator<Item = Command>) -> Transcript {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task(commands);
    t
}

fn completion_by_id(activity_id: &str) -> RespondActivityTaskCompletedByIdRequest {
    RespondActivityTaskCompletedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "order".to_owned(),
        activity_id: activity_id.to_owned(),
        result: payloads("result"),
        identity: "somebody".to_owned(),
        ..RespondActivityTaskCompletedByIdRequest::default()
    }
}

fn failure_by_id() -> RespondActivityTaskFailedByIdRequest {
    RespondActivityTaskFailedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "order".to_owned(),
        activity_id: "a".to_owned(),
        failure: Some(failure("no luck")),
        identity: "somebody".to_owned(),
        ..RespondActivityTaskFailedByIdRequest::default()
    }
}

fn heartbeat_by_id() -> RecordActivityTaskHeartbeatByIdRequest {
    RecordActivityTaskHeartbeatByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "order".to_owned(),
        activity_id: "a".to_owned(),
        details: payloads("halfway"),
        ..RecordActivityTaskHeartbeatByIdRequest::default()
    }
}

fn cancellation_by_id() -> RespondActivityTaskCanceledByIdRequest {
    RespondActivityTaskCanceledByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "order".to_owned(),
        activity_id: "a".to_owned(),
        details: payloads("cancelled"),
        identity: "somebody".to_owned(),
        ..RespondActivityTaskCanceledByIdRequest::default()
    }
}

#[test]
fn one_that_a_worker_has_is_completed_by_somebody_else() {
    let mut t = does([schedule(activity("a"))]);
    let task = t.polls_activity("w1");
    t.calls(completion_by_id("a"));
    t.refuses(activity_completion(&task, "late"), NOT_FOUND);
    t.refuses(
        completion_by_id("a"),
        "NotFound: cannot find pending activity with ActivityID a, check workflow execution history for more details",
    );
    t.history_from(6, "order").is("
        6 ActivityTaskStarted (5) by w1
        7 ActivityTaskCompleted (5, 6) \"result\" by somebody
        8 WorkflowTaskScheduled
    ");
}

#[test]
fn one_that_no_worker_has_counts_as_started_by_who_completes_it() {
    let mut t = does([schedule(activity("a"))]);
    t.calls(completion_by_id("a"));
    t.has_no_activity();
    t.history_from(6, "order").is("
        6 ActivityTaskStarted (5) by somebody
        7 ActivityTaskCompleted (5, 6) \"result\" by somebody
        8 WorkflowTaskScheduled
    ");
}

#[test]
fn only_one_that_a_worker_has_fails_or_beats_by_id() {
    let mut t = does([schedule(Activity { retry_policy: attempts(2), ..activity("a") })]);
    t.refuses(failure_by_id(), NOT_FOUND);
    t.refuses(heartbeat_by_id(), NOT_FOUND);
    t.refuses(cancellation_by_id(), NOT_FOUND);
    t.polls_activity("w1");
    assert!(!t.calls(heartbeat_by_id()).cancel_requested, "nobody cancels it");
    t.calls(failure_by_id());
    t.time_passes(seconds(1));
    t.polls_activity("w1").is("a, attempt 2, says \"halfway\"");
    t.calls(failure_by_id());
    t.history_from(6, "order").is("
        6 ActivityTaskStarted (5) attempt 2 after \"no luck\" by w1, at 1s
        7 ActivityTaskFailed (5, 6) \"no luck\" MaximumAttemptsReached by somebody
        8 WorkflowTaskScheduled
    ");
}

#[test]
fn one_is_cancelled_by_id_once_that_is_asked_for() {
    let mut t = does([schedule(activity("a"))]);
    t.polls_activity("w1");
    t.refuses(
        cancellation_by_id(),
        "InvalidArgument: unable to mark activity as canceled without activity being request canceled first",
    );
    t.signals("order", "stop");
    t.runs_workflow_task([request_cancel_activity(5)]);
    assert!(t.calls(heartbeat_by_id()).cancel_requested, "it is told");
    t.calls(cancellation_by_id());
    t.history_from(10, "order").is("
        10 ActivityTaskCancelRequested (9, 5)
        11 ActivityTaskStarted (5) by w1
        12 ActivityTaskCanceled (5, 11, 10) \"cancelled\" by somebody
        13 WorkflowTaskScheduled
    ");
}

#[test]
fn an_eager_one_comes_with_the_answer_and_its_retries_through_the_queue() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    let eager = Activity { request_eager_execution: true, retry_policy: attempts(2), ..activity("a") };
    let mut reply = t.completes(&task, [schedule(eager), schedule(activity("b"))]);
    assert_eq!(reply.activity_tasks.len(), 1);
    let task = ActivityTask::from(reply.activity_tasks.remove(0)).is("a, attempt 1");
    t.polls_activity("w2").is("b, attempt 1");
    t.has_no_activity();
    t.fails_activity(&task, failure("no luck"));
    t.time_passes(seconds(1));
    let task = t.polls_activity("w2").is("a, attempt 2");
    t.completes_activity(&task, "result");
    t.history_from(5, "order").is("
        5 ActivityTaskScheduled (4) a
        6 ActivityTaskScheduled (4) b
        7 ActivityTaskStarted (5) attempt 2 after \"no luck\" by w2, at 1s
        8 ActivityTaskCompleted (5, 7) \"result\" by w
        9 WorkflowTaskScheduled
    ");
}

#[test]
fn none_outlives_its_workflow() {
    let mut t = does([schedule(activity("a")), schedule(activity("b"))]);
    let task = t.polls_activity("w1");
    t.terminates("order");
    t.has_no_activity();
    const COMPLETED: &str = "NotFound: workflow execution already completed";
    t.refuses(heartbeat(&task, "still there"), COMPLETED);
    t.refuses(activity_completion(&task, "late"), COMPLETED);
    t.refuses(completion_by_id("b"), COMPLETED);
    assert_eq!(t.next_deadline(), None);
}

#[test]
fn an_eager_one_of_the_task_that_closes_the_workflow_is_not_handed_out() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w");
    let eager = Activity { request_eager_execution: true, ..activity("a") };
    let reply = t.completes(&task, [schedule(eager), complete("done")]);
    assert!(reply.activity_tasks.is_empty());
    assert_eq!(t.next_deadline(), None);
}
