//! The nodes: [`client`] has those who want something, [`worker`] those who do the work, with [`interpreter`] for what workflows do.
//! [`requests`] are the messages that they send; [`clock`](mod@clock) is their look at the server's time.

pub mod client;
mod clock;
pub mod interpreter;
pub mod requests;
pub mod worker;

/// The only namespace.
pub const NAMESPACE: &str = "default";
/// The only task queue.
pub const TASK_QUEUE: &str = "orders";
