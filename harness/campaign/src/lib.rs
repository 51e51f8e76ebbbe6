//! Campaigns: many seeds of one test, and what is told of them. No SDK and no transport is in here: whoever runs a seed decides
//! with these choices and faults, notes what happens in the log, and hands a view of the run to those who tell of it.
//!
//! - [`fault`]: the kinds of faults and their places; [`choices`]: every decision is a labelled draw from one tape; [`faults`]: what may
//!   go wrong in a run, and which fault befalls what; [`calendar`]: on which day it begins
//! - [`log`]: what happened, typed, with its [`hash`](mod@hash); [`process`], [`attempt`], [`effects`] and [`finding`] are what it speaks of
//! - [`view`]: a run as all that follows reads it; [`waiting`]: who waits for what; [`report`]: stories, pages and files, with their
//!   data in [`model`]
//! - [`case`](mod@case): the test; [`result`](mod@result): what goes between the process that counts seeds and those that run them
//! - [`runner`]: hands out the seeds, gathers results, leaves faults out of a failing seed, and sums up
//!
//! Arrows: `runner -> report -> result -> (case, model)`; `report -> waiting -> view -> log -> finding -> (effects, attempt,
//! process)`; `(view, log) -> (faults, calendar) -> choices -> fault -> hash`. [`words`] and [`time`] stand beside all.

pub mod attempt;
pub mod calendar;
pub mod case;
pub mod choices;
pub mod effects;
pub mod fault;
pub mod faults;
pub mod finding;
pub mod hash;
pub mod log;
pub mod model;
pub mod operation;
pub mod process;
pub mod report;
pub mod result;
pub mod runner;
pub mod time;
pub mod view;
pub mod waiting;
pub mod words;
