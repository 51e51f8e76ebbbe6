//! One layer of settings: what the arguments, the environment, or the file say, each by itself.

use std::{collections::BTreeMap, fmt};

use super::{
    options::{Connection, Secret},
    profile::Environment,
};
use crate::failure::Failure;

/// A value, and who says it: an argument, a variable, or a key in a file.
#[derive(Clone)]
pub(super) struct Said {
    pub(super) value: String,
    pub(super) by: String,
}

impl fmt::Debug for Said {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Said(by {})", self.by)
    }
}

/// What a value looks like in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Flag,
}

/// A setting.
pub(super) struct Key {
    /// As in the file; settings in a table have its name before.
    pub(super) name: &'static str,
    variable: &'static str,
    /// What older versions of the `temporal` program called the variable. It comes before the newer one; empty if there is none.
    old_variable: &'static str,
    pub(super) shape: Shape,
}

const fn text(name: &'static str, variable: &'static str) -> Key {
    Key { name, variable, old_variable: "", shape: Shape::Text }
}

const fn tls(name: &'static str, variable: &'static str, old_variable: &'static str) -> Key {
    Key { name, variable, old_variable, shape: Shape::Text }
}

/// All settings but the headers, `grpc_meta`.
pub(super) const KEYS: &[Key] = &[
    text("address", "TEMPORAL_ADDRESS"),
    text("namespace", "TEMPORAL_NAMESPACE"),
    text("api_key", "TEMPORAL_API_KEY"),
    text("authority", "TEMPORAL_CLIENT_AUTHORITY"),
    text("codec.endpoint", "TEMPORAL_CODEC_ENDPOINT"),
    text("codec.auth", "TEMPORAL_CODEC_AUTH"),
    // The variable says the contrary.
    Key { name: "tls.disabled", variable: "TEMPORAL_TLS", old_variable: "", shape: Shape::Flag },
    tls("tls.client_cert_path", "TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CERT"),
    tls("tls.client_cert_data", "TEMPORAL_TLS_CLIENT_CERT_DATA", "TEMPORAL_TLS_CERT_DATA"),
    tls("tls.client_key_path", "TEMPORAL_TLS_CLIENT_KEY_PATH", "TEMPORAL_TLS_KEY"),
    tls("tls.client_key_data", "TEMPORAL_TLS_CLIENT_KEY_DATA", "TEMPORAL_TLS_KEY_DATA"),
    tls("tls.server_ca_cert_path", "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_CA"),
    tls("tls.server_ca_cert_data", "TEMPORAL_TLS_SERVER_CA_CERT_DATA", "TEMPORAL_TLS_CA_DATA"),
    text("tls.server_name", "TEMPORAL_TLS_SERVER_NAME"),
    Key {
        name: "tls.disable_host_verification",
        variable: "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION",
        old_variable: "",
        shape: Shape::Flag,
    },
];

const HEADER_VARIABLES: &str = "TEMPORAL_GRPC_META_";

/// The name of a header that the file or a variable calls `name`.
pub(super) fn header_name(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// What one of the arguments, the environment and the file says.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// By the names of [`KEYS`]. An empty value takes away what a lower layer says.
    pub(super) values: BTreeMap<&'static str, Said>,
    /// By name. An empty value takes away what a lower layer says.
    pub(super) headers: BTreeMap<String, Said>,
    /// The token of a login, or why there is none.
    pub(super) login: Option<Result<Said, String>>,
}

impl Layer {
    /// # Errors
    /// A variable that is to be true or false is neither.
    pub(super) fn of_environment(environment: &Environment) -> Result<Self, Failure> {
        let mut layer = Self::default();
        for key in KEYS {
            let old = environment.get_key_value(key.old_variable).filter(|(_, value)| !value.is_empty());
            let Some((by, value)) = old.or_else(|| environment.get_key_value(key.variable)) else { continue };
            let mut said = Said { value: value.clone(), by: by.clone() };
            if key.shape == Shape::Flag && !value.is_empty() {
                let flag = said.flag()?;
                said.value = if key.name == "tls.disabled" { !flag } else { flag }.to_string();
            }
            layer.values.insert(key.name, said);
        }
        for (by, value) in environment {
            if let Some(name) = by.strip_prefix(HEADER_VARIABLES) {
                layer.headers.insert(header_name(name), Said { value: value.clone(), by: by.clone() });
            }
        }
        Ok(layer)
    }

    pub(super) fn of_arguments(arguments: &Connection) -> Self {
        let flag = |value: Option<bool>| value.map(|value| value.to_string());
        let secret = |value: &Option<Secret>| value.as_ref().map(|secret| secret.0.clone());
        let given = [
            ("address", "--from", arguments.from.clone()),
            ("namespace", "--namespace", arguments.namespace.clone()),
            ("api_key", "--api-key", secret(&arguments.api_key)),
            ("authority", "--client-authority", arguments.client_authority.clone()),
            ("tls.disabled", "--tls", flag(arguments.tls.map(|tls| !tls))),
            ("tls.client_cert_path", "--tls-cert-path", arguments.tls_cert_path.clone()),
            ("tls.client_cert_data", "--tls-cert-data", arguments.tls_cert_data.clone()),
            ("tls.client_key_path", "--tls-key-path", arguments.tls_key_path.clone()),
            ("tls.client_key_data", "--tls-key-data", secret(&arguments.tls_key_data)),
            ("tls.server_ca_cert_path", "--tls-ca-path", arguments.tls_ca_path.clone()),
            ("tls.server_ca_cert_data", "--tls-ca-data", arguments.tls_ca_data.clone()),
            ("tls.server_name", "--tls-server-name", arguments.tls_server_name.clone()),
            ("tls.disable_host_verification", "--tls-disable-host-verification", flag(arguments.tls_disable_host_verification)),
        ];
        let values = given.into_iter().filter_map(|(name, by, value)| Some((name, Said { value: value?, by: by.to_owned() })));
        let header = |(name, Secret(value)): &(String, Secret)| {
            (name.clone(), Said { value: value.clone(), by: format!("--grpc-meta {name}") })
        };
        Self { values: values.collect(), headers: arguments.grpc_meta.iter().map(header).collect(), login: None }
    }

    /// Puts `upper` over this.
    ///
    /// # Errors
    /// `upper` says the same thing twice: as a file, and as what would be in it.
    pub(super) fn cover(&mut self, upper: Self) -> Result<(), Failure> {
        for name in upper.values.keys() {
            let Some(other) = counterpart(name) else { continue };
            if let Some(both) = upper.values.get(other.as_str()).filter(|other| !other.value.is_empty())
                && !upper.values[name].value.is_empty()
            {
                return Err(Failure::Usage(format!(
                    "{} and {} are given, but one of them has to do",
                    upper.values[name].by, both.by
                )));
            }
            self.values.remove(other.as_str());
        }
        self.values.extend(upper.values);
        self.values.retain(|_, said| !said.value.is_empty());
        self.headers.extend(upper.headers);
        self.headers.retain(|_, said| !said.value.is_empty());
        self.login = self.login.take().or(upper.login);
        Ok(())
    }
}

/// The setting that says the same as `name` in the other way: a file's path, or what would be in it.
fn counterpart(name: &str) -> Option<String> {
    let data = name.strip_suffix("_path").map(|stem| format!("{stem}_data"));
    data.or_else(|| name.strip_suffix("_data").map(|stem| format!("{stem}_path")))
}

impl Said {
    /// # Errors
    /// It is neither true nor false.
    pub(super) fn flag(&self) -> Result<bool, Failure> {
        match self.value.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(Failure::Runtime(format!("{} is {:?}, but true or false is expected", self.by, self.value))),
        }
    }
}
