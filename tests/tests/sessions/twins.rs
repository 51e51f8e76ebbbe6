//! Two services with the same inputs. Their answers and deadlines must be equal, byte by byte. A call goes to the first service
//! first. If that refuses it, the second still shows the state before the call, and both must look the same.

use bytes::Bytes;
use foretime_server::{
    config::Config,
    engine::{Caller, Ticket, View, time::Time},
    rpc::{Answer, Call, Serve, Served, Service, first_come, table::WORKFLOW_SERVICE},
};

/// Two services with the same inputs.
pub(crate) struct Twins {
    first: Service,
    second: Service,
}

impl Twins {
    pub(crate) fn new(config: &Config) -> Self {
        let service = || Service::new(config).expect("the configuration is sound");
        Self { first: service(), second: service() }
    }

    /// The state of the first.
    pub(crate) fn view(&self) -> View<'_> {
        self.first.view()
    }

    /// Sends one call to both.
    pub(crate) fn call(&mut self, now: Time, call: &Call) -> Result<Served, String> {
        self.wake(now);
        let before = self.first.view().digest();
        let first = self.first.call(now, call.clone(), &mut first_come);
        if let Served::Now(Err(refusal)) = &first
            // A completion that does not fit is refused, and fails its workflow task, or its updates come again.
            && (call.method != "RespondWorkflowTaskCompleted" || refusal.message() == "Workflow task not found.")
            // What would make a run too large is refused, and the run is terminated.
            && !(refusal.message().starts_with("Workflow ") && refusal.message().ends_with(" exceeds limit."))
            && self.first.view().digest() != before
        {
            return Err(format!("{} is refused ({refusal}), and something has changed", call.method));
        }
        let second = self.second.call(now, call.clone(), &mut first_come);
        if served(&first) != served(&second) {
            return Err(format!("{} is answered differently: {first:?} and {second:?}", call.method));
        }
        Ok(first)
    }

    pub(crate) fn abandon(&mut self, now: Time, ticket: Ticket) {
        self.first.abandon(now, ticket, &mut first_come);
        self.second.abandon(now, ticket, &mut first_come);
    }

    pub(crate) fn advance(&mut self, now: Time) {
        self.first.advance(now, &mut first_come);
        self.second.advance(now, &mut first_come);
    }

    pub(crate) fn next_deadline(&self) -> Result<Option<Time>, String> {
        let (first, second) = (self.first.next_deadline(), self.second.next_deadline());
        if first == second { Ok(first) } else { Err(format!("they wake up at {first:?} and {second:?}")) }
    }

    /// The answers to parked calls.
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

    /// Checks that both are in the same state.
    pub(crate) fn assert_alike(&mut self, now: Time) -> Result<(), String> {
        self.wake(now);
        let (first, second) = (self.first.view().digest(), self.second.view().digest());
        if first == second { Ok(()) } else { Err("their states differ".to_owned()) }
    }

    /// Makes both do what is due, so that it is not taken for an effect of the next call.
    fn wake(&mut self, now: Time) {
        for service in [&mut self.first, &mut self.second] {
            let call = Call {
                service: WORKFLOW_SERVICE.to_owned(),
                method: "GetSystemInfo".to_owned(),
                caller: Caller::default(),
                deadline: None,
                message: Bytes::new(),
            };
            service.call(now, call, &mut first_come);
        }
    }
}

/// The result of a call, as bytes.
fn served(served: &Served) -> (Option<Ticket>, Option<(i32, Vec<u8>)>) {
    match served {
        Served::Now(answer) => (None, Some(told(answer))),
        Served::Parked(ticket) => (Some(*ticket), None),
    }
}

/// An answer as bytes.
fn told(answer: &Answer) -> (i32, Vec<u8>) {
    match answer {
        Ok(reply) => (0, reply.to_vec()),
        Err(refusal) => (refusal.code() as i32, [refusal.message().as_bytes(), &b"\0"[..], refusal.details()].concat()),
    }
}
