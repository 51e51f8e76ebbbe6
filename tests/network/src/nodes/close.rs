//! How a client waits for the end of a workflow: by long polls for the close event of its runs, one after the other.

use std::time::Duration;

use foretime_server::proto::{
    common::WorkflowExecution,
    enums::WorkflowExecutionStatus,
    history::{HistoryEvent, history_event::Attributes},
    workflowservice::{DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryResponse},
};
use madsim::time;
use tonic::Status;

use super::{client::Client, interpreter::payload, lock::Turned, requests};
use crate::{
    record::call::Given,
    wire::{
        channel::Channel,
        retry::{self, ATTEMPT_TIMEOUT, LONG_POLL_TIMEOUT, Patience},
    },
};

/// How long a client that gets nothing rests before it asks again whether a workflow has ended.
const AWAIT_BACKOFF: Duration = Duration::from_secs(1);

impl Client {
    /// Learns which run is the current one, if none is named, and waits for the end of its chain, as test environments do: time is
    /// unlocked meanwhile.
    pub(super) async fn await_end(
        &self,
        channel: &Channel,
        workflow_id: &str,
        run_id: String,
        whole: Duration,
    ) -> Result<Given, Status> {
        let run_id = if run_id.is_empty() { current_run(channel, workflow_id, whole).await? } else { run_id };
        let mut unlocked = None;
        let ended = self.await_close(channel, workflow_id, run_id, whole, &mut unlocked).await;
        if let Some(unlocked) = unlocked {
            unlocked.back(channel).await;
        }
        ended
    }

    /// Waits for the close event of the run and of those that follow it.
    async fn await_close(
        &self,
        channel: &Channel,
        workflow_id: &str,
        mut run_id: String,
        whole: Duration,
        unlocked: &mut Option<Turned>,
    ) -> Result<Given, Status> {
        let (began, mut token) = (time::Instant::now(), Vec::new());
        loop {
            if self.unlocks_time && !unlocked.as_ref().is_some_and(|turned| turned.holds(channel)) {
                self.with(|memory| memory.has_unlocked = true);
                *unlocked = Turned::unlock(channel).await;
            }
            let left = whole.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(Status::deadline_exceeded("the workflow has not ended"));
            }
            let execution = WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.clone() };
            let request = requests::close_event(execution, token.clone());
            let timeout = LONG_POLL_TIMEOUT.min(left);
            let answer =
                retry::once::<GetWorkflowExecutionHistoryResponse>(channel, "GetWorkflowExecutionHistory", &request, timeout);
            let answer = match answer.await {
                Ok(answer) => answer,
                Err(refused) if retry::is_retryable(refused.code()) => {
                    time::sleep(retry::jittered(AWAIT_BACKOFF)).await;
                    continue;
                }
                Err(refused) => return Err(refused),
            };
            let closed = answer.history.and_then(|history| history.events.into_iter().next_back()).and_then(|it| end_of(&it));
            match closed {
                Some(End { next_run_id: Some(next), .. }) => (run_id, token) = (next, Vec::new()),
                Some(End { status, result, .. }) => return Ok(Given::Closed { run_id, status, result }),
                None => {
                    if answer.next_page_token.is_empty() {
                        time::sleep(AWAIT_BACKOFF).await;
                    }
                    token = answer.next_page_token;
                }
            }
        }
    }
}

/// The id of the current run.
async fn current_run(channel: &Channel, workflow_id: &str, whole: Duration) -> Result<String, Status> {
    let execution = WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: String::new() };
    let (patience, request) = (Patience { attempt: ATTEMPT_TIMEOUT, whole }, requests::describe(execution));
    let answer: DescribeWorkflowExecutionResponse =
        retry::call(channel, "DescribeWorkflowExecution", &request, patience).await?;
    Ok(answer.workflow_execution_info.and_then(|info| info.execution).unwrap_or_default().run_id)
}

struct End {
    status: WorkflowExecutionStatus,
    result: Option<String>,
    next_run_id: Option<String>,
}

/// The end that this event is, if it is one.
fn end_of(event: &HistoryEvent) -> Option<End> {
    let next = |run_id: &str| Some(run_id.to_owned()).filter(|run_id| !run_id.is_empty());
    let end = |status, next_run_id| Some(End { status, result: None, next_run_id });
    match event.attributes.as_ref()? {
        Attributes::WorkflowExecutionCompletedEventAttributes(it) => Some(End {
            status: WorkflowExecutionStatus::Completed,
            result: it.result.as_ref().map(|result| payload::text(Some(result))),
            next_run_id: next(&it.new_execution_run_id),
        }),
        Attributes::WorkflowExecutionFailedEventAttributes(it) => {
            end(WorkflowExecutionStatus::Failed, next(&it.new_execution_run_id))
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(it) => {
            end(WorkflowExecutionStatus::TimedOut, next(&it.new_execution_run_id))
        }
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it) => {
            end(WorkflowExecutionStatus::ContinuedAsNew, next(&it.new_execution_run_id))
        }
        Attributes::WorkflowExecutionCanceledEventAttributes(_) => end(WorkflowExecutionStatus::Canceled, None),
        Attributes::WorkflowExecutionTerminatedEventAttributes(_) => end(WorkflowExecutionStatus::Terminated, None),
        _ => None,
    }
}
