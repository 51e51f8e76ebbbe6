//! No task waits while somebody waits for it: a poll that has waited is given a task in the instant in which that is scheduled, or a
//! few milliseconds later. And no poll is sent away before its time.

use bytes::Bytes;
use foretime_server::proto::workflowservice::{
    GetWorkflowExecutionHistoryResponse, PollActivityTaskQueueResponse, PollWorkflowTaskQueueResponse,
};
use prost::Message;
use prost_types::Timestamp;

use super::{attempts::answer, broken::Broken, reading::Reading, run::instant_ns};
use crate::record::{Record, exchange::Exchange};

/// What passes by itself between two events of one instant: the server sleeps by whole milliseconds, and each step of the simulation
/// takes some nanoseconds.
const STEPS_NS: i64 = 5_000_000;

/// How long a poll without a task waits at least; nanoseconds. The service sends it away after a minute of its machine's clock.
const NO_TASK_AFTER_NS: u64 = 59_000_000_000;

/// How long a wait for an event lasts at least that does not come; nanoseconds. The service sends it away after 20 s.
const NO_EVENT_AFTER_NS: u64 = 19_000_000_000;

/// How long before its caller's deadline a long poll is sent away at the earliest; nanoseconds.
const MARGIN_NS: u64 = 1_000_000_000;

/// Checks how long tasks waited for those who had polled before, and how long polls waited for nothing.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, .. } = read;
    tasks(record).or_else(|| polls(record))
}

/// No long poll is answered with nothing before its time.
fn polls(record: &Record) -> Option<Broken> {
    record.exchanges.iter().find_map(|exchange| {
        let Some((at_ns, _, Ok(answer))) = &exchange.answered else { return None };
        let waited_ns = at_ns.saturating_sub(exchange.arrived_ns);
        let detail = || format!("a {} was answered with nothing after {waited_ns} ns", exchange.method);
        let is_early = waited_ns < nothing_after_ns(&exchange.method, answer)?.min(given_up_after_ns(exchange));
        is_early.then(|| Broken::at(exchange, "a poll was sent away before its time", detail()))
    })
}

/// When a long poll may be answered because its caller will not wait any longer.
fn given_up_after_ns(exchange: &Exchange) -> u64 {
    match exchange.timeout_ms {
        0 => u64::MAX,
        timeout_ms => timeout_ms.saturating_mul(1_000_000).saturating_sub(MARGIN_NS),
    }
}

/// When a long poll may be answered like this at the earliest. `None`: at once, for it has something in it.
fn nothing_after_ns(method: &str, answer: &Bytes) -> Option<u64> {
    match method {
        "PollWorkflowTaskQueue" | "PollActivityTaskQueue" => answer.is_empty().then_some(NO_TASK_AFTER_NS),
        "GetWorkflowExecutionHistory" => {
            let page = GetWorkflowExecutionHistoryResponse::decode(answer.as_ref()).ok()?;
            let has_events = page.history.is_some_and(|history| !history.events.is_empty());
            (!has_events && !page.next_page_token.is_empty()).then_some(NO_EVENT_AFTER_NS)
        }
        _ => None,
    }
}

fn tasks(record: &Record) -> Option<Broken> {
    let waited = |exchange: &&Exchange| matches!(exchange.answered, Some((at_ns, ..)) if at_ns > exchange.arrived_ns);
    record.exchanges.iter().filter(waited).find_map(|exchange| {
        let (scheduled, started) = times(exchange)?;
        let late_ns = instant_ns(&started).saturating_sub(instant_ns(&scheduled));
        let detail = || format!("a {} was given a task {late_ns} ns after that was scheduled", exchange.method);
        let title = "a task waited though a worker waited for it";
        (late_ns > STEPS_NS).then(|| Broken::at(exchange, title, detail()))
    })
}

/// When the task in the answer to a poll was scheduled, and when it was started. `None`: there is none, or it is a query.
fn times(exchange: &Exchange) -> Option<(Timestamp, Timestamp)> {
    match exchange.method.as_str() {
        "PollWorkflowTaskQueue" => {
            let task: PollWorkflowTaskQueueResponse = answer(exchange)?;
            if task.query.is_some() {
                return None;
            }
            Some((task.scheduled_time?, task.started_time?))
        }
        "PollActivityTaskQueue" => {
            let task: PollActivityTaskQueueResponse = answer(exchange)?;
            Some((task.current_attempt_scheduled_time?, task.started_time?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::sample::{Activity, Talk};

    /// A poll that was given a task.
    fn polled() -> Record {
        let mut talk = Talk::default();
        let task = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 1, at_s: 7 };
        talk.poll_activity_task().activity_task(task);
        talk.record()
    }

    /// A poll that has waited for some nanoseconds is given a task that was scheduled in this second, and started in the seventh.
    fn title(waited_ns: u64, scheduled_s: i64) -> Option<String> {
        let mut record = polled();
        let arrived_ns = record.exchanges[0].arrived_ns;
        let Some((at_ns, _, Ok(answer))) = &mut record.exchanges[0].answered else { panic!("it is answered") };
        *at_ns = arrived_ns + waited_ns;
        let mut task = PollActivityTaskQueueResponse::decode(answer.clone()).expect("a task");
        task.current_attempt_scheduled_time = Some(Timestamp { seconds: scheduled_s, nanos: 0 });
        *answer = task.encode_to_vec().into();
        check(&Reading::of(&record, &[])).map(|broken| broken.title)
    }

    #[test]
    fn a_poll_that_waits_is_given_a_task_at_once() {
        assert_eq!(title(1, 7), None);
        assert_eq!(title(1, 6).as_deref(), Some("a task waited though a worker waited for it"));
        // The task may have waited for this poll.
        assert_eq!(title(0, 6), None);
    }

    /// A poll that is answered with nothing after some seconds.
    fn title_of_empty(waited_s: u64) -> Option<String> {
        let mut record = polled();
        let arrived_ns = record.exchanges[0].arrived_ns;
        let Some((at_ns, _, Ok(answer))) = &mut record.exchanges[0].answered else { panic!("it is answered") };
        (*at_ns, *answer) = (arrived_ns + waited_s * 1_000_000_000, bytes::Bytes::new());
        check(&Reading::of(&record, &[])).map(|broken| broken.title)
    }

    #[test]
    fn a_poll_without_a_task_waits_for_a_minute() {
        assert_eq!(title_of_empty(60), None);
        assert_eq!(title_of_empty(58).as_deref(), Some("a poll was sent away before its time"));
    }

    #[test]
    fn who_waits_for_an_event_waits_for_20_s() {
        let title_after = |waited_s: u64, timeout_s: u64| {
            let mut talk = Talk::default();
            talk.read_history("w", "r", true).page(&[], true);
            let mut record = talk.record();
            let arrived_ns = record.exchanges[0].arrived_ns;
            let Some((at_ns, ..)) = &mut record.exchanges[0].answered else { panic!("it is answered") };
            *at_ns = arrived_ns + waited_s * 1_000_000_000;
            record.exchanges[0].timeout_ms = timeout_s * 1_000;
            check(&Reading::of(&record, &[])).map(|broken| broken.title)
        };
        let expected = Some("a poll was sent away before its time");
        assert_eq!(title_after(20, 70), None);
        assert_eq!(title_after(18, 70).as_deref(), expected);
        // Its caller will not wait any longer.
        assert_eq!(title_after(9, 10), None);
        assert_eq!(title_after(8, 10).as_deref(), expected);
    }
}
