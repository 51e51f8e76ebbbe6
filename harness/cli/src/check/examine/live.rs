//! A workflow task as Go's SDK must see it to answer with exactly that task's commands.
//!
//! In replay, Go's SDK keeps the commands for its own comparison. So all before the task is a replay, and the task itself runs live. It
//! still finds what it was answered within the task: the SDK reads markers ahead of the task that wrote them. [`Markers`] has those of a
//! history. [`Markers::history`] puts them where they are recorded, since Go's SDK counts events to number activities and timers, and
//! puts events without effect where the task's other commands left theirs.
//!
//! Live code could start a local activity that is not recorded. It would run as soon as the task's events are through. Before that comes a
//! marker that says that the local activity has failed, so that it never runs. The answer shows that one was started.

use foretime_history::{compare::Step, events};
use foretime_server::proto::{
    command::{Command, command::Attributes as Asked},
    common::{Payload, Payloads},
    enums::{CommandType, EventType},
    failure::Failure,
    history::{
        ActivityTaskStartedEventAttributes, History, HistoryEvent, MarkerRecordedEventAttributes,
        WorkflowExecutionUpdateAcceptedEventAttributes, history_event::Attributes,
    },
    protocol, update,
};
use prost::{Message, Name};
use prost_types::Any;
use serde_json::json;

use super::Subject;

/// How a local activity fails that is not recorded.
pub(super) const NOT_RUN: &str = "foretime check runs no local activities";
/// More local activities that wait at the same time are not looked for.
const UNRECORDED_MAX: u64 = 8;
pub(super) const SIDE_EFFECT: &str = "SideEffect";
const VERSION: &str = "Version";
pub(super) const LOCAL_ACTIVITY: &str = "LocalActivity";

/// The markers of a history that Go's SDK has recorded.
pub(super) struct Markers<'a> {
    subject: &'a Subject,
    all: Vec<Marker>,
}

struct Marker {
    event_id: i64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Version,
    /// With its number: they are counted from 1. `None` if it is encrypted.
    LocalActivity(Option<u64>),
    SideEffect,
    MutableSideEffect,
    Other,
}

impl<'a> Markers<'a> {
    /// Those of this history.
    pub(super) fn of(subject: &'a Subject) -> Self {
        let markers = events::of(&subject.encoded).filter(events::Event::is_marker);
        let all = markers.filter_map(|event| match HistoryEvent::decode(event.encoded).ok()?.attributes? {
            Attributes::MarkerRecordedEventAttributes(marker) => Some(Marker { event_id: event.id, kind: Kind::of(&marker) }),
            _ => None,
        });
        Self { subject, all: all.collect() }
    }

    /// Whether a side effect would draw a new value if the task ran live. A mutable one may do so in every task after its first.
    pub(super) fn would_draw_anew(&self, task: usize) -> bool {
        let (first, last) = self.commands(task);
        self.all.iter().any(|marker| match marker.kind {
            Kind::SideEffect => (first..=last).contains(&marker.event_id),
            Kind::MutableSideEffect => marker.event_id <= last,
            _ => false,
        })
    }

    /// The events behind the first one, for a worker that has that: up to the task's start, and what makes it answer with the task's
    /// commands. The code finds that these changes have no version, which is what it finds in replay.
    pub(super) fn history(&self, task: usize, unversioned: &[String]) -> Vec<u8> {
        let (first, last) = self.commands(task);
        let mut history = self.subject.slice(2, first - 1);
        for event_id in first..=last {
            match self.kind(event_id) {
                Some(Kind::Version | Kind::LocalActivity(_)) => history.extend(self.subject.slice(event_id, event_id)),
                _ => append(&mut history, without_effect(event_id)),
            }
        }
        let markers = unversioned.iter().map(|id| version(id)).chain(self.unrecorded(last).map(|number| not_run(number, "")));
        let mut next = last + 1;
        for marker in markers {
            append(&mut history, recorded(next, marker));
            next += 1;
        }
        // The SDK takes what ends with a command's event for a replay.
        append(&mut history, without_effect(next));
        history
    }

    /// The history up to an event for a replay that shall run no local activity. Go's SDK would run one that still waits at its end. Here it
    /// refuses: it tells of the local activity, or, if none waits, that nothing asks for a marker that has [`NOT_RUN`] as its failure.
    pub(super) fn guarded(&self, until_event_id: i64) -> Vec<u8> {
        let mut history = self.subject.slice(1, until_event_id);
        for (event_id, number) in (until_event_id + 1..).zip(self.unrecorded(until_event_id)) {
            append(&mut history, recorded(event_id, not_run(number, "nothing")));
        }
        history
    }

    /// Of the events that the task's commands have written, the ids of those that replay asks for with commands, but for updates; and the
    /// ids of the markers of its local activities and side effects.
    pub(super) fn replayed(&self, task: usize) -> (Vec<i64>, Vec<i64>) {
        let (first, last) = self.commands(task);
        let is_local = |id: &i64| matches!(self.kind(*id), Some(Kind::LocalActivity(_) | Kind::SideEffect));
        let commands = (first..=last).filter(|id| self.kind(*id).is_none() && !self.goes_along_with_version(*id));
        (commands.collect(), (first..=last).filter(is_local).collect())
    }

    /// Whether an event is of the search attribute that a version writes besides its marker.
    fn goes_along_with_version(&self, event_id: i64) -> bool {
        let is_upsert = |step: Step| step.kind() == CommandType::UpsertWorkflowSearchAttributes;
        self.kind(event_id - 1) == Some(Kind::Version) && self.subject.step(event_id).is_some_and(is_upsert)
    }

    /// The updates that the task has accepted, as messages.
    pub(super) fn messages(&self, task: usize) -> Vec<Vec<u8>> {
        let (first, last) = self.commands(task);
        let events = self.subject.encoded_events(first, last).filter_map(|event| HistoryEvent::decode(event).ok());
        let messages = events.filter_map(|event| match event.attributes? {
            Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted) => message(accepted),
            _ => None,
        });
        messages.map(|message| message.encode_to_vec()).collect()
    }

    /// The events that the task's commands have written, without the versions: code that finds them records none.
    pub(super) fn recorded(&self, task: usize) -> impl Iterator<Item = &[u8]> {
        let (first, last) = self.commands(task);
        let ids = (first..=last).filter(|id| self.kind(*id) != Some(Kind::Version));
        ids.flat_map(|id| self.subject.encoded_events(id, id))
    }

    /// The task's commands that can be compared: not the markers of its local activities, and nothing behind one that is not recorded.
    pub(super) fn comparable(&self, task: usize, commands: Vec<Command>) -> Vec<Command> {
        let (first, last) = self.commands(task);
        let mut known = self.local_activities(first, last).count();
        let mut comparable = Vec::new();
        for command in commands {
            match &command.attributes {
                Some(Asked::RecordMarkerCommandAttributes(marker)) if marker.marker_name == LOCAL_ACTIVITY => {
                    let Some(left) = known.checked_sub(1) else { break };
                    known = left;
                }
                _ => comparable.push(command),
            }
        }
        comparable
    }

    /// The numbers that a local activity may have that the history up to an event does not know the end of. As each has the next number,
    /// one of these waits if any does.
    fn unrecorded(&self, until_event_id: i64) -> impl Iterator<Item = u64> {
        let recorded: Vec<Option<u64>> = self.local_activities(1, until_event_id).collect();
        (1..=recorded.len() as u64 + UNRECORDED_MAX).filter(move |number| !recorded.contains(&Some(*number)))
    }

    fn local_activities(&self, from_event_id: i64, until_event_id: i64) -> impl Iterator<Item = Option<u64>> {
        let markers = self.all.iter().filter(move |marker| (from_event_id..=until_event_id).contains(&marker.event_id));
        markers.filter_map(|marker| match marker.kind {
            Kind::LocalActivity(number) => Some(number),
            _ => None,
        })
    }

    fn kind(&self, event_id: i64) -> Option<Kind> {
        let at = self.all.binary_search_by_key(&event_id, |marker| marker.event_id).ok()?;
        Some(self.all[at].kind)
    }

    /// The first and the last event of a task's commands; the last is the smaller one if there are none.
    fn commands(&self, task: usize) -> (i64, i64) {
        (self.subject.tasks[task].completed_event_id + 1, self.subject.after_commands(task))
    }
}

impl Kind {
    fn of(marker: &MarkerRecordedEventAttributes) -> Self {
        match marker.marker_name.as_str() {
            VERSION => Self::Version,
            LOCAL_ACTIVITY => Self::LocalActivity(number(marker)),
            SIDE_EFFECT => Self::SideEffect,
            "MutableSideEffect" => Self::MutableSideEffect,
            _ => Self::Other,
        }
    }
}

/// The number of the local activity that a marker is of.
fn number(marker: &MarkerRecordedEventAttributes) -> Option<u64> {
    let data = &marker.details.get("data")?.payloads.first()?.data;
    let data: serde_json::Value = serde_json::from_slice(data).ok()?;
    data.get("ActivityID")?.as_str()?.parse().ok()
}

/// The change of this id has no version, which Go's SDK calls -1.
fn version(change_id: &str) -> MarkerRecordedEventAttributes {
    let details = [("change-id", json(&json!(change_id))), ("version", json(&json!(-1)))];
    MarkerRecordedEventAttributes {
        marker_name: VERSION.to_owned(),
        details: details.map(|(key, payloads)| (key.to_owned(), payloads)).into(),
        ..Default::default()
    }
}

/// The local activity of this number has failed; nothing if no such one waits. The SDK refuses if one waits that is not of this type; an
/// empty one stands for all types.
fn not_run(number: u64, activity_type: &str) -> MarkerRecordedEventAttributes {
    let data = json!({ "ActivityID": number.to_string(), "ActivityType": activity_type });
    MarkerRecordedEventAttributes {
        marker_name: LOCAL_ACTIVITY.to_owned(),
        details: [("data".to_owned(), json(&data))].into(),
        failure: Some(Failure { message: NOT_RUN.to_owned(), ..Default::default() }),
        ..Default::default()
    }
}

fn json(value: &serde_json::Value) -> Payloads {
    let metadata = [("encoding".to_owned(), b"json/plain".to_vec())].into();
    Payloads { payloads: vec![Payload { metadata, data: value.to_string().into_bytes(), ..Default::default() }] }
}

fn recorded(event_id: i64, marker: MarkerRecordedEventAttributes) -> HistoryEvent {
    let attributes = Some(Attributes::MarkerRecordedEventAttributes(marker));
    HistoryEvent { event_id, event_type: EventType::MarkerRecorded.into(), attributes, ..Default::default() }
}

/// An event that Go's SDK does nothing with.
fn without_effect(event_id: i64) -> HistoryEvent {
    let started = ActivityTaskStartedEventAttributes { scheduled_event_id: 1, ..Default::default() };
    let attributes = Some(Attributes::ActivityTaskStartedEventAttributes(started));
    HistoryEvent { event_id, event_type: EventType::ActivityTaskStarted.into(), attributes, ..Default::default() }
}

fn append(history: &mut Vec<u8>, event: HistoryEvent) {
    history.extend(History { events: vec![event] }.encode_to_vec());
}

/// The message with which the update came that was accepted; `None` if it came with an event.
fn message(accepted: WorkflowExecutionUpdateAcceptedEventAttributes) -> Option<protocol::Message> {
    let request = accepted.accepted_request?;
    let type_url = format!("type.googleapis.com/{}", update::Request::full_name());
    Some(protocol::Message {
        id: accepted.accepted_request_message_id,
        protocol_instance_id: accepted.protocol_instance_id,
        sequencing_id: Some(protocol::message::SequencingId::EventId(accepted.accepted_request_sequencing_event_id)),
        body: Some(Any { type_url, value: request.encode_to_vec() }),
    })
}
