//! The RPCs of schedules: [`create`], [`change`] (update, patch, delete) and [`describe`] (with the times that match).

mod change;
mod create;
mod describe;
