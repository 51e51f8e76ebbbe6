//! Where to connect and how: the arguments over the environment over the file.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    file::{System, Wanted},
    layer::{Layer, Said},
    options::{Connection, Secret},
};
use crate::failure::Failure;

/// The environment's variables.
pub(super) type Environment = BTreeMap<String, String>;

/// The namespace that is meant where none is named.
pub(super) const NAMESPACE: &str = "default";

/// The variables of this process.
pub(super) fn variables() -> Environment {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// What `arguments` say over the environment over the file.
///
/// # Errors
/// The file cannot be read, or some setting makes no sense. The error names it.
pub(super) fn settings(arguments: &Connection, environment: &Environment) -> Result<Layer, Failure> {
    let mut all = Layer::default();
    if let Some(wanted) = wanted(arguments, environment) {
        all.cover(wanted.read()?)?;
    }
    all.cover(Layer::of_environment(environment)?)?;
    all.cover(Layer::of_arguments(arguments))?;
    Ok(all)
}

/// Where to connect and how.
#[derive(Debug)]
pub(super) struct Profile {
    /// `HOST:PORT`.
    pub(super) address: String,
    pub(super) namespace: String,
    /// The API key, or the token of a login.
    pub(super) api_key: Option<Secret>,
    /// What requests say as `:authority`, if not the address.
    pub(super) authority: Option<String>,
    /// Headers of every request, by name.
    pub(super) headers: BTreeMap<String, Said>,
    /// `None` if TLS is off.
    pub(super) tls: Option<Tls>,
}

/// How to do TLS.
#[derive(Debug, Default)]
pub(super) struct Tls {
    pub(super) certificate: Option<Pem>,
    pub(super) key: Option<Pem>,
    /// `None` for those that the system trusts.
    pub(super) authority: Option<Pem>,
    pub(super) server_name: Option<String>,
    pub(super) accepts_any_server: bool,
}

/// A text in PEM, or the path of a file with one.
#[derive(Clone, Debug)]
pub(super) enum Pem {
    File(Said),
    Text(Said),
}

impl Profile {
    /// What `arguments` say, then the environment, then the file.
    ///
    /// # Errors
    /// The file cannot be read, or some setting makes no sense. The error names it.
    pub(super) fn read(arguments: &Connection, environment: &Environment) -> Result<Self, Failure> {
        Self::of(settings(arguments, environment)?)
    }

    fn of(mut layer: Layer) -> Result<Self, Failure> {
        let login = layer.login.take();
        let mut take = |name: &str| layer.values.remove(name);
        let api_key = match (take("api_key"), login) {
            (Some(key), _) | (None, Some(Ok(key))) => Some(Secret(key.value)),
            (None, Some(Err(why))) => return Err(Failure::Runtime(why)),
            (None, None) => None,
        };
        let namespace = take("namespace").map_or_else(|| NAMESPACE.to_owned(), |said| said.value);
        let address = take("address").map_or_else(|| "127.0.0.1:7233".to_owned(), |said| said.value);
        let authority = take("authority").map(|said| said.value);
        // Who decodes payloads is no part of a connection, and what remains here is of TLS.
        let _ = (take("codec.endpoint"), take("codec.auth"));
        let is_on = take("tls.disabled").map(|disabled| disabled.flag()).transpose()?.map(|disabled| !disabled);
        let is_on = is_on.unwrap_or(api_key.is_some() || !layer.values.is_empty());
        Ok(Self {
            address: address.replace("${namespace}", &namespace),
            namespace,
            api_key,
            authority,
            headers: layer.headers,
            tls: is_on.then(|| Tls::of(&mut layer.values)).transpose()?,
        })
    }
}

impl Tls {
    fn of(values: &mut BTreeMap<&'static str, Said>) -> Result<Self, Failure> {
        let mut pem = |text: &str, file: &str| {
            let text = values.remove(text).map(Pem::Text);
            text.or_else(|| values.remove(file).map(Pem::File))
        };
        Ok(Self {
            certificate: pem("tls.client_cert_data", "tls.client_cert_path"),
            key: pem("tls.client_key_data", "tls.client_key_path"),
            authority: pem("tls.server_ca_cert_data", "tls.server_ca_cert_path"),
            server_name: values.remove("tls.server_name").map(|said| said.value),
            accepts_any_server: match values.remove("tls.disable_host_verification") {
                Some(said) => said.flag()?,
                None => false,
            },
        })
    }
}

/// Which profile of which file; `None` if there is no place for a file.
fn wanted(arguments: &Connection, environment: &Environment) -> Option<Wanted> {
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
    let named = variable("TEMPORAL_CONFIG_FILE").map(PathBuf::from);
    let file = arguments.config_file.clone().or(named).or_else(|| System::HERE.default_path(environment))?;
    let profile = arguments.profile.clone().or_else(|| variable("TEMPORAL_PROFILE"));
    Some(Wanted {
        file,
        needs_file: arguments.config_file.is_some(),
        needs_profile: profile.is_some(),
        profile: profile.unwrap_or_else(|| "default".to_owned()),
    })
}

#[cfg(test)]
mod tests;
