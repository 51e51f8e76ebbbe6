//! Whether what all clients were told of a workflow can be true at once: a linearizability check.
//!
//! Calls overlap, and a client sees only its own. Each call has its effect, or its look at the state, at one instant between its
//! beginning and its end. The check looks for such an instant of each, so that the calls, one by one, are answered by a simple model
//! as they were in fact. [`search`] does so for any model. [`chain`] is the model of a workflow id: its runs, one after the other,
//! each running and then closed. [`truth`] is what the server knows of these runs in the end, [`line`] puts all states that the
//! chain goes through in a row, [`answers`] says in which of them an answer is right, and [`words`] tells people.
//!
//! The search follows the published ideas of Wing and Gong, with Lowe's memory and just-in-time order, as the checker Porcupine does.

mod answers;
pub mod chain;
mod line;
pub mod search;
#[cfg(test)]
mod tests;
pub mod truth;
mod words;

pub use chain::{Contradiction, check};
pub use search::Verdict;
pub use truth::{RunTruth, Truth};
