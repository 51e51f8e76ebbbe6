//! What those see of the world who only read: checks, stories and reports.

use foretime_campaign::{process::ProcessId, view::View};

use super::State;

impl State {
    /// The run so far.
    pub(crate) fn view(&self) -> View<'_> {
        let processes = (0..).map(ProcessId).take(self.lives.all.len());
        View {
            starts_at: self.starts_at(),
            now_ns: self.now_ns,
            hash: self.hash(),
            log: &self.log,
            lives: &self.lives.all,
            findings: &self.findings,
            ledger: &self.ledger,
            joined: self.joined(),
            operations: &self.operations.all,
            faults: self.fault_counts(),
            choices: &self.choices,
            changed_statics: &self.changed_statics,
            versions: processes.map(|process| self.lives.version_of(process)).collect(),
            service: self.service(),
        }
    }
}
