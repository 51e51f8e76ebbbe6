//! What is to be said in the log. The engine has none: whoever drives it takes these, and writes them.

use std::collections::VecDeque;

/// More than this many that nobody takes are dropped, the oldest first.
const KEPT_MAX: usize = 100;

/// One line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether something is probably wrong. Otherwise, it is for the curious.
    pub is_warning: bool,
    /// What happened, in one sentence.
    pub text: String,
}

/// The lines that nobody has taken yet.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    left: VecDeque<Notice>,
}

impl Notices {
    pub(crate) fn warn(&mut self, text: String) {
        self.add(Notice { is_warning: true, text });
    }

    pub(crate) fn inform(&mut self, text: String) {
        self.add(Notice { is_warning: false, text });
    }

    fn add(&mut self, notice: Notice) {
        if self.left.len() == KEPT_MAX {
            self.left.pop_front();
        }
        self.left.push_back(notice);
    }

    pub(crate) fn take(&mut self) -> Option<Notice> {
        self.left.pop_front()
    }
}
