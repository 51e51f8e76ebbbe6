//! Tests of the engine in process: no socket, no runtime, and the test sets the time. There is one file for each feature. Each
//! test is a transcript of calls and answers; its verbs are defined in `support`.
//!
//! The expected behaviour is that of the real server, as recorded in the workspace's `tests/tests/conformance`.

mod support;

mod activities;
mod activities_by_id;
mod batches;
mod chains;
mod children;
mod deletions;
mod hand;
mod holds;
mod inside;
mod listings;
mod locks;
mod long_polls;
mod namespaces;
mod pages;
mod pauses;
mod queries;
mod refusals;
mod remains;
mod replays;
mod resets;
mod runaway;
mod schedules;
mod search_attributes;
mod signals;
mod sleeps;
mod time;
mod timers;
mod transitions;
mod updates;
mod waits;
mod workflow_tasks;
