//! What the service refuses, and how it completes unset fields of a request. Pure: a request comes in and is refused with the
//! real server's text, or normalised in place. Each function checks in the real server's order, because the first check that
//! fails gives the answer.
//!
//! Not checked here, because it needs more than the request: whether the namespace is registered, task tokens, and deadlines of
//! long polls.

#![allow(deprecated, reason = "the API deprecates fields that SDKs send and the real server reads")]

pub(crate) mod batch;
pub mod command;
pub(crate) mod duration;
pub mod execution;
pub mod links;
pub mod polls;
pub mod priority;
pub mod respond;
pub mod start;
pub mod task_queue;

pub use execution::{describe, execution, history, query, request_cancel, signal, terminate};
pub use links::links;
pub use polls::{poll_activity_task, poll_workflow_task};
pub use priority::priority;
pub use start::{signal_with_start, start};
pub use task_queue::{RESERVED_PREFIX, task_queue, user_task_queue};
