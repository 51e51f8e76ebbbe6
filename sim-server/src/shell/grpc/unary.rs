//! One unary call: passes its headers and bytes to the host, and the answer back in a gRPC frame.

use bytes::Bytes;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use tonic::{Code, Status, body::Body, codec::CompressionEncoding, server::Grpc};

use super::{codec::BytesCodec, timeout::grpc_timeout};
use crate::{
    engine::Connection,
    rpc,
    shell::{
        front::{LARGEST_REQUEST_BYTES, too_large},
        host::Host,
    },
};

/// Smaller replies are sent uncompressed, even if the caller accepts gzip: compressing one costs more than sending it.
const SMALLEST_GZIP_REPLY_BYTES: usize = 64 << 10;

/// Serves the call `service`/`method` that `request` carries. Dropping the future gives up the call.
pub(super) async fn serve(
    host: &Host,
    connection: Connection,
    service: &str,
    method: &str,
    request: Request<Incoming>,
) -> Response<Body> {
    let timeout = match grpc_timeout(request.headers()) {
        Ok(timeout) => timeout,
        Err(status) => return status.into_http(),
    };
    let mut reached_host = false;
    let call = tower::service_fn(|request: tonic::Request<Bytes>| {
        reached_host = true;
        async move {
            let caller = rpc::caller_of(connection, request.metadata().as_ref());
            let reply = host.call(service, method, caller, timeout, request.into_inner()).await?;
            let small = reply.len() < SMALLEST_GZIP_REPLY_BYTES;
            let mut response = tonic::Response::new(reply);
            if small {
                response.disable_compression();
            }
            Ok(response)
        }
    });
    let response = Grpc::new(BytesCodec)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(LARGEST_REQUEST_BYTES)
        .unary(call, request)
        .await;
    if reached_host { response } else { refused(response) }
}

/// The refusal of a message that tonic finds too large, with the code and words of the real server (grpc-go).
fn refused(response: Response<Body>) -> Response<Body> {
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    let refusal = match status.code() {
        Code::OutOfRange => {
            let found = status.message().split_once("found ").and_then(|(_, rest)| rest.split(' ').next());
            too_large(found.unwrap_or("more"))
        }
        Code::ResourceExhausted => Status::resource_exhausted(format!(
            "grpc: received message after decompression larger than max {LARGEST_REQUEST_BYTES}"
        )),
        _ => return response,
    };
    refusal.into_http()
}

/// The two parts of a gRPC path, `/service/method`.
pub(super) fn path_parts(uri: &Uri) -> Option<(&str, &str)> {
    uri.path().strip_prefix('/')?.split_once('/')
}
