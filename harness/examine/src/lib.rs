//! Examines recorded histories with a worker, without an SDK: does its code still replay them?
//!
//! [`gather`] reads the histories, from files as [`source`] has them, with a [`spool`] for what would be read twice, and [`run`] chooses one for each path through the code. [`server`]
//! serves histories; who uses this crate connects a worker to it. [`conduct`] has every chosen history examined by [`examine`], and [`said`]
//! knows what a worker's words mean, [`stack`] what its stacks do. [`redact`] makes histories without their contents.
//! [`report`] puts all of it together, with the [`patches`] that are needed no more.
//!
//! The command line starts a user's worker as a program, whatever its language; the crate `foretime-check` runs one in Rust within a test.

pub mod conduct;
pub mod examine;
pub mod gather;
pub mod patches;
pub mod redact;
pub mod report;
pub mod run;
mod said;
pub mod server;
pub mod source;
pub mod spool;
mod stack;
