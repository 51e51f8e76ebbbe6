//! A raw gRPC client: sends typed requests of the RPCs that the tests use, or bytes to any path.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use foretime_server::proto::Rpc;
use http::uri::PathAndQuery;
use prost::Message;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataValue,
    transport::{Channel, Endpoint},
};

/// How long a call may take by default.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One connection, shared by its clones.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    headers: Vec<(&'static str, &'static str)>,
}

impl Client {
    /// Connects to `address` (`http://HOST:PORT`).
    ///
    /// # Errors
    /// If nobody listens there.
    pub async fn connect(address: &str) -> Result<Self, tonic::transport::Error> {
        let channel = Endpoint::from_shared(address.to_owned())?.connect().await?;
        Ok(Self { channel, headers: Vec::new() })
    }

    /// The same connection, with this header added to every call.
    pub fn with_header(&self, name: &'static str, value: &'static str) -> Self {
        let mut client = self.clone();
        client.headers.push((name, value));
        client
    }

    /// One call.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn call<R: Rpc>(&self, request: R) -> Result<R::Reply, Status> {
        self.call_within(PATIENCE, request).await
    }

    /// One call that carries the deadline `patience`.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn call_within<R: Rpc>(&self, patience: Duration, request: R) -> Result<R::Reply, Status> {
        let reply = self.call_raw(R::PATH, request.encode_to_vec().into(), patience).await?;
        R::Reply::decode(reply).map_err(|error| Status::internal(format!("the client cannot decode the reply: {error}")))
    }

    /// Sends `message` as it is to `/service/method`.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn call_raw(&self, path: &str, message: Bytes, patience: Duration) -> Result<Bytes, Status> {
        let path: PathAndQuery = path.parse().map_err(|_| Status::internal("the client has no such path"))?;
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(64 << 20);
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(message);
        request.set_timeout(patience);
        for (name, value) in &self.headers {
            request.metadata_mut().insert(*name, MetadataValue::from_static(value));
        }
        Ok(grpc.unary(request, path, BytesCodec).await?.into_inner())
    }
}

/// Messages stay plain bytes, so that a test can send bad ones.
#[derive(Clone, Copy, Debug, Default)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, dst: &mut EncodeBuf<'_>) -> Result<(), Status> {
        dst.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(src.copy_to_bytes(src.remaining())))
    }
}
