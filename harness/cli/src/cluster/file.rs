//! The file in which the `temporal` program keeps its profiles.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    time::SystemTime,
};

use toml::{Table, Value};

use super::{
    layer::{KEYS, Layer, Said, Shape, header_name},
    profile::Environment,
};
use crate::failure::Failure;

/// The systems that keep such files in different places.
#[derive(Clone, Copy, Debug)]
pub(super) enum System {
    Windows,
    MacOs,
    Other,
}

impl System {
    /// This machine's.
    pub(super) const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Other
    };

    /// Where the file is unless the user names another. `None` if the environment does not say.
    pub(super) fn default_path(self, environment: &Environment) -> Option<PathBuf> {
        let folder = |name: &str| environment.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let settings = match self {
            Self::Windows => folder("AppData").or_else(|| folder("APPDATA")),
            Self::MacOs => folder("HOME").map(|home| home.join("Library").join("Application Support")),
            // A path that is not absolute is to be ignored, says the XDG specification.
            Self::Other => match folder("XDG_CONFIG_HOME") {
                Some(settings) => Some(settings).filter(|path| path.is_absolute()),
                None => folder("HOME").map(|home| home.join(".config")),
            },
        };
        settings.map(|settings| settings.join("temporalio").join("temporal.toml"))
    }
}

/// Which profile of which file.
pub(super) struct Wanted {
    pub(super) file: PathBuf,
    /// Whether it is an error that there is no such file.
    pub(super) needs_file: bool,
    pub(super) profile: String,
    /// Whether it is an error that there is no such profile.
    pub(super) needs_profile: bool,
}

impl Wanted {
    /// What the profile says.
    ///
    /// # Errors
    /// The file cannot be read, there is no such profile, or a value has the wrong type.
    pub(super) fn read(&self) -> Result<Layer, Failure> {
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && !self.needs_file => String::new(),
            Err(error) => return Err(Failure::Runtime(format!("cannot read {}: {error}", self.file.display()))),
        };
        let file: Table = text.parse().map_err(|error| self.no_toml(&text, &error))?;
        let profiles = Place { file: &self.file, at: "profile".to_owned() }.table(&file, "profile")?;
        let at = Place { file: &self.file, at: format!("profile.{}", self.profile) };
        match profiles.map(|profiles| at.table(profiles, &self.profile)).transpose()?.flatten() {
            Some(profile) => at.layer(profile),
            None if self.needs_profile => {
                Err(Failure::Runtime(format!("there is no profile {} in {}", self.profile, self.file.display())))
            }
            None => Ok(Layer::default()),
        }
    }

    fn no_toml(&self, text: &str, error: &toml::de::Error) -> Failure {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let message = error.message().replace('\n', ", ");
        Failure::Runtime(format!("line {line} of {} is no TOML: {message}", self.file.display()))
    }
}

/// A place in a file, for errors.
struct Place<'a> {
    file: &'a Path,
    /// The keys that lead there, with points between.
    at: String,
}

impl Place<'_> {
    fn under(&self, key: &str) -> Self {
        Place { file: self.file, at: format!("{}.{key}", self.at) }
    }

    fn said(&self, value: impl Into<String>) -> Said {
        Said { value: value.into(), by: self.to_string() }
    }

    fn wrong(&self, value: &Value, expected: &str) -> Failure {
        let kind = value.type_str();
        Failure::Runtime(format!("{self} is of type {kind}, but a {expected} is expected"))
    }

    /// The table `key` of `within`, which is at this place.
    fn table<'t>(&self, within: &'t Table, key: &str) -> Result<Option<&'t Table>, Failure> {
        match within.get(key) {
            Some(Value::Table(table)) => Ok(Some(table)),
            Some(other) => Err(self.wrong(other, "table")),
            None => Ok(None),
        }
    }

    /// The value `key` of `within`, which is at this place.
    fn value(&self, within: &Table, key: &str, shape: Shape) -> Result<Option<Said>, Failure> {
        match (within.get(key), shape) {
            (Some(Value::String(text)), Shape::Text) => Ok(Some(self.said(text))),
            (Some(Value::Boolean(value)), Shape::Flag) => Ok(Some(self.said(value.to_string()))),
            (Some(other), Shape::Text) => Err(self.wrong(other, "string")),
            (Some(other), Shape::Flag) => Err(self.wrong(other, "boolean")),
            (None, _) => Ok(None),
        }
    }

    /// The whole profile, which is at this place. Keys that are not known are passed over, as the `temporal` program does.
    fn layer(&self, profile: &Table) -> Result<Layer, Failure> {
        let mut layer = Layer::default();
        for key in KEYS {
            let place = self.under(key.name);
            let value = match key.name.split_once('.') {
                Some((table, name)) => match self.under(table).table(profile, table)? {
                    Some(table) => place.value(table, name, key.shape)?,
                    None => None,
                },
                None => place.value(profile, key.name, key.shape)?,
            };
            layer.values.extend(value.map(|value| (key.name, value)));
        }
        let place = self.under("tls");
        if place.table(profile, "tls")?.is_some() {
            // An empty table turns TLS on.
            layer.values.entry("tls.disabled").or_insert_with(|| place.said("false"));
        }
        let place = self.under("grpc_meta");
        if let Some(headers) = place.table(profile, "grpc_meta")? {
            for name in headers.keys() {
                let value = place.under(name).value(headers, name, Shape::Text)?;
                layer.headers.extend(value.map(|value| (header_name(name), value)));
            }
        }
        layer.login = self.under("oauth").login(profile)?;
        Ok(layer)
    }

    /// The token that `temporal cloud login` has left at this place, `oauth` of `profile`.
    fn login(&self, profile: &Table) -> Result<Option<Result<Said, String>>, Failure> {
        let Some(login) = self.table(profile, "oauth")? else { return Ok(None) };
        let Some(token) = self.under("access_token").value(login, "access_token", Shape::Text)? else { return Ok(None) };
        let place = self.under("expires_at");
        let Some(expires) = place.value(login, "expires_at", Shape::Text)? else { return Ok(Some(Ok(token))) };
        let expires: prost_types::Timestamp =
            expires.value.parse().map_err(|_| Failure::Runtime(format!("{place} is no instant by RFC 3339")))?;
        let is_past = SystemTime::try_from(expires).is_ok_and(|expires| expires <= SystemTime::now());
        let past = || format!("the login {self} has expired; the next command of the temporal program renews it");
        Ok(Some(if is_past { Err(past()) } else { Ok(token) }))
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}", self.at, self.file.display())
    }
}
