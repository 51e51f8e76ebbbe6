//! The command line of the bench.

use std::time::Duration;

use clap::{Parser, ValueEnum};

use super::{
    server::{Kind, Spec},
    tally::Bounds,
};

/// Without a workflow task answered for so long, a run is over: longer than a workflow task's timeout of 10 s.
const STALL: Duration = Duration::from_secs(25);

/// Measures Temporal test servers under load, side by side: starts each, loads it, kills it.
#[derive(Debug, Parser)]
#[command(name = "load")]
pub struct Options {
    /// A test server, started as `PATH PORT --enable-time-skipping`; may be given more than once, ours first.
    #[arg(long = "server", value_name = "NAME=PATH")]
    test_servers: Vec<Spec>,
    /// The real dev server, started as `PATH server start-dev` with native time skipping; may be given more than once.
    #[arg(long = "dev-server", value_name = "NAME=PATH")]
    dev_servers: Vec<Spec>,
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "startup,skip,beside,throughput,memory,linear")]
    pub measure: Vec<Measure>,
    /// Throughput: how many workflows at once.
    #[arg(long, value_delimiter = ',', default_value = "100,400,2000")]
    pub workflows: Vec<usize>,
    /// Throughput: months in each workflow, every one an activity and a timer of 30 days.
    #[arg(long, default_value_t = 12)]
    pub months: usize,
    /// Throughput: let time skip from the start, so that the first workflows are months ahead when the last are started.
    #[arg(long)]
    pub unlocked: bool,
    /// Memory: how many open workflows of 99 events.
    #[arg(long, value_delimiter = ',', default_value = "2000")]
    pub aged: Vec<usize>,
    /// Linearity: how many open workflows of one month.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    pub open: Vec<usize>,
    /// Start-up: how often.
    #[arg(long, default_value_t = 20)]
    pub starts: usize,
    /// Skipping: how many days by each RPC.
    #[arg(long, default_value_t = 500)]
    pub days: usize,
    /// Skipping beside open workflows: how many of one month.
    #[arg(long, value_delimiter = ',', default_value = "100,100000")]
    pub beside: Vec<usize>,
    /// Lists and counts: how many open workflows of one month.
    #[arg(long, value_delimiter = ',', default_value = "100000")]
    pub listed: Vec<usize>,
    /// Polls held open for each of sticky workflow tasks and activities.
    #[arg(long, default_value_t = 16)]
    pub pollers: usize,
    /// How often everything but start-up and skipping is measured, the servers taking turns.
    #[arg(long, default_value_t = 1)]
    pub repeat: usize,
    /// The longest that one load may take, in seconds; what is not done then is counted as lost.
    #[arg(long, default_value_t = 300)]
    pub limit_s: u64,
    /// Only the lines of JSON, no table.
    #[arg(long)]
    pub json: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Measure {
    /// From exec to the first answered RPC.
    Startup,
    /// Skipping a day on TestService.
    Skip,
    /// Skipping a second on TestService, beside open workflows with timers.
    Beside,
    /// Months-long workflows from start to completion.
    Throughput,
    /// The memory of an open workflow with 99 events.
    Memory,
    /// Time and memory against the number of open workflows.
    Linear,
    /// Lists and counts beside open workflows.
    List,
}

impl Options {
    /// The servers, in the order of the results.
    pub fn servers(&self) -> Vec<Spec> {
        let dev_servers = self.dev_servers.iter().map(|spec| Spec { kind: Kind::Dev, ..spec.clone() });
        self.test_servers.iter().cloned().chain(dev_servers).collect()
    }

    /// How long one load may take.
    pub fn bounds(&self) -> Bounds {
        Bounds { limit: Duration::from_secs(self.limit_s), stall: STALL }
    }
}
