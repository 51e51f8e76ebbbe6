//! What reached the service of the clients' calls. All attempts of a call carry the same mark, a text that no other call has.

use std::collections::BTreeMap;

use bytes::Bytes;
use foretime_server::proto::{
    common::WorkflowExecution,
    enums::UpdateWorkflowExecutionLifecycleStage,
    update::{Outcome, UpdateRef, outcome::Value},
    workflowservice::{
        PollWorkflowExecutionUpdateRequest, PollWorkflowExecutionUpdateResponse, RequestCancelWorkflowExecutionRequest,
        SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse, SignalWorkflowExecutionRequest,
        StartWorkflowExecutionRequest, StartWorkflowExecutionResponse, TerminateWorkflowExecutionRequest,
        UpdateWorkflowExecutionRequest, UpdateWorkflowExecutionResponse,
    },
};
use prost::Message;
use tonic::Status;

use super::run::{nonce, text};
use crate::record::{
    Record,
    call::{Asked, ClientCall},
    exchange::Exchange,
};

/// What a client asks for that leaves something in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Its mark is the nonce of the run.
    Start,
    /// Its mark is the nonce of the run. The attempts are also among those of [`Self::Signal`], with the nonce of the signal.
    SignalWithStart,
    /// Its mark is the nonce of the signal.
    Signal,
    /// Its mark is the update id.
    Update,
    /// Its mark is the request id.
    Cancel,
    /// Its mark is the reason.
    Terminate,
}

/// What is common to all attempts of a call: what it is, the workflow id and the mark.
pub(super) type Key = (Kind, String, String);

/// One attempt, as it reached the service.
#[derive(Clone, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) exchange: &'a Exchange,
    /// The run that it names; empty for the current one.
    pub(super) run_id: String,
    /// The reason that it gives, if it is to cancel.
    pub(super) reason: String,
    /// What the service granted; `None` if it refused, or gave no answer.
    pub(super) granted: Option<Granted>,
}

/// What the service granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Granted {
    Started {
        run_id: String,
        started: bool,
    },
    Done,
    Updated {
        run_id: String,
        stage: UpdateWorkflowExecutionLifecycleStage,
        /// The text of its result, or of its failure; `None` if it has no outcome yet.
        outcome: Option<Result<String, String>>,
    },
}

impl Attempt<'_> {
    /// What the service refused it with.
    pub(super) fn refusal(&self) -> Option<&Status> {
        self.exchange.answered.as_ref().and_then(|(.., answer)| answer.as_ref().err())
    }

    /// Whether it may have had its effect: it was not refused.
    pub(super) fn may_count(&self) -> bool {
        self.refusal().is_none()
    }
}

/// All attempts of all calls, in the order in which they reached the service.
#[derive(Debug, Default)]
pub(super) struct Attempts<'a> {
    by_key: BTreeMap<Key, Vec<Attempt<'a>>>,
}

impl<'a> Attempts<'a> {
    /// Those of a record.
    pub(super) fn of(record: &'a Record) -> Self {
        let mut attempts = Self::default();
        for exchange in &record.exchanges {
            attempts.read(exchange);
        }
        attempts
    }

    /// The attempts of each call.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &[Attempt<'a>])> {
        self.by_key.iter().map(|(key, attempts)| (key, attempts.as_slice()))
    }

    /// The attempts of one call.
    pub(super) fn get(&self, key: &Key) -> &[Attempt<'a>] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// Requests that cannot be read are nobody's: the service refuses them.
    fn read(&mut self, exchange: &'a Exchange) {
        let request = exchange.request.as_ref();
        match exchange.method.as_str() {
            "StartWorkflowExecution" => {
                let Ok(it) = StartWorkflowExecutionRequest::decode(request) else { return };
                let granted = answer::<StartWorkflowExecutionResponse>(exchange)
                    .map(|it| Granted::Started { run_id: it.run_id, started: it.started });
                self.add(exchange, Kind::Start, (it.workflow_id, String::new()), nonce(it.input.as_ref()), granted);
            }
            "SignalWithStartWorkflowExecution" => {
                let Ok(it) = SignalWithStartWorkflowExecutionRequest::decode(request) else { return };
                let granted = answer::<SignalWithStartWorkflowExecutionResponse>(exchange)
                    .map(|it| Granted::Started { run_id: it.run_id, started: it.started });
                let at = (it.workflow_id, String::new());
                self.add(exchange, Kind::Signal, at.clone(), text(it.signal_input.as_ref()), granted.clone());
                self.add(exchange, Kind::SignalWithStart, at, nonce(it.input.as_ref()), granted);
            }
            "SignalWorkflowExecution" => {
                let Ok(it) = SignalWorkflowExecutionRequest::decode(request) else { return };
                let at = ids(it.workflow_execution);
                self.add(exchange, Kind::Signal, at, text(it.input.as_ref()), done(exchange));
            }
            "UpdateWorkflowExecution" => {
                let Ok(it) = UpdateWorkflowExecutionRequest::decode(request) else { return };
                let update_id = it.request.and_then(|update| update.meta).map(|meta| meta.update_id);
                let granted = answer::<UpdateWorkflowExecutionResponse>(exchange).map(|it| {
                    let stage = it.stage();
                    updated(it.update_ref, stage, it.outcome)
                });
                self.add(exchange, Kind::Update, ids(it.workflow_execution), update_id, granted);
            }
            "PollWorkflowExecutionUpdate" => {
                let Ok(it) = PollWorkflowExecutionUpdateRequest::decode(request) else { return };
                let Some(UpdateRef { workflow_execution, update_id }) = it.update_ref else { return };
                let granted = answer::<PollWorkflowExecutionUpdateResponse>(exchange).map(|it| {
                    let stage = it.stage();
                    updated(it.update_ref, stage, it.outcome)
                });
                self.add(exchange, Kind::Update, ids(workflow_execution), Some(update_id), granted);
            }
            "RequestCancelWorkflowExecution" => {
                let Ok(it) = RequestCancelWorkflowExecutionRequest::decode(request) else { return };
                let at = ids(it.workflow_execution);
                if let Some(attempt) = self.add(exchange, Kind::Cancel, at, Some(it.request_id), done(exchange)) {
                    attempt.reason = it.reason;
                }
            }
            "TerminateWorkflowExecution" => {
                let Ok(it) = TerminateWorkflowExecutionRequest::decode(request) else { return };
                self.add(exchange, Kind::Terminate, ids(it.workflow_execution), Some(it.reason), done(exchange));
            }
            _ => {}
        }
    }

    fn add(
        &mut self,
        exchange: &'a Exchange,
        kind: Kind,
        (workflow_id, run_id): (String, String),
        mark: Option<String>,
        granted: Option<Granted>,
    ) -> Option<&mut Attempt<'a>> {
        let attempts = self.by_key.entry((kind, workflow_id, mark?)).or_default();
        attempts.push(Attempt { exchange, run_id, reason: String::new(), granted });
        attempts.last_mut()
    }
}

/// What all attempts of a call have in common. `None` for what leaves nothing in a history.
pub(super) fn key_of(call: &ClientCall) -> Option<Key> {
    let (kind, mark) = match &call.asked {
        Asked::Start(start) => (Kind::Start, &start.nonce),
        Asked::SignalWithStart { start, .. } => (Kind::SignalWithStart, &start.nonce),
        Asked::Signal { nonce, .. } => (Kind::Signal, nonce),
        Asked::Update { update_id, .. } => (Kind::Update, update_id),
        Asked::Cancel { request_id, .. } => (Kind::Cancel, request_id),
        Asked::Terminate { nonce, .. } => (Kind::Terminate, nonce),
        Asked::Query { .. } | Asked::Await { .. } | Asked::Describe { .. } => return None,
    };
    Some((kind, call.workflow_id.clone(), mark.clone()))
}

/// The text of an outcome: of its result, or of its failure.
pub(super) fn outcome_text(outcome: Outcome) -> Option<Result<String, String>> {
    match outcome.value? {
        Value::Success(payloads) => Some(Ok(text(Some(&payloads)).unwrap_or_default())),
        Value::Failure(failure) => Some(Err(failure.message)),
    }
}

fn updated(reference: Option<UpdateRef>, stage: UpdateWorkflowExecutionLifecycleStage, outcome: Option<Outcome>) -> Granted {
    let (_, run_id) = ids(reference.and_then(|reference| reference.workflow_execution));
    Granted::Updated { run_id, stage, outcome: outcome.and_then(outcome_text) }
}

fn ids(execution: Option<WorkflowExecution>) -> (String, String) {
    execution.map(|execution| (execution.workflow_id, execution.run_id)).unwrap_or_default()
}

fn done(exchange: &Exchange) -> Option<Granted> {
    accepted(exchange).map(|_| Granted::Done)
}

/// The message with which the service accepted.
pub(super) fn answer<M: Message + Default>(exchange: &Exchange) -> Option<M> {
    M::decode(accepted(exchange)?.as_ref()).ok()
}

/// The bytes with which the service accepted.
pub(super) fn accepted(exchange: &Exchange) -> Option<&Bytes> {
    exchange.answered.as_ref().and_then(|(.., answer)| answer.as_ref().ok())
}
