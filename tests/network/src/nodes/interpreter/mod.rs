//! What a workflow worker of the simulation does with a task: it runs the [`Script`](crate::plan::script::Script) in the input of the run.
//!
//! Workers here have no cache. [`decide`] goes through the whole history each time. [`seen`] has what the history tells the workflow,
//! [`flow`] is where the workflow stands, and is the same function at each of its tasks. [`commands`] and [`update`] make what it
//! asks the server for, and [`payload`] what is in that.

mod commands;
mod decide;
#[cfg(test)]
pub(crate) mod drive;
mod flow;
pub mod payload;
mod seen;
#[cfg(test)]
pub(crate) mod tests;
pub mod update;

pub use decide::{Decision, answer, decide, script};
