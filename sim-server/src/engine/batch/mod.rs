//! Batch operations: one thing that is done to many workflows (`service/worker/batcher`). A [`job`] is one such operation. It does one
//! workflow after another in virtual time, at the rate of the real server; so it can be watched, and stopped half way. The [`jobs`] of all
//! namespaces are kept together. [`between`] is what a job does to a workflow: it asks what a client could ask. [`calls`] has the RPCs.

mod between;
mod calls;
mod job;
pub(crate) mod jobs;
