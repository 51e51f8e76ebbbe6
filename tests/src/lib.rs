//! Tests that span crates.
//!
//! The conformance tests use a server under test as a child process ([`server`]) and a raw gRPC client ([`client`]). Their
//! scripts read like transcripts ([`script`], with a worker's verbs in [`worker`] and [`versions`], those of [`schedules`], and the commands it sends in
//! [`commands`]). [`normalise`] is the one place that hides what may differ between two servers, and [`snapshot`] is the record
//! of what the real server said. [`load`] measures servers under load, side by side; the binary of that name runs it.

pub mod client;
pub mod commands;
pub mod load;
pub mod normalise;
pub mod schedules;
pub mod script;
pub mod server;
pub mod snapshot;
pub mod updates;
pub mod versions;
pub mod worker;
