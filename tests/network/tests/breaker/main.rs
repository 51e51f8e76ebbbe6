//! Defects to see what is found. Not to be kept.
#![cfg(madsim)]
#![allow(clippy::all, missing_docs)]

mod tampered;

use std::time::Duration;

use bytes::Bytes;
use foretime_network::{case, run::MakeService};
use foretime_server::{
    engine::time::Time,
    proto::{
        common::{Payloads, WorkflowExecution},
        enums::*,
        errordetails::WorkflowExecutionAlreadyStartedFailure,
        google::rpc,
        history::*,
        testservice::*,
        update::{Outcome, UpdateRef, outcome},
        workflowservice::*,
    },
    rpc::{Answer, Call},
};
use prost::Message;
use tampered::{Defect, Memory, boxed, edit};
use tonic::{Code, Status};

fn finds(name: &str, service: MakeService) {
    let summary = case::run(name, 2_000, &[], service).unwrap_or_else(|why| panic!("{why}"));
    match summary.failed_seed() {
        Some(seed) => println!("RESULT {name}: FOUND seed {seed}\n{}", summary.why(None)),
        None => println!("RESULT {name}: NOT FOUND in {}", summary.runs),
    }
}

macro_rules! defect {
    ($name:ident, $($field:ident: $value:expr),+ $(,)?) => {
        #[test]
        fn $name() {
            finds(stringify!($name), |config| boxed(config, Defect { $($field: $value,)+ ..Defect::default() }));
        }
    };
}

fn is(call: &Call, method: &str) -> bool {
    call.method == method
}

fn done() -> Option<Answer> {
    Some(Ok(Bytes::new()))
}

/// Acknowledged, not passed on, once in so many.
fn drops(m: &mut Memory, call: &Call, method: &str, every: u64) -> Option<Answer> {
    if is(call, method) && m.nth(every) { done() } else { None }
}

/// An answer of this method is changed once in so many.
fn alters<M: Message + Default>(
    m: &mut Memory, call: &Call, answer: Answer, method: &str, every: u64, change: impl FnOnce(&mut Memory, &mut M),
) -> Option<Answer> {
    if !is(call, method) { return Some(answer) }
    let Ok(message) = &answer else { return Some(answer) };
    if message.is_empty() || !m.nth(every) { return Some(answer) }
    Some(Ok(edit::<M>(message, |it| change(m, it))))
}

/// A request of this method is changed once in so many.
fn asks<M: Message + Default>(
    m: &mut Memory, call: &mut Call, method: &str, every: u64, change: impl FnOnce(&mut Memory, &mut M),
) -> Option<Answer> {
    if is(call, method) && m.nth(every) {
        call.message = edit::<M>(&call.message, |it| change(m, it));
    }
    None
}

fn refuses(m: &mut Memory, call: &Call, answer: Answer, method: &str, every: u64, status: Status) -> Option<Answer> {
    if is(call, method) && answer.is_ok() && m.nth(every) { Some(Err(status)) } else { Some(answer) }
}

// --- dropped
defect!(b_cancel_dropped, comes: |m, call| drops(m, call, "RequestCancelWorkflowExecution", 3));
defect!(b_terminate_dropped, comes: |m, call| drops(m, call, "TerminateWorkflowExecution", 3));
defect!(b_wft_completion_dropped, comes: |m, call| drops(m, call, "RespondWorkflowTaskCompleted", 10));
defect!(b_activity_completion_dropped, comes: |m, call| drops(m, call, "RespondActivityTaskCompleted", 5));
defect!(b_activity_failure_dropped, comes: |m, call| drops(m, call, "RespondActivityTaskFailed", 5));
defect!(b_heartbeat_dropped, comes: |m, call| drops(m, call, "RecordActivityTaskHeartbeat", 1));
defect!(b_heartbeat_dropped_rarely, comes: |m, call| drops(m, call, "RecordActivityTaskHeartbeat", 5));
defect!(b_query_answer_dropped, comes: |m, call| drops(m, call, "RespondQueryTaskCompleted", 3));
defect!(b_lock_dropped, comes: |m, call| drops(m, call, "LockTimeSkipping", 3));
defect!(b_unlock_dropped, comes: |m, call| drops(m, call, "UnlockTimeSkipping", 3));
defect!(b_update_dropped, comes: |m, call| {
    if !is(call, "UpdateWorkflowExecution") || !m.nth(3) { return None }
    let request = UpdateWorkflowExecutionRequest::decode(call.message.clone()).ok()?;
    let update = request.request.unwrap_or_default();
    let response = UpdateWorkflowExecutionResponse {
        update_ref: Some(UpdateRef { workflow_execution: request.workflow_execution, update_id: update.meta.unwrap_or_default().update_id }),
        stage: UpdateWorkflowExecutionLifecycleStage::Accepted as i32,
        outcome: None,
        ..Default::default()
    };
    Some(Ok(response.encode_to_vec().into()))
});
defect!(b_signal_of_signal_with_start_dropped, comes: |m, call| {
    if !is(call, "SignalWithStartWorkflowExecution") || !m.nth(3) { return None }
    let it = SignalWithStartWorkflowExecutionRequest::decode(call.message.clone()).ok()?;
    let mut start = StartWorkflowExecutionRequest {
        namespace: it.namespace, workflow_id: it.workflow_id, workflow_type: it.workflow_type, task_queue: it.task_queue,
        input: it.input, workflow_task_timeout: it.workflow_task_timeout, identity: it.identity, request_id: it.request_id,
        workflow_id_reuse_policy: it.workflow_id_reuse_policy, ..Default::default()
    };
    start.set_workflow_id_conflict_policy(WorkflowIdConflictPolicy::UseExisting);
    call.method = "StartWorkflowExecution".to_owned();
    call.message = start.encode_to_vec().into();
    None
});

// --- updates
defect!(b_update_other_outcome, goes: |m, call, answer| alters::<UpdateWorkflowExecutionResponse>(m, call, answer, "UpdateWorkflowExecution", 1, |m, it| {
    let Some(outcome) = &it.outcome else { return };
    let before = m.last.pop_front();
    m.last.push_back(outcome.encode_to_vec().into());
    if let Some(before) = before { it.outcome = Outcome::decode(before).ok() }
}));
defect!(b_update_failed_though_completed, goes: |m, call, answer| alters::<UpdateWorkflowExecutionResponse>(m, call, answer, "UpdateWorkflowExecution", 3, |_, it| {
    if it.outcome.is_some() {
        it.outcome = Some(Outcome { value: Some(outcome::Value::Failure(foretime_server::proto::failure::Failure { message: "no".to_owned(), ..Default::default() })) });
    }
}));
defect!(b_update_rejected_by_service, comes: |m, call| {
    if !is(call, "UpdateWorkflowExecution") || !m.nth(4) { return None }
    let request = UpdateWorkflowExecutionRequest::decode(call.message.clone()).ok()?;
    let update = request.request.unwrap_or_default();
    let mut execution = request.workflow_execution.unwrap_or_default();
    if execution.run_id.is_empty() { execution.run_id = String::from_utf8(m.seen.get(&execution.workflow_id)?.to_vec()).ok()?; }
    let response = UpdateWorkflowExecutionResponse {
        update_ref: Some(UpdateRef { workflow_execution: Some(execution), update_id: update.meta.unwrap_or_default().update_id }),
        stage: UpdateWorkflowExecutionLifecycleStage::Completed as i32,
        outcome: Some(Outcome { value: Some(outcome::Value::Failure(foretime_server::proto::failure::Failure { message: "no".to_owned(), ..Default::default() })) }),
        ..Default::default()
    };
    Some(Ok(response.encode_to_vec().into()))
}, goes: |m, call, answer| {
    if let (true, Ok(message)) = (is(call, "StartWorkflowExecution"), &answer) {
        let id = StartWorkflowExecutionRequest::decode(call.message.clone()).ok()?.workflow_id;
        let run = StartWorkflowExecutionResponse::decode(message.clone()).ok()?.run_id;
        m.seen.insert(id, run.into());
    }
    Some(answer)
});
defect!(b_update_messages_lost_from_task, goes: |m, call, answer| alters::<PollWorkflowTaskQueueResponse>(m, call, answer, "PollWorkflowTaskQueue", 3, |_, it| it.messages.clear()));
defect!(b_queries_lost_from_task, goes: |m, call, answer| alters::<PollWorkflowTaskQueueResponse>(m, call, answer, "PollWorkflowTaskQueue", 1, |_, it| it.queries.clear()));

// --- signals
defect!(b_signal_twice, twice: |m, call| {
    if !is(call, "SignalWorkflowExecution") || !m.nth(5) { return false }
    call.message = edit::<SignalWorkflowExecutionRequest>(&call.message, |it| it.request_id.push_str("-again"));
    true
});
defect!(b_signal_to_wrong_workflow, comes: |m, call| {
    if is(call, "StartWorkflowExecution") {
        let id = StartWorkflowExecutionRequest::decode(call.message.clone()).ok()?.workflow_id;
        m.seen.insert(id, Bytes::new());
    }
    asks::<SignalWorkflowExecutionRequest>(m, call, "SignalWorkflowExecution", 4, |m, it| {
        let id = it.workflow_execution.clone().unwrap_or_default().workflow_id;
        if let Some(other) = m.seen.keys().find(|other| **other != id) {
            it.workflow_execution = Some(WorkflowExecution { workflow_id: other.clone(), run_id: String::new() });
        }
    })
});
defect!(b_signal_input_altered, comes: |m, call| asks::<SignalWorkflowExecutionRequest>(m, call, "SignalWorkflowExecution", 4, |_, it| {
    if let Some(p) = it.input.as_mut().and_then(|it| it.payloads.first_mut()) { p.data = b"\"x\"".to_vec() }
}));
defect!(b_signal_name_altered, comes: |m, call| asks::<SignalWorkflowExecutionRequest>(m, call, "SignalWorkflowExecution", 3, |_, it| it.signal_name = "other".to_owned()));
defect!(b_signal_refused_though_done, goes: |m, call, answer| refuses(m, call, answer, "SignalWorkflowExecution", 4, Status::not_found("workflow execution already completed")));
defect!(b_signal_run_id_ignored, comes: |m, call| asks::<SignalWorkflowExecutionRequest>(m, call, "SignalWorkflowExecution", 1, |_, it| {
    if let Some(e) = it.workflow_execution.as_mut() { e.run_id.clear() }
}));

// --- cancel, terminate
defect!(b_cancel_run_id_ignored, comes: |m, call| asks::<RequestCancelWorkflowExecutionRequest>(m, call, "RequestCancelWorkflowExecution", 1, |_, it| {
    if let Some(e) = it.workflow_execution.as_mut() { e.run_id.clear() }
}));
defect!(b_terminate_run_id_ignored, comes: |m, call| asks::<TerminateWorkflowExecutionRequest>(m, call, "TerminateWorkflowExecution", 1, |_, it| {
    if let Some(e) = it.workflow_execution.as_mut() { e.run_id.clear() }
}));
defect!(b_terminate_for_cancel, comes: |m, call| {
    if !is(call, "RequestCancelWorkflowExecution") || !m.nth(4) { return None }
    let it = RequestCancelWorkflowExecutionRequest::decode(call.message.clone()).ok()?;
    call.method = "TerminateWorkflowExecution".to_owned();
    call.message = TerminateWorkflowExecutionRequest { namespace: it.namespace, workflow_execution: it.workflow_execution, reason: it.reason, identity: it.identity, ..Default::default() }.encode_to_vec().into();
    None
});
defect!(b_terminate_twice, twice: |m, call| is(call, "TerminateWorkflowExecution") && m.nth(3));
defect!(b_terminate_refused_though_done, goes: |m, call, answer| refuses(m, call, answer, "TerminateWorkflowExecution", 3, Status::not_found("workflow execution already completed")));

// --- starts
defect!(b_start_other_run_id, goes: |m, call, answer| alters::<StartWorkflowExecutionResponse>(m, call, answer, "StartWorkflowExecution", 1, |m, it| {
    m.last.push_back(it.run_id.clone().into());
    if m.count % 4 == 0 { it.run_id = String::from_utf8(m.last[0].to_vec()).unwrap() }
}));
defect!(b_started_true_for_existing, goes: |m, call, answer| alters::<StartWorkflowExecutionResponse>(m, call, answer, "StartWorkflowExecution", 1, |_, it| it.started = true));
defect!(b_started_true_sws, goes: |m, call, answer| alters::<SignalWithStartWorkflowExecutionResponse>(m, call, answer, "SignalWithStartWorkflowExecution", 3, |_, it| it.started = true));
defect!(b_started_false_for_new, goes: |m, call, answer| alters::<StartWorkflowExecutionResponse>(m, call, answer, "StartWorkflowExecution", 3, |_, it| it.started = false));
defect!(b_already_exists_wrong_run, goes: |m, call, answer| {
    match answer {
        Err(status) if status.code() == Code::AlreadyExists && m.nth(2) => {
            let mut detail = rpc::Status::decode(status.details()).unwrap();
            if let Some(first) = detail.details.first_mut() {
                let mut it = WorkflowExecutionAlreadyStartedFailure::decode(first.value.as_slice()).unwrap();
                it.run_id = "another".to_owned();
                first.value = it.encode_to_vec();
            }
            let _ = call;
            Some(Err(Status::with_details(status.code(), status.message(), detail.encode_to_vec().into())))
        }
        answer => Some(answer),
    }
});
defect!(b_second_retry_begins_anew, comes: |m, call| {
    if !is(call, "StartWorkflowExecution") { return None }
    let mut it = StartWorkflowExecutionRequest::decode(call.message.clone()).ok()?;
    let count = m.counts.entry(it.request_id.clone()).or_default();
    *count += 1;
    if *count > 2 { it.request_id.push_str("-anew"); call.message = it.encode_to_vec().into(); }
    None
});
defect!(b_reuse_policy_ignored, comes: |m, call| asks::<StartWorkflowExecutionRequest>(m, call, "StartWorkflowExecution", 2, |_, it| it.set_workflow_id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)));
defect!(b_conflict_policy_ignored, comes: |m, call| asks::<StartWorkflowExecutionRequest>(m, call, "StartWorkflowExecution", 2, |_, it| it.set_workflow_id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)));
defect!(b_start_task_timeout_ignored, comes: |m, call| asks::<StartWorkflowExecutionRequest>(m, call, "StartWorkflowExecution", 3, |_, it| it.workflow_task_timeout = None));
defect!(b_start_identity_lost, comes: |m, call| asks::<StartWorkflowExecutionRequest>(m, call, "StartWorkflowExecution", 3, |_, it| it.identity.clear()));
defect!(b_start_run_timeout_added, comes: |m, call| asks::<StartWorkflowExecutionRequest>(m, call, "StartWorkflowExecution", 3, |_, it| it.workflow_run_timeout = Some(prost_types::Duration { seconds: 3600, nanos: 0 })));

// --- describe, query
defect!(b_describe_stale, goes: |m, call, answer| {
    if !is(call, "DescribeWorkflowExecution") || answer.is_err() { return Some(answer) }
    let e = DescribeWorkflowExecutionRequest::decode(call.message.clone()).ok()?.execution.unwrap_or_default();
    let key = format!("{} {}", e.workflow_id, e.run_id);
    let message = answer.unwrap();
    if m.nth(3) && let Some(before) = m.seen.get(&key) { return Some(Ok(before.clone())) }
    m.seen.insert(key, message.clone());
    Some(Ok(message))
});
defect!(b_describe_running_though_closed, goes: |m, call, answer| alters::<DescribeWorkflowExecutionResponse>(m, call, answer, "DescribeWorkflowExecution", 3, |_, it| {
    if let Some(info) = it.workflow_execution_info.as_mut() { info.set_status(WorkflowExecutionStatus::Running) }
}));
defect!(b_describe_completed_though_running, goes: |m, call, answer| alters::<DescribeWorkflowExecutionResponse>(m, call, answer, "DescribeWorkflowExecution", 3, |_, it| {
    if let Some(info) = it.workflow_execution_info.as_mut() { info.set_status(WorkflowExecutionStatus::Completed) }
}));
defect!(b_describe_history_length, goes: |m, call, answer| alters::<DescribeWorkflowExecutionResponse>(m, call, answer, "DescribeWorkflowExecution", 3, |_, it| {
    if let Some(info) = it.workflow_execution_info.as_mut() { info.history_length += 1 }
}));
defect!(b_query_cached, goes: |m, call, answer| {
    if !is(call, "QueryWorkflow") || answer.is_err() { return Some(answer) }
    let e = QueryWorkflowRequest::decode(call.message.clone()).ok()?.execution.unwrap_or_default();
    let message = answer.unwrap();
    Some(Ok(m.seen.entry(format!("{} {}", e.workflow_id, e.run_id)).or_insert(message).clone()))
});
defect!(b_query_answer_of_another, goes: |m, call, answer| {
    if !is(call, "QueryWorkflow") || answer.is_err() { return Some(answer) }
    let message = answer.unwrap();
    let before = m.again.replace(message.clone());
    Some(Ok(if m.nth(3) { before.unwrap_or(message) } else { message }))
});
defect!(b_query_refused, goes: |m, call, answer| refuses(m, call, answer, "QueryWorkflow", 4, Status::failed_precondition("no")));
defect!(b_query_invalid, goes: |m, call, answer| refuses(m, call, answer, "QueryWorkflow", 4, Status::invalid_argument("no")));
defect!(b_query_run_id_ignored, comes: |m, call| asks::<QueryWorkflowRequest>(m, call, "QueryWorkflow", 1, |_, it| {
    if let Some(e) = it.execution.as_mut() { e.run_id.clear() }
}));

// --- get-history
defect!(b_close_event_of_another_run, goes: |m, call, answer| {
    if !is(call, "GetWorkflowExecutionHistory") || !matches!(&answer, Ok(message) if !message.is_empty()) { return Some(answer) }
    let message = answer.unwrap();
    let is_end = GetWorkflowExecutionHistoryResponse::decode(message.clone()).ok()?.next_page_token.is_empty();
    if !is_end { return Some(Ok(message)) }
    let before = m.again.replace(message.clone());
    Some(Ok(if m.nth(4) { before.unwrap_or(message) } else { message }))
});
defect!(b_history_empty_without_token, comes: |m, call| {
    if !is(call, "GetWorkflowExecutionHistory") || !m.nth(4) { return None }
    Some(Ok(GetWorkflowExecutionHistoryResponse { history: Some(History::default()), ..Default::default() }.encode_to_vec().into()))
});
defect!(b_history_empty_with_token_at_once, comes: |m, call| {
    if !is(call, "GetWorkflowExecutionHistory") || !m.nth(4) { return None }
    let it = GetWorkflowExecutionHistoryRequest::decode(call.message.clone()).ok()?;
    if it.next_page_token.is_empty() { return None }
    Some(Ok(GetWorkflowExecutionHistoryResponse { history: Some(History::default()), next_page_token: it.next_page_token, ..Default::default() }.encode_to_vec().into()))
});
defect!(b_history_not_found, comes: |m, call| {
    if !is(call, "GetWorkflowExecutionHistory") || !m.nth(10) { return None }
    Some(Err(Status::not_found("workflow not found")))
});
defect!(b_close_event_result_altered, goes: |m, call, answer| alters::<GetWorkflowExecutionHistoryResponse>(m, call, answer, "GetWorkflowExecutionHistory", 3, |_, it| {
    for event in it.history.iter_mut().flat_map(|it| it.events.iter_mut()) {
        if let Some(history_event::Attributes::WorkflowExecutionCompletedEventAttributes(it)) = event.attributes.as_mut() { it.result = None }
    }
}));

// --- polls
defect!(b_abandon_swallowed, abandon: |_| false);
defect!(b_abandon_swallowed_rarely, abandon: |m| !m.nth(5));
defect!(b_closed_swallowed_of_polls, comes: |m, call| {
    let is_poll = call.method.starts_with("Poll") || call.method.starts_with("Respond") || call.method.starts_with("Record");
    let only = m.polls_only.entry(call.caller.connection).or_insert(true);
    *only &= is_poll;
    None
}, closing: |m, connection| m.polls_only.remove(&connection) != Some(true));
defect!(b_closed_swallowed_of_polls_rarely, comes: |m, call| {
    let is_poll = call.method.starts_with("Poll") || call.method.starts_with("Respond") || call.method.starts_with("Record");
    let only = m.polls_only.entry(call.caller.connection).or_insert(true);
    *only &= is_poll;
    None
}, closing: |m, connection| m.polls_only.remove(&connection) != Some(true) || !m.nth(4));
defect!(b_poll_empty_though_task, goes: |m, call, answer| {
    if !is(call, "PollActivityTaskQueue") || !matches!(&answer, Ok(message) if !message.is_empty()) || !m.nth(10) { return Some(answer) }
    done()
});
defect!(b_wft_poll_empty_though_task, goes: |m, call, answer| {
    if !is(call, "PollWorkflowTaskQueue") || !matches!(&answer, Ok(message) if !message.is_empty()) || !m.nth(10) { return Some(answer) }
    done()
});
defect!(b_poll_empty_at_once, comes: |m, call| if call.method.starts_with("Poll") && m.nth(3) { done() } else { None });
defect!(b_poll_refused, comes: |m, call| if call.method.starts_with("Poll") && m.nth(10) { Some(Err(Status::invalid_argument("no"))) } else { None });
defect!(b_activity_twice, comes: |m, call| if is(call, "PollActivityTaskQueue") { m.again.take().map(Ok) } else { None },
    goes: |m, call, answer| {
        if let ("PollActivityTaskQueue", Ok(message)) = (call.method.as_str(), &answer) && !message.is_empty() && m.nth(5) { m.again = Some(message.clone()) }
        Some(answer)
    });
defect!(b_activity_wrong_attempt, goes: |m, call, answer| alters::<PollActivityTaskQueueResponse>(m, call, answer, "PollActivityTaskQueue", 5, |_, it| it.attempt += 1));
defect!(b_activity_other_token, goes: |m, call, answer| alters::<PollActivityTaskQueueResponse>(m, call, answer, "PollActivityTaskQueue", 1, |m, it| {
    let before = m.again.replace(it.task_token.clone().into());
    if m.count % 5 == 0 && let Some(before) = before { it.task_token = before.to_vec() }
}));
defect!(b_activity_input_altered, goes: |m, call, answer| alters::<PollActivityTaskQueueResponse>(m, call, answer, "PollActivityTaskQueue", 5, |m, it| {
    let before = m.again.replace(it.input.clone().unwrap_or_default().encode_to_vec().into());
    if let Some(before) = before { it.input = Payloads::decode(before).ok() }
}));
defect!(b_activity_type_altered, goes: |m, call, answer| alters::<PollActivityTaskQueueResponse>(m, call, answer, "PollActivityTaskQueue", 5, |_, it| it.activity_type = Some(foretime_server::proto::common::ActivityType { name: "other".to_owned() })));
defect!(b_activity_heartbeat_timeout_lost, goes: |m, call, answer| alters::<PollActivityTaskQueueResponse>(m, call, answer, "PollActivityTaskQueue", 3, |_, it| it.heartbeat_timeout = None));
defect!(b_activity_workflow_altered, goes: |m, call, answer| alters::<PollActivityTaskQueueResponse>(m, call, answer, "PollActivityTaskQueue", 5, |_, it| if let Some(e) = it.workflow_execution.as_mut() { e.workflow_id = "other".to_owned() }));
defect!(b_wft_wrong_attempt, goes: |m, call, answer| alters::<PollWorkflowTaskQueueResponse>(m, call, answer, "PollWorkflowTaskQueue", 5, |_, it| it.attempt += 1));
defect!(b_wft_previous_started_wrong, goes: |m, call, answer| alters::<PollWorkflowTaskQueueResponse>(m, call, answer, "PollWorkflowTaskQueue", 5, |_, it| it.previous_started_event_id += 1));
defect!(b_wft_history_truncated, goes: |m, call, answer| alters::<PollWorkflowTaskQueueResponse>(m, call, answer, "PollWorkflowTaskQueue", 5, |_, it| {
    if let Some(h) = it.history.as_mut() { h.events.truncate(h.events.len().saturating_sub(2).max(1)) }
}));
defect!(b_wft_history_event_dropped, goes: |m, call, answer| alters::<PollWorkflowTaskQueueResponse>(m, call, answer, "PollWorkflowTaskQueue", 5, |_, it| {
    if let Some(h) = it.history.as_mut() && h.events.len() > 4 { h.events.remove(4); }
}));
defect!(b_wft_type_altered, goes: |m, call, answer| alters::<PollWorkflowTaskQueueResponse>(m, call, answer, "PollWorkflowTaskQueue", 5, |_, it| it.workflow_type = Some(foretime_server::proto::common::WorkflowType { name: "other".to_owned() })));
defect!(b_misdelivered, misdelivers: |m, call| call.method.starts_with("Poll") && m.nth(10));
defect!(b_swapped, comes: |_, _| None, goes: |m, call, answer| {
    // Two answers to polls of one kind are exchanged: the first waits for the second.
    if !is(call, "QueryWorkflow") && !is(call, "UpdateWorkflowExecution") { return Some(answer) }
    let Ok(message) = answer else { return Some(answer) };
    let before = m.seen.insert(call.method.clone(), message.clone());
    Some(Ok(if m.nth(5) { before.unwrap_or(message) } else { message }))
});

// --- answers of workers
defect!(b_failure_as_completion, comes: |m, call| {
    if !is(call, "RespondActivityTaskFailed") || !m.nth(4) { return None }
    let it = RespondActivityTaskFailedRequest::decode(call.message.clone()).ok()?;
    call.method = "RespondActivityTaskCompleted".to_owned();
    call.message = RespondActivityTaskCompletedRequest { task_token: it.task_token, namespace: it.namespace, identity: it.identity, ..Default::default() }.encode_to_vec().into();
    None
});
defect!(b_completion_as_failure, comes: |m, call| {
    if !is(call, "RespondActivityTaskCompleted") || !m.nth(4) { return None }
    let it = RespondActivityTaskCompletedRequest::decode(call.message.clone()).ok()?;
    call.method = "RespondActivityTaskFailed".to_owned();
    call.message = RespondActivityTaskFailedRequest { task_token: it.task_token, namespace: it.namespace, identity: it.identity, ..Default::default() }.encode_to_vec().into();
    None
});
defect!(b_failure_altered, comes: |m, call| asks::<RespondActivityTaskFailedRequest>(m, call, "RespondActivityTaskFailed", 4, |_, it| if let Some(f) = it.failure.as_mut() { f.message = "other".to_owned() }));
defect!(b_failure_final, comes: |m, call| asks::<RespondActivityTaskFailedRequest>(m, call, "RespondActivityTaskFailed", 4, |_, it| if let Some(foretime_server::proto::failure::failure::FailureInfo::ApplicationFailureInfo(f)) = it.failure.as_mut().and_then(|f| f.failure_info.as_mut()) { f.non_retryable = true }));
defect!(b_result_altered, comes: |m, call| asks::<RespondActivityTaskCompletedRequest>(m, call, "RespondActivityTaskCompleted", 4, |_, it| it.result = None));
defect!(b_answer_for_another_task, comes: |m, call| {
    if !is(call, "RespondActivityTaskCompleted") { return None }
    let other = m.last.back().cloned();
    asks::<RespondActivityTaskCompletedRequest>(m, call, "RespondActivityTaskCompleted", 4, |_, it| if let Some(other) = other { it.task_token = other.to_vec() })
}, goes: |m, call, answer| {
    if let (true, Ok(message)) = (is(call, "PollActivityTaskQueue"), &answer) && !message.is_empty() {
        m.last.push_back(PollActivityTaskQueueResponse::decode(message.clone()).ok()?.task_token.into());
    }
    Some(answer)
});
defect!(b_command_dropped, comes: |m, call| asks::<RespondWorkflowTaskCompletedRequest>(m, call, "RespondWorkflowTaskCompleted", 10, |_, it| { it.commands.pop(); }));
defect!(b_in_time_not_found_done, goes: |m, call, answer| refuses(m, call, answer, "RespondActivityTaskCompleted", 8, Status::not_found("invalid activityID or activity already timed out or invoking workflow is completed")));
defect!(b_in_time_not_found_not_done, comes: |m, call| if is(call, "RespondActivityTaskCompleted") && m.nth(8) { Some(Err(Status::not_found("invalid activityID or activity already timed out or invoking workflow is completed"))) } else { None });
defect!(b_wft_in_time_not_found, comes: |m, call| if is(call, "RespondWorkflowTaskCompleted") && m.nth(15) { Some(Err(Status::not_found("Workflow task not found."))) } else { None });
defect!(b_heartbeat_not_found, comes: |m, call| if is(call, "RecordActivityTaskHeartbeat") && m.nth(5) { Some(Err(Status::not_found("invalid activityID or activity already timed out or invoking workflow is completed"))) } else { None });
defect!(b_heartbeat_cancels, goes: |m, call, answer| if is(call, "RecordActivityTaskHeartbeat") && answer.is_ok() && m.nth(5) { Some(Ok(RecordActivityTaskHeartbeatResponse { cancel_requested: true, ..Default::default() }.encode_to_vec().into())) } else { Some(answer) });
defect!(b_late_invalid_argument, goes: |m, call, answer| match answer {
    Err(status) if status.code() == Code::NotFound && call.method.starts_with("Respond") && m.nth(3) => Some(Err(Status::invalid_argument(status.message()))),
    answer => Some(answer),
});
defect!(b_late_internal, goes: |m, call, answer| match answer {
    Err(status) if status.code() == Code::NotFound && call.method.starts_with("Respond") && m.nth(3) => Some(Err(Status::internal(status.message()))),
    answer => Some(answer),
});
defect!(b_late_heartbeat_accepted, goes: |m, call, answer| match answer {
    Err(status) if status.code() == Code::NotFound && call.method.starts_with("Record") && m.nth(2) => done(),
    answer => Some(answer),
});
defect!(b_served_twice, twice: |m, call| call.method.starts_with("Respond") && m.nth(10));
defect!(b_sws_served_twice, twice: |m, call| {
    if !is(call, "SignalWithStartWorkflowExecution") || !m.nth(4) { return false }
    call.message = edit::<SignalWithStartWorkflowExecutionRequest>(&call.message, |it| it.request_id.push_str("-again"));
    true
});

// --- codes
defect!(b_signal_unavailable_once_done, goes: |m, call, answer| refuses(m, call, answer, "SignalWorkflowExecution", 4, Status::internal("boom")));
defect!(b_not_found_as_invalid, goes: |m, call, answer| match answer {
    Err(status) if status.code() == Code::NotFound && !call.method.starts_with("Re") && m.nth(2) => Some(Err(Status::invalid_argument(status.message()))),
    answer => Some(answer),
});
defect!(b_not_found_as_internal, goes: |m, call, answer| match answer {
    Err(status) if status.code() == Code::NotFound && !call.method.starts_with("Re") && m.nth(2) => Some(Err(Status::internal(status.message()))),
    answer => Some(answer),
});
defect!(b_already_exists_without_details, goes: |m, _, answer| match answer {
    Err(status) if status.code() == Code::AlreadyExists && m.nth(2) => Some(Err(Status::already_exists(status.message()))),
    answer => Some(answer),
});

// --- time
defect!(b_unlock_twice, twice: |m, call| is(call, "UnlockTimeSkipping") && m.nth(3));
defect!(b_lock_twice, twice: |m, call| is(call, "LockTimeSkipping") && m.nth(3));
defect!(b_current_time_off, goes: |m, call, answer| alters::<GetCurrentTimeResponse>(m, call, answer, "GetCurrentTime", 3, |_, it| if let Some(t) = it.time.as_mut() { t.seconds += 3600 }));
defect!(b_clock_jumps, clock: |m, now| {
    if m.nth(500) { m.offset_ns += 3_600_000_000_000 }
    Time::from_nanos(now.as_nanos() + m.offset_ns)
});
defect!(b_clock_stands, clock: |m, now| {
    let ns = now.as_nanos();
    if m.stood_at.is_none() && m.nth(300) { m.stood_at = Some(ns + m.offset_ns); m.until = ns + 60_000_000_000; }
    if let Some(at) = m.stood_at {
        m.offset_ns = at - ns;
        if ns > m.until { m.stood_at = None }
    }
    Time::from_nanos(ns + m.offset_ns)
});
defect!(b_clock_twice_as_fast, clock: |m, now| {
    if m.stood_at.is_none() { m.stood_at = Some(now.as_nanos()) }
    m.offset_ns = now.as_nanos() - m.stood_at.unwrap();
    Time::from_nanos(now.as_nanos() + m.offset_ns)
});
defect!(b_deadline_minute_late, late: Duration::from_secs(60));
defect!(b_deadline_second_late, late: Duration::from_secs(1));
defect!(b_advance_skipped, advances: |m, now| {
    if now.as_nanos() < m.until { return false }
    if m.nth(50) { m.until = now.as_nanos() + 30_000_000_000; return false }
    true
});
defect!(b_deadlines_ignored, comes: |_, call| { call.deadline = None; None });
