//! The world of one simulation: the server, the processes, the wire between them, and the scheduler. The scheduler does one
//! thing at a time, in an order drawn from the seed.
//!
//! - [`agenda`]: what will happen when
//! - [`lives`]: the processes; [`fates`]: how they start, crash, stop and start again; [`errands`]: what callers have those of
//!   struck clients do
//! - [`wire`]: requests and replies under way, and what goes wrong with them
//! - [`inspect`]: what the messages tell: attempts, moments for triggers, panics; [`workflow_tasks`]: who has which, and which
//!   failed; [`updates`]: who awaits which, and who handles them; [`operations`]: what operators do
//! - [`code`]: what workflow code asks for
//! - [`attempt`]: which attempts of activities are under way; [`place`]: where in the user's code a thread is; [`progress`]: how
//!   far the run got; [`view`]: what those see of all this who only read
//!
//! What happened is in the log of `foretime_campaign`, which decides with its choices and faults.
//!
//! The operating system asks [`World::step`] what is next. The processes come in through [`wire::service`] and
//! [`crate::process`]. All state is behind one lock that nobody ever waits for, because one thread runs at a time.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use foretime_campaign::{
    calendar,
    choices::{Choices, Label},
    effects::Record,
    fault::Fault,
    faults::{Deed, plan::Plan},
    finding::{Finding, Wrong},
    log::{Log, What},
    process::ProcessId,
    time::Start,
};

use foretime_server::{
    config::{Config, Personality, TimeMode},
    engine::{self, Ticket, time::Time},
    rpc::{Serve, Service},
};
use temporalio_client::ClientOptions;
use tonic::Status;

mod agenda;
pub(crate) mod attempt;
pub(crate) mod code;
pub(crate) mod errands;
mod fates;
mod inspect;
pub(crate) mod lives;
mod operations;
mod place;
mod progress;
mod scheduler;
mod updates;
mod view;
pub(crate) mod wire;
mod workflow_tasks;

use self::{
    agenda::Agenda,
    attempt::UnderWay,
    code::Code,
    errands::{ErrandId, Errands},
    lives::{Factory, Lives},
    operations::Operations,
    progress::Progress,
    wire::{CallId, Refused, Request, Wire, nanos},
};
pub(crate) use self::{fates::About, scheduler::Scheduler};
use crate::os::{self, Step, ThreadId};

/// For how long the world may take to come to rest after the test's body has ended.
const REST: Duration = Duration::from_secs(60);
/// A run that goes on for longer than this, in virtual time, counts as endless.
const TIME_MAX: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// How far a run may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A run with more steps counts as endless.
    pub(crate) steps_max: u64,
    /// How many events may be replayed at the end, summed over all cuts of histories.
    pub(crate) cut_events_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps_max: 2_000_000, cut_events_max: 150 }
    }
}

/// The order in which the server does what one task asks for: starting a child, signalling another workflow, telling a parent.
/// In production they run side by side, so any of them may come first.
fn transfer_order(choices: &mut Choices) -> impl FnMut(usize) -> usize {
    |count| usize::try_from(choices.below(Label::TransferTask, count as u64)).unwrap_or(0)
}

/// Something that will happen.
#[derive(Debug)]
enum Happening {
    /// A request reaches the server.
    Request(CallId, Request),
    /// A duplicate reaches the server. Its answer goes to nobody.
    Duplicate(ProcessId, Request),
    /// A reply reaches its caller.
    Reply(CallId, Result<Bytes, Refused>),
    /// The server notices that this process, which is gone, does not wait for the answer to a parked call.
    Abandon(ProcessId, Ticket),
    /// The caller of a call that the server has not answered gives up.
    TimeOut(CallId),
    /// The polls of a process that is about to stop end.
    EndPolls(ProcessId),
    /// The grace period of a process that was asked to stop is over.
    LoseGrace(ProcessId),
    /// The worker or the client in this slot starts.
    Start(usize),
    /// The worker or the client in this slot is asked to stop, to start again on this version of its code.
    Deploy(usize, usize),
    /// A caller learns that the process of a struck client is down.
    Refuse(ErrandId),
}

/// How far the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The test's body runs.
    Body,
    /// The body has ended. The world comes to rest, by this instant at the latest.
    Rest { until_ns: u64 },
    /// The histories are replayed.
    Replay,
    /// All is done.
    Over,
}

/// The world. See the module's page.
pub(crate) struct World {
    state: Mutex<State>,
    hooks: Hooks,
}

/// Functions that the world calls without knowing what is behind them.
#[derive(Debug)]
pub(crate) struct Hooks {
    /// One life of a worker, on its thread.
    pub(crate) worker: fn(&Arc<World>, ProcessId, WorkerStart),
    /// One life of a struck client with this identity, on its thread.
    pub(crate) client: fn(&Arc<World>, ProcessId, &str),
    /// Whether the run makes no progress and should end. Asked before each step.
    pub(crate) is_endless: fn(&mut State) -> bool,
    /// Nothing will ever happen again, and the test still waits.
    pub(crate) hangs: fn(&mut State),
}

/// What a worker starts with.
pub(crate) struct WorkerStart {
    /// The identity of its client: its name.
    pub(crate) identity: String,
    /// Its number within its fleet.
    pub(crate) number: usize,
    pub(crate) options: Factory,
    /// How many workflows its cache holds, unless its options say.
    pub(crate) cache_size: Option<usize>,
}

/// The world of this process, once it simulates.
static WORLD: OnceLock<Arc<World>> = OnceLock::new();

/// The world of this process, if it simulates.
pub(crate) fn current() -> Option<&'static Arc<World>> {
    WORLD.get()
}

/// All state.
pub(crate) struct State {
    starts_at: Start,
    now_ns: u64,
    service: Service,
    pub(crate) choices: Choices,
    pub(crate) plan: Plan,
    agenda: Agenda<Happening>,
    pub(crate) lives: Lives,
    errands: Errands,
    wire: Wire,
    pub(crate) log: Log,
    pub(crate) progress: Progress,
    limits: Limits,
    pub(crate) ledger: Vec<Record>,
    pub(crate) under_way: UnderWay,
    pub(crate) findings: Vec<Finding>,
    pub(crate) phase: Phase,
    /// Workflow tasks that came with the whole history although they were not the first of their run.
    pub(crate) replays: u64,
    /// Histories, whole and cut, that the replayer accepted.
    pub(crate) replays_checked: u64,
    tasks: inspect::Tasks,
    code: Code,
    operations: Operations,
    /// What runs when the world is at rest: it spawns the replayer. `None` once it has run.
    at_rest: Option<AtRest>,
    /// Each `sometimes!`, and whether it held.
    pub(crate) claims: BTreeMap<String, bool>,
    /// The types of activities that have faults of their own or attempts, and whether an attempt has begun.
    pub(crate) activities: BTreeMap<String, bool>,
    /// The options for the clients of workers and of the test.
    pub(crate) client_options: ClientOptions,
    /// What the test has changed of the server's dynamic configuration.
    dynamic_config: BTreeMap<String, String>,
    /// The statics of the user's that workers changed, each once, in the order of their ends.
    changed_statics: Vec<&'static str>,
    /// Whether a panic of the user's code is a finding.
    pub(crate) panics_are_findings: bool,
}

/// What to do when the world is at rest. Returns the process that does it, if there is something to do.
type AtRest = Box<dyn FnOnce(&mut State, &Arc<World>) -> Option<ProcessId> + Send>;

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    /// A world in which nothing has happened. It becomes the world of this process. `starts_at`: when it begins, unless that is drawn.
    ///
    /// # Errors
    /// The server refuses its configuration.
    ///
    /// # Panics
    /// If it is called a second time in one process.
    pub(crate) fn begin(
        mut choices: Choices,
        starts_at: Option<Start>,
        is_detailed: bool,
        limits: Limits,
        client_options: ClientOptions,
        hooks: Hooks,
    ) -> Result<Arc<Self>, Status> {
        let starts_at = calendar::begin(&mut choices, starts_at);
        // Workers would tell of themselves each minute for ever, and time would never come to rest.
        let dynamic_config = BTreeMap::from([("frontend.workerheartbeatsenabled".to_owned(), "false".to_owned())]);
        let config = Config {
            personality: Personality::TestServer,
            time: TimeMode::Paced,
            graces: None,
            long_polls_end: false,
            // They are checked and replayed as all others are.
            keeps_deleted: true,
            dynamic_config: dynamic_config.clone(),
            seed: choices.source(),
            ..Config::default()
        };
        let state = State {
            starts_at,
            now_ns: 0,
            service: Service::new(&config)?,
            choices,
            plan: Plan::none(),
            agenda: Agenda::default(),
            lives: Lives::default(),
            errands: Errands::default(),
            wire: Wire::default(),
            log: Log::new(is_detailed),
            progress: Progress::default(),
            limits,
            ledger: Vec::new(),
            under_way: UnderWay::default(),
            findings: Vec::new(),
            phase: Phase::Body,
            replays: 0,
            replays_checked: 0,
            tasks: inspect::Tasks::default(),
            code: Code::default(),
            operations: Operations::default(),
            at_rest: None,
            claims: BTreeMap::new(),
            activities: BTreeMap::new(),
            client_options,
            dynamic_config,
            changed_statics: Vec::new(),
            panics_are_findings: true,
        };
        let world = Arc::new(Self { state: Mutex::new(state), hooks });
        assert!(WORLD.set(world.clone()).is_ok(), "one process runs one simulation");
        Ok(world)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` on the state as the simulation's own code: on any thread, it gets the real libc.
    pub(crate) fn enter<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        os::exempt(|| work(&mut self.lock()))
    }

    /// The state; `None` if this same thread is working on it, as during a panic.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        self.state.try_lock().ok()
    }

    /// Sets what to do when the world is at rest.
    pub(crate) fn when_at_rest(&self, work: impl FnOnce(&mut State, &Arc<World>) -> Option<ProcessId> + Send + 'static) {
        self.lock().at_rest = Some(Box::new(work));
    }
}

impl State {
    /// The virtual time now, as the server sees it.
    fn time(&self) -> Time {
        self.starts_at.time(self.now_ns)
    }

    /// The virtual time now, as programs see it.
    pub(crate) fn system_time(&self) -> SystemTime {
        self.starts_at.system_time(self.now_ns)
    }

    /// When the run began.
    pub(crate) fn starts_at(&self) -> Start {
        self.starts_at
    }

    /// The virtual time now, in nanoseconds since the start.
    pub(crate) fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// How far the run may go.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether the run has gone on for longer than any run should.
    pub(crate) fn is_too_long(&self) -> bool {
        self.now_ns > nanos(TIME_MAX) || self.log.steps() > self.limits.steps_max
    }

    /// The server.
    pub(crate) fn service(&self) -> engine::View<'_> {
        self.service.view()
    }

    /// Sets a value of the server's dynamic configuration, in JSON.
    pub(crate) fn set_dynamic_config(&mut self, key: String, value: String) {
        self.dynamic_config.insert(key.to_ascii_lowercase(), value);
        self.service.set_dynamic_config(&self.dynamic_config);
    }

    fn step(&mut self, world: &Arc<World>, ready: &[(ThreadId, ProcessId)]) -> Step {
        if self.phase == Phase::Over {
            return Step::Halt;
        }
        if (world.hooks.is_endless)(self) {
            return Step::Halt;
        }
        let due = self.agenda.due_count(self.now_ns);
        let service_is_due = self.service.next_deadline().is_some_and(|at| at <= self.time());
        let total = ready.len() + due + usize::from(service_is_due);
        if total == 0 {
            return self.rest(world);
        }
        let index = usize::try_from(self.choices.below(Label::Schedule, total as u64)).unwrap_or(0);
        self.log.drawn(self.choices.hash(), self.choices.count(), self.now_ns);
        if let Some((thread, process)) = ready.get(index) {
            self.log.turn(self.now_ns, *process, thread.0);
            self.progress.turn(*process, self.now_ns);
            self.verdict(*process, Deed::Turn, About::default());
            return Step::Run(*thread);
        }
        match self.agenda.take_due_if(index - ready.len(), due) {
            Some(happening) => self.happen(world, happening),
            None => {
                let now = self.time();
                self.service.advance(now, &mut transfer_order(&mut self.choices));
                self.deliver_answers();
            }
        }
        Step::Again
    }

    fn happen(&mut self, world: &Arc<World>, happening: Happening) {
        match happening {
            Happening::Request(id, request) => self.request_arrives(id, request),
            Happening::Duplicate(process, request) => self.duplicate_arrives(process, request),
            Happening::Reply(id, answer) => self.reply_arrives(id, answer),
            Happening::Abandon(process, ticket) => {
                self.abandon(ticket);
                self.noticed(process);
                self.deliver_answers();
            }
            Happening::TimeOut(id) => self.time_out(id),
            Happening::EndPolls(process) => self.end_polls(process),
            Happening::LoseGrace(process) => self.lose_grace(process),
            Happening::Start(slot) => self.start(world, slot),
            Happening::Deploy(slot, version) => self.stop(slot, version),
            Happening::Refuse(id) => self.refuse(id),
        }
    }

    /// Nothing can happen at this instant: moves on to the next instant, or to the next phase.
    fn rest(&mut self, world: &Arc<World>) -> Step {
        let service_ns = self.service.next_deadline().map(|at| self.starts_at.ns_until(at).unwrap_or(0));
        let next_ns = [self.agenda.next_ns(), service_ns].into_iter().flatten().min();
        if let Phase::Rest { until_ns } = self.phase
            && next_ns.is_none_or(|next_ns| next_ns > until_ns)
        {
            self.begin_replay(world);
            return Step::Again;
        }
        Step::Wait(next_ns)
    }

    /// Nothing will ever happen again. Returns whether there is something left to do.
    fn at_a_standstill(&mut self, world: &Arc<World>) -> bool {
        match self.phase {
            Phase::Rest { .. } => {
                self.begin_replay(world);
                true
            }
            Phase::Body => {
                (world.hooks.hangs)(self);
                false
            }
            Phase::Replay | Phase::Over => {
                self.phase = Phase::Over;
                false
            }
        }
    }

    fn begin_replay(&mut self, world: &Arc<World>) {
        for number in 0..self.lives.all.len() {
            os::freeze(ProcessId(u32::try_from(number).unwrap_or(u32::MAX)));
        }
        self.phase = Phase::Replay;
        let work = self.at_rest.take();
        if work.and_then(|work| work(self, world)).is_none() {
            self.phase = Phase::Over;
        }
    }

    /// Notes that the test's body has ended.
    pub(crate) fn body_ended(&mut self) {
        self.plan.stop();
        self.lives.reconnect();
        self.phase = Phase::Rest { until_ns: self.now_ns + nanos(REST) };
    }

    /// Notes that something is wrong. The run ends with it.
    pub(crate) fn find(&mut self, process: Option<ProcessId>, wrong: Wrong) {
        self.note(process, What::Finding(wrong.clone()));
        self.findings.push(Finding { process, at_ns: self.now_ns, wrong });
        self.plan.stop();
        self.phase = Phase::Over;
    }

    /// Notes what happens now.
    pub(crate) fn note(&mut self, process: Option<ProcessId>, what: What) {
        self.log.note(self.now_ns, process, what);
    }

    /// The hash of everything that happened and was drawn.
    pub(crate) fn hash(&self) -> u64 {
        self.log.hash_with(self.choices.hash())
    }

    /// How many faults there were of each kind.
    pub(crate) fn fault_counts(&self) -> &BTreeMap<Fault, u64> {
        self.plan.counts()
    }
}
