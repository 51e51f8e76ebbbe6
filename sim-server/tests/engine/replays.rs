//! Replays that a worker would not do by itself: at each workflow task, and once a run has closed.

use foretime_server::{
    config::{Config, Replay},
    engine::Caller,
    proto::{
        enums::{WorkflowExecutionStatus, WorkflowTaskFailedCause},
        failure::Failure,
        history::history_event::Attributes,
        workflowservice::{RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest},
    },
};

use crate::support::{worker::*, *};

const STICKY: &str = "sticky";
/// What sdk-core says.
const DIFFERENCE: &str = "[TMPRL1100] Nondeterminism error: Timer machine does not handle this event";

fn replaying(replay: Replay) -> Transcript {
    Transcript::with(Config { replay, ..Config::default() })
}

fn always() -> Transcript {
    replaying(Replay { always: true, closed: false })
}

/// Calls as a client or worker of this SDK from now on.
fn calls_as(t: &mut Transcript, client_name: &str) {
    t.calls_as(Caller { client_name: client_name.to_owned(), ..Caller::default() });
}

/// The failure of a task whose code does not fit its history.
fn difference(task: &WorkflowTask) -> RespondWorkflowTaskFailedRequest {
    RespondWorkflowTaskFailedRequest {
        cause: WorkflowTaskFailedCause::NonDeterministicError.into(),
        failure: Some(Failure { message: DIFFERENCE.to_owned(), ..Failure::default() }),
        ..workflow_task_failure(task)
    }
}

#[test]
fn a_worker_on_sdk_core_drops_the_run_and_gets_all_of_it_again() {
    let mut t = always();
    calls_as(&mut t, "temporal-python");
    t.starts("order");
    let sticky = t.awaits_workflow_task_of(sticky_queue(STICKY), "w");
    let task = t.polls_workflow_task("w");
    let completed = t.sends(sticky_completion(&task, STICKY, [start_timer("1", seconds(60))]));
    assert_eq!(t.refusal_of(&completed), "InvalidArgument: UnhandledCommand");
    t.signals("order", "hello");
    t.still_waits(&sticky);
    t.polls_workflow_task("w").has_attempt(1).has_events(
        "1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted, 4 WorkflowTaskCompleted, 5 TimerStarted, \
         6 WorkflowExecutionSignaled, 7 WorkflowTaskScheduled, 8 WorkflowTaskStarted",
    );
}

#[test]
fn a_worker_that_starts_afresh_from_a_whole_history_is_answered_as_ever() {
    for client_name in ["temporal-go", "temporal-java", ""] {
        let mut t = always();
        calls_as(&mut t, client_name);
        t.starts("order");
        let task = t.polls_workflow_task("w");
        t.calls(sticky_completion(&task, STICKY, []));
        t.signals("order", "hello");
        let task = t.polls_workflow_task("w");
        assert_eq!(task.history.clone().unwrap_or_default().events.len(), 7, "{client_name}");
    }
}

#[test]
fn a_worker_that_is_at_work_on_a_local_activity_keeps_the_run() {
    let mut t = always();
    calls_as(&mut t, "temporal-python");
    t.starts("order");
    let task = t.polls_workflow_task("w");
    let heartbeat = RespondWorkflowTaskCompletedRequest {
        force_create_new_workflow_task: true,
        return_new_workflow_task: true,
        ..sticky_completion(&task, STICKY, [])
    };
    let next: WorkflowTask = t.calls(heartbeat).workflow_task.expect("the next task").into();
    let next = next.has_events("4 WorkflowTaskCompleted, 5 WorkflowTaskScheduled, 6 WorkflowTaskStarted");
    let completed = t.sends(completion(&next, []));
    assert_eq!(t.refusal_of(&completed), "InvalidArgument: UnhandledCommand");
}

#[test]
fn the_completion_that_closes_a_run_is_answered_as_ever() {
    let mut t = always();
    calls_as(&mut t, "temporal-typescript");
    t.starts("order");
    t.runs_workflow_task([complete("done")]);
    assert_eq!(t.status_of("order"), WorkflowExecutionStatus::Completed);
}

#[test]
fn activities_are_not_handed_out_with_an_answer_that_is_not_given() {
    let mut t = always();
    calls_as(&mut t, "temporal-dotnet");
    t.starts("order");
    let task = t.polls_workflow_task("w");
    let eager = Activity { request_eager_execution: true, ..activity("1") };
    let completed = t.sends(completion(&task, [schedule(eager)]));
    assert_eq!(t.refusal_of(&completed), "InvalidArgument: UnhandledCommand");
    t.polls_activity("w").is("1, attempt 1");
}

#[test]
fn code_that_does_not_fit_its_own_history_ends_the_workflow() {
    let mut t = always();
    calls_as(&mut t, "temporal-ruby");
    t.starts("order");
    let task = t.polls_workflow_task("w");
    t.sends(completion(&task, []));
    let end = t.awaits_close_of("order");
    t.signals("order", "hello");
    let task = t.polls_workflow_task("w");
    t.calls(difference(&task));
    let events = t.answer_to(&end).history.unwrap_or_default().events;
    let Some(Attributes::WorkflowExecutionTerminatedEventAttributes(terminated)) = &events[0].attributes else {
        panic!("it is not terminated: {events:?}")
    };
    assert!(terminated.reason.contains(DIFFERENCE), "{}", terminated.reason);
}
