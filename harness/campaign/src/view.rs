//! A run as checks, stories and reports read it: plain data and the histories.

use std::collections::BTreeMap;

use foretime_server::engine::{self, RunView};

use crate::{
    choices::Choices,
    effects::Record,
    fault::Fault,
    finding::Finding,
    log::Log,
    operation::Operation,
    process::{Life, ProcessId},
    time::Start,
};

/// A process asked to start a workflow and was given a run that existed.
#[derive(Clone, Debug)]
pub struct Joined {
    /// When; virtual nanoseconds since the start.
    pub at_ns: u64,
    /// Its place among all steps.
    pub step: u64,
    /// Who asked.
    pub process: ProcessId,
    /// The run that it was given.
    pub run_id: String,
}

/// A run. It borrows from whoever runs it.
pub struct View<'a> {
    /// When it began.
    pub starts_at: Start,
    /// The virtual time now, in nanoseconds since the start.
    pub now_ns: u64,
    /// The hash of everything that happened and was drawn.
    pub hash: u64,
    /// What happened.
    pub log: &'a Log,
    /// All lives of processes, by number.
    pub lives: &'a [Life],
    /// What is wrong.
    pub findings: &'a [Finding],
    /// What was done to the outside world.
    pub ledger: &'a [Record],
    /// The processes that asked to start a workflow and were given a run that existed. Kept only for reports.
    pub joined: &'a [Joined],
    /// What operators did. Kept only for reports.
    pub operations: &'a [Operation],
    /// How many faults there were of each kind.
    pub faults: &'a BTreeMap<Fault, u64>,
    /// What was drawn.
    pub choices: &'a Choices,
    /// The statics that workers changed, by path, each once.
    pub changed_statics: &'a [&'static str],
    /// Which version of the code a process runs (0 is the first), if there are several.
    pub versions: Vec<Option<usize>>,
    /// The server and its histories.
    pub service: engine::View<'a>,
}

impl<'a> View<'a> {
    /// One life of a process.
    pub fn life(&self, process: ProcessId) -> &'a Life {
        &self.lives[process.0 as usize]
    }

    /// Which version of the code a process runs (0 is the first), if there are several.
    pub fn version_of(&self, process: ProcessId) -> Option<usize> {
        self.versions[process.0 as usize]
    }

    /// All runs of workflows.
    pub fn runs(&self) -> impl Iterator<Item = RunView<'a>> + use<'a> {
        self.service.runs()
    }
}
