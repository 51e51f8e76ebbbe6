//! The thin shells that run the service. [`front`] is what all of them need: the calls that wait, and their deadlines. [`host`]
//! runs it in wall time on tokio, [`grpc`] on a socket, and the clock alone over [`http`]. Whoever looks at it from inside does
//! it as [`watch`] says.

pub mod front;
pub mod grpc;
pub mod host;
pub mod http;
pub mod watch;
