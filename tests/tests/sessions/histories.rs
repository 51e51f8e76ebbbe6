//! The histories of all runs as they grow. Written events never change, and each history is legal at any time.

use std::collections::BTreeMap;

use foretime_server::{engine::View, proto::history::HistoryEvent};

use foretime_history::grammar;

/// The written events of one run.
pub(crate) struct History {
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    bytes: Vec<u8>,
    pub(crate) events: Vec<HistoryEvent>,
}

/// The histories of all runs, in the order in which the runs began.
#[derive(Default)]
pub(crate) struct Histories {
    /// Also those of runs that were deleted since.
    all: Vec<History>,
    /// Where each is, by run id.
    places: BTreeMap<String, usize>,
}

impl Histories {
    pub(crate) fn all(&self) -> &[History] {
        &self.all
    }

    /// The events of each run.
    pub(crate) fn into_events(self) -> Vec<Vec<HistoryEvent>> {
        self.all.into_iter().map(|history| history.events).collect()
    }

    /// Reads what was written since the last time, and checks it.
    pub(crate) fn read(&mut self, view: View<'_>) -> Result<(), String> {
        for run in view.runs() {
            let at = self.places.get(run.run_id()).copied().unwrap_or_else(|| {
                let (workflow_id, run_id) = (run.workflow_id().to_owned(), run.run_id().to_owned());
                self.places.insert(run_id.clone(), self.all.len());
                self.all.push(History { workflow_id, run_id, bytes: Vec::new(), events: Vec::new() });
                self.all.len() - 1
            });
            let history = &mut self.all[at];
            if run.events_count() == history.events.len() {
                continue;
            }
            let bytes = run.encoded_events();
            if !bytes.starts_with(&history.bytes) {
                return Err(format!("what was written of {} is rewritten:\n{}", history.run_id, shown(&history.events)));
            }
            history.bytes = bytes;
            history.events.extend(run.events_from(history.events.len() as i64 + 1));
            let violations = grammar::check(&history.events);
            if !violations.is_empty() {
                return Err(format!("{}: {violations:#?} in\n{}", history.workflow_id, shown(&history.events)));
            }
        }
        Ok(())
    }
}

/// A history for people, an event a line.
pub(crate) fn shown(events: &[HistoryEvent]) -> String {
    let line = |event: &HistoryEvent| {
        let at = event.event_time.as_ref().map(|at| format!("{}.{:09}", at.seconds, at.nanos));
        format!("{:>4} {} {:?}\n", event.event_id, at.unwrap_or_default(), event.attributes)
    };
    events.iter().map(line).collect()
}
