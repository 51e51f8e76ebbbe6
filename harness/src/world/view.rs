//! A run as checks, stories and reports read it: plain data and the histories.

use std::collections::BTreeMap;

use foretime_server::engine::{self, RunView};

use super::{State, effects::Record, finding::Finding, inspect::Joined, lives::Life, log::Log};
use crate::{choices::Choices, faults::Fault, os::ProcessId};

/// See the module's page.
pub(crate) struct View<'a> {
    /// The virtual time now, in nanoseconds since the start.
    pub(crate) now_ns: u64,
    /// The hash of everything that happened and was drawn.
    pub(crate) hash: u64,
    pub(crate) log: &'a Log,
    /// All lives of processes, by number.
    pub(crate) lives: &'a [Life],
    pub(crate) findings: &'a [Finding],
    pub(crate) ledger: &'a [Record],
    /// The processes that asked to start a workflow and were given a run that existed. Kept only for reports.
    pub(crate) joined: &'a [Joined],
    /// How many faults there were of each kind.
    pub(crate) faults: &'a BTreeMap<Fault, u64>,
    pub(crate) choices: &'a Choices,
    /// Which version of the code a process runs (0 is the first), if there are several.
    versions: Vec<Option<usize>>,
    service: engine::View<'a>,
}

impl<'a> View<'a> {
    /// One life of a process.
    pub(crate) fn life(&self, process: ProcessId) -> &'a Life {
        &self.lives[process.0 as usize]
    }

    /// Which version of the code a process runs (0 is the first), if there are several.
    pub(crate) fn version_of(&self, process: ProcessId) -> Option<usize> {
        self.versions[process.0 as usize]
    }

    /// All runs of workflows.
    pub(crate) fn runs(&self) -> impl Iterator<Item = RunView<'a>> + use<'a> {
        self.service.runs()
    }
}

impl State {
    /// The run so far.
    pub(crate) fn view(&self) -> View<'_> {
        let processes = (0..).map(ProcessId).take(self.lives.all.len());
        View {
            now_ns: self.now_ns,
            hash: self.hash(),
            log: &self.log,
            lives: &self.lives.all,
            findings: &self.findings,
            ledger: &self.ledger,
            joined: self.joined(),
            faults: self.fault_counts(),
            choices: &self.choices,
            versions: processes.map(|process| self.lives.version_of(process)).collect(),
            service: self.service(),
        }
    }
}
