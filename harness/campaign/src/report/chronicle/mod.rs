//! The moments between a fault and a failed assertion that a reader would look up in the histories and the attempts, as
//! sentences. A run has many of them; [`choice`] picks the most telling. [`attempts`], [`history`], [`updates`], [`errands`]
//! and [`operations`] give the moments of their subjects and how telling each is, with what [`run`] looks up. [`order`] finds what
//! arrived in another order than was asked for, and [`names`] says what things are called.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    effects::Applied,
    fault::RpcKind,
    log::{Done, What},
    process::Role,
    view::View,
    waiting::queues,
};

mod attempts;
mod choice;
mod errands;
mod history;
mod names;
pub(super) mod operations;
mod order;
mod run;
mod updates;

pub(super) use attempts::under_way;
pub(super) use choice::Light;
use names::spoken;
pub(super) use names::{RunNames, name};

/// A signal or an update that comes more often than this is meant to repeat.
const AGAIN_MAX: usize = 3;
/// Anything within this time of a signal may have raced with it.
const RACE_NS: u64 = 60 * 1_000_000_000;

/// Marks an unknown step: the histories have times only.
pub(super) const NO_STEP: u64 = u64::MAX;

/// Something that a reader may want to know.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) at_ns: u64,
    /// Its place among all steps, or [`NO_STEP`]. With a known step, it may be told before other things of the same instant.
    pub(super) step: u64,
    pub(super) text: String,
    interest: Interest,
    /// How telling it is if it may have raced with a signal.
    beside_signal: Interest,
    /// The signal, update or cancel request that came, if one did.
    signal: Option<String>,
    /// The id of the update that came, if one did.
    update_id: Option<String>,
}

impl Moment {
    fn new(at_ns: u64, step: u64, text: String, interest: Interest) -> Self {
        Self { at_ns, step, text, interest, beside_signal: interest.min(Interest::Turn), signal: None, update_id: None }
    }
}

/// How telling a moment is; the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Interest {
    /// Something failed for good, or two attempts ran side by side.
    Wrong,
    /// Something was tried again, or came from outside.
    Turn,
    /// A workflow ended, or something was done to the outside world.
    End,
    /// All went well.
    Well,
}

/// The moments up to `until_ns`, in order: those that are told, and those that are not.
pub(super) fn moments(view: &View<'_>, until_ns: u64, light: &Light<'_>) -> (Vec<Moment>, Vec<Moment>) {
    let mut all = every(view, until_ns);
    all.retain(|moment| moment.at_ns <= until_ns);
    choice::choose(view, all, until_ns, light)
}

/// Everything that could be told of a run, in order.
pub(super) fn all(view: &View<'_>) -> Vec<String> {
    every(view, view.now_ns).into_iter().map(|moment| moment.text).collect()
}

/// All moments, in order. `until_ns`: the time at which lasting conditions are told.
fn every(view: &View<'_>, until_ns: u64) -> Vec<Moment> {
    let names = RunNames::of(view);
    let mut all: Vec<Moment> = attempts::tried_again(view, &names);
    all.extend(attempts::endless(view, &names, until_ns));
    all.extend(attempts::lost(view, &names, until_ns).into_iter().chain(attempts::too_late(view, &names)));
    all.extend(order::swapped(view));
    all.extend(joins(view, &names));
    all.extend(errands::moments(view));
    all.extend(updates::moments(view, &names));
    all.extend(operations::moments(view, &names));
    all.extend(effects(view).chain(refusals(view, &names)));
    for run in view.runs() {
        let mut of_run = history::moments(view, &names, &run);
        rouse_what_met_a_signal(&mut of_run);
        all.extend(of_run);
    }
    all.sort_by_key(|moment| (moment.at_ns, moment.step));
    rouse_what_came_again(&mut all);
    all
}

/// A signal or an update that comes two or three times may be one too many; one that comes often is meant to.
fn rouse_what_came_again(all: &mut [Moment]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for signal in all.iter().filter_map(|moment| moment.signal.clone()) {
        *counts.entry(signal).or_default() += 1;
    }
    let mut ids_seen: BTreeMap<String, Option<String>> = BTreeMap::new();
    for moment in all {
        let Some(signal) = moment.signal.clone().filter(|signal| counts[signal] <= AGAIN_MAX) else { continue };
        if let Some(update_id) = ids_seen.insert(signal, moment.update_id.clone()) {
            moment.text += if update_id == moment.update_id { ", again" } else { ", again under another id" };
            moment.interest = Interest::Wrong;
        }
    }
}

/// Moments in which all went well are interesting if they may have raced with a signal.
fn rouse_what_met_a_signal(of_run: &mut [Moment]) {
    let signals_ns: Vec<u64> = of_run.iter().filter(|it| it.signal.is_some()).map(|it| it.at_ns).collect();
    for moment in of_run.iter_mut().filter(|moment| moment.interest == Interest::Well) {
        if signals_ns.iter().any(|signal_ns| signal_ns.abs_diff(moment.at_ns) <= RACE_NS) {
            moment.interest = moment.beside_signal;
        }
    }
}

/// The refusals of the server: to activities (through their workers' clients), to the test, and to workers whose report on an
/// activity came too late. A refusal that repeats is told once.
fn refusals(view: &View<'_>, names: &RunNames) -> Vec<Moment> {
    let refused = view.log.entries.iter().filter_map(|entry| {
        let What::Refusal(refusal) = &entry.what else { return None };
        let (rpc, kind) = (&refusal.rpc, RpcKind::of(&refusal.rpc));
        let process = entry.process.filter(|process| view.life(*process).role != Role::Replayer)?;
        if !matches!(kind, RpcKind::Other | RpcKind::EndActivity) || refusal.is_simulated {
            return None;
        }
        let why = without_ids(&refusal.text);
        let interest = match kind {
            // A worker reports on an attempt that was given up, as it should.
            RpcKind::EndActivity if refusal.outcome_of.is_some() => Interest::Turn,
            // Many programs start what already runs, to make sure of it.
            _ if rpc == "StartWorkflowExecution" => Interest::Turn,
            _ => Interest::Wrong,
        };
        let subject = refusal.outcome_of.as_ref().map(|attempt| names.subject(attempt)).or_else(|| refusal.workflow_id.clone());
        let of = subject.map_or_else(String::new, |subject| format!(" for {subject}"));
        let text = format!("{} was refused {rpc}{of}: {why}", name(view, process));
        Some(Moment::new(entry.at_ns, entry.step, text, interest))
    });
    let mut told: BTreeMap<String, (Moment, usize)> = BTreeMap::new();
    for moment in refused {
        told.entry(moment.text.clone()).or_insert((moment, 0)).1 += 1;
    }
    let times = |(moment, count): (Moment, usize)| match count {
        1 => moment,
        _ => Moment { text: format!("{}, {count} times from then on", moment.text), ..moment },
    };
    told.into_values().map(times).collect()
}

/// A text of the server, cut before it names the workflow, which is already told.
fn without_ids(text: &str) -> &str {
    let cut = |text, id| str::split(text, id).next().unwrap_or_default();
    [" WorkflowId: ", " for ID: "].into_iter().fold(text, cut).trim_end_matches('.')
}

/// Requests to start a workflow that existed. Nothing that they passed is used.
fn joins<'a>(view: &'a View<'a>, names: &'a RunNames) -> impl Iterator<Item = Moment> + 'a {
    view.joined.iter().filter_map(|joined| {
        let run = view.runs().find(|run| run.run_id() == joined.run_id)?;
        let (id, who) = (run.workflow_id().to_owned(), name(view, joined.process));
        let given = match names.name(&id, &joined.run_id) {
            only if only == id => "its run",
            of_several => of_several,
        };
        let text = format!("{who} asked to start {id}, and was given {given}, which was open");
        Some(Moment::new(joined.at_ns, joined.step, text, Interest::Turn))
    })
}

/// What was done to the outside world.
fn effects(view: &View<'_>) -> impl Iterator<Item = Moment> {
    let effects = || {
        let entries = view.log.entries.iter();
        entries.filter_map(|entry| if let What::Effect(done) = &entry.what { Some((entry, done)) } else { None })
    };
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (_, Done { kind, subject, .. }) in effects() {
        *counts.entry((kind, subject)).or_default() += 1;
    }
    effects().map(move |(entry, done)| {
        let who = entry.process.map_or_else(String::new, |process| name(view, process));
        // Several effects may have had different keys.
        let is_alone = counts.get(&(&*done.kind, &*done.subject)) == Some(&1);
        let key = if is_alone { String::new() } else { format!(" ({})", done.key()) };
        let did = if done.applied == Applied::First { "did" } else { "asked again for" };
        let text = format!("{who} {did} \"{}\"{key}", done.what());
        Moment::new(entry.at_ns, entry.step, text, Interest::End)
    })
}

/// Which workers serve which task queue, if there are several: `worker 1 and worker 2 serve "billing", worker 3 "shipping"`.
/// Also names those that served another queue before.
pub(super) fn who_serves_what(view: &View<'_>) -> Option<String> {
    let last = queues::last_had(view);
    let mut workers: BTreeMap<&str, BTreeSet<(usize, &str)>> = BTreeMap::new();
    let mut before: BTreeSet<(usize, &str, &str)> = BTreeSet::new();
    for life in view.lives {
        let (Role::Worker(slot), Some(queue)) = (life.role, &life.task_queue) else { continue };
        if last.get(&slot) == Some(queue) {
            workers.entry(queue).or_default().insert((slot, &life.name));
        } else {
            before.insert((slot, &life.name, queue));
        }
    }
    let mut by_queue: Vec<_> = workers.into_iter().map(|(queue, of)| (of, queue)).collect();
    by_queue.sort();
    let serve = by_queue.iter().enumerate().map(|(number, (workers, queue))| {
        let names: Vec<String> = workers.iter().map(|(_, name)| spoken(name)).collect();
        let serve = match (number, names.len()) {
            (0, 1) => " serves",
            (0, _) => " serve",
            _ => "",
        };
        format!("{}{serve} \"{queue}\"", names.join(" and "))
    });
    let served = before.iter().map(|(_, name, queue)| format!("{} served \"{queue}\" before", spoken(name)));
    let parts: Vec<String> = serve.chain(served).collect();
    (parts.len() > 1).then(|| parts.join(", "))
}
