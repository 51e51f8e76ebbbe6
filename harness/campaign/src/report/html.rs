//! The HTML report: one file that needs no network. What must be read first (the failure, the story, the command) is plain HTML
//! and shows without scripts. So do the text timeline and the output. The rest is data for `page/page.js`.
//!
//! Everything in a report may have been chosen by an adversary of the page (a workflow id such as `</script><img
//! onerror=...>`). Text goes through [`escaped`], data through [`embedded`], the script writes text nodes only, and the page's
//! policy allows no other script than its own.

use foretime_page::{embedded, escaped, filled};
use serde::Serialize;

use super::{doom, layout::Layout, timeline};
use crate::{model::Report, words::duration};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = concat!(include_str!("page/drawing.js"), include_str!("page/histories.js"), include_str!("page/page.js"));

/// The width of the text timeline, which replaces the drawn one where scripts are forbidden.
const TEXT_WIDTH: usize = 120;

/// The data for the script.
#[derive(Serialize)]
struct Data<'a> {
    report: &'a Report,
    layout: Layout,
}

/// The whole page.
pub(crate) fn page(report: &Report) -> String {
    filled(PAGE, |slot| match slot {
        "policy" => foretime_page::POLICY.to_owned(),
        "style" => format!("{}{STYLE}", foretime_page::STYLE),
        "script" => SCRIPT.to_owned(),
        "data" => embedded(&Data { report, layout: Layout::of(report) }),
        "verdict" => if report.failed { "failed" } else { "passed" }.to_owned(),
        "test" => escaped(&report.test),
        "test_name" => escaped(&report.test).replace('_', "_<wbr>"),
        "seed" => report.seed.to_string(),
        "facts" => facts(report),
        "failure" => failure(report),
        "story" => story(report),
        "doom" => report.doom.as_ref().map_or_else(String::new, doom::figure),
        "repeat" => escaped(&report.repeat),
        "text_timeline" => escaped(&timeline::text(report, TEXT_WIDTH)),
        "output" => escaped(&report.output),
        _ => String::new(),
    })
}

fn failure(report: &Report) -> String {
    let Some(failure) = &report.failure else { return String::new() };
    let detail = if failure.detail.is_empty() { String::new() } else { format!("<pre>{}</pre>", escaped(&failure.detail)) };
    format!("<section class=\"failure\"><h2>{}</h2>{detail}</section>", escaped(&failure.title))
}

fn story(report: &Report) -> String {
    let omitted = report.omitted.as_ref().map_or_else(String::new, |text| format!("<p class=\"empty\">{}</p>", escaped(text)));
    if report.story.is_empty() {
        return omitted;
    }
    let list = |sentences: &[String]| -> String {
        let lines = sentences.iter().map(|sentence| format!("<li>{}</li>", escaped(sentence)));
        format!("<ol>{}</ol>", lines.collect::<String>())
    };
    let untold = match report.untold.len() {
        0 => String::new(),
        count => format!("<details><summary>What else came of it ({count})</summary>{}</details>", list(&report.untold)),
    };
    format!("<section class=\"story\"><h2>What happened</h2>{}{untold}{omitted}</section>", list(&report.story))
}

/// The figures of the run, as pairs of a description list.
fn facts(report: &Report) -> String {
    let injected = report.faults.iter().map(|fault| fault.count).sum::<u64>();
    let kinds: Vec<String> =
        report.faults.iter().map(|fault| format!("{} {}", fault.count, fault.kind.replace('_', " "))).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    const HOSTILE: &str = "</script><img src=x onerror=alert(1)>{{style}}<!--\"'&\u{2028}";

    /// The JSON that the page carries.
    fn data_of(page: &str) -> serde_json::Value {
        let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("the page has data");
        let (data, _) = rest.split_once("</script>").expect("the data ends");
        serde_json::from_str(data).expect("the data is JSON")
    }

    #[test]
    fn hostile_text_stays_text() {
        let mut report = sample::double_charge();
        report.processes[2].name = HOSTILE.to_owned();
        report.events[0].label = HOSTILE.to_owned();
        report.spans[0].detail = HOSTILE.to_owned();
        report.workflows[0].workflow_id = HOSTILE.to_owned();
        report.workflows[0].history = serde_json::json!({"events": [{HOSTILE: HOSTILE}]});
        report.failure = report.failure.map(|failure| crate::model::Failure { title: HOSTILE.to_owned(), ..failure });
        report.story[0] = HOSTILE.to_owned();
        report.untold = vec![HOSTILE.to_owned()];
        for text in [&mut report.test, &mut report.repeat, &mut report.trace_hash, &mut report.output] {
            *text = HOSTILE.to_owned();
        }

        let page = page(&report);

        assert!(!page.contains("<img"), "markup got through");
        assert_eq!(page.matches("</script").count(), 2, "a script element ended early");
        assert_eq!(page.matches("<style").count(), 2, "a slot in a value was filled");
        let carried: Report = serde_json::from_value(data_of(&page)["report"].clone()).expect("a report");
        assert_eq!(carried, report);
    }

    #[test]
    fn the_page_needs_nothing_but_itself() {
        let page = page(&sample::double_charge()).replace("http://www.w3.org/2000/svg", "");
        for outside in ["http:", "https:", "@import", "url(", " src=", "fetch(", "{{"] {
            assert!(!page.contains(outside), "{outside:?} in the page");
        }
    }

    #[test]
    fn what_must_be_read_first_is_there_without_scripts() {
        let report = sample::double_charge();
        let page = page(&report);
        let (before, _) = page.split_once("<script").expect("the page has scripts");
        let failure = report.failure.expect("it failed");
        for text in [&failure.title, &report.story[1], &report.repeat, &report.output, &report.seed.to_string()] {
            assert!(before.contains(&escaped(text)), "{text:?} is missing");
        }
        assert!(before.contains("┄┄┄┄ 30 days ┄┄┄┄"), "the text timeline stands in for the drawn one");
        assert!(before.contains("class=\"failed\""));
    }

    #[test]
    fn a_run_that_passed_says_so() {
        let mut report = sample::double_charge();
        (report.failed, report.failure) = (false, None);
        let page = page(&report);
        assert!(page.contains("class=\"passed\"") && page.contains("<title>passed: "));
        assert!(!page.contains("<section class=\"failure\">"));
    }
}
