//! What parked calls are answered with.

use super::{ActivityTaskReply, HistoryReply, WorkflowTaskReply};
use crate::proto::{
    foretimeservice::{SettleResponse, SkipTimeResponse, SleepUntilResponse},
    testservice::SleepResponse,
    workflowservice::{
        ExecuteMultiOperationResponse, PollNexusTaskQueueResponse, PollWorkflowExecutionUpdateResponse, QueryWorkflowResponse,
        UpdateWorkflowExecutionResponse,
    },
};

/// The answer to a call that was parked.
#[derive(Debug)]
pub enum Reply {
    /// To PollWorkflowTaskQueue.
    WorkflowTask(Box<WorkflowTaskReply>),
    /// To PollActivityTaskQueue.
    ActivityTask(Box<ActivityTaskReply>),
    /// To PollNexusTaskQueue: always empty, there are no Nexus tasks yet.
    NexusTask(Box<PollNexusTaskQueueResponse>),
    /// To GetWorkflowExecutionHistory.
    History(HistoryReply),
    /// To QueryWorkflow.
    Query(Box<QueryWorkflowResponse>),
    /// To UpdateWorkflowExecution.
    Update(Box<UpdateWorkflowExecutionResponse>),
    /// To PollWorkflowExecutionUpdate.
    PollUpdate(Box<PollWorkflowExecutionUpdateResponse>),
    /// To ExecuteMultiOperation.
    MultiOperation(Box<ExecuteMultiOperationResponse>),
    /// To Sleep, SleepUntil and UnlockTimeSkippingWithSleep.
    Sleep(SleepResponse),
    /// To SkipTime.
    SkipTime(SkipTimeResponse),
    /// To SleepUntil of ForetimeService.
    SleepUntil(SleepUntilResponse),
    /// To Settle.
    Settle(Box<SettleResponse>),
}
