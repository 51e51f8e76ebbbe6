//! Histories that are read raw: as the bytes of their batches.

use foretime_server::proto::{enums::HistoryEventFilterType as Filter, history::History, workflowservice::*};
use foretime_tests::{commands::*, script::*};
use prost::Message;

crate::scripts![in_pages, close_event, closed, transient, buffered, of_a_reset_run, backwards, waits];

/// Of all namespaces.
pub(crate) const ARGUMENTS: &[&str] = &["--dynamic-config-value", "frontend.sendRawWorkflowHistory=true"];

/// Reads a page and writes down its batches. Returns the token of the next.
async fn read(s: &Script, request: GetWorkflowExecutionHistoryRequest) -> Vec<u8> {
    match s.client.call(request).await {
        Ok(reply) => {
            show(s, &reply);
            reply.next_page_token
        }
        Err(refused) => {
            s.show::<GetWorkflowExecutionHistoryRequest>(&Err(refused));
            Vec::new()
        }
    }
}

fn show(s: &Script, reply: &GetWorkflowExecutionHistoryResponse) {
    let (decoded, goes_on) = (reply.history.is_some(), !reply.next_page_token.is_empty());
    s.note(format_args!("a page: decoded: {decoded}, more to come: {goes_on}"));
    for blob in &reply.raw_history {
        let history = History::decode(blob.data.as_slice()).expect("the blob is a history");
        s.note(format_args!("  a batch of encoding {:?}", blob.encoding_type()));
        s.show_events("    ", &history.events);
    }
}

/// An open workflow with nine events; a worker has its task.
async fn nine_events(s: &Script) -> foretime_tests::worker::WorkflowTask {
    s.start("wf").await;
    s.run_task([record_marker("one"), start_timer("timer", 60.0)]).await;
    s.signal("wf", "signal").await;
    s.await_workflow_task().await
}

async fn in_pages(s: &Script) {
    nine_events(s).await;
    for size in [0, 1, 2, 3, 100] {
        s.step(&format!("pages of {size}"));
        let mut request = GetWorkflowExecutionHistoryRequest { maximum_page_size: size, ..s.new_history("wf") };
        loop {
            request.next_page_token = read(s, request.clone()).await;
            if request.next_page_token.is_empty() {
                break;
            }
        }
    }
    let _ = read(s, GetWorkflowExecutionHistoryRequest { next_page_token: b"x".to_vec(), ..s.new_history("wf") }).await;
    let _ = read(s, s.new_history("missing")).await;
}

async fn close_event(s: &Script) {
    let first = s.start("wf").await;
    s.run_task([continue_as_new(s.next_run())]).await;
    let request = GetWorkflowExecutionHistoryRequest {
        execution: s.run("wf", &first),
        history_event_filter_type: Filter::CloseEvent.into(),
        ..s.new_history("wf")
    };
    let _ = read(s, request.clone()).await;
    let _ = read(s, GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..request }).await;
}

async fn closed(s: &Script) {
    let task = nine_events(s).await;
    let _ = s.complete(&task, [complete_workflow("done")]).await;
    let _ = read(s, s.new_history("wf")).await;
    let _ = read(s, GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..s.new_history("wf") }).await;
}

/// The second attempt of a task is not in the history yet, but shown.
async fn transient(s: &Script) {
    use foretime_server::proto::enums::WorkflowTaskFailedCause as Cause;
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.fail_task(&task, Cause::WorkflowWorkerUnhandledFailure).await;
    let _ = read(s, s.new_history("wf")).await;
    s.await_workflow_task().await;
    let _ = read(s, s.new_history("wf")).await;
}

async fn buffered(s: &Script) {
    let task = nine_events(s).await;
    s.signal("wf", "later").await;
    let _ = read(s, s.new_history("wf")).await;
    let _ = s.complete(&task, []).await;
    let _ = read(s, s.new_history("wf")).await;
}

async fn of_a_reset_run(s: &Script) {
    nine_events(s).await;
    let _ = s.call(s.new_reset("wf", 4)).await;
    let _ = read(s, s.new_history("wf")).await;
}

/// Backwards, nothing is raw.
async fn backwards(s: &Script) {
    nine_events(s).await;
    let request = GetWorkflowExecutionHistoryReverseRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution("wf"),
        ..Default::default()
    };
    let reply = s.client.call(request).await.expect("it is read");
    s.show_events("  ", &reply.history.unwrap_or_default().events);
}

/// A wait for new events, and one for the end.
async fn waits(s: &Script) {
    s.start_waiting("wf").await;
    let waiting = GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..s.new_history("wf") };
    let next_page_token = read(s, waiting.clone()).await;
    let new_event = s.client.call(GetWorkflowExecutionHistoryRequest { next_page_token, ..waiting.clone() });
    let filter = Filter::CloseEvent.into();
    let end = s.client.call(GetWorkflowExecutionHistoryRequest { history_event_filter_type: filter, ..waiting });
    let course = async {
        until_it_has_come().await;
        s.signal("wf", "signal").await;
        until_it_has_come().await;
        s.run_task([complete_workflow("done")]).await;
    };
    let (new_event, end, ()) = tokio::join!(new_event, end, course);
    for reply in [new_event, end] {
        show(s, &reply.expect("the wait is answered"));
    }
}
