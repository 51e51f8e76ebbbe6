//! One request over HTTP/1.1, with TLS for `https`. It follows no redirect and asks no proxy.

use std::{error::Error, io, sync::Arc};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode, Uri,
    body::{Body, Bytes},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// The most that is read of an answer.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Sends a request whose address is whole. Returns the answer's status and body.
///
/// # Errors
/// There is no connection, or it ends too early.
pub(super) async fn send(mut request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>> {
    let uri = request.uri().clone();
    let host = uri.host().unwrap_or_default().to_owned();
    let is_tls = uri.scheme_str() == Some("https");
    let bare_host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stated = uri.port_u16().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
    request.headers_mut().insert(header::HOST, stated.parse()?);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>()?;
    let stream = TcpStream::connect((bare_host.as_str(), port)).await?;
    if !is_tls {
        return exchange(stream, request).await;
    }
    let connector = TlsConnector::from(Arc::new(trusting_the_system()?));
    exchange(connector.connect(ServerName::try_from(bare_host)?, stream).await?, request).await
}

async fn exchange<B>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<B>,
) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let ask = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
        Ok((status, body))
    };
    // The connection moves as long as the answer is awaited, and no longer.
    let mut ask = std::pin::pin!(ask);
    tokio::select! {
        biased;
        answer = &mut ask => answer,
        ended = connection => {
            ended?;
            ask.await
        }
    }
}

/// TLS that trusts whom the system trusts; `SSL_CERT_FILE` names others.
fn trusting_the_system() -> Result<ClientConfig, Box<dyn Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(io::Error::other("the system has no certificates of authorities").into());
    }
    let config =
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
