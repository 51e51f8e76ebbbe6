//! Two services that hear the same: what one says, and when it wants to be woken, the other says, byte by byte. And since the
//! first hears a call before the second, the second still shows what was before it: a refusal must have changed nothing.

use bytes::Bytes;
use foretime_server::{
    config::{Config, Personality},
    engine::{Ticket, time::Time},
    proto::{
        common::WorkflowExecution,
        workflowservice::{DescribeWorkflowExecutionRequest, ListNamespacesRequest},
    },
    rpc::{
        Call, Caller, Service,
        table::{TEST_SERVICE, WORKFLOW_SERVICE},
    },
};
use prost::Message;
use tonic::{Code, Status};

/// What a call comes to.
pub(crate) type Answer = Result<Bytes, Status>;

/// A ticket of calls that are answered at once.
const AT_ONCE: Ticket = Ticket(u64::MAX);

/// Two services in step.
pub(crate) struct Twins {
    first: Service,
    second: Service,
    personality: Personality,
}

impl Twins {
    pub(crate) fn new(config: &Config) -> Self {
        let service = || Service::new(config).expect("the configuration is sound");
        Self { first: service(), second: service(), personality: config.personality }
    }

    /// The service, to be looked at.
    pub(crate) fn service(&self) -> &Service {
        &self.first
    }

    /// One call of both: its answer, or `None` if it is parked.
    pub(crate) fn call(&mut self, now: Time, call: &Call, ticket: Ticket) -> Result<Option<Answer>, String> {
        let first = self.first.call(now, call.clone(), ticket);
        if let Some(Err(refusal)) = &first {
            self.assert_unchanged(now, call, refusal)?;
        }
        let second = self.second.call(now, call.clone(), ticket);
        let told = |answer: &Option<Answer>| answer.as_ref().map(told);
        if told(&first) != told(&second) {
            return Err(format!("{} is answered differently: {first:?} and {second:?}", call.method));
        }
        Ok(first)
    }

    pub(crate) fn abandon(&mut self, now: Time, ticket: Ticket) {
        self.first.abandon(now, ticket);
        self.second.abandon(now, ticket);
    }

    pub(crate) fn advance(&mut self, now: Time) {
        self.first.advance(now);
        self.second.advance(now);
    }

    pub(crate) fn next_deadline(&self) -> Result<Option<Time>, String> {
        let (first, second) = (self.first.next_deadline(), self.second.next_deadline());
        if first == second { Ok(first) } else { Err(format!("they wake up at {first:?} and {second:?}")) }
    }

    /// What parked calls have come to.
    pub(crate) fn answers(&mut self) -> Result<Vec<(Ticket, Answer)>, String> {
        let mut answers = Vec::new();
        loop {
            let (first, second) = (self.first.next_answer(), self.second.next_answer());
            if first.as_ref().map(|(ticket, answer)| (*ticket, told(answer)))
                != second.as_ref().map(|(ticket, answer)| (*ticket, told(answer)))
            {
                return Err(format!("a parked call is answered differently: {first:?} and {second:?}"));
            }
            let Some(answer) = first else { return Ok(answers) };
            answers.push(answer);
        }
    }

    /// All that shows of both is the same.
    pub(crate) fn assert_alike(&mut self, now: Time) -> Result<(), String> {
        match changed(&observed(&mut self.first, now), &observed(&mut self.second, now)).as_slice() {
            [] => Ok(()),
            differs => Err(format!("they differ in {differs:?}")),
        }
    }

    /// The first service has refused a call that the second has not heard yet.
    fn assert_unchanged(&mut self, now: Time, call: &Call, refusal: &Status) -> Result<(), String> {
        let (after, before) = (observed(&mut self.first, now), observed(&mut self.second, now));
        let mut changed = changed(&before, &after);
        // A test server makes a namespace before it looks at the rest of the request: a known fault, of which
        // sim-server/tests/engine/refusals.rs has a test that is ignored.
        if self.personality == Personality::TestServer {
            changed.retain(|what| what != NAMESPACES);
        }
        // Bad commands are refused, and fail the workflow task: of that one run.
        let fails_its_task = call.method == "RespondWorkflowTaskCompleted" && refusal.code() == Code::InvalidArgument;
        if fails_its_task {
            changed.retain(|what| what != CLOCK);
            if changed.len() == 1 {
                return Ok(());
            }
        }
        if changed.is_empty() {
            Ok(())
        } else {
            Err(format!("{} is refused ({refusal}), and {changed:?} changed", call.method))
        }
    }
}

const NAMESPACES: &str = "the namespaces";
const CLOCK: &str = "the clock";

/// All that shows of a service without a digest of its state: every run's description and events, the namespaces, virtual time
/// and the next deadline.
fn observed(service: &mut Service, now: Time) -> Vec<(String, Vec<u8>)> {
    let runs: Vec<_> = service
        .runs()
        .map(|run| {
            let execution = WorkflowExecution { workflow_id: run.workflow_id().to_owned(), run_id: run.run_id().to_owned() };
            (run.namespace().to_owned(), execution, run.encoded_events().to_vec())
        })
        .collect();
    let mut asked = |service_name: &str, method: &str, message: Vec<u8>| {
        let call = Call {
            service: service_name.to_owned(),
            method: method.to_owned(),
            caller: Caller::default(),
            deadline: None,
            message: message.into(),
        };
        match service.call(now, call, AT_ONCE) {
            Some(Ok(reply)) => reply.to_vec(),
            other => panic!("{method} is not answered: {other:?}"),
        }
    };
    let mut seen = Vec::with_capacity(runs.len() + 2);
    for (namespace, execution, mut events) in runs {
        let name = format!("{} {}", execution.workflow_id, execution.run_id);
        let request = DescribeWorkflowExecutionRequest { namespace, execution: Some(execution) };
        events.extend(asked(WORKFLOW_SERVICE, "DescribeWorkflowExecution", request.encode_to_vec()));
        seen.push((name, events));
    }
    seen.push((
        NAMESPACES.to_owned(),
        asked(WORKFLOW_SERVICE, "ListNamespaces", ListNamespacesRequest::default().encode_to_vec()),
    ));
    let mut clock = asked(TEST_SERVICE, "GetCurrentTime", Vec::new());
    clock.extend(format!("{:?}", service.next_deadline()).into_bytes());
    seen.push((CLOCK.to_owned(), clock));
    seen
}

/// The names of what differs.
fn changed(before: &[(String, Vec<u8>)], after: &[(String, Vec<u8>)]) -> Vec<String> {
    let differs = |one: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)]| -> Vec<String> {
        one.iter().filter(|seen| !other.contains(seen)).map(|(name, _)| name.clone()).collect()
    };
    let mut names = differs(before, after);
    names.extend(differs(after, before));
    names.sort();
    names.dedup();
    names
}

/// An answer as bytes.
fn told(answer: &Answer) -> (i32, Vec<u8>) {
    match answer {
        Ok(reply) => (0, reply.to_vec()),
        Err(refusal) => (refusal.code() as i32, [refusal.message().as_bytes(), &b"\0"[..], refusal.details()].concat()),
    }
}
