//! A task comes with what its worker needs. An activity task is what its workflow asked for. A workflow task has the whole history, up
//! to its own start: the workers of these runs keep nothing.

use foretime_server::proto::{
    history::{HistoryEvent, history_event::Attributes},
    workflowservice::{
        PollActivityTaskQueueRequest, PollActivityTaskQueueResponse, PollWorkflowTaskQueueRequest,
        PollWorkflowTaskQueueResponse, RecordActivityTaskHeartbeatResponse,
    },
};
use prost::Message;

use super::{
    attempts::answer,
    broken::Broken,
    reading::Reading,
    run::{Run, find},
};
use crate::record::exchange::Exchange;

/// Checks what tasks came with.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, runs, .. } = read;
    record.exchanges.iter().find_map(|exchange| {
        let (title, detail) = match exchange.method.as_str() {
            "PollWorkflowTaskQueue" => of_workflow_task(exchange, runs),
            "PollActivityTaskQueue" => of_activity_task(exchange, runs),
            "RecordActivityTaskHeartbeat" => of_heartbeat(exchange),
            _ => None,
        }?;
        Some(Broken::at(exchange, title, detail))
    })
}

/// What is wrong, and the particulars.
type Wrong = (&'static str, String);

fn of_workflow_task(exchange: &Exchange, runs: &[Run]) -> Option<Wrong> {
    let task: PollWorkflowTaskQueueResponse = answer(exchange)?;
    let execution = task.workflow_execution.unwrap_or_default();
    let run = find(runs, &execution.run_id)?;
    let detail =
        |what: &str| format!("{what} of the workflow task of {} with started event {}", run.name(), task.started_event_id);
    let is_of_type = task.workflow_type.as_ref() == run.started()?.workflow_type.as_ref();
    let events = task.history.as_ref().map_or(&[][..], |history| &history.events);
    let is_from_start = events.first().is_some_and(|first| first.event_id == 1);
    if !is_of_type || execution.workflow_id != run.workflow_id {
        return Some(("a workflow task was handed out as one of another workflow", detail("the workflow")));
    }
    if !is_from_start {
        return Some(("a workflow task was handed out without the beginning of its history", detail("the history")));
    }
    if task.query.is_some() {
        return None;
    }
    let ends_with_start = events.last().is_some_and(|last| last.event_id == task.started_event_id);
    if task.next_page_token.is_empty() && !ends_with_start {
        return Some(("a workflow task was handed out without the end of its history", detail("the history")));
    }
    if starter(events, |it| it.event_id == task.started_event_id).is_some_and(|starter| starter != asker(exchange)) {
        return Some(("a workflow task was handed to another worker than its history tells", detail("the worker")));
    }
    let previous = events.iter().rev().find_map(completed_start).unwrap_or(0);
    let is_partial = !task.next_page_token.is_empty();
    (!is_partial && previous != task.previous_started_event_id).then(|| {
        let title = "a workflow task was handed out with a wrong start of the one before";
        (title, detail(&format!("{previous} is it, told was {}:", task.previous_started_event_id)))
    })
}

/// Who polled, as it says.
fn asker(exchange: &Exchange) -> String {
    let request = exchange.request.as_ref();
    match exchange.method.as_str() {
        "PollWorkflowTaskQueue" => PollWorkflowTaskQueueRequest::decode(request).unwrap_or_default().identity,
        _ => PollActivityTaskQueueRequest::decode(request).unwrap_or_default().identity,
    }
}

/// Who was given a task, as the first such event tells that has its start.
fn starter(events: &[HistoryEvent], is_it: impl Fn(&HistoryEvent) -> bool) -> Option<&str> {
    events.iter().filter(|event| is_it(event)).find_map(|event| match event.attributes.as_ref()? {
        Attributes::WorkflowTaskStartedEventAttributes(it) => Some(it.identity.as_str()),
        Attributes::ActivityTaskStartedEventAttributes(it) => Some(it.identity.as_str()),
        _ => None,
    })
}

/// The started event of the workflow task that this event completes.
fn completed_start(event: &HistoryEvent) -> Option<i64> {
    match event.attributes.as_ref()? {
        Attributes::WorkflowTaskCompletedEventAttributes(it) => Some(it.started_event_id),
        _ => None,
    }
}

/// The workflows of these runs never cancel an activity.
fn of_heartbeat(exchange: &Exchange) -> Option<Wrong> {
    let beat: RecordActivityTaskHeartbeatResponse = answer(exchange)?;
    let is_stopped = beat.cancel_requested || beat.activity_paused || beat.activity_reset;
    is_stopped.then(|| ("an activity was told to stop, which nobody had asked for", format!("{beat:?}")))
}

fn of_activity_task(exchange: &Exchange, runs: &[Run]) -> Option<Wrong> {
    let task: PollActivityTaskQueueResponse = answer(exchange)?;
    let run = find(runs, &task.workflow_execution.as_ref()?.run_id)?;
    let scheduled = run.event(run.scheduled_event_id(&task.activity_id)?)?;
    let Some(Attributes::ActivityTaskScheduledEventAttributes(asked)) = &scheduled.attributes else { return None };
    let has = [
        ("type", task.activity_type == asked.activity_type),
        ("input", task.input == asked.input),
        ("header", task.header == asked.header),
        ("retry policy", task.retry_policy == asked.retry_policy),
        ("schedule-to-close timeout", task.schedule_to_close_timeout == asked.schedule_to_close_timeout),
        ("start-to-close timeout", task.start_to_close_timeout == asked.start_to_close_timeout),
        ("heartbeat timeout", task.heartbeat_timeout == asked.heartbeat_timeout),
        ("workflow type", task.workflow_type.as_ref() == run.started()?.workflow_type.as_ref()),
        ("scheduled time", task.scheduled_time == scheduled.event_time),
    ];
    let is_start = |event: &HistoryEvent| match &event.attributes {
        Some(Attributes::ActivityTaskStartedEventAttributes(it)) => {
            it.scheduled_event_id == scheduled.event_id && it.attempt == task.attempt
        }
        _ => false,
    };
    if starter(&run.events, is_start).is_some_and(|starter| starter != asker(exchange)) {
        let detail = format!("the activity {} of {}, attempt {}", task.activity_id, run.name(), task.attempt);
        return Some(("an activity task was handed to another worker than its history tells", detail));
    }
    let (what, _) = has.into_iter().find(|(_, is_so)| !is_so)?;
    let detail = format!("the {what} of the activity {} of {}, attempt {}", task.activity_id, run.name(), task.attempt);
    Some(("an activity task was handed out otherwise than its workflow asked for it", detail))
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::{common::Payloads, history::History as Page};
    use prost_types::Timestamp;

    use super::*;
    use crate::checks::sample::{Activity, History, Talk, WorkflowTask};

    const TASK: WorkflowTask =
        WorkflowTask { token: "t", workflow_id: "w", run_id: "r", started_event_id: 3, attempt: 1, at_s: 3 };
    const ACTIVITY: Activity = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 1, at_s: 6 };

    /// What is wrong with the first answer once it was changed.
    fn title<M: Message + Default>(talk: &Talk, run: &Run, change: impl FnOnce(&mut M)) -> Option<String> {
        let mut record = talk.record();
        let Some((.., Ok(answer))) = &mut record.exchanges[0].answered else { panic!("it is answered") };
        let mut message = M::decode(answer.clone()).expect("an answer");
        change(&mut message);
        *answer = message.encode_to_vec().into();
        check(&Reading::of(&record, std::slice::from_ref(run))).map(|broken| broken.title)
    }

    #[test]
    fn a_workflow_task_comes_with_its_whole_history() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        let run = History::of("w", "r").task_scheduled(1).task_started(2).run();
        let title = |events: &[HistoryEvent], change: fn(&mut PollWorkflowTaskQueueResponse)| {
            title(&talk, &run, |task: &mut PollWorkflowTaskQueueResponse| {
                task.history = Some(Page { events: events.to_vec() });
                change(task);
            })
        };
        assert_eq!(title(&run.events, |_| {}), None);
        let (beginning, end) = (
            Some("a workflow task was handed out without the beginning of its history"),
            Some("a workflow task was handed out without the end of its history"),
        );
        assert_eq!(title(&run.events[1..], |_| {}).as_deref(), beginning);
        assert_eq!(title(&run.events[..2], |_| {}).as_deref(), end);
        // More pages follow.
        assert_eq!(title(&run.events[..2], |task| task.next_page_token = b"next".to_vec()), None);
        let previous = Some("a workflow task was handed out with a wrong start of the one before");
        assert_eq!(title(&run.events, |task| task.previous_started_event_id = 1).as_deref(), previous);
    }

    #[test]
    fn an_activity_task_is_what_its_workflow_asked_for() {
        let mut talk = Talk::default();
        talk.poll_activity_task().activity_task(ACTIVITY);
        let run = History::of("w", "r").activity_scheduled("act").run();
        let title = |change: fn(&mut PollActivityTaskQueueResponse)| {
            title(&talk, &run, |task: &mut PollActivityTaskQueueResponse| {
                (task.start_to_close_timeout, task.heartbeat_timeout) = (None, None);
                task.scheduled_time = Some(Timestamp { seconds: 2, nanos: 0 });
                change(task);
            })
        };
        assert_eq!(title(|_| {}), None);
        let expected = Some("an activity task was handed out otherwise than its workflow asked for it");
        assert_eq!(title(|task| task.input = Some(Payloads::default())).as_deref(), expected);
        assert_eq!(title(|task| task.heartbeat_timeout = Some(prost_types::Duration::default())).as_deref(), expected);
    }

    #[test]
    fn an_activity_is_told_to_stop_by_nobody() {
        let title = |beat: RecordActivityTaskHeartbeatResponse| {
            let mut talk = Talk::default();
            talk.heartbeat("a").beaten(&beat);
            check(&Reading::of(&talk.record(), &[])).map(|broken| broken.title)
        };
        assert_eq!(title(RecordActivityTaskHeartbeatResponse::default()), None);
        let cancelled = RecordActivityTaskHeartbeatResponse { cancel_requested: true, ..Default::default() };
        let expected = Some("an activity was told to stop, which nobody had asked for");
        assert_eq!(title(cancelled).as_deref(), expected);
    }

    #[test]
    fn a_task_is_handed_to_the_worker_that_its_history_names() {
        let mut talk = Talk::default();
        talk.poll_workflow_task().workflow_task(TASK);
        let mut run = History::of("w", "r").task_scheduled(1).task_started(2).run();
        if let Some(Attributes::WorkflowTaskStartedEventAttributes(it)) = &mut run.events[2].attributes {
            it.identity = "worker-2".to_owned();
        }
        let title = title(&talk, &run, |task: &mut PollWorkflowTaskQueueResponse| {
            task.history = Some(Page { events: run.events.clone() });
        });
        assert_eq!(title.as_deref(), Some("a workflow task was handed to another worker than its history tells"));
    }
}
