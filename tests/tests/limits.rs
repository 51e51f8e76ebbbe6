//! What becomes of a run whose history exceeds the server's limits. Dynamic configuration lowers the limit, as on the real
//! server, which was observed with `--dynamic-config-value limit.historyCount.error=6`.

use foretime_server::{
    config::{Config, Personality},
    engine::{Caller, time::Time},
    proto::{
        Rpc,
        common::{WorkflowExecution, WorkflowType},
        enums::EventType,
        history::history_event::Attributes,
        taskqueue::TaskQueue,
        workflowservice::*,
    },
    rpc::{Call, Serve, Served, Service, first_come},
};
use prost::Message;
use tonic::{Code, Status};

const NAMESPACE: &str = "default";

fn service(dynamic: (&str, &str)) -> Service {
    let dynamic_config = [(dynamic.0.to_owned(), dynamic.1.to_owned())].into();
    let config = Config { personality: Personality::DevServer, dynamic_config, ..Config::default() };
    Service::new(&config).expect("the configuration is sound")
}

fn call<R: Rpc>(service: &mut Service, request: &R) -> Result<R::Reply, Status> {
    let call = Call {
        service: R::SERVICE.to_owned(),
        method: R::METHOD.to_owned(),
        caller: Caller::default(),
        deadline: None,
        message: request.encode_to_vec().into(),
    };
    let now = Time::from_nanos(1_700_000_000_000_000_000);
    let Served::Now(answer) = service.call(now, call, &mut first_come) else { panic!("it is not answered at once") };
    Ok(R::Reply::decode(answer?).expect("it is the reply"))
}

fn execution() -> Option<WorkflowExecution> {
    Some(WorkflowExecution { workflow_id: "wf".to_owned(), run_id: String::new() })
}

fn start(service: &mut Service) {
    let started = call(
        service,
        &StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: "wf".to_owned(),
            workflow_type: Some(WorkflowType { name: "W".to_owned() }),
            task_queue: Some(TaskQueue { name: "q".to_owned(), ..TaskQueue::default() }),
            request_id: "start".to_owned(),
            ..StartWorkflowExecutionRequest::default()
        },
    );
    started.expect("it starts");
}

fn signal(service: &mut Service, name: &str) -> Result<SignalWorkflowExecutionResponse, Status> {
    call(
        service,
        &SignalWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: execution(),
            signal_name: name.to_owned(),
            request_id: name.to_owned(),
            ..SignalWorkflowExecutionRequest::default()
        },
    )
}

/// Signals the workflow until a signal is refused. Returns how many were accepted, the refusal, and the last event.
fn signal_to_the_end(service: &mut Service) -> (usize, Status, Attributes) {
    start(service);
    let (taken, refused) =
        (0..100).find_map(|n| signal(service, &format!("s{n}")).err().map(|refused| (n, refused))).expect("it comes to an end");
    let request = GetWorkflowExecutionHistoryRequest {
        namespace: NAMESPACE.to_owned(),
        execution: execution(),
        ..GetWorkflowExecutionHistoryRequest::default()
    };
    let history = call(service, &request).expect("it has a history").history.expect("it has a history");
    let last = history.events.last().expect("it has events");
    assert_eq!(last.event_type(), EventType::WorkflowExecutionTerminated);
    (taken, refused, last.attributes.clone().expect("it has attributes"))
}

#[test]
fn a_run_with_too_many_events_is_terminated() {
    // Started, scheduled and five signals are one more than six: the sixth is refused.
    let (taken, refused, last) = signal_to_the_end(&mut service(("limit.historyCount.error", "6")));
    assert_eq!((taken, refused.code(), refused.message()), (5, Code::InvalidArgument, "Workflow history count exceeds limit."));
    let Attributes::WorkflowExecutionTerminatedEventAttributes(terminated) = last else { panic!("{last:?}") };
    assert_eq!(terminated.reason, "Workflow history count exceeds limit.");
    assert_eq!(terminated.identity, "history-service");
}

#[test]
fn a_run_with_too_long_a_history_is_terminated() {
    let (_, _, last) = signal_to_the_end(&mut service(("limit.historySize.error", "2000")));
    let Attributes::WorkflowExecutionTerminatedEventAttributes(terminated) = last else { panic!("{last:?}") };
    assert_eq!(terminated.reason, "Workflow history size exceeds limit.");
}
