//! The Temporal service as a pure state machine ([`engine`]), the table that binds the wire's RPCs to it ([`rpc`]), and the
//! thin [`shell`]s that run it in wall time on tokio and on a socket. [`replay`] is another service for the shells: it serves recorded
//! histories to a worker.
//!
//! Arrows run one way: `shell -> replay -> rpc -> engine`. The engine knows no clock, no thread, no socket.

pub mod config;
pub mod engine;
pub mod replay;
pub mod rpc;
pub mod shell;
pub mod words;

pub use foretime_proto as proto;
