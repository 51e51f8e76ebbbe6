//! Errands: what callers have the processes of struck clients do ([`crate::struck_client`]). A caller waits on its own thread, and
//! the process takes its work up on another. The world only knows who waits for whom, and what became of it. The work stays in the
//! caller's parcel: code of the user's must not be dropped in here, since it would come in again.

use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use foretime_campaign::{
    log::{ErrandStep, What},
    process::ProcessId,
};
use temporalio_client::Client;

use super::{Happening, State, lives::Waiter};
use crate::os;

/// What a process is to do, on its own thread and with its own client.
pub(crate) type Work = Box<dyn FnOnce(Client) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// Holds some work until a process takes it up. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Parcel(Arc<Mutex<Option<Work>>>);

/// Names an errand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ErrandId(u64);

/// Why an errand came to nothing, as far as its caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The process ended before it was done.
    Crash,
    /// The process was down. Nothing was done.
    Down,
    /// It panicked.
    Panic,
}

#[derive(Debug)]
struct Errand {
    slot: usize,
    /// Which one of its client's, from 1.
    number: u64,
    parcel: Parcel,
    caller: ProcessId,
    stage: Stage,
    /// The caller, which waits for the end.
    caller_waiter: Option<Waiter>,
    /// The task of the process that is on the errand. It waits to hear that the caller is gone.
    task_waiter: Option<Waiter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It waits for the process, which runs or is about to start for the first time.
    Waiting,
    /// Nobody listens: word of that is on its way to the caller.
    BeingRefused,
    UnderWay,
    Over(Result<(), Loss>),
}

/// The errands whose callers still wait.
#[derive(Debug, Default)]
pub(super) struct Errands {
    all: BTreeMap<ErrandId, Errand>,
    last_id: u64,
    /// How many each slot had.
    counts: BTreeMap<usize, u64>,
    /// The processes that wait for their next errand, by slot.
    idle: BTreeMap<usize, Waiter>,
}

impl Parcel {
    pub(crate) fn new(work: Work) -> Self {
        Self(Arc::new(Mutex::new(Some(work))))
    }

    /// Takes the work out; `None` if somebody has.
    pub(crate) fn open(&self) -> Option<Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcel").finish_non_exhaustive()
    }
}

fn wake(waiter: Option<Waiter>) {
    if let Some((thread, waker)) = waiter {
        os::wake(thread, waker);
    }
}

impl State {
    /// A caller asks the client in `slot` to do something. The caller must keep a clone of the parcel.
    pub(crate) fn ask(&mut self, slot: usize, parcel: Parcel, caller: ProcessId) -> ErrandId {
        self.errands.last_id += 1;
        let id = ErrandId(self.errands.last_id);
        let count = self.errands.counts.entry(slot).or_default();
        *count += 1;
        let number = *count;
        let listens = match self.lives.slots[slot].life {
            Some(process) => !self.lives.control(process).is_stopping,
            None => self.lives.slots[slot].starts_count == 0,
        };
        let stage = if listens { Stage::Waiting } else { Stage::BeingRefused };
        let (caller_waiter, task_waiter) = (None, None);
        self.errands.all.insert(id, Errand { slot, number, parcel, caller, stage, caller_waiter, task_waiter });
        if listens {
            wake(self.errands.idle.remove(&slot));
        } else {
            let after = self.latency();
            self.agenda.add(self.now_ns + after, Happening::Refuse(id));
        }
        id
    }

    /// What became of an errand, once it is over; until then, `waiter` is woken when it is.
    pub(crate) fn what_became_of(&mut self, id: ErrandId, waiter: Waiter) -> Poll<Result<(), Loss>> {
        match self.errands.all.get_mut(&id) {
            Some(Errand { stage: Stage::Over(end), .. }) => Poll::Ready(*end),
            Some(errand) => {
                errand.caller_waiter = Some(waiter);
                Poll::Pending
            }
            None => Poll::Ready(Err(Loss::Crash)),
        }
    }

    /// The caller no longer waits. If the errand is under way, its process drops it.
    pub(crate) fn leave(&mut self, id: ErrandId) {
        let Some(errand) = self.errands.all.remove(&id) else { return };
        wake(errand.task_waiter);
        if errand.stage == Stage::UnderWay {
            self.note_errand(errand.caller, errand.slot, errand.number, ErrandStep::GivenUp);
        }
    }

    /// The next errand of a client's process; `None` when it has been asked to stop and none is left. Until there is one,
    /// `waiter` is woken when there is.
    pub(crate) fn next_errand(&mut self, process: ProcessId, waiter: &Waiter) -> Poll<Option<(ErrandId, Parcel)>> {
        let Some(slot) = self.lives.slot_of(process).filter(|_| self.lives.is_alive(process)) else { return Poll::Pending };
        let is_next = |errand: &Errand| errand.slot == slot && errand.stage == Stage::Waiting;
        if let Some((id, errand)) = self.errands.all.iter_mut().find(|(_, errand)| is_next(errand)) {
            errand.stage = Stage::UnderWay;
            let (id, number, parcel) = (*id, errand.number, errand.parcel.clone());
            self.note_errand(process, slot, number, ErrandStep::Begins);
            return Poll::Ready(Some((id, parcel)));
        }
        if self.awaits_stop(process, waiter.clone()) {
            return Poll::Ready(None);
        }
        self.errands.idle.insert(slot, waiter.clone());
        Poll::Pending
    }

    /// Whether nobody waits for this errand any more; if somebody does, `waiter` is woken when that changes.
    pub(crate) fn is_left(&mut self, id: ErrandId, waiter: Waiter) -> bool {
        let errand = self.errands.all.get_mut(&id);
        errand.is_none_or(|errand| {
            errand.task_waiter = Some(waiter);
            false
        })
    }

    /// A client's process is done with an errand. What a process that is gone says does not count.
    pub(crate) fn end_errand(&mut self, process: ProcessId, id: ErrandId, end: Result<(), Loss>) {
        let is_alive = self.lives.is_alive(process);
        let Some(errand) = self.errands.all.get_mut(&id).filter(|errand| is_alive && errand.stage == Stage::UnderWay) else {
            return;
        };
        errand.stage = Stage::Over(end);
        let (slot, number) = (errand.slot, errand.number);
        wake(errand.caller_waiter.take());
        self.note_errand(process, slot, number, if end.is_ok() { ErrandStep::Ends } else { ErrandStep::Panicked });
    }

    /// The process in `slot` is gone, and all of its errands with it.
    pub(super) fn lose_errands(&mut self, slot: usize) {
        self.errands.idle.remove(&slot);
        let is_lost = |errand: &Errand| errand.slot == slot && matches!(errand.stage, Stage::Waiting | Stage::UnderWay);
        let lost = self.errands.all.iter_mut().filter(|(_, errand)| is_lost(errand));
        let lost = lost.map(|(_, errand)| {
            errand.stage = Stage::Over(Err(Loss::Crash));
            (errand.caller, errand.number, errand.caller_waiter.take())
        });
        for (caller, number, waiter) in lost.collect::<Vec<_>>() {
            self.note_errand(caller, slot, number, ErrandStep::Lost);
            wake(waiter);
        }
    }

    /// A caller learns that the process is down.
    pub(super) fn refuse(&mut self, id: ErrandId) {
        let Some(errand) = self.errands.all.get_mut(&id) else { return };
        errand.stage = Stage::Over(Err(Loss::Down));
        let (caller, slot, number) = (errand.caller, errand.slot, errand.number);
        wake(errand.caller_waiter.take());
        self.note_errand(caller, slot, number, ErrandStep::Refused);
    }

    fn note_errand(&mut self, process: ProcessId, slot: usize, number: u64, step: ErrandStep) {
        let client = self.lives.slots[slot].name.clone();
        self.note(Some(process), What::Errand { client, number, step });
    }

    /// The clients whose processes this process waits for, as reports call them.
    pub(crate) fn clients_awaited(&self, caller: ProcessId) -> Vec<&str> {
        let of_caller = self.errands.all.values().filter(|errand| errand.caller == caller);
        let mut names: Vec<&str> = of_caller.map(|errand| &*self.lives.slots[errand.slot].name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
