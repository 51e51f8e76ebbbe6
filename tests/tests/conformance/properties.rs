//! Markers, search attributes, memo: what a workflow writes about itself.

use foretime_server::proto::{
    command::{
        Command, ContinueAsNewWorkflowExecutionCommandAttributes, ModifyWorkflowPropertiesCommandAttributes,
        StartChildWorkflowExecutionCommandAttributes, UpsertWorkflowSearchAttributesCommandAttributes,
    },
    common::{Memo, Payload, SearchAttributes},
    sdk::UserMetadata,
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};

crate::scripts![
    markers,
    a_marker_without_a_name,
    user_metadata,
    search_attributes,
    an_unknown_search_attribute,
    a_search_attribute_of_the_wrong_type,
    memo,
    nil_properties,
];

async fn markers(s: &Script) {
    s.start("wf").await;
    s.run_task([record_marker("core_patch"), record_marker("core_local_activity"), complete_workflow("done")]).await;
    s.history("wf").await;
}

async fn a_marker_without_a_name(s: &Script) {
    s.start("wf").await;
    s.run_task([record_marker("")]).await;
    s.history("wf").await;
}

async fn user_metadata(s: &Script) {
    let summary = |words: &str| Some(UserMetadata { summary: Some(payload(words)), details: Some(payload("details")) });
    s.start("wf").await;
    s.run_task([
        Command { user_metadata: summary("the timer"), ..start_timer("t", 60.0) },
        Command { user_metadata: summary("the child"), ..start_child(s.child("child")) },
        Command { user_metadata: summary("the signal"), ..signal_external(s.external_signal("missing", "hello")) },
        Command { user_metadata: summary("the end"), ..complete_workflow("done") },
    ])
    .await;
    let history = s.client.call(s.new_history("wf")).await.expect("it is there");
    let mut events = history.history.unwrap_or_default().events;
    events.truncate(8);
    s.show_events("  ", &events);
}

fn upsert(name: &str, value: Payload) -> Command {
    let search_attributes = Some(SearchAttributes { indexed_fields: [(name.to_owned(), value)].into() });
    upsert_search_attributes(UpsertWorkflowSearchAttributesCommandAttributes { search_attributes })
}

/// What JSON null is on the wire.
fn null() -> Payload {
    Payload { metadata: [("encoding".to_owned(), b"binary/null".to_vec())].into(), ..Default::default() }
}

async fn search_attributes(s: &Script) {
    s.start("wf").await;
    let number = Payload { data: b"7".to_vec(), ..payload("") };
    s.run_task([upsert("Colour", payload("green")), upsert("Size", number)]).await;
    s.describe("wf").await;
    s.signal("wf", "go").await;
    s.run_task([upsert("Colour", null())]).await;
    s.describe("wf").await;
    s.history("wf").await;
}

async fn an_unknown_search_attribute(s: &Script) {
    s.start("wf").await;
    s.run_task([upsert("Nope", payload("green"))]).await;
    s.history("wf").await;
}

async fn a_search_attribute_of_the_wrong_type(s: &Script) {
    s.start("wf").await;
    s.run_task([upsert("Size", payload("green"))]).await;
    s.history("wf").await;
}

fn modify(name: &str, value: Payload) -> Command {
    let upserted_memo = Some(Memo { fields: [(name.to_owned(), value)].into() });
    modify_properties(ModifyWorkflowPropertiesCommandAttributes { upserted_memo })
}

async fn memo(s: &Script) {
    let first = Memo { fields: [("kept".to_owned(), payload("kept")), ("gone".to_owned(), payload("gone"))].into() };
    s.start_with(StartWorkflowExecutionRequest { memo: Some(first), ..s.new_start("wf") }).await;
    s.run_task([modify("new", payload("new")), modify("gone", null())]).await;
    s.describe("wf").await;
    s.history("wf").await;
}

/// What is nil when a run begins is in no event; a memo without anything else is none.
async fn nil_properties(s: &Script) {
    let memo = |pairs: &[(&str, Payload)]| {
        Some(Memo { fields: pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect() })
    };
    let colour = |value: Payload| Some(SearchAttributes { indexed_fields: [("Colour".to_owned(), value)].into() });
    let start =
        |id: &str, memo, search_attributes| StartWorkflowExecutionRequest { memo, search_attributes, ..s.new_start(id) };
    let mixed = || memo(&[("kept", payload("kept")), ("gone", null())]);
    let first = s.start_with(start("wf", mixed(), colour(null()))).await;
    s.await_restart_interval().await;
    let nothing = Some(Memo::default());
    s.run_task([
        start_child(StartChildWorkflowExecutionCommandAttributes { memo: nothing.clone(), ..s.child("bare") }),
        start_child(StartChildWorkflowExecutionCommandAttributes {
            memo: mixed(),
            search_attributes: colour(null()),
            ..s.child("mixed")
        }),
        continue_as_new(ContinueAsNewWorkflowExecutionCommandAttributes {
            memo: memo(&[("gone", null())]),
            search_attributes: Some(SearchAttributes::default()),
            ..Default::default()
        }),
    ])
    .await;
    s.history_of_run("wf", &first).await;
    s.history("wf").await;
    s.start_with(start("bare", nothing, Some(SearchAttributes::default()))).await;
    s.history("bare").await;
}
