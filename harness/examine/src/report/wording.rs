//! Phrases that the forms share, in plain English.

use std::collections::BTreeMap;

use foretime_history::verdict::Divergence;

use super::model::{Cause, Counts, PatchedHere, RunName};

/// Longer values, both sides together, have no place in a sentence.
const VALUES_CHARS_MAX: usize = 80;

/// `1 run`, `2,000 runs`.
pub(super) fn counted(count: u64, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {several}", grouped(count)) }
}

/// `48112` is `48,112`.
pub(super) fn grouped(count: u64) -> String {
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

/// `2 runs, 1 of them open`.
pub(super) fn affected(cause: &Cause) -> String {
    let runs = counted(cause.runs_count, "run", "runs");
    let runs = match cause.checked_count {
        checked if checked < cause.runs_count => format!("{runs} that took such a path ({} checked)", grouped(checked)),
        _ => runs,
    };
    match (cause.runs_count, cause.open_count) {
        (_, 0) => runs,
        (1, _) => format!("{runs}, which is open"),
        (all, open) if all == open => format!("{runs}, all open"),
        (_, open) => format!("{runs}, {} open", grouped(open)),
    }
}

/// `for example workflow order-1, in histories/a.json: workflow task 3, which started at event 21`.
pub(super) fn whereabouts(cause: &Cause) -> String {
    let example = if cause.runs_count > 1 { "for example " } else { "" };
    let workflow = match cause.example.run.workflow_id.is_empty() {
        true => cause.example.run.name().to_owned(),
        false => format!("workflow {}", cause.example.run.workflow_id),
    };
    let task = cause.divergence.task.map_or_else(String::new, |task| format!(": workflow task {task}"));
    let started = cause.divergence.task_started_event_id.filter(|_| !task.is_empty());
    let started = started.map_or_else(String::new, |id| format!(", which started at event {id}"));
    format!("{example}{workflow}, in {}{task}{started}", cause.example.name)
}

/// What is wrong, as one sentence. Of fields with long values, the names alone: the table has the values.
pub(super) fn sentence(divergence: &Divergence) -> String {
    let is_long = divergence.fields.iter().any(|it| it.recorded.chars().chain(it.asked.chars()).count() > VALUES_CHARS_MAX);
    let Some(recorded) = divergence.recorded.as_ref().filter(|_| is_long) else { return divergence.sentence() };
    let at = divergence.event_id.map_or_else(String::new, |id| format!("event {id}: "));
    let fields: Vec<&str> = divergence.fields.iter().map(|it| it.field.as_str()).collect();
    format!("{at}{recorded} is recorded, the code asks for it with another {}", fields.join(", "))
}

/// The SDK's words, unless they are the sentence already.
pub(super) fn message(divergence: &Divergence) -> Option<&str> {
    let message = divergence.message.trim();
    let is_news = !message.is_empty() && !sentence(divergence).ends_with(message);
    is_news.then_some(message)
}

/// The SDKs, if they are known.
pub(super) fn sdks(cause: &Cause) -> Option<String> {
    let (recorded, running) = (cause.divergence.sdk_recorded.as_ref()?, cause.divergence.sdk_running.as_ref()?);
    Some(format!("recorded with {recorded}, replayed with {running}"))
}

/// A run in a list.
pub(super) fn listed(run: &RunName) -> String {
    format!("{}{}", run.name(), if run.is_open { " (open)" } else { "" })
}

/// The first of a list, and how many more there are.
pub(super) fn first(names: &[String], most: usize, all_count: u64) -> String {
    let shown = names.len().min(most);
    let more = all_count.saturating_sub(shown as u64);
    let more = if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
    format!("{}{more}", names[..shown].join(", "))
}

/// What was checked, before what came of it: `5 runs took 4 paths through the code, and 4 histories were checked`.
pub(super) fn extent(counts: &Counts) -> String {
    let read = if counts.read < counts.runs { format!(" ({} read)", grouped(counts.read)) } else { String::new() };
    let (runs, paths) = (counted(counts.runs, "run", "runs"), counted(counts.paths, "path", "paths"));
    let checked = counted(counts.checked, "history was", "histories were");
    format!("{runs}{read} took {paths} through the code, {checked} checked")
}

/// What came of it: each verdict with its word, those that have no history left out.
pub(super) fn outcome(counts: &Counts) -> Vec<(&'static str, String)> {
    let parts = [
        ("replays", counts.replays, ["replays", "replay"]),
        ("breaks", counts.breaks, ["breaks", "break"]),
        ("differs", counts.differs, ["differs", "differ"]),
        ("could_not_tell", counts.could_not_tell, ["could not be told", "could not be told"]),
        ("unreadable", counts.unreadable, ["could not be read", "could not be read"]),
    ];
    let there = parts.into_iter().filter(|(word, count, _)| *count > 0 || *word == "replays");
    there.map(|(word, count, [one, several])| (word, counted(count, one, several))).collect()
}

/// All of it on one line: `5 runs took ...: 3 replay, 2 break`.
pub(super) fn summary(counts: &Counts) -> String {
    let outcome: Vec<String> = outcome(counts).into_iter().map(|(_, text)| text).collect();
    format!("{}: {}", extent(counts), outcome.join(", "))
}

/// The patches that the code records newly, each with the histories.
pub(super) fn patched_here(all: &[PatchedHere]) -> Vec<(String, String)> {
    let mut by_patch: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for it in all {
        by_patch.entry(&it.patch).or_default().push(format!("task {} of {}", it.task, it.history));
    }
    by_patch.into_iter().map(|(patch, places)| (patch.to_owned(), first(&places, 2, places.len() as u64))).collect()
}
