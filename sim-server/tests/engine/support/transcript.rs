//! One service, its time in the test's hand, and what it has answered.

use std::{collections::BTreeMap, marker::PhantomData, time::Duration};

use bytes::Bytes;
use foretime_server::{
    config::{Config, Personality},
    engine::{Ticket, time::Time},
    proto::{
        history::HistoryEvent,
        testservice::GetCurrentTimeResponse,
        workflowservice::{DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse},
    },
    rpc::{Call, Caller, Service, table::TEST_SERVICE},
};
use prost::Message;
use tonic::Status;

use super::requests::{self, Rpc};

/// The wall's time when a transcript begins.
pub(crate) const START: Time = Time::from_nanos(1_700_000_000_000_000_000);
/// Time that skips on and on: a test that waits for more instants than this hangs.
const INSTANTS_MAX: usize = 1_000;

/// One service and those who call it.
pub(crate) struct Transcript {
    service: Service,
    /// Wall time.
    now: Time,
    last_ticket: u64,
    caller: Caller,
    /// What has been answered and not been looked at.
    answers: BTreeMap<Ticket, Result<Bytes, Status>>,
}

/// A call that was made; its answer may have come, or is to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting<Reply> {
    ticket: Ticket,
    reply: PhantomData<Reply>,
}

impl Transcript {
    /// A server in the place of `temporal server start-dev`, in which time goes as the test lets it pass.
    pub(crate) fn new() -> Self {
        Self::with(Config { personality: Personality::DevServer, ..Config::default() })
    }

    /// A server in the place of `temporal-test-server`, whose time may skip from the start.
    pub(crate) fn skipping() -> Self {
        Self::with(Config { time_skipping: true, ..Config::default() })
    }

    pub(crate) fn with(config: Config) -> Self {
        Self {
            service: Service::new(&config).expect("the configuration is sound"),
            now: START,
            last_ticket: 0,
            caller: Caller::default(),
            answers: BTreeMap::new(),
        }
    }

    /// From now on calls have these headers.
    pub(crate) fn calls_as(&mut self, caller: Caller) {
        self.caller = caller;
    }

    /// Makes a call that waits for as long as it takes.
    pub(crate) fn sends<R: Rpc>(&mut self, request: R) -> Waiting<R::Reply> {
        self.sends_to(R::service(), R::method(), &request, None)
    }

    /// Makes a call whose caller gives up after `patience`.
    pub(crate) fn sends_within<R: Rpc>(&mut self, patience: Duration, request: R) -> Waiting<R::Reply> {
        self.sends_to(R::service(), R::method(), &request, Some(patience))
    }

    /// Makes a call of any method.
    pub(crate) fn sends_to<Reply>(
        &mut self,
        service: &str,
        method: &str,
        request: &impl Message,
        patience: Option<Duration>,
    ) -> Waiting<Reply> {
        self.sends_bytes(service, method, request.encode_to_vec().into(), patience)
    }

    /// Makes a call of any method with any bytes.
    pub(crate) fn sends_bytes<Reply>(
        &mut self,
        service: &str,
        method: &str,
        message: Bytes,
        patience: Option<Duration>,
    ) -> Waiting<Reply> {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let call = Call {
            service: service.to_owned(),
            method: method.to_owned(),
            caller: self.caller.clone(),
            deadline: patience.map(|patience| self.now + patience),
            message,
        };
        let answer = self.service.call(self.now, call, ticket);
        self.answers.extend(answer.map(|answer| (ticket, answer)));
        self.collect();
        Waiting { ticket, reply: PhantomData }
    }

    /// Makes a call that is answered at once.
    #[track_caller]
    pub(crate) fn calls<R: Rpc>(&mut self, request: R) -> R::Reply {
        let call = self.sends(request);
        self.answer_to(&call)
    }

    /// Makes a call that is refused at once, as `CODE: TEXT`, and that changes nothing.
    #[track_caller]
    pub(crate) fn refuses<R: Rpc>(&mut self, request: R, expected: &str) {
        let before = self.observed();
        let call = self.sends(request);
        assert_eq!(self.refusal_of(&call), expected);
        assert_eq!(self.observed(), before, "a refusal changes nothing");
    }

    /// The answer to a call, which has come.
    #[track_caller]
    pub(crate) fn answer_to<Reply: Message + Default>(&mut self, call: &Waiting<Reply>) -> Reply {
        let Some(answer) = self.answers.remove(&call.ticket) else { panic!("no answer has come") };
        let bytes = answer.unwrap_or_else(|refusal| panic!("refused: {}", shown(&refusal)));
        Reply::decode(bytes).expect("the answer is what its method says")
    }

    /// Why a call was refused, as `CODE: TEXT`.
    #[track_caller]
    pub(crate) fn refusal_of<Reply>(&mut self, call: &Waiting<Reply>) -> String {
        match self.answers.remove(&call.ticket) {
            Some(Err(refusal)) => shown(&refusal),
            Some(Ok(_)) => panic!("it is not refused"),
            None => panic!("no answer has come"),
        }
    }

    /// No answer to the call has come.
    #[track_caller]
    pub(crate) fn still_waits<Reply>(&self, call: &Waiting<Reply>) {
        assert!(!self.answers.contains_key(&call.ticket), "an answer has come: {:?}", self.answers[&call.ticket]);
    }

    /// The caller goes away.
    pub(crate) fn gives_up<Reply>(&mut self, call: &Waiting<Reply>) {
        self.service.abandon(self.now, call.ticket);
        self.collect();
    }

    /// Lets the wall's time pass; all that falls due meanwhile happens at its instant, and where time may skip it skips.
    pub(crate) fn time_passes(&mut self, span: Duration) {
        let until = self.now + span;
        for _ in 0..INSTANTS_MAX {
            let Some(due) = self.service.next_deadline().filter(|due| *due <= until) else {
                self.now = until;
                self.service.advance(self.now);
                self.collect();
                return;
            };
            self.now = self.now.max(due);
            self.service.advance(self.now);
            self.collect();
        }
        panic!("time does not come to rest");
    }

    /// Lets time skip for as long as it may, without the wall moving on.
    pub(crate) fn time_skips(&mut self) {
        self.time_passes(Duration::ZERO);
    }

    /// One step of the clock: at most to the next instant at which something falls due.
    pub(crate) fn time_skips_once(&mut self) {
        self.service.advance(self.now);
        self.collect();
    }

    /// The wall leaps ahead in one go.
    pub(crate) fn wall_leaps(&mut self, span: Duration) {
        self.now += span;
        self.service.advance(self.now);
        self.collect();
    }

    /// The wall's clock is set back.
    pub(crate) fn wall_goes_back(&mut self, span: Duration) {
        self.now = self.now - span;
        self.service.advance(self.now);
        self.collect();
    }

    /// When, after now on the wall, the service wants to be woken.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.service.next_deadline().map(|at| at.since(self.now))
    }

    /// How far virtual time has moved on since the transcript began.
    pub(crate) fn elapsed(&mut self) -> Duration {
        let call = self.sends_to(TEST_SERVICE, "GetCurrentTime", &(), None);
        let reply: GetCurrentTimeResponse = self.answer_to(&call);
        Time::from_proto(&reply.time.expect("a time")).since(START)
    }

    /// `text` with run ids put as `WORKFLOW/N`: the Nth run of its workflow id.
    pub(crate) fn named(&self, text: &str) -> String {
        let mut counts = BTreeMap::new();
        self.service.runs().fold(text.to_owned(), |text, run| {
            let count = counts.entry(run.workflow_id().to_owned()).and_modify(|count| *count += 1).or_insert(1);
            text.replace(run.run_id(), &format!("{}/{count}", run.workflow_id()))
        })
    }

    /// The run id of the Nth run of a workflow id.
    #[track_caller]
    pub(crate) fn run_id(&self, workflow_id: &str, n: usize) -> String {
        let mut runs = self.service.runs().filter(|run| run.workflow_id() == workflow_id);
        runs.nth(n - 1).expect("there is such a run").run_id().to_owned()
    }

    /// The events that are written of the Nth run of a workflow id.
    #[track_caller]
    pub(crate) fn events_of(&self, workflow_id: &str, n: usize) -> Vec<HistoryEvent> {
        let mut runs = self.service.runs().filter(|run| run.workflow_id() == workflow_id);
        runs.nth(n - 1).expect("there is such a run").events_from(1)
    }

    /// How many runs the workflow id has had.
    pub(crate) fn run_count(&self, workflow_id: &str) -> usize {
        self.service.runs().filter(|run| run.workflow_id() == workflow_id).count()
    }

    /// All that shows of the state: every run's description and events, the clock, and what it waits for.
    pub(crate) fn observed(&mut self) -> Vec<Vec<u8>> {
        let runs: Vec<_> = self.service.runs().map(|run| (run.workflow_id().to_owned(), run.run_id().to_owned())).collect();
        let mut all: Vec<Vec<u8>> = self.service.runs().map(|run| run.encoded_events().to_vec()).collect();
        for (workflow_id, run_id) in runs {
            let describe = DescribeWorkflowExecutionRequest {
                execution: requests::run(&workflow_id, &run_id),
                ..requests::describe(&workflow_id)
            };
            let reply: DescribeWorkflowExecutionResponse = self.calls(describe);
            all.push(reply.encode_to_vec());
        }
        all.push(format!("{:?} {:?}", self.elapsed(), self.next_deadline()).into_bytes());
        all
    }

    fn collect(&mut self) {
        while let Some((ticket, answer)) = self.service.next_answer() {
            assert!(self.answers.insert(ticket, answer).is_none(), "{ticket:?} is answered twice");
        }
    }
}

fn shown(refusal: &Status) -> String {
    format!("{:?}: {}", refusal.code(), refusal.message())
}
