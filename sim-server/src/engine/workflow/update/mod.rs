//! Updates: requests of clients that a workflow accepts or rejects, and answers (`service/history/workflow/update`).
//!
//! An update is admitted when it comes, and goes to a worker as a [`message`] along with a workflow task: with one that waits
//! already, or else with a speculative one, which is not in the history. The worker answers by messages. One that accepts the
//! update and one that completes it become events; nothing tells of a rejection. So what is admitted and not accepted is volatile
//! ([`registry`]), and the rest is told by the history. How far an update has come is its [`progress`]. The callers that wait for
//! it are not the run's ([`waiters`]).

pub(super) mod message;
pub(in crate::engine) mod progress;
pub(super) mod registry;
pub(in crate::engine) mod waiters;
