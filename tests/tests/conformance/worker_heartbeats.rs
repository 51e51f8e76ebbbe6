//! What workers tell of themselves, and who asks for it.

#![allow(deprecated, reason = "clients may still read `workers_info`")]

use foretime_server::proto::{
    deployment::WorkerDeploymentVersion,
    enums::WorkerStatus,
    worker::{WorkerHeartbeat, WorkerHostInfo},
    workflowservice::*,
};
use foretime_tests::script::*;

crate::scripts![told, told_by_others, filters, filters_that_match_nobody, refused_filters, pages, refused];

fn heartbeat(s: &Script, name: &str) -> WorkerHeartbeat {
    WorkerHeartbeat {
        worker_instance_key: format!("{}-{name}", s.queue()),
        worker_identity: format!("identity-{name}"),
        host_info: Some(WorkerHostInfo {
            host_name: format!("host-{name}"),
            process_id: "7".to_owned(),
            worker_grouping_key: "group".to_owned(),
            ..Default::default()
        }),
        task_queue: s.queue().to_owned(),
        sdk_name: "temporal-script".to_owned(),
        sdk_version: "1.2.3".to_owned(),
        status: WorkerStatus::Running.into(),
        ..Default::default()
    }
}

async fn tell(s: &Script, worker_heartbeat: Vec<WorkerHeartbeat>) {
    let request = RecordWorkerHeartbeatRequest {
        namespace: NAMESPACE.to_owned(),
        identity: "worker".to_owned(),
        worker_heartbeat,
        ..Default::default()
    };
    let _ = s.call(request).await;
}

/// Without the order in which the real server happens to have them.
async fn list(s: &Script, query: &str) {
    let request = ListWorkersRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned(), ..Default::default() };
    let mut reply = s.client.call(request).await;
    if let Ok(reply) = &mut reply {
        reply.workers.sort_by(|a, b| a.worker_instance_key.cmp(&b.worker_instance_key));
        let key = |it: &foretime_server::proto::worker::WorkerInfo| {
            it.worker_heartbeat.as_ref().map(|it| it.worker_instance_key.clone())
        };
        reply.workers_info.sort_by_key(key);
    }
    s.show::<ListWorkersRequest>(&reply);
}

/// Only which workers a query finds.
async fn keys(s: &Script, condition: &str) {
    s.step(condition);
    let query = format!("TaskQueue = '{}' AND ({condition})", s.queue());
    let request = CountWorkersRequest { namespace: NAMESPACE.to_owned(), query, ..Default::default() };
    let _ = s.call(request).await;
}

async fn count(s: &Script, query: &str) {
    let request = CountWorkersRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned(), ..Default::default() };
    let _ = s.call(request).await;
}

async fn describe(s: &Script, name: &str) {
    let worker_instance_key = format!("{}-{name}", s.queue());
    let _ = s.call(DescribeWorkerRequest { namespace: NAMESPACE.to_owned(), worker_instance_key }).await;
}

async fn told(s: &Script) {
    let own = format!("TaskQueue = '{}'", s.queue());
    tell(s, vec![heartbeat(s, "a"), heartbeat(s, "b")]).await;
    list(s, &own).await;
    describe(s, "a").await;
    s.step("the last one counts");
    tell(s, vec![WorkerHeartbeat { worker_identity: "another".to_owned(), ..heartbeat(s, "a") }]).await;
    describe(s, "a").await;
    s.step("one shuts down");
    tell(s, vec![WorkerHeartbeat { status: WorkerStatus::ShuttingDown.into(), ..heartbeat(s, "a") }]).await;
    count(s, &own).await;
    tell(s, vec![WorkerHeartbeat { status: WorkerStatus::Shutdown.into(), ..heartbeat(s, "a") }]).await;
    count(s, &own).await;
    describe(s, "a").await;
    s.step("nobody");
    tell(s, vec![]).await;
}

async fn told_by_others(s: &Script) {
    let own = format!("TaskQueue = '{}'", s.queue());
    tell(s, vec![heartbeat(s, "a")]).await;
    let shutdown = ShutdownWorkerRequest {
        namespace: NAMESPACE.to_owned(),
        worker_instance_key: format!("{}-a", s.queue()),
        worker_heartbeat: Some(WorkerHeartbeat { status: WorkerStatus::Shutdown.into(), ..heartbeat(s, "a") }),
        ..Default::default()
    };
    let _ = s.call(shutdown).await;
    count(s, &own).await;
}

async fn filters(s: &Script) {
    let version = WorkerDeploymentVersion { deployment_name: "shop".to_owned(), build_id: "one".to_owned() };
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 500_000_000 });
    tell(
        s,
        vec![
            WorkerHeartbeat { deployment_version: Some(version), start_time: at(1_700_000_000), ..heartbeat(s, "a") },
            WorkerHeartbeat { heartbeat_time: at(1_700_000_100), ..heartbeat(s, "b") },
            WorkerHeartbeat { host_info: None, sdk_name: String::new(), ..heartbeat(s, "c") },
        ],
    )
    .await;
    let conditions = [
        "WorkerIdentity = 'identity-a'",
        "WorkerIdentity != 'identity-a'",
        "WorkerInstanceKey STARTS_WITH 'x'",
        "WorkerInstanceKey NOT STARTS_WITH 'x'",
        "HostName STARTS_WITH 'host-'",
        "HostName IS NULL",
        "SdkName IS NOT NULL AND SdkVersion = '1.2.3'",
        "DeploymentName = 'shop' OR BuildId = 'two'",
        "BuildId IS NULL",
        "WorkerStatus = 'Running'",
        "Status = 'Running'",
        "status = 'running'",
        "StartTime = '2023-11-14T22:13:20.5Z'",
        "StartTime > '2023-11-14T22:13:20Z'",
        "StartTime < '2000-01-01T00:00:00Z'",
        "StartTime IS NULL",
        "StartTime BETWEEN '2023-11-14T22:13:20Z' AND '2023-11-14T22:13:21Z'",
        "StartTime NOT BETWEEN '2023-11-14T22:13:20Z' AND '2023-11-14T22:13:21Z'",
        "HeartbeatTime >= 1700000100500000000",
        "HeartbeatTime != 0",
    ];
    for condition in conditions {
        keys(s, condition).await;
    }
}

async fn filters_that_match_nobody(s: &Script) {
    tell(s, vec![heartbeat(s, "a")]).await;
    let conditions = [
        "workeridentity = 'identity-a'",
        "WorkerIdentity = ''",
        "WorkerIdentity = 5",
        "WorkerIdentity > 'a'",
        "WorkerIdentity IN ('identity-a')",
        "NOT WorkerIdentity = 'x'",
        "WorkerIdentity IS TRUE",
        "WorkerIdentity BETWEEN 'a' AND 'z'",
        "Nope = 'x' OR WorkerIdentity = 'identity-a'",
        "WorkerIdentity = 'identity-a' OR Nope = 'x'",
        "StartTime = 'yesterday'",
        "StartTime STARTS_WITH '2023'",
        "WorkerIdentity",
        "'a' = WorkerIdentity",
        "(WorkerIdentity = 'identity-a')",
    ];
    for condition in conditions {
        keys(s, condition).await;
    }
}

async fn refused_filters(s: &Script) {
    let queries = [
        "WorkerIdentity =",
        "   ",
        "WorkerIdentity = 'a' LIMIT 5",
        "WorkerIdentity = 'nobody' ORDER BY WorkerIdentity",
        "ORDER BY WorkerIdentity",
        "where WorkerIdentity = 'a'",
        " SELECT * FROM workers",
    ];
    for query in queries {
        s.step(query);
        count(s, query).await;
        list(s, query).await;
    }
}

async fn pages(s: &Script) {
    tell(s, ["c", "a", "b"].map(|name| heartbeat(s, name)).into()).await;
    let query = format!("TaskQueue = '{}'", s.queue());
    let request =
        ListWorkersRequest { namespace: NAMESPACE.to_owned(), query: query.clone(), page_size: 2, ..Default::default() };
    let first = s.call(request.clone()).await.unwrap_or_default();
    let _ = s.call(ListWorkersRequest { next_page_token: first.next_page_token, ..request.clone() }).await;
    s.step("tokens of all kinds");
    for token in ["x", "{}", "5", r#"{"l": "zzz"}"#, r#"{"l": 5}"#] {
        let request = ListWorkersRequest { next_page_token: token.into(), ..request.clone() };
        let _ = s.call(request).await;
    }
    s.step("a page of less than nothing");
    let _ = s.call(ListWorkersRequest { page_size: -1, ..request.clone() }).await;
    s.step("a bad token of nobody's");
    let nobody = "WorkerIdentity = 'nobody'".to_owned();
    let _ = s.call(ListWorkersRequest { query: nobody, next_page_token: "x".into(), ..request }).await;
}

async fn refused(s: &Script) {
    s.step("of no worker");
    tell(s, vec![heartbeat(s, "a")]).await;
    describe(s, "missing").await;
    let _ = s.call(DescribeWorkerRequest { namespace: NAMESPACE.to_owned(), ..Default::default() }).await;
    for namespace in ["", "missing"] {
        s.step("in no namespace");
        let namespace = namespace.to_owned();
        let _ = s.call(RecordWorkerHeartbeatRequest { namespace: namespace.clone(), ..Default::default() }).await;
        let _ = s.call(ListWorkersRequest { namespace: namespace.clone(), ..Default::default() }).await;
        let _ = s.call(CountWorkersRequest { namespace: namespace.clone(), ..Default::default() }).await;
        let _ = s.call(DescribeWorkerRequest { namespace: namespace.clone(), ..Default::default() }).await;
    }
}
