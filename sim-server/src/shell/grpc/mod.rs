//! The thin shell between a socket and [`crate::shell::host::Host`]: hyper for HTTP/2, tonic for gRPC framing and compression.
//!
//! A connection's requests go through [`router`]. The three Temporal services go to the host as raw bytes ([`unary`],
//! [`codec`]); health and reflection ([`side_services`]) go to their crates. [`listener`] opens the socket, and [`server`]
//! accepts on it. tonic's own `Server` is not used: it would run a second timer on `grpc-timeout`, and box every call three
//! more times.

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
