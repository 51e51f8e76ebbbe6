//! The Temporal service as a pure state machine ([`engine`]), the table that binds the wire's RPCs to it ([`rpc`]), and the
//! thin [`shell`]s that run it in wall time on tokio and on a socket.
//!
//! Arrows run one way: `shell -> rpc -> engine`. The engine knows no clock, no thread, no socket.

pub mod config;
pub mod engine;
pub mod rpc;
pub mod shell;
pub mod words;

pub use foretime_proto as proto;
