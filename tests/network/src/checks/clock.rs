//! What time it was at the server. Its time is virtual and skips; the record has only the order of messages. Some messages leave
//! their instant in a history, which bounds all that came before and after them.

use std::collections::BTreeSet;

use foretime_server::proto::history::{HistoryEvent, history_event::Attributes};

use super::{
    attempts::{Attempts, Granted, Kind},
    run::{Run, event_ns, find, is_text},
    tasks::{Report, Said, Tasks, Work},
};

/// Bounds of the server's time at each step of a run; steps are the places of arrivals and answers.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// From this step on it was at least so late, in the order of steps.
    lows: Vec<(u64, i64)>,
    /// Up to this step it was at most so late, in the order of steps.
    highs: Vec<(u64, i64)>,
}

impl Clock {
    /// What a record and the histories tell.
    pub(super) fn new(attempts: &Attempts<'_>, tasks: &Tasks<'_>, runs: &[Run]) -> Self {
        let mut clock = Self::default();
        // A poll is answered some time after its task has started, so it bounds what comes after it alone.
        clock.lows.extend(tasks.handed.iter().filter(|task| task.work != Work::Query).map(|task| (task.step, task.started_ns)));
        for ((kind, workflow_id, mark), attempts) in attempts.iter() {
            let Some(first) = attempts.iter().find(|attempt| attempt.granted.is_some()) else { continue };
            let at_ns = match kind {
                Kind::Start => match &first.granted {
                    Some(Granted::Started { run_id, .. }) => {
                        find(runs, run_id).filter(|run| run.nonce().as_ref() == Some(mark)).map(Run::begun_ns)
                    }
                    _ => None,
                },
                Kind::Signal => single(runs, workflow_id, |attributes| match attributes {
                    Attributes::WorkflowExecutionSignaledEventAttributes(it) => is_text(it.input.as_ref(), mark),
                    _ => false,
                }),
                Kind::Terminate => single(runs, workflow_id, |attributes| match attributes {
                    Attributes::WorkflowExecutionTerminatedEventAttributes(it) => it.reason == *mark,
                    _ => false,
                }),
                Kind::SignalWithStart | Kind::Update | Kind::Cancel => None,
            };
            clock.add(first.exchange.arrived_step, at_ns);
        }
        let mut seen = BTreeSet::new();
        for report in tasks.reports.iter().filter(|report| report.is_accepted() && report.said != Said::Heartbeat) {
            if seen.insert(&report.token) {
                clock.add(report.exchange.arrived_step, time_of(report, tasks, runs));
            }
        }
        clock.lows.sort_unstable();
        clock.highs.sort_unstable();
        clock
    }

    /// It was no earlier at this step; nanoseconds of the server's time.
    pub(super) fn at_least(&self, step: u64) -> i64 {
        self.lows.iter().take_while(|(from, _)| *from <= step).map(|(_, at_ns)| *at_ns).max().unwrap_or(i64::MIN)
    }

    /// It was no later at this step; nanoseconds of the server's time.
    pub(super) fn at_most(&self, step: u64) -> i64 {
        self.highs.iter().rev().take_while(|(to, _)| *to >= step).map(|(_, at_ns)| *at_ns).min().unwrap_or(i64::MAX)
    }

    /// The steps at which it is known how late it was, in order, and how late; nanoseconds of the server's time.
    pub(super) fn instants(&self) -> &[(u64, i64)] {
        &self.highs
    }

    /// A call that arrived at this step was served at this instant.
    fn add(&mut self, step: u64, at_ns: Option<i64>) {
        if let Some(at_ns) = at_ns {
            self.lows.push((step, at_ns));
            self.highs.push((step, at_ns));
        }
    }
}

/// When the only event of a workflow id happened that is so.
fn single(runs: &[Run], workflow_id: &str, is_it: impl Fn(&Attributes) -> bool) -> Option<i64> {
    let events = runs.iter().filter(|run| run.workflow_id == workflow_id).flat_map(|run| &run.events);
    let mut found = events.filter(|event| event.attributes.as_ref().is_some_and(&is_it));
    let first = found.next()?;
    found.next().is_none().then(|| event_ns(first))
}

/// When the event happened that an accepted answer has left.
pub(super) fn time_of(report: &Report<'_>, tasks: &Tasks<'_>, runs: &[Run]) -> Option<i64> {
    let task = tasks.task_of(report)?;
    let run = find(runs, &task.run_id)?;
    let is_it = |event: &&HistoryEvent| match (&task.work, &report.said, &event.attributes) {
        (
            Work::Workflow { started_event_id, .. },
            // An empty one may have left no trace, and the next task may have had its event ids.
            Said::WorkflowTaskCompleted { is_empty: false },
            Some(Attributes::WorkflowTaskCompletedEventAttributes(it)),
        ) => it.started_event_id == *started_event_id,
        (
            Work::Activity { activity_id, .. },
            Said::ActivityCompleted(_),
            Some(Attributes::ActivityTaskCompletedEventAttributes(it)),
        ) => run.scheduled_event_id(activity_id) == Some(it.scheduled_event_id),
        _ => false,
    };
    run.events.iter().find(is_it).map(event_ns)
}
