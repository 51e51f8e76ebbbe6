//! The wire between the SDK's client and a server in the same process: a function call for each RPC.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use foretime_server::{
    engine::{Caller, Connection},
    rpc::caller_of,
    shell::{grpc::grpc_timeout, host::Host},
};
use futures_util::FutureExt;
use prost::Message;
use temporalio_client::callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse};
use tokio::sync::watch;
use tonic::Status;

/// The far end of the wire.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) host: Host,
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
        let caller = caller_of(Connection::default(), &request.headers);
        let timeout = grpc_timeout(&request.headers)?;
        tokio::select! {
            biased;
            answer = self.host.call(&request.service, &request.rpc, caller, timeout, request.proto) => {
                Ok(GrpcSuccessResponse { headers: Default::default(), proto: answer?.into() })
            }
            _ = environment.changed() => Err(gone()),
        }
    }

    /// Makes a call of the environment's own.
    pub(crate) async fn call<A: Message + Default>(
        &self,
        service: &str,
        method: &str,
        request: &impl Message,
    ) -> Result<A, Status> {
        let message: Bytes = request.encode_to_vec().into();
        let answer = self.host.call(service, method, Caller::default(), None, message).await?;
        A::decode(answer).map_err(|error| Status::internal(error.to_string()))
    }

    /// The same, for a method that is answered at once.
    pub(crate) fn call_at_once<A: Message + Default>(
        &self,
        service: &str,
        method: &str,
        request: &impl Message,
    ) -> Result<A, Status> {
        let answer = self.call(service, method, request).now_or_never();
        answer.unwrap_or_else(|| Err(Status::internal(format!("{method} did not answer at once"))))
    }
}

/// A code that the SDK treats as final, so that nobody asks for ever. A client gives up at once, a worker after a minute
/// (`LONG_POLL_FATAL_GRACE` in temporalio-client 1.1.1).
fn gone() -> Status {
    Status::failed_precondition("the foretime::Environment of this client has been dropped")
}
