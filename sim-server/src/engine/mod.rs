//! The Temporal service as a pure state machine: no clock, no thread, no socket, no randomness of its own.
//!
//! [`Engine`] owns all state. [`Engine::call`] is the only way in: it answers at once or parks the call under its [`Ticket`];
//! the answers to parked calls come out of [`Engine::next_answer`]. Time comes in with [`Engine::advance`], and
//! [`Engine::next_deadline`] says when that must be called next. [`Engine::view`] shows what is inside.
//!
//! The rooms, each of which owns its state (`tests/rooms.rs` holds them to their arrows):
//! - [`kernel`]: what every part stands on: time, what falls due, ids, keys, tickets, effects
//! - [`rules`]: pure functions: what is refused, when something is tried again, cron, search attributes, limits
//! - [`skipping`]: when virtual time may skip, and what holds it
//! - [`namespace`], [`matching`] (task queues), [`worker`]: the parts that are not executions
//! - [`execution`]: what every kind of execution shares; [`workflow`], [`activity`] and [`schedule`] are the kinds; [`batch`] does one
//!   thing to many of them
//! - [`visibility`]: finding executions by what they are
//! - [`view`]: what a simulation sees from inside; [`remains`]: whether a server has come to rest
//!
//! Arrows run one way: [`request`] -> a room's `calls` -> the public methods of parts -> `rules` and `kernel`. A machine never
//! reaches another machine. It leaves an [`kernel::effects::Effect`], and [`settle`] carries that out after the transaction. How time
//! passes between two calls is in [`pace`].

#![allow(deprecated, reason = "the wire has deprecated fields, and who sends them expects them back")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

mod activity;
mod batch;
mod dynamic_config;
mod execution;
mod kernel;
mod matching;
mod namespace;
mod pace;
mod remains;
mod reply;
mod request;
pub mod rules;
mod schedule;
mod settle;
mod skipping;
mod view;
mod visibility;
mod worker;
mod workflow;

pub use activity::reply::ActivityTaskReply;
pub use kernel::{
    effects::{Order, PARENT_CLOSE_REASON, RESETTER_IDENTITY},
    error,
    key::Connection,
    tickets::{Answer, Ticket},
    time,
};
pub use remains::Remains;
pub use reply::Reply;
pub use request::{Caller, Context, GetCurrentTime, Request, UnlockTimeSkippingWithSleep};
pub use skipping::notices::Notice;
pub use view::{ActivityView, RunView, ScheduleView, View};
pub use workflow::{
    calls::{history::HistoryReply, history_reverse::ReverseHistoryReply},
    reply::WorkflowTaskReply,
};

use crate::config::{Config, Personality, SearchAttributeType};
use batch::jobs::Jobs;
use dynamic_config::DynamicConfig;
use error::Result;
use execution::{retention::Retention, store::Store, waiters::Waiters};
use kernel::{
    domain::Domain,
    effects::Effects,
    ids::Ids,
    key::{NamespaceId, RunKey, ScheduleKey},
    tickets::{Parked, Tickets},
};
use matching::queues::Matching;
use namespace::registry::Namespaces;
use rules::{limits::Limits, switches::Switches};
use schedule::{Schedule, watches::Watches};
use skipping::Skipping;
use time::Time;
use visibility::Visibility;
use worker::{heartbeats::Heartbeats, registry::Workers};
use workflow::{calls::query::Queries, replays::Replays, run::Run, update::waiters::UpdateWaiters};

/// The Temporal service.
#[derive(Debug)]
pub struct Engine {
    personality: Personality,
    switches: Switches,
    /// Each workflow task comes with its whole history.
    replays_always: bool,
    limits: Limits,
    verifies_rebuilds: bool,
    /// The call that is being served has changed something, and is refused all the same.
    refusal_has_effect: bool,
    /// The clock of every namespace, and what falls due on it.
    domain: Domain,
    /// Whether its time may skip.
    skipping: Skipping,
    /// The calls that wait until nothing is in flight.
    resting: BTreeSet<Ticket>,
    /// Since when (wall) somebody waits for time that cannot move, and whether that has been said.
    standing_since: Option<(Time, bool)>,
    /// Since when (wall) nothing goes on but sleeps that lift nothing any more.
    orphans_alone_since: Option<Time>,
    ids: Ids,
    tickets: Tickets<Reply>,
    namespaces: Namespaces,
    matching: Matching,
    workers: Workers,
    heartbeats: Heartbeats,
    runs: Store<Run>,
    schedules: Store<Schedule>,
    batches: Jobs,
    retention: Retention<RunKey>,
    schedule_retention: Retention<ScheduleKey>,
    /// The closed ones, in the order in which they closed; `None` if nobody looks at them.
    closed: Option<Vec<RunKey>>,
    /// Those that were deleted; `None` if nobody looks at them.
    deleted: Option<BTreeMap<RunKey, Run>>,
    schedule_watches: Watches,
    waiters: Waiters,
    queries: Queries,
    replays: Replays,
    update_waiters: UpdateWaiters,
    effects: Effects,
    visibility: Visibility,
}

impl Engine {
    /// A service that contains only the configured namespaces.
    ///
    /// # Errors
    /// A search attribute of the configuration cannot be registered.
    pub fn new(config: &Config) -> Result<Self> {
        let typed = |(name, value_type): &(String, SearchAttributeType)| (name.clone(), value_type.to_proto().into());
        let search_attributes = config.search_attributes.iter().map(typed).collect();
        let is_test_server = config.personality == Personality::TestServer;
        let (switches, limits) = settings(config.personality, config.replay.always, &config.dynamic_config);
        let mut ids = Ids::new(config.seed);
        let mut namespaces = Namespaces::new(is_test_server, search_attributes);
        for name in &config.namespaces {
            if namespaces.find(name).is_none() {
                namespaces.register_configured(name, &mut ids)?;
            }
        }
        if !is_test_server {
            namespaces.register_system(&mut ids)?;
        }
        Ok(Self {
            personality: config.personality,
            switches,
            replays_always: config.replay.always,
            limits,
            verifies_rebuilds: config.verifies_rebuilds,
            refusal_has_effect: false,
            domain: Domain::new(config.start_time.as_ref().map(Time::from_proto)),
            skipping: Skipping::new(config),
            resting: BTreeSet::new(),
            standing_since: None,
            orphans_alone_since: None,
            ids,
            tickets: Tickets::new(config.long_polls_end),
            namespaces,
            matching: Matching::new(config.graces.map(|graces| graces.unpolled)),
            workers: Workers::new(config.graces.is_some()),
            heartbeats: Heartbeats::default(),
            runs: Store::default(),
            schedules: Store::default(),
            batches: Jobs::default(),
            schedule_watches: Watches::default(),
            retention: Retention::new(config.deletes_expired),
            schedule_retention: Retention::new(config.deletes_expired),
            closed: config.remembers_closes.then(Vec::new),
            deleted: config.keeps_deleted.then(BTreeMap::new),
            waiters: Waiters::default(),
            queries: Queries::default(),
            replays: Replays::new(config),
            update_waiters: UpdateWaiters::default(),
            effects: Effects::default(),
            visibility: Visibility::new(config.visibility_lag),
        })
    }

    /// Follows another dynamic configuration from now on, as the real server does when its file changes. What is already under way goes
    /// on under the one before.
    pub fn set_dynamic_config(&mut self, config: &BTreeMap<String, String>) {
        (self.switches, self.limits) = settings(self.personality, self.replays_always, config);
    }

    /// Serves one call at `context.now` (wall): its answer, or a promise of one that [`Self::next_answer`] keeps.
    ///
    /// # Errors
    /// Why the request is refused. A refusal changes nothing. (A worker that is refused by [`Answer::Refused`] has changed something:
    /// its workflow task failed, or its run has grown too large.)
    pub fn call<R: Request>(&mut self, request: R, context: &mut Context<'_, '_>) -> Result<Answer<R::Reply>> {
        self.pass(context.now, context.order);
        let before = (self.ids.position(), self.namespaces.count());
        self.refusal_has_effect = false;
        let outcome = match request.serve(self, context) {
            Err(error) if self.refusal_has_effect => Ok(Answer::Refused(error)),
            outcome => outcome,
        };
        if outcome.is_err() {
            // A refused request keeps no ids, and registers no namespace.
            self.ids.go_back_to(before.0);
            self.namespaces.keep_first(before.1);
        }
        self.settle(context.order);
        self.watch();
        outcome
    }

    /// [`Self::tick`]; then, if time may skip, it jumps to the next instant at which something falls due, and that happens. One
    /// instant, not all: those who are answered then get to act before time goes on.
    pub fn advance(&mut self, now: Time, order: &mut Order<'_>) {
        self.pass(now, order);
        if let Some(to) = self.next_skip() {
            self.skip(to);
            self.settle(order);
        }
        self.watch();
    }

    /// The wall reached `now`: runs what fell due, as [`Self::call`] does before it serves a call.
    pub fn tick(&mut self, now: Time, order: &mut Order<'_>) {
        self.pass(now, order);
        self.watch();
    }

    /// The wall reached `now`. What then follows ends with [`Self::watch`].
    fn pass(&mut self, now: Time, order: &mut Order<'_>) {
        self.domain.clock.tick(now);
        self.end_graces();
        while let Some((ticket, parked)) = self.tickets.pop_expired(now) {
            self.expire(ticket, parked);
        }
        self.settle(order);
        self.delete_expired();
        self.namespaces.forget_deleted(now);
    }

    /// Forgets a parked call whose caller went away. No answer will come for it.
    pub fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>) {
        self.pass(now, order);
        self.forget(ticket);
        self.settle(order);
        self.watch();
    }

    /// A client's connection has closed, on which these calls were parked. What it locked lapses, unless the client is back soon.
    pub fn close(&mut self, now: Time, connection: Connection, parked: &[Ticket], order: &mut Order<'_>) {
        self.pass(now, order);
        let awaited = parked.iter().filter_map(|ticket| match self.tickets.get(*ticket) {
            Some(Parked::History(run) | Parked::Update(run)) => Some(run),
            _ => None,
        });
        let awaited = awaited.collect();
        for &ticket in parked {
            self.forget(ticket);
        }
        let wall = self.wall();
        self.workers.close_connection(connection, wall);
        self.skipping.locks.closed_connection(connection, awaited, wall);
        self.settle(order);
        self.watch();
    }

    /// A request on this connection names this identity.
    pub fn hear(&mut self, connection: Connection, identity: &str) {
        self.skipping.locks.hear(connection, identity);
    }

    /// A client has changed something: whatever ran away before, time skips again.
    pub fn begin_anew(&mut self) {
        self.skipping.runaway.begin_anew();
    }

    /// The next line for the log.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.skipping.notices.take()
    }

    /// When (wall) [`Self::advance`] must be called next, if no call comes before.
    pub fn next_deadline(&self) -> Option<Time> {
        if self.next_skip().is_some() {
            return Some(self.wall());
        }
        let due = self.domain.next_due();
        let expiring = [self.retention.next(), self.schedule_retention.next()];
        [due, self.next_grace(), self.tickets.next_expiry()]
            .into_iter()
            .chain(expiring)
            .flatten()
            .filter(|at| *at < Time::MAX)
            .min()
    }

    /// The next finished parked call.
    pub fn next_answer(&mut self) -> Option<(Ticket, Result<Reply>)> {
        self.tickets.next_answer()
    }

    /// What is inside.
    pub fn view(&self) -> View<'_> {
        View::new(self)
    }

    /// Virtual now in a namespace.
    fn now(&self, _namespace: NamespaceId) -> Time {
        self.domain.now()
    }

    /// Wall now, as of the last tick.
    fn wall(&self) -> Time {
        self.domain.clock.wall()
    }
}

/// What is switched on, and the limits, under a dynamic configuration.
fn settings(personality: Personality, replays_always: bool, config: &BTreeMap<String, String>) -> (Switches, Limits) {
    let config = DynamicConfig(config);
    let mut switches = config.switches();
    // An eager activity comes with an answer that a worker on sdk-core does not get.
    switches.eager_activities &= !replays_always;
    let mut limits = Limits::default();
    if personality == Personality::TestServer {
        // The test server does not slow chains of runs down.
        limits.chain_interval_min = Duration::ZERO;
    }
    (switches, config.applied_to(limits))
}
