//! What is in a history is what a client asked for, in all that the request says: who asked, and for what.

use foretime_server::proto::{
    history::{WorkflowExecutionSignaledEventAttributes, WorkflowExecutionStartedEventAttributes, history_event::Attributes},
    workflowservice::{
        RequestCancelWorkflowExecutionRequest, SignalWithStartWorkflowExecutionRequest, SignalWorkflowExecutionRequest,
        StartWorkflowExecutionRequest, TerminateWorkflowExecutionRequest,
    },
};
use prost::Message;

use super::{
    broken::Broken,
    reading::Reading,
    run::{Run, nonce},
};
use crate::record::exchange::Exchange;

/// Checks what histories have of the requests of clients.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, .. } = read;
    record.exchanges.iter().find_map(|exchange| {
        let (run, what) = altered(exchange, runs)?;
        let title = "a history has something else than its client asked for";
        Some(Broken::at(exchange, title, format!("{what} of a {} in {}", exchange.method, run.name())))
    })
}

/// The run whose history differs from a request, and in what.
fn altered<'a>(exchange: &Exchange, runs: &'a [Run]) -> Option<(&'a Run, &'static str)> {
    let request = exchange.request.as_ref();
    match exchange.method.as_str() {
        "StartWorkflowExecution" => in_start(&StartWorkflowExecutionRequest::decode(request).ok()?, runs),
        "SignalWithStartWorkflowExecution" => {
            let it = SignalWithStartWorkflowExecutionRequest::decode(request).ok()?;
            let signal = SignalWorkflowExecutionRequest {
                signal_name: it.signal_name.clone(),
                input: it.signal_input.clone(),
                identity: it.identity.clone(),
                header: it.header.clone(),
                ..SignalWorkflowExecutionRequest::default()
            };
            let start = StartWorkflowExecutionRequest {
                workflow_id: it.workflow_id.clone(),
                workflow_type: it.workflow_type,
                task_queue: it.task_queue,
                input: it.input,
                workflow_execution_timeout: it.workflow_execution_timeout,
                workflow_run_timeout: it.workflow_run_timeout,
                workflow_task_timeout: it.workflow_task_timeout,
                identity: it.identity,
                header: it.header,
                ..StartWorkflowExecutionRequest::default()
            };
            in_start(&start, runs).or_else(|| in_signal(&it.workflow_id, &signal, runs))
        }
        "SignalWorkflowExecution" => {
            let it = SignalWorkflowExecutionRequest::decode(request).ok()?;
            in_signal(&it.workflow_execution.as_ref()?.workflow_id, &it, runs)
        }
        "RequestCancelWorkflowExecution" => {
            let it = RequestCancelWorkflowExecutionRequest::decode(request).ok()?;
            let execution = it.workflow_execution?;
            in_events(&execution.workflow_id, runs, |attributes| match attributes {
                Attributes::WorkflowExecutionCancelRequestedEventAttributes(written) if written.cause == it.reason => {
                    first_of(&[("the identity", written.identity == it.identity)])
                }
                _ => None,
            })
        }
        "TerminateWorkflowExecution" => {
            let it = TerminateWorkflowExecutionRequest::decode(request).ok()?;
            let execution = it.workflow_execution?;
            in_events(&execution.workflow_id, runs, |attributes| match attributes {
                Attributes::WorkflowExecutionTerminatedEventAttributes(written) if written.reason == it.reason => first_of(&[
                    ("the identity", written.identity == it.identity),
                    ("the details", written.details == it.details),
                ]),
                _ => None,
            })
        }
        _ => None,
    }
}

fn in_start<'a>(asked: &StartWorkflowExecutionRequest, runs: &'a [Run]) -> Option<(&'a Run, &'static str)> {
    let nonce = nonce(asked.input.as_ref())?;
    let is_begun =
        |run: &&Run| run.workflow_id == asked.workflow_id && run.is_first_of_chain() && run.nonce().as_ref() == Some(&nonce);
    let run = runs.iter().find(is_begun)?;
    let WorkflowExecutionStartedEventAttributes {
        workflow_type,
        task_queue,
        input,
        workflow_execution_timeout,
        workflow_run_timeout,
        workflow_task_timeout,
        identity,
        attempt,
        ..
    } = run.started()?;
    let queue = |queue: &Option<foretime_server::proto::taskqueue::TaskQueue>| queue.as_ref().map(|it| it.name.clone());
    let what = first_of(&[
        ("the workflow type", *workflow_type == asked.workflow_type),
        ("the task queue", queue(task_queue) == queue(&asked.task_queue)),
        ("the input", *input == asked.input),
        ("the execution timeout", span(workflow_execution_timeout) == span(&asked.workflow_execution_timeout)),
        ("the run timeout", span(workflow_run_timeout) == span(&asked.workflow_run_timeout)),
        ("the timeout of workflow tasks", span(workflow_task_timeout) == span(&asked.workflow_task_timeout)),
        ("the identity", *identity == asked.identity),
        ("the attempt", *attempt == 1),
    ])?;
    Some((run, what))
}

fn in_signal<'a>(
    workflow_id: &str,
    asked: &SignalWorkflowExecutionRequest,
    runs: &'a [Run],
) -> Option<(&'a Run, &'static str)> {
    in_events(workflow_id, runs, |attributes| match attributes {
        Attributes::WorkflowExecutionSignaledEventAttributes(written) if written.input == asked.input => {
            let WorkflowExecutionSignaledEventAttributes { signal_name, identity, .. } = written;
            first_of(&[("the name", *signal_name == asked.signal_name), ("the identity", *identity == asked.identity)])
        }
        _ => None,
    })
}

/// The first event of a workflow that differs, and in what.
fn in_events<'a>(
    workflow_id: &str,
    runs: &'a [Run],
    differs: impl Fn(&Attributes) -> Option<&'static str>,
) -> Option<(&'a Run, &'static str)> {
    let of_workflow = runs.iter().filter(|run| run.workflow_id == workflow_id);
    let mut attributes =
        of_workflow.flat_map(|run| run.events.iter().filter_map(move |it| Some((run, it.attributes.as_ref()?))));
    attributes.find_map(|(run, attributes)| Some((run, differs(attributes)?)))
}

/// The first that is not so.
fn first_of(parts: &[(&'static str, bool)]) -> Option<&'static str> {
    parts.iter().find(|(_, is_so)| !is_so).map(|(what, _)| *what)
}

/// A timeout; none is as good as zero.
fn span(timeout: &Option<prost_types::Duration>) -> prost_types::Duration {
    timeout.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{History, Talk};

    fn title(change: impl FnOnce(&mut Attributes)) -> Option<String> {
        let mut talk = Talk::default();
        talk.signal("w", "", "s-1").done();
        let mut run = History::of("w", "r").signaled("s-1").run();
        if let Some(signaled) = &mut run.events[1].attributes {
            change(signaled);
        }
        check(&Reading::of(&talk.record(), &[run])).map(|broken| broken.title)
    }

    #[test]
    fn a_signal_has_the_name_and_the_identity_that_its_client_gave_it() {
        let expected = Some("a history has something else than its client asked for");
        assert_eq!(title(|_| {}), None);
        let change = |attributes: &mut Attributes, change: fn(&mut WorkflowExecutionSignaledEventAttributes)| match attributes {
            Attributes::WorkflowExecutionSignaledEventAttributes(it) => change(it),
            other => panic!("{other:?}"),
        };
        assert_eq!(title(|it| change(it, |it| it.signal_name = "other".to_owned())).as_deref(), expected);
        assert_eq!(title(|it| change(it, |it| it.identity = "other".to_owned())).as_deref(), expected);
    }

    #[test]
    fn a_run_has_what_its_start_asked_for() {
        let request = StartWorkflowExecutionRequest {
            workflow_id: "w".to_owned(),
            identity: "client".to_owned(),
            ..StartWorkflowExecutionRequest::default()
        };
        let mut run = History::started("w", "r", "n-1").run();
        if let Some(Attributes::WorkflowExecutionStartedEventAttributes(it)) = &mut run.events[0].attributes {
            it.attempt = 1;
        }
        let WorkflowExecutionStartedEventAttributes { input, task_queue, workflow_task_timeout, .. } =
            run.started().expect("it begins with its start").clone();
        let mut asked = StartWorkflowExecutionRequest { input, task_queue, workflow_task_timeout, ..request };
        let runs = [run];
        assert_eq!(in_start(&asked, &runs).map(|(_, what)| what), Some("the identity"));
        asked.identity.clear();
        assert_eq!(in_start(&asked, &runs).map(|(_, what)| what), None);
        asked.workflow_task_timeout = None;
        assert_eq!(in_start(&asked, &runs).map(|(_, what)| what), Some("the timeout of workflow tasks"));
        // It is another run that this start began.
        asked.workflow_id = "v".to_owned();
        assert_eq!(in_start(&asked, &runs).map(|(_, what)| what), None);
    }
}
