//! Chains of runs of one workflow id: continue-as-new, retries, cron, timeouts, and the policies for starts.

use foretime_server::proto::{
    enums::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    failure::ApplicationFailureInfo,
    workflow::OnConflictOptions,
    workflowservice::StartWorkflowExecutionRequest,
};

use crate::support::{worker::*, *};

#[test]
fn a_run_that_continues_as_new_is_followed_at_once() {
    let mut t = Transcript::new();
    t.starts("order");
    t.time_passes(seconds(1));
    t.runs_workflow_task([continue_as_new(NextRun { input: payloads("next"), ..next_run() })]);
    t.history_of("order", 1).is("
        1 WorkflowExecutionStarted
        2 WorkflowTaskScheduled
        3 WorkflowTaskStarted (2) by w, at 1s
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionContinuedAsNew (4) \"next\" then order/2
    ");
    t.history_of("order", 2).is("
        1 WorkflowExecutionStarted \"next\" after order/1 Workflow, at 1s
        2 WorkflowTaskScheduled
    ");
    t.polls_workflow_task("w1").has_events("1 WorkflowExecutionStarted, 2 WorkflowTaskScheduled, 3 WorkflowTaskStarted");
}

#[test]
fn only_the_first_run_of_a_chain_was_started_eagerly() {
    let mut t = Transcript::new();
    let eager = StartWorkflowExecutionRequest { request_eager_execution: true, ..start("order") };
    let task: WorkflowTask = t.calls(eager).eager_workflow_task.expect("the first task").into();
    t.time_passes(seconds(1));
    t.completes(&task, [continue_as_new(next_run())]);
    t.history_of("order", 2).is("
        1 WorkflowExecutionStarted after order/1 Workflow, at 1s
        2 WorkflowTaskScheduled
    ");
}

#[test]
fn a_run_younger_than_a_second_delays_the_next() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([continue_as_new(next_run())]);
    t.has_no_workflow_task();
    t.time_passes(seconds(1));
    t.history_of("order", 2).is("
        1 WorkflowExecutionStarted after order/1 Workflow in 1s
        2 WorkflowTaskScheduled, at 1s
    ");
}

fn retried(count: i32) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { retry_policy: attempts(count), ..start("order") }
}

#[test]
fn a_failed_run_is_retried_until_there_are_no_more_attempts() {
    let mut t = Transcript::new();
    t.starts_with(retried(2));
    t.runs_workflow_task([fail(failure("one"))]);
    t.history_from(5, "order").is("");
    t.history_of("order", 1).is("
        1 WorkflowExecutionStarted
        2 WorkflowTaskScheduled
        3 WorkflowTaskStarted (2) by w
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionFailed (4) \"one\" InProgress then order/2
    ");
    t.has_no_workflow_task();
    t.time_passes(seconds(1));
    t.runs_workflow_task([fail(failure("two"))]);
    t.history_of("order", 2).is("
        1 WorkflowExecutionStarted after order/1 Retry attempt 2 in 1s last failure \"one\"
        2 WorkflowTaskScheduled, at 1s
        3 WorkflowTaskStarted (2) by w
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionFailed (4) \"two\" MaximumAttemptsReached
    ");
    assert_eq!(t.run_count("order"), 2);
}

#[test]
fn a_failure_that_is_final_is_not_retried() {
    let mut t = Transcript::new();
    t.starts_with(retried(0));
    let info = ApplicationFailureInfo { non_retryable: true, ..ApplicationFailureInfo::default() };
    t.runs_workflow_task([fail(application_failure("for good", info))]);
    t.history_from(5, "order").is("5 WorkflowExecutionFailed (4) \"for good\" NonRetryableFailure");
    assert_eq!(t.run_count("order"), 1);
}

#[test]
fn a_cron_goes_on_with_the_last_result_whatever_becomes_of_a_run() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { cron_schedule: "@every 10s".to_owned(), ..start("order") });
    t.has_no_workflow_task();
    t.time_passes(seconds(10));
    t.time_passes(seconds(3));
    t.runs_workflow_task([complete("first")]);
    t.time_passes(seconds(7));
    t.runs_workflow_task([fail(failure("no luck"))]);
    t.history_of("order", 1).is("
        1 WorkflowExecutionStarted CronSchedule in 10s
        2 WorkflowTaskScheduled, at 10s
        3 WorkflowTaskStarted (2) by w, at 13s
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionCompleted (4) \"first\" then order/2
    ");
    t.history_of("order", 2).is("
        1 WorkflowExecutionStarted after order/1 CronSchedule in 7s last result \"first\", at 13s
        2 WorkflowTaskScheduled, at 20s
        3 WorkflowTaskStarted (2) by w
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionFailed (4) \"no luck\" RetryPolicyNotSet then order/3
    ");
    t.history_of("order", 3).is("
        1 WorkflowExecutionStarted after order/2 CronSchedule in 10s last result \"first\" last failure \"no luck\", at 20s
    ");
}

#[test]
fn a_run_that_takes_too_long_times_out_and_may_be_retried() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { workflow_run_timeout: span(seconds(5)), ..retried(2) });
    let task = t.polls_workflow_task("w1");
    t.time_passes(seconds(5));
    t.refuses(completion(&task, [complete("late")]), "NotFound: Workflow task not found.");
    t.history_of("order", 1).is("
        1 WorkflowExecutionStarted run within 5s
        2 WorkflowTaskScheduled
        3 WorkflowTaskStarted (2) by w1
        4 WorkflowTaskFailed (2, 3) ForceCloseCommand by history-service, at 5s
        5 WorkflowExecutionTimedOut InProgress then order/2
    ");
    t.time_passes(seconds(6));
    t.history_of("order", 2).is("
        1 WorkflowExecutionStarted after order/1 Retry attempt 2 in 1s run within 5s last failure StartToClose \
        \"workflow timeout\", at 5s
        2 WorkflowTaskScheduled, at 6s
        3 WorkflowExecutionTimedOut MaximumAttemptsReached, at 11s
    ");
}

#[test]
fn the_execution_timeout_ends_the_whole_chain() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { workflow_execution_timeout: span(seconds(5)), ..retried(0) });
    t.time_passes(seconds(1));
    t.runs_workflow_task([fail(failure("one"))]);
    t.time_passes(seconds(4));
    t.history_of("order", 2).is("
        1 WorkflowExecutionStarted after order/1 Retry attempt 2 in 1s execution within 5s run within 5s last failure \
        \"one\", at 1s
        2 WorkflowTaskScheduled, at 2s
        3 WorkflowExecutionTimedOut Timeout, at 5s
    ");
    assert_eq!(t.next_deadline(), None);
}

/// A start with these policies.
fn policies(reuse: WorkflowIdReusePolicy, conflict: WorkflowIdConflictPolicy) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        workflow_id_reuse_policy: reuse.into(),
        workflow_id_conflict_policy: conflict.into(),
        ..start("order")
    }
}

#[test]
fn a_running_id_is_refused_used_or_replaced() {
    use WorkflowIdReusePolicy::AllowDuplicate;
    let mut t = Transcript::new();
    t.starts("order");
    let run_id = t.run_id("order", 1);
    t.refuses(
        policies(AllowDuplicate, WorkflowIdConflictPolicy::Fail),
        &format!("AlreadyExists: Workflow execution is already running. WorkflowId: order, RunId: {run_id}."),
    );
    let used = t.calls(policies(AllowDuplicate, WorkflowIdConflictPolicy::UseExisting));
    assert_eq!((used.started, used.run_id), (false, run_id.clone()));
    let replaced = t.calls(policies(AllowDuplicate, WorkflowIdConflictPolicy::TerminateExisting));
    assert_eq!((replaced.started, replaced.run_id), (true, t.run_id("order", 2)));
    t.history_of("order", 1).is(&t.named(&format!(
        "1 WorkflowExecutionStarted
        2 WorkflowTaskScheduled
        3 WorkflowExecutionTerminated \"TerminateIfRunning WorkflowIdReusePolicy\" \"terminated by new runID: {}\" by \
        history-service",
        t.run_id("order", 2)
    )));
}

#[test]
fn a_closed_id_is_free_if_the_policy_says_so() {
    use WorkflowIdConflictPolicy::Fail;
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([complete("done")]);
    let names = format!("WorkflowId: order, RunId: {}.", t.run_id("order", 1));
    t.refuses(
        policies(WorkflowIdReusePolicy::RejectDuplicate, Fail),
        &format!(
            "AlreadyExists: Workflow execution already finished. {names} Workflow Id reuse policy: reject duplicate workflow Id."
        ),
    );
    t.refuses(
        policies(WorkflowIdReusePolicy::AllowDuplicateFailedOnly, Fail),
        &format!(
            "AlreadyExists: Workflow execution already finished successfully. {names} Workflow Id reuse policy: allow duplicate \
             workflow Id if last run failed."
        ),
    );
    t.starts_with(policies(WorkflowIdReusePolicy::AllowDuplicate, Fail));
    t.runs_workflow_task([fail(failure("no luck"))]);
    t.starts_with(policies(WorkflowIdReusePolicy::AllowDuplicateFailedOnly, Fail));
    t.description("order").is("
        Running, 2 events
        workflow task: Scheduled, attempt 1, scheduled at 0ns
    ");
}

#[test]
fn a_start_that_comes_twice_is_one_start() {
    let mut t = Transcript::new();
    let request = StartWorkflowExecutionRequest { request_id: "request".to_owned(), ..start("order") };
    let first = t.calls(request.clone());
    assert_eq!(t.calls(request.clone()), first, "it is answered as the first time");
    t.runs_workflow_task([complete("done")]);
    let after_the_end = t.calls(request);
    assert_eq!((after_the_end.started, after_the_end.run_id), (true, first.run_id));
    assert_eq!(t.run_count("order"), 1);
}

/// A start that uses the running workflow and leaves its request id with it.
fn attaches(request_id: &str) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        request_id: request_id.to_owned(),
        on_conflict_options: Some(OnConflictOptions { attach_request_id: true, ..OnConflictOptions::default() }),
        ..policies(WorkflowIdReusePolicy::AllowDuplicate, WorkflowIdConflictPolicy::UseExisting)
    }
}

#[test]
fn a_start_that_uses_the_running_workflow_may_leave_its_request_id() {
    let mut t = Transcript::new();
    t.starts("order");
    for _ in 0..2 {
        assert!(!t.calls(attaches("another")).started, "it runs");
    }
    t.history_from(3, "order").is("3 WorkflowExecutionOptionsUpdated attached another");
}

#[test]
fn an_attached_request_is_described_with_its_event_once_that_is_written() {
    let mut t = Transcript::new();
    t.starts_with(StartWorkflowExecutionRequest { request_id: "first".to_owned(), ..start("order") });
    let task = t.polls_workflow_task("w1");
    t.signals("order", "hello");
    for _ in 0..2 {
        assert!(!t.calls(attaches("another")).started, "it runs");
    }
    t.described_requests("order").is("
        another: WorkflowExecutionOptionsUpdated, buffered
        first: WorkflowExecutionStarted 1
    ");
    t.completes(&task, []);
    t.history_from(4, "order").is("
        4 WorkflowTaskCompleted (2, 3) by w
        5 WorkflowExecutionSignaled hello by client
        6 WorkflowExecutionOptionsUpdated attached another
        7 WorkflowTaskScheduled
    ");
    t.described_requests("order").is("
        another: WorkflowExecutionOptionsUpdated 6
        first: WorkflowExecutionStarted 1
    ");
}

#[test]
fn a_delayed_start_is_waited_for_but_not_by_a_cancel_request() {
    let mut t = Transcript::new();
    let delayed = |id: &str| StartWorkflowExecutionRequest { workflow_start_delay: span(seconds(60)), ..start(id) };
    t.starts_with(delayed("signalled"));
    t.signals("signalled", "hello");
    t.starts_with(delayed("cancelled"));
    t.requests_cancel("cancelled");
    t.history("cancelled").is("
        1 WorkflowExecutionStarted in 60s
        2 WorkflowExecutionCancelRequested by client
        3 WorkflowTaskScheduled
    ");
    t.time_passes(seconds(60));
    t.history("signalled").is("
        1 WorkflowExecutionStarted in 60s
        2 WorkflowExecutionSignaled hello by client
        3 WorkflowTaskScheduled, at 60s
    ");
}
