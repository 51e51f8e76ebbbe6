//! No task waits while somebody waits for it: a poll that has waited is given a task in the instant in which that is scheduled, or a
//! few milliseconds later.

use foretime_server::proto::workflowservice::{PollActivityTaskQueueResponse, PollWorkflowTaskQueueResponse};
use prost_types::Timestamp;

use super::{
    attempts::answer,
    broken::Broken,
    run::{Run, instant_ns},
};
use crate::record::{Record, exchange::Exchange};

/// What passes by itself between two events of one instant: the server sleeps by whole milliseconds, and each step of the simulation
/// takes some nanoseconds.
const STEPS_NS: i64 = 5_000_000;

/// Checks how long tasks waited for those who had polled before.
pub fn check(record: &Record, _runs: &[Run]) -> Option<Broken> {
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
    use prost::Message;

    use super::*;
    use crate::checks::sample::{Activity, Talk};

    /// A poll that has waited for some nanoseconds is given a task that was scheduled in this second, and started in the seventh.
    fn title(waited_ns: u64, scheduled_s: i64) -> Option<String> {
        let mut talk = Talk::default();
        let task = Activity { token: "a", workflow_id: "w", run_id: "r", activity_id: "act", attempt: 1, at_s: 7 };
        talk.poll_activity_task().activity_task(task);
        let mut record = talk.record();
        let arrived_ns = record.exchanges[0].arrived_ns;
        let Some((at_ns, _, Ok(answer))) = &mut record.exchanges[0].answered else { panic!("it is answered") };
        *at_ns = arrived_ns + waited_ns;
        let mut task = PollActivityTaskQueueResponse::decode(answer.clone()).expect("a task");
        task.current_attempt_scheduled_time = Some(Timestamp { seconds: scheduled_s, nanos: 0 });
        *answer = task.encode_to_vec().into();
        check(&record, &[]).map(|broken| broken.title)
    }

    #[test]
    fn a_poll_that_waits_is_given_a_task_at_once() {
        assert_eq!(title(1, 7), None);
        assert_eq!(title(1, 6).as_deref(), Some("a task waited though a worker waited for it"));
        // The task may have waited for this poll.
        assert_eq!(title(0, 6), None);
    }
}
