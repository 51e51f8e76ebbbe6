//! The wire between the worker and the server in this process: a function call for each RPC.

use std::sync::{Arc, Weak};

use foretime_server::{
    engine::Connection,
    rpc::caller_of,
    shell::{grpc::grpc_timeout, host::Host},
};
use temporalio_client::{
    ConnectionOptions, Url,
    callback_based::{CallbackBasedGrpcService, GrpcSuccessResponse},
    errors::ClientConnectError,
};
use tonic::Status;

/// Connects a client to the server, for as long as others hold it: the SDK never lets go of the connection of a worker.
///
/// # Errors
/// What the SDK says.
pub(crate) async fn connect(server: Weak<Host>) -> Result<temporalio_client::Connection, ClientConnectError> {
    let service = CallbackBasedGrpcService {
        callback: Arc::new(move |request| {
            let server = server.clone();
            Box::pin(async move {
                let server = server.upgrade().ok_or_else(gone)?;
                let caller = caller_of(Connection::default(), &request.headers);
                let timeout = grpc_timeout(&request.headers)?;
                let answer = server.call(&request.service, &request.rpc, caller, timeout, request.proto).await?;
                Ok(GrpcSuccessResponse { headers: Default::default(), proto: answer.into() })
            })
        }),
    };
    // Nobody resolves or dials this name.
    let target = Url::parse("http://foretime.invalid").expect("it is a URL");
    let options = ConnectionOptions::new(target).identity("foretime check").service_override(service).dns_load_balancing(None);
    temporalio_client::Connection::connect(options.build()).await
}

/// A code that the SDK treats as final, so that it does not ask for ever.
fn gone() -> Status {
    Status::failed_precondition("the check of this worker is over")
}
