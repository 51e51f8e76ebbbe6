//! The report for a terminal.

use std::fmt::Write;

use foretime_history::verdict::{Divergence, Thing};

use super::{Cause, History, Report, RunName, Untold};

/// Lines of a stack that are shown.
const STACK_LINES_MAX: usize = 12;
/// Histories that are listed for one reason.
const LISTED_MAX: usize = 10;

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint {
    is_on: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.is_on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    fn warn(self, text: &str) -> String {
        self.with("1;33", text)
    }

    fn good(self, text: &str) -> String {
        self.with("1;32", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}

/// All of it, in colour if `is_coloured`.
pub fn text(report: &Report, is_coloured: bool) -> String {
    let paint = Paint { is_on: is_coloured };
    let mut out = String::new();
    for cause in &report.breaks {
        out += &told(cause, &paint.bad("breaks"), paint);
    }
    for cause in &report.differs {
        out += &told(cause, &paint.warn("differs"), paint);
    }
    for untold in &report.could_not_tell {
        out += &could_not_tell(untold, paint);
    }
    for it in &report.patched_here {
        let _ = writeln!(out, "{} {} in task {} of {}", paint.good("patched here"), it.patch, it.task, it.history);
    }
    for patch in &report.patches {
        if let Some(advice) = patch.advice() {
            let _ = writeln!(out, "{} {}: {advice}", paint.dim("patch"), patch.id);
        }
    }
    for remark in &report.remarks {
        let _ = writeln!(out, "{} {remark}", paint.dim("note"));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out + &summary(report, paint)
}

fn told(cause: &Cause, verdict: &str, paint: Paint) -> String {
    let Cause { divergence, example, .. } = cause;
    let mut out = String::new();
    let open = if cause.open_count > 0 { format!(", {} open", cause.open_count) } else { String::new() };
    let _ = writeln!(out, "{verdict} {} ({}{open})", cause.workflow_type, runs(cause.runs_count));
    let task = divergence.task.map_or_else(String::new, |task| format!(", workflow task {task}"));
    let started = divergence.task_started_event_id.map_or_else(String::new, |id| format!(" (started at event {id})"));
    let _ = writeln!(out, "  {}{task}{started}", shown(example));
    let _ = writeln!(out, "  {}", divergence.sentence());
    sides(&mut out, divergence, paint);
    if !divergence.message.is_empty() {
        let mut lines = divergence.message.lines();
        let _ = writeln!(out, "  the SDK says: {}", lines.next().unwrap_or_default());
        lines.take(4).for_each(|line| {
            let _ = writeln!(out, "    {}", paint.dim(line));
        });
    }
    stack(&mut out, "the workflow waits before that task at", divergence.stack_before.as_deref(), paint);
    stack(&mut out, "the new code waits after it at", divergence.stack_after.as_deref(), paint);
    if !divergence.patches.is_empty() {
        let _ = writeln!(out, "  patches recorded until there: {}", divergence.patches.join(", "));
    }
    if let (Some(recorded), Some(running)) = (&divergence.sdk_recorded, &divergence.sdk_running) {
        let _ = writeln!(out, "  recorded with {recorded}, replayed with {running}");
    }
    if cause.runs_count > 1 {
        let names: Vec<String> = cause.runs.iter().take(LISTED_MAX).map(name).collect();
        let more = cause.runs_count.saturating_sub(names.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "  affected: {}{more}", names.join(", "));
    }
    if let Some(suggestion) = &divergence.suggestion {
        let _ = writeln!(out, "  {} {suggestion}", paint.good("suggestion:"));
    }
    out.push('\n');
    out
}

/// Both sides beside each other, with the fields that differ.
fn sides(out: &mut String, divergence: &Divergence, paint: Paint) {
    let side = |thing: &Option<Thing>| thing.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    if divergence.recorded.is_none() && divergence.asked.is_none() {
        return;
    }
    let mut rows = vec![("".to_owned(), side(&divergence.recorded), side(&divergence.asked))];
    if divergence.fields.is_empty() {
        for (name, recorded) in divergence.recorded.iter().flat_map(|it| &it.fields) {
            rows.push((name.clone(), recorded.clone(), value_of(divergence.asked.as_ref(), name)));
        }
        for (name, asked) in divergence.asked.iter().flat_map(|it| &it.fields) {
            if !rows.iter().any(|(known, ..)| known == name) {
                rows.push((name.clone(), String::new(), asked.clone()));
            }
        }
    } else {
        rows.extend(divergence.fields.iter().map(|it| (it.field.clone(), it.recorded.clone(), it.asked.clone())));
    }
    let width =
        |of: fn(&(String, String, String)) -> &String| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (names, recorded) = (width(|row| &row.0), width(|row| &row.1).clamp(8, 48));
    let _ = writeln!(out, "    {:names$}  {:recorded$}  {}", "", paint.dim("recorded"), paint.dim("asked for"));
    for (name, was, is) in &rows {
        let mark = if was == is { " " } else { "≠" };
        let _ = writeln!(out, "  {mark} {name:names$}  {:recorded$}  {}", cut(was), cut(is));
    }
}

fn value_of(thing: Option<&Thing>, name: &str) -> String {
    let fields = thing.iter().flat_map(|thing| &thing.fields);
    fields.filter(|(known, _)| known == name).map(|(_, value)| value.clone()).next().unwrap_or_default()
}

fn cut(text: &str) -> String {
    const CHARS_MAX: usize = 48;
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn stack(out: &mut String, what: &str, stack: Option<&str>, paint: Paint) {
    let Some(stack) = stack.filter(|stack| !stack.trim().is_empty()) else { return };
    let _ = writeln!(out, "  {what}");
    for line in stack.lines().filter(|line| !line.trim().is_empty()).take(STACK_LINES_MAX) {
        let _ = writeln!(out, "    {}", paint.dim(line));
    }
}

fn could_not_tell(untold: &Untold, paint: Paint) -> String {
    let names = untold.of.iter().take(LISTED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = untold.of.len().saturating_sub(LISTED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} {names}{more}: {}\n", paint.warn("could not tell"), untold.why)
}

fn summary(report: &Report, paint: Paint) -> String {
    let counts = &report.counts;
    let mut parts = vec![paint.good(&format!("{} replay", counts.replay))];
    if counts.break_ > 0 {
        parts.push(paint.bad(&format!("{} break", counts.break_)));
    }
    if counts.differ > 0 {
        parts.push(paint.warn(&format!("{} differ", counts.differ)));
    }
    if counts.could_not_tell > 0 {
        parts.push(paint.warn(&format!("{} could not be told", counts.could_not_tell)));
    }
    let of = format!("{}, {} read, {} paths, {} checked", runs(counts.runs), counts.read, counts.paths, counts.checked);
    format!("{of}: {}\n", parts.join(", "))
}

fn runs(count: u64) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{} runs", grouped(count)) }
}

/// `48112` is `48,112`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn shown(history: &History) -> String {
    format!("{} ({})", name(&history.run), history.file)
}

fn name(run: &RunName) -> String {
    if run.workflow_id.is_empty() { "a workflow without an id".to_owned() } else { run.workflow_id.clone() }
}
