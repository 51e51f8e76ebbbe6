//! What a report leaves on disk: a directory for each test and seed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{html, timeline};
use crate::{
    case::Case,
    model::Report,
    result::{Detail, RunResult},
};

/// The file with what a run printed.
const OUTPUT: &str = "output.txt";
/// How many of the last lines that a run printed are shown, and how much of each.
const OUTPUT_LINES_MAX: usize = 8;
const OUTPUT_CHARS_MAX: usize = 200;

/// How wide the timeline as text is, in characters.
const TEXT_WIDTH: usize = 120;

/// The directory for the report of this seed. It is made if it does not exist.
///
/// # Errors
/// It cannot be made.
pub(crate) fn directory(reports: &Path, case: &Case, seed: u64) -> Result<PathBuf, String> {
    // Two targets may have a test of the same name.
    let directory =
        reports.join(case.target.as_deref().unwrap_or_default()).join(case.file_name()).join(format!("seed-{seed}"));
    fs::create_dir_all(&directory).map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
    Ok(directory)
}

/// Where the output of a run goes.
pub(crate) fn output(directory: &Path) -> PathBuf {
    directory.join(OUTPUT)
}

/// The last lines of the output of a run that left nothing else behind, and where all of it is.
pub(crate) fn end_of_output(directory: &Path) -> String {
    let path = output(directory);
    let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return "It printed nothing.".to_owned();
    }
    let last = &lines[lines.len().saturating_sub(OUTPUT_LINES_MAX)..];
    let last: Vec<String> =
        last.iter().map(|line| format!("  {}", line.chars().take(OUTPUT_CHARS_MAX).collect::<String>())).collect();
    format!("What it printed, in {}, ends with:\n{}", path.display(), last.join("\n"))
}

/// Writes all of a report: the page, its data, the tape, the trace and the histories. Returns the directory; `None` if the run
/// has no report, because its process died.
///
/// # Errors
/// A file cannot be written.
pub(crate) fn write(directory: &Path, result: &RunResult) -> Result<Option<PathBuf>, String> {
    let Some(detail) = &result.detail else { return Ok(None) };
    let Detail { trace, tape, report, draws_at: _, moments: _, of_rust_sdk } = &**detail;
    let mut report = report.clone();
    report.output = fs::read(output(directory)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    write_histories(directory, &mut report, of_rust_sdk)?;
    save(directory, "tape.json", &json(tape)?)?;
    save(directory, "trace.txt", &trace.join("\n"))?;
    save(directory, "report.json", &json(&report)?)?;
    save(directory, "timeline.txt", &timeline::text(&report, TEXT_WIDTH))?;
    save(directory, "report.html", &html::page(&report))?;
    Ok(Some(directory.to_owned()))
}

fn write_histories(directory: &Path, report: &mut Report, of_rust_sdk: &BTreeMap<String, Value>) -> Result<(), String> {
    let folder = directory.join("histories");
    // From an earlier run of the seed with other code, which may have had other workflows.
    let _ = fs::remove_dir_all(&folder);
    let rust_folder = folder.join("rust-sdk");
    fs::create_dir_all(&rust_folder).map_err(|error| format!("cannot make {}: {error}", rust_folder.display()))?;
    for (number, workflow) in report.workflows.iter_mut().enumerate() {
        let id: String =
            workflow.workflow_id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(80).collect();
        let name = format!("{:03}-{id}.json", number + 1);
        save(&folder, &name, &json(&workflow.history)?)?;
        if let Some(history) = of_rust_sdk.get(&workflow.run_id) {
            save(&rust_folder, &name, &json(history)?)?;
        }
        workflow.file = Some(format!("histories/{name}"));
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(value).map_err(|error| error.to_string())
}

fn save(directory: &Path, name: &str, text: &str) -> Result<(), String> {
    let path = directory.join(name);
    fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
