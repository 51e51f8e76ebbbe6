//! The answer to a query is the one that a worker gave just then, and each answer that the service takes from a worker reaches a client
//! that waits for it.

use foretime_server::proto::{
    common::Payloads,
    workflowservice::{
        QueryWorkflowRequest, QueryWorkflowResponse, RespondQueryTaskCompletedRequest, RespondWorkflowTaskCompletedRequest,
    },
};
use prost::Message;

use super::{attempts::answer, broken::Broken, reading::Reading, tasks::Tasks};
use crate::record::exchange::Exchange;

/// A worker's answer to a query of a workflow, which the service has taken.
struct Reply<'a> {
    exchange: &'a Exchange,
    workflow_id: String,
    result: Option<Payloads>,
    /// Whether a worker was given the query as a task of its own.
    is_direct: bool,
}

/// Checks what became of the answers to queries.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, ref tasks, .. } = read;
    let replies = replies(tasks);
    let given: Vec<_> = record.exchanges.iter().filter_map(given).collect();
    let is_of = |reply: &Reply<'_>, (exchange, workflow_id, result): &(&Exchange, String, Option<Payloads>)| {
        reply.workflow_id == *workflow_id && reply.result == *result && answered_ns(reply.exchange) == answered_ns(exchange)
    };
    let invented =
        given.iter().find(|given| !replies.iter().any(|reply| is_of(reply, given))).map(|(exchange, workflow_id, _)| {
            let title = "a query was answered with what no worker said just then";
            Broken::at(exchange, title, workflow_id.clone())
        });
    invented.or_else(|| {
        let lost = replies.iter().find(|reply| reply.is_direct && !given.iter().any(|given| is_of(reply, given)))?;
        let title = "an answer to a query that the service acknowledged reached nobody";
        Some(Broken::at(lost.exchange, title, lost.workflow_id.clone()))
    })
}

/// What a client was answered that queried, and of which workflow.
fn given(exchange: &Exchange) -> Option<(&Exchange, String, Option<Payloads>)> {
    let is_query = exchange.method == "QueryWorkflow";
    let response = is_query.then(|| answer::<QueryWorkflowResponse>(exchange))??;
    let request = QueryWorkflowRequest::decode(exchange.request.as_ref()).ok()?;
    Some((exchange, request.execution?.workflow_id, response.query_result))
}

fn replies<'a>(tasks: &Tasks<'a>) -> Vec<Reply<'a>> {
    let mut replies = Vec::new();
    for report in tasks.reports.iter().filter(|report| report.is_accepted()) {
        let Some(task) = tasks.task_of(report) else { continue };
        let (exchange, request) = (report.exchange, report.exchange.request.as_ref());
        let reply = |result, is_direct| Reply { exchange, workflow_id: task.workflow_id.clone(), result, is_direct };
        match exchange.method.as_str() {
            "RespondQueryTaskCompleted" => {
                let Ok(it) = RespondQueryTaskCompletedRequest::decode(request) else { continue };
                replies.push(reply(it.query_result, true));
            }
            "RespondWorkflowTaskCompleted" => {
                let Ok(it) = RespondWorkflowTaskCompletedRequest::decode(request) else { continue };
                replies.extend(it.query_results.into_values().map(|it| reply(it.answer, false)));
            }
            _ => {}
        }
    }
    replies
}

fn answered_ns(exchange: &Exchange) -> Option<u64> {
    exchange.answered.as_ref().map(|(at_ns, ..)| *at_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::Talk;

    /// A query of `v` or `w` is answered so many nanoseconds after the service has taken the answer of the worker, who had one of `w`.
    fn title(workflow_id: &str, after_ns: Option<u64>) -> Option<String> {
        let mut talk = Talk::default();
        let query = talk.query(workflow_id).waits();
        talk.poll_workflow_task().query_task("q", "w", "r");
        talk.answer_query("q").done();
        if after_ns.is_some() {
            talk.resume(query).done();
        }
        let mut record = talk.record();
        let taken_ns = answered_ns(&record.exchanges[2]);
        if let (Some((at_ns, ..)), Some(taken_ns), Some(after_ns)) = (&mut record.exchanges[query].answered, taken_ns, after_ns)
        {
            *at_ns = taken_ns + after_ns;
        }
        check(&Reading::of(&record, &[])).map(|broken| broken.title)
    }

    #[test]
    fn a_query_is_answered_with_what_a_worker_says_just_then() {
        assert_eq!(title("w", Some(0)), None);
        let expected = Some("a query was answered with what no worker said just then");
        assert_eq!(title("w", Some(1)).as_deref(), expected);
        assert_eq!(title("v", Some(0)).as_deref(), expected);
    }

    #[test]
    fn an_answer_to_a_query_that_was_taken_reaches_who_asked() {
        assert_eq!(title("w", None).as_deref(), Some("an answer to a query that the service acknowledged reached nobody"));
    }
}
