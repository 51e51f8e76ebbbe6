//! The wire between the SDK's client and a server in the same process: a function call for each RPC.

use std::sync::{Arc, Weak};

use foretime_server::{
    engine::Connection, proto::enums::HistoryEventFilterType, proto::workflowservice::GetWorkflowExecutionHistoryRequest,
    rpc::caller_of, shell::grpc::grpc_timeout,
};
use prost::Message;
use temporalio_client::callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse};
use tokio::sync::watch;
use tonic::Status;

use crate::skipping::{Skipping, TestService};

/// The far end of the wire.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) test_service: TestService,
    pub(crate) skipping: Skipping,
    /// Closed when the environment is dropped.
    pub(crate) environment: watch::Receiver<()>,
}

/// The wire. It holds a weak reference to the server, because the SDK never lets go of the connection of a worker.
pub(crate) fn service(server: Weak<Server>) -> CallbackBasedGrpcService {
    CallbackBasedGrpcService {
        callback: Arc::new(move |request| {
            let server = server.clone();
            Box::pin(async move { server.upgrade().ok_or_else(gone)?.serve(request).await })
        }),
    }
}

impl Server {
    async fn serve(&self, request: GrpcRequest) -> Result<GrpcSuccessResponse, Status> {
        let mut environment = self.environment.clone();
        let _skips_time = if waits_for_outcome(&request) { self.skipping.wait_for_outcome() } else { None };
        let caller = caller_of(Connection::default(), &request.headers);
        let timeout = grpc_timeout(&request.headers)?;
        tokio::select! {
            biased;
            answer = self.test_service.host().call(&request.service, &request.rpc, caller, timeout, request.proto) => {
                Ok(GrpcSuccessResponse { headers: Default::default(), proto: answer?.into() })
            }
            _ = environment.changed() => Err(gone()),
        }
    }
}

/// Whether the caller waits for a workflow to end: the call behind `get_result`, as the SDK makes it. A worker makes none. For
/// those who await an update the server lifts a lock itself (`Config::awaits_lift_locks`).
fn waits_for_outcome(request: &GrpcRequest) -> bool {
    request.rpc == "GetWorkflowExecutionHistory"
        && GetWorkflowExecutionHistoryRequest::decode(request.proto.clone())
            .is_ok_and(|it| it.wait_new_event && it.history_event_filter_type() == HistoryEventFilterType::CloseEvent)
}

/// A code that the SDK treats as final, so that nobody asks for ever. A client gives up at once, a worker after a minute
/// (`LONG_POLL_FATAL_GRACE` in temporalio-client 1.1.1).
fn gone() -> Status {
    Status::failed_precondition("the foretime::Environment of this client has been dropped")
}
