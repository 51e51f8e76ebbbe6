//! `foretime PORT`: replaces `temporal-test-server`, and takes the flags of `foretime server start-dev` besides.

use clap::Parser;
use foretime_server::config::{Personality, SearchAttributeType};

use crate::{
    launch::{Launch, Listen},
    serving::Serving,
    values,
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
///
/// Takes the other flags of "foretime server start-dev" as well: what an SDK's test environment hands on as extra arguments.
#[derive(Debug, Parser)]
#[command(name = "foretime", override_usage = "foretime PORT [--enable-time-skipping] [OPTIONS]", args_override_self = true)]
pub(crate) struct TestServer {
    /// Port to listen on; 0 takes a free one
    #[arg(value_parser = values::port)]
    port: u16,

    #[command(flatten)]
    serving: Serving,
}

impl TestServer {
    /// What these arguments start.
    ///
    /// # Errors
    /// See [`Serving::launch`].
    pub(crate) fn launch(self) -> Result<Launch, String> {
        let listen = match &self.serving.ip {
            Some(ip) => Listen::Ip(ip.clone(), self.port),
            None => Listen::EveryAddress(self.port),
        };
        let search_attributes = CUSTOM_FIELDS.map(|(name, kind)| (name.to_owned(), kind)).into();
        self.serving.launch(Personality::TestServer, listen, search_attributes)
    }
}
