//! Why a file is not a history.

use std::fmt;

/// Why a file holds no history that can be read. It displays as one line that goes after the name of the file: "is empty (0 bytes)".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(String);

impl Unreadable {
    /// `what` is the line.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// What `serde_json` found wrong, `lines_before` the text that it was given, in the field at `path`.
    pub(super) fn json(error: &serde_json::Error, lines_before: usize, path: &str) -> Self {
        let line = lines_before + error.line();
        if error.is_eof() {
            return Self(format!("is JSON cut off at line {line}"));
        }
        let told = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = told.strip_suffix(place.as_str()).unwrap_or(&told);
        let place = if path.is_empty() { String::new() } else { format!(", in {path}") };
        let kind = if error.is_syntax() { "is not JSON" } else { "is JSON, but no history" };
        Self(format!("{kind}: line {line}, column {}{place}: {what}", error.column()))
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}
