//! Words for people: spans of time as people write them, and errors with their causes.

use std::{error::Error, time::Duration};

/// A span such as `90s`, `1h30m`, `30d` or `500ms`. A day has 24 hours.
///
/// # Errors
/// It is not of that form, negative, or of months or years, which have no fixed length. The text says so.
pub fn span(text: &str) -> Result<Duration, String> {
    let malformed = || format!("{text:?} is no span such as 90s, 1h30m, 30d or 500ms");
    let span: jiff::Span = text.parse().map_err(|_| malformed())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let span = span.to_duration(days).map_err(|_| "months and years have no fixed length: use days".to_owned())?;
    Duration::try_from(span).map_err(|_| malformed())
}

/// An error and its causes, with `between` before each cause. Many errors repeat the text of their cause, which is then left out.
pub fn with_causes(error: &dyn Error, between: &str) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(between);
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_people_and_of_json() {
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(span("1h30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(span("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(span("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(span("2592000s"), Ok(Duration::from_secs(2_592_000)));
        for text in ["", "soon", "30", "-1d", "1month", "2y"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
