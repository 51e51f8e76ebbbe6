//! Commands against events: what differs, what does not, and what cannot be told.

use foretime_history::{
    Telling,
    compare::{Comparison, compare},
};
use foretime_server::proto::{
    command::{
        Command, RecordMarkerCommandAttributes, ScheduleActivityTaskCommandAttributes, StartTimerCommandAttributes,
        UpsertWorkflowSearchAttributesCommandAttributes, command::Attributes as Asked,
    },
    common::{ActivityType, Payload, Payloads, SearchAttributes},
    enums::{CommandType, EventType},
    history::{
        ActivityTaskScheduledEventAttributes, HistoryEvent, MarkerRecordedEventAttributes, TimerStartedEventAttributes,
        history_event::Attributes as Recorded,
    },
};
use prost::Message;

pub(super) fn payloads(encoding: &str, data: &str) -> Option<Payloads> {
    let metadata = [("encoding".to_owned(), encoding.as_bytes().to_vec())].into();
    Some(Payloads { payloads: vec![Payload { metadata, data: data.as_bytes().to_vec(), ..Payload::default() }] })
}

fn span(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn event(event_id: i64, event_type: EventType, attributes: Recorded) -> Vec<u8> {
    HistoryEvent { event_id, event_type: event_type.into(), attributes: Some(attributes), ..HistoryEvent::default() }
        .encode_to_vec()
}

fn command(kind: CommandType, attributes: Asked) -> Command {
    Command { command_type: kind.into(), attributes: Some(attributes), ..Command::default() }
}

/// An activity, as recorded: with what the server has filled in.
pub(super) fn scheduled(event_id: i64, name: &str, input: Option<Payloads>) -> Vec<u8> {
    let attributes = ActivityTaskScheduledEventAttributes {
        activity_id: "1".to_owned(),
        activity_type: Some(ActivityType { name: name.to_owned() }),
        input,
        schedule_to_close_timeout: span(60),
        start_to_close_timeout: span(60),
        ..ActivityTaskScheduledEventAttributes::default()
    };
    event(event_id, EventType::ActivityTaskScheduled, Recorded::ActivityTaskScheduledEventAttributes(attributes))
}

pub(super) fn schedule(name: &str, input: Option<Payloads>, start_to_close_s: i64) -> Command {
    let attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: "1".to_owned(),
        activity_type: Some(ActivityType { name: name.to_owned() }),
        input,
        start_to_close_timeout: span(start_to_close_s),
        ..ScheduleActivityTaskCommandAttributes::default()
    };
    command(CommandType::ScheduleActivityTask, Asked::ScheduleActivityTaskCommandAttributes(attributes))
}

pub(super) fn started(event_id: i64, seconds: i64) -> Vec<u8> {
    let attributes = TimerStartedEventAttributes {
        timer_id: "2".to_owned(),
        start_to_fire_timeout: span(seconds),
        ..TimerStartedEventAttributes::default()
    };
    event(event_id, EventType::TimerStarted, Recorded::TimerStartedEventAttributes(attributes))
}

pub(super) fn start(seconds: i64) -> Command {
    let attributes = StartTimerCommandAttributes { timer_id: "2".to_owned(), start_to_fire_timeout: span(seconds) };
    command(CommandType::StartTimer, Asked::StartTimerCommandAttributes(attributes))
}

fn local_activity(event_id: i64) -> Vec<u8> {
    let attributes = MarkerRecordedEventAttributes { marker_name: "core_local_activity".to_owned(), ..Default::default() };
    event(event_id, EventType::MarkerRecorded, Recorded::MarkerRecordedEventAttributes(attributes))
}

pub(super) fn patch(id: &str) -> Command {
    let details = [("patch-data".to_owned(), payloads("json/plain", &format!("{{\"id\":\"{id}\"}}")).expect("some"))].into();
    let attributes = RecordMarkerCommandAttributes { marker_name: "core_patch".to_owned(), details, ..Default::default() };
    command(CommandType::RecordMarker, Asked::RecordMarkerCommandAttributes(attributes))
}

/// What goes along with a patch.
fn change_version() -> Command {
    let indexed_fields = [("TemporalChangeVersion".to_owned(), Payload::default())].into();
    let attributes =
        UpsertWorkflowSearchAttributesCommandAttributes { search_attributes: Some(SearchAttributes { indexed_fields }) };
    command(CommandType::UpsertWorkflowSearchAttributes, Asked::UpsertWorkflowSearchAttributesCommandAttributes(attributes))
}

fn compared(events: &[Vec<u8>], commands: &[Command]) -> Comparison {
    compare(events.iter().map(Vec::as_slice), commands, Telling::Contents)
}

/// The event, what is asked for there, and the fields that differ.
fn told(comparison: &Comparison) -> (Option<i64>, Option<String>, Vec<String>) {
    let difference = comparison.difference.as_ref().expect("a difference");
    let fields = difference.fields.iter().map(|it| format!("{}: {} / {}", it.field, it.recorded, it.asked)).collect();
    let asked = difference.asked.as_ref().map(|step| format!("{} {}", step.kind_name(), step.name()));
    (difference.recorded.as_ref().and_then(|step| step.event_id()), asked, fields)
}

#[test]
fn the_same_is_the_same_whatever_the_server_has_filled_in() {
    let (recorded, asked) = (payloads("json/plain", r#"{"a":1,"b":2}"#), payloads("json/plain", r#"{"b":2,"a":1}"#));
    let events = [scheduled(6, "charge", recorded), started(7, 5)];
    assert_eq!(compared(&events, &[schedule("charge", asked.clone(), 60), start(5)]), Comparison::default());
    // An activity does not outlast its schedule_to_close_timeout, so the server has made its other timeout shorter.
    assert_eq!(compared(&events, &[schedule("charge", asked, 3600), start(5)]), Comparison::default());
}

#[test]
fn inputs_spans_and_types_differ() {
    let events = [scheduled(6, "charge", payloads("json/plain", "1")), started(7, 5)];
    let (event, asked, fields) = told(&compared(&events, &[schedule("charge", payloads("json/plain", "2"), 60), start(5)]));
    assert_eq!((event, asked.as_deref()), (Some(6), Some("ScheduleActivityTask charge")));
    assert_eq!(fields, ["input: 1 / 2"]);

    let (event, _, fields) = told(&compared(&events, &[schedule("charge", payloads("json/plain", "1"), 60), start(6)]));
    assert_eq!((event, fields.len()), (Some(7), 1));

    let (event, asked, _) = told(&compared(&events, &[start(5)]));
    assert_eq!((event, asked.as_deref()), (Some(6), Some("StartTimer 2")));
}

#[test]
fn more_and_less_than_is_recorded_differ() {
    let (event, asked, _) = told(&compared(&[], &[start(5)]));
    assert_eq!((event, asked.as_deref()), (None, Some("StartTimer 2")));
    let (event, asked, _) = told(&compared(&[started(7, 5)], &[]));
    assert_eq!((event, asked), (Some(7), None));
}

#[test]
fn what_is_encrypted_is_counted() {
    let events = [scheduled(6, "charge", payloads("binary/encrypted", "x"))];
    let comparison = compared(&events, &[schedule("charge", payloads("binary/encrypted", "y"), 60)]);
    assert_eq!((comparison.difference, comparison.incomparable_count), (None, 1));
}

#[test]
fn behind_a_new_patch_and_an_unseen_local_activity_nothing_is_compared() {
    let comparison = compared(&[started(7, 5)], &[patch("discount"), change_version(), schedule("charge", None, 60)]);
    assert_eq!((comparison.patched.as_deref(), comparison.difference), (Some("discount"), None));

    let comparison = compared(&[local_activity(6), started(7, 5)], &[]);
    assert_eq!((comparison.is_cut_short, comparison.difference), (true, None));
    assert_eq!(compared(&[local_activity(6), started(7, 5)], &[start(5)]), Comparison::default());
}
