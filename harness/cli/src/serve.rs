//! `foretime serve`: the server with our own options.

use std::collections::BTreeMap;

use clap::Args;
use foretime_server::config::{Config, Personality, SearchAttributeType};

use crate::{
    clock::Clock,
    histories::Histories,
    launch::{Launch, Listen},
    logging::Logging,
    values::{self, Colour, LogFormat, LogLevel},
};

const EXAMPLES: &str = "\
Examples:
  foretime serve
      Listens on 127.0.0.1:7233. Time runs like wall time until a client unlocks it.

  foretime serve --port 0 --enable-time-skipping
      Listens on a free port, which the first line of output names. Whenever no worker has
      anything to do, time skips to the next timer: a sleep of a month ends at once.

  foretime serve --namespace orders --search-attribute CustomerId=Keyword
      Registers the namespace \"orders\" besides \"default\", and a search attribute in both.

  foretime serve --seed 42
      Gives the same run ids as last time if the same calls come in the same order.";

/// Serve workflows on a port
///
/// The Temporal service in one process, for tests: WorkflowService, OperatorService, and TestService, which skips time. A
/// namespace is registered when a client first uses it. Nothing is kept on disk: when ctrl-C ends the server, everything in it
/// is gone.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Port to listen on; 0 takes a free one
    #[arg(long, short, default_value = "7233", value_parser = values::port)]
    port: u16,

    /// Address to listen on; 0.0.0.0 lets other machines in
    #[arg(long, default_value = "127.0.0.1")]
    ip: String,

    /// Namespace to register besides "default"; may be repeated
    #[arg(long, short)]
    namespace: Vec<String>,

    /// Seed of all ids: the same seed and the same calls give the same ids [default: a new one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Search attribute to register in all namespaces, such as CustomerId=Keyword; may be repeated
    #[arg(long, value_name = "NAME=TYPE", value_parser = values::search_attribute)]
    search_attribute: Vec<(String, SearchAttributeType)>,

    #[command(flatten)]
    clock: Clock,

    #[command(flatten)]
    histories: Histories,

    /// How much to log on stderr
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log_level: LogLevel,

    /// Format of the log
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

impl From<Serve> for Launch {
    fn from(args: Serve) -> Self {
        let http_port = args.clock.http_port;
        Self {
            http_port,
            save_histories: args.histories.save_histories.clone(),
            config: args.histories.applied_to(args.clock.applied_to(Config {
                personality: Personality::TestServer,
                namespaces: values::namespaces(args.namespace),
                search_attributes: values::search_attributes(args.search_attribute),
                dynamic_config: BTreeMap::new(),
                seed: args.seed.unwrap_or_else(values::fresh_seed),
                ..Config::default()
            })),
            listen: Listen::Ip(args.ip, args.port),
            logging: Logging { level: args.log_level, format: args.log_format, colour: Colour::Auto },
            warning: String::new(),
            print_config: false,
        }
    }
}
