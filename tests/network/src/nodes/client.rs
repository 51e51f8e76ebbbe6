//! A client: does its errands one after another, each with the patience of an SDK, and waits in the end for what it has started. When
//! it is killed, its memory survives: it knows its request ids, and takes up the errand that it was at.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use madsim::time;
use tonic::{Code, Status};

use super::{clock::Look, lock::Turned, requests};
use crate::{
    plan::errand::{Errand, StartWish, Wish},
    record::call::{Asked, ClientCall, Given, Refused, Start},
    wire::{channel::Channel, retry},
};

/// The name of the client that comes last, when the network is well and everything has closed.
pub const INSPECTOR: &str = "inspector";
/// The patience of those who wait for what they have started: without end.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What a client keeps when it is killed.
#[derive(Debug, Default)]
pub struct Memory {
    /// Which errand is next, or under way.
    next: usize,
    /// The record of the call that is under way.
    call: Option<usize>,
    /// The last run that it knows of each workflow.
    known_runs: BTreeMap<String, String>,
    /// The workflows for whose end it waits.
    started: Vec<String>,
    /// Whether it has ever unlocked time, to await a result.
    pub(super) has_unlocked: bool,
    /// Whether everything is done.
    is_done: bool,
}

/// A client.
#[derive(Clone)]
pub struct Client {
    /// Its name, such as `client-1`.
    pub name: String,
    /// What it wants.
    pub errands: Arc<Vec<Errand>>,
    /// What it keeps when it is killed.
    pub memory: Arc<Mutex<Memory>>,
    /// Whether somebody must unlock time for it to skip.
    pub unlocks_time: bool,
}

impl Client {
    /// Whether it has done everything.
    pub fn is_done(&self) -> bool {
        self.with(|memory| memory.is_done)
    }

    /// Its memory, for a moment.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Memory) -> R) -> R {
        work(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does what is left to do.
    pub async fn run(self, channel: Channel) {
        while let Some(errand) = self.with(|memory| self.errands.get(memory.next).cloned()) {
            if self.with(|memory| memory.call.is_none()) {
                time::sleep(errand.rest).await;
            }
            self.do_errand(&channel, &errand).await;
        }
        while let Some(workflow_id) = self.with(|memory| memory.started.last().cloned()) {
            let asked = Asked::Await { run_id: String::new() };
            self.call(&channel, &workflow_id, asked, |run_id| async {
                self.await_end(&channel, &workflow_id, run_id, FOR_EVER).await
            })
            .await;
            self.with(|memory| memory.started.pop());
        }
        self.with(|memory| memory.is_done = true);
    }

    async fn do_errand(&self, channel: &Channel, errand: &Errand) {
        let locked = if errand.locks_time { Turned::lock(channel).await } else { None };
        let look = if locked.is_some() { Look::first(channel).await } else { None };
        let workflow_id = &errand.workflow_id;
        self.call(channel, workflow_id, self.asked(errand), |run_id| self.ask(channel, errand, run_id)).await;
        // A crash from here on does not bring the call back.
        self.with(|memory| memory.next += 1);
        // Who has unlocked time itself, on a connection that it has lost since, may find that to hold on the next one.
        if let Some(look) = look.filter(|_| !self.with(|memory| memory.has_unlocked)) {
            look.again(channel, &self.name).await;
        }
        if let Some(locked) = locked {
            locked.back(channel).await;
        }
    }

    /// Makes a call, with a record of it, or goes on with the one that a crash interrupted.
    async fn call<F>(&self, channel: &Channel, workflow_id: &str, asked: Asked, work: impl FnOnce(String) -> F)
    where
        F: Future<Output = Result<Given, Status>>,
    {
        let (number, run_id) = {
            let mut world = channel.world().lock();
            let began_ns = world.now_ns();
            let calls = &mut world.record.calls;
            let number = self.with(|memory| {
                *memory.call.get_or_insert_with(|| {
                    let (client, workflow_id) = (self.name.clone(), workflow_id.to_owned());
                    calls.push(ClientCall { client, workflow_id, asked, began_ns, ended: None });
                    calls.len() - 1
                })
            });
            (number, calls[number].asked.run_id().to_owned())
        };
        let ended = work(run_id).await;
        let mut world = channel.world().lock();
        let now_ns = world.now_ns();
        // Who gives up has heard nothing: the call may still have its effect.
        let ended = match ended {
            Ok(given) => Some(Ok(given)),
            Err(status) if is_unknown(status.code()) => None,
            Err(status) => Some(Err(refused(&status))),
        };
        self.with(|memory| {
            memory.call = None;
            if let Some(Ok(given)) = &ended {
                memory.learn(workflow_id, given);
            }
        });
        world.record.calls[number].ended = ended.map(|ended| (now_ns, ended));
    }

    /// The run that an errand means; empty: the current one.
    fn run_meant(&self, errand: &Errand) -> String {
        let known = || self.with(|memory| memory.known_runs.get(&errand.workflow_id).cloned());
        errand.means_known_run.then(known).flatten().unwrap_or_default()
    }

    fn asked(&self, errand: &Errand) -> Asked {
        let (run_id, nonce) = (self.run_meant(errand), errand.nonce.clone());
        let request_id = requests::request_id(&nonce);
        match &errand.wish {
            Wish::Start(wish) => Asked::Start(start(wish, request_id, nonce)),
            Wish::SignalWithStart(wish) => Asked::SignalWithStart { start: start(wish, request_id, nonce.clone()), nonce },
            Wish::Signal => Asked::Signal { run_id, request_id, nonce },
            Wish::Update => Asked::Update { run_id, update_id: request_id, nonce },
            Wish::Query => Asked::Query { run_id },
            Wish::Cancel => Asked::Cancel { run_id, request_id },
            Wish::Terminate => Asked::Terminate { run_id, nonce },
            Wish::Await => Asked::Await { run_id },
            Wish::Describe => Asked::Describe { run_id },
        }
    }
}

impl Memory {
    /// That of a client that has only to wait for these workflows.
    pub fn awaiting(workflows: Vec<String>) -> Self {
        Self { started: workflows, ..Self::default() }
    }

    fn learn(&mut self, workflow_id: &str, given: &Given) {
        match given {
            Given::Started { run_id, started } => {
                self.known_runs.insert(workflow_id.to_owned(), run_id.clone());
                if *started && !self.started.iter().any(|known| known == workflow_id) {
                    self.started.push(workflow_id.to_owned());
                }
            }
            Given::Described { run_id, .. } | Given::Closed { run_id, .. } | Given::Updated { run_id, .. } => {
                self.known_runs.insert(workflow_id.to_owned(), run_id.clone());
            }
            Given::Done | Given::Answered(_) => {}
        }
    }
}

fn start(wish: &StartWish, request_id: String, nonce: String) -> Start {
    Start { request_id, nonce, reuse: wish.reuse, conflict: wish.conflict }
}

/// Whether a refusal with this code says nothing about the effect of the call.
fn is_unknown(code: Code) -> bool {
    retry::is_retryable(code)
}

fn refused(status: &Status) -> Refused {
    let details = bytes::Bytes::copy_from_slice(status.details());
    Refused { code: status.code(), text: status.message().to_owned(), details }
}
