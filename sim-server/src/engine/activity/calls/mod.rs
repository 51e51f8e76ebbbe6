//! The RPCs of activities: [`reports`] has those in which workers say how they fare, and [`repairs`] those in which people pause,
//! reset and change activities of a workflow; [`executions`] has them once more, for one activity. [`named`] is how requests name one.

mod executions;
mod named;
pub(crate) mod repairs;
mod reports;
