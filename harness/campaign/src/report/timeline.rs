//! The timeline of a run for a terminal: a few dozen lines around what matters, with processes side by side and virtual time
//! downwards. The page draws all of it (`layout`, `html`).

use std::{borrow::Cow, collections::BTreeSet};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{
    model::{Ended, Event, EventKind, Outcome, Report, Span, SpanKind},
    words::duration,
};

/// How many moments the text shows at most; with the gaps between them it stays within a screen or two.
const ROWS: usize = 26;
/// Idle time of at least this much gets a line.
const GAP_NS: u64 = 1_000_000_000;
/// The width of the column of times: `364d 00:00:00.000`.
const TIME: usize = 17;

/// One moment of the text.
struct Row<'a> {
    at_ns: u64,
    step: u64,
    process: Option<usize>,
    mark: char,
    label: Cow<'a, str>,
    detail: &'a str,
    workflow_id: Option<&'a str>,
    tier: Tier,
}

/// How much a moment matters, the most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Important,
    Fault,
    Effect,
    NearFault,
    Work,
    Rest,
}

/// The moments that matter, one a line: virtual time since the start, a column for each process involved, and what happened.
/// ASCII and box drawing only. No line is longer than `width`, which is at least 40.
pub(crate) fn text(report: &Report, width: usize) -> String {
    let width = width.max(40);
    let mut all = rows(report);
    mark_near_faults(&mut all);
    let total = all.len();
    let rows = chosen(all);
    let columns = Columns::of(report, &rows, width);
    let mut lines = columns.header(report);
    let mut before: Option<u64> = None;
    for row in &rows {
        let idle_ns = row.at_ns - before.unwrap_or(row.at_ns);
        if idle_ns >= GAP_NS {
            lines.push(format!("{:>TIME$} ┄┄┄┄ {} ┄┄┄┄", "", duration(idle_ns)));
        }
        let time = if before == Some(row.at_ns) { String::new() } else { offset(row.at_ns) };
        lines.push(format!("{time:>TIME$} {}", columns.line(report, row)));
        before = Some(row.at_ns);
    }
    if rows.len() < total {
        lines.push(format!("{:>TIME$} {} of {total} moments; the HTML report has all of them", "", rows.len()));
    }
    let cut = |line: String| line.chars().take(width).collect::<String>().trim_end().to_owned() + "\n";
    lines.into_iter().map(cut).collect()
}

/// Everything that could be shown: events, attempts of activities, updates, and the ends of lives that have no event.
fn rows(report: &Report) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = report.events.iter().map(row_of_event).collect();
    let shown = report.spans.iter().filter(|span| matches!(span.kind, SpanKind::Activity | SpanKind::Update));
    rows.extend(shown.flat_map(rows_of_span));
    for (process, life) in
        report.processes.iter().enumerate().flat_map(|(index, it)| it.lives.iter().map(move |life| (index, life)))
    {
        let fatal = matches!(life.ended, Ended::Crash | Ended::Panic);
        if !fatal {
            continue;
        }
        let tells = |row: &&mut Row<'_>| {
            (row.at_ns, row.process) == (life.to_ns, Some(process))
                && matches!(row.tier, Tier::Important | Tier::Fault)
                && row.mark != '*'
        };
        match rows.iter_mut().rfind(tells) {
            Some(row) => row.mark = '╳',
            None => {
                let label = Cow::Borrowed(if life.ended == Ended::Panic { "panic" } else { "crash" });
                let (at_ns, step) = (life.to_ns, u64::MAX);
                let tier = Tier::Fault;
                rows.push(Row { at_ns, step, process: Some(process), mark: '╳', label, detail: "", workflow_id: None, tier });
            }
        }
    }
    rows.sort_by_key(|row| (row.at_ns, row.step));
    rows
}

/// The start and end of an attempt or an update; no end if its process or the run ended first.
fn rows_of_span(span: &Span) -> impl Iterator<Item = Row<'_>> {
    let ended = match span.outcome {
        Outcome::Completed => Some("completed"),
        Outcome::Failed => Some("failed"),
        Outcome::Lost => Some("was lost"),
        Outcome::Crashed | Outcome::Running => None,
    };
    let row = |at_ns, step: Option<u64>, mark, what: &str| Row {
        at_ns,
        step: step.unwrap_or(u64::MAX),
        process: Some(span.process),
        mark,
        label: Cow::Owned(format!("{} ({}) {what}", span.label, span.detail)),
        detail: "",
        workflow_id: span.workflow_id.as_deref(),
        tier: Tier::Work,
    };
    let end = ended.map(|ended| row(span.to_ns, span.to_step, '└', ended));
    [row(span.from_ns, span.from_step, '┌', "began")].into_iter().chain(end)
}

fn row_of_event(event: &Event) -> Row<'_> {
    let (mark, tier) = match event.kind {
        EventKind::Fault => ('!', Tier::Fault),
        EventKind::Effect => ('*', Tier::Effect),
        EventKind::Panic => ('╳', Tier::Important),
        EventKind::Check => ('?', Tier::NearFault),
        EventKind::Test => ('o', Tier::Rest),
        EventKind::Log => ('.', Tier::Rest),
        EventKind::Rpc => ('-', Tier::Rest),
    };
    Row {
        at_ns: event.at_ns,
        step: event.step,
        process: event.process,
        mark,
        label: Cow::Borrowed(&event.label),
        detail: &event.detail,
        workflow_id: event.workflow_id.as_deref(),
        tier: if event.important { Tier::Important } else { tier },
    }
}

/// What the same process or workflow did just before and after a fault explains the fault.
fn mark_near_faults(rows: &mut [Row<'_>]) {
    let faults: Vec<usize> = (0..rows.len()).filter(|&index| rows[index].tier <= Tier::Fault).collect();
    for fault in faults {
        let (process, workflow_id) = (rows[fault].process, rows[fault].workflow_id);
        let near = |row: &Row<'_>| row.process == process || (workflow_id.is_some() && row.workflow_id == workflow_id);
        let (before, after) = rows.split_at_mut(fault);
        let neighbours = before.iter_mut().rev().take(8).find(|row| near(row)).into_iter();
        for row in neighbours.chain(after[1..].iter_mut().take(8).find(|row| near(row))) {
            row.tier = row.tier.min(Tier::NearFault);
        }
    }
}

/// The [`ROWS`] that matter most; among equals those nearest to the last important one, where the run went wrong.
fn chosen(rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    let focus = rows.iter().rposition(|row| row.tier == Tier::Important).unwrap_or(rows.len());
    let nothing_matters = rows.iter().all(|row| row.tier == Tier::Rest);
    let mut candidates: Vec<usize> =
        (0..rows.len()).filter(|&index| nothing_matters || rows[index].tier < Tier::Rest).collect();
    candidates.sort_by_key(|&index| (rows[index].tier, index.abs_diff(focus)));
    let kept: BTreeSet<usize> = candidates.into_iter().take(ROWS).collect();
    rows.into_iter().enumerate().filter(|(index, _)| kept.contains(index)).map(|(_, row)| row).collect()
}

/// The processes that appear in the rows, each with its column. If their names do not fit, they are numbered.
struct Columns {
    processes: Vec<usize>,
    /// The heading of each process's column.
    heads: Vec<String>,
    numbered: bool,
    text_width: usize,
}

impl Columns {
    fn of(report: &Report, rows: &[Row<'_>], width: usize) -> Self {
        let involved: BTreeSet<usize> =
            rows.iter().filter_map(|row| row.process).filter(|&it| it < report.processes.len()).collect();
        let processes: Vec<usize> = involved.into_iter().collect();
        let mut heads: Vec<String> = processes.iter().map(|&index| plain(&report.processes[index].name)).collect();
        let room = |heads: &[String]| width.saturating_sub(TIME + 1 + heads.iter().map(|head| head.width() + 2).sum::<usize>());
        let numbered = room(&heads) < width.min(90) / 2;
        if numbered {
            heads = (1..=processes.len()).map(|number| number.to_string()).collect();
        }
        let text_width = room(&heads).max(12);
        Self { processes, heads, numbered, text_width }
    }

    fn header(&self, report: &Report) -> Vec<String> {
        let mut lines = Vec::new();
        if self.numbered {
            let names =
                self.processes.iter().zip(&self.heads).map(|(&index, head)| (head, plain(&report.processes[index].name)));
            lines.extend(names.map(|(head, name)| format!("{head:>TIME$} {name}")));
        }
        lines.push(format!("{:>TIME$} {}", "time", self.heads.iter().map(|head| format!("{head}  ")).collect::<String>()));
        lines
    }

    fn line(&self, report: &Report, row: &Row<'_>) -> String {
        let mut line = String::new();
        for (&index, head) in self.processes.iter().zip(&self.heads) {
            let alive = report.processes[index].lives.iter().any(|life| life.from_ns <= row.at_ns && row.at_ns <= life.to_ns);
            let mark = if row.process == Some(index) { row.mark } else { [' ', '│'][usize::from(alive)] };
            line += &format!("{mark:<0$}", head.width() + 2);
        }
        let mut says = plain(&row.label);
        if row.tier <= Tier::Effect && !row.detail.is_empty() {
            says += ": ";
            says += &plain(row.detail.lines().next().unwrap_or_default());
        }
        if says.width() > self.text_width {
            while says.width() > self.text_width - 2 {
                says.pop();
            }
            says += "..";
        }
        line + &says
    }
}

/// Names and labels are the user's. Characters without width, such as those that control a terminal, would break the columns.
fn plain(text: &str) -> String {
    text.chars().map(|char| if char.width().is_some_and(|width| width > 0) { char } else { '?' }).collect()
}

/// Since the start: `30d 00:00:01.002`.
fn offset(ns: u64) -> String {
    let ms = ns / 1_000_000;
    let (s, m, h, days) = (ms / 1_000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    let time = format!("{:02}:{:02}.{:03}", m % 60, s % 60, ms % 1_000);
    match (days, h % 24) {
        (0, 0) => time,
        (0, h) => format!("{h:02}:{time}"),
        // With days, milliseconds make the column too wide only after 99 days; they tell bursts apart, so they stay.
        (days, h) => format!("{days}d {h:02}:{time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// The first line that contains the words.
    fn line<'a>(text: &'a str, words: &str) -> &'a str {
        text.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no line has {words:?}:\n{text}"))
    }

    #[test]
    fn it_tells_how_the_run_failed() {
        let text = text(&sample::double_charge(), 120);
        assert_eq!(
            line(&text, "worker 1 crashes").split_whitespace().take(5).collect::<Vec<_>>(),
            ["60d", "00:00:00.041", "│", "╳", "│"]
        );
        assert_eq!(line(&text, "11 s").trim(), "┄┄┄┄ 11 s 2 ms ┄┄┄┄");
        assert!(line(&text, "began").contains('┌') && line(&text, ") completed").contains('└'), "{text}");
        assert_eq!(text.matches("charge card 7: 29.99 for month 2, no key").count(), 2);
        assert_eq!(text.matches("┄┄┄┄ 30 days ┄┄┄┄").count(), 2);
        let at = |words: &str| text.find(words).expect("it is there");
        assert!(
            at("month 2") < at("worker 1 crashes") && at("worker 1 crashes") < at("11 s") && at("11 s") < at("exactly once")
        );
    }

    #[test]
    fn marks_stand_under_the_names_of_their_processes() {
        let text = text(&sample::double_charge(), 120);
        let column = |words: &str, mark: &str| {
            let line = line(&text, words);
            line[..line.find(mark).unwrap_or_else(|| panic!("no {mark:?} in {line:?}"))].chars().count()
        };
        assert_eq!(column("worker 1 crashes", "╳"), column("time test", "worker 1"));
        assert_eq!(column("exactly once", "?"), column("time test", "test"));
    }

    #[test]
    fn it_stays_within_a_screen_and_its_width() {
        let report = sample::year(2_000);
        for width in [20, 60, 80, 100, 200] {
            let text = text(&report, width);
            assert!(text.lines().count() <= 64, "{} lines", text.lines().count());
            assert!(text.lines().all(|line| line.width() <= width.max(40)), "wider than {width}:\n{text}");
        }
        let important = report.events.iter().filter(|event| event.important);
        let text = text(&report, 120);
        for event in important {
            assert!(text.contains(&offset(event.at_ns)), "{event:?} is missing:\n{text}");
        }
    }

    #[test]
    fn a_crash_that_no_event_tells_of_is_shown() {
        let mut report = sample::double_charge();
        report.events.retain(|event| event.kind != EventKind::Fault);
        let text = text(&report, 120);
        assert!(line(&text, "╳").ends_with("crash"), "{text}");
    }

    #[test]
    fn a_dead_process_has_no_line() {
        let mut report = sample::double_charge();
        report.processes[2].lives.truncate(1);
        let text = text(&report, 120);
        assert_eq!(line(&text, "RespondActivityTaskCompleted").matches('│').count(), 1, "{text}");
    }

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        let mut report = sample::double_charge();
        report.processes[2].name = "w\u{1b}[31m\u{202e}".to_owned();
        for event in &mut report.events {
            (event.label, event.detail) = ("caf\u{e9}\u{1b}[2J\tx".to_owned(), "\u{20ac} 7\r\ntwo".to_owned());
        }
        let text = text(&report, 120);
        let steers = |char: char| char != '\n' && char.is_control() || char == '\u{202e}';
        assert!(!text.contains(steers), "{text:?}");
        assert!(text.contains("caf\u{e9}?[2J?x: \u{20ac} 7"), "{text}");
    }
}
