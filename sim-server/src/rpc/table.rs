//! Every RPC of the three services, each bound to the engine or open.

use bytes::Bytes;
use prost::Message;
use tonic::Status;

use super::{Call, reply, status::status};
use crate::engine::{Answer, Engine, Reader, Ticket, error::Result as EngineResult};

/// The full names of the services.
pub const WORKFLOW_SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";
/// Search attributes, Nexus endpoints, clusters.
pub const OPERATOR_SERVICE: &str = "temporal.api.operatorservice.v1.OperatorService";
/// The virtual clock.
pub const TEST_SERVICE: &str = "temporal.api.testservice.v1.TestService";

/// Serves one call: its answer, or `None` if it is parked.
pub(super) type Handler = fn(&mut Engine, &Call, Ticket) -> Option<Result<Bytes, Status>>;

/// One RPC.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Full service name.
    pub service: &'static str,
    /// Method name.
    pub method: &'static str,
    /// What serves it; `None`: UNIMPLEMENTED.
    pub(super) handler: Option<Handler>,
}

impl Row {
    /// Whether the RPC is served.
    pub fn is_bound(&self) -> bool {
        self.handler.is_some()
    }
}

/// An engine method that takes the request and answers at once.
macro_rules! bound {
    ($service:ident, $method:literal, $function:ident) => {
        Row {
            service: $service,
            method: $method,
            handler: Some(|engine, call, _| Some(decode(call).and_then(|request| encode(engine.$function(request))))),
        }
    };
}

/// An engine method whose request says nothing.
macro_rules! plain {
    ($service:ident, $method:literal, $function:ident) => {
        Row { service: $service, method: $method, handler: Some(|engine, _, _| Some(encode(engine.$function()))) }
    };
}

/// An engine method that may park the call.
macro_rules! parks {
    ($service:ident, $method:literal, $function:ident) => {
        Row {
            service: $service,
            method: $method,
            handler: Some(|engine, call, ticket| match decode(call) {
                Ok(request) => answer(engine.$function(request, ticket), |message| reply::message(&message)),
                Err(refused) => Some(Err(refused)),
            }),
        }
    };
}

/// An engine method that parks the call until a task comes, or the caller's deadline is near.
macro_rules! polls {
    ($service:ident, $method:literal, $function:ident) => {
        Row {
            service: $service,
            method: $method,
            handler: Some(|engine, call, ticket| match decode(call) {
                Ok(request) => {
                    answer(engine.$function(request, call.deadline, ticket), |reply| reply::message(&reply.response))
                }
                Err(refused) => Some(Err(refused)),
            }),
        }
    };
}

/// An RPC that nothing serves (yet).
macro_rules! open {
    ($service:ident, $method:literal) => {
        Row { service: $service, method: $method, handler: None }
    };
}

/// All of them, in the order of the API's files.
#[rustfmt::skip]
pub static TABLE: &[Row] = &[
    bound!(WORKFLOW_SERVICE, "RegisterNamespace", register_namespace),
    bound!(WORKFLOW_SERVICE, "DescribeNamespace", describe_namespace),
    bound!(WORKFLOW_SERVICE, "ListNamespaces", list_namespaces),
    bound!(WORKFLOW_SERVICE, "UpdateNamespace", update_namespace),
    open!(WORKFLOW_SERVICE, "DeprecateNamespace"),
    bound!(WORKFLOW_SERVICE, "StartWorkflowExecution", start_workflow_execution),
    open!(WORKFLOW_SERVICE, "ExecuteMultiOperation"),
    Row { service: WORKFLOW_SERVICE, method: "GetWorkflowExecutionHistory", handler: Some(get_history) },
    open!(WORKFLOW_SERVICE, "GetWorkflowExecutionHistoryReverse"),
    polls!(WORKFLOW_SERVICE, "PollWorkflowTaskQueue", poll_workflow_task_queue),
    bound!(WORKFLOW_SERVICE, "RespondWorkflowTaskCompleted", respond_workflow_task_completed),
    bound!(WORKFLOW_SERVICE, "RespondWorkflowTaskFailed", respond_workflow_task_failed),
    polls!(WORKFLOW_SERVICE, "PollActivityTaskQueue", poll_activity_task_queue),
    bound!(WORKFLOW_SERVICE, "RecordActivityTaskHeartbeat", record_activity_task_heartbeat),
    bound!(WORKFLOW_SERVICE, "RecordActivityTaskHeartbeatById", record_activity_task_heartbeat_by_id),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskCompleted", respond_activity_task_completed),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskCompletedById", respond_activity_task_completed_by_id),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskFailed", respond_activity_task_failed),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskFailedById", respond_activity_task_failed_by_id),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskCanceled", respond_activity_task_canceled),
    bound!(WORKFLOW_SERVICE, "RespondActivityTaskCanceledById", respond_activity_task_canceled_by_id),
    bound!(WORKFLOW_SERVICE, "RequestCancelWorkflowExecution", request_cancel_workflow_execution),
    bound!(WORKFLOW_SERVICE, "SignalWorkflowExecution", signal_workflow_execution),
    bound!(WORKFLOW_SERVICE, "SignalWithStartWorkflowExecution", signal_with_start_workflow_execution),
    open!(WORKFLOW_SERVICE, "ResetWorkflowExecution"),
    bound!(WORKFLOW_SERVICE, "TerminateWorkflowExecution", terminate_workflow_execution),
    open!(WORKFLOW_SERVICE, "DeleteWorkflowExecution"),
    open!(WORKFLOW_SERVICE, "ListOpenWorkflowExecutions"),
    open!(WORKFLOW_SERVICE, "ListClosedWorkflowExecutions"),
    open!(WORKFLOW_SERVICE, "ListWorkflowExecutions"),
    open!(WORKFLOW_SERVICE, "ListArchivedWorkflowExecutions"),
    open!(WORKFLOW_SERVICE, "ScanWorkflowExecutions"),
    open!(WORKFLOW_SERVICE, "CountWorkflowExecutions"),
    plain!(WORKFLOW_SERVICE, "GetSearchAttributes", get_search_attributes),
    bound!(WORKFLOW_SERVICE, "RespondQueryTaskCompleted", respond_query_task_completed),
    bound!(WORKFLOW_SERVICE, "ResetStickyTaskQueue", reset_sticky_task_queue),
    bound!(WORKFLOW_SERVICE, "ShutdownWorker", shutdown_worker),
    parks!(WORKFLOW_SERVICE, "QueryWorkflow", query_workflow),
    bound!(WORKFLOW_SERVICE, "DescribeWorkflowExecution", describe_workflow_execution),
    bound!(WORKFLOW_SERVICE, "DescribeTaskQueue", describe_task_queue),
    plain!(WORKFLOW_SERVICE, "GetClusterInfo", get_cluster_info),
    plain!(WORKFLOW_SERVICE, "GetSystemInfo", get_system_info),
    open!(WORKFLOW_SERVICE, "ListTaskQueuePartitions"),
    open!(WORKFLOW_SERVICE, "CreateSchedule"),
    open!(WORKFLOW_SERVICE, "DescribeSchedule"),
    open!(WORKFLOW_SERVICE, "UpdateSchedule"),
    open!(WORKFLOW_SERVICE, "PatchSchedule"),
    open!(WORKFLOW_SERVICE, "ListScheduleMatchingTimes"),
    open!(WORKFLOW_SERVICE, "DeleteSchedule"),
    open!(WORKFLOW_SERVICE, "ListSchedules"),
    open!(WORKFLOW_SERVICE, "CountSchedules"),
    open!(WORKFLOW_SERVICE, "UpdateWorkerBuildIdCompatibility"),
    open!(WORKFLOW_SERVICE, "GetWorkerBuildIdCompatibility"),
    open!(WORKFLOW_SERVICE, "UpdateWorkerVersioningRules"),
    open!(WORKFLOW_SERVICE, "GetWorkerVersioningRules"),
    open!(WORKFLOW_SERVICE, "GetWorkerTaskReachability"),
    open!(WORKFLOW_SERVICE, "DescribeDeployment"),
    open!(WORKFLOW_SERVICE, "DescribeWorkerDeploymentVersion"),
    open!(WORKFLOW_SERVICE, "ListDeployments"),
    open!(WORKFLOW_SERVICE, "GetDeploymentReachability"),
    open!(WORKFLOW_SERVICE, "GetCurrentDeployment"),
    open!(WORKFLOW_SERVICE, "SetCurrentDeployment"),
    open!(WORKFLOW_SERVICE, "SetWorkerDeploymentCurrentVersion"),
    open!(WORKFLOW_SERVICE, "DescribeWorkerDeployment"),
    open!(WORKFLOW_SERVICE, "DeleteWorkerDeployment"),
    open!(WORKFLOW_SERVICE, "DeleteWorkerDeploymentVersion"),
    open!(WORKFLOW_SERVICE, "SetWorkerDeploymentRampingVersion"),
    open!(WORKFLOW_SERVICE, "ListWorkerDeployments"),
    open!(WORKFLOW_SERVICE, "CreateWorkerDeployment"),
    open!(WORKFLOW_SERVICE, "CreateWorkerDeploymentVersion"),
    open!(WORKFLOW_SERVICE, "UpdateWorkerDeploymentVersionComputeConfig"),
    open!(WORKFLOW_SERVICE, "ValidateWorkerDeploymentVersionComputeConfig"),
    open!(WORKFLOW_SERVICE, "UpdateWorkerDeploymentVersionMetadata"),
    open!(WORKFLOW_SERVICE, "SetWorkerDeploymentManager"),
    open!(WORKFLOW_SERVICE, "UpdateWorkflowExecution"),
    open!(WORKFLOW_SERVICE, "PollWorkflowExecutionUpdate"),
    open!(WORKFLOW_SERVICE, "StartBatchOperation"),
    open!(WORKFLOW_SERVICE, "StopBatchOperation"),
    open!(WORKFLOW_SERVICE, "DescribeBatchOperation"),
    open!(WORKFLOW_SERVICE, "ListBatchOperations"),
    Row { service: WORKFLOW_SERVICE, method: "PollNexusTaskQueue", handler: Some(poll_nexus) },
    open!(WORKFLOW_SERVICE, "RespondNexusTaskCompleted"),
    open!(WORKFLOW_SERVICE, "RespondNexusTaskFailed"),
    open!(WORKFLOW_SERVICE, "UpdateActivityOptions"),
    open!(WORKFLOW_SERVICE, "UpdateWorkflowExecutionOptions"),
    open!(WORKFLOW_SERVICE, "PauseActivity"),
    open!(WORKFLOW_SERVICE, "UnpauseActivity"),
    open!(WORKFLOW_SERVICE, "ResetActivity"),
    open!(WORKFLOW_SERVICE, "CreateWorkflowRule"),
    open!(WORKFLOW_SERVICE, "DescribeWorkflowRule"),
    open!(WORKFLOW_SERVICE, "DeleteWorkflowRule"),
    open!(WORKFLOW_SERVICE, "ListWorkflowRules"),
    open!(WORKFLOW_SERVICE, "TriggerWorkflowRule"),
    open!(WORKFLOW_SERVICE, "RecordWorkerHeartbeat"),
    open!(WORKFLOW_SERVICE, "ListWorkers"),
    open!(WORKFLOW_SERVICE, "CountWorkers"),
    open!(WORKFLOW_SERVICE, "UpdateTaskQueueConfig"),
    open!(WORKFLOW_SERVICE, "FetchWorkerConfig"),
    open!(WORKFLOW_SERVICE, "UpdateWorkerConfig"),
    open!(WORKFLOW_SERVICE, "DescribeWorker"),
    open!(WORKFLOW_SERVICE, "PauseWorkflowExecution"),
    open!(WORKFLOW_SERVICE, "UnpauseWorkflowExecution"),
    open!(WORKFLOW_SERVICE, "StartActivityExecution"),
    open!(WORKFLOW_SERVICE, "StartNexusOperationExecution"),
    open!(WORKFLOW_SERVICE, "DescribeActivityExecution"),
    open!(WORKFLOW_SERVICE, "DescribeNexusOperationExecution"),
    open!(WORKFLOW_SERVICE, "PollActivityExecution"),
    open!(WORKFLOW_SERVICE, "PollNexusOperationExecution"),
    open!(WORKFLOW_SERVICE, "ListActivityExecutions"),
    open!(WORKFLOW_SERVICE, "ListNexusOperationExecutions"),
    open!(WORKFLOW_SERVICE, "CountActivityExecutions"),
    open!(WORKFLOW_SERVICE, "CountNexusOperationExecutions"),
    open!(WORKFLOW_SERVICE, "RequestCancelActivityExecution"),
    open!(WORKFLOW_SERVICE, "RequestCancelNexusOperationExecution"),
    open!(WORKFLOW_SERVICE, "TerminateActivityExecution"),
    open!(WORKFLOW_SERVICE, "DeleteActivityExecution"),
    open!(WORKFLOW_SERVICE, "PauseActivityExecution"),
    open!(WORKFLOW_SERVICE, "ResetActivityExecution"),
    open!(WORKFLOW_SERVICE, "UnpauseActivityExecution"),
    open!(WORKFLOW_SERVICE, "UpdateActivityExecutionOptions"),
    open!(WORKFLOW_SERVICE, "TerminateNexusOperationExecution"),
    open!(WORKFLOW_SERVICE, "DeleteNexusOperationExecution"),
    open!(WORKFLOW_SERVICE, "PollWorkflowExecutionTimeSkipping"),

    bound!(OPERATOR_SERVICE, "AddSearchAttributes", add_search_attributes),
    bound!(OPERATOR_SERVICE, "RemoveSearchAttributes", remove_search_attributes),
    bound!(OPERATOR_SERVICE, "ListSearchAttributes", list_search_attributes),
    open!(OPERATOR_SERVICE, "DeleteNamespace"),
    open!(OPERATOR_SERVICE, "AddOrUpdateRemoteCluster"),
    open!(OPERATOR_SERVICE, "RemoveRemoteCluster"),
    open!(OPERATOR_SERVICE, "ListClusters"),
    open!(OPERATOR_SERVICE, "GetNexusEndpoint"),
    open!(OPERATOR_SERVICE, "CreateNexusEndpoint"),
    open!(OPERATOR_SERVICE, "UpdateNexusEndpoint"),
    open!(OPERATOR_SERVICE, "DeleteNexusEndpoint"),
    open!(OPERATOR_SERVICE, "ListNexusEndpoints"),

    plain!(TEST_SERVICE, "LockTimeSkipping", lock_time_skipping),
    plain!(TEST_SERVICE, "UnlockTimeSkipping", unlock_time_skipping),
    parks!(TEST_SERVICE, "Sleep", sleep),
    parks!(TEST_SERVICE, "SleepUntil", sleep_until),
    parks!(TEST_SERVICE, "UnlockTimeSkippingWithSleep", unlock_time_skipping_with_sleep),
    plain!(TEST_SERVICE, "GetCurrentTime", get_current_time),
];

/// The answer to an RPC that nothing serves.
pub(super) fn unimplemented(row: &Row) -> Status {
    Status::unimplemented(format!(
        "Method {}/{} is not implemented by Foretime; see docs/compatibility.md",
        row.service, row.method
    ))
}

fn poll_nexus(engine: &mut Engine, call: &Call, ticket: Ticket) -> Option<Result<Bytes, Status>> {
    match decode(call) {
        Ok(request) => answer(engine.poll_nexus_task_queue(request, call.deadline, ticket), |message| reply::message(&message)),
        Err(refused) => Some(Err(refused)),
    }
}

fn get_history(engine: &mut Engine, call: &Call, ticket: Ticket) -> Option<Result<Bytes, Status>> {
    match decode(call) {
        Ok(request) => {
            let reader = Reader {
                client_name: call.caller.client_name.clone(),
                follows_next_run_id: call.caller.follows_next_run_id,
                deadline: call.deadline,
            };
            let outcome = engine.get_workflow_execution_history(request, &reader, ticket);
            answer(outcome, |page| reply::history(&page))
        }
        Err(refused) => Some(Err(refused)),
    }
}

fn decode<M: Message + Default>(call: &Call) -> Result<M, Status> {
    // The text is that of grpc-go, which the real server is built on.
    M::decode(call.message.clone()).map_err(|error| Status::internal(format!("grpc: error unmarshalling request: {error}")))
}

fn encode(outcome: EngineResult<impl Message>) -> Result<Bytes, Status> {
    outcome.map(|message| reply::message(&message)).map_err(|error| status(&error))
}

fn answer<T>(outcome: EngineResult<Answer<T>>, encode: impl Fn(T) -> Bytes) -> Option<Result<Bytes, Status>> {
    match outcome {
        Ok(Answer::Now(message)) => Some(Ok(encode(message))),
        Ok(Answer::Parked) => None,
        Err(error) => Some(Err(status(&error))),
    }
}
