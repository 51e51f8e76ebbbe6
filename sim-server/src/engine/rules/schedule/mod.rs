//! When schedules act, and what becomes of actions that overlap (`service/worker/scheduler`). What a client writes is brought into
//! its canonical form ([`canonical`]; [`written`] reads the calendars and cron strings in it) and compiled: a [`calendar`], and a
//! [`spec`] of many, with [`jitter`]. [`overlap`] decides what starts while something runs. [`check`] has what requests are
//! refused for.

pub(crate) mod calendar;
pub(crate) mod canonical;
pub(crate) mod check;
mod cron_string;
pub(crate) mod jitter;
pub(crate) mod overlap;
pub(crate) mod spec;
mod written;
