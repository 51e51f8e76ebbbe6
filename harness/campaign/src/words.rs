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

/// A length of time in its two largest units: `30 days`, `1 h 5 min`, `12 ms`.
pub fn duration(ns: u64) -> String {
    const UNITS: [(u64, &str); 7] = [
        (86_400_000_000_000, "day"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "min"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let Some(first) = UNITS.iter().position(|&(unit_ns, _)| ns >= unit_ns) else { return "0 s".to_owned() };
    // Below a second, or beyond a hundred of something, a second unit is noise.
    let second = if ns < 1_000_000_000 || ns / UNITS[first].0 >= 100 { first } else { first + 1 };
    let rounded_ns = ns.saturating_add(UNITS[second].0 / 2) / UNITS[second].0 * UNITS[second].0;
    if rounded_ns != ns {
        return duration(rounded_ns); // which may have become a whole day
    }
    let part = |ns: u64, (unit_ns, name): (u64, &str)| {
        let count = ns / unit_ns;
        format!("{count} {name}{}", if name == "day" && count != 1 { "s" } else { "" })
    };
    let rest_ns = ns % UNITS[first].0;
    if rest_ns == 0 { part(ns, UNITS[first]) } else { part(ns, UNITS[first]) + " " + &part(rest_ns, UNITS[second]) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_rounded_to_two_units() {
        let said = [
            0,
            15,
            1_500,
            2_000_000,
            1_000_000_000,
            61_200_000_000,
            86_399_999_999_999,
            30 * 86_400_000_000_000 - 1,
            400 * 86_400_000_000_000 + 1,
        ];
        assert_eq!(said.map(duration), ["0 s", "15 ns", "2 us", "2 ms", "1 s", "1 min 1 s", "1 day", "30 days", "400 days"]);
    }
}
