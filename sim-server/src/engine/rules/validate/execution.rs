//! Requests that name an execution: signal, cancel, terminate, describe, history, query
//! (`service/frontend/workflow_handler.go`, `service/frontend/validators.go`).

use prost::Message;

use super::links;
use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::{limits::Limits, switches::Switches},
    },
    proto::{
        common::{Payloads, WorkflowExecution},
        enums::{HistoryEventFilterType, QueryRejectCondition, ResetReapplyType, UpdateWorkflowExecutionLifecycleStage},
        workflowservice::{
            DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryReverseRequest,
            QueryWorkflowRequest, RequestCancelWorkflowExecutionRequest, ResetWorkflowExecutionRequest,
            SignalWorkflowExecutionRequest, TerminateWorkflowExecutionRequest, UpdateWorkflowExecutionRequest,
        },
    },
};

/// Refuses an absent execution, an empty workflow id, and a run id that is no UUID. An empty run id means the current run.
pub fn execution(execution: Option<&WorkflowExecution>) -> Result<()> {
    let Some(execution) = execution else { return Err(Error::invalid("Execution is not set on request.")) };
    if execution.workflow_id.is_empty() {
        return Err(Error::invalid("WorkflowId is not set on request."));
    }
    if !execution.run_id.is_empty() && !is_uuid(&execution.run_id) {
        return Err(Error::invalid("Invalid RunId."));
    }
    Ok(())
}

/// SignalWorkflowExecution.
pub fn signal(request: &mut SignalWorkflowExecutionRequest, limits: &Limits) -> Result<()> {
    execution(request.workflow_execution.as_ref())?;
    if request.signal_name.is_empty() {
        return Err(Error::invalid("SignalName is not set on request."));
    }
    if request.signal_name.len() > limits.id_length_max {
        return Err(Error::invalid("SignalName length exceeds limit."));
    }
    if request.request_id.len() > limits.id_length_max {
        return Err(Error::invalid("RequestId length exceeds limit."));
    }
    links(&request.links, limits)?;
    blob(request.input.as_ref(), limits)
}

/// RequestCancelWorkflowExecution.
pub fn request_cancel(request: &mut RequestCancelWorkflowExecutionRequest, limits: &Limits) -> Result<()> {
    execution(request.workflow_execution.as_ref())?;
    links(&request.links, limits)
}

/// TerminateWorkflowExecution: an empty reason or identity gets the real server's.
pub fn terminate(request: &mut TerminateWorkflowExecutionRequest, limits: &Limits) -> Result<()> {
    execution(request.workflow_execution.as_ref())?;
    links(&request.links, limits)?;
    if request.reason.is_empty() {
        "terminated by user via frontend".clone_into(&mut request.reason);
    }
    if request.identity.is_empty() {
        "frontend-service".clone_into(&mut request.identity);
    }
    Ok(())
}

/// ResetWorkflowExecution.
pub fn reset(request: &ResetWorkflowExecutionRequest, limits: &Limits) -> Result<()> {
    if request.request_id.is_empty() {
        return Err(Error::invalid("RequestId is not set on request."));
    }
    if request.request_id.len() > limits.id_length_max {
        return Err(Error::invalid("RequestId length exceeds limit."));
    }
    execution(request.workflow_execution.as_ref())?;
    ResetReapplyType::try_from(request.reset_reapply_type)
        .map(drop)
        .map_err(|_| Error::Internal(format!("unknown reset reapply type: {}", request.reset_reapply_type)))
}

/// DescribeWorkflowExecution.
pub fn describe(request: &DescribeWorkflowExecutionRequest) -> Result<()> {
    execution(request.execution.as_ref())
}

/// GetWorkflowExecutionHistory. No page size means the largest, a larger one is cut, and no filter means all events.
pub fn history(request: &mut GetWorkflowExecutionHistoryRequest, limits: &Limits) -> Result<()> {
    execution(request.execution.as_ref())?;
    if request.maximum_page_size <= 0 || request.maximum_page_size > limits.history_page_max {
        request.maximum_page_size = limits.history_page_max;
    }
    if request.history_event_filter_type == HistoryEventFilterType::Unspecified as i32 {
        request.history_event_filter_type = HistoryEventFilterType::AllEvent as i32;
    }
    Ok(())
}

/// GetWorkflowExecutionHistoryReverse. No page size means the largest, and a larger one is cut.
pub fn history_reverse(request: &mut GetWorkflowExecutionHistoryReverseRequest, limits: &Limits) {
    if request.maximum_page_size <= 0 || request.maximum_page_size > limits.history_page_max {
        request.maximum_page_size = limits.history_page_max;
    }
}

/// QueryWorkflow: no reject condition means NONE.
pub fn query(request: &mut QueryWorkflowRequest, limits: &Limits) -> Result<()> {
    execution(request.execution.as_ref())?;
    let Some(query) = &request.query else { return Err(Error::invalid("WorkflowQuery is not set on request.")) };
    if query.query_type.is_empty() {
        return Err(Error::invalid("QueryType is not set on request."));
    }
    if request.query_reject_condition == QueryRejectCondition::Unspecified as i32 {
        request.query_reject_condition = QueryRejectCondition::None as i32;
    }
    blob(query.query_args.as_ref(), limits)
}

/// UpdateWorkflowExecution. No stage to wait for means completion. The update's id may be empty still.
pub(crate) fn update(request: &mut UpdateWorkflowExecutionRequest, limits: &Limits, switches: &Switches) -> Result<()> {
    execution(request.workflow_execution.as_ref())?;
    let update = request.request.get_or_insert_default();
    let Some(meta) = &update.meta else { return Err(Error::invalid("Update meta is not set on request.")) };
    if meta.update_id.len() > limits.id_length_max {
        return Err(Error::invalid("UpdateId length exceeds limit."));
    }
    let Some(input) = &update.input else { return Err(Error::invalid("Update input is not set on request.")) };
    if input.name.is_empty() {
        return Err(Error::invalid("Update name is not set on request."));
    }
    switches.check_updates()?;
    let policy = request.wait_policy.get_or_insert_default();
    match UpdateWorkflowExecutionLifecycleStage::try_from(policy.lifecycle_stage) {
        Ok(UpdateWorkflowExecutionLifecycleStage::Unspecified) => {
            policy.set_lifecycle_stage(UpdateWorkflowExecutionLifecycleStage::Completed);
        }
        Ok(UpdateWorkflowExecutionLifecycleStage::Admitted) => {
            return Err(Error::PermissionDenied(
                "UpdateWorkflowExecution issued asynchronously and waiting on update admitted is not supported.".to_owned(),
            ));
        }
        Ok(UpdateWorkflowExecutionLifecycleStage::Accepted) if !switches.accepted_updates => {
            return Err(Error::PermissionDenied(
                "UpdateWorkflowExecution issued asynchronously and waiting on update accepted is disabled on this namespace."
                    .to_owned(),
            ));
        }
        // Who waits for a stage that there is not waits for none.
        Ok(UpdateWorkflowExecutionLifecycleStage::Accepted | UpdateWorkflowExecutionLifecycleStage::Completed) | Err(_) => {}
    }
    if !update.completion_callbacks.is_empty() {
        return Err(Error::Unimplemented("Completion callbacks are not supported by this server.".to_owned()));
    }
    // Its links are not checked, as on the real server.
    Ok(())
}

fn blob(payloads: Option<&Payloads>, limits: &Limits) -> Result<()> {
    if payloads.map_or(0, Message::encoded_len) > limits.blob_size_max_bytes {
        return Err(Error::invalid("Blob data size exceeds limit."));
    }
    Ok(())
}

/// Whether it is a UUID in any notation that google/uuid reads: with or without dashes, in braces, or as a URN.
pub(crate) fn is_uuid(text: &str) -> bool {
    let dashed = match text.len() {
        32 => return text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        36 => Some(text),
        38 => text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')),
        45 => text.split_at_checked(9).filter(|(prefix, _)| prefix.eq_ignore_ascii_case("urn:uuid:")).map(|(_, rest)| rest),
        _ => None,
    };
    let fits =
        |(index, byte): (usize, u8)| if matches!(index, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    dashed.is_some_and(|dashed| dashed.bytes().enumerate().all(fits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{common::Payload, query::WorkflowQuery};

    const RUN: &str = "01a2b3c4-0000-7000-8000-0123456789ab";

    fn of(workflow_id: &str, run_id: &str) -> Option<WorkflowExecution> {
        Some(WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.to_owned() })
    }

    fn large() -> Option<Payloads> {
        Some(Payloads { payloads: vec![Payload { data: vec![0; 3 << 20], ..Payload::default() }] })
    }

    fn refused(text: &str) -> Result<()> {
        if text.is_empty() { Ok(()) } else { Err(Error::invalid(text)) }
    }

    #[test]
    fn executions_need_an_id_and_a_run_id_that_is_a_uuid() {
        let cases = [
            (None, "Execution is not set on request."),
            (of("", RUN), "WorkflowId is not set on request."),
            (of("w", "notauuid"), "Invalid RunId."),
            (of("w", "01a2b3c4-0000-7000-8000-0123456789ag"), "Invalid RunId."),
            (of("w", "01a2b3c4000070008000-0123456789abcde"), "Invalid RunId."),
            (of("w", ""), ""),
            (of("w", RUN), ""),
            (of("w", "{01a2b3c4-0000-7000-8000-0123456789ab}"), ""),
            (of("w", "URN:uuid:01a2b3c4-0000-7000-8000-0123456789ab"), ""),
            (of("w", "01a2b3c4000070008000012345678900"), ""),
        ];
        for (given, expected) in cases {
            assert_eq!(execution(given.as_ref()), refused(expected), "{given:?}");
        }
    }

    #[test]
    fn bad_signals_are_refused() {
        type Change = fn(&mut SignalWorkflowExecutionRequest);
        let cases: &[(Change, &str)] = &[
            (|r| r.workflow_execution = None, "Execution is not set on request."),
            (|r| r.signal_name.clear(), "SignalName is not set on request."),
            (|r| r.signal_name = "s".repeat(1001), "SignalName length exceeds limit."),
            (|r| r.request_id = "r".repeat(1001), "RequestId length exceeds limit."),
            (|r| r.links = vec![Default::default()], "unsupported link variant"),
            (|r| r.input = large(), "Blob data size exceeds limit."),
            (|_| (), ""),
        ];
        for (change, expected) in cases {
            let mut request = SignalWorkflowExecutionRequest {
                workflow_execution: of("w", ""),
                signal_name: "s".to_owned(),
                ..SignalWorkflowExecutionRequest::default()
            };
            change(&mut request);
            assert_eq!(signal(&mut request, &Limits::default()), refused(expected));
        }
    }

    #[test]
    fn bad_queries_are_refused() {
        type Change = fn(&mut QueryWorkflowRequest);
        let cases: &[(Change, &str)] = &[
            (|r| r.execution = None, "Execution is not set on request."),
            (|r| r.query = None, "WorkflowQuery is not set on request."),
            (|r| r.query = Some(WorkflowQuery::default()), "QueryType is not set on request."),
            (
                |r| r.query = Some(WorkflowQuery { query_type: "q".to_owned(), query_args: large(), header: None }),
                "Blob data size exceeds limit.",
            ),
            (|_| (), ""),
        ];
        for (change, expected) in cases {
            let query_type = "q".to_owned();
            let mut request = QueryWorkflowRequest {
                execution: of("w", ""),
                query: Some(WorkflowQuery { query_type, ..WorkflowQuery::default() }),
                ..QueryWorkflowRequest::default()
            };
            change(&mut request);
            assert_eq!(query(&mut request, &Limits::default()), refused(expected));
            assert_eq!(request.query_reject_condition == 1, expected.is_empty() || expected.starts_with("Blob"));
        }
    }

    #[test]
    fn open_choices_get_their_defaults() {
        let limits = Limits::default();
        for (asked, given) in [(0, 256), (-1, 256), (10, 10), (300, 256)] {
            let mut request =
                GetWorkflowExecutionHistoryRequest { execution: of("w", ""), maximum_page_size: asked, ..Default::default() };
            assert_eq!(history(&mut request, &limits), Ok(()));
            assert_eq!((request.maximum_page_size, request.history_event_filter_type), (given, 1));
        }
        let mut request = TerminateWorkflowExecutionRequest { workflow_execution: of("w", ""), ..Default::default() };
        assert_eq!(terminate(&mut request, &limits), Ok(()));
        assert_eq!(
            (request.reason.as_str(), request.identity.as_str()),
            ("terminated by user via frontend", "frontend-service")
        );
        let mut request = RequestCancelWorkflowExecutionRequest { workflow_execution: of("w", "x"), ..Default::default() };
        assert_eq!(request_cancel(&mut request, &limits), refused("Invalid RunId."));
        assert_eq!(describe(&DescribeWorkflowExecutionRequest::default()), refused("Execution is not set on request."));
    }
}
