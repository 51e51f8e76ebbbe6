//! The options that all ways to start a server have.

use std::collections::BTreeMap;

use clap::Args;
use foretime_server::config::{Config, Personality, SearchAttributeType};

use crate::{
    absent::{Absent, Ignored},
    clock::Clock,
    histories::Histories,
    launch::{Launch, Listen},
    logging::Logging,
    values::{self, Colour, LogFormat, LogLevel},
};

/// How a server is to serve.
#[derive(Args, Debug)]
pub(crate) struct Serving {
    /// Address or host name to listen on; 0.0.0.0 lets other machines in [default: this machine; PORT alone: every address]
    #[arg(long)]
    pub(crate) ip: Option<String>,

    /// Namespace to register besides "default"; may be repeated
    #[arg(long, short)]
    namespace: Vec<String>,

    /// Search attribute to register, such as CustomerId=Keyword, in all namespaces (start-dev: that exist at the start); may be
    /// repeated
    #[arg(long, value_name = "NAME=TYPE", value_parser = values::search_attribute)]
    search_attribute: Vec<(String, SearchAttributeType)>,

    /// Dynamic configuration, with a value in JSON; unknown keys have no effect; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::dynamic_config_value)]
    dynamic_config_value: Vec<(String, String)>,

    /// Seed of all ids: the same seed and the same calls give the same ids [default: a new one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

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

    /// Print the server's configuration on stderr
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    log_config: Option<bool>,

    /// When to colour the log
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Colour,

    #[command(flatten)]
    absent: Absent,

    #[command(flatten)]
    ignored: Ignored,
}

impl Serving {
    /// The address that is given, or this one.
    pub(crate) fn ip_or(&self, ip: &str) -> String {
        self.ip.clone().unwrap_or_else(|| ip.to_owned())
    }

    /// A server of this personality that listens there. `standard`: the search attributes that it has unless the arguments give
    /// one of the same name.
    ///
    /// # Errors
    /// What fits only one by one: two search attributes have one name and different types.
    pub(crate) fn launch(
        self,
        personality: Personality,
        listen: Listen,
        standard: Vec<(String, SearchAttributeType)>,
    ) -> Result<Launch, String> {
        let http_port = self.clock.http_port;
        let config = Config {
            personality,
            namespaces: values::namespaces(self.namespace),
            search_attributes: values::search_attributes(standard, self.search_attribute)?,
            dynamic_config: by_key(self.dynamic_config_value),
            seed: self.seed.unwrap_or_else(values::fresh_seed),
            ..Config::default()
        };
        Ok(Launch {
            config: self.histories.applied_to(self.clock.applied_to(config)),
            listen,
            http_port,
            save_histories: self.histories.save_histories,
            logging: Logging { level: self.log_level, format: self.log_format, colour: self.color },
            warning: self.absent.warning(),
            print_config: self.log_config == Some(true),
        })
    }
}

/// Of two values for one key the later counts. Keys have no case.
fn by_key(given: Vec<(String, String)>) -> BTreeMap<String, String> {
    given.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect()
}
