//! The options on time that all ways to start a server have.

use std::time::Duration;

use clap::{Args, ValueEnum};
use foretime_server::config::{Config, Graces, RunawayLimits, TimeMode};

use crate::values;

/// When time skips, and where it begins.
#[derive(Args, Debug)]
#[command(next_help_heading = "Time")]
pub(crate) struct Clock {
    /// When virtual time skips [default: locked]
    #[arg(long, value_name = "MODE")]
    time: Option<Mode>,

    /// The same as --time skipping
    #[arg(long, conflicts_with = "time")]
    enable_time_skipping: bool,

    /// When virtual time begins, such as 2027-03-28T00:30:00Z [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    start_time: Option<prost_types::Timestamp>,

    /// Port of the HTTP API for the clock, /foretime/time; 0 takes a free one [default: none]
    #[arg(long, value_name = "PORT", value_parser = values::port)]
    pub(crate) http_port: Option<u16>,

    /// Close a workflow that fails for ever, or whose workflow task fails, instead of waiting
    #[arg(long)]
    fail_fast: bool,

    /// How long, in real time, to wait for the first worker of a task queue before time skips past its tasks
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::span)]
    worker_grace: Duration,

    /// How long, in real time, a running activity may send nothing before a sleep takes time past its timeout
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = values::span)]
    silence_grace: Duration,

    /// List executions as late as this, in virtual time, as a cluster does whose listings lag behind [default: at once]
    #[arg(long, value_name = "DURATION", default_value = "0s", hide_default_value = true, value_parser = values::span)]
    visibility_lag: Duration,

    /// Stop skipping after as many failures in a row of one activity, workflow task or chain of runs
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    failed_attempts_max: u32,

    /// Stop skipping after as many virtual years within one wait
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    skipped_years_max: u32,
}

/// When virtual time skips.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Once a client unlocks it through TestService, as the SDKs' test environments do.
    Locked,
    /// Always, unless a client locks it.
    Skipping,
    /// While some client awaits the end of a workflow or an update's outcome, or sleeps.
    Awaited,
}

impl Clock {
    /// The configuration with these options.
    pub(crate) fn applied_to(self, config: Config) -> Config {
        let time = match self.time {
            Some(Mode::Locked) => TimeMode::Locked,
            Some(Mode::Skipping) => TimeMode::Skipping,
            Some(Mode::Awaited) => TimeMode::Awaited,
            None if self.enable_time_skipping => TimeMode::Skipping,
            None => TimeMode::Locked,
        };
        let skipped_max = Duration::from_secs(u64::from(self.skipped_years_max) * 365 * 24 * 60 * 60);
        Config {
            time,
            start_time: self.start_time,
            visibility_lag: self.visibility_lag,
            graces: Some(Graces { unpolled: self.worker_grace, silence: self.silence_grace }),
            runaway: RunawayLimits { failed_attempts_max: self.failed_attempts_max, skipped_max, is_fail_fast: self.fail_fast },
            ..config
        }
    }
}
