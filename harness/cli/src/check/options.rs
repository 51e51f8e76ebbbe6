//! The arguments of `foretime check`.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;

use super::payloads::Payloads;
use crate::{cluster, values};

const EXAMPLES: &str = "\
Examples:
  foretime check histories/ -- python worker.py
      Does the worker replay the histories in this folder? It is started with TEMPORAL_ADDRESS and
      TEMPORAL_NAMESPACE set to a server that serves them. Nothing is executed.

  foretime check --from prod:7233 --query 'WorkflowType=\"Order\"' -- node lib/worker.js
      The same with the histories of a cluster, which is read as the temporal program reads it.

  foretime check histories/ --strict --html report.html -- ./worker --target {address}
      Compares inputs, spans, options and results, too. {address}, {host}, {port} and {namespace} in
      the command are filled in.

  foretime check histories/ --redact --save shared/ --keep-values status,renewals -- python worker.py
      Writes each checked history anew without its payloads, once the worker has replayed that. A value
      that the code decides by has to stay; if one is missing, the report names it.

  foretime check --hold order.json --until 42 -- python -m debugpy --listen 5678 worker.py
      Serves one history, and waits for as long as a breakpoint holds the worker.

Exit codes: 0 all replay, 1 something breaks (or differs, with --strict), 2 usage, 3 something could not be told.";

/// Check whether today's code still replays recorded histories
///
/// Starts your own worker beside a server that serves recorded histories, gives it each as a worker with an empty cache gets it, and
/// reports where code and history part. No activity runs, no local activity, no Nexus operation.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Check {
    /// Files with histories, or folders of them, in any form: JSON of `temporal workflow show`, downloads of the Web UI, protobuf
    #[arg(value_name = "HISTORIES")]
    pub(super) histories: Vec<PathBuf>,

    /// The command that starts the worker
    #[arg(last = true, value_name = "WORKER COMMAND")]
    pub(super) worker: Vec<OsString>,

    /// Listen on this address for a worker that you start yourself
    #[arg(long, value_name = "HOST:PORT", value_parser = listen_address)]
    pub(super) address: Option<SocketAddr>,

    /// Check every history, not one for each path through the code
    #[arg(long, conflicts_with = "sample")]
    pub(super) all: bool,

    /// Check as many histories of each path, the longest and newest first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) sample: u32,

    /// Compare inputs, spans of timers, options and results, too
    #[arg(long)]
    pub(super) strict: bool,

    /// Histories recorded on task queue A are for the worker that polls B; may be repeated
    #[arg(long, value_name = "A=B", value_parser = queues)]
    pub(super) map_queue: Vec<(String, String)>,

    /// Serve this one history for as long as it takes, so that a debugger can hold the worker
    #[arg(long, value_name = "HISTORY", conflicts_with_all = ["histories", "all", "strict"])]
    pub(super) hold: Option<PathBuf>,

    /// With --hold: only up to this event
    #[arg(long, value_name = "EVENT", value_parser = clap::value_parser!(i64).range(1..))]
    pub(super) until: Option<i64>,

    #[command(flatten)]
    pub(super) cluster: cluster::Options,

    #[command(flatten)]
    pub(super) payloads: Payloads,

    #[command(flatten)]
    pub(super) limits: Limits,

    #[command(flatten)]
    pub(super) reports: Reports,
}

/// How long to wait, and for how many at once.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Limits")]
pub(super) struct Limits {
    /// How long to wait for a worker to poll
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::span)]
    pub(super) worker_timeout: Duration,

    /// How long to wait for another task queue to be polled, once one is
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = values::span)]
    pub(super) queue_timeout: Duration,

    /// How long the worker may take with one history
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::span)]
    pub(super) answer_timeout: Duration,

    /// How many histories the worker gets at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(super) jobs: u32,
}

/// What is written, and where.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Reports")]
pub(super) struct Reports {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(super) json: bool,

    /// Write a self-contained page
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,

    /// Write JUnit XML, one test case for each history
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,

    /// Write SARIF
    #[arg(long, value_name = "FILE")]
    pub(super) sarif: Option<PathBuf>,

    /// Write Markdown, as for a comment on a pull request; a job's summary on GitHub gets it in any case
    #[arg(long, value_name = "FILE")]
    pub(super) markdown: Option<PathBuf>,

    /// Print annotations for GitHub Actions; there, this is on without being asked for
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) github: Option<bool>,

    /// Let the worker write to stderr
    #[arg(long, short)]
    pub(super) verbose: bool,
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let text = text.replace("localhost", "127.0.0.1");
    let text = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text };
    text.parse().map_err(|_| "expected HOST:PORT, such as 127.0.0.1:7233".to_owned())
}

fn queues(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(recorded, polled)| !recorded.is_empty() && !polled.is_empty());
    pair.map(|(recorded, polled)| (recorded.to_owned(), polled.to_owned())).ok_or_else(|| "expected A=B".to_owned())
}
