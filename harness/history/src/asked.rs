//! Compares what workflow code asks for in a replay with what its history says it asked for.
//!
//! The SDKs' replayers only compare types and ids. So code that walks a `HashMap`, draws a random number or reads the clock may
//! ask for something else in each replay and still pass. Here the rest is compared: the input of activities, children, signals
//! and continue-as-new, the span of timers, the answers to updates, and the result. Code that reads an SDK's commands makes a [`Request`] of each.

use std::{collections::BTreeMap, time::Duration};

use foretime_server::proto::{
    common::{Payload, Payloads},
    enums::EventType,
    history::{HistoryEvent, history_event::Attributes},
    update::outcome,
};
use prost::Message;

use crate::payload;

/// What the code of one run asked for, according to its history.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `None` for what it asked for more than once under the same name.
    recorded: BTreeMap<Wish, Option<With>>,
}

/// One thing that workflow code asks for.
#[derive(Clone, Debug)]
pub struct Request {
    wish: Wish,
    /// The type of the activity or the child; empty for everything else.
    type_name: String,
    with: With,
}

/// What a request is for, identified in the same way in a history and a replay.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Activity { activity_id: String },
    Timer { timer_id: String },
    Child { workflow_id: String },
    Signal { workflow_id: String, signal_name: String },
    AnswerUpdate { update_id: String },
    Complete,
    ContinueAsNew,
}

/// What a request is made with.
#[derive(Clone, Debug, PartialEq)]
enum With {
    Payloads(Vec<Payload>),
    Span(Duration),
}

impl Asked {
    /// The requests in the history of one run, given as the bytes of a `History` message; none if they are not one.
    pub fn of(encoded: &[u8]) -> Self {
        let mut recorded = BTreeMap::new();
        let events = Encoded::decode(encoded).unwrap_or_default().events;
        for request in events.iter().filter_map(|event| in_history(event)) {
            recorded.entry(request.wish).and_modify(|known| *known = None).or_insert(Some(request.with));
        }
        Self { recorded }
    }

    /// How the request of a replay differs from the recorded one, as a sentence. `None` if it does not differ, or if that is
    /// unknown: the history has no such request, or several, or payloads in an encoding that cannot be compared.
    pub fn difference(&self, replayed: &Request) -> Option<String> {
        let recorded = self.recorded.get(&replayed.wish)?.as_ref()?;
        recorded.differs_from(&replayed.with).then(|| {
            let (what, recorded, asked) = (replayed.what(), recorded.shown(), replayed.with.shown());
            format!("{what} with {recorded} in the history, the replayed code asks for it with {asked}")
        })
    }

    /// Whether the request of a replay differs from the recorded one, and only in that it has `text` where that has
    /// `recorded_text`.
    pub fn differs_only_by(&self, replayed: &Request, recorded_text: &str, text: &str) -> bool {
        let Some(Some(With::Payloads(recorded))) = self.recorded.get(&replayed.wish) else { return false };
        let With::Payloads(asked) = &replayed.with else { return false };
        let is_same = |(recorded, asked): (&Payload, &Payload)| {
            let [recorded_data, data] = [recorded, asked].map(|payload| String::from_utf8_lossy(&payload.data));
            recorded.metadata == asked.metadata && recorded_data.replace(recorded_text, text) == data
        };
        recorded != asked && recorded.len() == asked.len() && recorded.iter().zip(asked).all(is_same)
    }
}

impl Request {
    /// To schedule an activity.
    pub fn activity(activity_id: String, activity_type: String, input: Vec<Payload>) -> Self {
        Self { wish: Wish::Activity { activity_id }, type_name: activity_type, with: With::Payloads(input) }
    }

    /// To start a timer that fires after `span`.
    pub fn timer(timer_id: String, span: Duration) -> Self {
        Self { wish: Wish::Timer { timer_id }, type_name: String::new(), with: With::Span(span) }
    }

    /// To start a child.
    pub fn child(workflow_id: String, workflow_type: String, input: Vec<Payload>) -> Self {
        Self { wish: Wish::Child { workflow_id }, type_name: workflow_type, with: With::Payloads(input) }
    }

    /// To signal another workflow.
    pub fn signal(workflow_id: String, signal_name: String, input: Vec<Payload>) -> Self {
        Self { wish: Wish::Signal { workflow_id, signal_name }, type_name: String::new(), with: With::Payloads(input) }
    }

    /// To answer an update that it has accepted.
    pub fn update_answer(update_id: String, answer: Vec<Payload>) -> Self {
        Self { wish: Wish::AnswerUpdate { update_id }, type_name: String::new(), with: With::Payloads(answer) }
    }

    /// To complete the workflow.
    pub fn complete(result: Vec<Payload>) -> Self {
        Self { wish: Wish::Complete, type_name: String::new(), with: With::Payloads(result) }
    }

    /// To continue as new.
    pub fn continue_as_new(input: Vec<Payload>) -> Self {
        Self { wish: Wish::ContinueAsNew, type_name: String::new(), with: With::Payloads(input) }
    }

    /// The beginning of a sentence about it.
    fn what(&self) -> String {
        let type_name = &self.type_name;
        match &self.wish {
            Wish::Activity { activity_id } => format!("activity {type_name} ({activity_id}) was scheduled"),
            Wish::Timer { timer_id } => format!("timer {timer_id} was started"),
            Wish::Child { workflow_id } => format!("the child {workflow_id} ({type_name}) was started"),
            Wish::Signal { workflow_id, signal_name } => format!("signal {signal_name} was sent to {workflow_id}"),
            Wish::AnswerUpdate { update_id } => format!("update {update_id} was answered"),
            Wish::Complete => "the workflow completed".to_owned(),
            Wish::ContinueAsNew => "the workflow continued as new".to_owned(),
        }
    }
}

/// A `History` whose events are still encoded.
#[derive(Message)]
struct Encoded {
    #[prost(bytes = "vec", repeated, tag = "1")]
    events: Vec<Vec<u8>>,
}

/// Only the type of a `HistoryEvent`.
#[derive(Message)]
struct Kind {
    #[prost(enumeration = "EventType", tag = "3")]
    event_type: i32,
}

/// The request that an event records. Decoded events are large and most record none, so only those that may are decoded.
fn in_history(event: &[u8]) -> Option<Request> {
    use EventType as E;
    match Kind::decode(event).ok()?.event_type() {
        E::ActivityTaskScheduled | E::TimerStarted | E::StartChildWorkflowExecutionInitiated => {}
        E::SignalExternalWorkflowExecutionInitiated | E::WorkflowExecutionUpdateCompleted => {}
        E::WorkflowExecutionCompleted | E::WorkflowExecutionContinuedAsNew => {}
        _ => return None,
    }
    let input = |payloads: Option<Payloads>| payloads.map(|it| it.payloads).unwrap_or_default();
    Some(match HistoryEvent::decode(event).ok()?.attributes? {
        Attributes::ActivityTaskScheduledEventAttributes(it) => {
            Request::activity(it.activity_id, it.activity_type.unwrap_or_default().name, input(it.input))
        }
        Attributes::TimerStartedEventAttributes(it) => Request::timer(it.timer_id, it.start_to_fire_timeout?.try_into().ok()?),
        Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(it) => {
            Request::child(it.workflow_id, it.workflow_type.unwrap_or_default().name, input(it.input))
        }
        Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(it) => {
            Request::signal(it.workflow_execution?.workflow_id, it.signal_name, input(it.input))
        }
        Attributes::WorkflowExecutionUpdateCompletedEventAttributes(it) => match it.outcome?.value? {
            outcome::Value::Success(answer) => Request::update_answer(it.meta?.update_id, answer.payloads),
            outcome::Value::Failure(_) => return None,
        },
        Attributes::WorkflowExecutionCompletedEventAttributes(it) => Request::complete(input(it.result)),
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it) => Request::continue_as_new(input(it.input)),
        _ => return None,
    })
}

impl With {
    /// Whether the two certainly differ.
    fn differs_from(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Payloads(one), Self::Payloads(other)) => {
                one.len() != other.len() || one.iter().zip(other).any(|(one, other)| payloads_differ(one, other))
            }
            (one, other) => one != other,
        }
    }

    /// For people, cut short.
    fn shown(&self) -> String {
        const SHOWN_CHARS_MAX: usize = 200;
        let payloads = match self {
            Self::Span(span) => return format!("{span:?}"),
            Self::Payloads(payloads) => payloads,
        };
        let shown: Vec<_> = payloads.iter().map(|payload| String::from_utf8_lossy(&payload.data)).collect();
        shown.join(", ").chars().take(SHOWN_CHARS_MAX).collect()
    }
}

fn payloads_differ(one: &Payload, other: &Payload) -> bool {
    let (Some(encoding), Some(other_encoding)) = (encoding(one), encoding(other)) else { return false };
    encoding != other_encoding || payload::data_differs(encoding, &one.data, &other.data)
}

fn encoding(payload: &Payload) -> Option<&[u8]> {
    payload.metadata.get("encoding").map(Vec::as_slice).filter(|encoding| payload::is_comparable(encoding))
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::{
        common::{ActivityType, WorkflowExecution, WorkflowType},
        history::{
            ActivityTaskScheduledEventAttributes, History, SignalExternalWorkflowExecutionInitiatedEventAttributes,
            StartChildWorkflowExecutionInitiatedEventAttributes, TimerStartedEventAttributes,
            WorkflowExecutionCompletedEventAttributes, WorkflowExecutionContinuedAsNewEventAttributes,
            WorkflowExecutionUpdateCompletedEventAttributes,
        },
        update::{Meta, Outcome},
    };
    use prost_types::Duration as ProtoDuration;

    use super::*;

    fn payload(encoding: &str, data: &str) -> Payload {
        let metadata = [("encoding".to_owned(), encoding.as_bytes().to_vec())].into();
        Payload { metadata, data: data.as_bytes().to_vec(), ..Payload::default() }
    }

    fn json(data: &str) -> Payload {
        payload("json/plain", data)
    }

    fn payloads(payload: Payload) -> Option<Payloads> {
        Some(Payloads { payloads: vec![payload] })
    }

    fn event(event_type: EventType, attributes: Attributes) -> HistoryEvent {
        HistoryEvent { event_type: event_type.into(), attributes: Some(attributes), ..HistoryEvent::default() }
    }

    fn asked<const COUNT: usize>(events: [HistoryEvent; COUNT]) -> Asked {
        Asked::of(&History { events: events.into() }.encode_to_vec())
    }

    fn scheduled(activity_id: &str, input: Payload) -> HistoryEvent {
        let attributes = ActivityTaskScheduledEventAttributes {
            activity_id: activity_id.to_owned(),
            activity_type: Some(ActivityType { name: "charge".to_owned() }),
            input: payloads(input),
            ..ActivityTaskScheduledEventAttributes::default()
        };
        event(EventType::ActivityTaskScheduled, Attributes::ActivityTaskScheduledEventAttributes(attributes))
    }

    fn charge(activity_id: &str, input: Payload) -> Request {
        Request::activity(activity_id.to_owned(), "charge".to_owned(), vec![input])
    }

    /// One of each kind of request, all with 3, or for three seconds.
    fn one_of_each_kind() -> [HistoryEvent; 7] {
        use {Attributes as A, EventType as E};
        let started = TimerStartedEventAttributes {
            timer_id: "2".to_owned(),
            start_to_fire_timeout: Some(ProtoDuration { seconds: 3, nanos: 0 }),
            ..TimerStartedEventAttributes::default()
        };
        let child = StartChildWorkflowExecutionInitiatedEventAttributes {
            workflow_id: "child".to_owned(),
            workflow_type: Some(WorkflowType { name: "Child".to_owned() }),
            input: payloads(json("3")),
            ..StartChildWorkflowExecutionInitiatedEventAttributes::default()
        };
        let signal = SignalExternalWorkflowExecutionInitiatedEventAttributes {
            workflow_execution: Some(WorkflowExecution { workflow_id: "other".to_owned(), run_id: String::new() }),
            signal_name: "hello".to_owned(),
            input: payloads(json("3")),
            ..SignalExternalWorkflowExecutionInitiatedEventAttributes::default()
        };
        let answered = WorkflowExecutionUpdateCompletedEventAttributes {
            meta: Some(Meta { update_id: "pay".to_owned(), identity: String::new() }),
            outcome: Some(Outcome { value: payloads(json("3")).map(outcome::Value::Success) }),
            ..WorkflowExecutionUpdateCompletedEventAttributes::default()
        };
        let completed = WorkflowExecutionCompletedEventAttributes {
            result: payloads(json("3")),
            ..WorkflowExecutionCompletedEventAttributes::default()
        };
        let continued = WorkflowExecutionContinuedAsNewEventAttributes {
            input: payloads(json("3")),
            ..WorkflowExecutionContinuedAsNewEventAttributes::default()
        };
        [
            scheduled("1", json("3")),
            event(E::TimerStarted, A::TimerStartedEventAttributes(started)),
            event(E::StartChildWorkflowExecutionInitiated, A::StartChildWorkflowExecutionInitiatedEventAttributes(child)),
            event(
                E::SignalExternalWorkflowExecutionInitiated,
                A::SignalExternalWorkflowExecutionInitiatedEventAttributes(signal),
            ),
            event(E::WorkflowExecutionUpdateCompleted, A::WorkflowExecutionUpdateCompletedEventAttributes(answered)),
            event(E::WorkflowExecutionCompleted, A::WorkflowExecutionCompletedEventAttributes(completed)),
            event(E::WorkflowExecutionContinuedAsNew, A::WorkflowExecutionContinuedAsNewEventAttributes(continued)),
        ]
    }

    #[test]
    fn what_differs_is_told_of_every_kind_of_request() {
        let requests = |input: &str, seconds| {
            let input = || vec![json(input)];
            [
                Request::activity("1".to_owned(), "charge".to_owned(), input()),
                Request::timer("2".to_owned(), Duration::from_secs(seconds)),
                Request::child("child".to_owned(), "Child".to_owned(), input()),
                Request::signal("other".to_owned(), "hello".to_owned(), input()),
                Request::update_answer("pay".to_owned(), input()),
                Request::complete(input()),
                Request::continue_as_new(input()),
            ]
        };
        let asked = asked(one_of_each_kind());
        assert_eq!(requests("3", 3).map(|request| asked.difference(&request)), [const { None }; 7]);
        let told = requests("4", 4).map(|request| asked.difference(&request).unwrap());
        let with = "with 3 in the history, the replayed code asks for it with 4";
        assert_eq!(
            told,
            [
                format!("activity charge (1) was scheduled {with}"),
                "timer 2 was started with 3s in the history, the replayed code asks for it with 4s".to_owned(),
                format!("the child child (Child) was started {with}"),
                format!("signal hello was sent to other {with}"),
                format!("update pay was answered {with}"),
                format!("the workflow completed {with}"),
                format!("the workflow continued as new {with}"),
            ]
        );
    }

    #[test]
    fn the_fields_of_an_object_have_no_order() {
        let asked = asked([scheduled("1", json(r#"{"a":1,"b":2}"#))]);
        assert_eq!(asked.difference(&charge("1", json(r#"{"b":2,"a":1}"#))), None);
    }

    #[test]
    fn what_nobody_can_compare_is_no_difference() {
        let encrypted = asked([scheduled("1", payload("binary/encrypted", "x"))]);
        assert_eq!(encrypted.difference(&charge("1", payload("binary/encrypted", "y"))), None);
        assert_eq!(encrypted.difference(&charge("2", json("3"))), None, "not in the history");
        let twice = asked([scheduled("1", json("3")), scheduled("1", json("4"))]);
        assert_eq!(twice.difference(&charge("1", json("5"))), None);
    }
}
