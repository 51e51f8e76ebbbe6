//! `foretime server start-dev`: replaces `temporal server start-dev`, and accepts every flag of it (CLI 1.9.1).

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
  foretime server start-dev
  foretime server start-dev --port 7000 --namespace orders --headless
  foretime server start-dev --search-attribute CustomerId=Keyword --log-level info";

/// Serve workflows as `temporal server start-dev` does
///
/// Accepts every flag of `temporal server start-dev` and the global flags of `temporal`. There is no Web UI and no metrics page,
/// and nothing is kept on disk: a flag for one of these only causes a warning. The HTTP API is that of the clock alone.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES, args_override_self = true)]
pub(crate) struct StartDev {
    /// Port to listen on; 0 takes a free one
    #[arg(long, short, default_value = "7233", value_parser = values::port)]
    port: u16,

    /// Address or host name to listen on
    #[arg(long, default_value = "localhost")]
    ip: String,

    /// Namespace to register besides "default"; may be repeated
    #[arg(long, short)]
    namespace: Vec<String>,

    /// Search attribute to register in all namespaces, such as CustomerId=Keyword; may be repeated
    #[arg(long, value_name = "NAME=TYPE", value_parser = values::search_attribute)]
    search_attribute: Vec<(String, SearchAttributeType)>,

    /// Dynamic configuration, with a value in JSON; unknown keys have no effect; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::dynamic_config_value)]
    dynamic_config_value: Vec<(String, String)>,

    /// How much to log on stderr
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log_level: LogLevel,

    /// Format of the log
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,

    /// Print the server's configuration on stderr
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    log_config: Option<bool>,

    /// When to colour the log
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Colour,

    #[command(flatten)]
    clock: Clock,

    #[command(flatten)]
    histories: Histories,

    #[command(flatten)]
    absent: Absent,

    #[command(flatten)]
    ignored: Ignored,
}

/// Flags for what the real server has and this one lacks. A warning names those that are given.
#[derive(Args, Debug)]
#[command(next_help_heading = "Accepted with a warning")]
struct Absent {
    /// Nothing is kept on disk
    #[arg(long, short = 'f', value_name = "FILE")]
    db_filename: Option<String>,

    /// Nothing is kept on disk
    #[arg(long, value_name = "PRAGMA=VALUE", value_parser = values::sqlite_pragma)]
    sqlite_pragma: Vec<String>,

    /// There are no metrics
    #[arg(long, value_name = "PORT", value_parser = values::port)]
    metrics_port: Option<u16>,

    /// There is no Web UI
    #[arg(long, value_name = "PORT", value_parser = values::port)]
    ui_port: Option<u16>,

    /// There is no Web UI
    #[arg(long, value_name = "IP")]
    ui_ip: Option<String>,

    /// There is no Web UI
    #[arg(long, value_name = "PATH")]
    ui_asset_path: Option<String>,

    /// There is no Web UI
    #[arg(long, value_name = "URL")]
    ui_codec_endpoint: Option<String>,

    /// There is no Web UI
    #[arg(long, value_name = "PATH")]
    ui_public_path: Option<String>,
}

impl Absent {
    /// One sentence that names the given flags; empty if there are none.
    fn warning(&self) -> String {
        let ui = "no Web UI";
        let given = [
            (self.db_filename.is_some(), "--db-filename", "nothing is kept on disk"),
            (!self.sqlite_pragma.is_empty(), "--sqlite-pragma", "nothing is kept on disk"),
            (self.metrics_port.is_some(), "--metrics-port", "no metrics"),
            (self.ui_port.is_some(), "--ui-port", ui),
            (self.ui_ip.is_some(), "--ui-ip", ui),
            (self.ui_asset_path.is_some(), "--ui-asset-path", ui),
            (self.ui_codec_endpoint.is_some(), "--ui-codec-endpoint", ui),
            (self.ui_public_path.is_some(), "--ui-public-path", ui),
        ];
        let given = given.into_iter().filter(|(given, ..)| *given);
        let named: Vec<_> = given.map(|(_, flag, why)| format!("{flag} ({why})")).collect();
        if named.is_empty() { String::new() } else { format!("accepted, but not supported: {}", named.join(", ")) }
    }
}

/// Flags that change nothing here, or nothing in the real server either.
#[derive(Args, Debug)]
#[command(next_help_heading = "Accepted without effect")]
struct Ignored {
    /// There is no Web UI
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    headless: Option<bool>,

    /// There is no Web UI
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    ui_disable_news_fetch: Option<bool>,

    /// Only for clients
    #[arg(long, value_name = "DURATION")]
    client_connect_timeout: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "DURATION")]
    command_timeout: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "FILE")]
    config_file: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_config_env: Option<bool>,

    /// Only for clients
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_config_file: Option<bool>,

    /// Only for clients
    #[arg(long, value_name = "NAME")]
    env: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "FILE")]
    env_file: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_json_shorthand_payloads: Option<bool>,

    /// Only for clients
    #[arg(long, short, value_name = "FORMAT")]
    output: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// Only for clients
    #[arg(long, value_name = "FORMAT")]
    time_format: Option<String>,
}

impl From<StartDev> for Launch {
    fn from(args: StartDev) -> Self {
        let http_port = args.clock.http_port;
        Self {
            http_port,
            save_histories: args.histories.save_histories.clone(),
            config: args.histories.applied_to(args.clock.applied_to(Config {
                personality: Personality::DevServer,
                namespaces: values::namespaces(args.namespace),
                search_attributes: values::search_attributes(args.search_attribute),
                dynamic_config: args.dynamic_config_value.into_iter().collect(),
                seed: values::fresh_seed(),
                ..Config::default()
            })),
            listen: Listen::Ip(args.ip, args.port),
            logging: Logging { level: args.log_level, format: args.log_format, colour: args.color },
            warning: args.absent.warning(),
            print_config: args.log_config == Some(true),
        }
    }
}
