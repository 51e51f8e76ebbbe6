//! The calls that wait: what each waits for, when its wait ends, and the answers of those that wait no longer.

use std::collections::{BTreeMap, VecDeque};

use super::{
    error::{Error, Result},
    key::RunKey,
    time::Time,
    timers::{TimerKey, Timers},
};

/// Names a parked call; unique among the parked ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a call gives: its answer, or a promise of one under its ticket.
#[derive(Debug)]
pub enum Answer<T> {
    /// Answered at once.
    Now(T),
    /// Parked; the answer follows under the call's ticket.
    Parked,
    /// Refused, although it has changed something: a worker's answer that fails its workflow task.
    Refused(Error),
}

/// What a parked call waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parked {
    /// A task from a queue.
    Poll,
    /// New events of a run.
    History(RunKey),
    /// The answer to this query.
    Query(u64),
    /// An update of this run.
    Update(RunKey),
    /// An instant of virtual time.
    Sleep { due: TimerKey },
    /// Nothing in flight.
    Rest,
}

#[derive(Debug)]
struct Waiting {
    parked: Parked,
    /// When (wall) the wait ends by itself, or takes another turn.
    expiry: Option<TimerKey>,
}

/// The calls that wait. `R` is what they are answered with.
#[derive(Debug)]
pub(crate) struct Tickets<R> {
    waiting: BTreeMap<Ticket, Waiting>,
    expiries: Timers<Ticket>,
    long_polls_end: bool,
    answers: VecDeque<(Ticket, Result<R>)>,
}

impl<R> Tickets<R> {
    /// `long_polls_end`: whether a long poll ends by itself, with an empty answer.
    pub(crate) fn new(long_polls_end: bool) -> Self {
        Self { waiting: BTreeMap::new(), expiries: Timers::default(), long_polls_end, answers: VecDeque::new() }
    }

    /// A call waits, until it is answered or abandoned.
    pub(crate) fn park(&mut self, ticket: Ticket, parked: Parked) {
        self.cancel_expiry(ticket);
        self.waiting.insert(ticket, Waiting { parked, expiry: None });
    }

    /// A long poll waits. It ends at `until` (wall), if long polls end by themselves.
    pub(crate) fn park_long_poll(&mut self, ticket: Ticket, parked: Parked, until: Time) {
        self.park(ticket, parked);
        self.expire_at(ticket, if self.long_polls_end { until } else { Time::MAX });
    }

    /// From now on, the wait of a parked call expires at `at` (wall).
    pub(crate) fn expire_at(&mut self, ticket: Ticket, at: Time) {
        self.cancel_expiry(ticket);
        if let Some(waiting) = self.waiting.get_mut(&ticket) {
            waiting.expiry = Some(self.expiries.add(at, ticket));
        }
    }

    fn cancel_expiry(&mut self, ticket: Ticket) {
        if let Some(expiry) = self.waiting.get_mut(&ticket).and_then(|waiting| waiting.expiry.take()) {
            self.expiries.cancel(expiry);
        }
    }

    /// What a parked call waits for.
    pub(crate) fn get(&self, ticket: Ticket) -> Option<Parked> {
        self.waiting.get(&ticket).map(|waiting| waiting.parked)
    }

    /// Answers a parked call.
    pub(crate) fn answer(&mut self, ticket: Ticket, answer: Result<R>) {
        self.cancel_expiry(ticket);
        self.waiting.remove(&ticket);
        self.answers.push_back((ticket, answer));
    }

    /// Forgets a call whose caller went away: what it waited for, if it still did. No answer will come for it.
    pub(crate) fn abandon(&mut self, ticket: Ticket) -> Option<Parked> {
        self.cancel_expiry(ticket);
        let waiting = self.waiting.remove(&ticket);
        if waiting.is_none() {
            self.answers.retain(|(of, _)| *of != ticket);
        }
        waiting.map(|waiting| waiting.parked)
    }

    /// Takes the next wait that has expired at `wall`.
    pub(crate) fn pop_expired(&mut self, wall: Time) -> Option<(Ticket, Parked)> {
        let (_, ticket) = self.expiries.pop_due(wall)?;
        let waiting = self.waiting.get_mut(&ticket)?;
        waiting.expiry = None;
        Some((ticket, waiting.parked))
    }

    /// How many calls wait.
    pub(crate) fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// How many answers nobody has taken yet.
    pub(crate) fn answer_count(&self) -> usize {
        self.answers.len()
    }

    /// When (wall) the next wait expires.
    pub(crate) fn next_expiry(&self) -> Option<Time> {
        self.expiries.next()
    }

    /// Takes the next answer to a parked call.
    pub(crate) fn next_answer(&mut self) -> Option<(Ticket, Result<R>)> {
        self.answers.pop_front()
    }
}
