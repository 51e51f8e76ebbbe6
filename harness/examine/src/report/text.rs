//! The report for a terminal.

use foretime_history::verdict::Divergence;

use super::{
    layout::{Terminal, cut, cut_both, on_one_line, padded, printable, width, wrapped},
    model::{Cause, Report, Untold},
    sides::{self, Row},
    wording,
};

/// Lines of a stack that are shown.
const STACK_LINES_MAX: usize = 12;
/// Lines of an SDK's words that are shown.
const MESSAGE_LINES_MAX: usize = 5;
/// Histories that are listed for one reason.
const LISTED_MAX: usize = 10;
/// A side of the table is at least so wide, or the sides stand below each other.
const SIDE_WIDTH_MIN: usize = 24;
/// How wide the table is where nobody knows how wide it may be.
const TABLE_WIDTH: usize = 160;

const RECORDED: &str = "recorded";
const ASKED: &str = "the code asks for";
const ASKED_SHORT: &str = "asked for";

/// All of it.
pub fn text(report: &Report, terminal: Terminal) -> String {
    let writer = Writer { terminal };
    let mut out = String::new();
    for (verdict, cause) in report.causes() {
        out += &writer.cause(verdict, cause);
        out.push('\n');
    }
    let before = out.len();
    for untold in &report.could_not_tell {
        out += &writer.untold(untold);
    }
    for (patch, places) in wording::patched_here(&report.patched_here) {
        let text = format!("{}: the code takes it newly, in {places}", on_one_line(&patch));
        out += &writer.titled("new patch", "32", &on_one_line(&text));
    }
    for patch in &report.patches {
        if let Some(advice) = patch.advice() {
            out += &writer.titled("old patch", "36", &on_one_line(&format!("{}: {advice}", patch.id)));
        }
    }
    for remark in &report.remarks {
        out += &writer.titled("note", "2", &on_one_line(remark));
    }
    if out.len() > before {
        out.push('\n');
    }
    out + &writer.summary(report)
}

/// What is known of a cause besides its sentence, without colours and as wide as it needs.
pub(super) fn details(cause: &Cause) -> String {
    Writer { terminal: Terminal::default() }.details(cause)
}

/// Writes for a terminal. All that it is given may hold what a terminal would obey, so all goes through [`printable`].
struct Writer {
    terminal: Terminal,
}

impl Writer {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.terminal.is_coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn colour_of(verdict: &str) -> &'static str {
        match verdict {
            "replays" => "1;32",
            "breaks" => "1;31",
            _ => "1;33",
        }
    }

    /// A line at the margin that begins with a coloured word.
    fn titled(&self, title: &str, colour: &str, text: &str) -> String {
        let line = wrapped(&format!("{title} {text}"), 0, self.terminal.width);
        line.replacen(title, &self.paint(colour, title), 1)
    }

    /// A line below a title.
    fn line(&self, text: &str) -> String {
        wrapped(&on_one_line(text), 2, self.terminal.width)
    }

    fn cause(&self, verdict: &str, cause: &Cause) -> String {
        let title = on_one_line(&format!("{}: {}", cause.workflow_type, wording::affected(cause)));
        let mut out = self.titled(verdict, Self::colour_of(verdict), &title);
        out += &self.line(&wording::sentence(&cause.divergence));
        out + &self.details(cause)
    }

    fn details(&self, cause: &Cause) -> String {
        let divergence = &cause.divergence;
        let mut out = self.line(&wording::whereabouts(cause));
        out += &self.table(&sides::rows(divergence));
        out += &self.message(divergence);
        out += &self.stacks(divergence);
        if let Some(place) = &cause.place {
            out += &self.line(&format!("in your code: {}:{}", place.file, place.line));
        }
        if !divergence.patches.is_empty() {
            out += &self.line(&format!("patches recorded until there: {}", divergence.patches.join(", ")));
        }
        if let Some(sdks) = wording::sdks(cause) {
            out += &self.line(&sdks);
        }
        if cause.runs_count > 1 {
            let names: Vec<String> = cause.runs.iter().map(wording::listed).collect();
            out += &self.line(&format!("affected: {}", wording::first(&names, LISTED_MAX, cause.runs_count)));
        }
        if let Some(suggestion) = &divergence.suggestion {
            let line = self.line(&format!("suggestion: {suggestion}"));
            out += &line.replacen("suggestion:", &self.paint("1;32", "suggestion:"), 1);
        }
        out
    }

    /// Both sides, beside each other if there is room.
    fn table(&self, rows: &[Row]) -> String {
        let shown = |text: &str| if text.is_empty() { "-".to_owned() } else { on_one_line(text) };
        // Where fields are known to differ, the others say little.
        let is_known = rows.iter().any(|row| row.is_different && !row.field.is_empty());
        let rows: Vec<Row> = rows
            .iter()
            .filter(|row| row.is_different || row.field.is_empty() || !is_known)
            .map(|row| Row {
                field: on_one_line(&row.field),
                recorded: shown(&row.recorded),
                asked: shown(&row.asked),
                is_different: row.is_different,
            })
            .collect();
        let widest = |of: fn(&Row) -> &str| rows.iter().map(|row| width(of(row))).max();
        let Some(names) = widest(|row| &row.field) else { return String::new() };
        let recorded = widest(|row| &row.recorded).unwrap_or(0).max(RECORDED.len());
        let asked = widest(|row| &row.asked).unwrap_or(0).max(ASKED.len());
        // Before it are a mark and the name, with spaces; between the sides, two.
        let room = self.columns().saturating_sub(4 + names + 2 + 2);
        let half = room / 2;
        let (recorded, asked) = match () {
            () if recorded + asked <= room => (recorded, asked),
            () if half < SIDE_WIDTH_MIN => return self.below_each_other(&rows),
            () if recorded <= half => (recorded, room - recorded),
            () if asked <= half => (room - asked, asked),
            () => (half, room - half),
        };
        let head = format!("    {}  {}  {ASKED}", " ".repeat(names), padded(RECORDED, recorded));
        let mut out = self.paint("2", &head) + "\n";
        for row in &rows {
            let (was, is) = cut_both((&row.recorded, recorded), (&row.asked, asked));
            let line = format!("{}  {}  {is}", padded(&row.field, names), padded(&was, recorded));
            out += &format!("  {} {line}\n", self.mark(row.is_different));
        }
        out
    }

    fn below_each_other(&self, rows: &[Row]) -> String {
        let label = RECORDED.len().max(ASKED_SHORT.len());
        let room = self.columns().saturating_sub(6 + label + 1);
        let mut out = String::new();
        for row in rows {
            let (was, is) = cut_both((&row.recorded, room), (&row.asked, room));
            let field = cut(&row.field, self.columns().saturating_sub(4));
            let head = format!("  {} {field}", self.mark(row.is_different));
            if !head.trim().is_empty() {
                out += &format!("{}\n", head.trim_end());
            }
            out += &format!("      {} {was}\n", self.paint("2", &padded(RECORDED, label)));
            out += &format!("      {} {is}\n", self.paint("2", &padded(ASKED_SHORT, label)));
        }
        out
    }

    /// How wide a table may be.
    fn columns(&self) -> usize {
        self.terminal.width.unwrap_or(TABLE_WIDTH)
    }

    fn mark(&self, is_different: bool) -> String {
        if is_different { self.paint("1;31", "≠") } else { " ".to_owned() }
    }

    fn message(&self, divergence: &Divergence) -> String {
        let message = printable(wording::message(divergence).unwrap_or_default());
        let mut lines = message.lines().filter(|line| !line.trim().is_empty());
        let Some(first) = lines.next() else { return String::new() };
        let mut out = self.line(&format!("the SDK says: {first}"));
        lines.take(MESSAGE_LINES_MAX - 1).for_each(|line| out += &self.dim(line));
        out
    }

    fn stacks(&self, divergence: &Divergence) -> String {
        let there =
            |stack: &Option<String>| stack.as_deref().map(str::trim_end).filter(|it| !it.trim().is_empty()).map(printable);
        let (before, after) = (there(&divergence.stack_before), there(&divergence.stack_after));
        if before.is_some() && before == after {
            return self.stack("where the code waits before and after that task", before);
        }
        self.stack("where the code waits before that task", before) + &self.stack("where it waits after that", after)
    }

    fn stack(&self, what: &str, stack: Option<String>) -> String {
        let Some(stack) = stack else { return String::new() };
        let lines: Vec<&str> = stack.lines().filter(|line| !line.trim().is_empty()).collect();
        let margin = lines.iter().map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
        let lines: Vec<&str> = lines.iter().map(|line| &line[margin..]).collect();
        if let [line] = lines[..] {
            return self.line(&format!("{what}: {line}"));
        }
        let mut out = self.line(&format!("{what}:"));
        lines.iter().take(STACK_LINES_MAX).for_each(|line| out += &self.dim(line));
        if lines.len() > STACK_LINES_MAX {
            out += &self.dim(&format!("({} more lines)", lines.len() - STACK_LINES_MAX));
        }
        out
    }

    /// A line of somebody else's text: as it is, cut where the terminal ends.
    fn dim(&self, line: &str) -> String {
        let line = self.terminal.width.map_or_else(|| line.to_owned(), |columns| cut(line, columns.saturating_sub(4)));
        format!("    {}\n", self.paint("2", &line))
    }

    fn untold(&self, untold: &Untold) -> String {
        let title = if untold.is_unreadable { "cannot read" } else { "could not tell" };
        let why = printable(&untold.why);
        let (why, more) = why.split_once('\n').unwrap_or((&why, ""));
        let names = wording::first(&untold.of, LISTED_MAX, untold.of.len() as u64);
        let (what, names) = match untold.of.len() {
            1 => (on_one_line(&names), String::new()),
            count => (wording::counted(count as u64, "history", "histories"), self.line(&names)),
        };
        let mut out = self.titled(title, Self::colour_of("could_not_tell"), &format!("{what}: {why}"));
        more.lines().for_each(|line| out += &self.dim(line.trim_start()));
        out + &names
    }

    /// All of it in a sentence, in which no count is torn from its word.
    fn summary(&self, report: &Report) -> String {
        const TIE: &str = "\u{a0}";
        let outcome = wording::outcome(&report.counts);
        let tied: Vec<String> = outcome.iter().map(|(_, text)| text.replace(' ', TIE)).collect();
        let line = format!("{}: {}", wording::extent(&report.counts), tied.join(", "));
        let line = wrapped(&line, 0, self.terminal.width);
        let painted = outcome.iter().zip(&tied).fold(line, |line, ((verdict, text), tied)| {
            let is_none = text.starts_with("0 ");
            let shown = if is_none { text.clone() } else { self.paint(Self::colour_of(verdict), text) };
            line.replacen(tied, &shown, 1)
        });
        painted.replace(TIE, " ")
    }
}
