//! The Temporal service as a pure state machine: no clock, no thread, no socket, no randomness of its own.
//!
//! [`Engine`] owns all state. A call is one method: it answers at once or parks its [`Ticket`]; finished tickets come out
//! of [`Engine::next_answer`]. Time comes in with [`Engine::advance`], and [`Engine::next_deadline`] says when it is wanted.
//!
//! Where to look:
//! - one workflow and its transitions: `workflow`; the store of runs: `runs`; what one workflow leaves for others: `effects`
//! - task queues: `matching`; polls and their answers: `polls`; what workers answer: `respond_workflow_task`,
//!   `respond_activity`; queries: `query`; what a simulation sees from inside: `inspect`
//! - what clients do: `start`, `interact`, `read_history`, `describe`; namespaces: `namespace`, `registry`
//! - time: `clock` (virtual, skipping), `timers` (what falls due), `test_service` (its RPCs)
//! - pure rules: `validate`, `retry`, `cron`, `search_attributes`, `limits`
//!
//! Arrows run one way: the files of calls -> `workflow` -> (`matching`, `timers`, `ids`, rules). A run never reaches
//! another run; it leaves an [`effects::Effect`].

#![allow(deprecated, reason = "the wire has deprecated fields, and who sends them expects them back")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

pub mod error;
pub mod time;

mod clock;
pub mod cron;
mod describe;
mod effects;
mod failure;
mod history;
mod ids;
mod inspect;
mod interact;
pub mod limits;
mod matching;
pub mod names;
mod namespace;
pub mod payloads;
mod polls;
mod query;
mod read_history;
mod registry;
mod respond_activity;
mod respond_workflow_task;
pub mod retry;
mod runs;
pub mod search_attributes;
mod start;
mod test_service;
mod timers;
mod token;
pub mod validate;
mod workflow;

pub use effects::{Order, PARENT_CLOSE_REASON};
pub use inspect::{ActivityView, RunView};
pub use polls::{ActivityTaskReply, WorkflowTaskReply};
pub use read_history::{HistoryReply, Reader};

use crate::{
    config::{Config, Personality, SearchAttributeType},
    proto::{
        testservice::SleepResponse,
        workflowservice::{PollNexusTaskQueueResponse, QueryWorkflowResponse},
    },
};
use clock::Clock;
use effects::Effect;
use error::Result;
use ids::Ids;
use limits::Limits;
use matching::Matching;
use namespace::Namespaces;
use query::Queries;
use runs::{RunKey, Runs};
use time::Time;
use timers::{TimerKey, Timers};
use workflow::{
    Cx, Run,
    due::{Due, RunDue},
};

/// A task in a queue that nobody has polled for this long (wall time) no longer holds the clock: an open workflow that
/// nobody works on must not stop time for everybody.
const UNPOLLED_GRACE: Duration = Duration::from_secs(5);

/// Names a parked call; chosen by the caller, unique among the parked ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a call gives: its answer, or a promise of one under its ticket.
#[derive(Debug)]
pub enum Answer<T> {
    /// Answered at once.
    Now(T),
    /// Parked; a [`Reply`] follows.
    Parked,
}

/// The answer to a call that was parked.
#[derive(Debug)]
pub enum Reply {
    /// To PollWorkflowTaskQueue.
    WorkflowTask(Box<WorkflowTaskReply>),
    /// To PollActivityTaskQueue.
    ActivityTask(Box<ActivityTaskReply>),
    /// To PollNexusTaskQueue: always empty, there are no Nexus tasks yet.
    NexusTask(Box<PollNexusTaskQueueResponse>),
    /// To GetWorkflowExecutionHistory.
    History(HistoryReply),
    /// To QueryWorkflow.
    Query(Box<QueryWorkflowResponse>),
    /// To Sleep, SleepUntil and UnlockTimeSkippingWithSleep.
    Sleep(SleepResponse),
}

/// What a parked call waits for.
#[derive(Clone, Copy, Debug)]
enum Parked {
    Poll { expiry: TimerKey },
    History { run: RunKey, expiry: TimerKey },
    Query(u64),
    Sleep { due: TimerKey, lifts_a_lock: bool },
}

/// The Temporal service.
#[derive(Debug)]
pub struct Engine {
    personality: Personality,
    /// `system.enableActivityEagerExecution`.
    eager_activities: bool,
    limits: Limits,
    clock: Clock,
    ids: Ids,
    /// What falls due in virtual time.
    timers: Timers<Due>,
    /// Long polls that end, and queries that have been with one worker for long enough, in wall time.
    expiries: Timers<Ticket>,
    long_polls_end: bool,
    namespaces: Namespaces,
    matching: Matching,
    runs: Runs,
    queries: Queries,
    effects: VecDeque<Effect>,
    parked: BTreeMap<Ticket, Parked>,
    answers: VecDeque<(Ticket, Result<Reply>)>,
}

impl Engine {
    /// A service with nothing in it but the configured namespaces.
    ///
    /// # Errors
    /// A search attribute of the configuration cannot be registered.
    pub fn new(config: &Config) -> Result<Self> {
        let typed = |(name, value_type): &(String, SearchAttributeType)| (name.clone(), value_type.to_proto().into());
        let search_attributes = config.search_attributes.iter().map(typed).collect();
        let mut ids = Ids::new(config.seed);
        let mut namespaces = Namespaces::new(config.personality == Personality::TestServer, search_attributes);
        for name in &config.namespaces {
            namespaces.resolve_or_register(name, &mut ids)?;
        }
        Ok(Self {
            personality: config.personality,
            eager_activities: config
                .dynamic_config
                .get("system.enableActivityEagerExecution")
                .is_none_or(|value| value != "false"),
            limits: limits(config),
            clock: Clock::new(Time::EPOCH, !config.time_skipping),
            ids,
            timers: Timers::default(),
            expiries: Timers::default(),
            long_polls_end: config.long_polls_end,
            namespaces,
            matching: Matching::default(),
            runs: Runs::default(),
            queries: Queries::default(),
            effects: VecDeque::new(),
            parked: BTreeMap::new(),
            answers: VecDeque::new(),
        })
    }

    /// Virtual now.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The wall reached `wall`: ends the long polls that are over, and runs what fell due.
    pub fn tick(&mut self, wall: Time, order: &mut Order<'_>) {
        self.clock.tick(wall);
        while let Some((_, ticket)) = self.expiries.pop_due(wall) {
            self.expire(ticket);
        }
        self.settle(order);
    }

    /// [`Self::tick`]; then, if time may skip, it jumps to the next instant at which something falls due, and that happens.
    /// One instant, not all: those who are answered then get to act before time goes on.
    pub fn advance(&mut self, wall: Time, order: &mut Order<'_>) {
        self.tick(wall, order);
        if let Some(at) = self.next_skip() {
            self.clock.skip_to(at);
            self.settle(order);
        }
    }

    /// Where time may jump to now.
    fn next_skip(&self) -> Option<Time> {
        let abandoned = self.matching.abandoned_count(self.clock.wall(), UNPOLLED_GRACE);
        self.timers.next().filter(|_| self.clock.may_skip(abandoned))
    }

    /// Brings everything to rest: effects, of several workflows in this order, then matches of tasks and pollers, then what is due.
    pub fn settle(&mut self, order: &mut Order<'_>) {
        loop {
            self.run_effects(order);
            self.match_tasks();
            if !self.effects.is_empty() {
                continue;
            }
            if !self.fire_next_instant() {
                break;
            }
        }
    }

    /// When (wall) [`Self::advance`] is wanted next, if no call comes before.
    pub fn next_deadline(&self) -> Option<Time> {
        let wall = self.clock.wall();
        if self.next_skip().is_some() {
            return Some(wall);
        }
        let due = self.timers.next().map(|at| self.clock.to_wall(at));
        let abandonment = self.timers.next().and_then(|_| self.matching.next_abandonment(wall, UNPOLLED_GRACE));
        [due, abandonment, self.expiries.next()].into_iter().flatten().filter(|at| *at < Time::MAX).min()
    }

    /// The next finished parked call.
    pub fn next_answer(&mut self) -> Option<(Ticket, Result<Reply>)> {
        self.answers.pop_front()
    }

    /// Forgets a parked call whose caller went away. No answer will come for it.
    pub fn abandon(&mut self, ticket: Ticket) {
        let Some(parked) = self.parked.remove(&ticket) else {
            self.answers.retain(|(of, _)| *of != ticket);
            return;
        };
        match parked {
            Parked::Poll { expiry } => {
                self.expiries.cancel(expiry);
                self.matching.unpark(ticket, true, self.clock.wall());
            }
            Parked::History { run, expiry } => {
                self.expiries.cancel(expiry);
                self.runs.get_mut(run).waiters.retain(|waiter| waiter.ticket != ticket);
            }
            Parked::Query(query) => self.drop_query(query),
            Parked::Sleep { due, lifts_a_lock } => {
                self.timers.cancel(due);
                if lifts_a_lock {
                    self.clock.end_sleep();
                }
            }
        }
    }

    /// A parked call's time is over: a long poll ends as the real server's do, with an empty answer, a query goes to another
    /// worker.
    fn expire(&mut self, ticket: Ticket) {
        match self.parked.get(&ticket) {
            Some(Parked::Poll { .. }) => self.end_poll(ticket),
            Some(&Parked::History { run, .. }) => self.end_history_wait(run, ticket),
            Some(&Parked::Query(query)) => self.take_query_from_sticky(query),
            _ => {}
        }
    }

    /// Runs all that is due at the next due instant, as of that instant.
    fn fire_next_instant(&mut self) -> bool {
        let now = self.clock.now();
        let Some((at, first)) = self.timers.pop_due(now) else { return false };
        let mut all = vec![first];
        while let Some((_, next)) = self.timers.pop_due(at) {
            all.push(next);
        }
        // All of one run go together, in the turn of its first.
        let mut fired = BTreeSet::new();
        for &due in &all {
            match due {
                Due::Sleep(ticket) => self.wake(ticket),
                Due::Run(key, _) if fired.insert(key) => {
                    let of_run = |due: &Due| if let Due::Run(of, what) = due { (*of == key).then_some(*what) } else { None };
                    let due: Vec<RunDue> = all.iter().filter_map(of_run).collect();
                    self.transact_at(at, key, |run, cx| run.fall_due(cx, &due));
                }
                Due::Run(..) => {}
            }
        }
        true
    }

    /// One transaction on one run, now.
    fn transact<T>(&mut self, key: RunKey, change: impl FnOnce(&mut Run, &mut Cx<'_>) -> T) -> T {
        self.transact_at(self.clock.now(), key, change)
    }

    /// One transaction on one run: the change, then what every change entails.
    fn transact_at<T>(&mut self, now: Time, key: RunKey, change: impl FnOnce(&mut Run, &mut Cx<'_>) -> T) -> T {
        let (runs, mut cx) = self.parts(now);
        let run = runs.get_mut(key);
        let outcome = change(run, &mut cx);
        run.enforce_history_limits(&mut cx);
        run.end_transaction(&mut cx);
        let holds = run.count_holds();
        let held_before = std::mem::replace(&mut run.holds, holds);
        let is_awaited = !run.waiters.is_empty();
        self.clock.hold(holds - held_before);
        if is_awaited {
            self.answer_history_waiters(key);
        }
        outcome
    }

    /// A new run with its started event, in the store.
    fn begin_run(&mut self, start: workflow::start::Start) -> RunKey {
        let (runs, mut cx) = self.parts(self.clock.now());
        let run = Run::begin(&mut cx, runs.next_key(), start);
        runs.insert(run)
    }

    /// The runs, and apart from them what a transition on one of them may touch.
    fn parts(&mut self, now: Time) -> (&mut Runs, Cx<'_>) {
        let cx = Cx {
            now,
            wall: self.clock.wall(),
            ids: &mut self.ids,
            timers: &mut self.timers,
            matching: &mut self.matching,
            effects: &mut self.effects,
            limits: &self.limits,
            continue_as_new_interval_min: continue_as_new_interval_min(self.personality),
        };
        (&mut self.runs, cx)
    }

    /// A long poll that is about to be parked: it ends at `until`, unless none does.
    fn expire_at(&mut self, until: Time, ticket: Ticket) -> TimerKey {
        self.expiries.add(if self.long_polls_end { until } else { Time::MAX }, ticket)
    }

    fn park(&mut self, ticket: Ticket, parked: Parked) {
        self.parked.insert(ticket, parked);
    }

    fn answer(&mut self, ticket: Ticket, reply: Result<Reply>) {
        self.parked.remove(&ticket);
        self.answers.push_back((ticket, reply));
    }
}

/// The limits, with what the dynamic configuration says of them. The SDKs' own tests lower when continue-as-new is suggested.
fn limits(config: &Config) -> Limits {
    let number = |key: &str| config.dynamic_config.get(key).and_then(|value| value.parse().ok());
    let mut limits = Limits::default();
    for (key, limit) in [
        ("limit.historyCount.suggestContinueAsNew", &mut limits.history_events_suggest),
        ("limit.historySize.suggestContinueAsNew", &mut limits.history_size_suggest_bytes),
        ("limit.historyCount.error", &mut limits.history_events_max),
        ("limit.historySize.error", &mut limits.history_size_max_bytes),
    ] {
        *limit = number(key).unwrap_or(*limit);
    }
    limits
}

/// `history.workflowIdReuseMinimalInterval`, as it slows chains of runs down. The test server does not have it.
fn continue_as_new_interval_min(personality: Personality) -> Duration {
    match personality {
        Personality::TestServer => Duration::ZERO,
        Personality::DevServer => Duration::from_secs(1),
    }
}
