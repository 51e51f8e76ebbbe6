//! The nodes: [`client`] has those who want something, [`worker`] those who do the work, with [`interpreter`] for what workflows do.
//! [`ask`] is how a client asks for it, [`close`] how it waits for the end of a workflow, [`lock`] how it locks time, and
//! [`clock`](mod@clock) its look at the server's time. [`requests`] are the messages that nodes send.

mod ask;
pub mod client;
mod clock;
mod close;
pub mod interpreter;
mod lock;
pub mod requests;
pub mod worker;

/// The only namespace.
pub const NAMESPACE: &str = "default";
/// The only task queue.
pub const TASK_QUEUE: &str = "orders";
