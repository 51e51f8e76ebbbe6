//! Markdown for a comment on a pull request, or a job's summary: a table of causes, and what is known of each, folded.

use super::{
    layout::{cut, on_one_line, printable},
    model::{Cause, Report},
    text, wording,
};

/// GitHub takes no comment of more than 65,536 characters; what holds the comment may add some.
const CHARS_MAX: usize = 60_000;
/// What the end of the comment may take of these.
const END_CHARS: usize = 200;
/// Rows of the table.
const ROWS_MAX: usize = 50;
/// Columns of a value in the table.
const VALUE_WIDTH: usize = 80;
/// Columns of a sentence.
const SENTENCE_WIDTH: usize = 200;
/// Characters of what is known of one cause.
const DETAIL_CHARS_MAX: usize = 6_000;

/// By which a program finds its comment again.
const MARKER: &str = "<!-- foretime check -->";

/// All of it.
pub fn markdown(report: &Report) -> String {
    let is_well = report.exit_code() == 0;
    let title = match report.exit_code() {
        0 => "all histories replay",
        1 => "the code does not fit what is recorded",
        _ => "not all could be told",
    };
    let mark = if is_well { "✅" } else { "❌" };
    let mut out = format!("{MARKER}\n### {mark} foretime check: {title}\n\n{}\n", plain(&wording::summary(&report.counts)));
    out += &table(report);
    let mut folded: Vec<String> = report.causes().map(|(verdict, cause)| detail(verdict, cause)).collect();
    folded.extend(others(report));
    let mut left_out = 0;
    for section in folded {
        if out.chars().count() + section.chars().count() + END_CHARS > CHARS_MAX {
            left_out += 1;
        } else {
            out += &section;
        }
    }
    if left_out > 0 {
        out += &format!("\n{left_out} more sections have no room here; see the other reports.\n");
    }
    out
}

fn table(report: &Report) -> String {
    let mut causes = report.causes();
    let mut out = String::new();
    for (verdict, cause) in causes.by_ref().take(ROWS_MAX) {
        if out.is_empty() {
            out += "\n| | workflow | runs | recorded | the code asks for | where |\n|---|---|---|---|---|---|\n";
        }
        let side = |thing: &Option<foretime_history::verdict::Thing>| {
            thing.as_ref().map_or_else(|| "nothing".to_owned(), |thing| code(&thing.to_string(), VALUE_WIDTH))
        };
        let known = cause.divergence.recorded.is_some() || cause.divergence.asked.is_some();
        let (recorded, asked) = match known {
            true => (side(&cause.divergence.recorded), side(&cause.divergence.asked)),
            false => ("?".to_owned(), "?".to_owned()),
        };
        let place = cause.place.as_ref().map(|place| format!("{}:{}", place.file, place.line));
        let event = cause.divergence.event_id.map(|id| format!("event {id}"));
        let place = place.map_or_else(|| event.unwrap_or_default(), |place| code(&place, VALUE_WIDTH));
        let (name, runs) = (code(&cause.workflow_type, VALUE_WIDTH), wording::affected(cause));
        out += &format!("| **{verdict}** | {name} | {runs} | {recorded} | {asked} | {place} |\n");
    }
    match causes.count() {
        0 => out,
        more => out + &format!("\n{more} more causes are in the other reports.\n"),
    }
}

fn detail(verdict: &str, cause: &Cause) -> String {
    let text: String = text::details(cause).chars().take(DETAIL_CHARS_MAX).collect();
    let sentence = format!("{}: {}", cause.workflow_type, wording::sentence(&cause.divergence));
    let title = format!("<b>{verdict}</b> {}", code(&sentence, SENTENCE_WIDTH));
    folded(&title, &text)
}

/// What could not be told, and the patches.
fn others(report: &Report) -> Vec<String> {
    let untold: Vec<String> = report
        .could_not_tell
        .iter()
        .map(|untold| format!("{}: {}\n", wording::first(&untold.of, 10, untold.of.len() as u64), untold.why))
        .collect();
    let new = wording::patched_here(&report.patched_here).into_iter();
    let new: Vec<String> = new.map(|(patch, places)| format!("{patch}: in {places}\n")).collect();
    let old = report.patches.iter().filter_map(|patch| Some(format!("{}: {}\n", patch.id, patch.advice()?)));
    let old: Vec<String> = old.collect();
    let notes: Vec<String> = report.remarks.iter().map(|remark| format!("{remark}\n")).collect();
    let sections = [
        ("Could not be told", untold),
        ("New patches: the code records them newly", new),
        ("Old patches: the code from before them may go", old),
        ("Notes", notes),
    ];
    let there = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
    there.map(|(title, lines)| folded(title, &lines.concat().chars().take(DETAIL_CHARS_MAX).collect::<String>())).collect()
}

fn folded(title: &str, text: &str) -> String {
    format!("\n<details><summary>{title}</summary>\n\n<pre>\n{}</pre>\n</details>\n", preformatted(text))
}

/// Text in a `pre` element, where Markdown has no meaning, nor a mention of somebody.
fn preformatted(text: &str) -> String {
    foretime_page::escaped(&printable(text))
}

/// Words of our own.
fn plain(text: &str) -> String {
    foretime_page::escaped(text)
}

/// Somebody else's text on one line: no mark of it means anything, and nobody is mentioned.
fn code(text: &str, columns: usize) -> String {
    let text = cut(&on_one_line(text), columns);
    let mut safe = String::from("<code>");
    for char in text.chars() {
        match char {
            char if char.is_ascii_punctuation() && !",-()/".contains(char) => safe += &format!("&#{};", u32::from(char)),
            char => safe.push(char),
        }
    }
    safe + "</code>"
}
