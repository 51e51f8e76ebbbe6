//! A connection to a running cluster.

use std::time::Duration;

use foretime_server::proto::{Rpc, workflowservice::GetSystemInfoRequest};
use tonic::{
    Code, Request, Status,
    codegen::http::uri::{PathAndQuery, Uri},
    metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap},
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::{
    options::{Options, Secret},
    pace::{Attempts, Pace, is_ours},
    profile::{self, Profile},
    tls,
};
use crate::failure::Failure;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of each attempt at a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// So often, a connection that waits for an answer is checked to be alive.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// The most that a cluster sends at once, as the SDKs have it.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// A cluster that is connected.
#[derive(Debug)]
pub(crate) struct Cluster {
    channel: Channel,
    pub(super) profile: Profile,
    metadata: MetadataMap,
    pace: Pace,
    /// How many runs to list with one request.
    pub(super) page_size: u32,
}

impl Cluster {
    /// Connects as `options` say, then the environment, then the file of the `temporal` program.
    ///
    /// # Errors
    /// A setting makes no sense, or nothing there answers as a Temporal service does.
    pub(crate) async fn connect(options: &Options) -> Result<Self, Failure> {
        let profile = Profile::read(&options.connection, &profile::variables())?;
        let metadata = profile.metadata()?;
        let channel = profile.endpoint()?.connect().await.map_err(|error| profile.unreachable(&error))?;
        let cluster = Self { channel, profile, metadata, pace: Pace::new(options.rate), page_size: options.page_size };
        cluster.greet().await?;
        Ok(cluster)
    }

    /// The namespace that is read.
    pub(crate) fn namespace(&self) -> &str {
        &self.profile.namespace
    }

    /// Shows mistakes at once that only appear with the first request: no TLS where there has to be, a wrong key.
    async fn greet(&self) -> Result<(), Failure> {
        let mut attempts = Attempts::new();
        loop {
            let outcome: Result<<GetSystemInfoRequest as Rpc>::Reply, _> = self.attempt(GetSystemInfoRequest {}).await;
            return match outcome {
                Err(status) if !is_ours(&status) && attempts.go_on(&status).await => continue,
                // A service of before 2022.
                Err(status) if status.code() == Code::Unimplemented => Ok(()),
                Err(status) => Err(self.profile.refused(&status)),
                Ok(_) => Ok(()),
            };
        }
    }

    /// Makes a request, and repeats it as long as the cluster cannot answer.
    pub(super) async fn call<R: Rpc + Clone>(&self, request: R) -> Result<R::Reply, Status> {
        self.call_as::<R, R::Reply>(request).await
    }

    /// The same, with the answer read as another message that has the same form on the wire.
    pub(super) async fn call_as<R: Rpc + Clone, Reply>(&self, request: R) -> Result<Reply, Status>
    where
        Reply: prost::Message + Default + 'static,
    {
        let mut attempts = Attempts::new();
        loop {
            match self.attempt::<R, Reply>(request.clone()).await {
                Err(status) if attempts.go_on(&status).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn attempt<R: Rpc, Reply>(&self, message: R) -> Result<Reply, Status>
    where
        Reply: prost::Message + Default + 'static,
    {
        self.pace.turn().await;
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request.set_timeout(REQUEST_TIMEOUT);
        let mut client = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX);
        client.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let codec = ProstCodec::<R, Reply>::default();
        Ok(client.unary(request, PathAndQuery::from_static(R::PATH), codec).await?.into_inner())
    }
}

impl Profile {
    fn endpoint(&self) -> Result<Endpoint, Failure> {
        let Self { address, .. } = self;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let uri = |host: &str| format!("{scheme}://{host}").parse::<Uri>().ok().filter(|uri| uri.path() == "/");
        let wrong = || Failure::Usage(format!("the address {address:?} is not of the form HOST:PORT"));
        let place = uri(address).filter(|uri| uri.port_u16().is_some()).ok_or_else(wrong)?;
        let mut endpoint = Endpoint::from(place)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(CONNECT_TIMEOUT);
        if let Some(tls) = &self.tls {
            endpoint = tls::onto(endpoint, tls)?;
        }
        if let Some(authority) = &self.authority {
            let wrong = || Failure::Usage(format!("{authority:?} is no :authority"));
            endpoint = endpoint.origin(uri(authority).ok_or_else(wrong)?);
        }
        Ok(endpoint)
    }

    fn metadata(&self) -> Result<MetadataMap, Failure> {
        let mut metadata = MetadataMap::new();
        metadata.insert("client-name", AsciiMetadataValue::from_static("foretime"));
        metadata.insert("client-version", AsciiMetadataValue::from_static(env!("CARGO_PKG_VERSION")));
        let value = |text: &str, by: &str| {
            let value = AsciiMetadataValue::try_from(text);
            value.map_err(|_| Failure::Usage(format!("{by} has characters that no header may have")))
        };
        metadata.insert("temporal-namespace", value(&self.namespace, "the namespace")?);
        if let Some(Secret(key)) = &self.api_key {
            let mut bearer = value(&format!("Bearer {}", key.trim()), "the API key")?;
            bearer.set_sensitive(true);
            metadata.insert("authorization", bearer);
        }
        for (name, said) in &self.headers {
            let wrong = |_| Failure::Usage(format!("{} is for {name:?}, which is no name of a header with text", said.by));
            let key = AsciiMetadataKey::from_bytes(name.as_bytes()).map_err(wrong)?;
            metadata.insert(key, value(&said.value, &said.by)?);
        }
        Ok(metadata)
    }
}
