//! What crosses crates.
//!
//! The conformance tests stand on a server under test as a child process ([`server`]), a raw gRPC client ([`client`]),
//! scripts that read like transcripts ([`script`], with a worker's verbs in [`worker`] and the commands it sends in
//! [`commands`]), the one place that hides what may differ between two servers ([`normalise`]), and the record of what the
//! real server said ([`snapshot`]). [`load`] measures servers under load, side by side; the binary of that name runs it.

pub mod client;
pub mod commands;
pub mod load;
pub mod normalise;
pub mod script;
pub mod server;
pub mod snapshot;
pub mod worker;
