//! The arguments that say which cluster, which runs of it, and how many. They have the names that the `temporal` program gives them.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use clap::Args;

/// Which cluster to read histories from, and which histories.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Histories from a cluster")]
pub(crate) struct Options {
    /// Which runs: a list filter, such as 'WorkflowType="Order" AND ExecutionStatus="Completed"' [default: all]
    #[arg(long, short, value_name = "FILTER")]
    pub(crate) query: Option<String>,

    /// How many runs of each workflow type to fetch at most, the newest first
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) fetch: u32,

    /// Requests a second at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,

    /// How many runs to list with one request
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page_size: u32,

    /// Keep the fetched histories in this folder, as TYPE/WORKFLOW-ID_RUN-ID.json
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// How to connect. What is not given here comes from the environment, then from the file of the `temporal` program.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection to the cluster")]
pub(crate) struct Connection {
    /// Read histories from the cluster at this address [env: TEMPORAL_ADDRESS] [default: 127.0.0.1:7233]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) from: Option<String>,

    /// Namespace of the cluster [env: TEMPORAL_NAMESPACE] [default: default]
    #[arg(long, short)]
    pub(crate) namespace: Option<String>,

    /// API key; turns TLS on [env: TEMPORAL_API_KEY]
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<Secret>,

    /// TLS on or off; it is also on if there is an API key or another option of TLS [env: TEMPORAL_TLS]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) tls: Option<bool>,

    /// File with the client's certificate, PEM [env: TEMPORAL_TLS_CLIENT_CERT_PATH]
    #[arg(long, value_name = "FILE", conflicts_with = "tls_cert_data")]
    pub(crate) tls_cert_path: Option<String>,

    /// The client's certificate, PEM [env: TEMPORAL_TLS_CLIENT_CERT_DATA]
    #[arg(long, value_name = "PEM")]
    pub(crate) tls_cert_data: Option<String>,

    /// File with the client's private key, PEM [env: TEMPORAL_TLS_CLIENT_KEY_PATH]
    #[arg(long, value_name = "FILE", conflicts_with = "tls_key_data")]
    pub(crate) tls_key_path: Option<String>,

    /// The client's private key, PEM [env: TEMPORAL_TLS_CLIENT_KEY_DATA]
    #[arg(long, value_name = "PEM")]
    pub(crate) tls_key_data: Option<Secret>,

    /// File with the certificate of the authority that signed the server's, PEM [env: TEMPORAL_TLS_SERVER_CA_CERT_PATH]
    #[arg(long, value_name = "FILE", conflicts_with = "tls_ca_data")]
    pub(crate) tls_ca_path: Option<String>,

    /// The certificate of the authority that signed the server's, PEM [env: TEMPORAL_TLS_SERVER_CA_CERT_DATA]
    #[arg(long, value_name = "PEM")]
    pub(crate) tls_ca_data: Option<String>,

    /// The name in the server's certificate, if it is not the host's [env: TEMPORAL_TLS_SERVER_NAME]
    #[arg(long, value_name = "NAME")]
    pub(crate) tls_server_name: Option<String>,

    /// Accept any certificate of the server [env: TEMPORAL_TLS_DISABLE_HOST_VERIFICATION]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) tls_disable_host_verification: Option<bool>,

    /// Header of every request; may be repeated [env: TEMPORAL_GRPC_META_NAME]
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    pub(crate) grpc_meta: Vec<(String, Secret)>,

    /// The :authority of every request [env: TEMPORAL_CLIENT_AUTHORITY]
    #[arg(long, value_name = "NAME")]
    pub(crate) client_authority: Option<String>,

    /// Which profile of the file to take [env: TEMPORAL_PROFILE] [default: default]
    #[arg(long)]
    pub(crate) profile: Option<String>,

    /// The file with profiles [env: TEMPORAL_CONFIG_FILE] [default: the file of the temporal program, temporalio/temporal.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
}

impl Options {
    /// Whether the arguments ask for a cluster. The environment alone does not: many have it set at all times.
    pub(crate) fn names_a_cluster(&self) -> bool {
        self.connection.from.is_some() || self.query.is_some()
    }
}

pub(super) fn header(text: &str) -> Result<(String, Secret), &'static str> {
    match text.split_once('=').filter(|(name, _)| !name.is_empty()) {
        Some((name, value)) => Ok((name.to_ascii_lowercase(), Secret(value.to_owned()))),
        None => Err("expected NAME=VALUE"),
    }
}

/// A text that no log and no error shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret(pub(super) String);

impl Secret {
    /// The text, for those who send it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}
