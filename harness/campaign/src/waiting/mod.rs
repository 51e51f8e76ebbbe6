//! Who waits for what when a run does not go on: [`runs`] by the histories, [`queues`] by the workers.

pub mod queues;
mod runs;

pub use runs::{ACTIVITIES_NAMED_MAX, open_runs};
