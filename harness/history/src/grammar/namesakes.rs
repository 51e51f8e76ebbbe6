//! Ids that must be unique among what is open: those of activities and of timers.
//!
//! If an activity ends while a worker has a workflow task, its end is written after the commands of that task. One of these
//! commands may use the id again. So a namesake is only a suspect until everything that was held back is written.

use std::collections::BTreeMap;

use foretime_server::engine::time::Time;

use super::{Findings, Step};

/// Who has which id.
#[derive(Debug, Default)]
pub(super) struct Namesakes<'a> {
    /// The event that opened the last one of this id.
    open: BTreeMap<&'a str, i64>,
    suspects: Vec<Suspect<'a>>,
}

/// One that opened while another of its id seemed open, judging by what was written.
#[derive(Debug)]
struct Suspect<'a> {
    event_id: i64,
    at: Option<Time>,
    id: &'a str,
    other: i64,
}

impl<'a> Namesakes<'a> {
    /// The event at hand opens one called `id`.
    pub(super) fn open(&mut self, id: &'a str, step: &Step<'_>) {
        if let Some(other) = self.open.insert(id, step.id) {
            self.suspects.push(Suspect { event_id: step.id, at: step.at, id, other });
        }
    }

    /// Event `opened` opened the one that ends here.
    pub(super) fn close(&mut self, id: &str, opened: i64, at: Option<Time>) {
        if self.open.get(id) == Some(&opened) {
            self.open.remove(id);
        }
        self.suspects.retain(|suspect| suspect.other != opened || suspect.at < at);
    }

    /// Nothing is held back any more. The suspects that are left break `rule`.
    pub(super) fn settle(&mut self, rule: &'static str, findings: &mut Findings) {
        for Suspect { event_id, id, other, .. } in self.suspects.drain(..) {
            findings.say_of(event_id, rule, format!("the one of event {other} is open, and has the id {id:?} too"));
        }
    }
}
