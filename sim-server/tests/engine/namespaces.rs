//! Namespaces that are deprecated or deleted.

use foretime_server::{
    config::{Config, Personality},
    proto::{
        enums::NamespaceState,
        namespace::NamespaceFilter,
        operatorservice::DeleteNamespaceRequest,
        workflowservice::{
            DeprecateNamespaceRequest, DescribeNamespaceRequest, ListNamespacesRequest, RegisterNamespaceRequest,
            StartWorkflowExecutionRequest,
        },
    },
};

use crate::support::*;

fn dev_server() -> Transcript {
    Transcript::with(Config { personality: Personality::DevServer, ..Config::default() })
}

fn delete(name: &str) -> DeleteNamespaceRequest {
    DeleteNamespaceRequest { namespace: name.to_owned(), ..DeleteNamespaceRequest::default() }
}

fn describe_namespace(name: &str) -> DescribeNamespaceRequest {
    DescribeNamespaceRequest { namespace: name.to_owned(), ..DescribeNamespaceRequest::default() }
}

#[test]
fn in_a_deprecated_one_workflows_go_on_and_none_starts() {
    let mut t = dev_server();
    t.starts("order");
    t.calls(DeprecateNamespaceRequest { namespace: NAMESPACE.to_owned(), ..DeprecateNamespaceRequest::default() });
    let refusal = "FailedPrecondition: Namespace has invalid state: Deprecated. Must be Registered.";
    t.refuses(start("another"), refusal);
    t.refuses(signal_with_start("another", "s"), refusal);
    t.signals("order", "go on");
    t.runs_workflow_task([complete("done")]);
}

#[test]
fn what_is_in_a_deleted_one_holds_no_time_and_never_falls_due() {
    let mut t = Transcript::skipping();
    t.starts("waiting");
    t.runs_workflow_task([start_timer("t", seconds(60))]);
    t.starts("unserved");
    let new_name = t.calls(delete(NAMESPACE)).deleted_namespace;
    let uuid = t.calls(describe_namespace(&new_name)).namespace_info.unwrap_or_default().id;
    assert_eq!(new_name, format!("{NAMESPACE}-deleted-{}", &uuid[..5]));
    t.time_skips();
    assert_eq!((t.next_deadline(), t.elapsed()), (None, seconds(0)));
}

#[test]
fn the_name_of_a_deleted_one_is_free_and_what_takes_it_is_empty() {
    let mut t = dev_server();
    t.starts("order");
    let new_name = t.calls(delete(NAMESPACE)).deleted_namespace;
    t.refuses(start("order"), "NotFound: Namespace default is not found.");
    let in_new_name = StartWorkflowExecutionRequest { namespace: new_name.clone(), ..start("order") };
    t.refuses(in_new_name, "FailedPrecondition: Namespace has invalid state: Deleted. Must be Registered.");
    let workflow_execution_retention_period = Some(prost_types::Duration { seconds: 3600, nanos: 0 });
    t.calls(RegisterNamespaceRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution_retention_period,
        ..RegisterNamespaceRequest::default()
    });
    t.refuses(describe("order"), "NotFound: workflow not found for ID: order");
    t.starts("order");
    let all = |include_deleted| ListNamespacesRequest {
        namespace_filter: Some(NamespaceFilter { include_deleted }),
        ..ListNamespacesRequest::default()
    };
    let mut names = |request: ListNamespacesRequest| {
        let listed = t.calls(request).namespaces.into_iter();
        let infos = listed.map(|namespace| namespace.namespace_info.unwrap_or_default());
        infos.map(|info| (info.name.clone(), info.state())).collect::<Vec<_>>()
    };
    let (open, deleted) = (NamespaceState::Registered, NamespaceState::Deleted);
    let (system, default) = (("temporal-system".to_owned(), open), (NAMESPACE.to_owned(), open));
    assert_eq!(names(all(false)), [system.clone(), default.clone()]);
    assert_eq!(names(all(true)), [(new_name.clone(), deleted), system.clone(), default.clone()]);
    t.time_passes(seconds(4));
    let mut names = |request: ListNamespacesRequest| {
        let listed = t.calls(request).namespaces.into_iter();
        listed.map(|namespace| namespace.namespace_info.unwrap_or_default().name).collect::<Vec<_>>()
    };
    assert_eq!(names(all(true)), [system.0, default.0], "it is gone");
    t.refuses(describe_namespace(&new_name), &format!("NotFound: Namespace {new_name} is not found."));
}

#[test]
fn the_namespace_of_the_server_itself_stays() {
    let mut t = dev_server();
    t.refuses(delete("temporal-system"), "FailedPrecondition: unable to delete system namespace");
    t.refuses(delete("nope"), "NotFound: Namespace nope is not found.");
}
