//! What the attempts of activities tell.

use std::collections::BTreeMap;

use super::{Interest, Moment, history::brief, name};
use crate::world::{State, log::Span};

/// An activity that is tried again and again is told up to this attempt, and its last.
const ATTEMPT_TOLD_MAX: u32 = 3;

/// The attempts of activities after the first, and what became of the one before.
pub(super) fn tried_again(state: &State) -> Vec<Moment> {
    let mut of_activity: BTreeMap<(&str, &str, Option<&str>), Vec<&Span>> = BTreeMap::new();
    for span in state.log.spans.iter().filter(|span| span.is_activity) {
        of_activity.entry((&span.workflow_id, &span.run_id, span.activity_id.as_deref())).or_default().push(span);
    }
    let with_before = of_activity.values().flat_map(|spans| {
        let before = std::iter::once(None).chain(spans.iter().copied().map(Some));
        let last = spans.last().map(|last| last.attempt);
        before.zip(spans.iter().copied()).map(move |(before, again)| (before, again, Some(again.attempt) == last))
    });
    let again = with_before.filter(|(_, again, _)| again.attempt > 1);
    again.map(|(before, again, is_last)| again_after(state, before, again, is_last)).collect()
}

fn again_after(state: &State, before: Option<&Span>, again: &Span, is_last: bool) -> Moment {
    let ended_ns = before.map(|before| before.to_ns.or(died_ns(state, before)));
    let is_beside = ended_ns.is_some_and(|ended_ns| ended_ns.is_none_or(|ended_ns| ended_ns > again.from_ns));
    let became = match before {
        None => format!(", since attempt {} never reached a worker's code", again.attempt - 1),
        Some(before) if is_beside => {
            format!(", while attempt {} still ran on {}", before.attempt, name(state, before.process))
        }
        Some(before) if before.to_ns.is_none() => format!(", since attempt {} had ended with its worker", before.attempt),
        Some(_) => String::new(),
    };
    let (activity, workflow, who) = (&again.label, &again.workflow_id, name(state, again.process));
    let with =
        again.resumes_from.as_ref().map_or_else(String::new, |it| format!(", with the last heartbeat{}", brief(Some(it))));
    let text = format!("attempt {} of {activity} ({workflow}) began on {who}{with}{became}", again.attempt);
    let interest = match again.attempt {
        _ if is_beside => Interest::Wrong,
        ..=ATTEMPT_TOLD_MAX => Interest::Turn,
        _ if is_last => Interest::Turn,
        _ => Interest::Well,
    };
    Moment::new(again.from_ns, again.from_step, text, interest)
}

/// The activities that were tried for longer than is told of each attempt, and still are.
pub(super) fn endless(state: &State, until_ns: u64) -> Vec<Moment> {
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
pub(in crate::report) fn under_way(state: &State, at_ns: u64) -> Vec<&Span> {
    let is_over = |span: &&Span| span.to_ns.or(died_ns(state, span)).is_some_and(|ended_ns| ended_ns < at_ns);
    let open = state.log.spans.iter().filter(|span| span.is_activity && span.from_ns <= at_ns).filter(|span| !is_over(span));
    open.collect()
}

/// When the worker of an attempt came to its end, if it has.
fn died_ns(state: &State, span: &Span) -> Option<u64> {
    state.lives.get(span.process).ended.as_ref().map(|(at_ns, _)| *at_ns)
}
