//! What is told of payloads that are stored elsewhere (`service/history/workflow/external_payload_size.go`).

use std::time::Duration;

use foretime_server::proto::{
    command::*,
    common::{Header, Memo, Payload, Payloads, SearchAttributes, payload::ExternalPayloadDetails},
    enums::{EventType, WorkflowTaskFailedCause},
    failure::Failure,
    sdk::UserMetadata,
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*, updates::*, worker::failure};

crate::scripts![
    wherever_a_start_has_them,
    of_commands,
    of_activities,
    of_signals_that_are_buffered,
    of_an_update,
    of_failed_tasks,
    of_a_chain,
    after_a_reset,
    listed_when_closed,
    of_no_size,
    none,
];

/// A payload of which parts of these sizes are stored elsewhere.
fn stored(sizes: &[i64]) -> Payload {
    let external_payloads = sizes.iter().map(|&size_bytes| ExternalPayloadDetails { size_bytes }).collect();
    Payload { external_payloads, ..payload("here") }
}

fn all(sizes: &[i64]) -> Option<Payloads> {
    Some(Payloads { payloads: vec![stored(sizes)] })
}

fn header(size: i64) -> Option<Header> {
    Some(Header { fields: [("h".to_owned(), stored(&[size]))].into() })
}

fn memo(size: i64) -> Option<Memo> {
    Some(Memo { fields: [("m".to_owned(), stored(&[size]))].into() })
}

/// How many there are of the current run, and their size.
async fn show_count(s: &Script, id: &str) {
    let reply = s.client.call(s.new_describe(id)).await.expect("it is there");
    let info = reply.workflow_execution_info.unwrap_or_default();
    s.note(format_args!("{} of {} bytes", info.external_payload_count, info.external_payload_size_bytes));
}

async fn wherever_a_start_has_them(s: &Script) {
    let input = Some(Payloads { payloads: vec![stored(&[1, 2]), payload("y"), stored(&[4])] });
    let user_metadata = Some(UserMetadata { summary: Some(stored(&[100])), details: Some(stored(&[1000])) });
    let search_attributes = Some(SearchAttributes { indexed_fields: [("Colour".to_owned(), stored(&[77]))].into() });
    let new = s.new_start("wf");
    s.start_with(StartWorkflowExecutionRequest {
        input,
        memo: memo(10),
        header: header(20),
        user_metadata,
        search_attributes,
        ..new
    })
    .await;
    s.describe("wf").await;
    s.history("wf").await;
}

async fn of_commands(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let nested = Failure { encoded_attributes: Some(stored(&[1])), cause: Some(Box::new(failure("cause"))), ..failure("f") };
    let marker = RecordMarkerCommandAttributes {
        marker_name: "m".to_owned(),
        details: [("d".to_owned(), Payloads { payloads: vec![stored(&[2, 4])] })].into(),
        header: header(8),
        failure: Some(nested),
    };
    let upserted = SearchAttributes { indexed_fields: [("Colour".to_owned(), stored(&[77]))].into() };
    let child = StartChildWorkflowExecutionCommandAttributes { input: all(&[16]), memo: memo(32), ..s.child("child") };
    let activity = ScheduleActivityTaskCommandAttributes { input: all(&[64]), header: header(128), ..s.activity("a") };
    let commands = [
        command(command::Attributes::RecordMarkerCommandAttributes(marker)),
        upsert_search_attributes(UpsertWorkflowSearchAttributesCommandAttributes { search_attributes: Some(upserted) }),
        modify_properties(ModifyWorkflowPropertiesCommandAttributes { upserted_memo: memo(256) }),
        schedule_activity(activity),
        start_child(child),
    ];
    let _ = s.complete(&task, commands).await;
    s.await_event("wf", EventType::ChildWorkflowExecutionStarted).await;
    show_count(s, "wf").await;
    show_count(s, "child").await;
    s.describe("wf").await;
}

async fn of_activities(s: &Script) {
    s.start("wf").await;
    s.run_task([schedule_activity(s.activity("a")), schedule_activity(s.activity("b"))]).await;
    let task = s.activity_task().await;
    let heartbeat = RecordActivityTaskHeartbeatRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token.clone(),
        details: all(&[1]),
        ..Default::default()
    };
    let _ = s.call(heartbeat).await;
    show_count(s, "wf").await;
    let completed = RespondActivityTaskCompletedRequest {
        namespace: NAMESPACE.to_owned(),
        task_token: task.task_token,
        result: all(&[2]),
        ..Default::default()
    };
    let _ = s.call(completed).await;
    show_count(s, "wf").await;
    let task = s.activity_task().await;
    let failure = Failure { encoded_attributes: Some(stored(&[4])), ..failure("again") };
    s.fail_activity(&task, failure).await;
    s.step("the failure of an attempt is in no event");
    show_count(s, "wf").await;
}

async fn of_signals_that_are_buffered(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    let _ = s.call(SignalWorkflowExecutionRequest { input: all(&[1]), header: header(2), ..s.new_signal("wf", "s") }).await;
    show_count(s, "wf").await;
    let _ = s.complete(&task, []).await;
    show_count(s, "wf").await;
}

async fn of_an_update(s: &Script) {
    s.start_waiting("wf").await;
    let mut update = s.new_update("wf", "u");
    if let Some(input) = update.request.as_mut().and_then(|request| request.input.as_mut()) {
        (input.args, input.header) = (all(&[1]), header(2));
    }
    s.updated(update, async {
        let task = s.await_workflow_task().await;
        s.report(&task, done(&task, "u")).await;
    })
    .await;
    show_count(s, "wf").await;
}

async fn of_failed_tasks(s: &Script) {
    s.start("wf").await;
    for size in [1, 2] {
        let task = s.await_workflow_task().await;
        let failed = RespondWorkflowTaskFailedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token,
            cause: WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure.into(),
            failure: Some(Failure { encoded_attributes: Some(stored(&[size])), ..failure("f") }),
            ..Default::default()
        };
        let _ = s.call(failed).await;
        show_count(s, "wf").await;
    }
}

async fn of_a_chain(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { input: all(&[1]), ..s.new_start("wf") }).await;
    s.await_restart_interval().await;
    let next = ContinueAsNewWorkflowExecutionCommandAttributes { input: all(&[2]), memo: memo(4), ..s.next_run() };
    s.run_task([continue_as_new(next)]).await;
    show_count(s, "wf").await;
    s.describe("wf").await;
}

async fn after_a_reset(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { input: all(&[1]), ..s.new_start("wf") }).await;
    s.run_task([]).await;
    let _ = s.call(SignalWorkflowExecutionRequest { input: all(&[2]), ..s.new_signal("wf", "s") }).await;
    s.run_task([modify_properties(ModifyWorkflowPropertiesCommandAttributes { upserted_memo: memo(4) })]).await;
    show_count(s, "wf").await;
    let _ = s.call(s.new_reset("wf", 4)).await;
    show_count(s, "wf").await;
}

/// The run of `id` in a list, once one fits.
async fn show_listed(s: &Script, id: &str, condition: &str) {
    let query = format!("WorkflowId = '{}' AND {condition}", s.id(id));
    let list = ListWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query, ..Default::default() };
    loop {
        let reply = s.client.call(list.clone()).await;
        if !reply.as_ref().is_ok_and(|reply| reply.executions.is_empty()) {
            return s.show::<ListWorkflowExecutionsRequest>(&reply);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn listed_when_closed(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { input: all(&[1, 2]), ..s.new_start("wf") }).await;
    show_listed(s, "wf", "TemporalExternalPayloadCount IS NULL").await;
    s.run_task([modify_properties(ModifyWorkflowPropertiesCommandAttributes { upserted_memo: memo(4) })]).await;
    let result = CompleteWorkflowExecutionCommandAttributes { result: all(&[8]) };
    s.signal("wf", "go").await;
    s.run_task([command(command::Attributes::CompleteWorkflowExecutionCommandAttributes(result))]).await;
    show_listed(s, "wf", "TemporalExternalPayloadCount = 4").await;
    show_listed(s, "wf", "TemporalExternalPayloadSizeBytes BETWEEN 15 AND 16").await;
    s.describe("wf").await;
}

async fn of_no_size(s: &Script) {
    s.start_with(StartWorkflowExecutionRequest { input: all(&[0, -5]), ..s.new_start("wf") }).await;
    show_count(s, "wf").await;
    s.terminate("wf").await;
    show_listed(s, "wf", "TemporalExternalPayloadSizeBytes < 0").await;
}

async fn none(s: &Script) {
    s.start("wf").await;
    s.terminate("wf").await;
    show_listed(s, "wf", "ExecutionStatus = 'Terminated' AND TemporalExternalPayloadCount IS NULL").await;
    let indexed_fields = [("TemporalExternalPayloadCount".to_owned(), payload("1"))].into();
    let search_attributes = Some(SearchAttributes { indexed_fields });
    let _ = s.call(StartWorkflowExecutionRequest { search_attributes, ..s.new_start("refused") }).await;
}
