//! What a test's body fails with: any error, by `?`.

use std::{error::Error, fmt, panic::Location};

use foretime_server::words::with_causes;

/// Why and where a simulation's body gave up. Every error converts into it, as into `anyhow::Error`. The `?` that converts it
/// records its place.
///
/// Like that type it does not implement [`Error`] itself; otherwise it could not be made from every error.
pub struct Failure {
    text: String,
    /// Where it was made; `None` if that says nothing about the body.
    place: Option<&'static Location<'static>>,
}

impl Failure {
    /// A failure with this message.
    #[track_caller]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), place: Some(Location::caller()) }
    }

    /// A failure of our own, without a place in the body.
    pub(crate) fn of_setup(text: impl Into<String>) -> Self {
        Self { text: text.into(), place: None }
    }

    /// The same, without its place if that is in this file. For the error with which a body ended.
    pub(crate) fn not_made_in(self, file: &str) -> Self {
        Self { place: self.place.filter(|place| place.file() != file), ..self }
    }

    /// Its first line, and everything else: the lines that follow, and where the body gave up.
    pub(crate) fn into_title_and_detail(self) -> (String, String) {
        let (title, rest) = self.text.split_once('\n').unwrap_or((&self.text, ""));
        let place = self.place.map(|place| format!("at {place}"));
        let lines: Vec<&str> = rest.lines().chain(place.as_deref()).collect();
        (title.to_owned(), lines.join("\n"))
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        let error: Box<dyn Error + Send + Sync> = error.into();
        Self { text: with_causes(&*error, "\ncaused by: "), place: Some(Location::caller()) }
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
