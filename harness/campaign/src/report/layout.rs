//! Where everything lies on the page's time axis. A run sleeps for a month between bursts of milliseconds, and drawn to scale
//! nothing would be visible. So the distance between two instants grows with the logarithm of time, and long idle times are
//! breaks. An instant at which much happens is as wide as it needs, with its events side by side in the order of their steps.
//! `page/page.js` only draws this.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Report, Span, SpanKind};

/// Places on an axis without a unit, with two decimals.
#[derive(Debug, Serialize)]
pub(crate) struct Layout {
    instants: Vec<Instant>,
    /// The indices of the instants that are followed by a long idle time.
    breaks: Vec<usize>,
    /// For each event of the report: its place.
    events: Vec<f64>,
    /// For each span of the report: its place.
    spans: Vec<Bar>,
    /// For each process of the report: the left and right edges of its lives.
    lives: Vec<Vec<(f64, f64)>>,
}

/// An instant at which something began, happened or ended.
#[derive(Debug, Serialize)]
struct Instant {
    at_ns: u64,
    left: f64,
    right: f64,
    /// The steps of its events, in order.
    #[serde(skip)]
    steps: Vec<u64>,
}

/// A span's place: its left and right edges, and its row among those of its kind and process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Bar {
    left: f64,
    right: f64,
    row: usize,
}

impl Layout {
    pub(crate) fn of(report: &Report) -> Self {
        let (instants, breaks) = instants(report);
        let find = |at_ns: u64| {
            let index = instants.binary_search_by_key(&at_ns, |instant| instant.at_ns);
            &instants[index.expect("every time in the report is one of the instants")]
        };
        let mut events = vec![0.0; report.events.len()];
        let mut order: Vec<usize> = (0..events.len()).collect();
        order.sort_by_key(|&index| (report.events[index].at_ns, report.events[index].step));
        let (mut before_ns, mut rank) = (None, 0);
        for index in order {
            let at_ns = report.events[index].at_ns;
            rank = if before_ns == Some(at_ns) { rank + 1 } else { 0 };
            before_ns = Some(at_ns);
            events[index] = find(at_ns).place(rank);
        }
        let bars: Vec<Bar> = report.spans.iter().map(|span| bar(span, find(span.from_ns), find(span.to_ns))).collect();
        let lives = report
            .processes
            .iter()
            .map(|process| process.lives.iter().map(|life| (find(life.from_ns).left, find(life.to_ns).right)).collect());
        let lives = lives.collect();
        let spans = in_rows(report, bars);
        Self { instants, breaks, events, spans, lives }
    }
}

impl Instant {
    /// The place of its nth event.
    fn place(&self, rank: usize) -> f64 {
        let last = self.steps.len().saturating_sub(1);
        rounded(self.left + (self.right - self.left) * rank.min(last) as f64 / last.max(1) as f64)
    }

    fn middle(&self) -> f64 {
        rounded(f64::midpoint(self.left, self.right))
    }
}

/// All instants of the run, and those that are followed by a break.
fn instants(report: &Report) -> (Vec<Instant>, Vec<usize>) {
    let mut steps_at: BTreeMap<u64, Vec<u64>> = BTreeMap::from([(0, Vec::new()), (report.ended_at_ns, Vec::new())]);
    let lives = report.processes.iter().flat_map(|process| &process.lives).flat_map(|life| [life.from_ns, life.to_ns]);
    for at_ns in report.spans.iter().flat_map(|span| [span.from_ns, span.to_ns]).chain(lives) {
        steps_at.entry(at_ns).or_default();
    }
    for event in &report.events {
        steps_at.entry(event.at_ns).or_default().push(event.step);
    }
    let idle_ns: Vec<u64> = steps_at.keys().zip(steps_at.keys().skip(1)).map(|(from, to)| to - from).collect();
    let break_ns = break_ns(&idle_ns);
    let breaks: Vec<usize> = (0..idle_ns.len()).filter(|&after| idle_ns[after] >= break_ns).collect();

    let instant_width = |steps: &[u64]| steps.len().saturating_sub(1) as f64;
    let idle_width = |ns: u64| 1.0 + (1.0 + ns as f64 / 1_000.0).log10();
    let of_breaks: f64 = breaks.iter().map(|&after| idle_width(idle_ns[after])).sum();
    let of_others = idle_ns.iter().map(|&ns| idle_width(ns)).sum::<f64>() - of_breaks;
    let of_instants: f64 = steps_at.values().map(|steps| instant_width(steps)).sum();
    // Together, breaks are wide enough for their labels, as long as there are few.
    let share = (0.04 * breaks.len() as f64).min(0.5);
    let stretch = if breaks.is_empty() { 1.0 } else { ((of_instants + of_others) * share / of_breaks).max(1.0) };

    let mut x = 0.0;
    let mut instants = Vec::with_capacity(steps_at.len());
    for (index, (at_ns, mut steps)) in steps_at.into_iter().enumerate() {
        steps.sort_unstable();
        let left = x;
        x += instant_width(&steps);
        instants.push(Instant { at_ns, left: rounded(left), right: rounded(x), steps });
        if let Some(&ns) = idle_ns.get(index) {
            x += idle_width(ns) * if ns >= break_ns { stretch } else { 1.0 };
        }
    }
    (instants, breaks)
}

/// The idle time from which there is a break: much longer than the usual time between two instants.
fn break_ns(idle_ns: &[u64]) -> u64 {
    let mut sorted = idle_ns.to_vec();
    sorted.sort_unstable();
    let median_ns = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    median_ns.saturating_mul(20).clamp(100_000_000, 60_000_000_000)
}

/// A span goes from its first event to its last. Without known steps it begins and ends in the middle of its instants. If both
/// are the same instant, it is as wide as that instant.
fn bar(span: &Span, from: &Instant, to: &Instant) -> Bar {
    let one = from.at_ns == to.at_ns;
    let left = match span.from_step {
        Some(step) => from.place(from.steps.partition_point(|&other| other < step)),
        None => [from.middle(), from.left][usize::from(one)],
    };
    let right = match span.to_step {
        Some(step) => to.place(to.steps.partition_point(|&other| other <= step).saturating_sub(1)),
        None => [to.middle(), to.right][usize::from(one)],
    };
    Bar { left, right: right.max(left), row: 0 }
}

/// Bars that would overlap get rows of their own, up to a few.
fn in_rows(report: &Report, mut bars: Vec<Bar>) -> Vec<Bar> {
    let mut order: Vec<usize> = (0..bars.len()).collect();
    order.sort_by(|&a, &b| bars[a].left.total_cmp(&bars[b].left).then(a.cmp(&b)));
    let mut ends: BTreeMap<(usize, &str), Vec<f64>> = BTreeMap::new();
    for index in order {
        let (kind, most) = match report.spans[index].kind {
            SpanKind::Activity => ("activity", 3),
            SpanKind::WorkflowTask => ("workflow task", 2),
            SpanKind::Update => ("update", 3),
        };
        let rows = ends.entry((report.spans[index].process, kind)).or_default();
        // The first free row, a new one, or, when there are enough, the one that is free first.
        let row = match rows.iter().position(|&end| end <= bars[index].left) {
            Some(row) => row,
            None if rows.len() < most => {
                rows.push(0.0);
                rows.len() - 1
            }
            None => (0..most).min_by(|&a, &b| rows[a].total_cmp(&rows[b])).unwrap_or_default(),
        };
        rows[row] = rows[row].max(bars[index].right);
        bars[index].row = row;
    }
    bars
}

fn rounded(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::SpanKind, report::sample};

    const DAY_NS: u64 = 86_400_000_000_000;

    fn idle_ns(layout: &Layout, after: usize) -> u64 {
        layout.instants[after + 1].at_ns - layout.instants[after].at_ns
    }

    #[test]
    fn idle_time_is_squeezed_into_breaks() {
        let layout = Layout::of(&sample::double_charge());
        let idle: Vec<u64> = layout.breaks.iter().map(|&after| idle_ns(&layout, after) / 1_000_000_000).collect();
        assert_eq!(idle, [30 * 86_400 - 1, 30 * 86_400 - 1, 4, 6, 1, 15 * 86_400 - 12, 1]);

        let end = layout.instants.last().expect("there are some").right;
        for &after in &layout.breaks {
            let width = layout.instants[after + 1].left - layout.instants[after].right;
            assert!(
                width > 0.01 * end && width < 0.1 * end,
                "a break of {} ns takes {width} of {end}",
                idle_ns(&layout, after)
            );
        }
    }

    #[test]
    fn breaks_have_room_for_their_labels_among_many_events() {
        let layout = Layout::of(&sample::year(2_000));
        let widths = layout.breaks.iter().map(|&after| layout.instants[after + 1].left - layout.instants[after].right);
        let share = widths.sum::<f64>() / layout.instants.last().expect("there are some").right;
        assert!((0.25..0.4).contains(&share), "{} breaks take {share} of the axis", layout.breaks.len());
    }

    #[test]
    fn later_is_further_right() {
        for report in [sample::double_charge(), sample::year(2_000)] {
            let layout = Layout::of(&report);
            assert!(layout.instants.iter().all(|instant| instant.left <= instant.right));
            assert!(layout.instants.windows(2).all(|pair| pair[0].right < pair[1].left));
            let mut order: Vec<usize> = (0..report.events.len()).collect();
            order.sort_by_key(|&index| (report.events[index].at_ns, report.events[index].step));
            assert!(order.windows(2).all(|pair| layout.events[pair[0]] < layout.events[pair[1]]));
        }
    }

    #[test]
    fn a_steady_pace_has_no_breaks() {
        let mut report = sample::double_charge();
        report.spans.clear();
        report.processes.clear();
        report.ended_at_ns = 0;
        for (at, event) in (0..).zip(&mut report.events) {
            event.at_ns = at * 5_000_000_000;
        }
        assert!(Layout::of(&report).breaks.is_empty());
    }

    #[test]
    fn a_span_lies_among_the_events_of_its_steps() {
        let mut report = sample::double_charge();
        for (at, event) in (0..).zip(&mut report.events) {
            event.at_ns = DAY_NS * (at / 10);
        }
        let (from_step, to_step) = (report.events[2].step, report.events[5].step);
        report.spans.truncate(1);
        report.spans[0] =
            Span { from_ns: 0, to_ns: 0, from_step: Some(from_step), to_step: Some(to_step), ..report.spans[0].clone() };
        let layout = Layout::of(&report);
        assert_eq!(layout.spans, [Bar { left: layout.events[2], right: layout.events[5], row: 0 }]);
    }

    #[test]
    fn spans_at_the_same_time_get_rows_of_their_own_up_to_a_few() {
        let mut report = sample::double_charge();
        let of = |kind, from_ns, to_ns| Span {
            process: 2,
            kind,
            from_ns,
            to_ns,
            from_step: None,
            to_step: None,
            ..report.spans[0].clone()
        };
        let activities = (0..5).map(|at| of(SpanKind::Activity, at, 100));
        report.spans = activities.chain([of(SpanKind::Activity, 200, 300), of(SpanKind::WorkflowTask, 0, 100)]).collect();
        let rows: Vec<usize> = Layout::of(&report).spans.iter().map(|bar| bar.row).collect();
        assert_eq!(rows[..3], [0, 1, 2]);
        assert!(rows.iter().all(|&row| row < 3));
        assert_eq!(rows[5..], [0, 0], "a free row is used again, and each kind has its own");
    }

    #[test]
    fn an_empty_run_has_an_axis() {
        let mut report = sample::double_charge();
        report.events.clear();
        report.spans.clear();
        report.processes.clear();
        report.ended_at_ns = 0;
        assert_eq!(Layout::of(&report).instants.len(), 1);
    }
}
