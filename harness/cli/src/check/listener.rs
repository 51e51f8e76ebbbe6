//! The port on which the worker finds the server.

use std::net::SocketAddr;

use foretime_examine::server::Server;
use foretime_server::shell::grpc;
use tokio::task::AbortHandle;

use crate::failure::Failure;

/// The port. It is closed when this is dropped.
pub(super) struct Listener {
    address: SocketAddr,
    serving: AbortHandle,
}

impl Listener {
    /// Listens on this address, in front of `server`; port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub(super) fn start(address: SocketAddr, server: &Server) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Runtime(format!("cannot listen on {address}: {error}"));
        let listener = grpc::listen(address).map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let serving = tokio::spawn(grpc::serve(listener, server.host().clone())).abort_handle();
        Ok(Self { address, serving })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
