//! What the attempts of activities tell a reader.

use std::collections::BTreeMap;

use super::{Interest, Moment, NO_STEP, RunNames, history::brief, name, spoken};
use crate::{
    log::{Outcome, Span, Struck, What},
    view::View,
};

/// Of an activity that is tried again and again, the attempts up to this one are told, and the last.
const ATTEMPT_TOLD_MAX: u32 = 3;

/// The attempts of activities after the first, and what became of the one before each.
pub(super) fn tried_again(view: &View<'_>, names: &RunNames) -> Vec<Moment> {
    let mut of_activity: BTreeMap<(&str, &str, Option<&str>), Vec<&Span>> = BTreeMap::new();
    for span in view.log.spans.iter().filter(|span| span.is_activity()) {
        of_activity.entry((&span.workflow_id, &span.run_id, span.activity_id.as_deref())).or_default().push(span);
    }
    let with_before = of_activity.values().flat_map(|spans| {
        let before = std::iter::once(None).chain(spans.iter().copied().map(Some));
        let last = spans.last().map(|last| last.attempt);
        before.zip(spans.iter().copied()).map(move |(before, again)| (before, again, Some(again.attempt) == last))
    });
    let again = with_before.filter(|(_, again, _)| again.attempt > 1);
    again.filter_map(|(before, again, is_last)| again_after(view, names, before, again, is_last)).collect()
}

fn again_after(view: &View<'_>, names: &RunNames, before: Option<&Span>, again: &Span, is_last: bool) -> Option<Moment> {
    let ended_ns = before.map(|before| before.to_ns.or(died_ns(view, before)));
    let is_beside = ended_ns.is_some_and(|ended_ns| ended_ns.is_none_or(|ended_ns| ended_ns > again.from_ns));
    let became = match before {
        None => format!(", since attempt {} never reached a worker's code", again.attempt - 1),
        Some(before) if is_beside => {
            format!(", while attempt {} still ran on {}", before.attempt, name(view, before.process))
        }
        Some(before) if before.to_ns.is_none() => format!(", since attempt {} had ended with its worker", before.attempt),
        Some(_) => String::new(),
    };
    let (activity, run, who) = (&again.type_name, names.name(&again.workflow_id, &again.run_id), name(view, again.process));
    let with =
        again.resumes_from.as_ref().map_or_else(String::new, |it| format!(", with the last heartbeat{}", brief(Some(it))));
    // That it began is in the fault's sentence.
    if with.is_empty() && became.is_empty() && was_made_to_fail(view, again) {
        return None;
    }
    let text = format!("attempt {} of {activity} ({run}) began on {who}{with}{became}", again.attempt);
    let interest = match again.attempt {
        _ if is_beside => Interest::Wrong,
        ..=ATTEMPT_TOLD_MAX => Interest::Turn,
        _ if is_last => Interest::Turn,
        _ => Interest::Well,
    };
    Some(Moment::new(again.from_ns, again.from_step, text, interest))
}

fn was_made_to_fail(view: &View<'_>, span: &Span) -> bool {
    view.log.entries.iter().any(|entry| match &entry.what {
        What::Fault(Struck::ActivityFailure { attempt, .. }) => {
            let of_activity = (&*attempt.run_id, Some(&*attempt.activity_id), attempt.attempt);
            of_activity == (&*span.run_id, span.activity_id.as_deref(), span.attempt)
        }
        _ => false,
    })
}

/// The activities that are still being tried after the attempts that are told.
pub(super) fn endless(view: &View<'_>, names: &RunNames, until_ns: u64) -> Vec<Moment> {
    let runs = view.runs();
    let of_run = |run: foretime_server::engine::RunView<'_>| {
        let id = names.name(run.workflow_id(), run.run_id()).to_owned();
        let tried = run.open_activities().filter(|it| u32::try_from(it.attempt()).is_ok_and(|it| it > ATTEMPT_TOLD_MAX));
        let said = tried.map(|it| {
            let failed = it.last_failure().map_or_else(String::new, |failure| format!(", the one before failed: {failure}"));
            let text = format!("{} of {id} was at attempt {}{failed}", it.activity_type(), it.attempt());
            Moment::new(until_ns, NO_STEP, text, Interest::Wrong)
        });
        said.collect::<Vec<_>>()
    };
    runs.flat_map(of_run).collect()
}

/// This attempt of an activity, if a worker's code saw it.
pub(super) fn span_of<'a>(view: &'a View<'a>, run_id: &str, activity_id: &str, attempt: i32) -> Option<&'a Span> {
    let attempt = u32::try_from(attempt).ok()?;
    let is_it =
        |span: &&Span| (&*span.run_id, span.activity_id.as_deref(), span.attempt) == (run_id, Some(activity_id), attempt);
    view.log.spans.iter().rfind(is_it)
}

/// The attempts that the server waits for although nobody is working on them.
pub(super) fn lost(view: &View<'_>, names: &RunNames, until_ns: u64) -> Vec<Moment> {
    let of_run = |run: foretime_server::engine::RunView<'_>| {
        let (id, run_id) = (names.name(run.workflow_id(), run.run_id()).to_owned(), run.run_id().to_owned());
        let said = run.open_activities().filter_map(move |it| {
            let (worker, attempt) = (it.worker()?, it.attempt());
            let became = match span_of(view, &run_id, it.activity_id(), attempt) {
                None => "never reached its code",
                Some(span) if span.to_ns.is_none() && died_ns(view, span).is_some() => "ended with it",
                Some(_) => return None,
            };
            let (activity, worker) = (it.activity_type(), spoken(worker));
            let text = format!(
                "the server still waited for {activity} of {id} (attempt {attempt}), which was given to {worker} and {became}"
            );
            Some(Moment::new(until_ns, NO_STEP, text, Interest::Wrong))
        });
        said.collect::<Vec<_>>()
    };
    view.runs().flat_map(of_run).collect()
}

/// The attempts that completed when nobody wanted them any more: their workflow was over, or another attempt had begun. Also
/// those that failed after their workflow was over: they may have worked on until then.
pub(super) fn too_late(view: &View<'_>, names: &RunNames) -> Vec<Moment> {
    let closed = |run: foretime_server::engine::RunView<'_>| {
        let closed_ns = run.close_time().and_then(|at| view.starts_at.ns_until(at))?;
        Some((run.run_id().to_owned(), closed_ns))
    };
    let closed_ns: BTreeMap<String, u64> = view.runs().filter_map(closed).collect();
    let ended = |span: &&Span| span.is_activity() && matches!(span.outcome, Outcome::Completed | Outcome::Failed);
    let ended = view.log.spans.iter().filter(ended);
    let said = ended.filter_map(|span| {
        let to_ns = span.to_ns?;
        let next = |other: &&Span| {
            let same = (&other.run_id, &other.activity_id) == (&span.run_id, &span.activity_id);
            other.is_activity() && same && other.attempt > span.attempt && other.from_ns < to_ns
        };
        let run = names.name(&span.workflow_id, &span.run_id);
        let after = if closed_ns.get(&span.run_id).is_some_and(|closed_ns| *closed_ns < to_ns) {
            format!("{run} was over")
        } else if span.outcome == Outcome::Failed {
            return None;
        } else {
            format!("attempt {} had begun", view.log.spans.iter().rfind(next)?.attempt)
        };
        let Span { attempt, type_name, .. } = span;
        let who = name(view, span.process);
        let (ended, interest) = match span.outcome {
            Outcome::Completed => ("completed", Interest::Wrong),
            _ => ("ended", Interest::Turn),
        };
        let text = format!("attempt {attempt} of {type_name} ({run}) {ended} on {who}, after {after}");
        // The last thing that it did has the same step.
        let step = span.to_step.map_or(NO_STEP, |step| step + 1);
        Some(Moment::new(to_ns, step, text, interest))
    });
    said.collect()
}

/// The attempts of activities that were under way at this instant.
pub(crate) fn under_way<'a>(view: &View<'a>, at_ns: u64) -> Vec<&'a Span> {
    let is_over = |span: &&Span| span.to_ns.or(died_ns(view, span)).is_some_and(|ended_ns| ended_ns < at_ns);
    let open = view.log.spans.iter().filter(|span| span.is_activity() && span.from_ns <= at_ns).filter(|span| !is_over(span));
    open.collect()
}

/// When the worker of an attempt ended, if it has.
pub(super) fn died_ns(view: &View<'_>, span: &Span) -> Option<u64> {
    view.life(span.process).ended.as_ref().map(|(at_ns, _)| *at_ns)
}
