//! Refusals: code, text and typed detail.

use foretime_server::proto::{
    common::{Payloads, RetryPolicy, SearchAttributes, WorkflowExecution},
    enums::IndexedValueType,
    operatorservice::*,
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};
use prost_types::Duration;

crate::scripts![
    starts,
    starts_of_bad_policies,
    starts_of_large_things,
    missing_workflows,
    bad_executions,
    signals,
    tokens,
    describe_namespace,
    register_namespace,
    search_attributes_of_no_namespace,
];

type Start = StartWorkflowExecutionRequest;

async fn starts(s: &Script) {
    let start = || s.new_start("wf");
    let negative = Some(Duration { seconds: -1, nanos: 0 });
    for (words, request) in [
        ("no namespace", Start { namespace: String::new(), ..start() }),
        ("an unknown namespace", Start { namespace: "nope".to_owned(), ..start() }),
        ("no workflow id", Start { workflow_id: String::new(), ..start() }),
        ("a long workflow id", Start { workflow_id: "x".repeat(1100), ..start() }),
        ("no type", Start { workflow_type: None, ..start() }),
        ("a nameless type", Start { workflow_type: Some(workflow_type("")), ..start() }),
        ("a long type", Start { workflow_type: Some(workflow_type(&"x".repeat(1100))), ..start() }),
        ("no task queue", Start { task_queue: None, ..start() }),
        ("a nameless task queue", Start { task_queue: Some(task_queue("")), ..start() }),
        ("a long task queue", Start { task_queue: Some(task_queue(&"x".repeat(1100))), ..start() }),
        ("a reserved task queue", Start { task_queue: Some(task_queue("/_sys/x")), ..start() }),
        ("a long request id", Start { request_id: "x".repeat(1100), ..start() }),
        ("a negative execution timeout", Start { workflow_execution_timeout: negative, ..start() }),
        ("a negative run timeout", Start { workflow_run_timeout: negative, ..start() }),
        ("a negative task timeout", Start { workflow_task_timeout: negative, ..start() }),
        ("a negative delay", Start { workflow_start_delay: negative, ..start() }),
        ("a bad cron", Start { cron_schedule: "every now and then".to_owned(), ..start() }),
        ("cron and delay", Start { cron_schedule: "@every 1h".to_owned(), workflow_start_delay: seconds(1.0), ..start() }),
        ("no request id", Start { request_id: String::new(), ..start() }),
    ] {
        s.step(words);
        let _ = s.call(request).await;
    }
}

async fn starts_of_bad_policies(s: &Script) {
    let interval = |seconds: i64| Some(Duration { seconds, nanos: 0 });
    for (words, policy) in [
        ("a coefficient below 1", RetryPolicy { backoff_coefficient: 0.5, ..Default::default() }),
        ("a negative first interval", RetryPolicy { initial_interval: interval(-1), ..Default::default() }),
        ("a negative largest interval", RetryPolicy { maximum_interval: interval(-1), ..Default::default() }),
        (
            "a largest interval below the first",
            RetryPolicy { initial_interval: interval(5), maximum_interval: interval(3), ..Default::default() },
        ),
        ("negative attempts", RetryPolicy { maximum_attempts: -1, ..Default::default() }),
        (
            "a timeout type that is none",
            RetryPolicy { non_retryable_error_types: vec!["TemporalTimeout:Nope".to_owned()], ..Default::default() },
        ),
    ] {
        s.step(words);
        let _ = s.call(Start { retry_policy: Some(policy), ..s.new_start("wf") }).await;
    }
}

async fn starts_of_large_things(s: &Script) {
    s.step("3 MB of input");
    let input = Some(Payloads { payloads: vec![payload(&"x".repeat(3_000_000))] });
    let _ = s.call(Start { input, ..s.new_start("wf") }).await;
    s.step("an unknown search attribute");
    let unknown = SearchAttributes { indexed_fields: [("Nope".to_owned(), payload("x"))].into() };
    let _ = s.call(Start { search_attributes: Some(unknown), ..s.new_start("wf") }).await;
    s.step("a search attribute of the wrong type");
    let wrong = SearchAttributes { indexed_fields: [("Size".to_owned(), payload("x"))].into() };
    let _ = s.call(Start { search_attributes: Some(wrong), ..s.new_start("wf") }).await;
}

async fn missing_workflows(s: &Script) {
    s.describe("missing").await;
    s.history("missing").await;
    s.signal("missing", "hello").await;
    s.request_cancel("missing").await;
    s.terminate("missing").await;
    let _ = s.call(s.new_query("missing", "state")).await;
}

const NO_RUN: &str = "01234567-0123-7123-8123-0123456789ab";

async fn bad_executions(s: &Script) {
    s.start("wf").await;
    for (words, execution) in [
        ("a run id that is none", s.run("wf", "notauuid")),
        ("an unknown run id", s.run("wf", NO_RUN)),
        ("no workflow id", Some(WorkflowExecution::default())),
        ("no execution", None),
    ] {
        s.step(words);
        let _ = s.call(DescribeWorkflowExecutionRequest { execution: execution.clone(), ..s.new_describe("wf") }).await;
        let history = GetWorkflowExecutionHistoryRequest { execution: execution.clone(), ..s.new_history("wf") };
        let _ = s.call(history).await;
        let workflow_execution = execution;
        let signal = s.new_signal("wf", "hello");
        let _ = s.call(SignalWorkflowExecutionRequest { workflow_execution: workflow_execution.clone(), ..signal }).await;
        let cancel = s.new_request_cancel("wf");
        let _ =
            s.call(RequestCancelWorkflowExecutionRequest { workflow_execution: workflow_execution.clone(), ..cancel }).await;
        let _ = s.call(TerminateWorkflowExecutionRequest { workflow_execution, ..s.new_terminate("wf") }).await;
    }
}

async fn signals(s: &Script) {
    s.start("wf").await;
    s.step("no name");
    s.signal("wf", "").await;
    s.step("a long name");
    s.signal("wf", &"x".repeat(1100)).await;
    s.step("3 MB of input");
    let input = Some(Payloads { payloads: vec![payload(&"x".repeat(3_000_000))] });
    let _ = s.call(SignalWorkflowExecutionRequest { input, ..s.new_signal("wf", "large") }).await;
    s.step("signal with start: no name, no id, no queue, no type");
    let request = || s.new_signal_with_start("other", "hello");
    let _ = s.call(SignalWithStartWorkflowExecutionRequest { signal_name: String::new(), ..request() }).await;
    let _ = s.call(SignalWithStartWorkflowExecutionRequest { workflow_id: String::new(), ..request() }).await;
    let _ = s.call(SignalWithStartWorkflowExecutionRequest { task_queue: None, ..request() }).await;
    let _ = s.call(SignalWithStartWorkflowExecutionRequest { workflow_type: None, ..request() }).await;
    let _ = s
        .call(SignalWithStartWorkflowExecutionRequest {
            cron_schedule: "@every 1h".to_owned(),
            workflow_start_delay: seconds(1.0),
            ..request()
        })
        .await;
}

async fn tokens(s: &Script) {
    for task_token in [Vec::new(), b"nonsense".to_vec()] {
        s.step(if task_token.is_empty() { "no token" } else { "a token that is none" });
        let namespace = NAMESPACE.to_owned();
        let token = || task_token.clone();
        let _ = s
            .call(RespondWorkflowTaskCompletedRequest {
                task_token: token(),
                namespace: namespace.clone(),
                ..Default::default()
            })
            .await;
        let _ = s
            .call(RespondWorkflowTaskFailedRequest { task_token: token(), namespace: namespace.clone(), ..Default::default() })
            .await;
        let _ = s
            .call(RespondActivityTaskCompletedRequest {
                task_token: token(),
                namespace: namespace.clone(),
                ..Default::default()
            })
            .await;
        let _ = s
            .call(RespondActivityTaskFailedRequest { task_token: token(), namespace: namespace.clone(), ..Default::default() })
            .await;
        let _ = s
            .call(RespondActivityTaskCanceledRequest {
                task_token: token(),
                namespace: namespace.clone(),
                ..Default::default()
            })
            .await;
        let _ = s
            .call(RecordActivityTaskHeartbeatRequest {
                task_token: token(),
                namespace: namespace.clone(),
                ..Default::default()
            })
            .await;
        let _ = s
            .call(RespondQueryTaskCompletedRequest { task_token: token(), namespace: namespace.clone(), ..Default::default() })
            .await;
    }
    s.step("a workflow task's token for an activity");
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let _ = s
        .call(RespondActivityTaskCompletedRequest {
            task_token: task.task_token.clone(),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
}

async fn describe_namespace(s: &Script) {
    let describe = |namespace: &str| DescribeNamespaceRequest { namespace: namespace.to_owned(), ..Default::default() };
    let _ = s.call(describe("nope")).await;
    let _ = s.call(describe("")).await;
    let known = s.client.call(describe(NAMESPACE)).await.expect("it is there");
    let info = known.namespace_info.unwrap_or_default();
    s.note(format_args!("{} is {}", info.name, info.state().as_str_name()));
}

async fn register_namespace(s: &Script) {
    let register = |namespace: &str, retention: Option<Duration>| RegisterNamespaceRequest {
        namespace: namespace.to_owned(),
        workflow_execution_retention_period: retention,
        ..Default::default()
    };
    let day = || Some(Duration { seconds: 86_400, nanos: 0 });
    let _ = s.call(register(NAMESPACE, day())).await;
    let _ = s.call(register("", day())).await;
    let _ = s.call(register("another", None)).await;
}

async fn search_attributes_of_no_namespace(s: &Script) {
    for (words, namespace, name) in [
        ("no namespace", "", "Taste"),
        ("an unknown one", "nope", "Taste"),
        ("a reserved name, too", "", "TemporalTaste"),
        ("nor attributes", "", ""),
    ] {
        s.step(words);
        let namespace = namespace.to_owned();
        let names = if name.is_empty() { Vec::new() } else { vec![name.to_owned()] };
        let search_attributes = names.iter().map(|name| (name.clone(), IndexedValueType::Keyword.into())).collect();
        let _ = s.call(AddSearchAttributesRequest { namespace: namespace.clone(), search_attributes }).await;
        let _ = s.call(RemoveSearchAttributesRequest { namespace: namespace.clone(), search_attributes: names }).await;
        let _ = s.call(ListSearchAttributesRequest { namespace }).await;
    }
}
