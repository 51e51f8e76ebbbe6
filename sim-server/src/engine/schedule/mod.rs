//! Schedules: they start workflows when their spec says so. This is what the real server's scheduler workflow does
//! (`service/worker/scheduler/workflow.go`), without that workflow. A schedule is a machine like a run. It owns what clients
//! have set ([`schedule`], [`change`]), what is due and waits ([`turn`]), and what has become of the workflows that it
//! started ([`outcome`]). Each time that something may be to do it has a turn, and between two turns nothing of it goes on; time skips
//! to the next one.
//!
//! [`action`] makes the workflows' starts, and [`info`] what clients see. [`watches`] says who waits for which workflow to close.
//! [`between`] carries turns out, and [`calls`] has the RPCs.

mod action;
mod between;
pub(in crate::engine) mod calls;
mod change;
mod info;
mod outcome;
#[expect(clippy::module_inception, reason = "the machine is what the room is named after")]
mod schedule;
mod turn;
pub(crate) mod watches;

pub(in crate::engine) use schedule::{DIVISION, Schedule};
