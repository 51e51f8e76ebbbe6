//! The RPCs of workflows: [`start`], [`signal`] (also cancel and terminate), [`respond`] (what a worker says of its workflow task),
//! [`query`], [`describe`], [`history`]. Which run a request names is said by [`target`].

mod describe;
pub(in crate::engine) mod history;
pub(in crate::engine) mod query;
mod respond;
mod signal;
mod start;
pub(in crate::engine) mod target;
