//! Activities. An [`attempt`] is one try at an activity: in its task queue, with a worker, or in the backoff before. It does
//! not know whose activity it is. Its owner (a run of a workflow) holds it, changes it in transactions of its own, and writes
//! the events. [`reply`] makes the task that a worker gets, and [`calls`] has the RPCs in which workers report.

pub(crate) mod attempt;
mod calls;
pub(crate) mod reply;
