//! What came of it: the moments between a fault and a failed assertion that a reader would look up in the histories and among
//! the attempts of activities, as sentences. A run has many of them; the most telling are chosen.

use std::collections::BTreeMap;

use crate::{
    os::ProcessId,
    world::{
        State,
        log::{EntryKind, Span},
    },
};

mod history;

/// At most so many moments are told.
const TOLD_MAX: usize = 8;
/// With fewer than these, what went well is told, too.
const FEW: usize = 4;
/// An activity that is tried again and again is told up to this attempt.
const ATTEMPT_TOLD_MAX: u32 = 3;
/// What comes so soon before or after a signal may have raced with it.
const RACE_NS: u64 = 60 * 1_000_000_000;

/// Something that a reader may want to know.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) at_ns: u64,
    /// Its place among all steps, if that is known: then it may be told before what happened at the same instant.
    pub(super) step: u64,
    pub(super) text: String,
    interest: Interest,
    is_signal: bool,
}

impl Moment {
    fn new(at_ns: u64, step: u64, text: String, interest: Interest) -> Self {
        Self { at_ns, step, text, interest, is_signal: false }
    }
}

/// How telling a moment is; the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Interest {
    /// Something failed for good, or two attempts ran side by side.
    Wrong,
    /// Something was tried again, or came from outside.
    Turn,
    /// A workflow came to its end, or something was done to the outside world.
    End,
    /// All went well.
    Well,
}

/// The moments up to `until_ns`, in order, and how many more there were. `faults_ns`: when the faults struck that are told.
pub(super) fn moments(state: &State, until_ns: u64, faults_ns: &[u64]) -> (Vec<Moment>, usize) {
    let mut all: Vec<Moment> = attempts(state).into_iter().chain(effects(state)).chain(endless(state, until_ns)).collect();
    for run in state.service().runs() {
        let mut of_run = history::moments(run.workflow_id(), &run.events_from(1));
        rouse_what_met_a_signal(&mut of_run);
        all.extend(of_run);
    }
    all.retain(|moment| moment.at_ns <= until_ns);
    if all.iter().filter(|moment| moment.interest < Interest::Well).count() >= FEW {
        all.retain(|moment| moment.interest < Interest::Well);
    }
    // Of two that are as telling, that which is nearer to the failure, or came sooner after a fault.
    let distance = |moment: &Moment| {
        let after_fault = faults_ns.iter().filter_map(|fault_ns| moment.at_ns.checked_sub(*fault_ns)).min();
        after_fault.unwrap_or(u64::MAX).min(until_ns - moment.at_ns)
    };
    all.sort_by_key(|moment| (moment.interest, distance(moment)));
    let omitted = all.len().saturating_sub(TOLD_MAX);
    all.truncate(TOLD_MAX);
    all.sort_by_key(|moment| (moment.at_ns, moment.step));
    (all, omitted)
}

/// What went well is of interest where it may have raced with a signal.
fn rouse_what_met_a_signal(of_run: &mut [Moment]) {
    let signals_ns: Vec<u64> = of_run.iter().filter(|it| it.is_signal).map(|it| it.at_ns).collect();
    for moment in of_run.iter_mut().filter(|moment| moment.interest == Interest::Well) {
        if signals_ns.iter().any(|signal_ns| signal_ns.abs_diff(moment.at_ns) <= RACE_NS) {
            moment.interest = Interest::Turn;
        }
    }
}

/// The activities that were tried for longer than is told of each attempt, and still are.
fn endless(state: &State, until_ns: u64) -> Vec<Moment> {
    let runs = state.service().runs();
    let of_run = |run: foretime_server::engine::RunView<'_>| {
        let id = run.workflow_id().to_owned();
        let tried = run.open_activities().filter(|it| u32::try_from(it.attempt()).is_ok_and(|it| it > ATTEMPT_TOLD_MAX));
        let said = tried.map(|it| {
            let failed = it.last_failure().map_or_else(String::new, |failure| format!(", the one before failed: {failure}"));
            let text = format!("{} of {id} was at attempt {}{failed}", it.activity_type(), it.attempt());
            Moment::new(until_ns, u64::MAX, text, Interest::Wrong)
        });
        said.collect::<Vec<_>>()
    };
    runs.flat_map(of_run).collect()
}

/// The attempts of activities that were under way at this instant.
pub(super) fn under_way(state: &State, at_ns: u64) -> Vec<&Span> {
    let is_over = |span: &&Span| span.to_ns.or(died_ns(state, span)).is_some_and(|ended_ns| ended_ns < at_ns);
    let open = state.log.spans.iter().filter(|span| span.is_activity && span.from_ns <= at_ns).filter(|span| !is_over(span));
    open.collect()
}

/// When the worker of an attempt came to its end, if it has.
fn died_ns(state: &State, span: &Span) -> Option<u64> {
    state.lives.get(span.process).ended.as_ref().map(|(at_ns, _)| *at_ns)
}

/// What was done to the outside world.
fn effects(state: &State) -> impl Iterator<Item = Moment> {
    let effects = state.log.entries.iter().filter(|entry| entry.kind == EntryKind::Effect);
    effects.map(|entry| {
        let who = entry.process.map_or_else(String::new, |process| name(state, process));
        let what = entry.detail.split(" (").next().unwrap_or_default();
        let text = format!("{who} {} \"{what}\"", if entry.label == "does" { "did" } else { "asked again for" });
        Moment::new(entry.at_ns, entry.step, text, Interest::End)
    })
}

/// A process, as people say it: `worker 1`.
pub(super) fn name(state: &State, process: ProcessId) -> String {
    state.lives.get(process).name.replace('-', " ")
}

/// The attempts of activities after the first, and what became of the one before.
fn attempts(state: &State) -> Vec<Moment> {
    let mut of_activity: BTreeMap<(&str, &str, Option<&str>), Vec<&Span>> = BTreeMap::new();
    for span in state.log.spans.iter().filter(|span| span.is_activity) {
        of_activity.entry((&span.workflow_id, &span.run_id, span.activity_id.as_deref())).or_default().push(span);
    }
    let with_before = of_activity.values().flat_map(|spans| {
        let before = std::iter::once(None).chain(spans.iter().copied().map(Some));
        before.zip(spans.iter().copied())
    });
    with_before.filter(|(_, again)| number(again) > 1).map(|(before, again)| tried_again(state, before, again)).collect()
}

/// Which attempt this is.
fn number(span: &Span) -> u32 {
    span.detail.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn tried_again(state: &State, before: Option<&Span>, again: &Span) -> Moment {
    let ended_ns = before.map(|before| before.to_ns.or(died_ns(state, before)));
    let is_beside = ended_ns.is_some_and(|ended_ns| ended_ns.is_none_or(|ended_ns| ended_ns > again.from_ns));
    let became = match before {
        None => format!(", since attempt {} never reached a worker's code", number(again) - 1),
        Some(before) if is_beside => {
            format!(", while attempt {} still ran on {}", number(before), name(state, before.process))
        }
        Some(before) if before.to_ns.is_none() => format!(", since attempt {} had ended with its worker", number(before)),
        Some(_) => String::new(),
    };
    let (activity, workflow, who) = (&again.label, &again.workflow_id, name(state, again.process));
    let text = format!("attempt {} of {activity} ({workflow}) began on {who}{became}", number(again));
    let interest = match number(again) {
        _ if is_beside => Interest::Wrong,
        ..=ATTEMPT_TOLD_MAX => Interest::Turn,
        _ => Interest::Well,
    };
    Moment::new(again.from_ns, again.from_step, text, interest)
}
