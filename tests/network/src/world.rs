//! What everybody in a run shares: the choices, the log, the lives of processes, the record, and what was found to be wrong. It is
//! locked for moments, never across an await.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use foretime_campaign::{
    choices::Choices,
    fault::{Fault, Place},
    finding::{Finding, Wrong},
    hash::Hash,
    log::{Entry, Log, Passage, Struck, What},
    process::{Ending, Life, ProcessId, Role},
    time::Start,
    view::View,
};
use foretime_server::engine;
use madsim::time::Instant;

use crate::record::Record;

/// When runs begin.
pub const STARTS_AT: Start = Start::PLAIN;

/// The state of a run.
#[derive(Debug)]
pub struct World {
    began: Instant,
    /// Where decisions come from.
    pub choices: Choices,
    /// What happened.
    pub log: Log,
    /// What was asked and answered.
    pub record: Record,
    lives: Vec<Life>,
    findings: Vec<Finding>,
    faults: BTreeMap<Fault, u64>,
    /// What each run is to show at least once in many seeds, and whether this one did.
    pub claims: BTreeMap<String, bool>,
}

/// The world, for those who share it.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// A world in which nothing has happened. Within the simulation: its time begins here.
    pub fn new(choices: Choices, is_detailed: bool) -> Self {
        let began = Instant::now();
        Self(Arc::new(Mutex::new(World {
            began,
            choices,
            log: Log::new(is_detailed),
            record: Record::default(),
            lives: Vec::new(),
            findings: Vec::new(),
            faults: BTreeMap::new(),
            claims: BTreeMap::new(),
        })))
    }

    /// The world, until the guard is dropped.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Virtual nanoseconds since the start of the run.
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// A process begins.
    pub fn begin(&mut self, name: &str, role: Role, task_queue: Option<String>) -> ProcessId {
        let process = ProcessId(u32::try_from(self.lives.len()).unwrap_or(u32::MAX));
        let number = self.lives.iter().filter(|life| life.name == name).count() + 1;
        self.lives.push(Life {
            role,
            name: name.to_owned(),
            from_ns: self.now_ns(),
            ended: None,
            version: 0,
            takes_activities: matches!(role, Role::Worker(_)),
            task_queue,
        });
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.note(Some(process), What::Life(foretime_campaign::log::LifeStep::Starts { number }));
        process
    }

    /// The process of this name ends, if it lives. Returns which it was.
    pub fn end(&mut self, name: &str, ending: Ending) -> Option<ProcessId> {
        let now_ns = self.now_ns();
        let (number, life) = self.lives.iter_mut().enumerate().rev().find(|(_, life)| life.name == name)?;
        if life.ended.is_some() {
            return None;
        }
        life.ended = Some((now_ns, ending.clone()));
        let process = ProcessId(u32::try_from(number).unwrap_or(u32::MAX));
        if ending != Ending::Crash {
            self.note(Some(process), What::Life(foretime_campaign::log::LifeStep::Ends(ending)));
        }
        Some(process)
    }

    /// The process of this name, as long as it lives.
    pub fn process(&self, name: &str) -> Option<ProcessId> {
        let (number, life) = self.lives.iter().enumerate().rev().find(|(_, life)| life.name == name)?;
        life.ended.is_none().then(|| ProcessId(u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// Whether the last process of this name has ended by itself.
    pub fn has_ended_by_itself(&self, name: &str) -> bool {
        let last = self.lives.iter().rev().find(|life| life.name == name);
        last.and_then(|life| life.ended.as_ref()).is_some_and(|(_, ending)| matches!(ending, Ending::Own(_)))
    }

    /// Whether a process lives.
    pub fn is_alive(&self, process: ProcessId) -> bool {
        self.lives.get(process.0 as usize).is_some_and(|life| life.ended.is_none())
    }

    /// The name of a process.
    pub fn name(&self, process: Option<ProcessId>) -> &str {
        process.and_then(|process| self.lives.get(process.0 as usize)).map_or("server", |life| &life.name)
    }

    /// Notes something.
    pub fn note(&mut self, process: Option<ProcessId>, what: What) {
        self.log.note(self.now_ns(), process, what);
    }

    /// Notes that a message is at this point of its way.
    pub fn message(&mut self, process: ProcessId, passage: Passage, rpc: &str, bytes: &[u8]) {
        self.log.message(self.now_ns(), process, passage, rpc, bytes);
    }

    /// Whether a fault of this kind strikes now. `name`: the kind, in the words of the network. `of`: whom it befalls.
    pub fn strikes(&mut self, fault: Fault, name: &str, of: &str, probability: f64) -> bool {
        if fault == Fault::Custom {
            self.choices.custom_strikes_with(name, of, probability, false)
        } else {
            self.choices.strikes_with(fault, Place::Custom { name, of }, probability, false)
        }
    }

    /// Notes that a fault has struck.
    pub fn struck(&mut self, process: Option<ProcessId>, struck: Struck) {
        *self.faults.entry(struck.fault()).or_default() += 1;
        self.note(process, What::Fault(struck));
    }

    /// Notes that something is wrong.
    pub fn find(&mut self, process: Option<ProcessId>, wrong: Wrong) {
        let at_ns = self.now_ns();
        self.note(process, What::Finding(wrong.clone()));
        self.findings.push(Finding { process, at_ns, wrong });
    }

    /// What is wrong.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many faults there were of each kind, by its name.
    pub fn fault_counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for struck in self.log.entries.iter().filter_map(Entry::fault) {
            *counts.entry(struck.name().to_owned()).or_default() += 1;
        }
        counts
    }

    /// Notes whether something was shown that many seeds together must show.
    pub fn claim(&mut self, claim: &str, holds: bool) {
        *self.claims.entry(claim.to_owned()).or_default() |= holds;
    }

    /// The hash of everything that happened and was drawn.
    pub fn hash(&self) -> u64 {
        self.log.hash_with(self.choices.hash())
    }

    /// The run as reports read it. `service`: the server at this moment.
    pub fn view<'a>(&'a self, service: engine::View<'a>) -> View<'a> {
        View {
            starts_at: STARTS_AT,
            now_ns: self.now_ns(),
            hash: self.hash(),
            log: &self.log,
            lives: &self.lives,
            findings: &self.findings,
            ledger: &[],
            joined: &[],
            operations: &[],
            faults: &self.faults,
            choices: &self.choices,
            changed_statics: &[],
            versions: self.lives.iter().map(|_| None).collect(),
            service,
        }
    }
}

/// Mixes numbers into one: for what is drawn apart from the choices.
pub fn mixed(numbers: &[u64]) -> u64 {
    numbers.iter().fold(Hash::new(), |hash, number| hash.number(*number)).value()
}
