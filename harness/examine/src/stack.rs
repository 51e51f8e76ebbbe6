//! Where a workflow's code waits, as SDKs tell it.

use serde::Deserialize;

/// `__enhanced_stack_trace`: `temporal.api.sdk.v1.EnhancedStackTrace` as JSON, of which the SDKs spell the names in two ways.
#[derive(Debug, Deserialize)]
struct Enhanced {
    stacks: Vec<Stack>,
}

#[derive(Debug, Deserialize)]
struct Stack {
    #[serde(default)]
    locations: Vec<Location>,
}

#[derive(Debug, Deserialize)]
struct Location {
    #[serde(default, alias = "filePath")]
    file_path: String,
    #[serde(default)]
    line: i64,
    #[serde(default, alias = "functionName")]
    function_name: String,
    #[serde(default, alias = "internalCode")]
    internal_code: bool,
}

/// The parts of paths that are not the user's code, even if the SDK does not say so.
const NOT_THE_USERS: [&str; 7] =
    ["/temporalio/", "/@temporalio/", "/lib/python", "node:", "/site-packages/", "go.temporal.io/sdk", "io.temporal."];

/// The query that the SDK of this name answers best. Python has the enhanced one, too, but tells there only its own frames; the other
/// one says at least what each task waits for.
pub(super) fn query_type(client_name: &str) -> &'static str {
    match client_name {
        "temporal-typescript" => "__enhanced_stack_trace",
        _ => "__stack_trace",
    }
}

/// The answer, for people: a line for each frame of the user's code, the innermost first, and an empty line between two stacks. `None` if
/// it has none.
pub(super) fn shown(data: &[u8]) -> Option<String> {
    let text = match serde_json::from_slice::<Enhanced>(data) {
        Ok(enhanced) => of_enhanced(&enhanced),
        Err(_) => of_text(&serde_json::from_slice::<String>(data).ok()?),
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

/// Where code has failed, from the stack of its failure: the user's frames, if they can be told from others. `None` if there is no stack.
pub(super) fn of_failure(stack_trace: &str) -> Option<String> {
    let lines: Vec<&str> = stack_trace.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut frames: Vec<String> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let is_source =
            at > 0 && lines[at - 1].trim_start().starts_with("File \"") && !line.trim_start().starts_with("File \"");
        if !is_source && is_the_users(line) {
            frames.push(line.trim_end().to_owned());
        }
    }
    (!frames.is_empty()).then(|| frames.join("\n"))
}

fn of_enhanced(enhanced: &Enhanced) -> String {
    let mut stacks: Vec<String> = Vec::new();
    for stack in &enhanced.stacks {
        let frames = stack.locations.iter().filter(|at| !at.internal_code && is_the_users(&at.file_path));
        let frames: Vec<String> =
            frames.map(|at| format!("{} at {}:{}", at.function_name, at.file_path, at.line).trim_start().to_owned()).collect();
        if !frames.is_empty() && !stacks.contains(&frames.join("\n")) {
            stacks.push(frames.join("\n"));
        }
    }
    stacks.join("\n\n")
}

fn of_text(text: &str) -> String {
    if text.contains("Stack for <") {
        return of_python(text);
    }
    let frames = text.lines().filter(|line| !NOT_THE_USERS.iter().any(|part| line.contains(part)));
    frames.map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Python tells of each asyncio task what it waits for, within the task's own `repr`.
fn of_python(text: &str) -> String {
    let tasks = text.split("Stack for <").skip(1).filter_map(|task| {
        let (head, frames) = task.split_once('\n').unwrap_or((task, ""));
        let name = quoted(head, "name='")?;
        if name.starts_with("query: ") {
            return None;
        }
        let awaited = head.split_once("wait_for=<").and_then(|(_, awaited)| quoted(awaited, "name='"));
        let awaited = awaited.map_or_else(String::new, |awaited| format!(" waits for {awaited}"));
        let mut lines = frames.lines().map(str::trim_start).filter_map(|line| line.strip_prefix("File \""));
        let frames =
            lines.by_ref().filter(|frame| is_the_users(frame)).map(|frame| format!("\n  {}", frame.replacen('"', "", 1)));
        Some(format!("{name}{awaited}{}", frames.collect::<String>()))
    });
    let mut told: Vec<String> = Vec::new();
    for task in tasks.filter(|task| task.contains(" waits for ") || task.contains('\n')) {
        if !told.contains(&task) {
            told.push(task);
        }
    }
    told.join("\n")
}

/// `activity: charge` of `name='activity: charge (workflow: ...)'`.
fn quoted(text: &str, before: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let name = rest.split(['(', '\'']).next()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn is_the_users(path: &str) -> bool {
    !path.is_empty() && !NOT_THE_USERS.iter().any(|part| path.contains(part))
}
