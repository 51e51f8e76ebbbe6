//! The RPCs of schedules: [`create`], [`change`] (update, patch, delete) and [`describe`] (with the times that match).
//! The room of visibility lists and counts them.

mod change;
mod create;
pub(in crate::engine) mod describe;
