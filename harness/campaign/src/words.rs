//! Wording that stories, findings and reports share: times, spans of time, sentences.

use std::time::Duration;

/// A virtual time since the start, as people say it.
pub fn after(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("after {}.{:03} s", seconds, ns / 1_000_000 % 1000),
        (0, 0, _) => format!("after {minutes} min {} s", seconds % 60),
        (0, ..) => format!("after {hours} h {minutes} min {} s", seconds % 60),
        (1, ..) => format!("after 1 day {hours:02}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("after {days} days {hours:02}:{minutes:02}:{:02}", seconds % 60),
    }
}

/// A span of time, as people say it.
pub fn brief(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{} ms", span.as_millis()),
        seconds @ 1..60 => format!("{seconds}.{} s", span.subsec_millis() / 100),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// The text as the beginning of a sentence.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Which version of the code (0 is the first) a worker runs, to follow its name; empty if there is only one.
pub fn on_version(version: Option<usize>) -> String {
    version.map_or_else(String::new, |version| format!(", on version {} of the code,", version + 1))
}

/// The core's text about code that does not fit its history, without the structures around it.
pub fn of_core(text: &str) -> &str {
    let from = text.find("[TMPRL").unwrap_or(0);
    let said = &text[from..];
    if from == 0 { said } else { said.split("\", ").next().unwrap_or(said) }
}
