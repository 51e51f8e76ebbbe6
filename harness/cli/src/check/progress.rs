//! What the user sees while the check goes on: one line on stderr, if that is a terminal.

use std::time::Duration;

use foretime_examine::{conduct, report::on_one_line};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// How often the line moves while nothing happens.
const TICK: Duration = Duration::from_millis(200);
/// While nobody knows how much there is to do.
const UNCOUNTED: &str = "{spinner} {msg}";
/// While it is known.
const COUNTED: &str = "{spinner} {prefix} {pos}/{len} {wide_msg}";

/// The line.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A line that says nothing yet; none at all if stderr is no terminal, or not `is_shown`.
    pub(super) fn new(is_shown: bool) -> Self {
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let progress = Self { bar: ProgressBar::with_draw_target(None, target).with_finish(ProgressFinish::AndClear) };
        progress.template(UNCOUNTED);
        if !progress.bar.is_hidden() {
            progress.bar.enable_steady_tick(TICK);
        }
        progress
    }

    /// Another file has been read, or another history of a cluster.
    pub(super) fn read(&self) {
        self.bar.inc(1);
        self.bar.set_message(format!("reading histories: {}", self.bar.position()));
    }

    /// The worker is started, and has not polled yet.
    pub(super) fn waiting(&self) {
        self.template(UNCOUNTED);
        self.bar.set_message("waiting for the worker");
    }

    /// It polls: so many histories are checked now.
    pub(super) fn checking(&self, count: usize) {
        self.bar.set_position(0);
        self.bar.set_length(count as u64);
        self.bar.set_prefix("checking");
        self.bar.set_message("");
        self.template(COUNTED);
    }

    /// Takes the line away, before anything else is written.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }

    fn template(&self, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
    }
}

impl conduct::Progress for Progress {
    /// The worker gets this history now.
    fn begun(&self, name: &str) {
        self.bar.set_message(on_one_line(name));
    }

    /// So many histories have been checked.
    fn done(&self, count: usize) {
        self.bar.set_position(count as u64);
    }
}
