//! What reports tell of a run on a simulated network.

use std::{collections::BTreeMap, process::Command, time::Duration};

use foretime_server::{
    config::Config,
    rpc::{Serve, Service},
};

use crate::{
    attempt::Attempt,
    case::Case,
    choices::Choices,
    effects::{Applied, Doer, Effect, Record},
    fault::Fault,
    finding::{Finding, Wrong},
    log::{Custom, Log, Lost, Network, Struck, What},
    model::{EventKind, Report},
    process::{Life, ProcessId, Role, TEST},
    result::Order,
    time::Start,
    view::View,
};

const WORKER: ProcessId = ProcessId(1);
const CLIENT: ProcessId = ProcessId(2);

/// When the run fails.
const END_NS: u64 = secs(60);

const fn secs(secs: u64) -> u64 {
    secs * 1_000_000_000
}

/// The report of a run in which a claim does not hold. `faults`: when, in seconds, whom they befell (`None`: the server), and what.
fn report(faults: &[(u64, Option<ProcessId>, Struck)], ledger: &[Record]) -> Report {
    let mut log = Log::new(true);
    let mut counts: BTreeMap<Fault, u64> = BTreeMap::new();
    for (at_s, process, struck) in faults {
        *counts.entry(struck.fault()).or_default() += 1;
        log.note(secs(*at_s), *process, What::Fault(struck.clone()));
    }
    let wrong = Wrong::ClaimBroken { claim: "it holds".to_owned(), place: "here".to_owned(), amid: None };
    log.note(END_NS, None, What::Finding(wrong.clone()));
    let life = |name: &str, role| Life {
        role,
        name: name.to_owned(),
        from_ns: 0,
        ended: None,
        version: 0,
        task_queue: None,
        takes_activities: false,
    };
    let lives = [life(TEST, Role::Test), life("worker-1", Role::Worker(0)), life("client-1", Role::Client(0))];
    let (choices, service) = (Choices::from_seed(7, "test"), Service::new(&Config::default()).expect("a service"));
    let view = View {
        starts_at: Start::PLAIN,
        now_ns: END_NS,
        hash: log.hash(),
        log: &log,
        lives: &lives,
        findings: &[Finding { process: None, at_ns: END_NS, wrong }],
        ledger,
        joined: &[],
        operations: &[],
        faults: &counts,
        choices: &choices,
        changed_statics: &[],
        versions: vec![None; lives.len()],
        service: service.view(),
    };
    super::detail(&case(), &view, &Order::of(7)).report
}

fn case() -> Case {
    Case {
        name: "network".to_owned(),
        target: None,
        claims: Vec::new(),
        runs: 1,
        starts_at: None,
        program: || Ok(Command::new("true")),
        arguments: Vec::new(),
        twice_every: 1,
        shows_one: false,
        regressions: None,
        command: "cargo sim".to_owned(),
    }
}

const fn cut(lost: Lost) -> Struck {
    Struck::Network(Network::Cut { lost, span: Duration::from_secs(12) })
}

#[test]
fn faults_of_the_network_are_told_of_those_whom_they_befall() {
    let freeze = Struck::Network(Network::Freeze { span: Duration::from_secs(3) });
    let reset = Struck::Network(Network::Reset);
    let report = report(&[(1, Some(WORKER), cut(Lost::ToServer)), (2, None, freeze), (3, Some(CLIENT), reset)], &[]);
    let expected = [
        "After 1.000 s no message of worker 1 reached the server, for 12 s.",
        "After 2.000 s the machine of the server stood still for 3 s, and its clock with it.",
        "After 3.000 s all connections of client 1 were reset.",
    ];
    assert_eq!(report.story[..3], expected);
    let faults = report.events.iter().filter(|event| event.kind == EventKind::Fault);
    let lanes: Vec<&str> = faults.filter_map(|event| Some(&*report.processes[event.process?].name)).collect();
    assert_eq!(lanes, ["worker-1", "server", "client-1"]);
}

#[test]
fn faults_of_the_network_are_counted_by_their_names_and_those_of_the_test_as_custom() {
    let own = Struck::Custom(Custom { name: "the mail is lost".to_owned(), of: String::new(), attempt: None });
    let cuts = [(1, Some(WORKER), cut(Lost::Both)), (2, Some(CLIENT), cut(Lost::Both))];
    let counted = |faults: &[_]| {
        let counts = report(faults, &[]).faults;
        counts.into_iter().map(|it| format!("{} {}", it.count, it.kind)).collect::<Vec<_>>()
    };
    assert_eq!(counted(&cuts), ["2 cut off"]);
    assert_eq!(counted(&[&cuts[..], &[(3, Some(WORKER), own)]].concat()), ["1 custom", "2 cut off"]);
}

/// What an attempt of an activity did to the outside world on the worker.
fn record(at_s: u64, number: u32) -> Record {
    let attempt = Attempt {
        workflow_id: "order-1".to_owned(),
        run_id: "run".to_owned(),
        activity_id: "1".to_owned(),
        activity_type: "charge".to_owned(),
        attempt: number,
    };
    let at = Start::PLAIN.system_time(secs(at_s));
    let (kind, subject, process) = ("charge".to_owned(), "card 7".to_owned(), "worker-1".to_owned());
    let effect = Effect::new(kind, subject, None, Applied::First, at, process, attempt.clone());
    let doer = Doer { attempt, begun: u64::from(number), origin_run_id: "run".to_owned() };
    Record { effect, at_ns: secs(at_s), process: WORKER, attempts: vec![doer] }
}

#[test]
fn what_was_done_twice_is_laid_to_the_network_if_that_kept_it_back() {
    let ledger = [record(10, 1), record(40, 2)];
    let told = |faults: &[(u64, Option<ProcessId>, Struck)]| report(faults, &ledger).story[1].clone();
    let nobody = "Nobody learned of it in time, so it was tried again.";
    let kept_back = "No message of worker 1 reached the server, for 12 s.";
    assert_eq!(told(&[(5, Some(WORKER), cut(Lost::ToServer))]), kept_back);
    assert_eq!(told(&[(11, Some(WORKER), cut(Lost::ToServer))]), kept_back);
    assert_eq!(told(&[(11, None, Struck::Network(Network::Reset))]), "All workers and clients lost their connections at once.");
    assert_eq!(told(&[(5, Some(CLIENT), cut(Lost::ToServer))]), nobody, "it befell another machine");
    assert_eq!(told(&[(9, Some(WORKER), Struck::Network(Network::Reset))]), nobody, "it was over by then");
}
