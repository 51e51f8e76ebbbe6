//! The description of a workflow is what its history tells: of any run how it began, and of a closed one all the rest. Whether the run
//! is the one that was meant, with the status that it had, is a matter for [`super::chains`].

use foretime_server::proto::{
    common::WorkflowExecution,
    enums::WorkflowExecutionStatus,
    workflow::WorkflowExecutionInfo,
    workflowservice::{DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse},
};
use prost::Message;

use super::{
    attempts::answer,
    broken::Broken,
    reading::Reading,
    run::{Run, find},
};
use crate::record::exchange::Exchange;

/// Checks what clients were told that had a workflow described.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let exchanges = read.record.exchanges.iter().filter(|exchange| exchange.method == "DescribeWorkflowExecution");
    exchanges.into_iter().find_map(|exchange| {
        let (title, detail) = untrue(exchange, read.runs)?;
        Some(Broken::at(exchange, title, detail))
    })
}

/// What is wrong with a description, and the particulars.
fn untrue(exchange: &Exchange, runs: &[Run]) -> Option<(&'static str, String)> {
    let described: DescribeWorkflowExecutionResponse = answer(exchange)?;
    let asked = DescribeWorkflowExecutionRequest::decode(exchange.request.as_ref()).ok()?.execution.unwrap_or_default();
    let info = described.workflow_execution_info.unwrap_or_default();
    let WorkflowExecution { workflow_id, run_id } = info.execution.clone().unwrap_or_default();
    let Some(run) = find(runs, &run_id).filter(|run| run.workflow_id == workflow_id && workflow_id == asked.workflow_id) else {
        return Some(("a run was described that its workflow never had", format!("{workflow_id} (run {run_id})")));
    };
    let what = wrong_start(&info, run).or_else(|| wrong_end(&info, run))?;
    Some(("a description differs from the history", format!("the {what} of {}", run.name())))
}

/// What is not as the run began.
fn wrong_start(info: &WorkflowExecutionInfo, run: &Run) -> Option<&'static str> {
    let started = run.started()?;
    let has = [
        ("type", info.r#type == started.workflow_type),
        ("task queue", Some(info.task_queue.as_str()) == started.task_queue.as_ref().map(|queue| queue.name.as_str())),
        ("start time", info.start_time == run.events.first()?.event_time),
    ];
    has.into_iter().find_map(|(what, is_so)| (!is_so).then_some(what))
}

/// What is not as the run was when it had closed. Nothing, if it was described before. What was pending when it closed is told of still,
/// as by the real server.
fn wrong_end(info: &WorkflowExecutionInfo, run: &Run) -> Option<&'static str> {
    if info.status() == WorkflowExecutionStatus::Running {
        return None;
    }
    let has = [
        ("status", info.status() == run.status),
        ("history length", usize::try_from(info.history_length) == Ok(run.events.len())),
        ("close time", info.close_time == run.close_event().and_then(|close| close.event_time)),
    ];
    has.into_iter().find_map(|(what, is_so)| (!is_so).then_some(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{History, Talk};

    /// A closed run is described as it is, but for this change.
    fn title(change: fn(&mut DescribeWorkflowExecutionResponse)) -> Option<String> {
        let run = History::of("w", "r").signaled("s-1").completed("done").run();
        let mut talk = Talk::default();
        talk.describe("w").described(&run, change);
        check(&Reading::of(&talk.record(), &[run])).map(|broken| broken.title)
    }

    fn info(described: &mut DescribeWorkflowExecutionResponse) -> &mut WorkflowExecutionInfo {
        described.workflow_execution_info.get_or_insert_default()
    }

    #[test]
    fn a_closed_run_is_described_as_its_history_has_it() {
        assert_eq!(title(|_| {}), None);
        let expected = Some("a description differs from the history");
        assert_eq!(title(|it| info(it).history_length += 1).as_deref(), expected);
        assert_eq!(title(|it| info(it).close_time = None).as_deref(), expected);
        assert_eq!(title(|it| info(it).task_queue.clear()).as_deref(), expected);
    }

    #[test]
    fn of_a_run_that_was_open_only_its_start_is_compared() {
        let opened = |described: &mut DescribeWorkflowExecutionResponse| {
            let info = info(described);
            info.set_status(WorkflowExecutionStatus::Running);
            info.history_length -= 1;
            info.close_time = None;
        };
        assert_eq!(title(opened), None);
        let expected = Some("a description differs from the history");
        assert_eq!(title(|it| info(it).start_time = None).as_deref(), expected);
    }

    #[test]
    fn the_run_is_one_of_the_workflow() {
        let expected = Some("a run was described that its workflow never had");
        assert_eq!(title(|it| info(it).execution = None).as_deref(), expected);
    }
}
