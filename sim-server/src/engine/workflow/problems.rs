//! What is reported for the search of workflow tasks that keep failing (`UpdateReportedProblemsSearchAttribute`).

use super::run::Run;
use crate::{
    engine::{execution::Cx, rules::names},
    proto::{enums::TimeoutType, history::history_event::Attributes},
};

const REPORTED_PROBLEMS: &str = "TemporalReportedProblems";

/// The failures and timeouts of workflow tasks since one was last completed.
#[derive(Debug, Default)]
pub(super) struct Problems {
    count: usize,
    /// The last that an event tells of.
    last: Option<[String; 2]>,
}

impl Run {
    /// A workflow task has failed or timed out. `written`: the event that tells of it, if one does. `counts`: it was no matter of a
    /// sticky queue.
    pub(super) fn note_problem(&mut self, cx: &Cx<'_>, written: Option<[String; 2]>, counts: bool) {
        let problems = self.volatile.problems.get_or_insert_default();
        if written.is_some() {
            problems.last = written;
        }
        problems.count += usize::from(counts);
        let threshold = cx.limits.task_problems_reported;
        if threshold > 0
            && problems.count >= threshold
            && let Some(last) = &problems.last
        {
            let last = last.clone();
            self.note_unwritten(REPORTED_PROBLEMS, &last);
        }
    }

    /// A reset goes on with a history in which the last workflow tasks may have failed, or timed out with a worker.
    pub(super) fn take_up_problems(&mut self) {
        let history = self.history();
        let events = (1..history.next_id()).rev().filter_map(|id| history.get(id)?.attributes);
        let since_completed = events.take_while(|it| !matches!(it, Attributes::WorkflowTaskCompletedEventAttributes(_)));
        let count = since_completed.filter(|it| match it {
            Attributes::WorkflowTaskFailedEventAttributes(_) => true,
            Attributes::WorkflowTaskTimedOutEventAttributes(it) => it.timeout_type() == TimeoutType::StartToClose,
            _ => false,
        });
        let count = count.count();
        self.volatile.problems = (count > 0).then(|| Box::new(Problems { count, last: None }));
    }

    /// A workflow task is completed: whatever went wrong before is over.
    pub(super) fn forget_problems(&mut self) {
        if self.volatile.problems.take().is_some() {
            self.note_unwritten(REPORTED_PROBLEMS, &[]);
        }
    }
}

/// How an event that ends a workflow task in vain is reported.
pub(super) fn problem(attributes: &Attributes) -> Option<[String; 2]> {
    let (category, cause) = match attributes {
        Attributes::WorkflowTaskFailedEventAttributes(failed) => ("WorkflowTaskFailed", names::cause(failed.cause())),
        Attributes::WorkflowTaskTimedOutEventAttributes(timed_out) => {
            ("WorkflowTaskTimedOut", names::timeout(timed_out.timeout_type))
        }
        _ => return None,
    };
    Some([format!("category={category}"), format!("cause={category}Cause{cause}")])
}
