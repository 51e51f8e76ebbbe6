//! The wire's side of the service: one table binds every RPC to the engine.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use prost::Message;
use tonic::Status;

use crate::{
    config::Config,
    engine::{Ticket, time::Time},
    proto::{
        testservice::SleepRequest,
        workflowservice::{GetSystemInfoResponse, PollWorkflowTaskQueueResponse},
    },
};

/// One unary call as it came off the wire.
#[derive(Clone, Debug)]
pub struct Call {
    /// Full service name, as `temporal.api.workflowservice.v1.WorkflowService`.
    pub service: String,
    /// Method name, as `StartWorkflowExecution`.
    pub method: String,
    /// The header `client-name`; empty if not sent.
    pub client_name: String,
    /// When the caller gives up (wall time), from the header `grpc-timeout`.
    pub deadline: Option<Time>,
    /// The request message, uncompressed.
    pub message: Bytes,
}

/// STAND-IN of the branch `shell`, not to be merged: just enough behaviour for the tests of the host and the shell.
#[derive(Debug)]
pub struct Service {
    polls: VecDeque<Ticket>,
    queries: Vec<Ticket>,
    tasks: u32,
    sleeps: BTreeMap<(Time, u64), Ticket>,
    answers: VecDeque<(Ticket, Result<Bytes, Status>)>,
}

impl Service {
    /// A service as `config` says.
    pub fn new(config: Config) -> Self {
        let _ = config;
        Self { polls: VecDeque::new(), queries: Vec::new(), tasks: 0, sleeps: BTreeMap::new(), answers: VecDeque::new() }
    }

    /// Serves one call: its answer, or `None` if the call is parked; then the answer comes out of [`Self::next_answer`].
    pub fn call(&mut self, now: Time, call: Call, ticket: Ticket) -> Option<Result<Bytes, Status>> {
        match call.method.as_str() {
            "GetSystemInfo" => Some(Ok(GetSystemInfoResponse::default().encode_to_vec().into())),
            "StartWorkflowExecution" => {
                self.tasks += 1;
                self.match_tasks();
                Some(Ok(Bytes::new()))
            }
            "PollWorkflowTaskQueue" => {
                self.polls.push_back(ticket);
                self.match_tasks();
                None
            }
            "QueryWorkflow" => {
                self.queries.push(ticket);
                None
            }
            "Sleep" => {
                let request = SleepRequest::decode(call.message).expect("a SleepRequest");
                self.sleeps.insert((now + crate::engine::time::span(request.duration.as_ref()), ticket.0), ticket);
                None
            }
            method => Some(Err(Status::unimplemented(format!("unknown method {method} for service {}", call.service)))),
        }
    }

    fn match_tasks(&mut self) {
        while self.tasks > 0 {
            let Some(ticket) = self.polls.pop_front() else { return };
            self.tasks -= 1;
            let task = PollWorkflowTaskQueueResponse { task_token: vec![1], ..Default::default() };
            self.answers.push_back((ticket, Ok(task.encode_to_vec().into())));
        }
    }

    /// Forgets a parked call whose caller went away (or whose deadline passed). No answer will come for it.
    pub fn abandon(&mut self, now: Time, ticket: Ticket) {
        let _ = now;
        self.polls.retain(|parked| *parked != ticket);
    }

    /// Runs everything that is due at `now` (wall time), and skips virtual time where that is allowed.
    pub fn advance(&mut self, now: Time) {
        while let Some(first) = self.sleeps.first_entry()
            && first.key().0 <= now
        {
            self.answers.push_back((first.remove(), Ok(Bytes::new())));
        }
    }

    /// When (wall time) [`Self::advance`] wants to be called next, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Time> {
        self.sleeps.keys().next().map(|(time, _)| *time)
    }

    /// The next finished parked call.
    pub fn next_answer(&mut self) -> Option<(Ticket, Result<Bytes, Status>)> {
        self.answers.pop_front()
    }
}
