//! Deletions, on request and after the retention of the namespace.

use std::time::Duration;

use foretime_server::{
    config::{Config, Personality, TimeMode},
    proto::workflowservice::*,
};

use crate::support::{requests, worker::*, *};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn deletion(workflow_id: &str) -> DeleteWorkflowExecutionRequest {
    let workflow_execution = requests::execution(workflow_id);
    DeleteWorkflowExecutionRequest { namespace: "default".to_owned(), workflow_execution }
}

/// A server that deletes what its namespace does not retain, here for a day.
fn forgetful(time: TimeMode) -> Transcript {
    Transcript::with(Config { personality: Personality::DevServer, deletes_expired: true, time, ..Config::default() })
}

#[test]
fn closed_runs_are_kept_for_a_day_of_the_wall() {
    let mut t = forgetful(TimeMode::Paced);
    t.starts("open");
    t.starts("closed");
    t.runs_workflow_task([]);
    t.runs_workflow_task([complete("done")]);
    t.time_passes(DAY - seconds(1));
    assert_eq!((t.run_count("open"), t.run_count("closed")), (1, 1));
    assert_eq!(t.next_deadline(), Some(seconds(1)));
    t.time_passes(seconds(1));
    assert_eq!((t.run_count("open"), t.run_count("closed")), (1, 0));
    t.refuses(requests::describe("closed"), "NotFound: workflow not found for ID: closed");
    t.starts("closed");
}

#[test]
fn virtual_time_deletes_nothing() {
    let mut t = forgetful(TimeMode::Skipping);
    t.starts("closed");
    t.runs_workflow_task([complete("done")]);
    t.starts("long");
    t.runs_workflow_task([start_timer("t", DAY * 365)]);
    t.time_skips();
    assert_eq!(t.elapsed(), DAY * 365);
    assert_eq!(t.run_count("closed"), 1);
}

#[test]
fn unless_it_is_asked_for_all_is_kept() {
    let mut t = Transcript::new();
    t.starts("closed");
    t.runs_workflow_task([complete("done")]);
    t.time_passes(DAY * 10);
    assert_eq!(t.run_count("closed"), 1);
}

#[test]
fn what_is_deleted_before_does_not_expire() {
    let mut t = forgetful(TimeMode::Paced);
    t.starts("closed");
    t.runs_workflow_task([complete("done")]);
    t.calls(deletion("closed"));
    assert_eq!(t.run_count("closed"), 0);
    assert_eq!(t.next_deadline(), None);
    t.time_passes(DAY);
}

#[test]
fn who_awaits_an_open_run_hears_of_its_end() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(60)), schedule(activity("a"))]);
    let close = t.awaits_close_of("order");
    t.updates("order", "update");
    t.calls(deletion("order"));
    let events = t.answer_to(&close).history.expect("a history").events;
    assert!(show::events(&events).contains("Delete workflow execution"), "{events:?}");
    assert_eq!((t.run_count("order"), t.next_deadline()), (0, None));
    t.has_no_activity();
    t.has_no_workflow_task();
}

#[test]
fn a_query_of_a_deleted_run_is_refused() {
    let mut t = Transcript::new();
    t.starts("order");
    t.runs_workflow_task([complete("done")]);
    let query = t.queries("order", "state");
    t.still_waits(&query);
    t.calls(deletion("order"));
    assert_eq!(t.refusal_of(&query), "NotFound: workflow not found for ID: order");
    t.has_no_workflow_task();
}

#[test]
fn the_skips_of_a_deleted_run_are_still_told() {
    use foretime_server::proto::foretimeservice::ExplainTimeRequest;
    let mut t = Transcript::skipping();
    t.starts("order");
    t.runs_workflow_task([start_timer("t", seconds(60))]);
    t.time_skips();
    let before = format!("{:?}", t.calls(ExplainTimeRequest::default()));
    assert!(before.contains("order"), "{before}");
    t.calls(deletion("order"));
    let after = format!("{:?}", t.calls(ExplainTimeRequest::default()));
    assert!(after.contains("something of a workflow that is deleted"), "{after}");
}

#[test]
fn time_goes_on_after_a_deletion() {
    let mut t = Transcript::skipping();
    t.starts("gone");
    let task = t.polls_workflow_task("w");
    let gone = task.workflow_execution.clone().unwrap_or_default().run_id;
    t.starts("order");
    t.calls(deletion("gone"));
    let of_gone = format!("workflow ID \"gone\" and run ID \"{gone}\"");
    t.refuses(completion(&task, []), &format!("NotFound: workflow execution not found for {of_gone}"));
    t.runs_workflow_task([start_timer("t", seconds(3600))]);
    t.time_skips();
    assert_eq!(t.elapsed(), seconds(3600));
}
