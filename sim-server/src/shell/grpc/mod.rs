//! The thin shell between a socket and [`crate::host::Host`]: HTTP/2 by hyper, gRPC framing and compression by tonic.
//!
//! A connection's requests go through [`router`]: the three Temporal services as raw bytes to the host ([`unary`], [`codec`]),
//! health and reflection ([`side_services`]) to their crates. [`listener`] opens the socket, [`server`] accepts on it. tonic's
//! own `Server` is left out: it would run a second timer on `grpc-timeout`, and box every call three times more.

mod codec;
mod listener;
mod router;
mod server;
mod side_services;
mod timeout;
mod unary;

pub use listener::{listen, listen_on_every_address};
pub use router::SERVICES;
pub use server::{serve, serve_connection};
pub use timeout::grpc_timeout;
