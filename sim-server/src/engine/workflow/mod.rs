//! Workflows. A [`run`] is a machine, and this room owns what it is made of. Other rooms read a run through its methods. It
//! changes in transactions only, which the RPCs ([`calls`]), effects ([`between`]) and timers ([`due`]) begin.
//!
//! What a run's history tells is in [`recorded`] (with the encoded [`history`]), and changes only when an event is written.
//! What history does not tell is in [`volatile`]. A transition takes the run and a [`Cx`](super::execution::Cx), writes events
//! and changes volatile state. What can be refused is checked before anything is written, so no transition has to be undone.
//!
//! - [`start`]: how a run begins; [`close`]: how it ends, and what follows it (continue-as-new, retry, cron)
//! - [`growth`]: how large it may become
//! - [`write`]: writing events, and buffering them while a worker has a workflow task
//! - [`workflow_task`]: scheduling, starting, completing, failing and timing out workflow tasks
//! - [`activities`], [`timer`], [`child`], [`external`], [`signal`]: one file for each thing that a workflow can have pending
//! - [`repairs`]: what people do to activities; [`pause`]: what they do to a run as a whole; [`options`]: what of it they can change
//! - [`update`]: updates, from their admission to their outcome
//! - [`commands`]: what a completed workflow task asks for: first checked, then applied
//! - [`pages`]: the parts of a completion that comes in several; [`problems`]: what is told of tasks that keep failing
//! - [`reset`]: how a workflow goes on from an earlier workflow task, in a new run
//! - [`runaway`]: what it tells of failures and progress, lest time run away with it
//! - [`due`]: what falls due; [`between`]: what passes between two runs, as effects
//! - [`replays`]: the closed runs that are replayed before a client hears of their end
//! - [`calls`]: the RPCs; [`reply`]: what a worker gets that takes a task

pub(in crate::engine) mod activities;
mod between;
pub(in crate::engine) mod calls;
mod child;
mod close;
mod commands;
mod due;
mod external;
pub(in crate::engine) mod growth;
pub(in crate::engine) mod history;
pub(in crate::engine) mod options;
mod pages;
pub(in crate::engine) mod pause;
mod problems;
pub(in crate::engine) mod recorded;
mod repairs;
pub(in crate::engine) mod replays;
pub(in crate::engine) mod reply;
pub(in crate::engine) mod reset;
pub(in crate::engine) mod run;
mod runaway;
pub(in crate::engine) mod signal;
mod start;
mod timer;
pub(in crate::engine) mod update;
mod volatile;
pub(in crate::engine) mod workflow_task;
mod write;
