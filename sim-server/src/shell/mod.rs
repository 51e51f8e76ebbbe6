//! The thin shells that run the service: [`host`] in wall time on tokio, [`grpc`] on a socket.

pub mod grpc;
pub mod host;
