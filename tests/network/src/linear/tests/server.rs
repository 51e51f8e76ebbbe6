//! The check, with what a small server answers to clients whose attempts are lost, repeated and late: all of it can be explained, and
//! what it answers when it is broken cannot for long.

use std::collections::BTreeSet;

use bytes::Bytes;
use foretime_server::proto::{
    enums::{WorkflowExecutionStatus as Status, WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse},
    errordetails::WorkflowExecutionAlreadyStartedFailure,
    google::rpc,
};
use prost::{Message, Name};
use tonic::Code;

use super::search::Draws;
use crate::{
    linear::{RunTruth, Truth, Verdict, check},
    record::call::{Asked, ClientCall, Given, Refused, Start},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    /// A retry has another request id.
    StrippedRequestIds,
    /// A signal is acknowledged and dropped, one in four.
    DroppedSignals,
    /// A description is of the state before the last change, one in four.
    StaleDescriptions,
    /// A termination is acknowledged and not done, one in four.
    DroppedTerminations,
    /// A signal of a run that has closed is accepted.
    SignalsOfClosed,
    /// A start goes on where its reuse policy says not to.
    IgnoredReusePolicies,
}

#[test]
fn whatever_a_server_answers_can_be_explained() {
    for seed in 0..4_000 {
        let (calls, truth) = world(seed, Defect::None);
        let verdict = check("w", &calls.iter().collect::<Vec<_>>(), &truth);
        assert_eq!(verdict.unwrap_or_else(|story| panic!("seed {seed}:\n{story}")), Verdict::Explained, "seed {seed}");
    }
}

#[test]
fn what_a_broken_server_answers_is_soon_refuted() {
    use Defect as D;
    const SEEDS: u64 = 100;
    let defects = [
        D::StrippedRequestIds,
        D::DroppedSignals,
        D::StaleDescriptions,
        D::DroppedTerminations,
        D::SignalsOfClosed,
        D::IgnoredReusePolicies,
    ];
    for defect in defects {
        let refuted = (0..SEEDS).filter(|seed| {
            let (calls, truth) = world(*seed, defect);
            check("w", &calls.iter().collect::<Vec<_>>(), &truth).is_err()
        });
        let refuted = refuted.count();
        assert!(refuted >= 5, "{defect:?} is found in {refuted} of {SEEDS} seeds");
    }
}

/// A server of one workflow.
struct Server {
    runs: Vec<RunTruth>,
    before: Vec<RunTruth>,
    draws: Draws,
    defect: Defect,
}

impl Server {
    fn breaks(&mut self, defect: Defect) -> bool {
        self.defect == defect && self.draws.below(4) == 0
    }

    fn call(&mut self, asked: &Asked) -> Result<Given, Refused> {
        if self.breaks(Defect::StaleDescriptions) && matches!(asked, Asked::Describe { .. }) {
            let now = std::mem::replace(&mut self.runs, self.before.clone());
            let answer = self.answer(asked);
            self.runs = now;
            return answer;
        }
        let before = self.runs.clone();
        let answer = self.answer(asked);
        if before != self.runs {
            self.before = before;
        }
        answer
    }

    fn answer(&mut self, asked: &Asked) -> Result<Given, Refused> {
        match asked {
            Asked::Start(start) => self.start(start, None),
            Asked::SignalWithStart { start, nonce } => self.start(start, Some(nonce)),
            Asked::Signal { run_id, nonce, .. } => {
                let drops = self.breaks(Defect::DroppedSignals);
                let accepts = self.defect == Defect::SignalsOfClosed;
                let run = self.find(run_id)?;
                if run.signal_nonces.contains(nonce) || drops || accepts && run.status != Status::Running {
                    return Ok(Given::Done);
                }
                is_running(run)?.signal_nonces.insert(nonce.clone());
                Ok(Given::Done)
            }
            Asked::Update { run_id, update_id, .. } => {
                let run = self.find(run_id)?;
                if !run.update_ids.contains(update_id) {
                    is_running(run)?.update_ids.insert(update_id.clone());
                }
                Ok(Given::Updated { run_id: run.run_id.clone(), outcome: Ok(String::new()) })
            }
            Asked::Query { run_id } => self.find(run_id).map(|_| Given::Answered(String::new())),
            Asked::Cancel { run_id, .. } => {
                let run = self.find(run_id)?;
                run.is_cancel_requested |= run.status == Status::Running;
                Ok(Given::Done)
            }
            Asked::Terminate { run_id, nonce } => {
                let drops = self.breaks(Defect::DroppedTerminations);
                let run = is_running(self.find(run_id)?)?;
                if !drops {
                    (run.status, run.terminated_for) = (Status::Terminated, nonce.clone());
                }
                Ok(Given::Done)
            }
            Asked::Describe { run_id } => {
                self.find(run_id).map(|run| Given::Described { run_id: run.run_id.clone(), status: run.status })
            }
            Asked::Await { run_id } => self.end(run_id),
        }
    }

    fn find(&mut self, run_id: &str) -> Result<&mut RunTruth, Refused> {
        let run = self.runs.iter_mut().rfind(|run| run_id.is_empty() || run.run_id == run_id);
        run.ok_or_else(|| refused(Code::NotFound, Bytes::new()))
    }

    /// Where the chain is open still, the client asks again.
    fn end(&mut self, run_id: &str) -> Result<Given, Refused> {
        let mut run = self.find(run_id)?.clone();
        while let Some(next) = self.runs.iter().find(|next| next.continued_from.as_ref() == Some(&run.run_id)) {
            run = next.clone();
        }
        if run.status == Status::Running {
            return Err(refused(Code::DeadlineExceeded, Bytes::new()));
        }
        Ok(Given::Closed { run_id: run.run_id, status: run.status, result: None })
    }

    fn start(&mut self, start: &Start, signal: Option<&String>) -> Result<Given, Refused> {
        let ignores = self.defect == Defect::IgnoredReusePolicies;
        if let Some(run) = self.runs.last_mut() {
            let given = |started| Ok(Given::Started { run_id: run.run_id.clone(), started });
            let (is_running, is_same) = (run.status == Status::Running, run.start_request_id == start.request_id);
            let replaces = start.conflict == Conflict::TerminateExisting;
            match signal {
                None if is_same => return given(true),
                Some(signal) if is_running && !replaces => {
                    run.signal_nonces.insert(signal.clone());
                    return Ok(Given::Started { run_id: run.run_id.clone(), started: false });
                }
                Some(_) if !is_running && is_same => return given(false),
                None if is_running && start.conflict == Conflict::UseExisting => return given(false),
                _ if is_running && replaces => {
                    (run.status, run.terminated_for) = (Status::Terminated, "for another".to_owned());
                }
                _ if is_running => return Err(already_started(run)),
                _ if start.reuse == Reuse::RejectDuplicate && !ignores => return Err(already_started(run)),
                _ if start.reuse == Reuse::AllowDuplicateFailedOnly && run.status == Status::Completed && !ignores => {
                    return Err(already_started(run));
                }
                _ => {}
            }
        }
        let run_id = self.begin(&start.request_id, None);
        if let (Some(signal), Some(run)) = (signal, self.runs.last_mut()) {
            run.signal_nonces.insert(signal.clone());
        }
        Ok(Given::Started { run_id, started: true })
    }

    fn begin(&mut self, start_request_id: &str, continued_from: Option<String>) -> String {
        let run_id = format!("r{}", self.runs.len());
        self.runs.push(RunTruth {
            run_id: run_id.clone(),
            continued_from,
            start_request_id: start_request_id.to_owned(),
            status: Status::Running,
            terminated_for: String::new(),
            signal_nonces: BTreeSet::new(),
            update_ids: BTreeSet::new(),
            is_cancel_requested: false,
        });
        run_id
    }

    /// A worker ends the current run, if there is one.
    fn work(&mut self) {
        let outcome = [Status::Completed, Status::Failed, Status::ContinuedAsNew][usize::from(self.draws.below(3))];
        let Some(run) = self.runs.last_mut().filter(|run| run.status == Status::Running) else { return };
        run.status = outcome;
        if outcome == Status::ContinuedAsNew {
            let before = run.run_id.clone();
            self.begin(&format!("after-{before}"), Some(before));
        }
    }
}

fn is_running(run: &mut RunTruth) -> Result<&mut RunTruth, Refused> {
    if run.status == Status::Running { Ok(run) } else { Err(refused(Code::NotFound, Bytes::new())) }
}

fn refused(code: Code, details: Bytes) -> Refused {
    Refused { code, text: String::new(), details }
}

fn already_started(run: &RunTruth) -> Refused {
    let failure = WorkflowExecutionAlreadyStartedFailure {
        start_request_id: run.start_request_id.clone(),
        run_id: run.run_id.clone(),
        ..WorkflowExecutionAlreadyStartedFailure::default()
    };
    let type_url = format!("type.googleapis.com/{}", WorkflowExecutionAlreadyStartedFailure::full_name());
    let details = vec![prost_types::Any { type_url, value: failure.encode_to_vec() }];
    refused(Code::AlreadyExists, rpc::Status { details, ..rpc::Status::default() }.encode_to_vec().into())
}

/// What comes to the server.
enum Arrival {
    Work,
    /// An attempt of a call. `heard_ns`: when its answer reaches the client. A later answer than the first, or than the client is
    /// patient, is not heard.
    Attempt {
        call: usize,
        attempt: u8,
        heard_ns: Option<u64>,
    },
}

/// Three clients with up to eight calls each, and the workers, in one order of time.
fn world(seed: u64, defect: Defect) -> (Vec<ClientCall>, Truth) {
    let mut draws = Draws(seed);
    let (mut calls, mut arrivals) = (Vec::new(), Vec::new());
    for client in 0..3 {
        let mut now_ns = 0;
        for _ in 0..4 + draws.below(5) {
            now_ns += 1 + u64::from(draws.below(20));
            let asked = draw_asked(&mut draws, calls.len());
            let (attempts, mut sent_ns) = (1 + draws.below(3), now_ns);
            for attempt in 0..attempts {
                let late_max = if draws.below(6) == 0 { 200 } else { 10 };
                let arrives_ns = sent_ns + u64::from(draws.below(late_max));
                let heard_ns = (draws.below(3) > 0).then(|| arrives_ns + u64::from(draws.below(10)));
                arrivals.push((arrives_ns, Arrival::Attempt { call: calls.len(), attempt, heard_ns }));
                sent_ns += 1 + u64::from(draws.below(10));
            }
            let (client, workflow_id) = (format!("client-{client}"), "w".to_owned());
            calls.push(ClientCall { client, workflow_id, asked, began_ns: now_ns, ended: None });
            now_ns = sent_ns + 5;
        }
    }
    arrivals.extend((0..draws.below(6)).map(|_| (u64::from(draws.below(200)), Arrival::Work)));
    arrivals.sort_by_key(|(arrives_ns, _)| *arrives_ns);
    let mut server = Server { runs: Vec::new(), before: Vec::new(), draws, defect };
    for (_, arrival) in arrivals {
        let Arrival::Attempt { call, attempt, heard_ns } = arrival else {
            server.work();
            continue;
        };
        let asked = as_sent(&calls[call].asked, attempt, defect);
        let answer = server.call(&asked);
        let is_retried = matches!(&answer, Err(refused) if refused.code == Code::DeadlineExceeded);
        let is_sooner = |heard_ns: u64| calls[call].ended.as_ref().is_none_or(|(ended_ns, _)| heard_ns < *ended_ns);
        if let Some(heard_ns) = heard_ns.filter(|heard_ns| !is_retried && is_sooner(*heard_ns)) {
            calls[call].ended = Some((heard_ns, answer));
        }
    }
    (calls, Truth { runs: server.runs })
}

fn as_sent(asked: &Asked, attempt: u8, defect: Defect) -> Asked {
    let mut asked = asked.clone();
    if let (Asked::Start(start) | Asked::SignalWithStart { start, .. }, Defect::StrippedRequestIds, 1..) =
        (&mut asked, defect, attempt)
    {
        start.request_id = format!("{} again {attempt}", start.request_id);
    }
    asked
}

fn draw_asked(draws: &mut Draws, call: usize) -> Asked {
    let nonce = format!("n{call}");
    let request_id = format!("q{call}");
    let run_id = if draws.below(2) == 0 { String::new() } else { format!("r{}", draws.below(4)) };
    let reuse = [Reuse::AllowDuplicate, Reuse::AllowDuplicateFailedOnly, Reuse::RejectDuplicate];
    let conflict = [Conflict::Fail, Conflict::UseExisting, Conflict::TerminateExisting];
    let (reuse, conflict) = (reuse[usize::from(draws.below(3))], conflict[usize::from(draws.below(3))]);
    let reuse = if conflict == Conflict::TerminateExisting { Reuse::AllowDuplicate } else { reuse };
    let start = Start { request_id: request_id.clone(), nonce: nonce.clone(), reuse, conflict };
    match draws.below(10) {
        0 | 1 => Asked::Start(start),
        _ if draws.below(8) == 0 => Asked::Start(start),
        2 if conflict == Conflict::Fail => Asked::Query { run_id },
        2 => Asked::SignalWithStart { start, nonce },
        3 => Asked::Signal { run_id, request_id, nonce },
        4 => Asked::Update { run_id, update_id: request_id, nonce },
        5 => Asked::Cancel { run_id, request_id },
        6 => Asked::Terminate { run_id, nonce },
        7 => Asked::Await { run_id },
        _ => Asked::Describe { run_id },
    }
}
