//! Histories of workflow runs as data, without an SDK.
//!
//! [`forms`] reads every form in which people keep recorded histories, and [`json`] writes the one that people and tools load.
//! [`whole`], [`Summary`] and [`path`] say what a history is of, [`tasks()`] what its workflow tasks are. [`grammar`] finds what no server
//! may write. [`compare`] and [`asked`] compare what replayed code asks for with what is recorded: the commands on the wire, and those
//! inside the Rust SDK. [`refused`] says what an SDK's refusal is about, and [`verdict`] is what comes of it. [`coded`] has payloads that only their codec can read, and [`mod@redact`] replaces
//! all that is contents, so that a history can be passed on. All of it builds on the messages of
//! [`foretime_server::proto`] and knows nothing of simulations. The harness calls it after each run, and the command line calls it on
//! histories from production.

pub mod asked;
mod attributes;
pub mod coded;
pub mod compare;
mod contents;
mod descriptors;
pub mod events;
pub mod file;
pub mod fixtures;
pub mod forms;
pub mod grammar;
pub mod json;
mod markers;
pub mod path;
mod payload;
pub mod redact;
pub mod refused;
mod summary;
mod tasks;
pub mod verdict;
mod whole;
mod wire;

pub use payload::Telling;
pub use summary::Summary;
pub use tasks::{Sdk, Task, tasks};
pub use whole::{NotWhole, whole};
