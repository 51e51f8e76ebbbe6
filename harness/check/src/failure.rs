//! What a check fails with.

use std::{error::Error, fmt};

use foretime_server::words::with_causes;

/// Why a check has failed: its report, or any error by `?`. Its `Debug` is its text, because that is what a test prints.
///
/// It does not implement [`Error`]; otherwise it could not be made from every error.
pub struct Failure {
    text: String,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { text: with_causes(&*error.into(), ": ") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a check comes to. It may be what a test returns.
pub type Result<T = foretime_examine::report::Report, E = Failure> = std::result::Result<T, E>;
