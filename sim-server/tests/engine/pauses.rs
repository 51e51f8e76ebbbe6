//! Workflows and activities that are paused, and activities that are reset: what that means for time, which the wire's pace cannot
//! show.

use foretime_server::{
    config::{Config, TimeMode},
    proto::{
        activity::ActivityOptions,
        common::Priority,
        foretimeservice::ExplainTimeRequest,
        workflow::WorkflowExecutionOptions,
        workflowservice::{
            pause_activity_request::Activity as ToPause, reset_activity_request::Activity as ToReset,
            unpause_activity_request::Activity as ToUnpause, update_activity_options_request::Activity as ToUpdate, *,
        },
    },
};
use prost_types::FieldMask;

use crate::support::{updates::*, worker::*, *};

const HOUR: u64 = 3600;

fn server(time: TimeMode) -> Transcript {
    let dynamic_config = [("frontend.WorkflowPauseEnabled".to_owned(), "true".to_owned())].into();
    Transcript::with(Config { time, dynamic_config, ..Config::default() })
}

/// A workflow that has scheduled this activity in its first task, with event 5. Time skips.
fn scheduled(activity: Activity) -> Transcript {
    let mut t = server(TimeMode::Skipping);
    t.starts("order");
    t.runs_workflow_task([schedule(activity)]);
    t
}

fn pause_activity(t: &mut Transcript) {
    t.calls(PauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: execution("order"),
        identity: "operator".to_owned(),
        reason: "to look at it".to_owned(),
        activity: Some(ToPause::Id("a".to_owned())),
        ..PauseActivityRequest::default()
    });
}

fn unpause_activity() -> UnpauseActivityRequest {
    UnpauseActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: execution("order"),
        activity: Some(ToUnpause::Id("a".to_owned())),
        ..UnpauseActivityRequest::default()
    }
}

fn reset_activity() -> ResetActivityRequest {
    ResetActivityRequest {
        namespace: NAMESPACE.to_owned(),
        execution: execution("order"),
        activity: Some(ToReset::Id("a".to_owned())),
        ..ResetActivityRequest::default()
    }
}

fn pause() -> PauseWorkflowExecutionRequest {
    PauseWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "order".to_owned(),
        identity: "operator".to_owned(),
        reason: "to look at it".to_owned(),
        ..PauseWorkflowExecutionRequest::default()
    }
}

fn unpause() -> UnpauseWorkflowExecutionRequest {
    UnpauseWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "order".to_owned(),
        identity: "operator".to_owned(),
        ..UnpauseWorkflowExecutionRequest::default()
    }
}

fn reasons(t: &mut Transcript) -> Vec<String> {
    t.calls(ExplainTimeRequest {}).reasons
}

#[test]
fn a_paused_activity_holds_no_time_and_none_of_its_timeouts_runs() {
    let mut t = scheduled(Activity { schedule_to_close_timeout: span(seconds(60)), ..activity("a") });
    pause_activity(&mut t);
    t.starts("other");
    t.runs_workflow_task([start_timer("t", seconds(HOUR))]);
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(HOUR));
    t.history_from(6, "order").is("");
    t.description("order").is("
        Running, 5 events
        activity a: Paused, attempt 1
    ");
    assert!(
        reasons(&mut t)
            .contains(&"activity A (attempt 1) of workflow order (W) is paused by operator (to look at it)".to_owned())
    );
}

#[test]
fn what_is_overdue_falls_due_as_it_is_unpaused() {
    let mut t = scheduled(Activity { schedule_to_close_timeout: span(seconds(60)), ..activity("a") });
    pause_activity(&mut t);
    t.starts("other");
    t.runs_workflow_task([start_timer("t", seconds(HOUR))]);
    t.time_skips();
    t.calls(unpause_activity());
    t.history_from(6, "order").is("
        6 ActivityTaskTimedOut (5, 0) ScheduleToClose \"Not enough time to schedule next retry before activity ScheduleToClose \
        timeout, giving up retrying\" Timeout, at 3600s
        7 WorkflowTaskScheduled
    ");
}

#[test]
fn a_paused_activity_that_its_worker_has_holds_time_until_that_is_done() {
    let mut t = scheduled(Activity { retry_policy: attempts(0), ..activity("a") });
    let task = t.polls_activity("w1");
    pause_activity(&mut t);
    t.starts("other");
    t.runs_workflow_task([start_timer("t", seconds(HOUR))]);
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(0));
    t.fails_activity(&task, failure("no luck"));
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(HOUR));
    t.description("order").is("
        Running, 5 events
        activity a: Paused, attempt 2, after \"no luck\"
    ");
}

#[test]
fn an_unpaused_activity_begins_at_once_or_within_the_jitter() {
    let mut t = scheduled(Activity { retry_policy: attempts(0), ..activity("a") });
    pause_activity(&mut t);
    t.calls(UnpauseActivityRequest { jitter: span(seconds(60)), ..unpause_activity() });
    t.has_no_activity();
    t.time_skips_once();
    assert!(t.elapsed() < seconds(60) && t.elapsed() > seconds(0));
    t.polls_activity("w1").is("a, attempt 1");
}

#[test]
fn an_activity_that_is_reset_at_its_worker_no_longer_holds_time() {
    let mut t = scheduled(Activity { retry_policy: attempts(0), ..activity("a") });
    let task = t.polls_activity("w1");
    t.fails_activity(&task, failure("no luck"));
    t.time_skips_once();
    let task = t.polls_activity("w1").is("a, attempt 2");
    t.calls(reset_activity());
    t.refuses(
        activity_completion(&task, "late"),
        "NotFound: invalid activityID or activity already timed out or invoking workflow is completed",
    );
    // Its start-to-close timeout, and the second attempt after the reset.
    t.time_skips_once();
    t.time_skips_once();
    t.polls_activity("w2").is("a, attempt 2");
}

#[test]
fn a_reset_ends_the_backoff() {
    let mut t = scheduled(Activity { retry_policy: attempts(0), ..activity("a") });
    let task = t.polls_activity("w1");
    t.fails_activity(&task, failure("no luck"));
    t.calls(reset_activity());
    t.polls_activity("w1").is("a, attempt 1");
    assert_eq!(t.elapsed(), seconds(0));
}

#[test]
fn a_paused_workflow_holds_no_time_and_its_timers_fire() {
    let mut t = server(TimeMode::Skipping);
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(HOUR)), schedule(activity("a"))]);
    t.calls(pause());
    t.has_no_activity();
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(HOUR));
    t.history_from(7, "order").is("
        7 WorkflowExecutionPaused \"to look at it\" by operator
        8 TimerFired (5) t, at 3600s
    ");
    assert!(reasons(&mut t).contains(&"workflow order (W) is paused by operator (to look at it)".to_owned()));
    t.calls(unpause());
    t.history_from(9, "order").is("
        9 WorkflowExecutionUnpaused by operator, at 3600s
        10 WorkflowTaskScheduled
    ");
    t.polls_activity("w1").is("a, attempt 1");
}

#[test]
fn a_paused_workflow_times_out() {
    let mut t = server(TimeMode::Skipping);
    t.starts_with(StartWorkflowExecutionRequest { workflow_run_timeout: span(seconds(60)), ..start("order") });
    t.calls(pause());
    t.time_skips();
    t.history_from(2, "order").is("
        2 WorkflowTaskScheduled
        3 WorkflowTaskFailed (2, 0) WorkflowPauseRequestedBeforeTaskStarted by history-service
        4 WorkflowExecutionPaused \"to look at it\" by operator
        5 WorkflowExecutionTimedOut RetryPolicyNotSet, at 60s
    ");
}

#[test]
fn who_awaits_the_end_of_a_workflow_gets_its_pause() {
    let mut t = server(TimeMode::Locked);
    t.starts("order");
    t.runs_workflow_task([]);
    let wait = t.awaits_close_of("order");
    t.calls(pause());
    let page = t.answer_to(&wait);
    t.shown_page(&page).is("5 WorkflowExecutionPaused");
}

#[test]
fn a_pause_at_a_workers_task_counts_before_it_is_written() {
    let mut t = server(TimeMode::Locked);
    t.starts("order");
    let task = t.polls_workflow_task("w");
    t.calls(pause());
    t.refuses(update("order", "u"), "FailedPrecondition: Workflow is paused. Cannot update the workflow.");
    t.refuses(pause(), "FailedPrecondition: workflow is already paused.");
    t.history_from(4, "order").is("");
    t.completes(&task, [schedule(activity("a"))]);
    t.has_no_activity();
    t.history_from(4, "order").is("
        4 WorkflowTaskCompleted (2, 3) by w
        5 ActivityTaskScheduled (4) a
        6 WorkflowExecutionPaused \"to look at it\" by operator
    ");
    t.calls(unpause());
    t.polls_activity("w1").is("a, attempt 1");
}

#[test]
fn a_workflow_that_is_not_due_yet_cannot_be_paused() {
    let mut t = server(TimeMode::Locked);
    t.starts_with(StartWorkflowExecutionRequest { workflow_start_delay: span(seconds(60)), ..start("order") });
    t.refuses(pause(), "Internal: something went wrong, please retry (c27988bd)");
}

#[test]
fn workflows_are_paused_only_where_that_is_switched_on() {
    let mut t = Transcript::new();
    t.starts("order");
    t.refuses(pause(), "Unimplemented: workflow pause is not enabled for namespace: default");
    t.refuses(unpause(), "FailedPrecondition: workflow is not paused.");
}

#[test]
fn a_new_priority_moves_the_task_that_waits() {
    let mut t = Transcript::new();
    t.starts("order");
    t.starts("other");
    t.calls(UpdateWorkflowExecutionOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: execution("other"),
        workflow_execution_options: Some(WorkflowExecutionOptions {
            priority: Some(Priority { priority_key: 1, ..Priority::default() }),
            ..WorkflowExecutionOptions::default()
        }),
        update_mask: Some(FieldMask { paths: vec!["priority".to_owned()] }),
        identity: "operator".to_owned(),
    });
    let task = t.polls_workflow_task("w");
    t.completes(&task, [schedule(activity("of the other"))]);
    t.history_from(3, "other").is("
        3 WorkflowExecutionOptionsUpdated priority 1 by operator
        4 WorkflowTaskStarted (2) by w
        5 WorkflowTaskCompleted (2, 4) by w
        6 ActivityTaskScheduled (5) of the other
    ");
}

#[test]
fn other_options_move_what_falls_due() {
    let mut t = scheduled(Activity { retry_policy: attempts(0), ..activity("a") });
    let task = t.polls_activity("w1");
    t.fails_activity(&task, failure("no luck"));
    t.calls(UpdateActivityOptionsRequest {
        namespace: NAMESPACE.to_owned(),
        execution: execution("order"),
        activity: Some(ToUpdate::Id("a".to_owned())),
        activity_options: Some(ActivityOptions {
            retry_policy: Some(foretime_server::proto::common::RetryPolicy {
                initial_interval: span(seconds(HOUR)),
                backoff_coefficient: 2.0,
                ..Default::default()
            }),
            ..ActivityOptions::default()
        }),
        update_mask: Some(FieldMask {
            paths: ["initial_interval", "backoff_coefficient", "maximum_interval"]
                .map(|field| format!("retry_policy.{field}"))
                .to_vec(),
        }),
        ..UpdateActivityOptionsRequest::default()
    });
    t.time_skips_once();
    // As on the real server, the interval is that after the attempt at hand, not before it.
    assert_eq!(t.elapsed(), seconds(2 * HOUR));
    t.polls_activity("w1").is("a, attempt 2");
}
