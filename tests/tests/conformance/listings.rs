//! Lists and counts of executions: what is shown, in which order, page by page, and the older calls.

use foretime_server::proto::{
    command::UpsertWorkflowSearchAttributesCommandAttributes,
    common::{Memo, Payload, SearchAttributes, WorkerVersionStamp},
    enums::WorkflowExecutionStatus as Status,
    filter::{StartTimeFilter, StatusFilter, WorkflowExecutionFilter, WorkflowTypeFilter},
    workflow::WorkflowExecutionInfo,
    workflowservice::{list_closed_workflow_executions_request as closed, list_open_workflow_executions_request as open, *},
};
use foretime_tests::{commands::*, script::*};

use crate::list_filters::{among, ask, await_counted};

crate::scripts![
    a_running_one,
    a_closed_one,
    a_child,
    a_worker_of_a_build,
    values_as_they_are_stored,
    values_in_odd_forms,
    values_that_are_refused,
    what_a_workflow_upserts,
    order,
    chains,
    every_status,
    pages,
    foreign_tokens,
    scan,
    counts,
    open_ones,
    closed_ones,
    archived_ones,
    of_namespaces,
];

/// A list of what a condition finds among the script's workflows.
fn new_list(s: &Script, condition: &str) -> ListWorkflowExecutionsRequest {
    ListWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: among(s, condition), ..Default::default() }
}

async fn list(s: &Script, condition: &str) {
    let _ = s.call(new_list(s, condition)).await;
}

/// The script's ids among these.
fn ids(s: &Script, executions: &[WorkflowExecutionInfo]) -> String {
    let prefix = s.id("");
    let ids = executions.iter().filter_map(|info| info.execution.as_ref()?.workflow_id.strip_prefix(&prefix));
    ids.collect::<Vec<_>>().join(" ")
}

async fn a_running_one(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest {
        memo: Some(Memo { fields: [("note".to_owned(), payload("a memo"))].into() }),
        search_attributes: Some(SearchAttributes { indexed_fields: [("Colour".to_owned(), payload("green"))].into() }),
        ..s.new_start("wf")
    })
    .await;
    await_counted(s, "", 1).await;
    list(s, "").await;
    s.signal("wf", "go").await;
    list(s, "ExecutionStatus = 'Running'").await;
}

async fn a_closed_one(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
    await_counted(s, "CloseTime IS NOT NULL", 1).await;
    list(s, "").await;
    for condition in ["HistoryLength = 5", "HistoryLength = 4", "ExecutionDuration >= 0", "ExecutionDuration > '1h'"] {
        ask(s, &among(s, condition)).await;
    }
}

async fn a_child(s: &Script) {
    let run_id = s.start("wf").await;
    s.run_task([start_child(s.child("child"))]).await;
    await_counted(s, "", 2).await;
    list(s, "ParentWorkflowId IS NOT NULL").await;
    for condition in [
        format!("ParentWorkflowId = '{}'", s.id("wf")),
        format!("ParentRunId = '{run_id}'"),
        format!("RootWorkflowId = '{}'", s.id("wf")),
        format!("RootRunId = '{run_id}' AND ParentRunId IS NULL"),
        format!("RunId = '{run_id}'"),
        format!("TaskQueue = '{}'", s.queue()),
    ] {
        let reply = s.client.call(new_list(s, &condition)).await.expect("a list");
        s.note(ids(s, &reply.executions));
    }
}

#[expect(deprecated, reason = "workers without a deployment say their build so")]
async fn a_worker_of_a_build(s: &Script) {
    s.start("wf").await;
    let task = s.workflow_task().await;
    let completion = RespondWorkflowTaskCompletedRequest {
        worker_version_stamp: Some(WorkerVersionStamp { build_id: "build".to_owned(), use_versioning: false }),
        ..s.new_completion(&task, [])
    };
    let _ = s.call(completion).await;
    await_counted(s, "BuildIds IS NOT NULL", 1).await;
    list(s, "BuildIds = 'unversioned:build'").await;
    ask(s, &among(s, "BuildIds IN ('nothing', 'Unversioned')")).await;
    ask(s, &among(s, "BuildIds = 'build'")).await;
}

async fn values_as_they_are_stored(s: &Script) {
    let values = [
        ("Size", "[7]"),
        ("Weight", "1.50"),
        ("Ripe", "null"),
        ("Tags", "[]"),
        ("Colour", r#"["a<b>&c"]"#),
        ("Picked", r#""2026-01-01T00:00:00.100+02:00""#),
        ("Note", r#""caf\u00e9""#),
        ("TemporalChangeVersion", r#"["x-1", "y-2"]"#),
    ];
    let mut fields: std::collections::BTreeMap<String, Payload> =
        values.iter().map(|(name, data)| ((*name).to_owned(), Payload { data: (*data).into(), ..payload("") })).collect();
    if let Some(colour) = fields.get_mut("Colour") {
        colour.metadata.extend([("type".to_owned(), b"Text".to_vec()), ("more".to_owned(), b"data".to_vec())]);
    }
    s.start_with(StartWorkflowExecutionRequest {
        search_attributes: Some(SearchAttributes { indexed_fields: fields }),
        ..s.new_start("wf")
    })
    .await;
    await_counted(s, "", 1).await;
    list(s, "").await;
    for condition in ["Size = 7", "Weight = 1.5", "Ripe IS NULL", "Tags IS NULL", "Colour = 'a<b>&c'", "Note = 'cafe'"] {
        ask(s, &among(s, condition)).await;
    }
    for condition in ["Picked = '2025-12-31T22:00:00.1Z'", "Picked > '2025-12-31T22:00:00.1Z'", "TemporalChangeVersion = 'Y-2'"]
    {
        ask(s, &among(s, condition)).await;
    }
}

async fn values_in_odd_forms(s: &Script) {
    let values = [
        ("Size", "-0"),
        ("Picked", r#""2026-01-01T00:00:00+00:00""#),
        ("Picked", r#""2026-01-01T00:00:00.500-00:00""#),
        ("Picked", r#""2026-01-01T5:00:00,120+02:00""#),
        ("Picked", r#""2026-01-01T00:00:00.9999999999Z""#),
        ("Tags", r#"[["a","b"]]"#),
        ("Tags", r#"[null,"a"]"#),
        ("Tags", "[[]]"),
        ("Tags", r#"["a<b","a<b"]"#),
    ];
    for (at, (name, data)) in values.into_iter().enumerate() {
        let (id, value) = (format!("w{at}"), Payload { data: data.into(), ..payload("") });
        let indexed_fields = [(name.to_owned(), value)].into();
        let start =
            StartWorkflowExecutionRequest { search_attributes: Some(SearchAttributes { indexed_fields }), ..s.new_start(&id) };
        s.client.call(start).await.expect("it starts");
        await_counted(s, &format!("WorkflowId = '{}'", s.id(&id)), 1).await;
        let reply = s.client.call(new_list(s, &format!("WorkflowId = '{}'", s.id(&id)))).await.expect("a list");
        let listed = reply.executions.into_iter().filter_map(|info| info.search_attributes?.indexed_fields.remove(name));
        let listed: Vec<_> = listed.map(|payload| String::from_utf8_lossy(&payload.data).into_owned()).collect();
        s.note(format_args!("{data}: {}", listed.join(" ")));
    }
    for condition in [
        "Size = 0",
        "Picked = '2026-01-01T00:00:00Z'",
        "Picked < '2026-01-01T04:00:00+01:00'",
        "Picked >= '2026-01-01T00:00:02Z'",
        "Tags = 'A'",
        "Tags IN ('b', 'nothing')",
        "Tags IS NULL",
    ] {
        ask(s, &among(s, condition)).await;
    }
}

async fn values_that_are_refused(s: &Script) {
    let of = |encoding: &str, data: &[u8]| Payload {
        metadata: [("encoding".to_owned(), encoding.into())].into(),
        data: data.to_vec(),
        ..Payload::default()
    };
    let mut named = of("binary/encrypted", b"\xff\xfe \xc3\xa9\"\\\n\x01");
    named.metadata.insert("key".to_owned(), b"\x00".to_vec());
    let values = [
        ("Size", of("json/plain", b"{bad")),
        ("Size", of("json/plain", b"")),
        ("Size", of("json/plain", b"-0.0")),
        ("Size", of("binary/plain", b"abc")),
        ("Colour", of("binary/plain", b"")),
        ("Colour", of("json/protobuf", b"\"a\"")),
        ("Note", Payload::default()),
        ("Tags", named),
        ("Picked", of("json/plain", b"\"2026-01-01T00:0:00Z\"")),
    ];
    for (name, value) in values {
        let indexed_fields = [(name.to_owned(), value)].into();
        let start =
            StartWorkflowExecutionRequest { search_attributes: Some(SearchAttributes { indexed_fields }), ..s.new_start("wf") };
        let _ = s.call(start).await;
    }
}

async fn what_a_workflow_upserts(s: &Script) {
    s.start("wf").await;
    let fields = [("Colour".to_owned(), payload("green"))].into();
    let search_attributes = Some(SearchAttributes { indexed_fields: fields });
    s.run_task([upsert_search_attributes(UpsertWorkflowSearchAttributesCommandAttributes { search_attributes })]).await;
    await_counted(s, "Colour = 'green'", 1).await;
    s.signal("wf", "go").await;
    let fields = [("Colour".to_owned(), payload("red")), ("Size".to_owned(), Payload { data: b"3".to_vec(), ..payload("") })];
    let search_attributes = Some(SearchAttributes { indexed_fields: fields.into() });
    s.run_task([upsert_search_attributes(UpsertWorkflowSearchAttributesCommandAttributes { search_attributes })]).await;
    await_counted(s, "Colour = 'red'", 1).await;
    ask(s, &among(s, "Colour = 'green'")).await;
    list(s, "Size > 2.5").await;
}

async fn order(s: &Script) {
    for id in ["w1", "w2", "w3", "w4"] {
        s.start(id).await;
    }
    await_counted(s, "", 4).await;
    ask(s, &among(s, "")).await;
    s.terminate("w2").await;
    await_counted(s, "CloseTime IS NOT NULL", 1).await;
    s.terminate("w4").await;
    await_counted(s, "CloseTime IS NOT NULL", 2).await;
    ask(s, &among(s, "")).await;
    s.terminate("w1").await;
    await_counted(s, "CloseTime IS NOT NULL", 3).await;
    for condition in ["", "ExecutionStatus = 'Terminated'", "WorkflowType = 'W'"] {
        ask(s, &among(s, condition)).await;
    }
}

async fn chains(s: &Script) {
    s.start("wf").await;
    s.await_restart_interval().await;
    s.run_task([continue_as_new(s.next_run())]).await;
    await_counted(s, "", 2).await;
    await_counted(s, "ExecutionStatus = 'ContinuedAsNew'", 1).await;
    list(s, "").await;
}

async fn every_status(s: &Script) {
    for (id, command) in [("completed", complete_workflow("done")), ("failed", fail_workflow("no"))] {
        s.start(id).await;
        s.run_task([command]).await;
    }
    s.start("canceled").await;
    s.request_cancel("canceled").await;
    s.run_task([cancel_workflow()]).await;
    s.start_with(StartWorkflowExecutionRequest { workflow_run_timeout: seconds(1.0), ..s.new_start("timed-out") }).await;
    s.start("terminated").await;
    s.terminate("terminated").await;
    await_counted(s, "ExecutionStatus != 'Running'", 5).await;
    for status in ["Running", "Completed", "Failed", "Canceled", "Terminated", "ContinuedAsNew", "TimedOut", "Paused"] {
        ask(s, &among(s, &format!("ExecutionStatus = '{status}'"))).await;
    }
    for number in 0..10 {
        ask(s, &among(s, &format!("ExecutionStatus = {number}"))).await;
    }
    count(s, &format!("{} GROUP BY ExecutionStatus", among(s, ""))).await;
}

async fn pages(s: &Script) {
    for id in ["w1", "w2", "w3", "w4", "w5"] {
        s.start(id).await;
    }
    s.terminate("w3").await;
    await_counted(s, "CloseTime IS NOT NULL", 1).await;
    await_counted(s, "", 5).await;
    for page_size in [1, 2, 3, 5, 6] {
        s.step(&format!("pages of {page_size}"));
        let mut request = ListWorkflowExecutionsRequest { page_size, ..new_list(s, "") };
        loop {
            let reply = s.client.call(request.clone()).await.expect("a page");
            let more = if reply.next_page_token.is_empty() { "the end" } else { "more" };
            s.note(format_args!("{}, {more}", ids(s, &reply.executions)));
            if reply.next_page_token.is_empty() {
                break;
            }
            request.next_page_token = reply.next_page_token;
        }
    }
    s.step("odd sizes");
    for page_size in [-1, 0, 1000, 1001, i32::MAX] {
        let reply = s.client.call(ListWorkflowExecutionsRequest { page_size, ..new_list(s, "") }).await.expect("a page");
        s.note(ids(s, &reply.executions));
    }
    s.step("a token of another query");
    let first = s.client.call(ListWorkflowExecutionsRequest { page_size: 2, ..new_list(s, "") }).await.expect("a page");
    let next_page_token = first.next_page_token;
    let other = ListWorkflowExecutionsRequest { next_page_token, ..new_list(s, "ExecutionStatus = 'Terminated'") };
    let reply = s.client.call(other).await.expect("a page");
    s.note(ids(s, &reply.executions));
}

async fn foreign_tokens(s: &Script) {
    s.start("w1").await;
    s.start("w2").await;
    s.terminate("w2").await;
    await_counted(s, "CloseTime IS NOT NULL", 1).await;
    await_counted(s, "", 2).await;
    for token in [
        "bad",
        "{}",
        "null",
        "[]",
        "\"\"",
        "{",
        "5",
        "true",
        r#"{"CloseTime":1}"#,
        r#"{"CloseTime":"x"}"#,
        r#"{"RunID":5}"#,
        r#"{"RunID":"x"}"#,
        r#"{"StartTime":null}"#,
        r#"{"CloseTime":[],"RunID":true}"#,
        r#"{"RunID":{}}"#,
        "not a token",
        "{'a':1}",
        "[1,]",
        "\u{fe}",
        r#"{"a":1} x"#,
        r#"{"a":1}"#,
        r#"{"closetime":"9999-12-31T23:59:59Z","StartTime":"2200-01-01T00:00:00Z"}"#,
        r#"{"CloseTime":"9999-12-31T23:59:59Z","StartTime":"2000-01-01T00:00:00Z","RunID":"x"}"#,
        r#"{"CloseTime":"2200-01-01T00:00:00Z","StartTime":"2000-01-01T00:00:00Z","RunID":"x"}"#,
    ] {
        s.note(token);
        let next_page_token = token.as_bytes().to_vec();
        match s.client.call(ListWorkflowExecutionsRequest { next_page_token, ..new_list(s, "") }).await {
            Ok(reply) => s.note(ids(s, &reply.executions)),
            Err(refusal) => s.show::<ListWorkflowExecutionsRequest>(&Err(refusal)),
        }
    }
    s.step("a query that is none comes first");
    let _ = s
        .call(ListWorkflowExecutionsRequest { next_page_token: b"bad".to_vec(), query: "x =".to_owned(), ..new_list(s, "") })
        .await;
}

async fn scan(s: &Script) {
    s.start("w1").await;
    s.start("w2").await;
    await_counted(s, "", 2).await;
    let request = ScanWorkflowExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        query: among(s, ""),
        page_size: 1,
        ..Default::default()
    };
    let first = s.call(request.clone()).await.expect("a page");
    let _ = s.call(ScanWorkflowExecutionsRequest { next_page_token: first.next_page_token, ..request.clone() }).await;
    let _ = s.call(ScanWorkflowExecutionsRequest { query: "x =".to_owned(), ..request }).await;
}

async fn count(s: &Script, query: &str) {
    s.note(query);
    let _ = s.call(CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned() }).await;
}

async fn counts(s: &Script) {
    for id in ["w1", "w2", "w3"] {
        s.start(id).await;
    }
    let fields = [("TemporalNamespaceDivision".to_owned(), payload("Div"))].into();
    s.start_with(StartWorkflowExecutionRequest {
        search_attributes: Some(SearchAttributes { indexed_fields: fields }),
        ..s.new_start("w4")
    })
    .await;
    s.terminate("w1").await;
    await_counted(s, "TemporalNamespaceDivision IS NULL OR TemporalNamespaceDivision IS NOT NULL", 4).await;
    await_counted(s, "CloseTime IS NOT NULL", 1).await;
    let all = among(s, "");
    for clause in [
        "",
        "AND ExecutionStatus = 'Running'",
        "AND ExecutionStatus = 'Failed'",
        "GROUP BY ExecutionStatus",
        "AND WorkflowType = 'nothing' GROUP BY ExecutionStatus",
        "GROUP BY TemporalNamespaceDivision",
        "GROUP BY NamespaceDivision",
        "AND TemporalNamespaceDivision IS NOT NULL GROUP BY ExecutionStatus",
        "GROUP BY WorkflowType",
        "GROUP BY Colour",
        "GROUP BY nothing",
        "GROUP BY 'x'",
        "GROUP BY (ExecutionStatus)",
        "GROUP BY ExecutionStatus, WorkflowType",
        "GROUP BY ExecutionStatus HAVING Colour = 'x'",
        "GROUP BY ExecutionStatus ORDER BY StartTime",
        "GROUP BY ExecutionStatus LIMIT 1",
        "ORDER BY StartTime",
        "AND BatcherNamespace = 'x'",
        "AND BatcherNamespace = 'x' GROUP BY ExecutionStatus",
        "AND Note = '\"'",
    ] {
        count(s, &format!("{all} {clause}")).await;
    }
}

fn new_open(filters: Option<open::Filters>, times: Option<(i64, i64)>) -> ListOpenWorkflowExecutionsRequest {
    ListOpenWorkflowExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        filters,
        start_time_filter: times.map(time_filter),
        ..Default::default()
    }
}

/// 0: not given.
fn time_filter((earliest, latest): (i64, i64)) -> StartTimeFilter {
    let at = |seconds| (seconds != 0).then_some(prost_types::Timestamp { seconds, nanos: 0 });
    StartTimeFilter { earliest_time: at(earliest), latest_time: at(latest) }
}

const YEAR_1: i64 = -62_135_596_800;

async fn open_ones(s: &Script) {
    s.start("w1").await;
    s.start_with(StartWorkflowExecutionRequest { workflow_type: Some(workflow_type("OpenOnes")), ..s.new_start("w2") }).await;
    s.start("w3").await;
    s.terminate("w3").await;
    await_counted(s, "CloseTime IS NOT NULL", 1).await;
    await_counted(s, "", 3).await;
    let id = |id: String| open::Filters::ExecutionFilter(WorkflowExecutionFilter { workflow_id: id, run_id: "any".to_owned() });
    let of_type = |name: &str| open::Filters::TypeFilter(WorkflowTypeFilter { name: name.to_owned() });
    for (words, request) in [
        ("all", new_open(None, None)),
        ("one", new_open(Some(id(s.id("w1"))), None)),
        ("a closed one", new_open(Some(id(s.id("w3"))), None)),
        ("a quote", new_open(Some(id("w'1".to_owned())), None)),
        ("a type", new_open(Some(of_type("OpenOnes")), None)),
        ("no type", new_open(Some(of_type("")), None)),
        ("since then", new_open(None, Some((100, 0)))),
        ("until then", new_open(None, Some((0, 100)))),
        ("in between", new_open(Some(of_type("OpenOnes")), Some((100, 9_000_000_000)))),
        ("the wrong way round", new_open(None, Some((100, 50)))),
        ("until the year 1", new_open(None, Some((0, YEAR_1)))),
        ("too late", new_open(None, Some((1 << 60, 0)))),
        ("a foreign token", ListOpenWorkflowExecutionsRequest { next_page_token: b"bad".to_vec(), ..new_open(None, None) }),
        ("no namespace", ListOpenWorkflowExecutionsRequest { namespace: String::new(), ..new_open(None, Some((100, 50))) }),
    ] {
        s.step(words);
        match s.client.call(request).await {
            Ok(reply) => s.note(ids(s, &reply.executions)),
            Err(refusal) => s.show::<ListOpenWorkflowExecutionsRequest>(&Err(refusal)),
        }
    }
}

fn new_closed(filters: Option<closed::Filters>, times: Option<(i64, i64)>) -> ListClosedWorkflowExecutionsRequest {
    ListClosedWorkflowExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        filters,
        start_time_filter: times.map(time_filter),
        ..Default::default()
    }
}

async fn closed_ones(s: &Script) {
    for id in ["w1", "w2", "w3"] {
        let of_type = Some(workflow_type("ClosedOnes"));
        s.start_with(StartWorkflowExecutionRequest { workflow_type: of_type, ..s.new_start(id) }).await;
    }
    s.terminate("w1").await;
    await_counted(s, "CloseTime IS NOT NULL", 1).await;
    s.terminate("w3").await;
    await_counted(s, "CloseTime IS NOT NULL", 2).await;
    let status = |status: i32| closed::Filters::StatusFilter(StatusFilter { status });
    let id = |id: String| closed::Filters::ExecutionFilter(WorkflowExecutionFilter { workflow_id: id, ..Default::default() });
    let of_type = |name: &str| closed::Filters::TypeFilter(WorkflowTypeFilter { name: name.to_owned() });
    for (words, request) in [
        ("all", new_closed(None, None)),
        ("one", new_closed(Some(id(s.id("w1"))), None)),
        ("an open one", new_closed(Some(id(s.id("w2"))), None)),
        ("a type", new_closed(Some(of_type("ClosedOnes")), None)),
        ("terminated", new_closed(Some(status(Status::Terminated.into())), None)),
        ("completed", new_closed(Some(status(Status::Completed.into())), None)),
        ("running", new_closed(Some(status(Status::Running.into())), None)),
        ("of no status", new_closed(Some(status(0)), None)),
        ("of an unknown status", new_closed(Some(status(99)), None)),
        ("since then", new_closed(None, Some((100, 0)))),
        ("until then", new_closed(None, Some((0, 100)))),
        ("the wrong way round", new_closed(None, Some((100, 50)))),
        ("no such namespace", ListClosedWorkflowExecutionsRequest { namespace: "nope".to_owned(), ..new_closed(None, None) }),
    ] {
        s.step(words);
        match s.client.call(request).await {
            Ok(reply) => s.note(ids(s, &reply.executions)),
            Err(refusal) => s.show::<ListClosedWorkflowExecutionsRequest>(&Err(refusal)),
        }
    }
}

async fn archived_ones(s: &Script) {
    for (namespace, page_size) in [(NAMESPACE, 0), (NAMESPACE, 10_000), (NAMESPACE, 10_001), ("", 0), ("nope", 10_001)] {
        let request =
            ListArchivedWorkflowExecutionsRequest { namespace: namespace.to_owned(), page_size, ..Default::default() };
        let _ = s.call(request).await;
    }
}

async fn of_namespaces(s: &Script) {
    for namespace in ["", "nope"] {
        let namespace = namespace.to_owned();
        let query = "x =".to_owned();
        let _ = s
            .call(ListWorkflowExecutionsRequest { namespace: namespace.clone(), query: query.clone(), ..Default::default() })
            .await;
        let _ = s
            .call(ScanWorkflowExecutionsRequest { namespace: namespace.clone(), query: query.clone(), ..Default::default() })
            .await;
        let _ = s.call(CountWorkflowExecutionsRequest { namespace, query }).await;
    }
}
