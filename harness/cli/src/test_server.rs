//! `foretime PORT`: replaces `temporal-test-server`.

use std::collections::BTreeMap;

use clap::Parser;
use foretime_server::config::{Config, Personality};

use crate::{
    launch::{Launch, Listen},
    logging::Logging,
    values::{self, Colour, LogFormat, LogLevel},
};

/// Replaces temporal-test-server: the same arguments, the same port, time that skips
#[derive(Debug, Parser)]
#[command(name = "foretime", override_usage = "foretime PORT [--enable-time-skipping]", args_override_self = true)]
pub(crate) struct TestServer {
    /// Port to listen on, on every address of this machine; 0 takes a free one
    #[arg(value_parser = values::port)]
    port: u16,

    /// Skip time from the start, not only once a client unlocks it
    #[arg(long)]
    enable_time_skipping: bool,
}

impl From<TestServer> for Launch {
    fn from(args: TestServer) -> Self {
        Self {
            config: Config {
                personality: Personality::TestServer,
                namespaces: values::namespaces(Vec::new()),
                search_attributes: Vec::new(),
                dynamic_config: BTreeMap::new(),
                time_skipping: args.enable_time_skipping,
                awaits_lift_locks: true,
                long_polls_end: true,
                verifies_rebuilds: false,
                seed: values::fresh_seed(),
            },
            listen: Listen::EveryAddress(args.port),
            logging: Logging { level: LogLevel::Warn, format: LogFormat::Text, colour: Colour::Auto },
            warning: String::new(),
            print_config: false,
        }
    }
}
