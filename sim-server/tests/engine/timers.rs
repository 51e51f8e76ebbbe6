//! Timers of workflows.

use crate::support::{worker::*, *};

#[test]
fn all_that_fire_at_one_instant_make_one_task_in_the_order_in_which_they_began() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("later", seconds(2)), start_timer("b", seconds(1)), start_timer("a", seconds(1))]);
    assert_eq!(t.next_deadline(), Some(seconds(1)));
    t.time_passes(seconds(1));
    t.runs_workflow_task([]);
    t.time_passes(seconds(1));
    t.history_from(5, "order").is("
        5 TimerStarted (4) later 2s
        6 TimerStarted (4) b 1s
        7 TimerStarted (4) a 1s
        8 TimerFired (6) b, at 1s
        9 TimerFired (7) a
        10 WorkflowTaskScheduled
        11 WorkflowTaskStarted (10) by w
        12 WorkflowTaskCompleted (10, 11) by w
        13 TimerFired (5) later, at 2s
        14 WorkflowTaskScheduled
    ");
}

#[test]
fn a_cancelled_one_never_fires() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(60))]);
    t.signals("order", "enough");
    t.runs_workflow_task([cancel_timer("t")]);
    assert_eq!(t.next_deadline(), None);
    t.time_passes(seconds(60));
    t.history_from(8, "order").is("
        8 WorkflowTaskStarted (7) by w
        9 WorkflowTaskCompleted (7, 8) by w
        10 TimerCanceled (9, 5) t
    ");
}

#[test]
fn an_id_is_free_again_once_its_timer_is_cancelled() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(60)), cancel_timer("t"), start_timer("t", seconds(1))]);
    t.time_passes(seconds(60));
    t.history_from(5, "order").is("
        5 TimerStarted (4) t 60s
        6 TimerCanceled (4, 5) t
        7 TimerStarted (4) t 1s
        8 TimerFired (7) t, at 1s
        9 WorkflowTaskScheduled
    ");
}

#[test]
fn a_second_one_with_the_id_of_a_running_one_fails_the_task() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(60))]);
    t.signals("order", "again");
    let task = t.polls_workflow_task("w1");
    let bad = t.sends(completion(&task, [start_timer("t", seconds(30))]));
    assert_eq!(
        t.refusal_of(&bad),
        "InvalidArgument: StartTimerDuplicateId: invalid history builder state for action: add-timer-started-event, TimerID: t"
    );
    let task = t.polls_workflow_task("w1").has_attempt(2);
    t.completes(&task, []);
    assert_eq!(t.next_deadline(), Some(seconds(60)));
}

#[test]
fn one_without_a_span_fires_at_once() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(0))]);
    t.history_from(5, "order").is("
        5 TimerStarted (4) t
        6 TimerFired (5) t
        7 WorkflowTaskScheduled
    ");
}

/// A workflow whose two timers fired at 1 s, while a worker had its task.
fn fired_unseen() -> (Transcript, WorkflowTask) {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(1)), start_timer("u", seconds(1))]);
    t.signals("order", "hello");
    let task = t.polls_workflow_task("w1");
    t.time_passes(seconds(2));
    (t, task)
}

#[test]
fn what_fires_while_a_task_is_out_is_written_behind_it_with_its_own_time() {
    let (mut t, task) = fired_unseen();
    t.history_from(10, "order").is("");
    t.completes(&task, [record_marker("m")]);
    t.history_from(10, "order").is("
        10 WorkflowTaskCompleted (8, 9) by w, at 2s
        11 MarkerRecorded (10) m
        12 TimerFired (5) t, at 1s
        13 TimerFired (6) u
        14 WorkflowTaskScheduled, at 2s
    ");
}

#[test]
fn one_that_fired_unseen_can_still_be_cancelled_and_then_never_fired() {
    let (mut t, task) = fired_unseen();
    t.completes(&task, [cancel_timer("t"), cancel_timer("u"), complete("done")]);
    t.history_from(10, "order").is("
        10 WorkflowTaskCompleted (8, 9) by w, at 2s
        11 TimerCanceled (10, 5) t
        12 TimerCanceled (10, 6) u
        13 WorkflowExecutionCompleted (10) \"done\"
    ");
}

#[test]
fn none_outlives_its_workflow() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(60)), complete("done")]);
    assert_eq!(t.next_deadline(), None);
    t.time_passes(seconds(60));
    t.history_from(5, "order").is("
        5 TimerStarted (4) t 60s
        6 WorkflowExecutionCompleted (4) \"done\"
    ");
}
