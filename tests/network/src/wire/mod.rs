//! The wire between the nodes and the service: our calls as bytes over madsim's channels.
//!
//! [`frame`] is what goes over a connection. [`server`] is the service as a node: the same `Front` as in the real shell, with madsim's
//! clock. [`channel`] is a process's way to it, which connects again as gRPC channels do. [`retry`] is the patience of an SDK's client.

pub mod channel;
pub mod frame;
pub mod retry;
pub mod server;
