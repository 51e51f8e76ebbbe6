//! Foretime: tests of Temporal workflows in which a month passes in milliseconds.
//!
//! [`macro@test`] makes a test of an `async fn` that takes a [`Sim`]: a simulated cluster with the user's own workers in
//! virtual time ([`Sim::workers`]). The cluster is broken in every way that production can break it ([`Sim::faults`],
//! [`Faults`]), and so is the API in front of it ([`Sim::struck_client`]), once for each of many seeds. A run repeats exactly from its seed. Activities tell the ledger what they do to
//! the outside world ([`effect`], [`Sim::ledger`]). Assertions, [`always!`] and [`sometimes!`] say what must hold. [`Campaign`]
//! does the same outside of `cargo test`.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use foretime::{Faults, Sim};
//! # fn worker() -> temporalio_sdk::WorkerOptions { temporalio_sdk::WorkerOptions::new("billing").build() }
//!
//! #[foretime::test(runs = 100)]
//! async fn a_subscriber_is_charged_once_a_month(sim: Sim) -> foretime::Result {
//!     sim.workers(2, |_| worker()); // the options that your `main` gives to its worker
//!     sim.faults(Faults::swarm());
//!     // ... start workflows with `sim.client()`, and wait for what comes of them
//!     sim.sleep(Duration::from_secs(30 * 24 * 60 * 60)).await;
//!     sim.ledger().exactly_once_by_key()?;
//!     Ok(())
//! }
//! ```
//!
//! Where nothing can be simulated (systems other than Linux with glibc) the same test runs once, on an [`Environment`]: a Temporal
//! server within the test's own process, with a client of the official SDK connected to it. No port is opened and nothing is
//! downloaded. Time skips whenever waiting is all that is left to do.
//!
//! # What there is
//!
//! | to | take |
//! |---|---|
//! | make a test that runs in many simulated worlds | [`macro@test`], for an `async fn` that takes a [`Sim`] and returns nothing or a [`Result`] |
//! | have workers, and deploy other code to them | [`Sim::workers`], [`Workers::deploy`]; what makes a worker is [`IntoWorkerOptions`] |
//! | draw what the test is about | [`Sim::draw`] an input, with a strategy of [`proptest`]; [`Sim::random`] chance |
//! | act as a client, and let time pass | [`Sim::client`], [`Sim::use_client_options`], [`Sim::sleep`], [`Sim::now`] |
//! | act as several clients at once | [`Sim::run_clients`], with the actions of a [`StateMachine`]; [`Sim::client_named`] |
//! | say what goes wrong | [`Sim::faults`], [`Sim::stop_faults`], with [`Faults`]: of each kind of [`Fault`], for one activity ([`ActivityFaults`]), or at one moment ([`When`]) |
//! | have a fake take its time, or fail | [`random`], [`fault`] |
//! | say what the server is like | [`Sim::add_search_attributes`] ([`SearchAttributeType`]), [`Sim::dynamic_config`] |
//! | know what activities did to the outside world | [`effect`] in a fake of it ([`NewEffect`], [`Applied`]), and [`Sim::ledger`]: [`Ledger::exactly_once_by_key`], [`Ledger::effects`] |
//! | say what must hold | [`always!`], [`sometimes!`], assertions, and errors by `?` ([`Failure`]) |
//! | run seeds in a program of your own, at night say | [`Campaign`], which returns a [`Summary`] |
//! | test on a server in this process, without simulation | [`Environment`], [`EnvironmentBuilder`] |
//! | check that today's code replays recorded histories | [`check()`] |
//!
//! # What the environment says
//!
//! These variables steer one command. One that is almost such a name fails the test.
//!
//! | variable | meaning |
//! |---|---|
//! | `FORETIME_RUNS=1000` | how many seeds run; else as many as the test says |
//! | `FORETIME_BUDGET=5m` | run seeds for this long instead (`500ms`, `30s`, `2h`) |
//! | `FORETIME_FIRST=2001` | the first seed; else 1 |
//! | `FORETIME_JOBS=8` | how many processes run seeds at once; else one for each core |
//! | `FORETIME_SEED=17` | run this seed only, and show what it prints while it runs |
//! | `FORETIME_ONLY=crash-1` | strike with these of the seed's faults only, by the names that a failure tells; `none` for none |
//! | `FORETIME_TAPE=file` | repeat the draws in a report's `tape.json` |
//! | `FORETIME_STARTS_AT=2027-03-28T00:30:00Z` | begin each run then; else as the test says, or on a day that the seed draws |
//! | `FORETIME_STAGED=1` | simulate nothing: run once, on an [`Environment`] |
//! | `FORETIME_REPORTS=dir` | where reports go; else `target/foretime` |
//! | `FORETIME_REGRESSIONS=dir` | where failing runs are kept, which run first from then on; else `foretime-regressions` beside the test. `none` keeps and runs none |
//! | `FORETIME_PRUNE=1` | drop regressions whose inputs or faults the code no longer asks for |
//! | `FORETIME_SAVE_HISTORIES=dir` | keep a history of each path that a workflow takes in runs that pass, for [`check()`] |
//! | `FORETIME_TWICE=1` | run one seed in so many twice, and compare; else one in ten |
//! | `FORETIME_CUTS=all` | how many events the histories have that are cut at workflow tasks and replayed, in all; else 150 |
//! | `FORETIME_STEPS=n` | the steps after which a run counts as endless; else 2,000,000 |
//! | `FORETIME_PATIENCE=60s` | for how long, in real time, a thread may keep its turn; else 30 s |
//! | `FORETIME_THREADS=system` | give each simulated thread a thread of the system, for debuggers and profilers; slower |
//!
//! # What a failing seed leaves
//!
//! The failure says in a few sentences what happened, and has the one command that repeats it. Its report is a directory, by default
//! `target/foretime/TARGET/TEST/seed-N`:
//!
//! | file | content |
//! |---|---|
//! | `report.html` | the page: the story, a timeline of all processes, histories, output |
//! | `report.json` | the same as data |
//! | `timeline.txt` | the moments that matter, for a terminal |
//! | `output.txt` | what the run printed |
//! | `trace.txt` | every step |
//! | `tape.json` | every draw, for `FORETIME_TAPE` |
//! | `regression.json` | the run with the fewest faults and the simplest inputs, to be kept beside the test |
//! | `histories/` | a history for each run of a workflow, for the Web UI and the replayers; `histories/rust-sdk/` has them in the form that the Rust SDK loads |
//!
//! # A program that runs seeds
//!
//! [`Campaign`] is for a job at night: it runs thousands of seeds, writes a line every half minute, and its result is the job's.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use foretime::{Campaign, Faults, Sim};
//!
//! async fn a_year(sim: Sim) -> foretime::Result {
//!     sim.faults(Faults::swarm());
//!     // ... as in a test
//!     Ok(())
//! }
//!
//! fn main() -> ExitCode {
//!     match Campaign::new("a year").runs(10_000).run(a_year) {
//!         Ok(summary) => {
//!             println!("{summary}");
//!             ExitCode::SUCCESS
//!         }
//!         Err(error) => {
//!             eprintln!("{error}"); // of a seed that failed: its story, its report and the command that repeats it
//!             ExitCode::FAILURE
//!         }
//!     }
//! }
//! ```

#![cfg_attr(not(simulates), allow(dead_code, reason = "where nothing is simulated, most of this is only type-checked"))]

mod activities;
mod campaign;
mod checks;
mod claims;
mod clients;
mod connection;
mod entry;
mod environment;
mod failure;
mod inputs;
mod ledger;
mod os;
mod process;
mod runner;
mod sim;
mod simulation;
mod stage;
mod struck_client;
mod transport;
mod world;

pub use campaign::{Campaign, CampaignError};
pub use clients::StateMachine;
pub use environment::{Environment, EnvironmentBuilder, Error};
pub use failure::{Failure, Result};
#[doc(inline)]
pub use foretime_campaign::{
    effects::{Applied, Effect},
    fault::Fault,
    faults::{ActivityFaults, Faults, When},
    runner::Summary,
};
/// Checks of recorded histories; the function of that name begins one.
#[doc(inline)]
pub use foretime_check as check;
#[doc(inline)]
pub use foretime_check::check;
#[doc(inline)]
pub use foretime_macros::test;
#[doc(inline)]
pub use foretime_server::config::{Replay, SearchAttributeType};
pub use inputs::{fault, random};
pub use ledger::{DoneTwice, Ledger, NewEffect, Unmatched, effect};
/// For strategies of inputs ([`Sim::draw`]).
pub use proptest;
pub use sim::{IntoWorkerOptions, Sim, Workers};
pub use struck_client::{Crashed, StruckClient};

/// What the macros of this crate call. Not public API.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::{
        claims::{Sometimes, always, sometimes},
        entry::{Outcome, Test, test},
        sim::Sim,
    };
}
