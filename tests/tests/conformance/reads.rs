//! Reads of histories: pages, long polls, the close event, who sees what.

use std::time::Duration;

use foretime_server::proto::{
    enums::{EventType, HistoryEventFilterType, WorkflowTaskFailedCause},
    workflowservice::*,
};
use foretime_tests::{commands::*, script::*};

crate::scripts![
    in_pages,
    a_page_too_large,
    long_poll,
    long_poll_without_a_token,
    long_poll_of_a_closed_workflow,
    close_event_of_a_closed_workflow,
    close_event_of_a_running_workflow,
    close_event_waits,
    close_event_in_vain,
    a_foreign_token,
    a_token_of_another_run,
    transient_events,
    a_chain_by_its_close_events,
];

fn ids(reply: &GetWorkflowExecutionHistoryResponse) -> String {
    let events = reply.history.iter().flat_map(|history| &history.events);
    let ids: Vec<i64> = events.map(|event| event.event_id).collect();
    let more = if reply.next_page_token.is_empty() { "the end" } else { "more" };
    format!("{ids:?}, {more}")
}

async fn five_events(s: &Script) {
    s.start("wf").await;
    s.run_task([complete_workflow("done")]).await;
}

async fn in_pages(s: &Script) {
    five_events(s).await;
    let mut request = GetWorkflowExecutionHistoryRequest { maximum_page_size: 1, ..s.new_history("wf") };
    loop {
        let reply = s.client.call(request.clone()).await.expect("a page");
        s.note(ids(&reply));
        if reply.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = reply.next_page_token;
    }
}

async fn a_page_too_large(s: &Script) {
    five_events(s).await;
    let request = GetWorkflowExecutionHistoryRequest { maximum_page_size: 1_000_000, ..s.new_history("wf") };
    let reply = s.client.call(request).await.expect("a page");
    s.note(ids(&reply));
    let _ = s.call(GetWorkflowExecutionHistoryRequest { maximum_page_size: -1, ..s.new_history("wf") }).await;
}

async fn long_poll(s: &Script) {
    s.start("wf").await;
    let request = GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..s.new_history("wf") };
    let first = s.client.call(request.clone()).await.expect("what is there");
    s.note(ids(&first));
    let request = GetWorkflowExecutionHistoryRequest { next_page_token: first.next_page_token, ..request };
    let (second, ()) = futures_util::future::join(s.client.call(request.clone()), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        s.signal("wf", "news").await;
    })
    .await;
    let second = second.expect("what came");
    s.note(ids(&second));
    let request = GetWorkflowExecutionHistoryRequest { next_page_token: second.next_page_token, ..request };
    let (third, ()) = futures_util::future::join(s.client.call(request), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        s.terminate("wf").await;
    })
    .await;
    s.note(ids(&third.expect("what came last")));
}

async fn long_poll_without_a_token(s: &Script) {
    s.start("wf").await;
    let request = GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..s.new_history("wf") };
    s.step("at once, all there is");
    let reply = s.client.call(request.clone()).await.expect("what is there");
    s.note(ids(&reply));
    s.step("nothing comes before the caller's deadline");
    let request = GetWorkflowExecutionHistoryRequest { next_page_token: reply.next_page_token, ..request };
    let reply = s.client.call_within(Duration::from_secs(3), request).await;
    s.note(reply.map_or_else(|status| format!("{:?}", status.code()), |reply| ids(&reply)));
}

async fn long_poll_of_a_closed_workflow(s: &Script) {
    five_events(s).await;
    let request = GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..s.new_history("wf") };
    let reply = s.client.call(request).await.expect("all there is");
    s.note(ids(&reply));
}

fn close_filter(s: &Script, id: &str) -> GetWorkflowExecutionHistoryRequest {
    let history_event_filter_type = HistoryEventFilterType::CloseEvent.into();
    GetWorkflowExecutionHistoryRequest { history_event_filter_type, ..s.new_history(id) }
}

async fn close_event_of_a_closed_workflow(s: &Script) {
    five_events(s).await;
    let reply = s.client.call(close_filter(s, "wf")).await.expect("the last event");
    s.note(ids(&reply));
}

async fn close_event_of_a_running_workflow(s: &Script) {
    s.start("wf").await;
    s.step("not asked to wait for new events, and waits all the same");
    let (reply, ()) = futures_util::future::join(s.client.call(close_filter(s, "wf")), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        s.terminate("wf").await;
    })
    .await;
    s.note(ids(&reply.expect("the close event")));
}

async fn close_event_waits(s: &Script) {
    s.start("wf").await;
    let request = GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..close_filter(s, "wf") };
    let (reply, ()) = futures_util::future::join(s.client.call(request), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        s.signal("wf", "no reason to wake").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        s.terminate("wf").await;
    })
    .await;
    s.note(ids(&reply.expect("the close event")));
}

async fn close_event_in_vain(s: &Script) {
    s.start("wf").await;
    for wait_new_event in [false, true] {
        let request = GetWorkflowExecutionHistoryRequest { wait_new_event, ..close_filter(s, "wf") };
        let reply = s.client.call_within(Duration::from_secs(3), request).await.expect("the server gives up first");
        s.note(ids(&reply));
    }
}

async fn a_foreign_token(s: &Script) {
    five_events(s).await;
    let request = GetWorkflowExecutionHistoryRequest { next_page_token: b"nonsense".to_vec(), ..s.new_history("wf") };
    let _ = s.call(request).await;
}

async fn a_token_of_another_run(s: &Script) {
    five_events(s).await;
    s.start("other").await;
    let request = GetWorkflowExecutionHistoryRequest { maximum_page_size: 1, ..s.new_history("wf") };
    let next_page_token = s.client.call(request).await.expect("a page").next_page_token;
    let other = s.client.call(s.new_describe("other")).await.expect("it is there");
    let run_id = other.workflow_execution_info.unwrap_or_default().execution.unwrap_or_default().run_id;
    let request =
        GetWorkflowExecutionHistoryRequest { next_page_token, execution: s.run("other", &run_id), ..s.new_history("other") };
    let _ = s.call(request).await;
}

async fn transient_events(s: &Script) {
    s.start("wf").await;
    let task = s.await_workflow_task().await;
    s.fail_task(&task, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure).await;
    s.await_workflow_task().await;
    s.step("an SDK sees the second attempt");
    s.history("wf").await;
    s.step("the command line and the Web UI do not");
    for name in ["temporal-cli", "temporal-ui"] {
        s.history_seen_by(&s.client.with_header("client-name", name), "wf").await;
    }
}

async fn a_chain_by_its_close_events(s: &Script) {
    let first =
        s.start_with(StartWorkflowExecutionRequest { cron_schedule: "@every 1s".to_owned(), ..s.new_start("wf") }).await;
    s.run_task([complete_workflow("done")]).await;
    s.await_event_of_run("wf", &first, EventType::WorkflowExecutionCompleted).await;
    s.step("a client that does not follow new_execution_run_id is told of a continue-as-new");
    s.close_event("wf", &first).await;
    s.step("one that does, the truth");
    let client = s.client.with_header("supported-features", "follows-next-run-id");
    let request = GetWorkflowExecutionHistoryRequest { execution: s.run("wf", &first), ..close_filter(s, "wf") };
    let reply = client.call(request).await.expect("the close event");
    s.show_events("  ", &reply.history.unwrap_or_default().events);
}
