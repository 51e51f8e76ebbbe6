//! The wire between the nodes and the service: our calls as bytes over madsim's channels.
//!
//! [`frame`] is what goes over a connection. [`server`] is the service as a node: the same `Front` as in the real shell, with madsim's
//! clock; `panics` sees to it that a panic of the service is found. [`channel`] is a process's way to it, which connects again as gRPC
//! channels do. [`retry`] is the patience of an SDK's client.

pub mod channel;
pub mod frame;
mod panics;
pub mod retry;
pub mod server;
