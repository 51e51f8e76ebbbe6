//! One service with a client and a worker, in one thread and without a network, for tests. The time is what is due next.

mod client;
mod worker;

use std::{collections::BTreeMap, time::Duration};

use foretime_server::{
    config::Config,
    engine::{Caller, Ticket, time::Time},
    proto::{Rpc, enums::WorkflowExecutionStatus, history::HistoryEvent},
    rpc::{Answer, Call, Serve, Served, Service, first_come},
};
use prost::Message;
use tonic::Status;

use self::worker::Work;
use crate::plan::draw::Draw;

const START: Time = Time::from_nanos(1_700_000_000_000_000_000);
/// A test in which more happens hangs.
const STEPS_MAX: usize = 200_000;

/// A service, its callers and its time.
pub(crate) struct Drive {
    service: Service,
    now: Time,
    /// How the worker's tasks go wrong; `None`: they do not.
    hardship: Option<Draw>,
    /// How long the worker has a workflow task.
    thinks: Duration,
    /// The parked calls of the client, by number.
    waiting: BTreeMap<Ticket, u64>,
    answers: BTreeMap<u64, Answer>,
    workflow_poll: Option<Ticket>,
    activity_poll: Option<Ticket>,
    /// What the worker does later.
    due: BTreeMap<(Time, u64), Work>,
    count: u64,
    /// How many answers were refused since more had happened.
    pub(crate) unhandled_count: u64,
}

impl Drive {
    /// A worker that does well.
    pub(crate) fn new() -> Self {
        Self::with(None)
    }

    /// A worker that is often slow, and loses tasks.
    pub(crate) fn hard(seed: u64) -> Self {
        Self::with(Some(Draw::new(seed)))
    }

    fn with(hardship: Option<Draw>) -> Self {
        Self {
            service: Service::new(&Config::default()).unwrap(),
            now: START,
            hardship,
            thinks: Duration::ZERO,
            waiting: BTreeMap::new(),
            answers: BTreeMap::new(),
            workflow_poll: None,
            activity_poll: None,
            due: BTreeMap::new(),
            count: 0,
            unhandled_count: 0,
        }
    }

    /// The worker takes this long for each workflow task from now on.
    pub(crate) fn thinks_for(&mut self, span: Duration) {
        self.thinks = span;
    }

    /// The histories of the runs of a workflow, one after the other.
    pub(crate) fn histories(&self, workflow_id: &str) -> Vec<Vec<HistoryEvent>> {
        let runs = self.service.view().runs().filter(|run| run.workflow_id() == workflow_id);
        runs.map(|run| run.events_from(1)).collect()
    }

    /// The histories of all runs.
    pub(crate) fn all_histories(&self) -> Vec<Vec<HistoryEvent>> {
        self.service.view().runs().map(|run| run.events_from(1)).collect()
    }

    /// Whether a run of some workflow is open.
    pub(crate) fn is_any_open(&self) -> bool {
        self.service.view().runs().any(|run| run.status() == WorkflowExecutionStatus::Running)
    }

    /// How much time has passed.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now.since(START)
    }

    /// Goes on until all runs are closed.
    #[track_caller]
    pub(crate) fn runs_to_the_end(&mut self) {
        for _ in 0..STEPS_MAX {
            if !self.is_any_open() {
                return;
            }
            self.steps(Time::MAX);
        }
        panic!("it does not end");
    }

    /// Lets so much time pass.
    #[track_caller]
    pub(crate) fn passes(&mut self, span: Duration) {
        let until = self.now + span;
        for _ in 0..STEPS_MAX {
            if !self.steps(until) {
                self.now = until;
                self.service.advance(self.now, &mut first_come);
                self.collects();
                return;
            }
        }
        panic!("time does not pass");
    }

    /// Does what is due next, if that is so before `until`; whether something was.
    pub(crate) fn steps(&mut self, until: Time) -> bool {
        self.polls();
        let own = self.due.first_key_value().map(|((at, _), _)| *at);
        let Some(next) = [own, self.service.next_deadline()].into_iter().flatten().min().filter(|next| *next <= until) else {
            return false;
        };
        self.now = self.now.max(next);
        self.service.advance(self.now, &mut first_come);
        self.collects();
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let work = entry.remove();
            self.works(work);
        }
        true
    }

    fn plans(&mut self, at: Time, work: Work) {
        self.count += 1;
        self.due.insert((at, self.count), work);
    }

    /// Makes a call that is answered at once.
    fn calls<R: Rpc>(&mut self, request: &R) -> Result<R::Reply, Status> {
        let Served::Now(answer) = self.serves(request) else { panic!("{} waits", R::METHOD) };
        self.collects();
        answer.map(|bytes| R::Reply::decode(bytes).unwrap())
    }

    /// Makes a call that may wait; its number.
    fn sends<R: Rpc>(&mut self, request: &R) -> u64 {
        self.count += 1;
        let number = self.count;
        match self.serves(request) {
            Served::Now(answer) => drop(self.answers.insert(number, answer)),
            Served::Parked(ticket) => drop(self.waiting.insert(ticket, number)),
        }
        self.collects();
        number
    }

    fn serves<R: Rpc>(&mut self, request: &R) -> Served {
        let call = Call {
            service: R::SERVICE.to_owned(),
            method: R::METHOD.to_owned(),
            caller: Caller::default(),
            deadline: None,
            message: request.encode_to_vec().into(),
        };
        self.service.call(self.now, call, &mut first_come)
    }

    fn collects(&mut self) {
        while let Some((ticket, answer)) = self.service.next_answer() {
            if self.workflow_poll == Some(ticket) {
                self.workflow_poll = None;
                self.takes_workflow_task(answer);
            } else if self.activity_poll == Some(ticket) {
                self.activity_poll = None;
                self.takes_activity_task(answer);
            } else if let Some(number) = self.waiting.remove(&ticket) {
                self.answers.insert(number, answer);
            }
        }
    }
}
