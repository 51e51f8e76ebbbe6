//! Reads and checks the values of options. Each error says what was expected.

use clap::ValueEnum;
pub(crate) use foretime_server::words::span;
use foretime_server::{config::SearchAttributeType, engine::time::Time};

/// A TCP port; 0 means a free one.
///
/// # Errors
/// It is not a number from 0 to 65535.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "expected a number from 0 to 65535".to_owned())
}

/// `NAME=TYPE`, such as `CustomerId=Keyword`.
///
/// # Errors
/// It is not of that form, or there is no such type. The error names all types.
pub(crate) fn search_attribute(text: &str) -> Result<(String, SearchAttributeType), String> {
    let names = || SearchAttributeType::ALL.map(SearchAttributeType::name).join(", ");
    let (name, kind) = key_value(text).map_err(|_| format!("expected NAME=TYPE, where TYPE is one of {}", names()))?;
    let kind = SearchAttributeType::from_name(kind).ok_or_else(|| format!("unknown type {kind:?}: use one of {}", names()))?;
    Ok((name.to_owned(), kind))
}

/// `KEY=VALUE` with a JSON value and a key without blanks, such as `frontend.enableUpdateWorkflowExecution=true`.
///
/// # Errors
/// There is no key, it contains blanks, or the value is not JSON.
pub(crate) fn dynamic_config_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = key_value(text)?;
    if key.contains(char::is_whitespace) {
        return Err(format!("the key {key:?} contains blanks"));
    }
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(_) => Ok((key.to_owned(), value.to_owned())),
        Err(_) => Err(format!("the value {value:?} is not JSON (a string needs double quotes inside the shell's quotes)")),
    }
}

/// An instant, such as `2027-03-28T00:30:00Z`.
///
/// # Errors
/// It is not of that form, or virtual time does not reach it.
pub(crate) fn instant(text: &str) -> Result<prost_types::Timestamp, String> {
    let instant: prost_types::Timestamp =
        text.parse().map_err(|_| "expected an instant by RFC 3339, such as 2027-03-28T00:30:00Z".to_owned())?;
    let (first, end) = (0, Time::END.to_proto().seconds);
    if (first..end).contains(&instant.seconds) { Ok(instant) } else { Err("virtual time goes from 1970 to 2261".to_owned()) }
}

/// `PRAGMA=VALUE`.
///
/// # Errors
/// It is not of that form.
pub(crate) fn sqlite_pragma(text: &str) -> Result<String, String> {
    key_value(text).map(|_| text.to_owned())
}

fn key_value(text: &str) -> Result<(&str, &str), String> {
    text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| "expected KEY=VALUE".to_owned())
}

/// The namespaces of a new server: `default`, then each of `others` once, in their order.
pub(crate) fn namespaces(others: Vec<String>) -> Vec<String> {
    let mut namespaces = vec!["default".to_owned()];
    for other in others {
        if !other.is_empty() && !namespaces.contains(&other) {
            namespaces.push(other);
        }
    }
    namespaces
}

/// Search attributes by name: the `given` ones, and the `standard` ones whose names are not given.
///
/// # Errors
/// One name is given two types.
pub(crate) fn search_attributes(
    standard: Vec<(String, SearchAttributeType)>,
    given: Vec<(String, SearchAttributeType)>,
) -> Result<Vec<(String, SearchAttributeType)>, String> {
    let mut attributes: Vec<(String, SearchAttributeType)> = Vec::new();
    for (name, kind) in given {
        match attributes.iter().find(|(other, _)| *other == name) {
            Some((_, other)) if *other != kind => {
                let (other, kind) = (other.name(), kind.name());
                return Err(format!("--search-attribute {name}={kind} contradicts --search-attribute {name}={other}"));
            }
            Some(_) => {}
            None => attributes.push((name, kind)),
        }
    }
    let standard = standard.into_iter().filter(|(name, _)| attributes.iter().all(|(other, _)| other != name));
    let mut all: Vec<_> = standard.collect();
    all.append(&mut attributes);
    Ok(all)
}

/// A new seed for each start.
pub(crate) fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LogLevel {
    /// Nothing.
    Never,
    /// Errors of the server.
    Error,
    /// Also likely mistakes.
    Warn,
    /// Also what the server does.
    Info,
    /// Also the end of every connection.
    Debug,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One line for each entry, for people.
    Text,
    /// One JSON object for each entry, for programs.
    Json,
    /// The same as text; SDKs pass this name.
    Pretty,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
