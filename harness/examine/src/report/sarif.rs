//! SARIF 2.1.0, from which code hosts annotate the code: a result for each cause, and one for each reason why something could not be
//! told.

use serde::Serialize;

use super::{
    layout::printable,
    model::{Cause, Report, Untold},
    repository::Repository,
    text, wording,
};

/// The most locations of one result, the first among them.
const LOCATIONS_MAX: usize = 20;

/// All of it.
///
/// # Errors
/// It is not JSON, which does not happen.
pub fn sarif(report: &Report, repository: &Repository) -> serde_json::Result<String> {
    let causes = report.causes().map(|(rule_id, cause)| of_cause(rule_id, cause, repository));
    let results = causes.chain(report.could_not_tell.iter().map(|untold| of_untold(untold, repository))).collect();
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run { tool: Tool { driver: driver(report.foretime) }, results, column_kind: "unicodeCodePoints" }],
    };
    Ok(serde_json::to_string_pretty(&log)? + "\n")
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    results: Vec<Finding>,
    column_kind: &'static str,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: [Rule; 3],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: &'static str,
    short_description: Text,
    full_description: Text,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

/// What SARIF calls a result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: &'static str,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: Fingerprints,
}

/// By which a code host knows a result again.
#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "foretimeCause/v1")]
    cause: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
}

fn driver(version: &'static str) -> Driver {
    let rule = |id, name, level, short: &str, full: &str| Rule {
        id,
        name,
        short_description: Text { text: short.to_owned() },
        full_description: Text { text: full.to_owned() },
        default_configuration: Configuration { level },
    };
    Driver {
        name: "foretime check",
        version,
        rules: [
            rule(
                "breaks",
                "HistoryBreaks",
                "error",
                "The code does not replay a recorded history.",
                "The SDK refuses the history. In production, the workflow's tasks would fail.",
            ),
            rule(
                "differs",
                "HistoryDiffers",
                "warning",
                "The code asks for something else than is recorded.",
                "The SDK accepts the history, but inputs, spans, options or results differ from what is recorded.",
            ),
            rule(
                "could-not-tell",
                "HistoryNotTold",
                "warning",
                "Whether the code replays a recorded history could not be told.",
                "The file could not be read, or the worker did not answer, or not clearly.",
            ),
        ],
    }
}

/// The user's line comes first if it is known, since hosts annotate the first location alone.
fn of_cause(rule_id: &'static str, cause: &Cause, repository: &Repository) -> Finding {
    let history = cause.example.file.as_ref().map(|file| location(&repository.path(file), cause.example.line));
    let (first, second) = match &cause.place {
        Some(place) => (Some(location(&repository.path(&place.file), Some(place.line))), history),
        None => (history, None),
    };
    let related = second.map(|history| Location {
        id: Some(1),
        message: Some(Text { text: printable(&format!("the history of {}", cause.example.run.name())) }),
        ..history
    });
    let sentence = format!("{}: {}", cause.workflow_type, wording::sentence(&cause.divergence));
    Finding {
        rule_id,
        level: if rule_id == "breaks" { "error" } else { "warning" },
        message: Text { text: printable(&format!("{sentence}\n{}", text::details(cause))) },
        // Code hosts refuse a result without a place; of what has no file, there is its name.
        locations: vec![first.unwrap_or_else(|| location(&format!("histories/{}", cause.workflow_type), None))],
        related_locations: related.into_iter().collect(),
        partial_fingerprints: Fingerprints {
            cause: printable(&format!("{rule_id} / {} / {}", cause.workflow_type, cause.divergence.likeness())),
        },
    }
}

fn of_untold(untold: &Untold, repository: &Repository) -> Finding {
    let names = wording::first(&untold.of, LOCATIONS_MAX, untold.of.len() as u64);
    Finding {
        rule_id: "could-not-tell",
        level: "warning",
        message: Text { text: printable(&format!("{names}: {}", untold.why)) },
        locations: match untold.files.is_empty() {
            true => vec![location("histories", None)],
            false => untold.files.iter().take(LOCATIONS_MAX).map(|file| location(&repository.path(file), None)).collect(),
        },
        related_locations: Vec::new(),
        partial_fingerprints: Fingerprints { cause: printable(&format!("could-not-tell / {}", untold.of.join(", "))) },
    }
}

fn location(file: &str, line: Option<usize>) -> Location {
    Location {
        id: None,
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(file) },
            region: Some(Region { start_line: line.unwrap_or(1) }),
        },
        message: None,
    }
}

/// A path as a reference by RFC 3986: relative paths stay relative.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => uri += &format!("%{other:02X}"),
        }
    }
    uri
}
