//! Replays that a worker would not do by itself: at each workflow task, and once a run has closed.

use foretime_server::{
    config::{Config, Replay, TimeMode},
    engine::Caller,
    proto::{
        enums::{WorkflowExecutionStatus, WorkflowTaskFailedCause},
        failure::Failure,
        history::history_event::Attributes,
        workflowservice::{
            GetWorkflowExecutionHistoryResponse, RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest,
        },
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

fn closed() -> Transcript {
    replaying(Replay { always: false, closed: true })
}

/// Checks that a task is a replay up to and with this event.
#[track_caller]
fn is_replay_until(task: &WorkflowTask, last_event_id: i64) {
    let last = task.history.as_ref().and_then(|history| history.events.last()).map_or(0, |event| event.event_id);
    assert_eq!((last, task.previous_started_event_id, task.attempt), (last_event_id, i64::MAX, 1));
}

/// The end of a workflow is told, and as it is.
#[track_caller]
fn end_is_told(t: &mut Transcript, end: &Waiting<GetWorkflowExecutionHistoryResponse>) {
    assert_eq!(t.answer_to(end).history.unwrap_or_default().events.len(), 1);
}

/// A workflow of one task that has closed, while a client waits for its end.
fn one_task_closed(client_name: &str) -> (Transcript, Waiting<GetWorkflowExecutionHistoryResponse>) {
    let mut t = closed();
    calls_as(&mut t, client_name);
    t.starts("order");
    let end = t.awaits_close_of("order");
    let task = t.polls_workflow_task("w");
    // A worker on sdk-core that has just closed a run would go on from its cache otherwise.
    t.sends(completion(&task, [complete("done")]));
    (t, end)
}

#[test]
fn the_end_is_told_after_a_worker_has_replayed_the_run() {
    let (mut t, end) = one_task_closed("temporal-python");
    let late = t.awaits_close_of("order");
    t.still_waits(&end);
    let task = t.polls_workflow_task("w");
    is_replay_until(&task, 5);
    assert_eq!((task.queries.len(), task.started_event_id), (1, 3));
    t.still_waits(&end);
    let completed = t.sends(completion(&task, []));
    assert_eq!(t.refusal_of(&completed), "InvalidArgument: UnhandledCommand");
    end_is_told(&mut t, &end);
    end_is_told(&mut t, &late);
    assert_eq!(t.notices(), Vec::<String>::new());
    t.has_no_workflow_task();
}

#[test]
fn a_difference_is_what_the_client_hears() {
    let (mut t, end) = one_task_closed("temporal-typescript");
    let task = t.polls_workflow_task("w");
    t.calls(difference(&task));
    let run_id = t.run_id("order", 1);
    let told = format!(
        "workflow order (W) does not replay: its code does not fit what the closed run {run_id} has done: the worker said: {DIFFERENCE}"
    );
    assert_eq!(t.notices(), [told.as_str()]);
    assert_eq!(t.refusal_of(&end), format!("FailedPrecondition: {told}"));
    let later = t.awaits_close_of("order");
    assert_eq!(t.refusal_of(&later), format!("FailedPrecondition: {told}"));
}

#[test]
fn what_code_on_sdk_core_asks_for_besides_is_a_difference() {
    let (mut t, end) = one_task_closed("temporal-python");
    let task = t.polls_workflow_task("w");
    t.sends(completion(&task, [start_timer("2", seconds(1))]));
    let told = t.refusal_of(&end);
    assert!(told.ends_with("the code asks for more than the history has: COMMAND_TYPE_START_TIMER"), "{told}");
}

#[test]
fn go_compares_what_comes_before_the_last_task_first() {
    for (last, is_told) in [(complete("done"), true), (cancel(), false)] {
        let mut t = closed();
        calls_as(&mut t, "temporal-go");
        t.starts("order");
        t.runs_workflow_task([start_timer("1", seconds(60))]);
        t.signals("order", "hello");
        t.runs_workflow_task([complete("done")]);
        let end = t.awaits_close_of("order");
        let beginning = t.polls_workflow_task("w");
        is_replay_until(&beginning, 5);
        assert!(beginning.queries.is_empty());
        t.completes(&beginning, []);
        t.still_waits(&end);
        let whole = t.polls_workflow_task("w");
        is_replay_until(&whole, 10);
        t.completes(&whole, [last]);
        if is_told {
            end_is_told(&mut t, &end);
        } else {
            let told = t.refusal_of(&end);
            let expected = "the code ends with COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION, the history with COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION";
            assert!(told.ends_with(expected), "{told}");
        }
    }
}

#[test]
fn time_stands_while_a_worker_replays() {
    let mut t = Transcript::with(Config {
        time: TimeMode::Skipping,
        replay: Replay { always: false, closed: true },
        ..Config::default()
    });
    t.starts("other");
    t.runs_workflow_task([start_timer("1", seconds(60))]);
    t.starts("order");
    t.runs_workflow_task([complete("done")]);
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(0));
    let task = t.polls_workflow_task("w");
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(0));
    t.completes(&task, []);
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(60));
}

#[test]
fn what_nobody_replays_is_told_all_the_same() {
    let (mut t, end) = one_task_closed("temporal-python");
    t.time_passes(seconds(9));
    t.still_waits(&end);
    t.time_passes(seconds(1));
    end_is_told(&mut t, &end);
    let run_id = t.run_id("order", 1);
    let notice = format!("the closed run {run_id} of workflow order (W) was not replayed: no worker came for it");
    assert!(t.notices().contains(&notice));
    t.has_no_workflow_task();
}

#[test]
fn what_a_worker_does_not_answer_is_told_all_the_same() {
    let (mut t, end) = one_task_closed("temporal-python");
    let task = t.polls_workflow_task("w");
    t.time_passes(seconds(10));
    end_is_told(&mut t, &end);
    let run_id = t.run_id("order", 1);
    let notice =
        format!("the closed run {run_id} of workflow order (W) was not replayed: the worker that had it did not answer");
    assert!(t.notices().contains(&notice));
    let late = t.sends(completion(&task, []));
    assert_eq!(t.refusal_of(&late), "NotFound: Workflow task not found.");
}

#[test]
fn once_the_last_worker_has_left_nobody_waits_for_a_replay() {
    let mut t = closed();
    t.calls_on(1);
    t.starts("order");
    let task = t.polls_workflow_task("w");
    let end = t.awaits_close_of("order");
    t.calls_on(2);
    let poll = t.awaits_workflow_task("w");
    t.gives_up(&poll);
    t.time_passes(seconds(2));
    t.completes(&task, [complete("done")]);
    t.still_waits(&end);
    t.time_passes(seconds(2));
    end_is_told(&mut t, &end);
}

#[test]
fn a_run_that_was_terminated_is_replayed_as_far_as_its_code_came() {
    let mut t = closed();
    t.starts("order");
    t.runs_workflow_task([start_timer("1", seconds(60))]);
    t.signals("order", "hello");
    t.terminates("order");
    let end = t.awaits_close_of("order");
    t.still_waits(&end);
    let task = t.polls_workflow_task("w");
    is_replay_until(&task, 5);
    t.completes(&task, []);
    end_is_told(&mut t, &end);
}

#[test]
fn a_run_without_a_completed_task_is_not_replayed() {
    let mut t = closed();
    t.starts("order");
    t.terminates("order");
    let end = t.awaits_close_of("order");
    end_is_told(&mut t, &end);
    t.has_no_workflow_task();
}

#[test]
fn each_run_of_a_chain_is_replayed_and_a_difference_is_told_at_its_end() {
    let mut t = closed();
    t.starts("order");
    t.runs_workflow_task([continue_as_new(next_run())]);
    let first = t.polls_workflow_task("w");
    is_replay_until(&first, 5);
    t.runs_workflow_task([complete("done")]);
    let end = t.awaits_close_of("order");
    let second = t.polls_workflow_task("w");
    t.completes(&second, []);
    // The first run of the chain is still out.
    t.still_waits(&end);
    t.calls(difference(&first));
    assert!(t.refusal_of(&end).contains(&format!("the closed run {}", t.run_id("order", 1))));
}

#[test]
fn who_awaits_a_parent_hears_of_its_child() {
    let mut t = closed();
    t.starts("parent");
    t.runs_workflow_task([start_child(child("child"))]);
    t.runs_workflow_task([]);
    t.runs_workflow_task_of(CHILDREN, [complete("done")]);
    let child = t.polls_workflow_task_of(task_queue(CHILDREN), "w");
    is_replay_until(&child, 5);
    t.runs_workflow_task([complete("done")]);
    let (end, child_end) = (t.awaits_close_of("parent"), t.awaits_close_of("child"));
    let parent = t.polls_workflow_task("w");
    t.completes(&parent, []);
    t.still_waits(&end);
    t.calls(difference(&child));
    assert!(t.refusal_of(&end).contains("workflow child (Child) does not replay"));
    assert!(t.refusal_of(&child_end).contains("workflow child (Child) does not replay"));
}

#[test]
fn who_awaits_a_child_does_not_hear_of_its_parent() {
    let mut t = closed();
    t.starts("parent");
    t.runs_workflow_task([start_child(child("child"))]);
    t.runs_workflow_task([complete("done")]);
    let parent = t.polls_workflow_task("w");
    t.calls(difference(&parent));
    // Its parent has terminated it, before it has done anything.
    let end = t.awaits_close_of("child");
    end_is_told(&mut t, &end);
}

#[test]
fn a_worker_on_sdk_core_that_may_have_the_run_is_asked_again() {
    let mut t = closed();
    calls_as(&mut t, "temporal-python");
    t.starts("order");
    t.runs_workflow_task([start_timer("1", seconds(60))]);
    t.terminates("order");
    let end = t.awaits_close_of("order");
    for _ in ["it drops the run from its cache", "it begins anew"] {
        t.still_waits(&end);
        let task = t.polls_workflow_task("w");
        is_replay_until(&task, 5);
        let completed = t.sends(completion(&task, []));
        assert_eq!(t.refusal_of(&completed), "InvalidArgument: UnhandledCommand");
    }
    end_is_told(&mut t, &end);
}
