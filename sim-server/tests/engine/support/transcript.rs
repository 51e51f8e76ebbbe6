//! One service under test, its wall time, and its answers.

use std::{collections::BTreeMap, marker::PhantomData, time::Duration};

use bytes::Bytes;
use foretime_server::{
    config::{Config, Personality, TimeMode},
    engine::{Caller, Connection, Ticket, time::Time},
    proto::{
        Rpc,
        enums::{HistoryEventFilterType, WorkflowExecutionStatus},
        history::HistoryEvent,
        testservice::{GetCurrentTimeResponse, SleepRequest, SleepResponse},
        workflowservice::{
            DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryRequest,
            GetWorkflowExecutionHistoryResponse,
        },
    },
    rpc::{Call, Serve, Served, Service, first_come, table::TEST_SERVICE},
};
use prost::Message;
use tonic::Status;

use super::requests;

/// The wall's time when a transcript begins.
pub(crate) const START: Time = Time::from_nanos(1_700_000_000_000_000_000);
/// A test in which time moves more often than this at once hangs.
const INSTANTS_MAX: usize = 1_000;

/// One service and its callers.
pub(crate) struct Transcript {
    service: Service,
    /// Wall time.
    now: Time,
    call_count: u64,
    caller: Caller,
    /// The calls that wait, by the service's tickets.
    waiting: BTreeMap<Ticket, u64>,
    /// What has been answered and not been looked at, by call.
    answers: BTreeMap<u64, Result<Bytes, Status>>,
}

/// A call that was made. Its answer may be there already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting<Reply> {
    call: u64,
    reply: PhantomData<Reply>,
}

impl Transcript {
    /// A server in place of `temporal server start-dev`, with its time locked to the wall.
    pub(crate) fn new() -> Self {
        Self::with(Config { personality: Personality::DevServer, ..Config::default() })
    }

    /// A server in place of `temporal-test-server`, whose time may skip from the start.
    pub(crate) fn skipping() -> Self {
        Self::with(Config { time: TimeMode::Skipping, ..Config::default() })
    }

    pub(crate) fn with(config: Config) -> Self {
        Self {
            service: Service::new(&Config { verifies_rebuilds: true, ..config }).expect("the configuration is sound"),
            now: START,
            call_count: 0,
            caller: Caller::default(),
            waiting: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }

    /// Sets the headers of the calls to come.
    pub(crate) fn calls_as(&mut self, caller: Caller) {
        self.caller = caller;
    }

    /// Makes a call without a deadline.
    pub(crate) fn sends<R: Rpc>(&mut self, request: R) -> Waiting<R::Reply> {
        self.sends_to(R::SERVICE, R::METHOD, &request, None)
    }

    /// Makes a call with a deadline.
    pub(crate) fn sends_within<R: Rpc>(&mut self, patience: Duration, request: R) -> Waiting<R::Reply> {
        self.sends_to(R::SERVICE, R::METHOD, &request, Some(patience))
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
        self.call_count += 1;
        let number = self.call_count;
        let call = Call {
            service: service.to_owned(),
            method: method.to_owned(),
            caller: self.caller.clone(),
            deadline: patience.map(|patience| self.now + patience),
            message,
        };
        match self.service.call(self.now, call, &mut first_come) {
            Served::Now(answer) => drop(self.answers.insert(number, answer)),
            Served::Parked(ticket) => drop(self.waiting.insert(ticket, number)),
        }
        self.collect();
        Waiting { call: number, reply: PhantomData }
    }

    /// Makes a call that is answered at once.
    #[track_caller]
    pub(crate) fn calls<R: Rpc>(&mut self, request: R) -> R::Reply {
        let call = self.sends(request);
        self.answer_to(&call)
    }

    /// Makes a call that is refused at once with `CODE: TEXT`, and checks that it changes nothing.
    #[track_caller]
    pub(crate) fn refuses<R: Rpc>(&mut self, request: R, expected: &str) {
        let before = self.observed();
        let call = self.sends(request);
        assert_eq!(self.refusal_of(&call), expected);
        assert_eq!(self.observed(), before, "a refusal changes nothing");
    }

    /// The answer to a call; it must be there.
    #[track_caller]
    pub(crate) fn answer_to<Reply: Message + Default>(&mut self, call: &Waiting<Reply>) -> Reply {
        let Some(answer) = self.answers.remove(&call.call) else { panic!("no answer has come") };
        let bytes = answer.unwrap_or_else(|refusal| panic!("refused: {}", shown(&refusal)));
        Reply::decode(bytes).expect("the answer is what its method says")
    }

    /// The refusal of a call, as `CODE: TEXT`; it must be there.
    #[track_caller]
    pub(crate) fn refusal_of<Reply>(&mut self, call: &Waiting<Reply>) -> String {
        match self.answers.remove(&call.call) {
            Some(Err(refusal)) => shown(&refusal),
            Some(Ok(_)) => panic!("it is not refused"),
            None => panic!("no answer has come"),
        }
    }

    /// Checks that the call has no answer yet.
    #[track_caller]
    pub(crate) fn still_waits<Reply>(&self, call: &Waiting<Reply>) {
        assert!(!self.answers.contains_key(&call.call), "an answer has come: {:?}", self.answers[&call.call]);
    }

    /// Abandons the call.
    pub(crate) fn gives_up<Reply>(&mut self, call: &Waiting<Reply>) {
        if let Some((&ticket, _)) = self.waiting.iter().find(|(_, number)| **number == call.call) {
            self.waiting.remove(&ticket);
            self.service.abandon(self.now, ticket, &mut first_come);
        }
        self.collect();
    }

    /// A sleep that lifts one lock, or what runs where there is none, until it ends.
    pub(crate) fn unlocks_and_sleeps(&mut self, span: Duration) -> Waiting<SleepResponse> {
        let request = SleepRequest { duration: super::span(span) };
        self.sends_to(TEST_SERVICE, "UnlockTimeSkippingWithSleep", &request, None)
    }

    /// Calls on this connection from now on.
    pub(crate) fn calls_on(&mut self, connection: u64) {
        self.caller.connection = Connection(connection);
    }

    /// The lines for the log since the last call.
    pub(crate) fn notices(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.service.next_notice()).map(|notice| notice.text).collect()
    }

    /// Whether the call has its answer.
    pub(crate) fn is_answered<Reply>(&self, call: &Waiting<Reply>) -> bool {
        self.answers.contains_key(&call.call)
    }

    /// The status of the last run of a workflow id.
    #[track_caller]
    pub(crate) fn status_of(&self, workflow_id: &str) -> WorkflowExecutionStatus {
        let runs = self.service.view().runs().filter(|run| run.workflow_id() == workflow_id);
        runs.last().expect("there is such a run").status()
    }

    /// Waits for the end of a workflow.
    pub(crate) fn awaits_close_of(&mut self, workflow_id: &str) -> Waiting<GetWorkflowExecutionHistoryResponse> {
        self.sends(GetWorkflowExecutionHistoryRequest {
            wait_new_event: true,
            history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
            ..requests::read(workflow_id)
        })
    }

    /// Closes a client's connection.
    pub(crate) fn closes(&mut self, connection: Connection) {
        self.service.closed(self.now, connection, &mut first_come);
        self.collect();
    }

    /// Lets wall time pass. As a host does, it wakes the service at each of its deadlines; time skips where it may.
    pub(crate) fn time_passes(&mut self, span: Duration) {
        let until = self.now + span;
        for _ in 0..INSTANTS_MAX {
            let Some(due) = self.service.next_deadline().filter(|due| *due <= until) else {
                self.now = until;
                self.service.advance(self.now, &mut first_come);
                self.collect();
                return;
            };
            self.now = self.now.max(due);
            self.service.advance(self.now, &mut first_come);
            self.collect();
        }
        panic!("time does not come to rest");
    }

    /// Lets time skip for as long as it may, while wall time stands still.
    pub(crate) fn time_skips(&mut self) {
        self.time_passes(Duration::ZERO);
    }

    /// Wakes the service once: time skips one instant ahead at most.
    pub(crate) fn time_skips_once(&mut self) {
        self.service.advance(self.now, &mut first_come);
        self.collect();
    }

    /// Moves wall time ahead and wakes the service once, late.
    pub(crate) fn wall_leaps(&mut self, span: Duration) {
        self.now += span;
        self.service.advance(self.now, &mut first_come);
        self.collect();
    }

    /// Sets wall time back.
    pub(crate) fn wall_goes_back(&mut self, span: Duration) {
        self.now = self.now - span;
        self.service.advance(self.now, &mut first_come);
        self.collect();
    }

    /// The time from now to the service's next deadline.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.service.next_deadline().map(|at| at.since(self.now))
    }

    /// Virtual time since the start of the transcript.
    pub(crate) fn elapsed(&mut self) -> Duration {
        let call = self.sends_to(TEST_SERVICE, "GetCurrentTime", &(), None);
        let reply: GetCurrentTimeResponse = self.answer_to(&call);
        Time::from_proto(&reply.time.expect("a time")).since(START)
    }

    /// `text` with each run id replaced by `WORKFLOW/N`: the Nth run of that workflow id.
    pub(crate) fn named(&self, text: &str) -> String {
        let mut counts = BTreeMap::new();
        self.service.view().runs().fold(text.to_owned(), |text, run| {
            let count = counts.entry(run.workflow_id().to_owned()).and_modify(|count| *count += 1).or_insert(1);
            text.replace(run.run_id(), &format!("{}/{count}", run.workflow_id()))
        })
    }

    /// The run id of the Nth run of a workflow id.
    #[track_caller]
    pub(crate) fn run_id(&self, workflow_id: &str, n: usize) -> String {
        let mut runs = self.service.view().runs().filter(|run| run.workflow_id() == workflow_id);
        runs.nth(n - 1).expect("there is such a run").run_id().to_owned()
    }

    /// The written events of the Nth run of a workflow id.
    #[track_caller]
    pub(crate) fn events_of(&self, workflow_id: &str, n: usize) -> Vec<HistoryEvent> {
        let mut runs = self.service.view().runs().filter(|run| run.workflow_id() == workflow_id);
        runs.nth(n - 1).expect("there is such a run").events_from(1)
    }

    /// The workflow ids of all runs that are seen from inside, in their order.
    pub(crate) fn workflow_ids(&self) -> Vec<String> {
        self.service.view().runs().map(|run| run.workflow_id().to_owned()).collect()
    }

    /// Checks what is left inside.
    #[track_caller]
    pub(crate) fn has_left(&self, expected: &str) {
        let remains = self.service.view().remains();
        assert_eq!(remains.to_string(), expected);
        assert_eq!(remains.is_empty(), expected == "nothing");
    }

    /// Another dynamic configuration, with this key alone, from now on.
    pub(crate) fn follows_dynamic_config(&mut self, key: &str, value: &str) {
        self.service.set_dynamic_config(&[(key.to_owned(), value.to_owned())].into());
    }

    /// The number of runs of the workflow id.
    pub(crate) fn run_count(&self, workflow_id: &str) -> usize {
        self.service.view().runs().filter(|run| run.workflow_id() == workflow_id).count()
    }

    /// The observable state: the description and events of each run, virtual time, and the next deadline. `view().digest()` can
    /// replace it when it exists.
    pub(crate) fn observed(&mut self) -> Vec<Vec<u8>> {
        let runs: Vec<_> =
            self.service.view().runs().map(|run| (run.workflow_id().to_owned(), run.run_id().to_owned())).collect();
        let mut all: Vec<Vec<u8>> = self.service.view().runs().map(|run| run.encoded_events()).collect();
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
            let number = self.waiting.remove(&ticket).expect("the answer is for a call that waits");
            self.answers.insert(number, answer);
        }
    }
}

fn shown(refusal: &Status) -> String {
    format!("{:?}: {}", refusal.code(), refusal.message())
}
