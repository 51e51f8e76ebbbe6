//! Activities. [`options`] has what is asked for of one, which may change while it is pending. An [`attempt`] is one try at it: in
//! its task queue, with a worker, or in the backoff before. It may be put to rest, and begin anew ([`pause`]). It does
//! not know whose activity it is. Its owner (a run of a workflow) holds it, changes it in transactions of its own, and writes
//! the events. [`reply`] makes the task that a worker gets, and [`calls`] has the RPCs.

pub(crate) mod attempt;
pub(crate) mod calls;
pub(crate) mod options;
pub(crate) mod pause;
pub(crate) mod reply;
