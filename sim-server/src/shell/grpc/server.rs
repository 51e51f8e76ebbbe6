//! Accepts connections and serves each on its own task.

use std::{convert::Infallible, pin::Pin, time::Duration};

use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};

use super::router::Router;
use crate::{engine::Connection, shell::host::Host};

/// How much a caller may send before it hears that it was read. With this much, a large message is one round trip.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
const FRAME_BYTES: u32 = 64 << 10;
const HEADER_LIST_BYTES: u32 = 64 << 10;
/// Each parked poll holds a stream, and a worker's calls must not wait behind them.
const CONCURRENT_STREAMS: u32 = 1 << 20;
/// A worker that stops resets all its polls at once. hyper would take 20 resets for an attack.
const PENDING_RESETS: usize = 1 << 20;
/// The pause after a failed accept, such as when the process is out of file descriptors.
const REST_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(20);

/// Serves `host` to everybody who connects to `listener`, until the future is dropped. That closes the connections.
///
/// The future is boxed so that HTTP/2 is compiled with this crate, and not with the one that polls.
pub fn serve(listener: TcpListener, host: Host) -> Pin<Box<dyn Future<Output = Infallible> + Send>> {
    Box::pin(accept(listener, host))
}

async fn accept(listener: TcpListener, host: Host) -> Infallible {
    let router = Router::new(host).await;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "TCP_NODELAY");
                    }
                    connections.spawn(connection(stream, router.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(REST_AFTER_FAILED_ACCEPT).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves `host` on one connection, until it ends.
pub async fn serve_connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, host: Host) {
    connection(stream, Router::new(host).await).await;
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let open = Open { host: router.host().clone(), connection: router.host().connect() };
    let connection = open.connection;
    let service = service_fn(move |request| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.route(connection, request).await) }
    });
    if let Err(error) = http2_server().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended");
    }
    drop(open);
}

/// A connection that is open. When this is dropped, the host hears that it has closed.
struct Open {
    host: Host,
    connection: Connection,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.host.closed(self.connection);
    }
}

fn http2_server() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(HEADER_LIST_BYTES)
        .max_concurrent_streams(CONCURRENT_STREAMS)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(None)
        .auto_date_header(false);
    builder
}
