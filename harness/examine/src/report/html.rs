//! The page: one file that needs no network. All that must be read is plain HTML and shows without scripts; the table of all histories
//! that were checked is data for `page/page.js`, since it may be long.
//!
//! Text goes through [`shown`], data through [`embedded`]: see [`foretime_page`].

use foretime_history::verdict::Divergence;
use foretime_page::{embedded, filled};
use serde::Serialize;

use super::{
    layout::printable,
    model::{Cause, History, Report, RunName},
    sides::{self, Row},
    wording,
};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// A stack or an SDK's words of more lines are folded.
const LINES_OPEN_MAX: usize = 8;
/// Histories that are listed for one reason.
const LISTED_MAX: usize = 100;

/// The data for the script.
#[derive(Serialize)]
struct Data<'a> {
    histories: &'a [History],
}

/// The whole page.
pub fn page(report: &Report) -> String {
    let (class, verdict) = match report.exit_code() {
        0 => ("passed", "replays"),
        1 if report.breaks.is_empty() => ("unclear", "differs"),
        1 => ("failed", "breaks"),
        _ => ("unclear", "not all told"),
    };
    filled(PAGE, |slot| match slot {
        "policy" => foretime_page::POLICY.to_owned(),
        "style" => format!("{}{STYLE}", foretime_page::STYLE),
        "script" => SCRIPT.to_owned(),
        "data" => embedded(&Data { histories: &report.checked }),
        "class" => class.to_owned(),
        "verdict" => verdict.to_owned(),
        "summary" => shown(&wording::summary(&report.counts)),
        "extent" => shown(&wording::extent(&report.counts)),
        "outcome" => outcome(report),
        "causes" => report.causes().map(|(verdict, it)| cause(verdict, it)).collect(),
        "could_not_tell" => could_not_tell(report),
        "patches" => patches(report),
        "remarks" => list("Notes", report.remarks.iter().map(|remark| shown(remark)).collect()),
        "version" => shown(report.foretime),
        _ => String::new(),
    })
}

/// The counts, each in its colour.
fn outcome(report: &Report) -> String {
    let counts = wording::outcome(&report.counts).into_iter();
    counts.map(|(verdict, text)| format!("<span class=\"word {verdict}\">{}</span>", shown(&text))).collect()
}

fn cause(verdict: &str, cause: &Cause) -> String {
    let divergence = &cause.divergence;
    let id = cause.example.cause.map_or_else(String::new, |at| format!(" id=\"{verdict}-{at}\""));
    let mut out = format!(
        "<section class=\"card cause {verdict}\"{id}><h2><span class=\"word {verdict}\">{verdict}</span> {} <small>{}</small></h2>",
        shown(&cause.workflow_type),
        shown(&wording::affected(cause)),
    );
    out += &format!("<p class=\"sentence\">{}</p>", shown(&wording::sentence(divergence)));
    out += &format!("<p class=\"empty\">{}</p>", shown(&wording::whereabouts(cause)));
    out += &table(&sides::rows(divergence));
    if let Some(message) = wording::message(divergence) {
        out += &folded("The SDK says", message);
    }
    out += &stacks(divergence);
    out += &facts(cause);
    if let Some(suggestion) = &divergence.suggestion {
        out += &format!("<p class=\"suggestion\"><b>Suggestion:</b> {}</p>", shown(suggestion));
    }
    out + "</section>"
}

/// Both sides beside each other.
fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let lines = rows.iter().map(|row| {
        let class = if row.is_different { " class=\"different\"" } else { "" };
        let mark = if row.is_different { "<b title=\"differs\">≠</b>" } else { "" };
        let (recorded, asked) = match row.is_different && !row.field.is_empty() {
            true => marked(&row.recorded, &row.asked),
            false => (shown(&row.recorded), shown(&row.asked)),
        };
        let field = shown(&row.field);
        format!(
            "<tr{class}><td>{mark}</td><th scope=\"row\">{field}</th><td data-of=\"recorded\"><code>{recorded}</code></td>\
             <td data-of=\"asked for\"><code>{asked}</code></td></tr>"
        )
    });
    format!(
        "<table class=\"sides\"><thead><tr><td></td><td></td><th scope=\"col\">recorded</th><th scope=\"col\">the code asks \
         for</th></tr></thead><tbody>{}</tbody></table>",
        lines.collect::<String>()
    )
}

/// Two values, with what is different in them marked.
fn marked(one: &str, other: &str) -> (String, String) {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let head = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let tail = one[head..].iter().rev().zip(other[head..].iter().rev()).take_while(|(one, other)| one == other).count();
    let with_mark = |text: &[char]| {
        let part = |range: &[char]| shown(&range.iter().collect::<String>());
        let (end, middle) = (text.len() - tail, &text[head..text.len() - tail]);
        let middle = if middle.is_empty() { String::new() } else { format!("<mark>{}</mark>", part(middle)) };
        format!("{}{middle}{}", part(&text[..head]), part(&text[end..]))
    };
    (with_mark(&one), with_mark(&other))
}

fn stacks(divergence: &Divergence) -> String {
    let there = |stack: &Option<String>| stack.clone().filter(|stack| !stack.trim().is_empty());
    match (there(&divergence.stack_before), there(&divergence.stack_after)) {
        (Some(before), Some(after)) if before == after => folded("Where the code waits before and after that task", &before),
        (before, after) => {
            before.map_or_else(String::new, |stack| folded("Where the code waits before that task", &stack))
                + &after.map_or_else(String::new, |stack| folded("Where it waits after that", &stack))
        }
    }
}

/// Somebody else's text, folded if it is long.
fn folded(title: &str, text: &str) -> String {
    let open = if text.lines().count() <= LINES_OPEN_MAX { " open" } else { "" };
    format!("<details{open}><summary>{title}</summary><pre>{}</pre></details>", shown(text.trim_end()))
}

fn facts(cause: &Cause) -> String {
    let divergence = &cause.divergence;
    let place = cause.place.as_ref().map(|place| format!("<code>{}:{}</code>", shown(&place.file), place.line));
    let patches = (!divergence.patches.is_empty()).then(|| shown(&divergence.patches.join(", ")));
    let facts = [
        ("In your code", place),
        ("Patches recorded until there", patches),
        ("Recorded with", divergence.sdk_recorded.as_deref().map(shown)),
        ("Replayed with", divergence.sdk_running.as_deref().map(shown)),
        ("Affected", Some(runs(cause))),
    ];
    let there = facts.into_iter().filter_map(|(name, value)| Some(format!("<div><dt>{name}</dt><dd>{}</dd></div>", value?)));
    format!("<dl class=\"facts\">{}</dl>", there.collect::<String>())
}

fn runs(cause: &Cause) -> String {
    let run = |run: &RunName| {
        let open = if run.is_open { " <i>open</i>" } else { "" };
        format!("<li title=\"run {}\">{}{open}</li>", shown(&run.run_id), shown(run.name()))
    };
    let more = cause.runs_count.saturating_sub(cause.runs.len() as u64);
    let more = if more > 0 { format!("<li class=\"empty\">and {} more</li>", wording::grouped(more)) } else { String::new() };
    format!("<ul class=\"runs\">{}{more}</ul>", cause.runs.iter().map(run).collect::<String>())
}

fn could_not_tell(report: &Report) -> String {
    let of_one = report.could_not_tell.iter().map(|untold| {
        let (why, more) = untold.why.split_once('\n').unwrap_or((&untold.why, ""));
        let more: Vec<&str> = more.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
        let more = if more.is_empty() { String::new() } else { format!("<pre>{}</pre>", shown(&more.join("\n"))) };
        let names: Vec<String> = untold.of.iter().map(|name| shown(name)).collect();
        let names = wording::first(&names, LISTED_MAX, names.len() as u64);
        let title = if untold.is_unreadable { "cannot read: " } else { "" };
        format!("{title}{}{more}<div class=\"empty\">{names}</div>", shown(why))
    });
    list("Could not be told", of_one.collect())
}

fn patches(report: &Report) -> String {
    let new = wording::patched_here(&report.patched_here).into_iter();
    let new = new.map(|(patch, places)| format!("<code>{}</code>: in {}", shown(&patch), shown(&places)));
    let old = report.patches.iter().filter_map(|patch| Some((patch, patch.advice()?)));
    let old = old.map(|(patch, advice)| format!("<code>{}</code>: {}", shown(&patch.id), shown(&advice)));
    list("New patches, which the code records here", new.collect()) + &list("Patches no longer needed", old.collect())
}

/// A section with a list of what is HTML already; nothing if the list is empty.
fn list(title: &str, items: Vec<String>) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.into_iter().map(|item| format!("<li>{item}</li>")).collect();
    format!("<section class=\"card\"><h2>{title}</h2><ul>{items}</ul></section>")
}

/// Somebody else's text as HTML, without what would turn the direction of reading.
fn shown(text: &str) -> String {
    foretime_page::escaped(&printable(text))
}

#[cfg(test)]
mod tests {
    use foretime_page::escaped;

    use super::*;
    use crate::report::sample;

    #[test]
    fn hostile_text_stays_text() {
        let report = sample::hostile();
        let page = page(&report);
        assert!(!page.contains("<img"), "markup got through");
        let (before, _) = page.split_once("<script").expect("the page has scripts");
        assert!(!before.contains(['\u{202e}', '\u{1b}']), "the direction of reading is turned");
        assert_eq!(page.matches("</script").count(), 2, "a script element ended early");
        assert_eq!(page.matches("<style").count(), 1, "a slot in a value was filled");
        let (_, data) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("the page has data");
        let (data, _) = data.split_once("</script>").expect("the data ends");
        let data: serde_json::Value = serde_json::from_str(data).expect("the data is JSON");
        assert_eq!(data["histories"], serde_json::to_value(&report.checked).unwrap());
    }

    #[test]
    fn the_page_needs_nothing_but_itself() {
        let page = page(&sample::report());
        for outside in ["http:", "https:", "@import", "url(", " src=", "fetch(", "{{"] {
            assert!(!page.contains(outside), "{outside:?} in the page");
        }
    }

    #[test]
    fn what_must_be_read_first_is_there_without_scripts() {
        let report = sample::report();
        let page = page(&report);
        let (before, _) = page.split_once("<script").expect("the page has scripts");
        for (_, cause) in report.causes() {
            assert!(before.contains(&escaped(&wording::sentence(&cause.divergence))));
            assert!(before.contains(&escaped(&cause.divergence.message)));
        }
        for untold in &report.could_not_tell {
            assert!(before.contains(&escaped(&untold.of[0])));
        }
        assert!(before.find("id=\"breaks-0\"") < before.find("id=\"differs-0\""), "what breaks comes first");
    }

    #[test]
    fn what_differs_in_a_value_is_marked() {
        assert_eq!(marked("a<1>z", "a<22>z"), ("a&lt;<mark>1</mark>&gt;z".to_owned(), "a&lt;<mark>22</mark>&gt;z".to_owned()));
        assert_eq!(marked("", "x"), (String::new(), "<mark>x</mark>".to_owned()));
        assert_eq!(marked("aa", "aaa"), ("aa".to_owned(), "aa<mark>a</mark>".to_owned()));
    }

    #[test]
    fn a_check_that_found_nothing_says_so() {
        let page = page(&sample::all_replay());
        assert!(page.contains("<body class=\"passed\">") && !page.contains("class=\"card cause"));
    }
}
