//! What a test's body fails with: any error, by `?`.

use std::{error::Error, fmt};

/// Why a simulation's body gave up. Every error converts into it, as into `anyhow::Error`.
///
/// Like that type it does not implement [`Error`] itself: only so can it be made from all that do.
pub struct Failure {
    text: String,
}

impl Failure {
    /// A failure with this message.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error: Box<dyn Error + Send + Sync> = error.into();
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // Many errors say in their own text what their cause says.
            let said = error.to_string();
            if !text.contains(&said) {
                text.push_str("\ncaused by: ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        Self { text }
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

/// What a simulation's body returns.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;
