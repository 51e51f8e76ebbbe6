//! Long polls tell the truth. Histories that were read, or came along with a workflow task, are those that the runs have in the end;
//! a wait for the end gives the end; a poll of a task queue gives a task of that queue, of a run that was open.

use foretime_server::proto::{
    common::WorkflowExecution,
    enums::{EventType, HistoryEventFilterType},
    history::{HistoryEvent, history_event::Attributes},
    workflowservice::{
        GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryResponse, PollActivityTaskQueueRequest,
        PollWorkflowTaskQueueRequest, PollWorkflowTaskQueueResponse,
    },
};
use prost::Message;
use tonic::Code;

use super::{
    attempts::answer,
    broken::Broken,
    clock::Clock,
    reading::Reading,
    run::{Run, find, meant},
    tasks::{Handed, Work},
};
use crate::record::exchange::Exchange;

/// What is wrong, and the particulars.
type Wrong = (&'static str, String);

/// Checks what polls were answered.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, ref tasks, ref clock, .. } = read;
    let of_exchanges = record.exchanges.iter().find_map(|exchange| {
        let (title, detail) = match exchange.method.as_str() {
            "GetWorkflowExecutionHistory" => of_history(exchange, runs, clock),
            "PollWorkflowTaskQueue" => of_workflow_task(exchange, runs),
            _ => None,
        }
        .or_else(|| out_of_order(exchange))?;
        Some(Broken::at(exchange, title, detail))
    });
    of_exchanges.or_else(|| {
        tasks.handed.iter().find_map(|task| {
            let (title, detail) = of_handed(task, runs)?;
            Some(Broken::at(task.exchange, title, detail))
        })
    })
}

/// An answer comes after its question.
fn out_of_order(exchange: &Exchange) -> Option<Wrong> {
    let (at_ns, step, _) = exchange.answered.as_ref()?;
    let is_late = exchange.reached_ns.is_none_or(|reached_ns| reached_ns >= *at_ns);
    let is_in_order = *step > exchange.arrived_step && *at_ns >= exchange.arrived_ns && is_late;
    (!is_in_order).then(|| ("a call was answered before it came", exchange.method.clone()))
}

fn of_history(exchange: &Exchange, runs: &[Run], clock: &Clock) -> Option<Wrong> {
    let request = GetWorkflowExecutionHistoryRequest::decode(exchange.request.as_ref()).ok()?;
    let WorkflowExecution { workflow_id, run_id } = request.execution.clone().unwrap_or_default();
    let candidates = meant(runs, &workflow_id, &run_id);
    if let Some(wrong) = left_waiting(exchange, &request, &candidates, clock) {
        return Some(wrong);
    }
    let response: GetWorkflowExecutionHistoryResponse = answer(exchange)?;
    let events = response.history.as_ref().map_or(&[][..], |history| &history.events);
    let is_last_page = request.wait_new_event && response.next_page_token.is_empty();
    if events.is_empty() {
        let title = "who waited for an event was told that there is no more, and given none";
        return is_last_page.then(|| (title, format!("{workflow_id} (run {run_id})")));
    }
    let wrong_of = |run: &&Run| match request.history_event_filter_type() {
        HistoryEventFilterType::CloseEvent => wrong_end(events, run),
        _ => wrong_page(events, run).or_else(|| is_last_page.then(|| wrong_last(events, run)).flatten()),
    };
    let mut wrongs = candidates.iter().map(wrong_of);
    // Of a request for the current run it is not known which run that was.
    match wrongs.next() {
        None => Some(("a history was read of a run that is not there", format!("{workflow_id} (run {run_id})"))),
        Some(None) => None,
        Some(first) => {
            if wrongs.any(|wrong| wrong.is_none()) {
                None
            } else {
                first
            }
        }
    }
}

/// A wait for the end lasted until its caller's deadline, though the end had come before.
fn left_waiting(
    exchange: &Exchange,
    request: &GetWorkflowExecutionHistoryRequest,
    candidates: &[&Run],
    clock: &Clock,
) -> Option<Wrong> {
    let (_, step, Err(status)) = exchange.answered.as_ref()? else { return None };
    let awaits_end = request.history_event_filter_type() == HistoryEventFilterType::CloseEvent;
    // With more than one run it is not known which was awaited.
    let [run] = candidates else { return None };
    let has_ended = run.closed_ns() < clock.at_least(*step);
    (status.code() == Code::DeadlineExceeded && awaits_end && has_ended)
        .then(|| ("a wait for the end of a run was not answered, though the end had come", run.name()))
}

fn of_workflow_task(exchange: &Exchange, runs: &[Run]) -> Option<Wrong> {
    let task: PollWorkflowTaskQueueResponse = answer(exchange)?;
    let run = find(runs, &task.workflow_execution?.run_id)?;
    wrong_page(&task.history?.events, run)
}

/// The task in an answer was one of those that were asked for.
fn of_handed(task: &Handed<'_>, runs: &[Run]) -> Option<Wrong> {
    let Some(run) = find(runs, &task.run_id).filter(|run| run.workflow_id == task.workflow_id) else {
        return Some(("a task was handed out of a run that is not there", task.name()));
    };
    if task.work != Work::Query && task.started_ns > run.closed_ns() {
        return Some(("a task of a closed run was handed out", task.name()));
    }
    let request = task.exchange.request.as_ref();
    let (asked, queue) = match &task.work {
        Work::Workflow { .. } | Work::Query => {
            let asked = PollWorkflowTaskQueueRequest::decode(request).ok().and_then(|it| it.task_queue);
            (asked, run.started()?.task_queue.as_ref())
        }
        Work::Activity { activity_id, .. } => {
            let asked = PollActivityTaskQueueRequest::decode(request).ok().and_then(|it| it.task_queue);
            let scheduled = run.scheduled_event_id(activity_id).and_then(|id| run.event(id));
            let Some(Attributes::ActivityTaskScheduledEventAttributes(it)) = scheduled.and_then(|it| it.attributes.as_ref())
            else {
                return Some(("an activity was handed out that no history has", task.name()));
            };
            (asked, it.task_queue.as_ref())
        }
    };
    let (asked, queue) = (asked?, queue?);
    // A worker may also poll a queue of its own, for the runs that it has in its cache.
    let is_own = !asked.normal_name.is_empty();
    let is_polled = task.exchange.method.starts_with("Poll");
    (is_polled && !is_own && asked.name != queue.name).then(|| {
        let detail = format!("{}: of {}, given to a poll of {}", task.name(), queue.name, asked.name);
        ("a poll was answered with a task of another task queue", detail)
    })
}

/// Why events cannot be a page of the history of a run. The events of a workflow task that is not in the history (yet) may follow at
/// its end. They have no task id.
fn wrong_page(events: &[HistoryEvent], run: &Run) -> Option<Wrong> {
    let first_id = events.first()?.event_id;
    for (event, expected_id) in events.iter().zip(first_id..) {
        let detail = || format!("event {}, {}, of {}", event.event_id, event.event_type().as_str_name(), run.name());
        if event.event_id != expected_id {
            return Some(("a page of a history has a gap", detail()));
        }
        if event.task_id == 0 {
            continue;
        }
        match run.event(event.event_id) {
            None => return Some(("a page of a history has an event that its run never had", detail())),
            Some(written) if written != event => {
                return Some(("a page of a history differs from what is in the end", detail()));
            }
            Some(_) => {}
        }
    }
    let mut unwritten = events.iter().skip_while(|event| event.task_id != 0);
    let misplaced = unwritten.find(|event| {
        event.task_id != 0 || !matches!(event.event_type(), EventType::WorkflowTaskScheduled | EventType::WorkflowTaskStarted)
    })?;
    let detail = format!("event {} of {}", misplaced.event_id, run.name());
    Some(("a page of a history has an unwritten event that is not of a workflow task at its end", detail))
}

/// Why events cannot be the last page of a reader who waits for new events.
fn wrong_last(events: &[HistoryEvent], run: &Run) -> Option<Wrong> {
    let is_end = events.last() == run.close_event();
    (!is_end).then(|| ("a reader of a history was told that there is no more, before its end", run.name()))
}

/// Why events cannot be the answer to who waits for the end of a run.
fn wrong_end(events: &[HistoryEvent], run: &Run) -> Option<Wrong> {
    let detail = || {
        let told: Vec<_> = events.iter().map(|event| event.event_type().as_str_name()).collect();
        format!("{}: told {told:?}", run.name())
    };
    let ([event], Some(close)) = (events, run.close_event()) else {
        return Some(("a wait for the end of a run was answered with something else", detail()));
    };
    // A client that does not look for the next run in every close event gets one that it knows.
    let is_other_form = event.event_id == close.event_id
        && event.event_type() == EventType::WorkflowExecutionContinuedAsNew
        && run.next_run_id().is_some();
    (event != close && !is_other_form).then(|| ("a wait for the end of a run was answered with another end", detail()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{Activity, History, Talk, WorkflowTask};

    fn title(talk: &Talk, runs: &[Run]) -> Option<String> {
        check(&Reading::of(&talk.record(), runs)).map(|broken| broken.title)
    }

    fn history() -> History {
        History::of("w", "r").task_scheduled(1).task_started(2).task_completed(3).activity_scheduled("act").completed("done")
    }

    #[test]
    fn what_was_read_is_what_was_written() {
        let run = history().run();
        let mut talk = Talk::default();
        talk.read_history("w", "r", false).page(&run.events[..3], true);
        talk.read_history("w", "", false).page(&run.events[3..], false);
        talk.read_history("w", "r", true).page(&run.events[5..], false);
        talk.read_history("w", "r", true).page(&[], true);
        assert_eq!(title(&talk, &[run]), None);
    }

    #[test]
    fn who_waits_is_not_told_that_there_is_no_more_without_an_event() {
        let mut talk = Talk::default();
        talk.read_history("w", "r", true).page(&[], false);
        let expected = Some("who waited for an event was told that there is no more, and given none");
        assert_eq!(title(&talk, &[history().run()]).as_deref(), expected);
    }

    #[test]
    fn the_events_of_a_task_that_was_not_written_may_be_at_the_end_of_a_page() {
        let run = history().run();
        let mut page = run.events[..3].to_vec();
        page[1].task_id = 0;
        page[2].task_id = 0;
        // They may be written otherwise later, or others instead.
        page[2].event_time = None;
        let mut talk = Talk::default();
        talk.read_history("w", "r", false).page(&page, true);
        assert_eq!(title(&talk, std::slice::from_ref(&run)), None);
        page[2].task_id = 1;
        let mut talk = Talk::default();
        talk.read_history("w", "r", false).page(&page, true);
        assert_eq!(title(&talk, &[run]).as_deref(), Some("a page of a history differs from what is in the end"));
    }

    #[test]
    fn a_page_has_neither_gaps_nor_events_that_never_were() {
        let run = history().run();
        let of = |events: &[HistoryEvent]| {
            let mut talk = Talk::default();
            talk.read_history("w", "r", false).page(events, true);
            title(&talk, std::slice::from_ref(&run))
        };
        let gap = [run.events[0].clone(), run.events[2].clone()];
        assert_eq!(of(&gap).as_deref(), Some("a page of a history has a gap"));
        let beyond = HistoryEvent { event_id: 9, ..run.events[5].clone() };
        assert_eq!(of(&[beyond]).as_deref(), Some("a page of a history has an event that its run never had"));
        let unwritten = [HistoryEvent { task_id: 0, ..run.events[0].clone() }];
        let misplaced = "a page of a history has an unwritten event that is not of a workflow task at its end";
        assert_eq!(of(&unwritten).as_deref(), Some(misplaced));
    }

    #[test]
    fn a_reader_who_waits_is_told_of_the_end_last() {
        let run = history().run();
        let mut talk = Talk::default();
        talk.read_history("w", "r", false).page(&run.events[..3], false);
        let expected = Some("a reader of a history was told that there is no more, before its end");
        assert_eq!(title(&talk, &[run]).as_deref(), expected);
    }

    #[test]
    fn a_wait_for_the_end_gives_the_end() {
        let run = history().run();
        let of = |events: &[HistoryEvent]| {
            let mut talk = Talk::default();
            talk.read_history("w", "r", true).page(events, false);
            title(&talk, std::slice::from_ref(&run))
        };
        let other = "a wait for the end of a run was answered with something else";
        assert_eq!(of(&run.events[4..]).as_deref(), Some(other));
        let another = "a wait for the end of a run was answered with another end";
        assert_eq!(of(&run.events[4..5]).as_deref(), Some(another));
    }

    #[test]
    fn a_wait_for_the_end_is_answered_when_the_end_comes() {
        let mut talk = Talk::default();
        talk.signal("v", "", "s-1").done();
        talk.read_history("w", "r", true).refused(Code::DeadlineExceeded);
        let at = |at_s: i64| {
            let other = History::of("v", "q").at_s(at_s).signaled("s-1").completed("r").run();
            title(&talk, &[History::of("w", "r").at_s(5).completed("r").run(), other])
        };
        assert_eq!(at(5), None);
        assert_eq!(at(6).as_deref(), Some("a wait for the end of a run was not answered, though the end had come"));
    }

    #[test]
    fn a_task_comes_from_the_queue_that_was_polled_and_from_an_open_run() {
        let task = WorkflowTask { token: "t", workflow_id: "w", run_id: "r", started_event_id: 3, attempt: 1, at_s: 3 };
        let of = |task: WorkflowTask, run: Run| {
            let mut talk = Talk::default();
            talk.poll_workflow_task().workflow_task(task);
            title(&talk, &[run])
        };
        assert_eq!(of(task, history().run()), None);
        let gone = Some("a task was handed out of a run that is not there");
        assert_eq!(of(WorkflowTask { run_id: "x", ..task }, history().run()).as_deref(), gone);
        assert_eq!(
            of(WorkflowTask { at_s: 60, ..task }, history().run()).as_deref(),
            Some("a task of a closed run was handed out")
        );
        let other = history().on_queue("another").run();
        assert_eq!(of(task, other).as_deref(), Some("a poll was answered with a task of another task queue"));

        let activity = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "no", attempt: 1, at_s: 5 };
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(activity);
        assert_eq!(title(&talk, &[history().run()]).as_deref(), Some("an activity was handed out that no history has"));
    }
}
