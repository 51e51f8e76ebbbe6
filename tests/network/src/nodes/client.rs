//! A client: does its errands one after another, each with the patience of an SDK, and waits in the end for what it has started. When
//! it is killed, its memory survives: it knows its request ids, and takes up the errand that it was at.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use foretime_server::proto::{
    common::{Payloads, WorkflowExecution},
    enums::{WorkflowExecutionStatus},
    history::{HistoryEvent, history_event::Attributes},
    testservice::{LockTimeSkippingRequest, UnlockTimeSkippingRequest},
    update::outcome,
    workflowservice::{
        DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryResponse, QueryWorkflowResponse,
        RequestCancelWorkflowExecutionResponse, SignalWithStartWorkflowExecutionResponse, SignalWorkflowExecutionResponse,
        StartWorkflowExecutionResponse, TerminateWorkflowExecutionResponse, UpdateWorkflowExecutionResponse,
    },
};
use madsim::time;
use tonic::{Code, Status};

use super::{clock::Look, requests};
use crate::{
    plan::errand::{Errand, StartWish, Wish},
    record::call::{Asked, ClientCall, Given, Refused, Start},
    wire::{
        channel::Channel,
        retry::{self, ATTEMPT_TIMEOUT, LONG_POLL_TIMEOUT, Patience},
    },
};

/// The name of the client that comes last, when the network is well and everything has closed.
pub const INSPECTOR: &str = "inspector";
/// How long a client that gets nothing rests before it asks again whether a workflow has ended.
const AWAIT_BACKOFF: Duration = Duration::from_secs(1);
/// The patience of those who wait for what they have started: without end.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What a client keeps when it is killed.
#[derive(Debug, Default)]
pub struct Memory {
    /// Which errand is next, or under way.
    next: usize,
    /// The record of the call that is under way.
    call: Option<usize>,
    /// The last run that it knows of each workflow.
    known_runs: BTreeMap<String, String>,
    /// The workflows for whose end it waits.
    started: Vec<String>,
    /// Whether it has ever unlocked time, to await a result.
    has_unlocked: bool,
    /// Whether everything is done.
    is_done: bool,
}

/// A client.
#[derive(Clone)]
pub struct Client {
    /// Its name, such as `client-1`.
    pub name: String,
    /// What it wants.
    pub errands: Arc<Vec<Errand>>,
    /// What it keeps when it is killed.
    pub memory: Arc<Mutex<Memory>>,
    /// Whether somebody must unlock time for it to skip.
    pub unlocks_time: bool,
}

impl Client {
    /// Whether it has done everything.
    pub fn is_done(&self) -> bool {
        self.with(|memory| memory.is_done)
    }

    fn with<R>(&self, work: impl FnOnce(&mut Memory) -> R) -> R {
        work(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does what is left to do.
    pub async fn run(self, channel: Channel) {
        while let Some(errand) = self.with(|memory| self.errands.get(memory.next).cloned()) {
            if self.with(|memory| memory.call.is_none()) {
                time::sleep(errand.rest).await;
            }
            self.do_errand(&channel, &errand).await;
            self.with(|memory| memory.next += 1);
        }
        while let Some(workflow_id) = self.with(|memory| memory.started.last().cloned()) {
            let asked = Asked::Await { run_id: String::new() };
            self.call(&channel, &workflow_id, asked, |run_id| async {
                self.await_end(&channel, &workflow_id, run_id, FOR_EVER).await
            })
            .await;
            self.with(|memory| memory.started.pop());
        }
        self.with(|memory| memory.is_done = true);
    }

    async fn do_errand(&self, channel: &Channel, errand: &Errand) {
        let locked = if errand.locks_time { Turned::lock(channel).await } else { None };
        let look = if locked.is_some() { Look::first(channel).await } else { None };
        let workflow_id = &errand.workflow_id;
        self.call(channel, workflow_id, self.asked(errand), |run_id| self.ask(channel, errand, run_id)).await;
        // Who has unlocked time itself, on a connection that it has lost since, may find that to hold on the next one.
        if let Some(look) = look.filter(|_| !self.with(|memory| memory.has_unlocked)) {
            look.again(channel, &self.name).await;
        }
        if let Some(locked) = locked {
            locked.back(channel).await;
        }
    }

    /// Makes a call, with a record of it, or goes on with the one that a crash interrupted.
    async fn call<F>(&self, channel: &Channel, workflow_id: &str, asked: Asked, work: impl FnOnce(String) -> F)
    where
        F: Future<Output = Result<Given, Status>>,
    {
        let (number, run_id) = {
            let mut world = channel.world().lock();
            let began_ns = world.now_ns();
            let calls = &mut world.record.calls;
            let number = self.with(|memory| {
                *memory.call.get_or_insert_with(|| {
                    let (client, workflow_id) = (self.name.clone(), workflow_id.to_owned());
                    calls.push(ClientCall { client, workflow_id, asked, began_ns, ended: None });
                    calls.len() - 1
                })
            });
            (number, run_id_of(&calls[number].asked))
        };
        let ended = work(run_id).await;
        let mut world = channel.world().lock();
        let now_ns = world.now_ns();
        // Who gives up has heard nothing: the call may still have its effect.
        let ended = match ended {
            Ok(given) => Some(Ok(given)),
            Err(status) if is_unknown(status.code()) => None,
            Err(status) => Some(Err(refused(&status))),
        };
        self.with(|memory| {
            memory.call = None;
            if let Some(Ok(given)) = &ended {
                memory.learn(workflow_id, given);
            }
        });
        world.record.calls[number].ended = ended.map(|ended| (now_ns, ended));
    }

    /// The run that an errand means; empty: the current one.
    fn run_meant(&self, errand: &Errand) -> String {
        let known = || self.with(|memory| memory.known_runs.get(&errand.workflow_id).cloned());
        errand.means_known_run.then(known).flatten().unwrap_or_default()
    }

    fn asked(&self, errand: &Errand) -> Asked {
        let (run_id, nonce) = (self.run_meant(errand), errand.nonce.clone());
        let request_id = requests::request_id(&nonce);
        match &errand.wish {
            Wish::Start(wish) => Asked::Start(start(wish, request_id, nonce)),
            Wish::SignalWithStart(wish) => {
                Asked::SignalWithStart { start: start(wish, request_id, nonce.clone()), nonce }
            }
            Wish::Signal => Asked::Signal { run_id, request_id, nonce },
            Wish::Update => Asked::Update { run_id, update_id: request_id, nonce },
            Wish::Query => Asked::Query { run_id },
            Wish::Cancel => Asked::Cancel { run_id, request_id },
            Wish::Terminate => Asked::Terminate { run_id, nonce },
            Wish::Await => Asked::Await { run_id },
            Wish::Describe => Asked::Describe { run_id },
        }
    }

    async fn ask(&self, channel: &Channel, errand: &Errand, run_id: String) -> Result<Given, Status> {
        let Errand { workflow_id, nonce, patience, .. } = errand;
        let patience = Patience { attempt: ATTEMPT_TIMEOUT, whole: *patience };
        let long = Patience { attempt: LONG_POLL_TIMEOUT, ..patience };
        let execution = WorkflowExecution { workflow_id: workflow_id.clone(), run_id: run_id.clone() };
        match &errand.wish {
            Wish::Start(wish) => {
                let request = requests::start(workflow_id, nonce, wish);
                let answer: StartWorkflowExecutionResponse =
                    retry::call(channel, "StartWorkflowExecution", &request, patience).await?;
                Ok(Given::Started { run_id: answer.run_id, started: answer.started })
            }
            Wish::SignalWithStart(wish) => {
                let request = requests::signal_with_start(workflow_id, nonce, wish);
                let answer: SignalWithStartWorkflowExecutionResponse =
                    retry::call(channel, "SignalWithStartWorkflowExecution", &request, patience).await?;
                Ok(Given::Started { run_id: answer.run_id, started: answer.started })
            }
            Wish::Signal => {
                let request = requests::signal(execution, nonce);
                let _: SignalWorkflowExecutionResponse =
                    retry::call(channel, "SignalWorkflowExecution", &request, patience).await?;
                Ok(Given::Done)
            }
            Wish::Cancel => {
                let request = requests::cancel(execution, nonce);
                let _: RequestCancelWorkflowExecutionResponse =
                    retry::call(channel, "RequestCancelWorkflowExecution", &request, patience).await?;
                Ok(Given::Done)
            }
            Wish::Terminate => {
                let request = requests::terminate(execution, nonce);
                let _: TerminateWorkflowExecutionResponse =
                    retry::call(channel, "TerminateWorkflowExecution", &request, patience).await?;
                Ok(Given::Done)
            }
            Wish::Update => update(channel, execution, nonce, long).await,
            Wish::Query => {
                let answer: QueryWorkflowResponse =
                    retry::call(channel, "QueryWorkflow", &requests::query(execution), patience).await?;
                answered(answer)
            }
            Wish::Describe => {
                let request = requests::describe(execution);
                let answer: DescribeWorkflowExecutionResponse =
                    retry::call(channel, "DescribeWorkflowExecution", &request, patience).await?;
                let info = answer.workflow_execution_info.unwrap_or_default();
                let status = info.status();
                Ok(Given::Described { run_id: info.execution.unwrap_or_default().run_id, status })
            }
            Wish::Await => self.await_end(channel, workflow_id, run_id, patience.whole).await,
        }
    }

    /// Learns which run is the current one, if none is named, and waits for the end of its chain, as test environments do: time is
    /// unlocked meanwhile.
    async fn await_end(&self, channel: &Channel, workflow_id: &str, run_id: String, whole: Duration) -> Result<Given, Status> {
        let run_id = if run_id.is_empty() { current_run(channel, workflow_id, whole).await? } else { run_id };
        let mut unlocked = None;
        let ended = self.await_close(channel, workflow_id, run_id, whole, &mut unlocked).await;
        if let Some(unlocked) = unlocked {
            unlocked.back(channel).await;
        }
        ended
    }

    /// Waits for the close event of the run and of those that follow it.
    async fn await_close(
        &self,
        channel: &Channel,
        workflow_id: &str,
        mut run_id: String,
        whole: Duration,
        unlocked: &mut Option<Turned>,
    ) -> Result<Given, Status> {
        let (began, mut token) = (time::Instant::now(), Vec::new());
        loop {
            if self.unlocks_time && !unlocked.as_ref().is_some_and(|turned| turned.holds(channel)) {
                self.with(|memory| memory.has_unlocked = true);
                *unlocked = Turned::unlock(channel).await;
            }
            let left = whole.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(Status::deadline_exceeded("the workflow has not ended"));
            }
            let execution = WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.clone() };
            let request = requests::close_event(execution, token.clone());
            let timeout = LONG_POLL_TIMEOUT.min(left);
            let answer = retry::once::<GetWorkflowExecutionHistoryResponse>(
                channel,
                "GetWorkflowExecutionHistory",
                &request,
                timeout,
            );
            let answer = match answer.await {
                Ok(answer) => answer,
                Err(refused) if retry::is_retryable(refused.code()) => {
                    time::sleep(retry::jittered(AWAIT_BACKOFF)).await;
                    continue;
                }
                Err(refused) => return Err(refused),
            };
            let closed = answer.history.and_then(|history| history.events.into_iter().next_back()).and_then(|it| end_of(&it));
            match closed {
                Some(End { next_run_id: Some(next), .. }) => (run_id, token) = (next, Vec::new()),
                Some(End { status, result, .. }) => return Ok(Given::Closed { run_id, status, result }),
                None => {
                    if answer.next_page_token.is_empty() {
                        time::sleep(AWAIT_BACKOFF).await;
                    }
                    token = answer.next_page_token;
                }
            }
        }
    }
}

/// A turn of the lock on time, which is undone with its connection.
struct Turned {
    connection: Option<u64>,
    is_locked: bool,
}

impl Turned {
    async fn lock(channel: &Channel) -> Option<Self> {
        Self::turn(channel, true).await
    }

    async fn unlock(channel: &Channel) -> Option<Self> {
        Self::turn(channel, false).await
    }

    async fn turn(channel: &Channel, is_locked: bool) -> Option<Self> {
        let turned = if is_locked {
            retry::once_of_test(channel, "LockTimeSkipping", &LockTimeSkippingRequest {}).await
        } else {
            retry::once_of_test(channel, "UnlockTimeSkipping", &UnlockTimeSkippingRequest {}).await
        };
        if turned.is_err() {
            // It may have had its effect all the same, and ends with the connection.
            channel.reset();
            return None;
        }
        Some(Self { connection: channel.connection_number(), is_locked })
    }

    /// Whether it still has its effect.
    fn holds(&self, channel: &Channel) -> bool {
        self.connection.is_some() && self.connection == channel.connection_number()
    }

    /// Turns it back, unless that has been done with its connection.
    async fn back(self, channel: &Channel) {
        if self.holds(channel) {
            Self::turn(channel, !self.is_locked).await;
        }
    }
}

impl Memory {
    /// That of a client that has only to wait for these workflows.
    pub fn awaiting(workflows: Vec<String>) -> Self {
        Self { started: workflows, ..Self::default() }
    }

    fn learn(&mut self, workflow_id: &str, given: &Given) {
        match given {
            Given::Started { run_id, started } => {
                self.known_runs.insert(workflow_id.to_owned(), run_id.clone());
                if *started && !self.started.iter().any(|known| known == workflow_id) {
                    self.started.push(workflow_id.to_owned());
                }
            }
            Given::Described { run_id, .. } | Given::Closed { run_id, .. } | Given::Updated { run_id, .. } => {
                self.known_runs.insert(workflow_id.to_owned(), run_id.clone());
            }
            Given::Done | Given::Answered(_) => {}
        }
    }
}

fn start(wish: &StartWish, request_id: String, nonce: String) -> Start {
    Start { request_id, nonce, reuse: wish.reuse, conflict: wish.conflict }
}

/// The run that a call is about, as it was meant when it began.
fn run_id_of(asked: &Asked) -> String {
    match asked {
        Asked::Start(_) | Asked::SignalWithStart { .. } => String::new(),
        Asked::Signal { run_id, .. }
        | Asked::Update { run_id, .. }
        | Asked::Query { run_id }
        | Asked::Cancel { run_id, .. }
        | Asked::Terminate { run_id, .. }
        | Asked::Await { run_id }
        | Asked::Describe { run_id } => run_id.clone(),
    }
}

/// Whether a refusal with this code says nothing about the effect of the call.
fn is_unknown(code: Code) -> bool {
    retry::is_retryable(code)
}

fn refused(status: &Status) -> Refused {
    let details = bytes::Bytes::copy_from_slice(status.details());
    Refused { code: status.code(), text: status.message().to_owned(), details }
}

/// Updates, and polls until the update is completed.
async fn update(
    channel: &Channel,
    execution: WorkflowExecution,
    nonce: &str,
    patience: Patience,
) -> Result<Given, Status> {
    let began = time::Instant::now();
    let request = requests::update(execution, nonce);
    loop {
        let left = Patience { whole: patience.whole.saturating_sub(began.elapsed()), ..patience };
        let answer: UpdateWorkflowExecutionResponse =
            retry::call(channel, "UpdateWorkflowExecution", &request, left).await?;
        let run_id = answer.update_ref.and_then(|it| it.workflow_execution).unwrap_or_default().run_id;
        if let Some(value) = answer.outcome.and_then(|outcome| outcome.value) {
            let outcome = match value {
                outcome::Value::Success(payloads) => Ok(text_of(&payloads)),
                outcome::Value::Failure(failure) => Err(failure.message),
            };
            return Ok(Given::Updated { run_id, outcome });
        }
        if began.elapsed() > patience.whole {
            return Err(Status::deadline_exceeded("the update is not completed"));
        }
    }
}

fn answered(answer: QueryWorkflowResponse) -> Result<Given, Status> {
    match (answer.query_result, answer.query_rejected) {
        (Some(payloads), _) => Ok(Given::Answered(text_of(&payloads))),
        (None, rejected) => Err(Status::failed_precondition(format!("rejected: {}", words_of(rejected.as_ref())))),
    }
}

fn words_of(rejected: Option<&foretime_server::proto::query::QueryRejected>) -> String {
    rejected.map_or_else(String::new, |it| it.status().as_str_name().to_owned())
}

/// The id of the current run.
async fn current_run(channel: &Channel, workflow_id: &str, whole: Duration) -> Result<String, Status> {
    let execution = WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: String::new() };
    let (patience, request) = (Patience { attempt: ATTEMPT_TIMEOUT, whole }, requests::describe(execution));
    let answer: DescribeWorkflowExecutionResponse =
        retry::call(channel, "DescribeWorkflowExecution", &request, patience).await?;
    Ok(answer.workflow_execution_info.and_then(|info| info.execution).unwrap_or_default().run_id)
}

struct End {
    status: WorkflowExecutionStatus,
    result: Option<String>,
    next_run_id: Option<String>,
}

/// The end that this event is, if it is one.
fn end_of(event: &HistoryEvent) -> Option<End> {
    let next = |run_id: &str| Some(run_id.to_owned()).filter(|run_id| !run_id.is_empty());
    let end = |status, next_run_id| Some(End { status, result: None, next_run_id });
    match event.attributes.as_ref()? {
        Attributes::WorkflowExecutionCompletedEventAttributes(it) => Some(End {
            status: WorkflowExecutionStatus::Completed,
            result: it.result.as_ref().map(text_of),
            next_run_id: next(&it.new_execution_run_id),
        }),
        Attributes::WorkflowExecutionFailedEventAttributes(it) => {
            end(WorkflowExecutionStatus::Failed, next(&it.new_execution_run_id))
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(it) => {
            end(WorkflowExecutionStatus::TimedOut, next(&it.new_execution_run_id))
        }
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it) => {
            end(WorkflowExecutionStatus::ContinuedAsNew, next(&it.new_execution_run_id))
        }
        Attributes::WorkflowExecutionCanceledEventAttributes(_) => end(WorkflowExecutionStatus::Canceled, None),
        Attributes::WorkflowExecutionTerminatedEventAttributes(_) => end(WorkflowExecutionStatus::Terminated, None),
        _ => None,
    }
}

/// The text that a payload has as JSON.
pub fn text_of(payloads: &Payloads) -> String {
    let text = payloads.payloads.first().and_then(|payload| serde_json::from_slice(&payload.data).ok());
    text.unwrap_or_default()
}
