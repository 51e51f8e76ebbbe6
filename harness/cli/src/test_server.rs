//! `foretime PORT`: replaces `temporal-test-server`.

use std::collections::BTreeMap;

use clap::Parser;
use foretime_server::config::{Config, Personality, SearchAttributeType};

use crate::{
    clock::Clock,
    histories::Histories,
    launch::{Launch, Listen},
    logging::Logging,
    values::{self, Colour, LogFormat, LogLevel},
};

/// The custom search attributes that temporal-test-server has in every namespace.
const CUSTOM_FIELDS: [(&str, SearchAttributeType); 7] = [
    ("CustomBoolField", SearchAttributeType::Bool),
    ("CustomDatetimeField", SearchAttributeType::Datetime),
    ("CustomDoubleField", SearchAttributeType::Double),
    ("CustomIntField", SearchAttributeType::Int),
    ("CustomKeywordField", SearchAttributeType::Keyword),
    ("CustomStringField", SearchAttributeType::Text),
    ("CustomTextField", SearchAttributeType::Text),
];

/// Replaces temporal-test-server: the same arguments, the same port, time that skips
#[derive(Debug, Parser)]
#[command(name = "foretime", override_usage = "foretime PORT [--enable-time-skipping]", args_override_self = true)]
pub(crate) struct TestServer {
    /// Port to listen on, on every address of this machine; 0 takes a free one
    #[arg(value_parser = values::port)]
    port: u16,

    #[command(flatten)]
    clock: Clock,

    #[command(flatten)]
    histories: Histories,
}

impl From<TestServer> for Launch {
    fn from(args: TestServer) -> Self {
        let http_port = args.clock.http_port;
        Self {
            http_port,
            save_histories: args.histories.save_histories.clone(),
            config: args.histories.applied_to(args.clock.applied_to(Config {
                personality: Personality::TestServer,
                namespaces: values::namespaces(Vec::new()),
                search_attributes: CUSTOM_FIELDS.map(|(name, kind)| (name.to_owned(), kind)).into(),
                dynamic_config: BTreeMap::new(),
                seed: values::fresh_seed(),
                ..Config::default()
            })),
            listen: Listen::EveryAddress(args.port),
            logging: Logging { level: LogLevel::Warn, format: LogFormat::Text, colour: Colour::Auto },
            warning: String::new(),
            print_config: false,
        }
    }
}
