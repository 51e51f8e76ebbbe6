//! Foretime: tests of Temporal workflows in which a month passes in milliseconds.
//!
//! [`Environment`] is a Temporal server within the test's own process, and a client of it: the workers and the clients are
//! those of the official SDK, no port is opened, nothing is downloaded, and time skips whenever all that is left to do is
//! to wait.

#[cfg_attr(not(test), expect(dead_code, reason = "the runner of simulations is to call it"))]
mod checks;
mod environment;
mod skipping;
mod transport;

pub use environment::{Environment, EnvironmentBuilder, Error};
pub use foretime_server::config::SearchAttributeType;
