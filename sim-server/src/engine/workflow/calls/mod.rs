//! The RPCs of workflows: [`start`], [`signal`] (also cancel and terminate), [`respond`] (what a worker reports of its workflow
//! task), [`query`], [`update`], [`multi_operation`] (update-with-start), [`describe`], [`history`] (also [`history_reverse`]),
//! and what people do to a run: [`pause`], [`options`], [`reset`], [`delete`]. [`replay`] is of no call of its own: a closed
//! run is replayed by a worker. [`target`] finds the run that a request names, and [`growth`] ends one that a call would make
//! too large.

mod delete;
mod describe;
mod growth;
pub(in crate::engine) mod history;
pub(in crate::engine) mod history_reverse;
pub(in crate::engine) mod multi_operation;
mod options;
mod pause;
pub(in crate::engine) mod query;
mod replay;
mod reset;
mod respond;
mod signal;
mod start;
pub(in crate::engine) mod target;
mod update;
