//! What workflow code has asked for, in each run that a worker has, since the first event of the run. Kept only for reports.

use std::collections::BTreeMap;

use foretime_campaign::process::ProcessId;
use foretime_server::proto::command::Command;

use super::State;

/// The commands, by process and by the run id that the core knows.
#[derive(Debug, Default)]
pub(super) struct Code {
    asked: BTreeMap<(ProcessId, String), Vec<Command>>,
}

impl State {
    /// The code of a run begins anew, with the first event.
    pub(crate) fn code_begins(&mut self, process: ProcessId, run_id: &str) {
        if self.log.is_detailed() {
            self.code.asked.insert((process, run_id.to_owned()), Vec::new());
        }
    }

    /// It asks for these.
    pub(crate) fn code_asks(&mut self, process: ProcessId, run_id: &str, commands: impl FnOnce() -> Vec<Command>) {
        if self.log.is_detailed() {
            self.code.asked.entry((process, run_id.to_owned())).or_default().extend(commands());
        }
    }

    /// All that it has asked for; `None` unless a report is wanted.
    pub(crate) fn code_asked(&self, process: ProcessId, run_id: &str) -> Option<&[Command]> {
        self.code.asked.get(&(process, run_id.to_owned())).map(Vec::as_slice)
    }
}
