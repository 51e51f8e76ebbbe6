//! How far a campaign is: a bar on a terminal, and elsewhere a line now and then. A search that takes long is told in lines.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::settings::Settings;
use crate::case::Case;

/// How often a line is written, in real time.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// How far a campaign is.
pub(super) struct Progress {
    /// It counts the seeds, also where it is not drawn.
    bar: ProgressBar,
    name: String,
    begun: Instant,
    goal: Goal,
}

/// When it is over.
#[derive(Clone, Copy)]
enum Goal {
    /// After this many seeds.
    Seeds(u64),
    /// After this much real time.
    Time(Duration),
}

impl Progress {
    /// Nothing has run. The bar is drawn on standard error, if that is a terminal.
    pub(super) fn begin(case: &Case, settings: &Settings) -> Self {
        let goal = settings.budget.map_or(Goal::Seeds(settings.runs), Goal::Time);
        let bar = match goal {
            Goal::Seeds(runs) => ProgressBar::new(runs),
            Goal::Time(_) => ProgressBar::no_length(),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Some(style) = style(goal) {
            bar.set_style(style);
        }
        bar.set_message(case.name.clone());
        Self { bar, name: case.name.clone(), begun: Instant::now(), goal }
    }

    /// Notes that a seed is done.
    pub(super) fn seed_is_done(&self) {
        self.bar.inc(1);
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Writes a line to standard error now and then until the other end of the channel is dropped. Where the bar is drawn it
    /// writes nothing.
    pub(super) fn tell_until(&self, over: &Receiver<()>) {
        while over.recv_timeout(LINE_EVERY) == Err(RecvTimeoutError::Timeout) {
            if self.bar.is_hidden() {
                let line = line(&self.name, self.bar.position(), self.goal, self.begun.elapsed());
                // Not `eprintln!`: what that writes is not shown until the test has failed.
                let _ = writeln!(io::stderr(), "foretime: {line}");
            }
        }
    }
}

/// Does `work`, the search for the least that makes this seed of a test fail, and says so now and then if it takes long.
pub(super) fn searching<T>(test: &str, seed: u64, work: impl FnOnce() -> T) -> T {
    let (running, over) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let begun = Instant::now();
            while over.recv_timeout(LINE_EVERY) == Err(RecvTimeoutError::Timeout) {
                let elapsed_s = begun.elapsed().as_secs();
                // Not `eprintln!`, as above.
                let _ = writeln!(
                    io::stderr(),
                    "foretime: {test}: seed {seed} failed; for {elapsed_s} s, the least that makes it fail has been looked for"
                );
            }
        });
        let done = work();
        drop(running);
        done
    })
}

fn style(goal: Goal) -> Option<ProgressStyle> {
    let template = match goal {
        Goal::Seeds(_) => "{msg} {wide_bar} {human_pos} of {human_len} seeds, {speed}, {elapsed}",
        Goal::Time(_) => "{msg} {spinner} {human_pos} seeds, {speed}, {left}",
    };
    let speed = |state: &ProgressState, to: &mut dyn std::fmt::Write| {
        let _ = to.write_str(&speed(state.pos(), state.elapsed()));
    };
    let left = move |state: &ProgressState, to: &mut dyn std::fmt::Write| {
        if let Goal::Time(budget) = goal {
            let _ = to.write_str(&left(budget, state.elapsed()));
        }
    };
    Some(ProgressStyle::with_template(template).ok()?.with_key("speed", speed).with_key("left", left))
}

/// How far it is, in words: "a year: 1,200 of 10,000 seeds, 41 a second".
fn line(name: &str, seeds: u64, goal: Goal, elapsed: Duration) -> String {
    let mut line = format!("{name}: {}", grouped(seeds));
    if let Goal::Seeds(runs) = goal {
        let _ = write!(line, " of {}", grouped(runs));
    }
    let _ = write!(line, " seeds, {}", speed(seeds, elapsed));
    if let Goal::Time(budget) = goal {
        let _ = write!(line, ", {}", left(budget, elapsed));
    }
    line
}

/// How many seeds run in a second.
#[expect(clippy::cast_precision_loss, reason = "shown to people")]
fn speed(seeds: u64, elapsed: Duration) -> String {
    let a_second = seeds as f64 / elapsed.as_secs_f64().max(1e-9);
    let digits = usize::from(a_second < 10.0);
    format!("{a_second:.digits$} a second")
}

/// How much of the time is left.
fn left(budget: Duration, elapsed: Duration) -> String {
    let seconds = budget.saturating_sub(elapsed).as_secs();
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s left"),
        (0, minutes) => format!("{minutes} min {} s left", seconds % 60),
        (hours, minutes) => format!("{hours} h {minutes} min left"),
    }
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_many_of_how_many_and_how_fast() {
        let after = Duration::from_secs(30);
        assert_eq!(line("a year", 1_230, Goal::Seeds(10_000), after), "a year: 1,230 of 10,000 seeds, 41 a second");
        assert_eq!(line("a year", 75, Goal::Seeds(100), after), "a year: 75 of 100 seeds, 2.5 a second");
        assert_eq!(line("a year", 0, Goal::Seeds(1_000_000), after), "a year: 0 of 1,000,000 seeds, 0.0 a second");
    }

    #[test]
    fn a_line_says_how_much_time_is_left_of_a_budget() {
        let after = |secs: u64| line("a year", 6_000, Goal::Time(Duration::from_secs(7_200)), Duration::from_secs(secs));
        assert_eq!(after(60), "a year: 6,000 seeds, 100 a second, 1 h 59 min left");
        assert_eq!(after(7_000), "a year: 6,000 seeds, 0.9 a second, 3 min 20 s left");
        assert_eq!(after(7_190), "a year: 6,000 seeds, 0.8 a second, 10 s left");
        assert_eq!(after(7_300), "a year: 6,000 seeds, 0.8 a second, 0 s left");
    }
}
