//! The options on histories that all ways to start a server have.

use clap::{Args, ValueEnum};
use foretime_server::config::{Config, Replay};

/// What workers replay.
#[derive(Args, Debug)]
#[command(next_help_heading = "Histories")]
pub(crate) struct Histories {
    /// When workers replay what they have done, so that a test finds code that is not deterministic [default: only when they must]
    #[arg(long, value_name = "WHEN", value_delimiter = ',')]
    replay: Vec<When>,
}

/// When workers replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// At each workflow task, from the first event on; a difference terminates the workflow.
    Always,
    /// When a run has closed, before a client hears of its end; a difference is what the client hears.
    Closed,
}

impl Histories {
    /// The configuration with these options.
    pub(crate) fn applied_to(&self, config: Config) -> Config {
        let replay = Replay { always: self.replay.contains(&When::Always), closed: self.replay.contains(&When::Closed) };
        Config { replay, ..config }
    }
}
