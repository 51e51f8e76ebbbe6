//! The workflow under load: a sequence of months, each an activity and then a timer, and a worker's answers to its tasks.
//!
//! The worker keeps no state between tasks. Activity and timer ids are the number of their month. A sticky task brings the
//! events since the previous task, which name the month again: the command's event comes before its outcome's.

use std::time::Duration;

use anyhow::{Context, Result};
use foretime_server::proto::{
    command::{
        Command, CompleteWorkflowExecutionCommandAttributes, ScheduleActivityTaskCommandAttributes,
        StartTimerCommandAttributes, command::Attributes as Order,
    },
    common::{ActivityType, Payload, Payloads},
    enums::{CommandType, TaskQueueKind},
    history::{HistoryEvent, history_event::Attributes as Fact},
    taskqueue::TaskQueue,
};

/// The queue that everything runs on.
pub const TASK_QUEUE: &str = "load";
/// The timeout of an activity in the server. No activity here takes more than a round trip.
const ACTIVITY_TIMEOUT_SECONDS: i64 = 60;

/// The length of each month. The number of months is the length of the list.
#[derive(Clone, Debug)]
pub struct Plan {
    months: Vec<Duration>,
}

/// The effect of the answer to a workflow task on its workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It goes on.
    On,
    /// It starts its last timer.
    LastTimer,
    /// It completes.
    Complete,
}

/// The state of a workflow, read from its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Begin(usize),
    Charged(usize),
}

impl Plan {
    /// This many months of 30 days.
    pub fn months(count: usize) -> Self {
        Self { months: vec![Duration::from_secs(30 * 86_400); count] }
    }

    /// Months that last only a millisecond, then one of 30 days: a workflow that has many events and is open.
    pub fn aged(short_months: usize) -> Self {
        let mut plan = Self { months: vec![Duration::from_millis(1); short_months] };
        plan.months.push(Duration::from_secs(30 * 86_400));
        plan
    }

    /// The workflow tasks of one workflow: one at the start, and one more after each activity and each timer.
    pub fn workflow_tasks(&self) -> usize {
        1 + 2 * self.months.len()
    }

    /// The events of a workflow that sleeps in its last timer: the workflow's start, and for each month 3 of the workflow task,
    /// 3 of the activity, 3 of the task after it, the timer's start, and (except in the last month) its firing.
    pub fn open_events(&self) -> usize {
        11 * self.months.len()
    }

    /// The answer to a workflow task with these events, from the workflow's first or from those since its previous task.
    ///
    /// # Errors
    /// The events do not say which month it is.
    pub fn answer(&self, events: &[HistoryEvent]) -> Result<(Vec<Command>, Step)> {
        Ok(match state(events)? {
            State::Idle => (Vec::new(), Step::On),
            State::Begin(month) if month == self.months.len() => (vec![complete()], Step::Complete),
            State::Begin(month) => (vec![schedule_activity(month)], Step::On),
            State::Charged(month) => {
                let length = *self.months.get(month).context("an activity beyond the last month")?;
                let step = if month + 1 == self.months.len() { Step::LastTimer } else { Step::On };
                (vec![start_timer(month, length)?], step)
            }
        })
    }
}

fn state(events: &[HistoryEvent]) -> Result<State> {
    let mut state = State::Idle;
    let mut month = None;
    for event in events {
        match &event.attributes {
            Some(Fact::WorkflowExecutionStartedEventAttributes(_)) => state = State::Begin(0),
            Some(Fact::ActivityTaskScheduledEventAttributes(scheduled)) => {
                month = Some(scheduled.activity_id.parse()?);
                state = State::Idle;
            }
            Some(Fact::ActivityTaskCompletedEventAttributes(_)) => {
                state = State::Charged(month.context("an activity completed that no event scheduled")?);
            }
            Some(Fact::TimerStartedEventAttributes(_)) => state = State::Idle,
            Some(Fact::TimerFiredEventAttributes(fired)) => state = State::Begin(fired.timer_id.parse::<usize>()? + 1),
            _ => {}
        }
    }
    Ok(state)
}

/// A small payload, like a charge of 29.99.
pub fn charge() -> Payloads {
    let payload = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: br#"{"customer":"c-1","amount":"29.99"}"#.to_vec(),
        ..Payload::default()
    };
    Payloads { payloads: vec![payload] }
}

/// The queue's name and kind, as used in polls and starts.
pub fn task_queue() -> TaskQueue {
    TaskQueue { name: TASK_QUEUE.to_owned(), kind: TaskQueueKind::Normal.into(), ..TaskQueue::default() }
}

fn schedule_activity(month: usize) -> Command {
    let attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: month.to_string(),
        activity_type: Some(ActivityType { name: "charge".to_owned() }),
        task_queue: Some(task_queue()),
        input: Some(charge()),
        start_to_close_timeout: Some(prost_types::Duration { seconds: ACTIVITY_TIMEOUT_SECONDS, nanos: 0 }),
        ..ScheduleActivityTaskCommandAttributes::default()
    };
    command(CommandType::ScheduleActivityTask, Order::ScheduleActivityTaskCommandAttributes(attributes))
}

fn start_timer(month: usize, length: Duration) -> Result<Command> {
    let attributes =
        StartTimerCommandAttributes { timer_id: month.to_string(), start_to_fire_timeout: Some(length.try_into()?) };
    Ok(command(CommandType::StartTimer, Order::StartTimerCommandAttributes(attributes)))
}

fn complete() -> Command {
    let attributes = CompleteWorkflowExecutionCommandAttributes::default();
    command(CommandType::CompleteWorkflowExecution, Order::CompleteWorkflowExecutionCommandAttributes(attributes))
}

fn command(kind: CommandType, attributes: Order) -> Command {
    Command { command_type: kind.into(), attributes: Some(attributes), ..Command::default() }
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::history::{
        ActivityTaskCompletedEventAttributes, ActivityTaskScheduledEventAttributes, TimerFiredEventAttributes,
        TimerStartedEventAttributes, WorkflowExecutionStartedEventAttributes,
    };

    use super::*;

    fn event(attributes: Fact) -> HistoryEvent {
        HistoryEvent { attributes: Some(attributes), ..HistoryEvent::default() }
    }

    fn started() -> HistoryEvent {
        event(Fact::WorkflowExecutionStartedEventAttributes(WorkflowExecutionStartedEventAttributes::default()))
    }

    fn charged(month: usize) -> [HistoryEvent; 2] {
        let scheduled = ActivityTaskScheduledEventAttributes {
            activity_id: month.to_string(),
            ..ActivityTaskScheduledEventAttributes::default()
        };
        let completed = ActivityTaskCompletedEventAttributes::default();
        [
            event(Fact::ActivityTaskScheduledEventAttributes(scheduled)),
            event(Fact::ActivityTaskCompletedEventAttributes(completed)),
        ]
    }

    fn slept(month: usize) -> [HistoryEvent; 2] {
        let timer_id = month.to_string();
        let begun = TimerStartedEventAttributes { timer_id: timer_id.clone(), ..TimerStartedEventAttributes::default() };
        let fired = TimerFiredEventAttributes { timer_id, ..TimerFiredEventAttributes::default() };
        [event(Fact::TimerStartedEventAttributes(begun)), event(Fact::TimerFiredEventAttributes(fired))]
    }

    fn answered(plan: &Plan, events: &[HistoryEvent]) -> (Option<String>, Step) {
        let (commands, step) = plan.answer(events).unwrap();
        let id = commands.first().map(|command| match command.attributes.as_ref().unwrap() {
            Order::ScheduleActivityTaskCommandAttributes(activity) => format!("activity {}", activity.activity_id),
            Order::StartTimerCommandAttributes(timer) => format!("timer {}", timer.timer_id),
            other => format!("{other:?}").split('(').next().unwrap().to_owned(),
        });
        (id, step)
    }

    #[test]
    fn a_sticky_task_and_the_whole_history_get_the_same_answer() {
        let plan = Plan::months(2);
        let deltas = [vec![started()], charged(0).into(), slept(0).into(), charged(1).into(), slept(1).into()];
        let expected = [
            ("activity 0", Step::On),
            ("timer 0", Step::On),
            ("activity 1", Step::On),
            ("timer 1", Step::LastTimer),
            ("CompleteWorkflowExecutionCommandAttributes", Step::Complete),
        ];
        let mut whole = Vec::new();
        for (delta, (id, step)) in deltas.iter().zip(expected) {
            whole.extend(delta.iter().cloned());
            let expected = (Some(id.to_owned()), step);
            assert_eq!(answered(&plan, delta), expected);
            assert_eq!(answered(&plan, &whole), expected);
        }
        assert_eq!(deltas.len(), plan.workflow_tasks());
    }

    #[test]
    fn a_task_without_news_gets_no_command() {
        let plan = Plan::months(2);
        let whole: Vec<_> = [started()].into_iter().chain(charged(0)).chain(slept(0).into_iter().take(1)).collect();
        assert_eq!(answered(&plan, &whole), (None, Step::On));
    }

    #[test]
    fn an_outcome_without_its_cause_is_an_error() {
        let [_, completed] = charged(0);
        assert!(Plan::months(1).answer(&[completed]).is_err());
    }
}
