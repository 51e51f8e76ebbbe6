//! The thin shells that run the service: [`host`] in wall time on tokio, [`grpc`] on a socket, and the
//! clock alone over [`http`]. Whoever looks at it from inside does it as [`watch`] says.

pub mod grpc;
pub mod host;
pub mod http;
pub mod watch;
