//! The service under test. Nothing here knows of madsim.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tonic::{Request, Response, Status, async_trait, transport::Server};

use pb::{Order, Placed, Shipped, orders_server, orders_server::OrdersServer};

/// The messages and services of `proto/orders.proto`.
#[expect(clippy::unwrap_used, reason = "generated")]
pub mod pb {
    tonic::include_proto!("orders");
}

// README starter: begin
/// What the service asks of Temporal. In production the SDK's client does it.
#[async_trait]
pub trait Starter: Send + Sync + 'static {
    /// Starts the workflow of an order, and returns its run id. `request_id` is the same when a customer tries again.
    async fn start(&self, order_id: &str, request_id: &str) -> Result<String, Status>;
}
// README starter: end

/// The orders whose parcels were sent, in order. It belongs to the world outside, and outlives the service.
pub type Parcels = Arc<Mutex<Vec<String>>>;

struct Orders<S> {
    starter: S,
    parcels: Parcels,
}

/// Serves until the node ends.
pub async fn serve(address: SocketAddr, starter: impl Starter, parcels: Parcels) {
    let orders = OrdersServer::new(Orders { starter, parcels });
    Server::builder().add_service(orders).serve(address).await.expect("the address is free");
}

#[async_trait]
impl<S: Starter> orders_server::Orders for Orders<S> {
    async fn place(&self, request: Request<Order>) -> Result<Response<Placed>, Status> {
        let Order { id } = request.into_inner();
        let run_id = self.starter.start(&id, &id).await?;
        Ok(Response::new(Placed { run_id }))
    }

    async fn ship(&self, request: Request<Order>) -> Result<Response<Shipped>, Status> {
        let Order { id } = request.into_inner();
        let mut parcels = self.parcels.lock().unwrap_or_else(PoisonError::into_inner);
        // An activity that heard no answer comes again.
        if !parcels.contains(&id) {
            parcels.push(id);
        }
        Ok(Response::new(Shipped {}))
    }
}
