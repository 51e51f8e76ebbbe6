//! The HTML report: one file that needs no network. What must be read first (the failure, the story, the command) is plain HTML
//! and shows without scripts, as do the text timeline and the output; the rest is data for `page/page.js`.
//!
//! Everything in a report may have been chosen by an adversary of the page (a workflow id such as `</script><img onerror=...>`).
//! Text goes through [`escaped`], data through [`embedded`], the script writes text nodes only, and the page's policy allows no
//! other script than its own.

use serde::Serialize;

use super::{
    layout::Layout,
    model::Report,
    timeline::{self, duration},
};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = concat!(include_str!("page/drawing.js"), include_str!("page/histories.js"), include_str!("page/page.js"));

/// How wide the text timeline is that stands in for the drawn one where scripts are forbidden.
const TEXT_WIDTH: usize = 120;

/// What the script is given.
#[derive(Serialize)]
struct Data<'a> {
    report: &'a Report,
    layout: Layout,
}

/// The whole page.
pub(crate) fn page(report: &Report) -> String {
    filled(PAGE, |slot| match slot {
        "style" => STYLE.to_owned(),
        "script" => SCRIPT.to_owned(),
        "data" => embedded(&Data { report, layout: Layout::of(report) }),
        "verdict" => if report.failed { "failed" } else { "passed" }.to_owned(),
        "test" => escaped(&report.test),
        "test_name" => escaped(&report.test).replace('_', "_<wbr>"),
        "seed" => report.seed.to_string(),
        "facts" => facts(report),
        "failure" => failure(report),
        "story" => story(report),
        "repeat" => escaped(&report.repeat),
        "text_timeline" => escaped(&timeline::text(report, TEXT_WIDTH)),
        "output" => escaped(&report.output),
        _ => String::new(),
    })
}

/// Puts values in place of `{{name}}`, in one pass: what a value contains is never taken for a slot.
fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut pieces = template.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (slot, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        page += &value(slot);
        page += rest;
    }
    page
}

/// Text for an element's content or a quoted attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            other => safe.push(other),
        }
    }
    safe
}

/// JSON for a `<script>` element: `<`, which only strings can contain, is what could end the element or begin a comment in it.
fn embedded(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("a report has no map with keys other than strings").replace('<', "\\u003c")
}

fn failure(report: &Report) -> String {
    let Some(failure) = &report.failure else { return String::new() };
    let detail = if failure.detail.is_empty() { String::new() } else { format!("<pre>{}</pre>", escaped(&failure.detail)) };
    format!("<section class=\"failure\"><h2>{}</h2>{detail}</section>", escaped(&failure.title))
}

fn story(report: &Report) -> String {
    if report.story.is_empty() {
        return String::new();
    }
    let sentences: String = report.story.iter().map(|sentence| format!("<li>{}</li>", escaped(sentence))).collect();
    format!("<section class=\"story\"><h2>What happened</h2><ol>{sentences}</ol></section>")
}

/// The figures of the run, as pairs of a description list.
fn facts(report: &Report) -> String {
    let injected = report.faults.iter().map(|fault| fault.count).sum::<u64>();
    let kinds: Vec<String> = report.faults.iter().map(|fault| format!("{} {}", fault.count, fault.kind.replace('_', " "))).collect();
    let faults = if injected == 0 { "none".to_owned() } else { kinds.join(", ") };
    let facts = [
        ("Seed", report.seed.to_string()),
        ("Virtual time", duration(report.ended_at_ns)),
        ("Steps", report.steps.to_string()),
        ("Workflows", report.workflows.len().to_string()),
        ("Faults", faults),
        ("Trace", report.trace_hash.clone()),
    ];
    facts.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escaped(value))).collect()
}
