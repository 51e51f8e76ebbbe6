//! The Temporal service as a pure state machine ([`engine`]), the table that binds the wire's RPCs to it ([`rpc`]), and
//! the thin shells that run it: [`host`] in wall time on tokio, [`grpc`] on a socket.
//!
//! Arrows run one way: `grpc -> host -> rpc -> engine`. The engine knows no clock, no thread, no socket.

pub mod config;
pub mod engine;
pub mod grpc;
pub mod host;
pub mod proto;
pub mod rpc;
