//! Completions of workflow tasks in pages.

use foretime_server::{config::Config, proto::workflowservice::RespondWorkflowTaskCompletedRequest};

use crate::support::{worker::*, *};

fn server(settings: &[(&str, &str)]) -> Transcript {
    let dynamic_config = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Transcript::with(Config { dynamic_config, ..Config::default() })
}

const ON: (&str, &str) = ("history.enableWorkflowTaskCompletionPagination", "true");

fn page(task: &WorkflowTask, page_number: i32, name: &str) -> RespondWorkflowTaskCompletedRequest {
    RespondWorkflowTaskCompletedRequest { page_number, intermediate_page: true, ..completion(task, [record_marker(name)]) }
}

#[test]
fn pages_are_refused_where_they_are_switched_off() {
    let mut t = server(&[]);
    t.starts("order");
    let task = t.polls_workflow_task("w");
    let text = "FailedPrecondition: workflow task completion pagination is disabled for this namespace default";
    t.refuses(page(&task, 0, "m"), text);
}

#[test]
fn pages_that_are_too_large_together_end_the_workflow() {
    let mut t = server(&[ON, ("history.workflowTaskCompletionBufferSizeLimit", "60")]);
    t.starts("order");
    let task = t.polls_workflow_task("w");
    t.calls(page(&task, 0, "m"));
    let long = "m".repeat(60);
    let refusal = t.sends(page(&task, 1, &long));
    assert!(t.refusal_of(&refusal).starts_with("InvalidArgument: RequestTooLarge"));
    assert!(t.history_from(4, "order").0.starts_with("4 WorkflowTaskFailed (2, 3) RequestTooLarge"));
}

#[test]
fn pages_are_lost_with_their_task() {
    let mut t = server(&[ON]);
    t.starts("order");
    let task = t.polls_workflow_task("w");
    t.calls(page(&task, 0, "m"));
    t.time_passes(seconds(10));
    let task = t.polls_workflow_task("w").has_attempt(2);
    let last = RespondWorkflowTaskCompletedRequest { page_number: 1, ..completion(&task, []) };
    t.refuses(last, "Aborted: workflow task completion buffer lost for scheduled event 5 attempt 2");
}
