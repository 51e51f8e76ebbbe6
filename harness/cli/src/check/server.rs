//! The server that the worker talks to: it serves recorded histories, and nothing else.

use std::{net::SocketAddr, time::Duration};

use foretime_server::{
    engine::Caller,
    proto::{
        Rpc,
        foretimeservice::{AwaitWorkersRequest, AwaitWorkersResponse, ServeHistoryRequest, ServeHistoryResponse},
    },
    replay::Replay,
    shell::{grpc, host::Host},
};
use prost::Message;
use tokio::task::AbortHandle;

use crate::failure::Failure;

/// The server, on its own port. It ends when this is dropped.
pub(super) struct Server {
    host: Host,
    address: SocketAddr,
    serving: AbortHandle,
}

impl Server {
    /// Listens on this address; port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub(super) fn start(address: SocketAddr) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Runtime(format!("cannot listen on {address}: {error}"));
        let listener = grpc::listen(address).map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let host = Host::new(Replay::boxed().map_err(|status| failed(&status.message()))?);
        let serving = tokio::spawn(grpc::serve(listener, host.clone())).abort_handle();
        Ok(Self { host, address, serving })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives a worker a history, and waits for its answer. Waits for ever if no worker polls.
    ///
    /// # Errors
    /// The server refuses, with these words.
    pub(super) async fn serve(&self, request: ServeHistoryRequest) -> Result<ServeHistoryResponse, String> {
        self.call(request, None).await
    }

    /// The workers that have polled. Waits for news after `version`, for as long as `timeout`; `None` if there are none.
    pub(super) async fn workers(&self, version: i64, timeout: Duration) -> Option<AwaitWorkersResponse> {
        self.call(AwaitWorkersRequest { version }, Some(timeout)).await.ok()
    }

    async fn call<R: Rpc>(&self, request: R, timeout: Option<Duration>) -> Result<R::Reply, String> {
        let message = request.encode_to_vec().into();
        let answer = self.host.call(R::SERVICE, R::METHOD, Caller::default(), timeout, message).await;
        let answer = answer.map_err(|status| status.message().to_owned())?;
        R::Reply::decode(answer).map_err(|error| error.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
