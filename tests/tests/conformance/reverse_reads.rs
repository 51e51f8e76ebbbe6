//! Histories that are read from their end to their beginning.

use foretime_server::proto::workflowservice::*;
use foretime_tests::{commands::*, script::*};

crate::scripts![whole, in_pages, refused, with_new_events, of_a_closed_run, transient];

fn reverse(s: &Script, id: &str, maximum_page_size: i32) -> GetWorkflowExecutionHistoryReverseRequest {
    GetWorkflowExecutionHistoryReverseRequest {
        namespace: NAMESPACE.to_owned(),
        execution: s.execution(id),
        maximum_page_size,
        ..Default::default()
    }
}

/// Reads a page and writes down the ids of its events. Returns the token of the next.
async fn page(s: &Script, request: GetWorkflowExecutionHistoryReverseRequest) -> Vec<u8> {
    match s.client.call(request).await {
        Ok(reply) => {
            let ids: Vec<i64> = reply.history.unwrap_or_default().events.iter().map(|event| event.event_id).collect();
            s.note(format_args!("{ids:?}, {}", if reply.next_page_token.is_empty() { "the last" } else { "and more" }));
            reply.next_page_token
        }
        Err(status) => {
            s.show::<GetWorkflowExecutionHistoryReverseRequest>(&Err(status));
            Vec::new()
        }
    }
}

/// An open workflow with nine events; a worker has its task.
async fn nine_events(s: &Script) -> foretime_tests::worker::WorkflowTask {
    s.start("wf").await;
    s.run_task([record_marker("one"), record_marker("two")]).await;
    s.signal("wf", "first").await;
    s.signal("wf", "second").await;
    s.await_workflow_task().await
}

async fn whole(s: &Script) {
    nine_events(s).await;
    let _ = s.call(reverse(s, "wf", 0)).await;
}

async fn in_pages(s: &Script) {
    nine_events(s).await;
    for size in [1, 2, 3, 5, 6, 7, 100, -1, 1000] {
        s.step(&format!("pages of {size}"));
        let mut request = reverse(s, "wf", size);
        loop {
            request.next_page_token = page(s, request.clone()).await;
            if request.next_page_token.is_empty() {
                break;
            }
        }
    }
}

async fn refused(s: &Script) {
    type Request = GetWorkflowExecutionHistoryReverseRequest;
    nine_events(s).await;
    let token = page(s, reverse(s, "wf", 1)).await;
    let unknown = "01234567-89ab-4def-8123-456789abcdef";
    let _ = s.call(reverse(s, "unknown", 0)).await;
    let _ = s.call(Request { execution: None, ..reverse(s, "wf", 0) }).await;
    let _ = s.call(Request { execution: s.run("wf", "no-uuid"), ..reverse(s, "wf", 0) }).await;
    let _ = s.call(Request { execution: s.run("wf", unknown), ..reverse(s, "wf", 0) }).await;
    let _ = s.call(Request { namespace: String::new(), ..reverse(s, "wf", 0) }).await;
    let _ = s.call(Request { next_page_token: b"nonsense".to_vec(), ..reverse(s, "wf", 0) }).await;
    let of_another_run = Request { execution: s.run("wf", unknown), next_page_token: token.clone(), ..reverse(s, "wf", 0) };
    let _ = s.call(of_another_run).await;
    let _ = s.call(Request { next_page_token: token, ..reverse(s, "unknown", 0) }).await.map_err(|status| status.code());
}

async fn with_new_events(s: &Script) {
    let task = nine_events(s).await;
    let token = page(s, reverse(s, "wf", 2)).await;
    let _ = s.complete(&task, [record_marker("three")]).await;
    s.step("the next page knows nothing of what came since");
    page(s, GetWorkflowExecutionHistoryReverseRequest { next_page_token: token, ..reverse(s, "wf", 100) }).await;
    s.step("a new first page does");
    page(s, reverse(s, "wf", 100)).await;
}

async fn of_a_closed_run(s: &Script) {
    let task = nine_events(s).await;
    let _ = s.complete(&task, [record_marker("three"), complete_workflow("done")]).await;
    let mut request = reverse(s, "wf", 2);
    request.next_page_token = page(s, request.clone()).await;
    page(s, request).await;
    let _ = s.call(reverse(s, "wf", 1)).await;
}

async fn transient(s: &Script) {
    use foretime_server::proto::enums::WorkflowTaskFailedCause;
    let task = nine_events(s).await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    s.await_workflow_task().await;
    page(s, reverse(s, "wf", 0)).await;
}
