//! The RPCs that the bench calls: each request knows its path and its response.

use foretime_server::proto::{testservice, workflowservice};
use prost::Message;

/// A request of a unary RPC.
pub trait Rpc: Message + 'static {
    /// The message that answers it.
    type Response: Message + Default + 'static;
    /// Its path on the wire, `/service/method`.
    const PATH: &'static str;
}

macro_rules! rpcs {
    ($service:literal: $($method:literal $request:ty => $response:ty,)+) => {
        $(impl Rpc for $request {
            type Response = $response;
            const PATH: &'static str = concat!("/temporal.api.", $service, "/", $method);
        })+
    };
}

rpcs! { "workflowservice.v1.WorkflowService":
    "GetSystemInfo" workflowservice::GetSystemInfoRequest => workflowservice::GetSystemInfoResponse,
    "StartWorkflowExecution" workflowservice::StartWorkflowExecutionRequest => workflowservice::StartWorkflowExecutionResponse,
    "DescribeWorkflowExecution"
        workflowservice::DescribeWorkflowExecutionRequest => workflowservice::DescribeWorkflowExecutionResponse,
    "GetWorkflowExecutionHistory"
        workflowservice::GetWorkflowExecutionHistoryRequest => workflowservice::GetWorkflowExecutionHistoryResponse,
    "PollWorkflowTaskQueue" workflowservice::PollWorkflowTaskQueueRequest => workflowservice::PollWorkflowTaskQueueResponse,
    "RespondWorkflowTaskCompleted"
        workflowservice::RespondWorkflowTaskCompletedRequest => workflowservice::RespondWorkflowTaskCompletedResponse,
    "PollActivityTaskQueue" workflowservice::PollActivityTaskQueueRequest => workflowservice::PollActivityTaskQueueResponse,
    "RespondActivityTaskCompleted"
        workflowservice::RespondActivityTaskCompletedRequest => workflowservice::RespondActivityTaskCompletedResponse,
}

rpcs! { "testservice.v1.TestService":
    "LockTimeSkipping" testservice::LockTimeSkippingRequest => testservice::LockTimeSkippingResponse,
    "UnlockTimeSkipping" testservice::UnlockTimeSkippingRequest => testservice::UnlockTimeSkippingResponse,
    "GetCurrentTime" GetCurrentTimeRequest => testservice::GetCurrentTimeResponse,
    "Sleep" testservice::SleepRequest => testservice::SleepResponse,
    "UnlockTimeSkippingWithSleep" UnlockTimeSkippingWithSleepRequest => testservice::SleepResponse,
}

/// What `GetCurrentTime` takes: in the service it is `google.protobuf.Empty`, which prost maps to `()`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct GetCurrentTimeRequest {}

/// The request of `UnlockTimeSkippingWithSleep`. In the service it is a `SleepRequest`; here it is a type of its own because a
/// request names one RPC.
#[derive(Clone, PartialEq, Message)]
pub struct UnlockTimeSkippingWithSleepRequest {
    /// How far to skip.
    #[prost(message, optional, tag = "1")]
    pub duration: Option<prost_types::Duration>,
}
