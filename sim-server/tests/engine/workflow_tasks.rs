//! Workflow tasks: attempts, transient tasks, timeouts, heartbeats, sticky queues, eager and returned tasks.

use foretime_server::proto::{
    enums::WorkflowTaskFailedCause,
    workflowservice::{
        ResetStickyTaskQueueRequest, RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest,
        ShutdownWorkerRequest, StartWorkflowExecutionRequest,
    },
};

use crate::support::{worker::*, *};

const STICKY: &str = "sticky";
const TASK_NOT_FOUND: &str = "NotFound: Workflow task not found.";

#[test]
fn a_workflow_runs_from_task_to_task() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    let task = task.has_events("1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted");
    t.completes(&task, [start_timer("t", seconds(60))]);
    t.has_no_workflow_task();
    t.time_passes(seconds(60));
    t.runs_workflow_task([complete("done")]);
    t.history("order").is("
        1 WorkflowExecutionStarted
        2 WorkflowTaskScheduled
        3 WorkflowTaskStarted (2) by w1
        4 WorkflowTaskCompleted (2, 3) by w
        5 TimerStarted (4) t 60s
        6 TimerFired (5) t, at 60s
        7 WorkflowTaskScheduled
        8 WorkflowTaskStarted (7) by w
        9 WorkflowTaskCompleted (7, 8) by w
        10 WorkflowExecutionCompleted (9) \"done\"
    ");
    t.description("order").is("Completed, 10 events");
}

#[test]
fn a_second_attempt_is_written_only_when_it_completes() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.fails(&task);
    t.description("order").is("
        Running, 4 events
        workflow task: Scheduled, attempt 2, scheduled at 0ns
    ");
    let task = t.polls_workflow_task("w2").has_attempt(2).has_events(
        "1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted, 4 WorkflowTaskFailed, \
         5 WorkflowTaskScheduled, 6 WorkflowTaskStarted",
    );
    let written = "
        4 WorkflowTaskFailed (2, 3) WorkflowWorkerUnhandledFailure \"a bug\" by w
    ";
    t.history_from(4, "order").is(written);
    t.fails(&task);
    t.history_from(4, "order").is(written);
    let task = t.polls_workflow_task("w3").has_attempt(3);
    t.completes(&task, [complete("done")]);
    t.history_from(5, "order").is("
        5 WorkflowTaskScheduled attempt 3 within 10s
        6 WorkflowTaskStarted (5) by w
        7 WorkflowTaskCompleted (5, 6) by w
        8 WorkflowExecutionCompleted (7) \"done\"
    ");
}

#[test]
fn what_happens_before_a_second_attempt_makes_it_a_first() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.fails(&task);
    t.signals("order", "hello");
    let task = t.polls_workflow_task("w2").has_attempt(1);
    t.history_from(4, "order").is("
        4 WorkflowTaskFailed (2, 3) WorkflowWorkerUnhandledFailure \"a bug\" by w
        5 WorkflowExecutionSignaled hello by client
        6 WorkflowTaskScheduled
        7 WorkflowTaskStarted (6) by w2
    ");
    t.completes(&task, []);
    t.has_no_workflow_task();
}

#[test]
fn what_happens_during_a_second_attempt_waits_and_makes_the_next_a_first() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.fails(&task);
    let task = t.polls_workflow_task("w2").has_attempt(2);
    t.signals("order", "hello");
    t.fails(&task);
    t.polls_workflow_task("w3").has_attempt(1);
    t.history_from(4, "order").is("
        4 WorkflowTaskFailed (2, 3) WorkflowWorkerUnhandledFailure \"a bug\" by w
        5 WorkflowExecutionSignaled hello by client
        6 WorkflowTaskScheduled
        7 WorkflowTaskStarted (6) by w3
    ");
}

#[test]
fn a_task_that_is_not_answered_times_out_later_and_later() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { workflow_task_timeout: span(seconds(1)), ..start("order") });
    let late = t.polls_workflow_task("w1");
    t.time_passes(seconds(1));
    t.refuses(completion(&late, [complete("late")]), TASK_NOT_FOUND);
    t.refuses(workflow_task_failure(&late), TASK_NOT_FOUND);
    t.polls_workflow_task("w2").has_attempt(2);
    t.time_passes(seconds(1));
    t.polls_workflow_task("w3").has_attempt(3);
    t.time_passes(seconds(1));
    t.polls_workflow_task("w4").has_attempt(4);
    t.time_passes(seconds(5));
    t.has_no_workflow_task();
    t.time_passes(seconds(1));
    let task = t.polls_workflow_task("w5").has_attempt(5);
    t.completes(&task, [complete("done")]);
    t.history_from(4, "order").is("
        4 WorkflowTaskTimedOut (2, 3) StartToClose, at 1s
        5 WorkflowTaskScheduled attempt 5 within 11s, at 9s
        6 WorkflowTaskStarted (5) by w
        7 WorkflowTaskCompleted (5, 6) by w
        8 WorkflowExecutionCompleted (7) \"done\"
    ");
}

#[test]
fn a_token_counts_once() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.completes(&task, []);
    t.refuses(completion(&task, []), TASK_NOT_FOUND);
    t.refuses(workflow_task_failure(&task), TASK_NOT_FOUND);
    t.terminates("order");
    t.refuses(workflow_task_failure(&task), "NotFound: workflow execution already completed");
}

#[test]
fn a_bad_command_fails_the_task_and_nothing_of_it_remains() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    let bad = t.sends(completion(&task, [record_marker("dropped"), cancel_timer("t")]));
    const REFUSAL: &str = "InvalidArgument: BadCancelTimerAttributes: invalid history builder state for action: \
                           add-timer-canceled-event, TimerID: t";
    assert_eq!(t.refusal_of(&bad), REFUSAL);
    t.history_from(4, "order").is("
        4 WorkflowTaskFailed (2, 3) BadCancelTimerAttributes \"BadCancelTimerAttributes: invalid history builder state for \
        action: add-timer-canceled-event, TimerID: t\" by w
    ");
    // On a second attempt the completion is dropped, and the worker keeps the task.
    let task = t.polls_workflow_task("w1").has_attempt(2);
    t.refuses(completion(&task, [cancel_timer("t")]), REFUSAL);
    t.completes(&task, [complete("done")]);
}

#[test]
fn a_workflow_does_not_close_over_what_its_worker_has_not_seen() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.signals("order", "unseen");
    let early = t.sends(completion(&task, [record_marker("dropped"), complete("too early")]));
    assert_eq!(t.refusal_of(&early), "InvalidArgument: UnhandledCommand");
    let task = t.polls_workflow_task("w1").has_attempt(1);
    t.completes(&task, [complete("done")]);
    t.history_from(4, "order").is("
        4 WorkflowTaskFailed (2, 3) UnhandledCommand \"UnhandledCommand\" by w
        5 WorkflowExecutionSignaled unseen by client
        6 WorkflowTaskScheduled
        7 WorkflowTaskStarted (6) by w1
        8 WorkflowTaskCompleted (6, 7) by w
        9 WorkflowExecutionCompleted (8) \"done\"
    ");
}

#[test]
fn a_heartbeat_is_answered_with_the_next_task_until_half_an_hour_is_over() {
    let mut t = Transcript::new();
    t.starts("order");
    let mut task = t.polls_workflow_task("w1");
    let heartbeat = |task: &WorkflowTask| RespondWorkflowTaskCompletedRequest {
        force_create_new_workflow_task: true,
        return_new_workflow_task: true,
        ..completion(task, [])
    };
    for beat in 1..=226 {
        t.time_passes(seconds(8));
        let next = t.calls(heartbeat(&task)).workflow_task.expect("the next task");
        task = next.into();
        if beat == 1 {
            task = task.has_events("4 WorkflowTaskCompleted, 5 WorkflowTaskScheduled, 6 WorkflowTaskStarted");
        }
    }
    // 226 heartbeats at 8 s take more than 30 minutes: the last came too late, and the task timed out.
    t.history_from(676, "order").is("
        676 WorkflowTaskCompleted (674, 675) by w, at 1800s
        677 WorkflowTaskScheduled
        678 WorkflowTaskStarted (677) by w
        679 WorkflowTaskTimedOut (677, 678) StartToClose, at 1808s
    ");
    assert_eq!(task.attempt, 2);
    t.completes(&task, [complete("done")]);
    t.history_from(680, "order").is("
        680 WorkflowTaskScheduled attempt 2 within 10s, at 1808s
        681 WorkflowTaskStarted (680) by w
        682 WorkflowTaskCompleted (680, 681) by w
        683 WorkflowExecutionCompleted (682) \"done\"
    ");
}

/// A workflow with a sticky queue that was polled just now.
fn cached() -> Transcript {
    let mut t = Transcript::new();
    t.starts("order");
    let poll = t.awaits_workflow_task_of(sticky_queue(STICKY), "w1");
    let task = t.polls_workflow_task("w1");
    t.calls(sticky_completion(&task, STICKY, []));
    t.signals("order", "one");
    let task = t.gets_workflow_task(&poll);
    let task =
        task.has_events("4 WorkflowTaskCompleted, 5 WorkflowExecutionSignaled, 6 WorkflowTaskScheduled, 7 WorkflowTaskStarted");
    t.calls(sticky_completion(&task, STICKY, []));
    t
}

/// The events of [`cached`], and one signal more.
const ALL: &str = "1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted, 4 WorkflowTaskCompleted, \
                   5 WorkflowExecutionSignaled, 6 WorkflowTaskScheduled, 7 WorkflowTaskStarted, 8 WorkflowTaskCompleted, \
                   9 WorkflowExecutionSignaled, 10 WorkflowTaskScheduled, 11 WorkflowTaskStarted";

#[test]
fn a_task_that_waits_in_a_sticky_queue_goes_back_to_the_normal_one() {
    let mut t = cached();
    t.signals("order", "two");
    t.has_no_workflow_task();
    t.time_passes(seconds(5));
    t.polls_workflow_task("w2").has_attempt(1);
    t.history_from(9, "order").is("
        9 WorkflowExecutionSignaled two by client
        10 WorkflowTaskScheduled on sticky
        11 WorkflowTaskTimedOut (10, 0) ScheduleToStart, at 5s
        12 WorkflowTaskScheduled
        13 WorkflowTaskStarted (12) by w2
    ");
}

#[test]
fn a_sticky_queue_that_nobody_has_polled_for_ten_seconds_is_not_used() {
    let mut t = cached();
    t.time_passes(seconds(10));
    t.signals("order", "two");
    t.polls_workflow_task("w2").has_events(ALL);
}

#[test]
fn a_sticky_queue_whose_worker_has_gone_is_not_used() {
    let mut t = cached();
    let poll = t.awaits_workflow_task_of(sticky_queue(STICKY), "w1");
    t.gives_up(&poll);
    t.signals("order", "two");
    t.polls_workflow_task("w2").has_events(ALL);
}

#[test]
fn a_failure_on_a_sticky_queue_does_not_count() {
    let mut t = cached();
    t.signals("order", "two");
    let task = t.polls_workflow_task_of(sticky_queue(STICKY), "w1");
    t.fails(&task);
    t.polls_workflow_task("w2").has_attempt(1);
    t.history_from(10, "order").is("
        10 WorkflowTaskScheduled on sticky
        11 WorkflowTaskStarted (10) by w1
        12 WorkflowTaskFailed (10, 11) WorkflowWorkerUnhandledFailure \"a bug\" by w
        13 WorkflowTaskScheduled
        14 WorkflowTaskStarted (13) by w2
    ");
}

#[test]
fn a_reset_leaves_a_waiting_task_in_the_sticky_queue() {
    let mut t = cached();
    t.signals("order", "two");
    t.calls(ResetStickyTaskQueueRequest { namespace: NAMESPACE.to_owned(), execution: execution("order") });
    t.polls_workflow_task_of(sticky_queue(STICKY), "w1").has_events(ALL);
    t.history_from(10, "order").is("
        10 WorkflowTaskScheduled on sticky
        11 WorkflowTaskStarted (10) by w1
    ");
}

#[test]
fn a_worker_that_shuts_down_leaves_its_queue_and_its_polls() {
    let mut t = cached();
    t.signals("order", "two");
    let mut poll = requests::workflow_poll(task_queue("elsewhere"), "w1");
    poll.worker_instance_key = "instance".to_owned();
    let waits = t.sends(poll.clone());
    t.still_waits(&waits);
    t.calls(ShutdownWorkerRequest {
        namespace: NAMESPACE.to_owned(),
        sticky_task_queue: STICKY.to_owned(),
        worker_instance_key: "instance".to_owned(),
        ..ShutdownWorkerRequest::default()
    });
    t.gets_no_workflow_task(&waits);
    // A poll that arrives after the shutdown ends at once.
    let late = t.sends(poll);
    t.gets_no_workflow_task(&late);
    t.polls_workflow_task("w2").has_events(ALL);
}

#[test]
fn the_next_task_comes_with_the_answer_when_there_is_one() {
    let mut t = Transcript::new();
    t.starts("order");
    let wanted = |task: &WorkflowTask| RespondWorkflowTaskCompletedRequest {
        return_new_workflow_task: true,
        ..completion(task, [start_timer("t", seconds(60))])
    };
    let task = t.polls_workflow_task("w1");
    t.signals("order", "unseen");
    let reply = t.calls(wanted(&task));
    let task = WorkflowTask::from(reply.workflow_task.expect("the next task")).has_events(
        "4 WorkflowTaskCompleted, 5 TimerStarted, 6 WorkflowExecutionSignaled, 7 WorkflowTaskScheduled, \
         8 WorkflowTaskStarted",
    );
    let reply = t.calls(RespondWorkflowTaskCompletedRequest { commands: Vec::new(), ..wanted(&task) });
    assert_eq!(reply.workflow_task, None);
}

#[test]
fn an_eager_start_has_the_first_task_in_its_answer() {
    let mut t = Transcript::new();
    let eager = StartWorkflowExecutionRequest { request_eager_execution: true, ..start("order") };
    let task: WorkflowTask = t.calls(eager.clone()).eager_workflow_task.expect("the first task").into();
    let task = task.has_events("1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted");
    t.has_no_workflow_task();
    t.completes(&task, [complete("done")]);
    t.history("order").is("
        1 WorkflowExecutionStarted eager
        2 WorkflowTaskScheduled
        3 WorkflowTaskStarted (2) by client
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionCompleted (4) \"done\"
    ");
    // A delayed start has no first task yet.
    let later =
        StartWorkflowExecutionRequest { workflow_start_delay: span(seconds(5)), workflow_id: "later".to_owned(), ..eager };
    assert_eq!(t.calls(later).eager_workflow_task, None);
}

#[test]
fn a_completion_too_large_for_grpc_ends_the_workflow() {
    let mut t = Transcript::new();
    t.starts("order");
    let task = t.polls_workflow_task("w1");
    t.calls(RespondWorkflowTaskFailedRequest {
        cause: WorkflowTaskFailedCause::GrpcMessageTooLarge.into(),
        ..workflow_task_failure(&task)
    });
    t.history_from(4, "order").is("
        4 WorkflowTaskFailed (2, 3) ForceCloseCommand by history-service
        5 WorkflowExecutionTerminated \"GrpcMessageTooLarge\" by history-service
    ");
}
