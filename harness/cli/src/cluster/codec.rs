//! Where payloads are decoded: the arguments, the environment and the file say it, as for the `temporal` program.

use clap::Args;

use super::{
    layer::{Layer, Said},
    options::{Connection, Secret, header},
    profile::{self, Environment},
};
use crate::failure::Failure;

/// Which codec server to ask.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Payloads")]
pub(crate) struct CodecOptions {
    /// Codec server that decodes payloads for reports and for --strict; {namespace} in it is filled in [env: TEMPORAL_CODEC_ENDPOINT]
    #[arg(long, value_name = "URL")]
    pub(crate) codec_endpoint: Option<String>,

    /// Authorization header of requests to the codec server [env: TEMPORAL_CODEC_AUTH]
    #[arg(long, value_name = "VALUE")]
    pub(crate) codec_auth: Option<Secret>,

    /// Header of requests to the codec server; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    pub(crate) codec_header: Vec<(String, Secret)>,
}

/// A codec server, and what it wants to hear.
#[derive(Debug)]
pub(crate) struct CodecSettings {
    /// With the namespace filled in.
    pub(crate) endpoint: String,
    /// By name. One that is given later takes the place of one before.
    pub(crate) headers: Vec<(String, Secret)>,
}

impl CodecSettings {
    /// What the arguments say, then the environment, then the file. `None` if none of them names a codec server.
    ///
    /// # Errors
    /// A codec server is asked for by an argument, and the file cannot be read.
    pub(crate) fn read(options: &CodecOptions, connection: &Connection) -> Result<Option<Self>, Failure> {
        let read = Self::of(options, connection, &profile::variables());
        // Who checks files need not have a file of the temporal program in order; a cluster's is read again, with an error.
        if options.codec_endpoint.is_none() { Ok(read.unwrap_or_default()) } else { read }
    }

    pub(super) fn of(
        options: &CodecOptions,
        connection: &Connection,
        environment: &Environment,
    ) -> Result<Option<Self>, Failure> {
        let mut settings = profile::settings(connection, environment)?;
        settings.cover(options.layer())?;
        let mut take = |name: &str| settings.values.remove(name).map(|said| said.value);
        let namespace = take("namespace").unwrap_or_else(|| profile::NAMESPACE.to_owned());
        let (endpoint, auth) = (take("codec.endpoint"), take("codec.auth"));
        let mut headers = vec![("x-namespace".to_owned(), Secret(namespace.clone()))];
        headers.extend(options.codec_header.iter().cloned());
        headers.extend(auth.map(|auth| ("authorization".to_owned(), Secret(auth))));
        Ok(endpoint.map(|endpoint| Self { endpoint: endpoint.replace("{namespace}", &namespace), headers }))
    }
}

impl CodecOptions {
    fn layer(&self) -> Layer {
        let said = |value: &str, by: &str| Said { value: value.to_owned(), by: by.to_owned() };
        let endpoint = self.codec_endpoint.iter().map(|value| ("codec.endpoint", said(value, "--codec-endpoint")));
        let auth = self.codec_auth.iter().map(|Secret(value)| ("codec.auth", said(value, "--codec-auth")));
        Layer { values: endpoint.chain(auth).collect(), ..Layer::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        options: &CodecOptions,
        namespace: Option<&str>,
        environment: &[(&str, &str)],
    ) -> Option<(String, Vec<(String, String)>)> {
        let connection = Connection { namespace: namespace.map(str::to_owned), ..Connection::default() };
        let nowhere = [("TEMPORAL_CONFIG_FILE", "/nowhere/temporal.toml")];
        let environment = environment.iter().chain(&nowhere).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = CodecSettings::of(options, &connection, &environment.collect()).unwrap()?;
        Some((settings.endpoint, settings.headers.into_iter().map(|(name, Secret(value))| (name, value)).collect()))
    }

    #[test]
    fn arguments_come_over_the_environment_and_the_namespace_is_filled_in() {
        assert_eq!(read(&CodecOptions::default(), None, &[("TEMPORAL_CODEC_AUTH", "Bearer x")]), None);
        let environment = [("TEMPORAL_CODEC_ENDPOINT", "http://codec/{namespace}"), ("TEMPORAL_CODEC_AUTH", "Bearer x")];
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = vec![pair("x-namespace", "orders"), pair("authorization", "Bearer x")];
        assert_eq!(
            read(&CodecOptions::default(), Some("orders"), &environment),
            Some(("http://codec/orders".to_owned(), expected))
        );
        let options = CodecOptions {
            codec_endpoint: Some("http://mine".to_owned()),
            codec_auth: Some(Secret("Bearer y".to_owned())),
            codec_header: vec![("x-team".to_owned(), Secret("a".to_owned()))],
        };
        let expected = vec![pair("x-namespace", "default"), pair("x-team", "a"), pair("authorization", "Bearer y")];
        assert_eq!(read(&options, None, &environment), Some(("http://mine".to_owned(), expected)));
    }
}
