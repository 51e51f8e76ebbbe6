//! Namespaces: register, describe, list, update, deprecate, delete; and the cluster.

use foretime_server::proto::{
    enums::{NamespaceState, ReplicationState},
    namespace::{BadBinaries, BadBinaryInfo, NamespaceConfig, NamespaceFilter, UpdateNamespaceInfo},
    operatorservice::{
        AddOrUpdateRemoteClusterRequest, DeleteNamespaceRequest, ListClustersRequest, RemoveRemoteClusterRequest,
    },
    replication::{ClusterReplicationConfig, NamespaceReplicationConfig},
    workflowservice::*,
};
use foretime_tests::script::*;
use tonic::Code;

crate::scripts![
    register,
    register_retention,
    register_clusters,
    describe,
    list,
    update_info,
    update_config,
    update_bad_binaries,
    update_search_attribute_columns,
    update_replication,
    update_state,
    deprecate,
    delete,
    delete_refused,
    clusters,
    partitions,
];

/// The rate at which the real server lets namespaces be changed.
pub(crate) const ARGUMENTS: &[&str] = &[
    "--dynamic-config-value",
    "frontend.rps.namespaceReplicationInducingAPIs=10000",
    "--dynamic-config-value",
    "frontend.namespaceRPS=10000",
    "--dynamic-config-value",
    "frontend.rps=10000",
];

fn registration(name: &str) -> RegisterNamespaceRequest {
    RegisterNamespaceRequest {
        namespace: name.to_owned(),
        workflow_execution_retention_period: seconds(3600.0),
        ..Default::default()
    }
}

/// Registers a namespace, not written down, and waits until the real server knows it.
async fn registered(s: &Script, name: &str) -> String {
    s.client.call(registration(name)).await.expect("it is registered");
    let start = StartWorkflowExecutionRequest { namespace: name.to_owned(), ..s.new_start("probe") };
    while s.client.call(start.clone()).await.is_err() {
        tokio::task::yield_now().await;
    }
    name.to_owned()
}

/// What is there of a namespace: the capabilities and limits are another script's.
fn show(s: &Script, what: &str, reply: Result<DescribeNamespaceResponse, tonic::Status>) {
    let reply = reply.map(|mut reply| {
        if let Some(info) = &mut reply.namespace_info {
            info.capabilities = None;
            info.limits = None;
        }
        reply
    });
    s.note(what);
    s.show::<DescribeNamespaceRequest>(&reply);
}

async fn describe_by(s: &Script, name: &str, id: &str, weak_consistency: bool) {
    let request = DescribeNamespaceRequest { namespace: name.to_owned(), id: id.to_owned(), weak_consistency };
    let reply = s.client.call(request).await;
    show(s, "", reply);
}

async fn describe_namespace(s: &Script, name: &str) {
    describe_by(s, name, "", false).await;
}

async fn update(s: &Script, request: UpdateNamespaceRequest) {
    // On the real server, another script's change at the same time is in the way.
    let reply = loop {
        match s.client.call(request.clone()).await {
            Err(refused) if refused.code() == Code::Unavailable => {}
            reply => break reply,
        }
    };
    let reply = reply.map(|reply| DescribeNamespaceResponse {
        namespace_info: reply.namespace_info,
        config: reply.config,
        replication_config: reply.replication_config,
        is_global_namespace: reply.is_global_namespace,
        failover_version: reply.failover_version,
        ..Default::default()
    });
    show(s, "update:", reply);
}

async fn register(s: &Script) {
    let _ = s.call(RegisterNamespaceRequest::default()).await;
    let _ = s.call(registration("default")).await;
    let _ = s.call(registration("temporal-system")).await;
    let _ = s.call(registration(&"n".repeat(1001))).await;
    let _ = s.call(RegisterNamespaceRequest { is_global_namespace: true, ..registration("register-global") }).await;
    let request = RegisterNamespaceRequest {
        description: "the description".to_owned(),
        owner_email: "owner@example.org".to_owned(),
        data: [("key".to_owned(), "value".to_owned())].into(),
        history_archival_state: 2,
        history_archival_uri: "file:///nowhere".to_owned(),
        security_token: "token".to_owned(),
        ..registration("register-whole")
    };
    let _ = s.call(request.clone()).await;
    let _ = s.call(request).await;
    describe_namespace(s, "register-whole").await;
    let _ = s.call(registration("a name / with ü")).await;
    describe_namespace(s, "a name / with ü").await;
}

async fn register_retention(s: &Script) {
    for (name, retention) in [
        ("none", None),
        ("minute", seconds(60.0)),
        ("negative", Some(prost_types::Duration { seconds: -5, nanos: 0 })),
        ("mixed", Some(prost_types::Duration { seconds: 3600, nanos: -1 })),
        ("nearly", Some(prost_types::Duration { seconds: 3599, nanos: 999_999_999 })),
        ("ages", Some(prost_types::Duration { seconds: 1_000_000_000_000, nanos: 0 })),
    ] {
        let name = format!("retention-{name}");
        let _ =
            s.call(RegisterNamespaceRequest { workflow_execution_retention_period: retention, ..registration(&name) }).await;
    }
    describe_namespace(s, "retention-ages").await;
}

fn cluster(name: &str) -> ClusterReplicationConfig {
    ClusterReplicationConfig { cluster_name: name.to_owned(), ..Default::default() }
}

async fn register_clusters(s: &Script) {
    let other = || "other".to_owned();
    let _ = s.call(RegisterNamespaceRequest { active_cluster_name: other(), ..registration("clusters-a") }).await;
    for (name, clusters) in [
        ("b", vec![cluster("other")]),
        ("c", vec![cluster("active"), cluster("other")]),
        ("d", vec![cluster("active"), cluster("active")]),
        ("e", vec![cluster("active")]),
    ] {
        let _ = s.call(RegisterNamespaceRequest { clusters, ..registration(&format!("clusters-{name}")) }).await;
    }
    describe_namespace(s, "clusters-e").await;
}

async fn describe(s: &Script) {
    let name = registered(s, "describe-me").await;
    let request = DescribeNamespaceRequest { namespace: name.clone(), ..Default::default() };
    let reply = s.client.call(request).await.expect("it is there");
    let id = reply.namespace_info.unwrap_or_default().id;
    describe_by(s, "", "", false).await;
    describe_by(s, "nope", "", false).await;
    describe_by(s, "", "01234567-89ab-cdef-0123-456789abcdef", false).await;
    describe_by(s, "", "no-uuid", false).await;
    describe_by(s, "", &id, false).await;
    describe_by(s, &name, "", true).await;
    describe_by(s, &name, &id, false).await;
    describe_by(s, &name, &id, true).await;
    describe_by(s, "temporal-system", "", false).await;
}

async fn list(s: &Script) {
    for name in ["list-a", "list-b", "list-c"] {
        registered(s, name).await;
    }
    let mut names = Vec::new();
    let mut request = ListNamespacesRequest { page_size: 2, ..Default::default() };
    loop {
        let reply = s.client.call(request.clone()).await.expect("a page");
        names.extend(reply.namespaces.into_iter().map(|namespace| namespace.namespace_info.unwrap_or_default().name));
        request.next_page_token = reply.next_page_token;
        if request.next_page_token.is_empty() {
            break;
        }
    }
    names.retain(|name| name.starts_with("list-") || ["default", "temporal-system"].contains(&name.as_str()));
    names.sort();
    s.note(names.join(" "));
    let _ = s.call(ListNamespacesRequest { page_size: -1, ..Default::default() }).await;
}

async fn update_info(s: &Script) {
    let _ = s.call(UpdateNamespaceRequest::default()).await;
    let _ = s.call(UpdateNamespaceRequest { namespace: "nope".to_owned(), ..Default::default() }).await;
    let namespace = registered(s, "update-info").await;
    let info = |key: &str, value: &str| UpdateNamespaceInfo {
        description: format!("description {value}"),
        data: [(key.to_owned(), value.to_owned())].into(),
        ..Default::default()
    };
    update(s, UpdateNamespaceRequest { namespace: namespace.clone(), ..Default::default() }).await;
    for info in [info("a", "1"), info("b", "2"), info("a", "3"), UpdateNamespaceInfo::default()] {
        update(s, UpdateNamespaceRequest { namespace: namespace.clone(), update_info: Some(info), ..Default::default() }).await;
    }
}

fn with_config(namespace: &str, config: NamespaceConfig) -> UpdateNamespaceRequest {
    UpdateNamespaceRequest { namespace: namespace.to_owned(), config: Some(config), ..Default::default() }
}

async fn update_config(s: &Script) {
    let namespace = registered(s, "update-config").await;
    for retention in [60.0, 7200.0] {
        let config = NamespaceConfig { workflow_execution_retention_ttl: seconds(retention), ..Default::default() };
        update(s, with_config(&namespace, config)).await;
    }
    let archival = NamespaceConfig {
        history_archival_state: 2,
        history_archival_uri: "file:///nowhere".to_owned(),
        visibility_archival_state: 2,
        ..Default::default()
    };
    update(s, with_config(&namespace, archival)).await;
}

async fn update_bad_binaries(s: &Script) {
    let namespace = registered(s, "update-bad-binaries").await;
    let bad = |names: &[String]| NamespaceConfig {
        bad_binaries: Some(BadBinaries {
            binaries: names
                .iter()
                .map(|name| (name.clone(), BadBinaryInfo { reason: "why".to_owned(), ..Default::default() }))
                .collect(),
        }),
        ..Default::default()
    };
    let info = || Some(UpdateNamespaceInfo { description: "so that it is kept".to_owned(), ..Default::default() });
    let one = with_config(&namespace, bad(&["sum".to_owned()]));
    update(s, UpdateNamespaceRequest { update_info: info(), ..one }).await;
    update(s, with_config(&namespace, bad(&(0..10).map(|n| n.to_string()).collect::<Vec<_>>()))).await;
    s.step("those alone are not kept");
    update(s, with_config(&namespace, bad(&["another".to_owned()]))).await;
    describe_namespace(s, &namespace).await;
    let delete_bad_binary = "sum".to_owned();
    let both = with_config(&namespace, bad(&["sum".to_owned()]));
    update(s, UpdateNamespaceRequest { delete_bad_binary, ..both }).await;
    for name in ["none", "sum", "sum"] {
        let delete_bad_binary = name.to_owned();
        update(s, UpdateNamespaceRequest { namespace: namespace.clone(), delete_bad_binary, ..Default::default() }).await;
    }
}

async fn update_search_attribute_columns(s: &Script) {
    let namespace = registered(s, "update-columns").await;
    let columns = |asked: &[(&str, &str)]| NamespaceConfig {
        custom_search_attribute_aliases: asked
            .iter()
            .map(|(column, name)| ((*column).to_owned(), (*name).to_owned()))
            .collect(),
        ..Default::default()
    };
    for asked in [
        &[("Keyword03", "Foo"), ("Int01", "Bar")][..],
        &[("Keyword03", "Other")],
        &[("Keyword04", "Foo")],
        &[("Keyword03", "")],
        &[("Keyword03", "Other")],
        &[("Nope", "Lost"), ("Keyword99", "Far")],
        &[("Keyword05", "Lost"), ("Keyword06", "WorkflowId"), ("Keyword07", "TemporalMine")],
        &[("Nope", ""), ("Keyword06", ""), ("Keyword07", "")],
    ] {
        update(s, with_config(&namespace, columns(asked))).await;
        let request = foretime_server::proto::operatorservice::ListSearchAttributesRequest { namespace: namespace.clone() };
        let listed = s.client.call(request).await.expect("they are listed").custom_attributes;
        s.note(format_args!("{:?}", std::collections::BTreeMap::from_iter(listed)));
    }
}

async fn update_replication(s: &Script) {
    let namespace = registered(s, "update-replication").await;
    let promote = UpdateNamespaceRequest { namespace: namespace.clone(), promote_namespace: true, ..Default::default() };
    update(s, promote).await;
    let named = |name: &str| NamespaceReplicationConfig { active_cluster_name: name.to_owned(), ..Default::default() };
    let among = |clusters| NamespaceReplicationConfig { clusters, ..Default::default() };
    let in_state = |state: ReplicationState| NamespaceReplicationConfig { state: state.into(), ..Default::default() };
    for replication in [
        named("active"),
        named("other"),
        among(vec![cluster("active")]),
        among(vec![cluster("other")]),
        among(vec![cluster("active"), cluster("active")]),
        in_state(ReplicationState::Normal),
        in_state(ReplicationState::Handover),
    ] {
        let replication_config = Some(replication);
        update(s, UpdateNamespaceRequest { namespace: namespace.clone(), replication_config, ..Default::default() }).await;
    }
}

async fn update_state(s: &Script) {
    let namespace = registered(s, "update-state").await;
    let to = |state: NamespaceState| UpdateNamespaceRequest {
        namespace: namespace.clone(),
        update_info: Some(UpdateNamespaceInfo { state: state.into(), ..Default::default() }),
        ..Default::default()
    };
    for state in [NamespaceState::Registered, NamespaceState::Deprecated, NamespaceState::Registered] {
        update(s, to(state)).await;
    }
    let handover = NamespaceReplicationConfig { state: ReplicationState::Handover.into(), ..Default::default() };
    let replication_config = Some(handover);
    update(s, UpdateNamespaceRequest { namespace: namespace.clone(), replication_config, ..Default::default() }).await;
    let info = Some(UpdateNamespaceInfo { state: 77, ..Default::default() });
    update(s, UpdateNamespaceRequest { namespace: namespace.clone(), update_info: info, ..Default::default() }).await;
    update(s, to(NamespaceState::Deleted)).await;
    describe_namespace(s, &namespace).await;
}

/// Waits until starts are refused there: the real server's parts hear of it one by one.
async fn await_refusal(s: &Script, namespace: &str) {
    let start = StartWorkflowExecutionRequest { namespace: namespace.to_owned(), ..s.new_start("probe") };
    loop {
        match s.client.call(start.clone()).await {
            Err(refused) if matches!(refused.code(), Code::FailedPrecondition | Code::NotFound) => return,
            _ => tokio::task::yield_now().await,
        }
    }
}

async fn use_namespace(s: &Script, namespace: &str) {
    let namespace = || namespace.to_owned();
    let _ = s.call(StartWorkflowExecutionRequest { namespace: namespace(), ..s.new_start("wf") }).await;
    let swi = SignalWithStartWorkflowExecutionRequest { namespace: namespace(), ..s.new_signal_with_start("wf", "s") };
    let _ = s.call(swi).await;
    let signal = SignalWorkflowExecutionRequest { namespace: namespace(), ..s.new_signal("probe", "s") };
    let _ = s.call(signal).await.map(drop);
    let _ = s.call(DescribeWorkflowExecutionRequest { namespace: namespace(), ..s.new_describe("probe") }).await;
    let _ = s.call(UpdateNamespaceRequest { namespace: namespace(), ..Default::default() }).await;
}

async fn deprecate(s: &Script) {
    let _ = s.call(DeprecateNamespaceRequest::default()).await;
    let _ = s.call(DeprecateNamespaceRequest { namespace: "nope".to_owned(), ..Default::default() }).await;
    let namespace = registered(s, "deprecate-me").await;
    let request = DeprecateNamespaceRequest { namespace: namespace.clone(), ..Default::default() };
    let _ = s.call(request.clone()).await;
    let _ = s.call(request).await;
    describe_namespace(s, &namespace).await;
    await_refusal(s, &namespace).await;
    let _ = s.call(StartWorkflowExecutionRequest { namespace: namespace.clone(), ..s.new_start("wf") }).await;
    let swi = SignalWithStartWorkflowExecutionRequest { namespace: namespace.clone(), ..s.new_signal_with_start("wf", "s") };
    let _ = s.call(swi).await;
    let signal = SignalWorkflowExecutionRequest { namespace, ..s.new_signal("probe", "s") };
    let _ = s.call(signal).await;
}

async fn delete(s: &Script) {
    let namespace = registered(s, "delete-me").await;
    let request = DescribeNamespaceRequest { namespace: namespace.clone(), ..Default::default() };
    let id = s.client.call(request).await.expect("it is there").namespace_info.unwrap_or_default().id;
    let reply = s.client.call(DeleteNamespaceRequest { namespace: namespace.clone(), ..Default::default() }).await;
    let new_name = reply.expect("it is deleted").deleted_namespace;
    s.note(if new_name == format!("{namespace}-deleted-{}", &id[..5]) { "renamed" } else { "renamed otherwise" });
    await_refusal(s, &namespace).await;
    let _ = s.call(StartWorkflowExecutionRequest { namespace: namespace.clone(), ..s.new_start("wf") }).await;
    let _ = s.call(DescribeNamespaceRequest { namespace: namespace.clone(), ..Default::default() }).await;
    let reply = s.client.call(DescribeNamespaceRequest { id, ..Default::default() }).await.expect("it is there still");
    s.note(reply.namespace_info.unwrap_or_default().state().as_str_name());
    for include_deleted in [false, true] {
        let namespace_filter = Some(NamespaceFilter { include_deleted });
        let request = ListNamespacesRequest { namespace_filter, ..Default::default() };
        let all = s.client.call(request).await.expect("a list").namespaces;
        let is_listed = all.into_iter().any(|listed| listed.namespace_info.unwrap_or_default().name == new_name);
        s.note(format_args!("deleted ones {include_deleted}: listed {is_listed}"));
    }
    let _ = s.call(registration(&namespace)).await;
    let new_name_gone = new_name.clone();
    let by_new_name = StartWorkflowExecutionRequest { namespace: new_name.clone(), ..s.new_start("wf") };
    let refused = s.client.call(by_new_name).await.expect_err("it is deleted");
    s.note(format_args!("{:?} {}", refused.code(), refused.message()));
    let by_new_name = DescribeWorkflowExecutionRequest { namespace: new_name, ..s.new_describe("probe") };
    let refused = s.client.call(by_new_name).await.expect_err("it is deleted");
    s.note(format_args!("{:?} {}", refused.code(), refused.message()));
    // What is in it is deleted, and then it is no more.
    let describe = DescribeNamespaceRequest { namespace: new_name_gone, ..Default::default() };
    while s.client.call(describe.clone()).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let refused = s.client.call(describe).await.expect_err("it is gone");
    s.note(format_args!("{:?}", refused.code()));
}

async fn delete_refused(s: &Script) {
    let by = |namespace: &str, id: &str| DeleteNamespaceRequest {
        namespace: namespace.to_owned(),
        namespace_id: id.to_owned(),
        ..Default::default()
    };
    for (namespace, id) in
        [("", ""), ("nope", ""), ("", "01234567-89ab-cdef-0123-456789abcdef"), ("temporal-system", ""), ("default", "x")]
    {
        let _ = s.call(by(namespace, id)).await;
    }
    let _ = s.call(by(&"n".repeat(1001), "")).await;
    let namespace = registered(s, "deleted-by-state").await;
    let request = UpdateNamespaceRequest {
        namespace: namespace.clone(),
        update_info: Some(UpdateNamespaceInfo { state: NamespaceState::Deleted.into(), ..Default::default() }),
        ..Default::default()
    };
    s.client.call(request).await.expect("it is updated");
    await_refusal(s, &namespace).await;
    use_namespace(s, &namespace).await;
}

async fn clusters(s: &Script) {
    let all = s.client.call(ListClustersRequest::default()).await.expect("a list").clusters;
    for cluster in all {
        let (name, shards, version) = (&cluster.cluster_name, cluster.history_shard_count, cluster.initial_failover_version);
        s.note(format_args!("{name} {shards} {version} {}", cluster.is_connection_enabled));
    }
    let remove = |name: &str| RemoveRemoteClusterRequest { cluster_name: name.to_owned() };
    let _ = s.call(remove("")).await;
    let _ = s.call(remove("nope")).await;
    let _ = s.call(remove("active")).await;
    let refused = s.client.call(AddOrUpdateRemoteClusterRequest::default()).await.expect_err("there is none");
    s.note(format_args!("{:?}", refused.code()));
    let info = s.client.call(GetClusterInfoRequest::default()).await.expect("it is there");
    for (client, versions) in info.supported_clients {
        s.note(format_args!("{client} {versions}"));
    }
    s.note(format_args!("{} {}", info.initial_failover_version, info.failover_version_increment));
}

async fn partitions(s: &Script) {
    let of =
        |name: &str| ListTaskQueuePartitionsRequest { namespace: NAMESPACE.to_owned(), task_queue: Some(task_queue(name)) };
    let _ = s.call(ListTaskQueuePartitionsRequest::default()).await;
    let _ = s.call(ListTaskQueuePartitionsRequest { task_queue: None, ..of("") }).await;
    let _ = s.call(ListTaskQueuePartitionsRequest { namespace: "nope".to_owned(), ..of("q") }).await;
    let _ = s.call(of("")).await;
    let _ = s.call(of("/_sys/q/1")).await;
    let _ = s.call(of(&"n".repeat(1001))).await;
    let reply = s.client.call(of("q")).await.expect("a list");
    let roots = [&reply.workflow_task_queue_partitions, &reply.activity_task_queue_partitions];
    s.note(roots.map(|partitions| partitions[0].key.clone()).join(" "));
}
