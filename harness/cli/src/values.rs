//! Values of options, read and checked; each error says what was expected.

use clap::ValueEnum;
use foretime_server::config::SearchAttributeType;

/// A TCP port; 0 means one that is free.
///
/// # Errors
/// A sentence, if it is none.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "expected a number from 0 to 65535".to_owned())
}

/// `NAME=Type`, as `CustomerId=Keyword`.
///
/// # Errors
/// A sentence that names the types, if the value is none.
pub(crate) fn search_attribute(text: &str) -> Result<(String, SearchAttributeType), String> {
    let names = || SearchAttributeType::ALL.map(SearchAttributeType::name).join(", ");
    let (name, kind) = key_value(text).map_err(|_| format!("expected NAME=TYPE, with a type of {}", names()))?;
    let kind = SearchAttributeType::from_name(kind).ok_or_else(|| format!("no type {kind:?}: use one of {}", names()))?;
    Ok((name.to_owned(), kind))
}

/// `KEY=VALUE` with a JSON value, as `frontend.enableUpdateWorkflowExecution=true`.
///
/// # Errors
/// A sentence, if there is no key or the value is not JSON.
pub(crate) fn dynamic_config_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = key_value(text)?;
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(_) => Ok((key.to_owned(), value.to_owned())),
        Err(_) => Err(format!("the value {value:?} is not JSON (text needs double quotes within the shell's own)")),
    }
}

/// `PRAGMA=VALUE`.
///
/// # Errors
/// A sentence, if it is not of that form.
pub(crate) fn sqlite_pragma(text: &str) -> Result<String, String> {
    key_value(text).map(|_| text.to_owned())
}

fn key_value(text: &str) -> Result<(&str, &str), String> {
    text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| "expected KEY=VALUE".to_owned())
}

/// The namespaces of a new server: `default`, then `others` in their order, each once.
pub(crate) fn namespaces(others: Vec<String>) -> Vec<String> {
    let mut namespaces = vec!["default".to_owned()];
    for other in others {
        if !other.is_empty() && !namespaces.contains(&other) {
            namespaces.push(other);
        }
    }
    namespaces
}

/// Search attributes by name: of two with one name the later counts, as in the real server.
pub(crate) fn search_attributes(given: Vec<(String, SearchAttributeType)>) -> Vec<(String, SearchAttributeType)> {
    let mut attributes: Vec<(String, SearchAttributeType)> = Vec::new();
    for (name, kind) in given {
        match attributes.iter_mut().find(|(other, _)| *other == name) {
            Some(attribute) => attribute.1 = kind,
            None => attributes.push((name, kind)),
        }
    }
    attributes
}

/// A seed that no other start has.
pub(crate) fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LogLevel {
    /// Nothing.
    Never,
    /// What went wrong in the server.
    Error,
    /// That, and what is likely a mistake.
    Warn,
    /// That, and what the server does.
    Info,
    /// That, and every connection's end.
    Debug,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line each, for people.
    Text,
    /// An object each, for programs.
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
