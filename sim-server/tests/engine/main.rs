//! The engine in process, a file a feature: what clients and workers say to the service and what they hear, with no socket
//! and with time in the test's hand. Each test reads as a transcript, and the verbs of the transcripts are in `support`.
//!
//! What is right is what the real server was seen to do: `tests/tests/conformance` in the workspace has the record.

mod support;

mod activities;
mod activities_by_id;
mod chains;
mod children;
mod long_polls;
mod queries;
mod refusals;
mod signals;
mod time;
mod timers;
mod workflow_tasks;
