//! The language of list filters: each query with the workflows that it finds among a few, or the refusal.

mod language;
mod values;

use std::time::Duration;

use foretime_server::proto::{
    common::{Payload, SearchAttributes},
    workflowservice::*,
};
use foretime_tests::script::*;

use language::*;
use values::*;

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
