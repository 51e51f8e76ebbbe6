//! The options on histories that all ways to start a server have.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use foretime_server::config::{Config, Replay};

/// What workers replay, and which histories are kept.
#[derive(Args, Debug)]
#[command(next_help_heading = "Histories")]
pub(crate) struct Histories {
    /// When workers replay what they have done, so that a test finds code that is not deterministic [default: only when they must]
    #[arg(long, value_name = "WHEN", value_delimiter = ',')]
    replay: Vec<When>,

    /// Folder for histories: one file for each path that a workflow takes and each version of its SDK, for foretime check
    #[arg(long, value_name = "DIR")]
    pub(crate) save_histories: Option<PathBuf>,
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
        // Histories that are to be saved are kept until they are.
        let is_saved = self.save_histories.is_some();
        Config { replay, remembers_closes: is_saved, deletes_expired: !is_saved, ..config }
    }
}
