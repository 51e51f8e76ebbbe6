//! The line of an event in a file of JSON, so that what reads a report can go there.

use std::{fs, path::Path};

/// Larger files are not looked into.
const BYTES_MAX: u64 = 64 << 20;
/// How the id of an event is called.
const NAMES: [&str; 2] = ["\"eventId\"", "\"event_id\""];

/// The line, from 1, on which the event begins to have its id, in the history of this number, from 1. `None` if the file is not JSON, too
/// large, or has no such event.
pub(super) fn of_event(path: &Path, number: usize, event_id: i64) -> Option<usize> {
    if fs::metadata(path).ok()?.len() > BYTES_MAX {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    in_text(&text, number, event_id)
}

fn in_text(text: &str, number: usize, event_id: i64) -> Option<usize> {
    let name = NAMES.into_iter().find(|name| text.contains(name))?;
    // Each history has an event of that id once, so the n-th is the n-th history's.
    let mut ids = text.match_indices(name).filter(|(at, _)| id(&text[at + name.len()..]) == Some(event_id));
    let (at, _) = ids.nth(number - 1)?;
    Some(text[..at].matches('\n').count() + 1)
}

/// The number behind a name.
fn id(rest: &str) -> Option<i64> {
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    let digits = value.strip_prefix('"').unwrap_or(value);
    digits[..digits.find(|it: char| !it.is_ascii_digit())?].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_an_event_is_found() {
        let text = "{\"events\": [\n{\"eventId\": \"1\"},\n{\n  \"eventId\" : 12, \"scheduledEventId\": \"5\"},\n{\"eventId\":\"5\"}]}\n";
        assert_eq!(in_text(text, 1, 1), Some(2));
        assert_eq!(in_text(text, 1, 12), Some(4));
        assert_eq!(in_text(text, 1, 5), Some(5));
        assert_eq!(in_text(text, 1, 2), None);
    }

    #[test]
    fn of_several_histories_the_right_one_is_meant() {
        let text = "[{\"event_id\": 1},\n {\"event_id\": 2}],\n[{\"event_id\": 1},\n {\"event_id\": 2}]";
        assert_eq!((in_text(text, 1, 2), in_text(text, 2, 2), in_text(text, 3, 2)), (Some(2), Some(4), None));
    }
}
