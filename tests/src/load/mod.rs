//! The load bench: a raw gRPC worker runs month-long workflows against a server in another process, and reads that process's
//! CPU time and memory from `/proc`. Servers are measured side by side, in one run, under the same load.
//!
//! The generator must cost little, since it shares the machine with what it measures. It has one thread, a few polls open on
//! two connections, sticky queues, and no cache of its own ([`plan`] explains how it does without).
//!
//! - The means: [`rpc`] names the calls, [`link`] makes them, [`server`] starts and kills servers, [`usage`] reads `/proc`.
//! - The load: [`plan`] is the workflow, [`worker`] runs it, [`tally`] counts, [`fleet`] starts, opens and audits workflows.
//! - The measurements: [`throughput`], [`open`] (memory and linearity), [`startup`], [`skip`], [`list`].
//! - What comes out: [`record`], one line of JSON each, [`table`] for people; [`options`] is what goes in.

pub mod fleet;
pub mod link;
pub mod list;
pub mod open;
pub mod options;
pub mod plan;
pub mod record;
pub mod rpc;
pub mod server;
pub mod skip;
pub mod startup;
pub mod table;
pub mod tally;
pub mod throughput;
pub mod usage;
pub mod worker;
