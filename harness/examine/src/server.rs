//! The server that the worker talks to: it serves recorded histories, and nothing else.

use std::time::Duration;

use foretime_server::{
    engine::Caller,
    proto::{
        Rpc,
        foretimeservice::{AwaitWorkersRequest, AwaitWorkersResponse, ServeHistoryRequest, ServeHistoryResponse},
    },
    replay::Replay,
    shell::host::Host,
};
use prost::Message;

/// The server. It ends when this and all clones of its host are dropped.
#[derive(Debug)]
pub struct Server {
    host: Host,
}

impl Server {
    /// A server without a port. Who connects a worker to it gives it the [`Self::host`].
    ///
    /// # Errors
    /// It cannot start, for this reason.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer enabled.
    pub fn new() -> Result<Self, String> {
        let replay = Replay::boxed().map_err(|status| status.message().to_owned())?;
        Ok(Self { host: Host::new(replay) })
    }

    /// What answers the worker's calls.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Gives a worker a history, and waits for its answer. Waits for ever if no worker polls.
    ///
    /// # Errors
    /// The server refuses, with these words.
    pub(crate) async fn serve(&self, request: ServeHistoryRequest) -> Result<ServeHistoryResponse, String> {
        self.call(request, None).await
    }

    /// The workers that have polled. Waits for news after `version`, for as long as `timeout`; `None` if there are none.
    pub async fn workers(&self, version: i64, timeout: Duration) -> Option<AwaitWorkersResponse> {
        self.call(AwaitWorkersRequest { version }, Some(timeout)).await.ok()
    }

    async fn call<R: Rpc>(&self, request: R, timeout: Option<Duration>) -> Result<R::Reply, String> {
        let message = request.encode_to_vec().into();
        let answer = self.host.call(R::SERVICE, R::METHOD, Caller::default(), timeout, message).await;
        let answer = answer.map_err(|status| status.message().to_owned())?;
        R::Reply::decode(answer).map_err(|error| error.to_string())
    }
}
