//! What the engine can be asked: every request that it answers, with the method that does so, on one page.

use super::{
    ActivityTaskReply, Engine, HistoryReply, Order, ReverseHistoryReply, WorkflowTaskReply,
    kernel::{
        error::Result,
        key::Connection,
        tickets::{Answer, Ticket},
        time::Time,
    },
};
use crate::proto::{foretimeservice, operatorservice::*, testservice::*, workflowservice::*};

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The connection on which the call came.
    pub connection: Connection,
    /// The header `client-name`; empty if not sent.
    pub client_name: String,
    /// The header `client-version`; empty if not sent.
    pub client_version: String,
    /// The header `supported-features` has `follows-next-run-id`: a close event may say which run follows.
    pub follows_next_run_id: bool,
}

/// What is known of a call besides its request.
pub struct Context<'a, 'order> {
    /// When (wall) it reaches the engine.
    pub now: Time,
    /// Names the call if it is parked.
    pub ticket: Ticket,
    /// Who calls.
    pub caller: &'a Caller,
    /// When (wall) the caller gives up; `None` if it does not say.
    pub deadline: Option<Time>,
    /// The order in which effects on several workflows are carried out.
    pub order: &'a mut Order<'order>,
}

/// A request that the engine answers. The method that does so is in the `calls` of a room, and says what it means.
pub trait Request {
    /// What it is answered with.
    type Reply;

    /// See [`Engine::call`].
    #[doc(hidden)]
    fn serve(self, engine: &mut Engine, context: &Context<'_, '_>) -> Result<Answer<Self::Reply>>;
}

/// TestService GetCurrentTime, whose message is empty.
#[derive(Clone, Copy, Debug)]
pub struct GetCurrentTime;

impl From<()> for GetCurrentTime {
    fn from((): ()) -> Self {
        Self
    }
}

/// TestService UnlockTimeSkippingWithSleep, whose message is that of Sleep.
#[derive(Clone, Debug)]
pub struct UnlockTimeSkippingWithSleep(pub SleepRequest);

impl From<SleepRequest> for UnlockTimeSkippingWithSleep {
    fn from(request: SleepRequest) -> Self {
        Self(request)
    }
}

/// Requests that are answered at once: `Request => method -> Reply`.
macro_rules! answered {
    ($($request:ty => $method:ident -> $reply:ty;)*) => {$(
        impl Request for $request {
            type Reply = $reply;

            fn serve(self, engine: &mut Engine, _context: &Context<'_, '_>) -> Result<Answer<$reply>> {
                engine.$method(self).map(Answer::Now)
            }
        }
    )*};
}

/// Requests that may be parked.
macro_rules! with_context {
    ($($request:ty => $method:ident -> $reply:ty;)*) => {$(
        impl Request for $request {
            type Reply = $reply;

            fn serve(self, engine: &mut Engine, context: &Context<'_, '_>) -> Result<Answer<$reply>> {
                engine.$method(self, context)
            }
        }
    )*};
}

answered! {
    GetClusterInfoRequest => get_cluster_info -> GetClusterInfoResponse;
    RegisterNamespaceRequest => register_namespace -> RegisterNamespaceResponse;
    DescribeNamespaceRequest => describe_namespace -> DescribeNamespaceResponse;
    ListNamespacesRequest => list_namespaces -> ListNamespacesResponse;
    UpdateNamespaceRequest => update_namespace -> UpdateNamespaceResponse;
    DeprecateNamespaceRequest => deprecate_namespace -> DeprecateNamespaceResponse;
    DeleteNamespaceRequest => delete_namespace -> DeleteNamespaceResponse;
    ListTaskQueuePartitionsRequest => list_task_queue_partitions -> ListTaskQueuePartitionsResponse;
    StartBatchOperationRequest => start_batch_operation -> StartBatchOperationResponse;
    StopBatchOperationRequest => stop_batch_operation -> StopBatchOperationResponse;
    DescribeBatchOperationRequest => describe_batch_operation -> DescribeBatchOperationResponse;
    ListBatchOperationsRequest => list_batch_operations -> ListBatchOperationsResponse;
    ListClustersRequest => list_clusters -> ListClustersResponse;
    AddOrUpdateRemoteClusterRequest => add_or_update_remote_cluster -> AddOrUpdateRemoteClusterResponse;
    RemoveRemoteClusterRequest => remove_remote_cluster -> RemoveRemoteClusterResponse;
    ListWorkflowExecutionsRequest => list_workflow_executions -> ListWorkflowExecutionsResponse;
    ScanWorkflowExecutionsRequest => scan_workflow_executions -> ScanWorkflowExecutionsResponse;
    ListOpenWorkflowExecutionsRequest => list_open_workflow_executions -> ListOpenWorkflowExecutionsResponse;
    ListClosedWorkflowExecutionsRequest => list_closed_workflow_executions -> ListClosedWorkflowExecutionsResponse;
    ListArchivedWorkflowExecutionsRequest => list_archived_workflow_executions -> ListArchivedWorkflowExecutionsResponse;
    CountWorkflowExecutionsRequest => count_workflow_executions -> CountWorkflowExecutionsResponse;

    GetSearchAttributesRequest => get_search_attributes -> GetSearchAttributesResponse;
    AddSearchAttributesRequest => add_search_attributes -> AddSearchAttributesResponse;
    RemoveSearchAttributesRequest => remove_search_attributes -> RemoveSearchAttributesResponse;
    ListSearchAttributesRequest => list_search_attributes -> ListSearchAttributesResponse;

    StartWorkflowExecutionRequest => start_workflow_execution -> StartWorkflowExecutionResponse;
    SignalWithStartWorkflowExecutionRequest => signal_with_start_workflow_execution
        -> SignalWithStartWorkflowExecutionResponse;
    SignalWorkflowExecutionRequest => signal_workflow_execution -> SignalWorkflowExecutionResponse;
    RequestCancelWorkflowExecutionRequest => request_cancel_workflow_execution -> RequestCancelWorkflowExecutionResponse;
    ResetWorkflowExecutionRequest => reset_workflow_execution -> ResetWorkflowExecutionResponse;
    TerminateWorkflowExecutionRequest => terminate_workflow_execution -> TerminateWorkflowExecutionResponse;
    DescribeWorkflowExecutionRequest => describe_workflow_execution -> DescribeWorkflowExecutionResponse;
    DeleteWorkflowExecutionRequest => delete_workflow_execution -> DeleteWorkflowExecutionResponse;
    GetWorkflowExecutionHistoryReverseRequest => get_workflow_execution_history_reverse -> ReverseHistoryReply;
    ResetStickyTaskQueueRequest => reset_sticky_task_queue -> ResetStickyTaskQueueResponse;
    RespondWorkflowTaskFailedRequest => respond_workflow_task_failed -> RespondWorkflowTaskFailedResponse;
    RespondQueryTaskCompletedRequest => respond_query_task_completed -> RespondQueryTaskCompletedResponse;

    RespondActivityTaskCompletedRequest => respond_activity_task_completed -> RespondActivityTaskCompletedResponse;
    RespondActivityTaskCompletedByIdRequest => respond_activity_task_completed_by_id
        -> RespondActivityTaskCompletedByIdResponse;
    RespondActivityTaskFailedRequest => respond_activity_task_failed -> RespondActivityTaskFailedResponse;
    RespondActivityTaskFailedByIdRequest => respond_activity_task_failed_by_id -> RespondActivityTaskFailedByIdResponse;
    RespondActivityTaskCanceledRequest => respond_activity_task_canceled -> RespondActivityTaskCanceledResponse;
    RespondActivityTaskCanceledByIdRequest => respond_activity_task_canceled_by_id
        -> RespondActivityTaskCanceledByIdResponse;
    RecordActivityTaskHeartbeatRequest => record_activity_task_heartbeat -> RecordActivityTaskHeartbeatResponse;
    RecordActivityTaskHeartbeatByIdRequest => record_activity_task_heartbeat_by_id
        -> RecordActivityTaskHeartbeatByIdResponse;

    PauseActivityRequest => pause_activity -> PauseActivityResponse;
    UnpauseActivityRequest => unpause_activity -> UnpauseActivityResponse;
    ResetActivityRequest => reset_activity -> ResetActivityResponse;
    UpdateActivityOptionsRequest => update_activity_options -> UpdateActivityOptionsResponse;
    PauseActivityExecutionRequest => pause_activity_execution -> PauseActivityExecutionResponse;
    UnpauseActivityExecutionRequest => unpause_activity_execution -> UnpauseActivityExecutionResponse;
    ResetActivityExecutionRequest => reset_activity_execution -> ResetActivityExecutionResponse;
    UpdateActivityExecutionOptionsRequest => update_activity_execution_options -> UpdateActivityExecutionOptionsResponse;
    PauseWorkflowExecutionRequest => pause_workflow_execution -> PauseWorkflowExecutionResponse;
    UnpauseWorkflowExecutionRequest => unpause_workflow_execution -> UnpauseWorkflowExecutionResponse;
    UpdateWorkflowExecutionOptionsRequest => update_workflow_execution_options -> UpdateWorkflowExecutionOptionsResponse;
    CreateScheduleRequest => create_schedule -> CreateScheduleResponse;
    DescribeScheduleRequest => describe_schedule -> DescribeScheduleResponse;
    UpdateScheduleRequest => update_schedule -> UpdateScheduleResponse;
    PatchScheduleRequest => patch_schedule -> PatchScheduleResponse;
    DeleteScheduleRequest => delete_schedule -> DeleteScheduleResponse;
    ListSchedulesRequest => list_schedules -> ListSchedulesResponse;
    CountSchedulesRequest => count_schedules -> CountSchedulesResponse;
    ListScheduleMatchingTimesRequest => list_schedule_matching_times -> ListScheduleMatchingTimesResponse;

    DescribeTaskQueueRequest => describe_task_queue -> DescribeTaskQueueResponse;
    ShutdownWorkerRequest => shutdown_worker -> ShutdownWorkerResponse;
    RecordWorkerHeartbeatRequest => record_worker_heartbeat -> RecordWorkerHeartbeatResponse;
    ListWorkersRequest => list_workers -> ListWorkersResponse;
    CountWorkersRequest => count_workers -> CountWorkersResponse;
    DescribeWorkerRequest => describe_worker -> DescribeWorkerResponse;

    GetCurrentTime => get_current_time -> GetCurrentTimeResponse;

    foretimeservice::GetTimeRequest => get_time -> foretimeservice::GetTimeResponse;
    foretimeservice::ExplainTimeRequest => explain_time -> foretimeservice::ExplainTimeResponse;
}

with_context! {
    GetSystemInfoRequest => get_system_info -> GetSystemInfoResponse;
    PollWorkflowTaskQueueRequest => poll_workflow_task_queue -> WorkflowTaskReply;
    PollActivityTaskQueueRequest => poll_activity_task_queue -> ActivityTaskReply;
    PollNexusTaskQueueRequest => poll_nexus_task_queue -> PollNexusTaskQueueResponse;
    GetWorkflowExecutionHistoryRequest => get_workflow_execution_history -> HistoryReply;
    QueryWorkflowRequest => query_workflow -> QueryWorkflowResponse;
    ExecuteMultiOperationRequest => execute_multi_operation -> ExecuteMultiOperationResponse;
    UpdateWorkflowExecutionRequest => update_workflow_execution -> UpdateWorkflowExecutionResponse;
    PollWorkflowExecutionUpdateRequest => poll_workflow_execution_update -> PollWorkflowExecutionUpdateResponse;
    LockTimeSkippingRequest => lock_time_skipping -> LockTimeSkippingResponse;
    UnlockTimeSkippingRequest => unlock_time_skipping -> UnlockTimeSkippingResponse;
    SleepRequest => sleep -> SleepResponse;
    SleepUntilRequest => sleep_until -> SleepResponse;
    UnlockTimeSkippingWithSleep => unlock_time_skipping_with_sleep -> SleepResponse;
    foretimeservice::SkipTimeRequest => skip_time -> foretimeservice::SkipTimeResponse;
    foretimeservice::SleepUntilRequest => sleep_until_then -> foretimeservice::SleepUntilResponse;
    foretimeservice::SettleRequest => settle_time -> foretimeservice::SettleResponse;
}

/// May be refused although it has changed something: see [`Answer::Refused`].
impl Request for RespondWorkflowTaskCompletedRequest {
    type Reply = RespondWorkflowTaskCompletedResponse;

    fn serve(self, engine: &mut Engine, context: &Context<'_, '_>) -> Result<Answer<Self::Reply>> {
        engine.respond_workflow_task_completed(self, context)
    }
}
