//! A gRPC connection to a server on loopback, for unary calls without compression.

use std::time::Duration;

use anyhow::{Context, Result};
use foretime_server::proto::Rpc;
use http::uri::PathAndQuery;
use tonic::{
    Request, Status,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

/// How long an ordinary call may take before the bench counts it as failed.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// One HTTP/2 connection. A clone shares it.
#[derive(Clone)]
pub struct Link {
    grpc: Grpc<Channel>,
}

impl Link {
    /// Connects to a port of 127.0.0.1.
    ///
    /// # Errors
    /// Nobody listens there, or it does not speak HTTP/2.
    pub async fn connect(port: u16) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?.tcp_nodelay(true);
        let channel = endpoint.connect().await.with_context(|| format!("connecting to port {port}"))?;
        Ok(Self { grpc: Grpc::new(channel).max_decoding_message_size(64 << 20) })
    }

    /// Calls an RPC that answers at once.
    ///
    /// # Errors
    /// The server's status, or the transport's.
    pub async fn call<Q: Rpc>(&mut self, request: Q) -> Result<Q::Reply, Status> {
        self.call_within(CALL_TIMEOUT, request).await
    }

    /// Calls an RPC with the caller's deadline, which the server is told: long polls end by it.
    ///
    /// # Errors
    /// The server's status, or the transport's.
    pub async fn call_within<Q: Rpc>(&mut self, timeout: Duration, request: Q) -> Result<Q::Reply, Status> {
        self.grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(request);
        request.set_timeout(timeout);
        let path = PathAndQuery::from_static(Q::PATH);
        self.grpc.unary(request, path, ProstCodec::<Q, Q::Reply>::default()).await.map(tonic::Response::into_inner)
    }
}
