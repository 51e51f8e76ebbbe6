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
    enums::{CommandType, EventType},
    history::{History, HistoryEvent, MarkerRecordedEventAttributes, history_event::Attributes},
};
use prost::Message;

use super::{
    Subject,
    invented::{LOCAL_ACTIVITY, VERSION, message, not_run, recorded, version, without_effect},
};

/// More local activities that wait at the same time are not looked for.
const UNRECORDED_MAX: u64 = 8;
/// The name of the markers of side effects.
pub(super) const SIDE_EFFECT: &str = "SideEffect";

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
    /// refuses: it tells of the local activity, or, if none waits, that nothing asks for a marker that has [`NOT_RUN`](super::invented::NOT_RUN) as its failure.
    pub(super) fn guarded(&self, until_event_id: i64) -> Vec<u8> {
        let mut history = self.subject.slice(1, until_event_id);
        for (event_id, number) in (until_event_id + 1..).zip(self.unrecorded(until_event_id)) {
            append(&mut history, recorded(event_id, not_run(number, "nothing")));
        }
        history
    }

    /// Whether a local activity may wait behind an event: the next task is scheduled at once if the time of one ends before the local
    /// activity does.
    pub(super) fn may_wait(&self, until_event_id: i64) -> bool {
        let next = self.subject.slice(until_event_id + 1, until_event_id + 1);
        events::of(&next).any(|event| event.event_type == Some(EventType::WorkflowTaskScheduled))
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
        // As they are recorded: the worker decodes them itself.
        let recorded = self.subject.slice(first, last);
        let events = events::of(&recorded).filter_map(|event| HistoryEvent::decode(event.encoded).ok());
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

fn append(history: &mut Vec<u8>, event: HistoryEvent) {
    history.extend(History { events: vec![event] }.encode_to_vec());
}

#[cfg(test)]
mod tests {
    use foretime_history::Summary;
    use foretime_server::proto::history::{
        ActivityTaskScheduledEventAttributes, WorkflowExecutionUpdateAcceptedEventAttributes,
        WorkflowTaskCompletedEventAttributes,
    };

    use super::{super::invented::NOT_RUN, *};

    const COMPLETED: i64 = 4;

    /// A run of one task that has these events behind its completion.
    fn subject(commands: Vec<Attributes>) -> Subject {
        let bare = |event_id: i64, event_type: EventType| HistoryEvent {
            event_id,
            event_type: event_type.into(),
            ..HistoryEvent::default()
        };
        let task = WorkflowTaskCompletedEventAttributes { scheduled_event_id: 2, started_event_id: 3, ..Default::default() };
        let mut events = vec![
            bare(1, EventType::WorkflowExecutionStarted),
            bare(2, EventType::WorkflowTaskScheduled),
            bare(3, EventType::WorkflowTaskStarted),
            HistoryEvent {
                attributes: Some(Attributes::WorkflowTaskCompletedEventAttributes(task)),
                ..bare(COMPLETED, EventType::WorkflowTaskCompleted)
            },
        ];
        events.extend((COMPLETED + 1..).zip(commands).map(|(event_id, attributes)| HistoryEvent {
            attributes: Some(attributes.clone()),
            ..bare(
                event_id,
                match attributes {
                    Attributes::MarkerRecordedEventAttributes(_) => EventType::MarkerRecorded,
                    Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(_) => EventType::WorkflowExecutionUpdateAccepted,
                    _ => EventType::ActivityTaskScheduled,
                },
            )
        }));
        let encoded = History { events }.encode_to_vec();
        let summary = Summary::of(&encoded);
        Subject::new(encoded, &summary, "queue".to_owned())
    }

    fn activity() -> Attributes {
        Attributes::ActivityTaskScheduledEventAttributes(ActivityTaskScheduledEventAttributes {
            workflow_task_completed_event_id: COMPLETED,
            ..Default::default()
        })
    }

    fn of_task(marker: MarkerRecordedEventAttributes) -> Attributes {
        let marker = MarkerRecordedEventAttributes { workflow_task_completed_event_id: COMPLETED, ..marker };
        Attributes::MarkerRecordedEventAttributes(marker)
    }

    fn named(name: &str) -> Attributes {
        of_task(MarkerRecordedEventAttributes { marker_name: name.to_owned(), ..Default::default() })
    }

    /// What an event is to Go's SDK: its id, and of a marker its name and the number of its local activity.
    fn read(history: &[u8]) -> Vec<(i64, String)> {
        let events = History::decode(history).unwrap().events;
        let of = |event: HistoryEvent| match event.attributes {
            Some(Attributes::MarkerRecordedEventAttributes(marker)) => {
                let number = number(&marker).map_or_else(String::new, |number| format!(" {number}"));
                (event.event_id, format!("{}{number}", marker.marker_name))
            }
            _ => (event.event_id, EventType::try_from(event.event_type).unwrap().as_str_name()[11..].to_owned()),
        };
        events.into_iter().map(of).collect()
    }

    #[test]
    fn a_task_finds_its_markers_where_they_are_recorded() {
        let commands = vec![activity(), of_task(version("a")), of_task(not_run(1, "rate")), activity()];
        let subject = subject(commands);
        let markers = Markers::of(&subject);
        let events = read(&markers.history(0, &["b".to_owned()]));
        let ids: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, (2..2 + i64::try_from(ids.len()).unwrap()).collect::<Vec<_>>());
        let shown: Vec<&str> = events.iter().map(|(_, what)| what.as_str()).collect();
        assert_eq!(shown[..3], ["WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED", "WORKFLOW_TASK_COMPLETED"]);
        assert_eq!(shown[3..7], ["ACTIVITY_TASK_STARTED", "Version", "LocalActivity 1", "ACTIVITY_TASK_STARTED"]);
        assert_eq!(shown[7..10], ["Version", "LocalActivity 2", "LocalActivity 3"]);
        assert_eq!(*shown.last().unwrap(), "ACTIVITY_TASK_STARTED");
    }

    #[test]
    fn versions_are_known_beforehand() {
        let subject = subject(vec![of_task(version("a")), activity()]);
        let markers = Markers::of(&subject);
        let recorded = markers.recorded(0).map(|event| HistoryEvent::decode(event).unwrap().event_id);
        assert_eq!(recorded.collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn a_replay_refuses_local_activities_that_are_not_recorded() {
        let subject = subject(vec![of_task(not_run(1, "rate")), activity()]);
        let guarded = Markers::of(&subject).guarded(6);
        let guards = History::decode(guarded.as_slice()).unwrap().events.split_off(6);
        assert_eq!(guards.first().map(|event| event.event_id), Some(7));
        for guard in guards {
            let Some(Attributes::MarkerRecordedEventAttributes(marker)) = guard.attributes else { panic!("no marker") };
            assert_ne!(number(&marker), Some(1));
            assert_eq!(marker.failure.unwrap().message, NOT_RUN);
        }
    }

    #[test]
    fn encrypted_local_activities_leave_none_unguarded() {
        let subject = subject(vec![named(LOCAL_ACTIVITY), named(LOCAL_ACTIVITY)]);
        let numbers: Vec<u64> = Markers::of(&subject).unrecorded(6).collect();
        assert_eq!(numbers[..3], [1, 2, 3]);
    }

    #[test]
    fn nothing_is_compared_behind_a_local_activity_that_is_not_recorded() {
        let subject = subject(vec![of_task(not_run(1, "rate")), activity()]);
        let of_marker = |number| match of_task(not_run(number, "")) {
            Attributes::MarkerRecordedEventAttributes(marker) => Command {
                command_type: CommandType::RecordMarker.into(),
                attributes: Some(Asked::RecordMarkerCommandAttributes(
                    foretime_server::proto::command::RecordMarkerCommandAttributes {
                        marker_name: marker.marker_name,
                        ..Default::default()
                    },
                )),
                ..Default::default()
            },
            _ => Command::default(),
        };
        let timer = || Command { command_type: CommandType::StartTimer.into(), ..Default::default() };
        let commands = vec![of_marker(1), timer(), of_marker(2), timer()];
        assert_eq!(Markers::of(&subject).comparable(0, commands), [timer()]);
    }

    #[test]
    fn tasks_with_side_effects_are_told() {
        let of = |name: &str| subject(vec![named(name), activity()]);
        assert!(Markers::of(&of(SIDE_EFFECT)).would_draw_anew(0));
        assert!(Markers::of(&of("MutableSideEffect")).would_draw_anew(0));
        assert!(!Markers::of(&of(VERSION)).would_draw_anew(0));
    }

    #[test]
    fn updates_come_as_messages() {
        let accepted = WorkflowExecutionUpdateAcceptedEventAttributes {
            protocol_instance_id: "update".to_owned(),
            accepted_request_message_id: "update/request".to_owned(),
            accepted_request_sequencing_event_id: 2,
            accepted_request: Some(foretime_server::proto::update::Request::default()),
        };
        let subject = subject(vec![Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted)]);
        let messages = Markers::of(&subject).messages(0);
        let message = foretime_server::proto::protocol::Message::decode(messages[0].as_slice()).unwrap();
        assert_eq!((message.id.as_str(), message.protocol_instance_id.as_str()), ("update/request", "update"));
        assert_eq!(message.body.unwrap().type_url, "type.googleapis.com/temporal.api.update.v1.Request");
    }
}
