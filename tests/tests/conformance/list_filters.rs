//! The language of list filters: each query with the workflows that it finds among a few, or the refusal.

use std::time::Duration;

use foretime_server::proto::{
    common::{Payload, SearchAttributes},
    workflowservice::*,
};
use foretime_tests::script::*;

crate::scripts![
    colours,
    numbers,
    truths,
    instants,
    lists,
    texts,
    statuses,
    durations,
    columns,
    logic,
    syntax,
    too_deep,
    attributes_that_come_and_go,
    attributes_of_odd_names,
];

async fn colours(s: &Script) {
    asks(s, COLOURS).await;
}

async fn numbers(s: &Script) {
    asks(s, NUMBERS).await;
}

async fn truths(s: &Script) {
    asks(s, TRUTHS).await;
}

async fn instants(s: &Script) {
    asks(s, INSTANTS).await;
}

async fn lists(s: &Script) {
    asks(s, LISTS).await;
}

async fn texts(s: &Script) {
    asks(s, TEXTS).await;
}

async fn statuses(s: &Script) {
    asks(s, STATUSES).await;
}

async fn durations(s: &Script) {
    asks(s, DURATIONS).await;
}

async fn columns(s: &Script) {
    asks(s, COLUMNS).await;
}

async fn logic(s: &Script) {
    asks(s, LOGIC).await;
}

async fn syntax(s: &Script) {
    asks(s, SYNTAX).await;
}

async fn too_deep(s: &Script) {
    workflows(s).await;
    for depth in [199, 200] {
        s.note(format_args!("{depth} parentheses"));
        ask(s, &format!("{}WorkflowId = 'w1'{}", "(".repeat(depth), ")".repeat(depth))).await;
        s.note(format_args!("{depth} negations"));
        ask(s, &format!("{}WorkflowId = 'w1'", "NOT ".repeat(depth))).await;
    }
}

/// Workflows with values of all types, and one without.
async fn workflows(s: &Script) {
    let json = |data: &str| Payload { data: data.into(), ..payload("") };
    type Workflow<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
    let all: [Workflow<'_>; 7] = [
        (
            "w1",
            "TypeA",
            &[
                ("Colour", r#""alpha""#),
                ("Size", "1"),
                ("Weight", "1.5"),
                ("Ripe", "true"),
                ("Picked", r#""2026-01-01T00:00:00Z""#),
                ("Tags", r#"["red","Green Tea"]"#),
                ("Note", r#""The quick brown fox""#),
            ],
        ),
        (
            "w2",
            "TypeB",
            &[
                ("Colour", r#""Beta""#),
                ("Size", "2"),
                ("Weight", "2"),
                ("Ripe", "false"),
                ("Picked", r#""2026-01-01T00:00:00.125Z""#),
                ("Tags", r#"["blue"]"#),
                ("Note", r#""lazy-dog Caf\u00e9 42""#),
            ],
        ),
        ("w3", "TypeA", &[("Colour", r#""12""#), ("Size", "12")]),
        ("w4", "TypeC", &[]),
        ("w5", "TypeC", &[("Colour", r#""O'Neil""#), ("Tags", r#"["it's","a\"b"]"#), ("Note", r#""it's a \"quoted\" word""#)]),
        ("w6_%", "TypeD", &[("Colour", r#""a\\b""#), ("TemporalNamespaceDivision", r#""Div""#)]),
        ("w7", "TypeD", &[("Colour", r#""x\ny""#), ("Picked", r#""2026-01-01T00:00:00.1239Z""#)]),
    ];
    for (id, of_type, attributes) in all {
        let indexed_fields = attributes.iter().map(|(name, value)| ((*name).to_owned(), json(value))).collect();
        let start = StartWorkflowExecutionRequest {
            workflow_type: Some(workflow_type(of_type)),
            search_attributes: Some(SearchAttributes { indexed_fields }),
            ..s.new_start(id)
        };
        s.client.call(start).await.expect("it starts");
    }
    s.client.call(s.new_terminate("w4")).await.expect("it is terminated");
    await_counted(s, "TemporalNamespaceDivision IS NULL OR TemporalNamespaceDivision IS NOT NULL", 7).await;
    await_counted(s, "ExecutionStatus = 'Terminated'", 1).await;
}

/// A query for those of the script's workflows that a condition is true for; for all of them if it is empty.
pub(crate) fn among(s: &Script, condition: &str) -> String {
    let prefix = format!("WorkflowId STARTS_WITH '{}'", s.id(""));
    if condition.is_empty() { prefix } else { format!("{prefix} AND ({condition})") }
}

/// Waits until the listings, which are late on the real server, have so many of the script's workflows.
pub(crate) async fn await_counted(s: &Script, condition: &str, count: i64) {
    let request = CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: among(s, condition) };
    loop {
        let reply = s.client.call(request.clone()).await.expect("a query");
        if reply.count == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Lists what a query finds, all pages of it, and writes down which of the script's workflows are there. `'w` begins one of their
/// ids.
pub(crate) async fn ask(s: &Script, query: &str) {
    let sent = query.replace("'w", &format!("'{}", s.id("w")));
    let mut request = ListWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: sent, ..Default::default() };
    let mut ids = Vec::new();
    loop {
        let reply = match s.client.call(request.clone()).await {
            Ok(reply) => reply,
            Err(status) => {
                s.note(query);
                s.show::<ListWorkflowExecutionsRequest>(&Err(status));
                return;
            }
        };
        let prefix = s.id("");
        let executions = reply.executions.into_iter().filter_map(|info| info.execution);
        ids.extend(executions.filter_map(|execution| execution.workflow_id.strip_prefix(&prefix).map(str::to_owned)));
        if reply.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = reply.next_page_token;
    }
    s.note(format_args!("{query}\n  {}", ids.join(" ")));
}

async fn asks(s: &Script, queries: &[&str]) {
    workflows(s).await;
    for query in queries {
        ask(s, query).await;
    }
}

async fn attributes_that_come_and_go(s: &Script) {
    use foretime_server::proto::{enums::IndexedValueType, operatorservice::*};
    let add = |names: &[(&str, IndexedValueType)]| AddSearchAttributesRequest {
        namespace: NAMESPACE.to_owned(),
        search_attributes: names.iter().map(|(name, of)| ((*name).to_owned(), (*of).into())).collect(),
    };
    s.step("before");
    ask(s, "Taste = 'sweet'").await;
    s.step("a new one");
    let _ = s.call(add(&[("Taste", IndexedValueType::Keyword)])).await;
    let start = || StartWorkflowExecutionRequest {
        search_attributes: Some(SearchAttributes { indexed_fields: [("Taste".to_owned(), payload("sweet"))].into() }),
        ..s.new_start("w1")
    };
    // The real server's parts hear of it one after the other.
    while s.client.call(start()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    await_counted(s, "Taste = 'sweet'", 1).await;
    ask(s, "Taste = 'sweet'").await;
    s.step("again, of another type");
    let _ = s.call(add(&[("Taste", IndexedValueType::Int)])).await;
    ask(s, "Taste = 5").await;
    s.step("removed");
    let removal =
        RemoveSearchAttributesRequest { namespace: NAMESPACE.to_owned(), search_attributes: vec!["Taste".to_owned()] };
    let _ = s.call(removal).await;
    let is_known = || async {
        let query = "Taste = 'sweet'".to_owned();
        s.client.call(CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query }).await.is_ok()
    };
    while is_known().await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ask(s, "Taste = 'sweet'").await;
    ask(s, "WorkflowId = 'w1'").await;
}

async fn attributes_of_odd_names(s: &Script) {
    use foretime_server::proto::{enums::IndexedValueType, operatorservice::*};
    for name in ["", "NamespaceId", "BuildIds", "TemporalOdd", "RunId"] {
        s.note(format_args!("{name:?}"));
        let _ = s
            .call(AddSearchAttributesRequest {
                namespace: NAMESPACE.to_owned(),
                search_attributes: [(name.to_owned(), IndexedValueType::Text.into())].into(),
            })
            .await;
    }
    for name in ["nothing", "RunId", "BuildIds", "Keyword07", "Keyword99"] {
        s.note(format_args!("{name:?}"));
        let search_attributes = vec![name.to_owned()];
        let _ = s.call(RemoveSearchAttributesRequest { namespace: NAMESPACE.to_owned(), search_attributes }).await;
    }
    let keys = s.client.call(GetSearchAttributesRequest {}).await.expect("they are told").keys;
    for (name, of) in keys {
        s.note(format_args!("{name} {of}"));
    }
}

const COLOURS: &[&str] = &[
    "Colour = 'alpha'",
    "Colour = 'ALPHA'",
    "Colour = 12",
    "Colour = '12'",
    "Colour = 12.0",
    "Colour > 5",
    "Colour STARTS_WITH 'AL'",
    "Colour NOT STARTS_WITH 'al'",
    "Colour LIKE 'a%'",
    "Colour IN ('alpha','12')",
    "Colour NOT IN ('alpha')",
    "Colour IN (12, true)",
    "Colour IN ()",
    "Colour IN 'alpha'",
    "Colour = ('alpha')",
    "Colour = ('alpha','Beta')",
    "Colour != 'alpha'",
    "NOT Colour = 'alpha'",
    "NOT (Colour = 'alpha' OR Colour IS NULL)",
    "Colour BETWEEN 'a' AND 'b'",
    "Colour NOT BETWEEN 'a' AND 'b'",
    "Colour IS NULL",
    "Colour IS NOT NULL",
    "Colour IS TRUE",
    "Colour = NULL",
    "Colour = alpha",
    "Colour",
    "Colour = foo('x')",
    "Colour = 'a' AND",
    "Colour = 'a' AND (",
    "Colour = 'a' Colour",
    "Colour == 'a'",
    "Colour = 'a",
    "Colour = 'a' ORDER BY StartTime",
    "Colour = 'a' LIMIT 5",
    "Colour = 'O''Neil'",
    r#"Colour = "O'Neil""#,
    r#"Colour = 'O\'Neil'"#,
    r#"Colour = 'a\\b'"#,
    r#"Colour = 'a\b'"#,
    r#"Colour = 'x\ny'"#,
    r#"Colour = "'alpha'""#,
    "Colour STARTS_WITH ('a','b')",
    "Colour STARTS_WITH true",
    "Colour STARTS_WITH 5",
    "Colour STARTS_WITH ''",
    "Colour > ''",
    "Colour = ''",
    "Colour = true",
    "Colour BETWEEN true AND 'z'",
    "Colour = 'x' ORDER BY StartTime DESC, nope",
    "Colour = 'x' ORDER BY StartTime LIMIT 1",
    "Colour = 'x' ORDER BY",
    "Colour = 'x' LIMIT",
    "Colour = 'x' LIMIT 1, 2",
    "Colour = 'x' LIMIT 1 OFFSET 2",
    "Colour = 'x' LIMIT x y",
    "NOT Colour IS NULL",
    r#"Colour STARTS_WITH 'O\'N'"#,
    r#"Colour STARTS_WITH 'a\\'"#,
    "Colour like 'a' and",
    "Colour starts_with",
    "Colour STARTS_WITH 'a' 'b'",
    "Colour not starts_with 'al'",
    "Colour NOT IN",
    "Colour IN ('a'",
    "Colour IN ('a',)",
    "Colour IN (,'a')",
    "Colour IN ('a' 'b')",
    "Colour BETWEEN 1 2",
    "Colour IS NOT NOT NULL",
    "Colour IS NULL NULL",
    "Colour IS NULL IS NULL",
    "Colour IS FALSE",
    "Colour IS NOT TRUE",
    "Colour = 'a' OR OR",
    "Colour = if(1,2)",
    "Colour = case when 1 then 2 end",
    "Colour = case",
    "Colour = cast(x as char)",
    "Colour = convert('x', char)",
    "Colour = substr(a, 1)",
    "Colour = values(a)",
    "Colour = match(a) against ('x')",
    "Colour = (select 1)",
    "Colour = (select",
    "Colour = exists (select 1)",
    "Colour = a + b * c",
    "Colour = a -> 'b'",
    "Colour = -(1)",
    "Colour = - - x",
    "Colour = +x",
    "Colour = -true",
    "Colour = -null",
    "Colour = ~x",
    "Colour = !x",
    "Colour = ::x",
    "Colour = é",
    "Colour @ 1",
    "Colour = 'a' /* x */ AND /* y */ Size = 1",
    "Colour = 'alpha' -- AND (",
    "Colour = 'a' FOR",
    "Colour = 'a' FOR UPDATE x",
    "Colour = 'a' LOCK IN SHARE",
    "Colour = 'a' HAVING",
    "Colour = 'a' GROUP BY",
    "Colour = 'a' GROUP",
    "Colour = 'a' INTO x",
    "Colour = 'a' PROCEDURE x",
    "Colour = 'alpha';;",
    "Colour = 123456789.0",
    "Colour = 1000000.0",
    "Colour = 100000.0",
    "Colour = 1234567.5",
    "Colour = 0.0001",
    "Colour = 0.00001",
    "Colour = 100000000000000000000.0",
    "Colour = 1e21",
    "Colour = 'a' ''",
    "Colour = -:a",
    "Colour = -?",
    "Colour = - - 5",
    "Colour = -(x)",
    "Colour = -'a''b'",
];

const NUMBERS: &[&str] = &[
    "Size = 1",
    "Size = '1'",
    "Size = 'x'",
    "Size > 1",
    "Size >= 1.5",
    "Size < 'x'",
    "Size = true",
    "Size STARTS_WITH '1'",
    "Size STARTS_WITH 1",
    "Size IN (1, '2')",
    "Size BETWEEN 1 AND 5",
    "Size = -1",
    "Size = - -1",
    "Size = +1",
    "Size = -1.5",
    "Size = 1 + 1",
    "Size = 0x10",
    "Size = X'12'",
    "Size = 99999999999999999999",
    "Size = 1e400",
    "Size = 1.",
    "Size = .5",
    "Weight = 1.5",
    "Weight = '1.5'",
    "Weight = 2",
    "Weight > 1.4",
    "Size = 1 ESCAPE 'x'",
    "Size = b'101'",
    "Size = -'1'",
    "Size = - 1",
    "Size = -x",
    "Size = +1.5",
    "Size = -1.5e3",
    "Size BETWEEN 1 AND true",
    "Size BETWEEN 1 AND 'x'",
    "Size BETWEEN (1) AND 5",
    "Size BETWEEN 1 AND x",
    "NOT (Size BETWEEN 1 AND 5)",
    "Size NOT BETWEEN 1 AND 5",
    "Weight = 2.0",
    "Weight IN (1.5, 2)",
    "Size IN (1.0, 2)",
    "Size = 12.0",
    "Size != 1",
    "Weight != 1.5",
    "Size = - 0x10",
    "Size = -b'1'",
    "Size = -x'10'",
    "Size = -1 - 1",
    "Size = 1 -1",
    "Size = -99999999999999999999",
    "Size = 00012",
    "Size = 9223372036854775807",
    "Size = 9223372036854775808",
    "Size = 1e3",
    "Size = 1e",
    "Size = 1.e5",
    "Size = 1.5.5",
    "Size = '5' + 1",
    "Size = --1",
    "Size = - - 1.5",
];

const TRUTHS: &[&str] = &[
    "Ripe = true",
    "Ripe = false",
    "Ripe = 'true'",
    "Ripe = 1",
    "Ripe = '1'",
    "Ripe > false",
    "Ripe BETWEEN false AND true",
    "Ripe = true AND Ripe != false",
    "Ripe IN (true)",
    "Ripe IN (true, 1)",
    "Ripe STARTS_WITH 'x'",
];

const INSTANTS: &[&str] = &[
    "Picked = '2026-01-01T00:00:00Z'",
    "Picked >= '2026-01-01T00:00:00Z'",
    "Picked <= '2026-01-01T00:00:00Z'",
    "Picked > '2026-01-01T00:00:00Z'",
    "Picked = '2026-01-01T00:00:00.125Z'",
    "Picked = '2026-01-01T00:00:00.123Z'",
    "Picked = '2026-01-01T00:00:00.124Z'",
    "Picked > '2026-01-01T00:00:00.12Z'",
    "Picked = '2026-01-01'",
    "Picked = '2026-01-01 00:00:00'",
    "Picked = 1767225600000000000",
    "Picked > 1767225600000000000",
    "Picked > 1.5",
    "Picked BETWEEN '2026-01-01T00:00:00Z' AND '2026-01-02T00:00:00+02:00'",
    "Picked IN ('2026-01-01T00:00:00.125Z')",
    "Picked STARTS_WITH '2026-01-01T00:00:00Z'",
    "Picked = true",
    "CloseTime IS NULL",
    "CloseTime IS NOT NULL",
    "CloseTime > '2020-01-01T00:00:00Z'",
    "CloseTime < '2030-01-01T00:00:00Z'",
    "CloseTime = '9999-12-31T23:59:59Z'",
    "CloseTime != '2020-01-01T00:00:00Z'",
    "CloseTime IN ('9999-12-31T23:59:59Z')",
    "CloseTime BETWEEN '2020-01-01T00:00:00Z' AND '9999-12-31T23:59:59Z'",
    "CloseTime BETWEEN '2020-01-01T00:00:00Z' AND '2030-12-31T23:59:59Z'",
    "NOT CloseTime < '2030-01-01T00:00:00Z'",
    "StartTime > '2020-01-01T00:00:00Z'",
    "StartTime > 0",
    "StartTime < 5",
    "StartTime BETWEEN '2020-01-01T00:00:00.123456789Z' AND '2099-01-01T00:00:00+05:30'",
    "StartTime > '2020-01-01T00:00:00'",
    "StartTime > '2020-01-01T00:00Z'",
    "StartTime > '2020-01-01t00:00:00z'",
    "StartTime > '2020-01-01T00:00:00,5Z'",
    "StartTime > '2020-02-30T00:00:00Z'",
    "StartTime > '2020-01-01T24:00:00Z'",
    "StartTime > '2020-01-01T00:00:00+24:00'",
    "StartTime > '0000-01-01T00:00:00Z'",
    "StartTime IS NULL",
    "Picked = ('2026-01-01T00:00:00Z','2026-01-01T00:00:00Z')",
    "Picked != '2026-01-01T00:00:00.125Z'",
    "StartTime = '2026-01-01T00:00:00.5Z'",
    "StartTime > '2020-01-01T1:00:00Z'",
    "StartTime > '2020-01-01T01:00:00.Z'",
    "StartTime > '2020-01-01T01:00:00.1234567891234Z'",
    "StartTime > '2020-01-01T01:00:00+0100'",
    "StartTime > '2020-01-01T01:00:00+01:60'",
    "StartTime > '2020-01-01T01:00:00-25:00'",
    "StartTime > '20200-01-01T01:00:00Z'",
    "StartTime > ''",
    "StartTime > -5",
    "StartTime > 9999999999999999999",
];

const LISTS: &[&str] = &[
    "Tags = 'red'",
    "Tags = 'RED'",
    "Tags = 'green tea'",
    "Tags = 'Green'",
    "Tags != 'red'",
    "Tags IN ('red','blue')",
    "Tags NOT IN ('red','blue')",
    "Tags > 'a'",
    "Tags = 5",
    "Tags IN (5)",
    "Tags = ''",
    "Tags = 'it''s'",
    r#"Tags = "it's""#,
    r#"Tags = 'a"b'"#,
    "Tags STARTS_WITH 'r'",
    "Tags IS NULL",
    "Tags BETWEEN 'a' AND 'b'",
    r#"Tags = 'a"b"c'"#,
    r#"Tags = '"'"#,
    r#"Tags = '""'"#,
    "Tags = 'a♡b'",
    "Tags = 'red♡Green Tea'",
    "Tags = 'GREEN TEA♡red'",
    r#"Tags IN ('red', 'a"b')"#,
    "Tags = ('red')",
    "Tags = ('red','blue')",
    "Tags IN (('red'),'blue')",
    "NOT Tags = 'red'",
    "Tags NOT IN ('red')",
];

const TEXTS: &[&str] = &[
    "Note = 'quick'",
    "Note = 'QUICK'",
    "Note = 'quick lazy'",
    "Note = 'lazy-dog'",
    "Note = 'dog-lazy'",
    "Note = 'cafe'",
    "Note = 'caf'",
    "Note = '42'",
    "Note = 'café'",
    "Note != 'quick'",
    "Note = ''",
    "Note = '   '",
    "Note = '---'",
    "Note > 'a'",
    "Note IN ('quick')",
    "Note = 5",
    r#"Note = 'quoted"'"#,
    "Note STARTS_WITH 'The'",
    "Note IS NOT NULL",
    r#"Note = 'a"b"c'"#,
    r#"Note = 'a "b'"#,
    "Note = '*'",
    "Note = 'qui*'",
    "Note = 'quick OR lazy'",
    "Note = 'brown  fox'",
    "Note = ('a','b')",
    "NOT Note = 'quick'",
];

const STATUSES: &[&str] = &[
    "ExecutionStatus = 'Running'",
    "ExecutionStatus = 'running'",
    "ExecutionStatus = 'RUNNING'",
    "ExecutionStatus = 'WORKFLOW_EXECUTION_STATUS_RUNNING'",
    "ExecutionStatus = 1",
    "ExecutionStatus = 5",
    "ExecutionStatus = 0",
    "ExecutionStatus = 99",
    "ExecutionStatus = '1'",
    "ExecutionStatus = true",
    "ExecutionStatus = 1.5",
    "ExecutionStatus != 'Running'",
    "ExecutionStatus > 'Running'",
    "ExecutionStatus > 1",
    "ExecutionStatus IN ('Running', 5)",
    "ExecutionStatus STARTS_WITH 'Run'",
    "ExecutionStatus STARTS_WITH 'Running'",
    "ExecutionStatus STARTS_WITH 1",
    "ExecutionStatus BETWEEN 1 AND 3",
    "ExecutionStatus BETWEEN 'Running' AND 'Terminated'",
    "ExecutionStatus IS NULL",
    "ExecutionStatus = 'Bogus'",
    "ExecutionStatus = ''",
    "ExecutionStatus = 'ContinuedAsNew'",
    "ExecutionStatus = 'CONTINUED_AS_NEW'",
    "ExecutionStatus = 'TimedOut'",
    "ExecutionStatus = 'Paused'",
    "ExecutionStatus = 8",
    "ExecutionStatus = 'Unspecified'",
    "ExecutionStatus = -1",
    "ExecutionStatus IN ()",
    "ExecutionStatus IN ('Running', 'nope')",
    "ExecutionStatus NOT IN ('Running')",
];

const DURATIONS: &[&str] = &[
    "ExecutionDuration > 1",
    "ExecutionDuration < '1h'",
    "ExecutionDuration < '1d'",
    "ExecutionDuration < '1h30m'",
    "ExecutionDuration < '01:00:00'",
    "ExecutionDuration < '100:59:59'",
    "ExecutionDuration < '01:60:00'",
    "ExecutionDuration < 'soon'",
    "ExecutionDuration < ''",
    "ExecutionDuration < '5'",
    "ExecutionDuration < '50000000000000'",
    "ExecutionDuration < '1.5h'",
    "ExecutionDuration > '-1.5h'",
    "ExecutionDuration < 1.5",
    "ExecutionDuration < true",
    "ExecutionDuration IS NULL",
    "ExecutionDuration BETWEEN '1ns' AND '1h'",
    "ExecutionDuration IN ('1h', 5)",
    "ExecutionDuration < '2026-01-01T00:00:00Z'",
    "ExecutionDuration > '1us'",
    "ExecutionDuration > '1µs'",
    "ExecutionDuration > '0'",
    "ExecutionDuration > '-0'",
    "ExecutionDuration > '.5h'",
    "ExecutionDuration > '1.h'",
    "ExecutionDuration > '1h 5m'",
    "ExecutionDuration > '1:2:3'",
    "ExecutionDuration > '1:2'",
    "ExecutionDuration > '1:2:3:4'",
    "ExecutionDuration > ' 1:2:3'",
    "ExecutionDuration > '+1h'",
    "ExecutionDuration > '1w'",
    "ExecutionDuration > '99999999999h'",
    "ExecutionDuration > '1e3s'",
    "ExecutionDuration > '1.5d'",
    "ExecutionDuration > '-0:1:1'",
    "ExecutionDuration > '+1:1:1'",
    "ExecutionDuration > '1: 1:1'",
    "ExecutionDuration > '1 :1:1'",
    "ExecutionDuration > '1:1:1x'",
];

const COLUMNS: &[&str] = &[
    "workflowid = 'w1'",
    "TemporalCloseTime IS NULL",
    "HistoryLength > 0",
    "HistoryLength IS NULL",
    "HistorySizeBytes > 0",
    "StateTransitionCount > 0",
    "StateTransitionCount IS NULL",
    "ParentWorkflowId IS NULL",
    "ParentWorkflowId = 'x'",
    "RootWorkflowId = 'w1'",
    "RootRunId IS NOT NULL",
    "TaskQueue = 'tq'",
    "TemporalNamespaceDivision = 'Div' AND WorkflowId STARTS_WITH 'w6_'",
    "TemporalNamespaceDivision = 'Div' AND WorkflowId STARTS_WITH 'w6_%'",
    "TemporalNamespaceDivision = 'Div' AND WorkflowId STARTS_WITH 'w6%'",
    "TemporalNamespaceDivision = 'Div'",
    "TemporalNamespaceDivision IS NULL",
    "TemporalNamespaceDivision IS NOT NULL",
    "TemporalNamespaceDivision IS NULL OR TemporalNamespaceDivision IS NOT NULL",
    "NamespaceDivision = 'Div'",
    "NamespaceId = 'x'",
    "Memo = 'x'",
    "MemoEncoding = 'x'",
    "VisibilityTaskKey = 'x'",
    "BatcherNamespace = 'x'",
    "BatcherNamespace IS NULL",
    "BatcherUser = 'x'",
    "BatcherUser IS NULL",
    "TemporalSchedulePaused = true",
    "TemporalScheduledById = 'x'",
    "ScheduledById = 'x'",
    "TemporalScheduledStartTime > '2020-01-01T00:00:00Z'",
    "ScheduleId = 'w1'",
    "TemporalScheduleId = 'w1'",
    "ActivityId = 'x'",
    "TemporalSystemExecutionStatus = 'Running'",
    "TemporalWorkflowId = 'w1'",
    "TemporalK = 'alpha'",
    "TemporalKeyword05 IS NULL",
    "TemporalLowCardinalityKeyword01 IS NULL",
    "BuildIds = 'x'",
    "BuildIds IS NULL",
    "TemporalBuildIds = 'x'",
    "BinaryChecksums IS NULL",
    "TemporalChangeVersion IS NULL",
    "ChangeVersion IS NULL",
    "TemporalPauseInfo IS NULL",
    "TemporalReportedProblems IS NULL",
    "TemporalWorkerDeploymentVersion IS NULL",
    "WorkerDeployment IS NULL",
    "TemporalUsedWorkerDeploymentVersions IS NULL",
    "TemporalExternalPayloadCount > 0",
    "ExternalPayloadSizeBytes IS NULL",
    "RunId = 'nope'",
    "RunId IS NOT NULL",
];

const LOGIC: &[&str] = &[
    "WorkflowId = 'w1'",
    r#"WorkflowId = "w1""#,
    "WorkflowType = 'TypeA'",
    "WorkflowType IN ('TypeA','TypeB') AND ExecutionStatus = 'Running'",
    "WorkflowType = 'TypeA' OR WorkflowType = 'TypeB' AND WorkflowId = 'w1'",
    "(WorkflowType = 'TypeA' OR WorkflowType = 'TypeB') AND WorkflowId = 'w1'",
    "NOT WorkflowType = 'TypeA' AND WorkflowId != 'w2'",
    "NOT (WorkflowType = 'TypeA') ",
    "WorkflowId STARTS_WITH 'W'",
    "WorkflowId STARTS_WITH 'w6_'",
    "WorkflowId = 'w1' AND 'x'",
    "WorkflowId = 'w1' AND 5",
    "WorkflowId = 'w1' AND true",
    "WorkflowId = 'w1' AND NULL",
    "WorkflowId = 'w1' AND (1,2)",
    "WorkflowId = 'w1' AND 1 + 1",
    "WorkflowId = 'w1' AND -x",
    "WorkflowId = 'w1' AND !x",
    "WorkflowId = 'w1' AND EXISTS (select 1 from a)",
    "WorkflowId = 'w1' AND foo()",
    "WorkflowId = 'w1' AND CASE WHEN 1 THEN 2 END",
    "WorkflowId = 'w1' AND (WorkflowId)",
    "WorkflowId = 'w1' AND (select 1 from a)",
    "WorkflowId IN (select 1 from a)",
    "WorkflowId IN ('w1', Colour)",
    "WorkflowId IN ('w1', NULL)",
    "WorkflowId IN ('w1', ('w2'))",
    "WorkflowId IN ('w1', Colour = 'x')",
    "WorkflowId IN ::a",
    "WorkflowId = :a",
    "WorkflowId = ?",
    "WorkflowId = 'w1' FOR UPDATE",
    "WorkflowId = 'w1' LOCK IN SHARE MODE",
    "WorkflowId = 'w1' HAVING Colour = 'x'",
    "WorkflowId = 'w1';",
    "WorkflowId = 'w1'; x",
    "WorkflowId = 'w1' -- comment",
    "WorkflowId = /* c */ 'w1'",
    "WorkflowId = 'w1' # c",
    "WorkflowId = 'w1' // c",
    "WorkflowId = 'w1' /* c",
    "WorkflowId <=> 'w1'",
    "WorkflowId <> 'w1'",
    "WorkflowId != 'w1'",
    "WorkflowId REGEXP 'w'",
    "WorkflowId NOT REGEXP 'w'",
    "WorkflowId NOT LIKE 'w'",
    "WorkflowId LIKE 'w' ESCAPE 'x'",
    "WorkflowId NOT = 'w'",
    "WorkflowId NOT",
    "WorkflowId IS",
    "WorkflowId IS NOT",
    "WorkflowId IS 'x'",
    "WorkflowId IS UNKNOWN",
    "WorkflowId BETWEEN 'a'",
    "WorkflowId BETWEEN 'a' OR 'b'",
    "WorkflowId BETWEEN 'a' AND",
    "WorkflowId = 'w1' IS NULL",
    "WorkflowId = 'w1' = 'w1'",
    "WorkflowId",
    "(WorkflowId = 'w1'",
    "WorkflowId = 'w1')",
    "WorkflowId 'w1'",
    "WorkflowId w1",
    "WorkflowId == w1",
    "WorkflowId = $x",
    "WorkflowId = 'w1' and executionstatus = 'Running'",
    "WorkflowId = w-1",
    "WorkflowId = 1a",
    "WorkflowId = a.b",
    "WorkflowId = @x",
    "WorkflowId = 0x",
    "WorkflowId = x'1'",
    "WorkflowId = b'101'",
    "WorkflowId = DEFAULT",
    "WorkflowId = default(x)",
    "WorkflowId = CURRENT_TIMESTAMP",
    "WorkflowId = group_concat(x)",
    "WorkflowId = interval 1 day",
    "WorkflowId = binary 'w1'",
    "WorkflowId = _binary 'w1'",
    "WorkflowId = ~1",
    "WorkflowId = !1",
    "WorkflowId = 'w1' collate utf8",
    "WorkflowId->'$.a' = 1",
    "WorkflowId & 1 = 1",
    "WorkflowId = 'a' || 'b'",
    "WorkflowId = 'a' && 'b'",
    "WorkflowId = 'w1'   ",
    "WorkflowId = 'w1' where",
    "((((WorkflowId = 'w1'))))",
    "((((WorkflowId = 'w1')))",
    "(WorkflowId = 'w1' OR (Colour = 'Beta' AND (Size = 2)))",
    "WorkflowId = 'w1' OR WorkflowId = 'w2' OR WorkflowId = 'w3'",
    "WorkflowId = 'w1' AND WorkflowId = 'w2'",
    "NOT WorkflowId = 'w1' OR WorkflowId = 'w1'",
    "NOT (WorkflowId IN ('w1','w2'))",
    "WorkflowId > 'w2'",
    "WorkflowId >= 'w2' AND WorkflowId < 'w5'",
    "WorkflowId BETWEEN 'w2' AND 'w4'",
    "WorkflowId NOT BETWEEN 'w2' AND 'w4'",
    "WorkflowId NOT STARTS_WITH 'w'",
    "WorkflowId STARTS_WITH 'w1%'",
    "WorkflowId STARTS_WITH '!'",
    "WorkflowId = ''",
    "WorkflowId != ''",
    r#"WorkflowId = 'a\"#,
    r#"WorkflowId = 'a\q'"#,
    "WorkflowId = 'a' 'b'",
    r#"WorkflowId = "w1' "#,
    "WorkflowId='w1'AND Colour='alpha'",
    "WorkflowId=w1AND",
    "WorkflowType = 'TypeA' AND ExecutionStatus = 'Running' AND StartTime > '2020-01-01T00:00:00Z' AND Colour = 'alpha'",
    "WorkflowId = 'w1' XOR Colour = 'a'",
    "WorkflowId = 'w1' DIV 2",
    "WorkflowId = dual",
];

const SYNTAX: &[&str] = &[
    "`WorkflowId` = 'w1'",
    "'w1' = WorkflowId",
    "foo('x') = Colour",
    "= 'a'",
    "ORDER BY StartTime DESC",
    "LIMIT 5",
    "GROUP BY ExecutionStatus",
    "Keyword01 IS NULL",
    "Keyword05 IS NULL",
    "Keyword11 = 'alpha'",
    "table1.WorkflowId = 'w1'",
    "a.b.c = 'w1'",
    "GROUP",
    "ORDER",
    "()",
    "NOT",
    "NOT NOT WorkflowId = 'w1'",
    "$ = 1",
    "status = 1",
    "`status` = 1",
    "Status = 1",
    "select = 1",
    "`select` = 1",
    "	WorkflowId = 'w1'",
    "where WorkflowId = 'w1'",
    "ORDER BY nope",
    "ORDER BY Note",
    "ORDER BY 'x'",
    "order by",
    "ORDER BYX",
    "group by ExecutionStatus desc",
    "`Workflow``Id` = 1",
    "`` = 1",
    "`a",
    "IS NULL",
    "AND",
    "foo(",
    "foo()",
    "foo(*) = 1",
    "foo(a,b) = 1",
    "foo(distinct a) = 1",
    "foo(a as b) = 1",
    "a.foo(1) = 1",
    "exists",
    "exists (1)",
    "? = 1",
    ":x = 1",
    ":: = 1",
    ": = 1",
    "é = 1",
    "@x = 1",
    "@@x.y = 1",
    "/* x */ Colour = 'alpha'",
    "-- x",
    "# x",
    "dual = 1",
    "DUAL = 1",
    "true",
    "NOT true",
    "1",
    "NULL",
    "'x'",
    ";",
];
