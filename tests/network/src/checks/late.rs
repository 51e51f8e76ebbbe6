//! An answer of a worker is refused only if its task was over: answered before, timed out, failed by the service, or its run closed.
//! Then it is refused in the right words. And one that is accepted came in time.
//!
//! The record does not have the server's time at each message, only bounds of it ([`Clock`]). A verdict is given where the bounds
//! suffice for it.

use foretime_server::proto::{
    enums::WorkflowTaskFailedCause,
    history::{HistoryEvent, history_event::Attributes},
    workflowservice::QueryWorkflowRequest,
};
use prost::Message;
use tonic::{Code, Status};

use super::{
    attempts::accepted,
    broken::Broken,
    clock::Clock,
    held::{has_failed_by, workflow_task_timeout_ns},
    reading::Reading,
    run::{Run, event_ns, find},
    tasks::{Handed, Report, Said, Tasks, Work},
};
use crate::record::Record;

/// What the service says of a workflow task that is over.
const NO_WORKFLOW_TASK: &str = "Workflow task not found.";
/// ... of an activity task that is over.
const NO_ACTIVITY: &str = "invalid activityID or activity already timed out or invoking workflow is completed";
/// ... of a query that is over.
const NO_QUERY: &str = "query task not found, or already expired";
/// ... of a closed run.
const COMPLETED: &str = "workflow execution already completed";
/// What it says to the completion of a workflow by a worker that has not seen all events.
const UNHANDLED_COMMAND: &str = "UnhandledCommand";

/// Checks when answers of workers were accepted, and when not.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, ref tasks, ref clock, .. } = read;
    let desk = Desk { record, tasks, clock };
    tasks.reports.iter().find_map(|report| {
        let task = tasks.task_of(report)?;
        let run = find(runs, &task.run_id)?;
        let title = match report.refusal() {
            Some(refusal) => desk.refused(report, task, run, refusal),
            None if report.is_accepted() => desk.accepted(report, task, run),
            None => None,
        }?;
        let refusal = report.refusal().map(|it| format!(": {:?}, {}", it.code(), it.message())).unwrap_or_default();
        let detail = format!("{} to {}{refusal}", report.exchange.method, task.name());
        Some(Broken::at(report.exchange, title, detail))
    })
}

/// All that a verdict needs.
struct Desk<'a> {
    record: &'a Record,
    tasks: &'a Tasks<'a>,
    clock: &'a Clock,
}

impl Desk<'_> {
    /// What is wrong with a refusal.
    fn refused(&self, report: &Report<'_>, task: &Handed<'_>, run: &Run, refusal: &Status) -> Option<&'static str> {
        match (refusal.code(), &report.said, &task.work) {
            (Code::NotFound, ..) => {}
            (Code::InvalidArgument, Said::WorkflowTaskCompleted { .. }, Work::Workflow { started_event_id, attempt, .. })
                if refusal.message().starts_with(UNHANDLED_COMMAND) =>
            {
                // From the second attempt on, a failure leaves no event.
                let is_told = *attempt > 1 || has_unhandled_command(run, *started_event_id);
                return (!is_told).then_some("a completion was refused for events that were not there");
            }
            _ => return Some("an answer of a worker was refused with a code that does not fit"),
        }
        let latest_ns = self.clock.at_most(report.exchange.arrived_step);
        let is_closed = run.closed_ns() <= latest_ns;
        match (refusal.message(), &task.work) {
            (COMPLETED, Work::Workflow { .. } | Work::Activity { .. }) if !is_closed => {
                return Some("an answer of a worker was refused because of the end of its run, which had not come");
            }
            (COMPLETED | NO_WORKFLOW_TASK, Work::Workflow { .. })
            | (COMPLETED | NO_ACTIVITY, Work::Activity { .. })
            | (NO_QUERY, Work::Query) => {}
            _ => return Some("an answer of a worker was refused in words that do not fit"),
        }
        let is_answered = self.tasks.reports_before(&task.token, report.exchange.arrived_step).any(|it| it.ends_task());
        let is_over = match &task.work {
            Work::Query => self.may_have_given_up(report, task),
            _ => is_closed || self.may_have_ended(task, run, latest_ns),
        };
        (!is_answered && !is_over).then_some("an answer of a worker was refused though its task was not over")
    }

    /// Whether a task may have timed out, or have ended otherwise without its worker, by an instant.
    fn may_have_ended(&self, task: &Handed<'_>, run: &Run, latest_ns: i64) -> bool {
        let has_passed = |from_ns: i64, span_ns: Option<i64>| span_ns.is_some_and(|it| from_ns.saturating_add(it) <= latest_ns);
        match &task.work {
            Work::Workflow { started_event_id, timeout_ns, .. } => {
                let is_next = |it: &&Handed<'_>| it.run_id == task.run_id && matches!(it.work, Work::Workflow { .. });
                has_passed(task.started_ns, workflow_task_timeout_ns(*timeout_ns, Some(run)))
                    || has_failed_by(run, *started_event_id, latest_ns)
                    || self.has_been_followed(task, latest_ns, is_next)
            }
            Work::Activity { activity_id, scheduled_ns, schedule_to_close_ns, start_to_close_ns, heartbeat_ns, .. } => {
                let is_next = |it: &&Handed<'_>| {
                    let is_of_it = matches!(&it.work, Work::Activity { activity_id: other, .. } if other == activity_id);
                    it.run_id == task.run_id && is_of_it
                };
                has_passed(task.started_ns, *start_to_close_ns)
                    || has_passed(task.started_ns, *heartbeat_ns)
                    || has_passed(*scheduled_ns, *schedule_to_close_ns)
                    || has_closed_by(run, activity_id, latest_ns)
                    || self.has_been_followed(task, latest_ns, is_next)
            }
            Work::Query => true,
        }
    }

    /// Whether a later task of the same kind was handed out by an instant.
    fn has_been_followed(&self, task: &Handed<'_>, latest_ns: i64, is_next: impl Fn(&&Handed<'_>) -> bool) -> bool {
        self.tasks.handed.iter().filter(is_next).any(|it| it.step > task.step && it.started_ns <= latest_ns)
    }

    /// Whether whoever asked a query may not have waited for its answer any more. The record does not tell which query a task was
    /// for: it was one of those of the workflow that came before.
    fn may_have_given_up(&self, report: &Report<'_>, task: &Handed<'_>) -> bool {
        let of_workflow = self.record.exchanges.iter().filter(|exchange| {
            let is_before = exchange.method == "QueryWorkflow" && exchange.arrived_step < task.step;
            let request = is_before.then(|| QueryWorkflowRequest::decode(exchange.request.as_ref()).ok()).flatten();
            let execution = request.and_then(|request| request.execution);
            execution.is_some_and(|execution| execution.workflow_id == task.workflow_id)
        });
        let (mut count, mut waiting) = (0, 0);
        for exchange in of_workflow {
            let step = exchange.answered.as_ref().map_or(0, |(_, step, _)| *step);
            count += 1;
            waiting += usize::from(accepted(exchange).is_some() && step > report.exchange.arrived_step);
        }
        count == 0 || waiting < count
    }

    /// What is wrong with an acceptance.
    fn accepted(&self, report: &Report<'_>, task: &Handed<'_>, run: &Run) -> Option<&'static str> {
        let step = report.exchange.arrived_step;
        let earliest_ns = self.clock.at_least(step);
        if task.work != Work::Query && run.closed_ns() < earliest_ns {
            return Some("an answer of a worker was accepted after the end of its run");
        }
        match &task.work {
            Work::Workflow { started_event_id, timeout_ns, .. } => {
                let has_passed = timeout_ns.is_some_and(|it| task.started_ns.saturating_add(it) < earliest_ns);
                // A speculative task that left no trace has its event ids in common with the next.
                let is_completion = report.said == Said::WorkflowTaskCompleted { is_empty: false };
                let has_failed = is_completion && has_failed_by(run, *started_event_id, i64::MAX);
                (has_passed || has_failed)
                    .then_some("an answer to a workflow task was accepted after that had timed out or failed")
            }
            Work::Activity { start_to_close_ns, heartbeat_ns, .. } => {
                let mut before = self.tasks.reports_before(&task.token, step);
                if report.said == Said::Heartbeat && before.any(|it| it.ends_task()) {
                    return Some("a heartbeat was accepted after its activity task was answered");
                }
                let heard_ns = self.last_heard_ns(task, step);
                let has_passed =
                    |from_ns: i64, span_ns: Option<i64>| span_ns.is_some_and(|it| from_ns.saturating_add(it) < earliest_ns);
                (has_passed(task.started_ns, *start_to_close_ns) || has_passed(heard_ns, *heartbeat_ns))
                    .then_some("an answer to an activity task was accepted after that had timed out")
            }
            Work::Query => None,
        }
    }

    /// When the service heard of an activity at the latest before a step; nanoseconds of the server's time.
    fn last_heard_ns(&self, task: &Handed<'_>, step: u64) -> i64 {
        let heard = self.tasks.reports_before(&task.token, step).filter(|report| report.is_accepted());
        heard.map(|report| self.clock.at_most(report.exchange.arrived_step)).fold(task.started_ns, i64::max)
    }
}

fn has_unhandled_command(run: &Run, started_event_id: i64) -> bool {
    run.events.iter().any(|event| match &event.attributes {
        Some(Attributes::WorkflowTaskFailedEventAttributes(it)) => {
            it.started_event_id == started_event_id && it.cause() == WorkflowTaskFailedCause::UnhandledCommand
        }
        _ => false,
    })
}

/// Whether the history tells that an activity had ended by then.
fn has_closed_by(run: &Run, activity_id: &str, by_ns: i64) -> bool {
    let scheduled = run.scheduled_event_id(activity_id);
    let is_end = |event: &&HistoryEvent| match &event.attributes {
        Some(Attributes::ActivityTaskCompletedEventAttributes(it)) => Some(it.scheduled_event_id) == scheduled,
        Some(Attributes::ActivityTaskFailedEventAttributes(it)) => Some(it.scheduled_event_id) == scheduled,
        Some(Attributes::ActivityTaskTimedOutEventAttributes(it)) => Some(it.scheduled_event_id) == scheduled,
        Some(Attributes::ActivityTaskCanceledEventAttributes(it)) => Some(it.scheduled_event_id) == scheduled,
        _ => false,
    };
    run.events.iter().filter(is_end).any(|event| event_ns(event) <= by_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{Activity, History, Talk, WorkflowTask};

    const TASK: WorkflowTask =
        WorkflowTask { token: "t", workflow_id: "w", run_id: "r", started_event_id: 3, attempt: 1, at_s: 3 };
    const ACTIVITY: Activity = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 1, at_s: 6 };

    fn title(talk: &Talk, history: History) -> Option<String> {
        check(&Reading::of(&talk.record(), &[history.run()])).map(|broken| broken.title)
    }

    fn history() -> History {
        History::of("w", "r").task_scheduled(1).task_started(2)
    }

    fn no_task() -> Status {
        Status::not_found(NO_WORKFLOW_TASK)
    }

    /// A workflow task is handed out and answered so, and then a signal shows what time it is.
    fn answered_at(at_s: i64, answer: Status) -> (Talk, History) {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.complete_workflow_task("t").refused_with(answer);
        talk.signal("w", "", "s-1").done();
        (talk, history().at_s(at_s).signaled("s-1").at_s(60).completed("r"))
    }

    #[test]
    fn an_answer_that_was_sent_again_is_rightly_refused() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.complete_workflow_task("t").done();
        talk.complete_workflow_task("t").refused_with(no_task());
        talk.signal("w", "", "s-1").done();
        assert_eq!(title(&talk, history().task_completed(3).signaled("s-1").at_s(60).completed("r")), None);
    }

    #[test]
    fn an_answer_is_not_refused_while_its_task_lasts() {
        let (talk, history) = answered_at(12, no_task());
        assert_eq!(title(&talk, history).as_deref(), Some("an answer of a worker was refused though its task was not over"));
    }

    #[test]
    fn an_answer_after_the_timeout_is_rightly_refused() {
        let (talk, history) = answered_at(13, no_task());
        assert_eq!(title(&talk, history), None);
    }

    #[test]
    fn a_refusal_has_the_code_and_the_words_of_its_reason() {
        let (talk, history) = answered_at(13, Status::internal("oops"));
        let code = Some("an answer of a worker was refused with a code that does not fit");
        assert_eq!(title(&talk, history).as_deref(), code);
        let (talk, history) = answered_at(13, Status::not_found(NO_QUERY));
        assert_eq!(title(&talk, history).as_deref(), Some("an answer of a worker was refused in words that do not fit"));
        let (talk, history) = answered_at(13, Status::not_found(COMPLETED));
        let end = Some("an answer of a worker was refused because of the end of its run, which had not come");
        assert_eq!(title(&talk, history).as_deref(), end);
    }

    #[test]
    fn a_completion_is_refused_for_new_events_only_if_the_history_tells_so() {
        let (talk, history) = answered_at(5, Status::invalid_argument(UNHANDLED_COMMAND));
        let told = history.clone().task_failed(3);
        assert_eq!(title(&talk, history).as_deref(), Some("a completion was refused for events that were not there"));
        assert_eq!(title(&talk, told), None);
    }

    #[test]
    fn an_answer_to_a_workflow_task_that_timed_out_is_not_accepted() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        talk.complete_workflow_task("t").done();
        let late = Some("an answer to a workflow task was accepted after that had timed out or failed");
        assert_eq!(title(&talk, history().task_timed_out(3).completed("r")).as_deref(), late);
    }

    #[test]
    fn an_answer_after_the_end_of_the_run_is_not_accepted() {
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.terminate("w", "", "enough").done();
        // Another workflow shows that time has gone on.
        talk.signal("v", "", "s-1").done();
        talk.heartbeat("a").done();
        let runs = [
            history().activity_scheduled("act").at_s(7).terminated("enough").run(),
            History::of("v", "q").at_s(9).signaled("s-1").completed("r").run(),
        ];
        let title = check(&Reading::of(&talk.record(), &runs)).map(|broken| broken.title);
        assert_eq!(title.as_deref(), Some("an answer of a worker was accepted after the end of its run"));
    }

    #[test]
    fn a_heartbeat_after_the_answer_or_the_timeout_is_not_accepted() {
        let history = || history().activity_scheduled("act").activity_completed("act", 1, "ok").at_s(60).completed("r");
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.heartbeat("a").done();
        talk.complete_activity("a", "ok").done();
        assert_eq!(title(&talk, history()), None);
        talk.heartbeat("a").done();
        let after = Some("a heartbeat was accepted after its activity task was answered");
        assert_eq!(title(&talk, history()).as_deref(), after);

        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(ACTIVITY);
        talk.poll_workflow_task().workflow_task(WorkflowTask { at_s: 17, ..TASK });
        talk.heartbeat("a").done();
        let late = Some("an answer to an activity task was accepted after that had timed out");
        assert_eq!(title(&talk, history()).as_deref(), late);
    }

    #[test]
    fn the_answer_to_a_query_is_not_refused_while_its_client_waits() {
        let mut talk = Talk::default();
        let query = talk.query("w").waits();
        talk.poll_workflow_task().query_task("q", "w", "r");
        talk.answer_query("q").refused_with(Status::not_found(NO_QUERY));
        let given_up = talk.clone();
        assert_eq!(title(&given_up, history()), None);
        talk.resume(query).done();
        assert_eq!(title(&talk, history()).as_deref(), Some("an answer of a worker was refused though its task was not over"));
    }
}
