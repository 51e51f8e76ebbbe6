//! Histories of workflow runs as data, without an SDK.
//!
//! [`grammar`] finds what no server may write, [`asked`] compares what replayed code asks for with what is recorded, and
//! [`json`] turns encoded events into the forms that people and tools load. All of it builds on the messages of
//! [`foretime_server::proto`] and knows nothing of simulations. The harness calls it after each run, and the command line can
//! call it on histories from production.

pub mod asked;
pub mod compare;
pub mod grammar;
pub mod json;
mod payload;
pub mod verdict;
