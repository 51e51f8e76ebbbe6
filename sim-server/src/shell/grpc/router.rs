//! Which service a request is for.

use http::{Request, Response};
use hyper::body::Incoming;
use tonic::{Status, body::Body};

use super::{side_services::SideServices, unary};
use crate::{
    engine::Connection,
    rpc::table::{FORETIME_SERVICE, OPERATOR_SERVICE, TEST_SERVICE, WORKFLOW_SERVICE},
    shell::host::Host,
};

/// The services that the host answers, Temporal's and our own; the rpc table knows their methods.
pub const SERVICES: [&str; 4] = [WORKFLOW_SERVICE, OPERATOR_SERVICE, TEST_SERVICE, FORETIME_SERVICE];

/// Everything that a connection serves. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Router {
    host: Host,
    side_services: SideServices,
}

impl Router {
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) async fn new(host: Host) -> Self {
        Self { host, side_services: SideServices::new().await }
    }

    /// Serves one request that came on this connection.
    pub(super) async fn route(self, connection: Connection, request: Request<Incoming>) -> Response<Body> {
        let uri = request.uri().clone();
        let Some((service, method)) = unary::path_parts(&uri) else {
            return Status::unimplemented(format!("malformed method name: {:?}", uri.path())).into_http();
        };
        if SERVICES.contains(&service) {
            return unary::serve(&self.host, connection, service, method, request).await;
        }
        match self.side_services.find(service) {
            Some(side_service) => side_service.serve(request).await,
            None => Status::unimplemented(format!("unknown service {service}")).into_http(),
        }
    }
}
