//! What every gRPC server has besides its own services: health and reflection, as their crates serve them. Requests may be
//! compressed, as those of the Temporal services may: the Go SDK and the `temporal` CLI compress all they send.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, OnceLock},
};

use http::{Request, Response};
use hyper::body::Incoming;
use tonic::{body::Body, codec::CompressionEncoding};
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};
use tonic_reflection::server::{Builder, Error};
use tower::{ServiceExt, util::BoxCloneSyncService};

use super::SERVICES;
use crate::proto::DESCRIPTORS;

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct SideService(BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>);

impl SideService {
    pub(super) async fn serve(self, request: Request<Incoming>) -> Response<Body> {
        match self.0.oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// All of them. Cheap to clone.
#[derive(Clone)]
pub(super) struct SideServices {
    health: SideService,
    /// Built when first asked for: reading the descriptors takes longer than the rest of the start.
    reflection: Arc<[OnceLock<Option<SideService>>; 2]>,
}

impl SideServices {
    pub(super) async fn new() -> Self {
        // The reporter starts with "", the server as a whole.
        let reporter = HealthReporter::new();
        for service in SERVICES {
            reporter.set_service_status(service, ServingStatus::Serving).await;
        }
        let health = HealthServer::new(HealthService::from_health_reporter(reporter))
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        Self { health: SideService(BoxCloneSyncService::new(health)), reflection: Arc::default() }
    }

    /// The service of this full name; `None` if there is none here.
    pub(super) fn find(&self, service: &str) -> Option<SideService> {
        let [v1, v1alpha] = &*self.reflection;
        match service {
            "grpc.health.v1.Health" => Some(self.health.clone()),
            "grpc.reflection.v1.ServerReflection" => v1.get_or_init(|| logged(reflection_v1())).clone(),
            "grpc.reflection.v1alpha.ServerReflection" => v1alpha.get_or_init(|| logged(reflection_v1alpha())).clone(),
            _ => None,
        }
    }
}

impl fmt::Debug for SideServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SideServices").finish_non_exhaustive()
    }
}

fn reflection_v1() -> Result<SideService, Error> {
    let server = Builder::configure().register_encoded_file_descriptor_set(DESCRIPTORS).build_v1()?;
    let server = server.accept_compressed(CompressionEncoding::Gzip).send_compressed(CompressionEncoding::Gzip);
    Ok(SideService(BoxCloneSyncService::new(server)))
}

fn reflection_v1alpha() -> Result<SideService, Error> {
    let server = Builder::configure().register_encoded_file_descriptor_set(DESCRIPTORS).build_v1alpha()?;
    let server = server.accept_compressed(CompressionEncoding::Gzip).send_compressed(CompressionEncoding::Gzip);
    Ok(SideService(BoxCloneSyncService::new(server)))
}

fn logged(built: Result<SideService, Error>) -> Option<SideService> {
    built.inspect_err(|error| tracing::error!(%error, "reflection cannot be served")).ok()
}
