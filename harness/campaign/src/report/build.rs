//! Turns the world of a finished run into the plain data of its report.

use std::collections::{BTreeMap, BTreeSet};

use foretime_history::json;

use super::{chronicle, story};
use crate::{
    case::Case,
    fault::Fault,
    log::{Entry, Outcome, Passage, Span, Struck, Turn, UpdateEnd, UpdateSpan, What},
    model,
    operation::Operation,
    process::{Ending, ProcessId, Role},
    result::{Detail, Order},
    view::View,
};

/// A run in full, but for the histories that only the Rust SDK can write.
pub fn detail(case: &Case, view: &View<'_>, order: &Order) -> Detail {
    let moments = if view.findings.is_empty() { chronicle::all(view) } else { Vec::new() };
    let of_rust_sdk = BTreeMap::new();
    let (trace, tape, draws_at) = (trace(view), view.choices.tape(), view.log.draws_at().to_vec());
    Detail { trace, tape, draws_at, report: report(case, view, order), moments, of_rust_sdk }
}

/// When the run began, and every step, one line each.
fn trace(view: &View<'_>) -> Vec<String> {
    let entries = view.log.entries.iter().map(|entry| (entry.step, trace_line(view, entry)));
    let turns = view.log.turns.iter().map(|turn| {
        let process = &view.life(turn.process).name;
        let Turn { at_ns, step, thread, hash, .. } = *turn;
        (step, format!("{step:>7} +{:.6}s {process} goes on, thread {thread} [{hash:016x}]", seconds(at_ns)))
    });
    let begins = (0, format!("{:>7} +0.000000s the run begins at {}", 0, view.starts_at));
    let mut lines: Vec<(u64, String)> = std::iter::once(begins).chain(entries).chain(turns).collect();
    lines.sort_by_key(|(step, _)| *step);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// One step, in the form in which two runs are compared.
fn trace_line(view: &View<'_>, entry: &Entry) -> String {
    let process = entry.process.map_or("server", |process| &view.life(process).name);
    format!(
        "{:>7} +{:.6}s {process} {} {} [{:016x}]",
        entry.step,
        seconds(entry.at_ns),
        entry.label(),
        entry.detail(),
        entry.hash
    )
}

#[expect(clippy::cast_precision_loss, reason = "shown to people")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// How many of the first moments of a very long run are shown; [`LAST_SHOWN`] for the last. A page with all of them is too
/// large to look at.
const FIRST_SHOWN: usize = 500;
/// See [`FIRST_SHOWN`].
const LAST_SHOWN: usize = 3_000;

/// The first and the last entries, or all of them.
fn ends<T>(all: &[T]) -> impl Iterator<Item = &T> {
    let last = all.len().saturating_sub(LAST_SHOWN).max(FIRST_SHOWN);
    all.iter().take(FIRST_SHOWN).chain(all.iter().skip(last))
}

/// The lane of the server.
const SERVER: usize = 0;

/// The lanes of the report. To people, a slot is a process; a life is not.
struct Lanes {
    processes: Vec<model::Process>,
    of_life: BTreeMap<ProcessId, usize>,
}

fn report(case: &Case, view: &View<'_>, order: &Order) -> model::Report {
    let lanes = lanes(view);
    let story = story::tell(view, &order.known);
    let is_in_vain = |entry: &&Entry| matches!(entry.what, What::Message { passage: Passage::SentInVain, .. });
    let entries: Vec<&Entry> = view.log.entries.iter().filter(|entry| !is_in_vain(entry)).collect();
    let of_server = story.of_server.iter().map(|(at_ns, text)| told_of_server(view, *at_ns, text));
    let mut events: Vec<model::Event> =
        ends(&entries).map(|entry| shown_event(entry, &lanes, &story.important)).chain(of_server).collect();
    let names = chronicle::RunNames::of(view);
    events.extend(view.operations.iter().map(|it| shown_operation(view, &names, &lanes, it)));
    events.sort_by_key(|event| (event.at_ns, event.step));
    let omits = entries.len() > FIRST_SHOWN + LAST_SHOWN;
    let failure = view.findings.first().map(|it| model::Failure { title: it.wrong.title(), detail: it.wrong.detail() });
    model::Report {
        test: case.name.clone(),
        seed: order.seed,
        failed: failure.is_some(),
        failure,
        story: story.sentences.clone(),
        untold: story.untold.clone(),
        repeat: case.repeat(order.seed, &order.only, order.starts_at),
        started_at_unix_ms: view.starts_at.unix_s() * 1000,
        ended_at_ns: view.now_ns,
        steps: view.log.steps(),
        trace_hash: format!("{:016x}", view.hash),
        faults: faults(view),
        spans: spans(view, &lanes),
        // Only other runs tell.
        doom: None,
        omitted: omits.then(|| {
            let count = entries.len();
            format!("Of {count} moments this page shows the first {FIRST_SHOWN} and the last {LAST_SHOWN}; trace.txt has all.")
        }),
        events,
        processes: lanes.processes,
        workflows: workflows(view),
        output: String::new(),
    }
}

fn lanes(view: &View<'_>) -> Lanes {
    let mut processes = vec![model::Process { name: "server".to_owned(), kind: model::ProcessKind::Server, lives: Vec::new() }];
    let end_ns = view.now_ns;
    processes[SERVER].lives.push(model::Life { from_ns: 0, to_ns: end_ns, ended: model::Ended::Running, version: None });
    let mut names: Vec<(&str, model::ProcessKind)> =
        view.lives.iter().filter_map(|life| Some((&*life.name, kind(life.role)?))).collect();
    // The callers come before those that they call.
    let place = |kind| match kind {
        model::ProcessKind::Test | model::ProcessKind::Server => 0,
        model::ProcessKind::Client => 1,
        model::ProcessKind::Worker => 2,
    };
    names.sort_by_key(|(name, kind)| (place(*kind), name.len(), *name));
    names.dedup();
    processes.extend(names.into_iter().map(|(name, kind)| model::Process { name: name.to_owned(), kind, lives: Vec::new() }));
    let mut of_life = BTreeMap::new();
    for (number, life) in (0..).zip(view.lives) {
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

/// The kind of process that people see; `None` for the replayer.
fn kind(role: Role) -> Option<model::ProcessKind> {
    match role {
        Role::Test => Some(model::ProcessKind::Test),
        Role::Worker(_) => Some(model::ProcessKind::Worker),
        Role::Client(_) => Some(model::ProcessKind::Client),
        Role::Replayer => None,
    }
}

fn spans(view: &View<'_>, lanes: &Lanes) -> Vec<model::Span> {
    let of_workers = ends(&view.log.spans).filter_map(|span| shown_span(view, span, lanes));
    of_workers.chain(ends(&view.log.updates).filter_map(|span| shown_update(view, span, lanes))).collect()
}

fn shown_update(view: &View<'_>, span: &UpdateSpan, lanes: &Lanes) -> Option<model::Span> {
    let (outcome, why) = match &span.ended {
        Some(UpdateEnd::Completed) => (model::Outcome::Completed, String::new()),
        Some(UpdateEnd::Failed(why)) => (model::Outcome::Failed, format!(", failed: {why}")),
        Some(UpdateEnd::Rejected(why)) => (model::Outcome::Failed, format!(", rejected: {why}")),
        Some(UpdateEnd::Refused(why)) => (model::Outcome::Failed, format!(", refused: {why}")),
        Some(UpdateEnd::GivenUp) => (model::Outcome::Lost, String::new()),
        None => (model::Outcome::Running, String::new()),
    };
    // The end of its process ends it, and the end of its run ends a handler.
    let died = view.life(span.process).ended.as_ref().map(|(at_ns, ending)| match ending {
        Ending::Crash => (*at_ns, model::Outcome::Crashed),
        _ => (*at_ns, model::Outcome::Lost),
    });
    let closed_ns =
        || view.runs().find(|run| run.run_id() == span.run_id)?.close_time().and_then(|at| view.starts_at.ns_until(at));
    let closed = closed_ns().map(|at_ns| (at_ns.max(span.from_ns), model::Outcome::Lost));
    let cut = [died, closed].into_iter().flatten().min_by_key(|(at_ns, _)| *at_ns);
    let ended_ns = span.to_ns.unwrap_or(view.now_ns);
    let (to_ns, outcome) = cut.filter(|(at_ns, _)| *at_ns < ended_ns).unwrap_or((ended_ns, outcome));
    let does = if span.is_handler() { "handled" } else { "awaited" };
    let UpdateSpan { update_id, workflow_id, .. } = span;
    Some(model::Span {
        process: *lanes.of_life.get(&span.process)?,
        from_ns: span.from_ns,
        to_ns,
        from_step: Some(span.from_step),
        to_step: span.to_step.filter(|_| to_ns == ended_ns),
        kind: model::SpanKind::Update,
        label: span.name.clone(),
        detail: format!("{update_id} of {workflow_id}, {does} here{why}"),
        outcome,
        workflow_id: Some(workflow_id.clone()),
        activity_id: None,
        update_id: Some(update_id.clone()),
    })
}

fn shown_span(view: &View<'_>, span: &Span, lanes: &Lanes) -> Option<model::Span> {
    let ended = view.life(span.process).ended.as_ref();
    let (to_ns, outcome) = match (span.to_ns, span.outcome) {
        (Some(to_ns), Outcome::Completed) => (to_ns, model::Outcome::Completed),
        (Some(to_ns), Outcome::Refused) => (to_ns, model::Outcome::Lost),
        (Some(to_ns), _) => (to_ns, model::Outcome::Failed),
        (None, _) => match ended {
            Some((at_ns, Ending::Crash)) => (*at_ns, model::Outcome::Crashed),
            Some((at_ns, _)) => (*at_ns, model::Outcome::Lost),
            None => (view.now_ns, model::Outcome::Running),
        },
    };
    Some(model::Span {
        process: *lanes.of_life.get(&span.process)?,
        from_ns: span.from_ns,
        to_ns,
        from_step: Some(span.from_step),
        to_step: span.to_step,
        kind: if span.is_activity() { model::SpanKind::Activity } else { model::SpanKind::WorkflowTask },
        label: span.type_name.clone(),
        detail: span.detail(),
        outcome,
        workflow_id: Some(span.workflow_id.clone()),
        activity_id: span.activity_id.clone(),
        update_id: None,
    })
}

fn shown_event(entry: &Entry, lanes: &Lanes, important: &BTreeSet<u64>) -> model::Event {
    let kind = match entry.what {
        What::Message { .. } | What::Refusal(_) => model::EventKind::Rpc,
        What::Fault(_) => model::EventKind::Fault,
        What::Effect(_) => model::EventKind::Effect,
        What::Life(_) | What::Errand { .. } => model::EventKind::Log,
        What::Input(_) | What::Action { .. } => model::EventKind::Test,
        What::Panic { .. } => model::EventKind::Panic,
        What::Finding(_) => model::EventKind::Check,
    };
    let lane = match entry.process {
        Some(process) => lanes.of_life.get(&process).copied(),
        None => entry.fault().map(|_| SERVER),
    };
    let reaches = matches!(entry.what, What::Message { passage: Passage::Arrived | Passage::ArrivedAgain, .. });
    let (label, detail) = match &entry.what {
        What::Effect(done) => (done.title(), done.circumstances()),
        _ => (entry.label(), entry.detail()),
    };
    model::Event {
        at_ns: entry.at_ns,
        step: entry.step,
        process: if reaches { Some(SERVER) } else { lane },
        kind,
        label,
        detail,
        fault: entry.fault().map(|struck| struck.name().to_owned()),
        important: important.contains(&entry.step),
        workflow_id: entry.workflow_id().map(str::to_owned),
        activity_id: entry.activity_id().map(str::to_owned),
    }
}

/// How many faults there were of each kind. Those of a network count as custom ones, but have names of their own.
fn faults(view: &View<'_>) -> Vec<model::FaultCount> {
    let mut of_network: BTreeMap<&str, u64> = BTreeMap::new();
    for struck in view.log.entries.iter().filter_map(Entry::fault).filter(|struck| matches!(struck, Struck::Network(_))) {
        *of_network.entry(struck.name()).or_default() += 1;
    }
    let named: u64 = of_network.values().sum();
    let others = view.faults.iter().map(|(fault, count)| match fault {
        Fault::Custom => (fault.name(), count.saturating_sub(named)),
        _ => (fault.name(), *count),
    });
    let counted = others.chain(of_network).filter(|(_, count)| *count > 0);
    counted.map(|(kind, count)| model::FaultCount { kind: kind.to_owned(), count }).collect()
}

/// An event for what the story tells of the server's work. It comes after everything that the log has of the same instant.
fn told_of_server(view: &View<'_>, at_ns: u64, text: &str) -> model::Event {
    let entries = &view.log.entries;
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

/// An event for what an operator did.
fn shown_operation(view: &View<'_>, names: &chronicle::RunNames, lanes: &Lanes, operation: &Operation) -> model::Event {
    model::Event {
        at_ns: operation.at_ns,
        step: operation.step,
        process: lanes.of_life.get(&operation.process).copied(),
        kind: model::EventKind::Test,
        label: chronicle::operations::sentence(view, names, operation),
        detail: String::new(),
        fault: None,
        important: false,
        workflow_id: operation.to.workflow_id().map(str::to_owned),
        activity_id: None,
    }
}

fn workflows(view: &View<'_>) -> Vec<model::Workflow> {
    let shown = |run: foretime_server::engine::RunView<'_>| {
        Some(model::Workflow {
            workflow_id: run.workflow_id().to_owned(),
            run_id: run.run_id().to_owned(),
            workflow_type: run.workflow_type().to_owned(),
            status: run.status().as_str_name().trim_start_matches("WORKFLOW_EXECUTION_STATUS_").to_lowercase(),
            history: json::canonical(&run.encoded_events())?,
            file: None,
        })
    };
    view.runs().filter_map(shown).collect()
}
