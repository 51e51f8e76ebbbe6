//! Who waits for what when a run does not go on: [`runs`] by the histories, [`queues`] by the workers. [`schedules`] is what goes
//! on by itself.

pub mod queues;
mod runs;
pub mod schedules;

pub use runs::{ACTIVITIES_NAMED_MAX, open_runs};
