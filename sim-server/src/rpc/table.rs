//! Every RPC of Temporal's three services and our own: its role, and what serves it.

use std::sync::LazyLock;

use bytes::Bytes;
use prost::Message;
use tonic::Status;

use super::{Answer, reply::Encode, status::status};
use crate::{
    engine::{self, Context, Engine, GetCurrentTime, Request, UnlockTimeSkippingWithSleep},
    proto::{
        Identified, foretimeservice,
        operatorservice::*,
        testservice::{LockTimeSkippingRequest, SleepRequest, SleepUntilRequest, UnlockTimeSkippingRequest},
        workflowservice::*,
    },
};

/// The full names of the services.
pub const WORKFLOW_SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";
/// Search attributes, Nexus endpoints, clusters.
pub const OPERATOR_SERVICE: &str = "temporal.api.operatorservice.v1.OperatorService";
/// The virtual clock.
pub const TEST_SERVICE: &str = "temporal.api.testservice.v1.TestService";

/// A hand on the virtual clock.
pub const FORETIME_SERVICE: &str = "foretime.v1.ForetimeService";
/// Recorded histories, for workers that are checked. Only [`crate::replay`] serves it, and only in process.
pub const REPLAY_SERVICE: &str = "foretime.v1.ReplayService";

/// Serves one call: its answer, or `None` if it is parked.
pub(super) type Handler = fn(&mut Engine, &Bytes, &mut Context<'_, '_>) -> Option<Answer>;

/// The role of an RPC for those who drive the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A worker asks for work and waits for it. It may come back empty.
    WorkerPoll,
    /// A caller waits for something to happen. In production it is asked again regularly.
    LongPoll,
    /// A worker reports the result of its work, or that it goes on.
    WorkerAnswer,
    /// It changes nothing.
    Read,
    /// It changes something.
    Write,
}

/// One RPC.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Full service name.
    pub service: &'static str,
    /// Method name.
    pub method: &'static str,
    /// Its role for those who drive the service.
    pub role: Role,
    /// What serves it; `None`: UNIMPLEMENTED.
    pub(super) handler: Option<Handler>,
}

impl Row {
    /// The method first: most rows differ in it.
    fn name(&self) -> (&'static str, &'static str) {
        (self.method, self.service)
    }

    /// Whether the RPC is served.
    pub fn is_bound(&self) -> bool {
        self.handler.is_some()
    }
}

/// The row of an RPC; `None` if no service has it.
pub fn row(service: &str, method: &str) -> Option<&'static Row> {
    static SORTED: LazyLock<Vec<&Row>> = LazyLock::new(|| {
        let mut rows: Vec<_> = TABLE.iter().collect();
        rows.sort_unstable_by_key(|row| row.name());
        rows
    });
    let at = SORTED.binary_search_by_key(&(method, service), |row| row.name()).ok()?;
    Some(SORTED[at])
}

/// An RPC whose request the engine answers: its message, and the engine's request if that has another name.
macro_rules! bound {
    ($service:ident, $method:literal, $role:ident, $message:ty) => {
        bound!($service, $method, $role, $message, $message)
    };
    ($service:ident, $method:literal, $role:ident, $message:ty, $request:ty) => {
        Row { service: $service, method: $method, role: Role::$role, handler: Some(serve::<$message, $request>) }
    };
}

/// An RPC that nothing serves yet.
macro_rules! open {
    ($service:ident, $method:literal, $role:ident) => {
        Row { service: $service, method: $method, role: Role::$role, handler: None }
    };
}

/// All of them, in the order of the API's files.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    bound!(WORKFLOW_SERVICE, "RegisterNamespace", Write, RegisterNamespaceRequest),
    bound!(WORKFLOW_SERVICE, "DescribeNamespace", Read, DescribeNamespaceRequest),
    bound!(WORKFLOW_SERVICE, "ListNamespaces", Read, ListNamespacesRequest),
    bound!(WORKFLOW_SERVICE, "UpdateNamespace", Write, UpdateNamespaceRequest),
    bound!(WORKFLOW_SERVICE, "DeprecateNamespace", Write, DeprecateNamespaceRequest),
    bound!(WORKFLOW_SERVICE, "StartWorkflowExecution", Write, StartWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "ExecuteMultiOperation", LongPoll, ExecuteMultiOperationRequest),
    bound!(WORKFLOW_SERVICE, "GetWorkflowExecutionHistory", LongPoll, GetWorkflowExecutionHistoryRequest),
    bound!(WORKFLOW_SERVICE, "GetWorkflowExecutionHistoryReverse", Read, GetWorkflowExecutionHistoryReverseRequest),
    bound!(WORKFLOW_SERVICE, "PollWorkflowTaskQueue", WorkerPoll, PollWorkflowTaskQueueRequest),
    bound!(WORKFLOW_SERVICE, "RespondWorkflowTaskCompleted", WorkerAnswer, RespondWorkflowTaskCompletedRequest),
    bound!(WORKFLOW_SERVICE, "RespondWorkflowTaskFailed", WorkerAnswer, RespondWorkflowTaskFailedRequest),
    bound!(WORKFLOW_SERVICE, "PollActivityTaskQueue", WorkerPoll, PollActivityTaskQueueRequest),
    bound!(WORKFLOW_SERVICE, "RecordActivityTaskHeartbeat", WorkerAnswer, RecordActivityTaskHeartbeatRequest),
    bound!(WORKFLOW_SERVICE, "RecordActivityTaskHeartbeatById", WorkerAnswer, RecordActivityTaskHeartbeatByIdRequest),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskCompleted", WorkerAnswer, RespondActivityTaskCompletedRequest),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskCompletedById", WorkerAnswer, RespondActivityTaskCompletedByIdRequest),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskFailed", WorkerAnswer, RespondActivityTaskFailedRequest),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskFailedById", WorkerAnswer, RespondActivityTaskFailedByIdRequest),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskCanceled", WorkerAnswer, RespondActivityTaskCanceledRequest),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskCanceledById", WorkerAnswer, RespondActivityTaskCanceledByIdRequest),
    bound!(WORKFLOW_SERVICE, "RequestCancelWorkflowExecution", Write, RequestCancelWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "SignalWorkflowExecution", Write, SignalWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "SignalWithStartWorkflowExecution", Write, SignalWithStartWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "ResetWorkflowExecution", Write, ResetWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "TerminateWorkflowExecution", Write, TerminateWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "DeleteWorkflowExecution", Write, DeleteWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "ListOpenWorkflowExecutions", Read, ListOpenWorkflowExecutionsRequest),
    bound!(WORKFLOW_SERVICE, "ListClosedWorkflowExecutions", Read, ListClosedWorkflowExecutionsRequest),
    bound!(WORKFLOW_SERVICE, "ListWorkflowExecutions", Read, ListWorkflowExecutionsRequest),
    bound!(WORKFLOW_SERVICE, "ListArchivedWorkflowExecutions", Read, ListArchivedWorkflowExecutionsRequest),
    bound!(WORKFLOW_SERVICE, "ScanWorkflowExecutions", Read, ScanWorkflowExecutionsRequest),
    bound!(WORKFLOW_SERVICE, "CountWorkflowExecutions", Read, CountWorkflowExecutionsRequest),
    bound!(WORKFLOW_SERVICE, "GetSearchAttributes", Read, GetSearchAttributesRequest),
    bound!(WORKFLOW_SERVICE, "RespondQueryTaskCompleted", WorkerAnswer, RespondQueryTaskCompletedRequest),
    bound!(WORKFLOW_SERVICE, "ResetStickyTaskQueue", Write, ResetStickyTaskQueueRequest),
    bound!(WORKFLOW_SERVICE, "ShutdownWorker", Write, ShutdownWorkerRequest),
    bound!(WORKFLOW_SERVICE, "QueryWorkflow", Read, QueryWorkflowRequest),
    bound!(WORKFLOW_SERVICE, "DescribeWorkflowExecution", Read, DescribeWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "DescribeTaskQueue", Read, DescribeTaskQueueRequest),
    bound!(WORKFLOW_SERVICE, "GetClusterInfo", Read, GetClusterInfoRequest),
    bound!(WORKFLOW_SERVICE, "GetSystemInfo", Read, GetSystemInfoRequest),
    bound!(WORKFLOW_SERVICE, "ListTaskQueuePartitions", Read, ListTaskQueuePartitionsRequest),
    bound!(WORKFLOW_SERVICE, "CreateSchedule", Write, CreateScheduleRequest),
    bound!(WORKFLOW_SERVICE, "DescribeSchedule", Read, DescribeScheduleRequest),
    bound!(WORKFLOW_SERVICE, "UpdateSchedule", Write, UpdateScheduleRequest),
    bound!(WORKFLOW_SERVICE, "PatchSchedule", Write, PatchScheduleRequest),
    bound!(WORKFLOW_SERVICE, "ListScheduleMatchingTimes", Read, ListScheduleMatchingTimesRequest),
    bound!(WORKFLOW_SERVICE, "DeleteSchedule", Write, DeleteScheduleRequest),
    bound!(WORKFLOW_SERVICE, "ListSchedules", Read, ListSchedulesRequest),
    bound!(WORKFLOW_SERVICE, "CountSchedules", Read, CountSchedulesRequest),
    open!(WORKFLOW_SERVICE, "UpdateWorkerBuildIdCompatibility", Write),
    open!(WORKFLOW_SERVICE, "GetWorkerBuildIdCompatibility", Read),
    open!(WORKFLOW_SERVICE, "UpdateWorkerVersioningRules", Write),
    open!(WORKFLOW_SERVICE, "GetWorkerVersioningRules", Read),
    open!(WORKFLOW_SERVICE, "GetWorkerTaskReachability", Read),
    open!(WORKFLOW_SERVICE, "DescribeDeployment", Read),
    open!(WORKFLOW_SERVICE, "DescribeWorkerDeploymentVersion", Read),
    open!(WORKFLOW_SERVICE, "ListDeployments", Read),
    open!(WORKFLOW_SERVICE, "GetDeploymentReachability", Read),
    open!(WORKFLOW_SERVICE, "GetCurrentDeployment", Read),
    open!(WORKFLOW_SERVICE, "SetCurrentDeployment", Write),
    open!(WORKFLOW_SERVICE, "SetWorkerDeploymentCurrentVersion", Write),
    open!(WORKFLOW_SERVICE, "DescribeWorkerDeployment", Read),
    open!(WORKFLOW_SERVICE, "DeleteWorkerDeployment", Write),
    open!(WORKFLOW_SERVICE, "DeleteWorkerDeploymentVersion", Write),
    open!(WORKFLOW_SERVICE, "SetWorkerDeploymentRampingVersion", Write),
    open!(WORKFLOW_SERVICE, "ListWorkerDeployments", Read),
    open!(WORKFLOW_SERVICE, "CreateWorkerDeployment", Write),
    open!(WORKFLOW_SERVICE, "CreateWorkerDeploymentVersion", Write),
    open!(WORKFLOW_SERVICE, "UpdateWorkerDeploymentVersionComputeConfig", Write),
    open!(WORKFLOW_SERVICE, "ValidateWorkerDeploymentVersionComputeConfig", Write),
    open!(WORKFLOW_SERVICE, "UpdateWorkerDeploymentVersionMetadata", Write),
    open!(WORKFLOW_SERVICE, "SetWorkerDeploymentManager", Write),
    bound!(WORKFLOW_SERVICE, "UpdateWorkflowExecution", LongPoll, UpdateWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "PollWorkflowExecutionUpdate", LongPoll, PollWorkflowExecutionUpdateRequest),
    bound!(WORKFLOW_SERVICE, "StartBatchOperation", Write, StartBatchOperationRequest),
    bound!(WORKFLOW_SERVICE, "StopBatchOperation", Write, StopBatchOperationRequest),
    bound!(WORKFLOW_SERVICE, "DescribeBatchOperation", Read, DescribeBatchOperationRequest),
    bound!(WORKFLOW_SERVICE, "ListBatchOperations", Read, ListBatchOperationsRequest),
    bound!(WORKFLOW_SERVICE, "PollNexusTaskQueue", WorkerPoll, PollNexusTaskQueueRequest),
    open!(WORKFLOW_SERVICE, "RespondNexusTaskCompleted", WorkerAnswer),
    open!(WORKFLOW_SERVICE, "RespondNexusTaskFailed", WorkerAnswer),
    bound!(WORKFLOW_SERVICE, "UpdateActivityOptions", Write, UpdateActivityOptionsRequest),
    bound!(WORKFLOW_SERVICE, "UpdateWorkflowExecutionOptions", Write, UpdateWorkflowExecutionOptionsRequest),
    bound!(WORKFLOW_SERVICE, "PauseActivity", Write, PauseActivityRequest),
    bound!(WORKFLOW_SERVICE, "UnpauseActivity", Write, UnpauseActivityRequest),
    bound!(WORKFLOW_SERVICE, "ResetActivity", Write, ResetActivityRequest),
    open!(WORKFLOW_SERVICE, "CreateWorkflowRule", Write),
    open!(WORKFLOW_SERVICE, "DescribeWorkflowRule", Read),
    open!(WORKFLOW_SERVICE, "DeleteWorkflowRule", Write),
    open!(WORKFLOW_SERVICE, "ListWorkflowRules", Read),
    open!(WORKFLOW_SERVICE, "TriggerWorkflowRule", Write),
    bound!(WORKFLOW_SERVICE, "RecordWorkerHeartbeat", Write, RecordWorkerHeartbeatRequest),
    bound!(WORKFLOW_SERVICE, "ListWorkers", Read, ListWorkersRequest),
    bound!(WORKFLOW_SERVICE, "CountWorkers", Read, CountWorkersRequest),
    open!(WORKFLOW_SERVICE, "UpdateTaskQueueConfig", Write),
    open!(WORKFLOW_SERVICE, "FetchWorkerConfig", Read),
    open!(WORKFLOW_SERVICE, "UpdateWorkerConfig", Write),
    bound!(WORKFLOW_SERVICE, "DescribeWorker", Read, DescribeWorkerRequest),
    bound!(WORKFLOW_SERVICE, "PauseWorkflowExecution", Write, PauseWorkflowExecutionRequest),
    bound!(WORKFLOW_SERVICE, "UnpauseWorkflowExecution", Write, UnpauseWorkflowExecutionRequest),
    open!(WORKFLOW_SERVICE, "StartActivityExecution", Write),
    open!(WORKFLOW_SERVICE, "StartNexusOperationExecution", Write),
    open!(WORKFLOW_SERVICE, "DescribeActivityExecution", Read),
    open!(WORKFLOW_SERVICE, "DescribeNexusOperationExecution", Read),
    open!(WORKFLOW_SERVICE, "PollActivityExecution", LongPoll),
    open!(WORKFLOW_SERVICE, "PollNexusOperationExecution", LongPoll),
    open!(WORKFLOW_SERVICE, "ListActivityExecutions", Read),
    open!(WORKFLOW_SERVICE, "ListNexusOperationExecutions", Read),
    open!(WORKFLOW_SERVICE, "CountActivityExecutions", Read),
    open!(WORKFLOW_SERVICE, "CountNexusOperationExecutions", Read),
    open!(WORKFLOW_SERVICE, "RequestCancelActivityExecution", Write),
    open!(WORKFLOW_SERVICE, "RequestCancelNexusOperationExecution", Write),
    open!(WORKFLOW_SERVICE, "TerminateActivityExecution", Write),
    open!(WORKFLOW_SERVICE, "DeleteActivityExecution", Write),
    bound!(WORKFLOW_SERVICE, "PauseActivityExecution", Write, PauseActivityExecutionRequest),
    bound!(WORKFLOW_SERVICE, "ResetActivityExecution", Write, ResetActivityExecutionRequest),
    bound!(WORKFLOW_SERVICE, "UnpauseActivityExecution", Write, UnpauseActivityExecutionRequest),
    bound!(WORKFLOW_SERVICE, "UpdateActivityExecutionOptions", Write, UpdateActivityExecutionOptionsRequest),
    open!(WORKFLOW_SERVICE, "TerminateNexusOperationExecution", Write),
    open!(WORKFLOW_SERVICE, "DeleteNexusOperationExecution", Write),
    open!(WORKFLOW_SERVICE, "PollWorkflowExecutionTimeSkipping", LongPoll),

    bound!(OPERATOR_SERVICE, "AddSearchAttributes", Write, AddSearchAttributesRequest),
    bound!(OPERATOR_SERVICE, "RemoveSearchAttributes", Write, RemoveSearchAttributesRequest),
    bound!(OPERATOR_SERVICE, "ListSearchAttributes", Read, ListSearchAttributesRequest),
    bound!(OPERATOR_SERVICE, "DeleteNamespace", Write, DeleteNamespaceRequest),
    bound!(OPERATOR_SERVICE, "AddOrUpdateRemoteCluster", Write, AddOrUpdateRemoteClusterRequest),
    bound!(OPERATOR_SERVICE, "RemoveRemoteCluster", Write, RemoveRemoteClusterRequest),
    bound!(OPERATOR_SERVICE, "ListClusters", Read, ListClustersRequest),
    open!(OPERATOR_SERVICE, "GetNexusEndpoint", Read),
    open!(OPERATOR_SERVICE, "CreateNexusEndpoint", Write),
    open!(OPERATOR_SERVICE, "UpdateNexusEndpoint", Write),
    open!(OPERATOR_SERVICE, "DeleteNexusEndpoint", Write),
    open!(OPERATOR_SERVICE, "ListNexusEndpoints", Read),

    bound!(TEST_SERVICE, "LockTimeSkipping", Write, LockTimeSkippingRequest),
    bound!(TEST_SERVICE, "UnlockTimeSkipping", Write, UnlockTimeSkippingRequest),
    bound!(TEST_SERVICE, "Sleep", LongPoll, SleepRequest),
    bound!(TEST_SERVICE, "SleepUntil", LongPoll, SleepUntilRequest),
    bound!(TEST_SERVICE, "UnlockTimeSkippingWithSleep", LongPoll, SleepRequest, UnlockTimeSkippingWithSleep),
    bound!(TEST_SERVICE, "GetCurrentTime", Read, (), GetCurrentTime),

    bound!(FORETIME_SERVICE, "GetTime", Read, foretimeservice::GetTimeRequest),
    bound!(FORETIME_SERVICE, "SkipTime", LongPoll, foretimeservice::SkipTimeRequest),
    bound!(FORETIME_SERVICE, "Settle", LongPoll, foretimeservice::SettleRequest),
    bound!(FORETIME_SERVICE, "ExplainTime", Read, foretimeservice::ExplainTimeRequest),
    bound!(FORETIME_SERVICE, "SleepUntil", LongPoll, foretimeservice::SleepUntilRequest),

    open!(REPLAY_SERVICE, "ServeHistory", LongPoll),
    open!(REPLAY_SERVICE, "AwaitWorkers", LongPoll),
];

/// The answer to an RPC that nothing serves.
pub(super) fn unimplemented(row: &Row) -> Status {
    Status::unimplemented(format!(
        "Method {}/{} is not implemented by Foretime; see docs/compatibility.md",
        row.service, row.method
    ))
}

fn serve<M, R>(engine: &mut Engine, message: &Bytes, context: &mut Context<'_, '_>) -> Option<Answer>
where
    M: Message + Default + Identified,
    R: Request + From<M>,
    R::Reply: Encode,
{
    match M::decode(&message[..]) {
        Ok(message) => {
            engine.hear(context.caller.connection, message.identity());
            match engine.call(R::from(message), context) {
                Ok(engine::Answer::Now(reply)) => Some(Ok(reply.to_bytes())),
                Ok(engine::Answer::Parked) => None,
                Ok(engine::Answer::Refused(error)) | Err(error) => Some(Err(status(&error))),
            }
        }
        Err(error) => {
            engine.tick(context.now, context.order);
            // The text is that of grpc-go, which the real server is built on.
            Some(Err(Status::internal(format!("grpc: error unmarshalling request: {error}"))))
        }
    }
}
