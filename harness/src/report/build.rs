//! From the world of a finished run to the plain data of its report.

use std::collections::{BTreeMap, BTreeSet};

use foretime_history::json;

use super::{chronicle, model, story};
use crate::{
    os::ProcessId,
    runner::{
        Case,
        result::{Detail, Known},
    },
    world::{
        EPOCH_S, State,
        lives::{Ending, Role},
        log::{DOES, Entry, EntryKind, Outcome, REACHES, REACHES_AGAIN, SENDS_IN_VAIN, Span, Turn},
    },
};

/// A run in full.
pub(crate) fn detail(case: &Case, state: &mut State, seed: u64, known: &Known) -> Detail {
    let moments = if state.findings.is_empty() { chronicle::all(state) } else { Vec::new() };
    Detail { trace: trace(state), tape: state.choices.tape(), report: report(case, state, seed, known), moments }
}

/// Every step, a line each.
fn trace(state: &State) -> Vec<String> {
    let entries = state.log.entries.iter().map(|entry| (entry.step, trace_line(state, entry)));
    let turns = state.log.turns.iter().map(|turn| {
        let process = &state.lives.get(turn.process).name;
        let Turn { at_ns, step, thread, hash, .. } = *turn;
        (step, format!("{step:>7} +{:.6}s {process} goes on, thread {thread} [{hash:016x}]", seconds(at_ns)))
    });
    let mut lines: Vec<(u64, String)> = entries.chain(turns).collect();
    lines.sort_by_key(|(step, _)| *step);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// One step, as two runs are compared by.
fn trace_line(state: &State, entry: &Entry) -> String {
    let process = entry.process.map_or("server", |process| &state.lives.get(process).name);
    format!("{:>7} +{:.6}s {process} {} {} [{:016x}]", entry.step, seconds(entry.at_ns), entry.label, entry.detail, entry.hash)
}

#[expect(clippy::cast_precision_loss, reason = "shown to people")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// Of a run that goes on and on, so many of the first moments are shown, and of the last: a page with all of them is too large
/// to look at.
const FIRST_SHOWN: usize = 500;
/// See [`FIRST_SHOWN`].
const LAST_SHOWN: usize = 3_000;

/// Its two ends, or all of it.
fn ends<T>(all: &[T]) -> impl Iterator<Item = &T> {
    let last = all.len().saturating_sub(LAST_SHOWN).max(FIRST_SHOWN);
    all.iter().take(FIRST_SHOWN).chain(all.iter().skip(last))
}

/// The lane of the server.
const SERVER: usize = 0;

/// Lanes of the report: the slots, not the lives, are processes to people.
struct Lanes {
    processes: Vec<model::Process>,
    of_life: BTreeMap<ProcessId, usize>,
}

fn report(case: &Case, state: &State, seed: u64, known: &Known) -> model::Report {
    let lanes = lanes(state);
    let story = story::tell(state, known);
    let entries: Vec<&Entry> = state.log.entries.iter().filter(|entry| !entry.label.starts_with(SENDS_IN_VAIN)).collect();
    let of_server = story.of_server.iter().map(|(at_ns, text)| told_of_server(state, *at_ns, text));
    let mut events: Vec<model::Event> =
        ends(&entries).map(|entry| shown_event(entry, &lanes, &story.important)).chain(of_server).collect();
    events.sort_by_key(|event| (event.at_ns, event.step));
    let omits = entries.len() > FIRST_SHOWN + LAST_SHOWN;
    let failure = state.findings.first().map(|it| model::Failure { title: it.title.clone(), detail: it.detail.clone() });
    model::Report {
        test: case.name.clone(),
        seed,
        failed: failure.is_some(),
        failure,
        story: story.sentences.clone(),
        untold: story.untold.clone(),
        repeat: case.repeat(seed, state.choices.which()),
        started_at_unix_ms: i64::try_from(EPOCH_S * 1000).unwrap_or(0),
        ended_at_ns: state.now_ns(),
        steps: state.log.steps(),
        trace_hash: format!("{:016x}", state.log.hash()),
        faults: state
            .fault_counts()
            .iter()
            .map(|(fault, count)| model::FaultCount { kind: fault.name().to_owned(), count: *count })
            .collect(),
        spans: ends(&state.log.spans).filter_map(|span| shown_span(state, span, &lanes)).collect(),
        omitted: omits.then(|| {
            let count = entries.len();
            format!("Of {count} moments this page shows the first {FIRST_SHOWN} and the last {LAST_SHOWN}; trace.txt has all.")
        }),
        events,
        processes: lanes.processes,
        workflows: workflows(state),
        output: String::new(),
    }
}

fn lanes(state: &State) -> Lanes {
    let mut processes = vec![model::Process { name: "server".to_owned(), kind: model::ProcessKind::Server, lives: Vec::new() }];
    let end_ns = state.now_ns();
    processes[SERVER].lives.push(model::Life { from_ns: 0, to_ns: end_ns, ended: model::Ended::Running, version: None });
    let mut names: Vec<(&str, model::ProcessKind)> =
        state.lives.all.iter().filter_map(|life| Some((&*life.name, kind(life.role)?))).collect();
    names.sort_by_key(|(name, kind)| (*kind == model::ProcessKind::Worker, name.len(), *name));
    names.dedup();
    processes.extend(names.into_iter().map(|(name, kind)| model::Process { name: name.to_owned(), kind, lives: Vec::new() }));
    let mut of_life = BTreeMap::new();
    for (number, life) in (0..).zip(&state.lives.all) {
        let Some(lane) = processes.iter().position(|it| it.name == life.name) else { continue };
        let (to_ns, ended) = match &life.ended {
            None => (end_ns, model::Ended::Running),
            Some((at_ns, Ending::Crash)) => (*at_ns, model::Ended::Crash),
            Some((at_ns, Ending::Shutdown)) => (*at_ns, model::Ended::Shutdown),
            Some((at_ns, Ending::Panic)) => (*at_ns, model::Ended::Panic),
            Some((at_ns, Ending::Own(_))) => (*at_ns, model::Ended::End),
        };
        let version = (life.version > 0).then(|| format!("v{}", life.version + 1));
        processes[lane].lives.push(model::Life { from_ns: life.from_ns, to_ns, ended, version });
        of_life.insert(ProcessId(number), lane);
    }
    Lanes { processes, of_life }
}

/// What a process is to people; the replayer is nothing.
fn kind(role: Role) -> Option<model::ProcessKind> {
    match role {
        Role::Test => Some(model::ProcessKind::Test),
        Role::Worker(_) => Some(model::ProcessKind::Worker),
        Role::Replayer => None,
    }
}

fn shown_span(state: &State, span: &Span, lanes: &Lanes) -> Option<model::Span> {
    let ended = state.lives.get(span.process).ended.as_ref();
    let (to_ns, outcome) = match (span.to_ns, span.outcome) {
        (Some(to_ns), Outcome::Completed) => (to_ns, model::Outcome::Completed),
        (Some(to_ns), Outcome::Refused) => (to_ns, model::Outcome::Lost),
        (Some(to_ns), _) => (to_ns, model::Outcome::Failed),
        (None, _) => match ended {
            Some((at_ns, Ending::Crash)) => (*at_ns, model::Outcome::Crashed),
            Some((at_ns, _)) => (*at_ns, model::Outcome::Lost),
            None => (state.now_ns(), model::Outcome::Running),
        },
    };
    Some(model::Span {
        process: *lanes.of_life.get(&span.process)?,
        from_ns: span.from_ns,
        to_ns,
        from_step: Some(span.from_step),
        to_step: span.to_step,
        kind: if span.is_activity { model::SpanKind::Activity } else { model::SpanKind::WorkflowTask },
        label: span.label.clone(),
        detail: span.detail.clone(),
        outcome,
        workflow_id: Some(span.workflow_id.clone()),
        activity_id: span.activity_id.clone(),
    })
}

fn shown_event(entry: &Entry, lanes: &Lanes, important: &BTreeSet<u64>) -> model::Event {
    let kind = match entry.kind {
        EntryKind::Rpc => model::EventKind::Rpc,
        EntryKind::Fault(_) => model::EventKind::Fault,
        EntryKind::Effect => model::EventKind::Effect,
        EntryKind::Life => model::EventKind::Log,
        EntryKind::Panic => model::EventKind::Panic,
        EntryKind::Finding => model::EventKind::Check,
    };
    let lane = entry.process.and_then(|process| lanes.of_life.get(&process)).copied();
    let is_effect = entry.kind == EntryKind::Effect;
    let (label, detail) = if is_effect { shown_effect(entry) } else { (entry.label.clone(), entry.detail.clone()) };
    let fault = if let EntryKind::Fault(fault) = entry.kind { Some(fault.name().to_owned()) } else { None };
    model::Event {
        at_ns: entry.at_ns,
        step: entry.step,
        process: if [REACHES, REACHES_AGAIN].iter().any(|it| entry.label.starts_with(it)) { Some(SERVER) } else { lane },
        kind,
        label,
        detail,
        fault,
        important: important.contains(&entry.step),
        workflow_id: entry.workflow_id.clone(),
        activity_id: entry.activity_id.clone(),
    }
}

/// What the story tells of the server's work: after all that the log has of the same instant.
fn told_of_server(state: &State, at_ns: u64, text: &str) -> model::Event {
    let entries = &state.log.entries;
    let before = entries.partition_point(|entry| entry.at_ns <= at_ns).checked_sub(1);
    model::Event {
        at_ns,
        step: before.map_or(0, |index| entries[index].step),
        process: Some(SERVER),
        kind: model::EventKind::Log,
        label: text.to_owned(),
        detail: String::new(),
        fault: None,
        important: true,
        workflow_id: None,
        activity_id: None,
    }
}

/// What was done to the outside world, and under which key and in which attempt.
fn shown_effect(entry: &Entry) -> (String, String) {
    let what = entry.head();
    let label = if entry.label == DOES { what.to_owned() } else { format!("{} {what}", entry.label) };
    let rest = entry.detail.strip_prefix(what).and_then(|rest| rest.strip_prefix(" (")?.strip_suffix(')'));
    (label, rest.unwrap_or(&entry.detail).to_owned())
}

fn workflows(state: &State) -> Vec<model::Workflow> {
    let shown = |run: foretime_server::engine::RunView<'_>| {
        Some(model::Workflow {
            workflow_id: run.workflow_id().to_owned(),
            run_id: run.run_id().to_owned(),
            workflow_type: run.workflow_type().to_owned(),
            status: run.status().as_str_name().trim_start_matches("WORKFLOW_EXECUTION_STATUS_").to_lowercase(),
            history: json::canonical(run.encoded_events())?,
            file: None,
        })
    };
    state.service().runs().filter_map(shown).collect()
}
