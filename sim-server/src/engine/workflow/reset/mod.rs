//! Resets (`service/history/ndc/workflow_resetter.go`): a workflow goes on from an earlier workflow task, in a new run.
//!
//! The new run is rebuilt from the events before that task's end ([`rebuild`]). It is given what history does not tell: timers
//! go on, activities are scheduled anew, children are its own now. Its workflow task fails, which is the event that tells of
//! the reset. Then follows what clients have sent since ([`reapply`]), what they change along with the reset ([`options`]), and
//! a workflow task for all of it. Where a run can be reset to is in [`point`]. The RPC is in `calls::reset`.

pub(in crate::engine) mod options;
pub(in crate::engine) mod point;
pub(in crate::engine) mod reapply;
pub(in crate::engine) mod rebuild;
