//! Events and messages that are put into a history, or come with it, for Go's SDK.

use foretime_server::proto::{
    common::{Payload, Payloads},
    enums::EventType,
    failure::Failure,
    history::{
        ActivityTaskStartedEventAttributes, HistoryEvent, MarkerRecordedEventAttributes,
        WorkflowExecutionUpdateAcceptedEventAttributes, history_event::Attributes,
    },
    protocol, update,
};
use prost::{Message, Name};
use prost_types::Any;
use serde_json::json;

/// The name of the markers of versions.
pub(super) const VERSION: &str = "Version";
/// The name of the markers of local activities.
pub(super) const LOCAL_ACTIVITY: &str = "LocalActivity";
/// How a local activity fails that is not recorded.
pub(super) const NOT_RUN: &str = "foretime check runs no local activities";

/// The change of this id has no version, which Go's SDK calls -1.
pub(super) fn version(change_id: &str) -> MarkerRecordedEventAttributes {
    let details = [("change-id", json(&json!(change_id))), ("version", json(&json!(-1)))];
    MarkerRecordedEventAttributes {
        marker_name: VERSION.to_owned(),
        details: details.map(|(key, payloads)| (key.to_owned(), payloads)).into(),
        ..Default::default()
    }
}

/// The local activity of this number has failed; nothing if no such one waits. The SDK refuses if one waits that is not of this type; an
/// empty one stands for all types.
pub(super) fn not_run(number: u64, activity_type: &str) -> MarkerRecordedEventAttributes {
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

pub(super) fn recorded(event_id: i64, marker: MarkerRecordedEventAttributes) -> HistoryEvent {
    let attributes = Some(Attributes::MarkerRecordedEventAttributes(marker));
    HistoryEvent { event_id, event_type: EventType::MarkerRecorded.into(), attributes, ..Default::default() }
}

/// An event that Go's SDK does nothing with.
pub(super) fn without_effect(event_id: i64) -> HistoryEvent {
    let started = ActivityTaskStartedEventAttributes { scheduled_event_id: 1, ..Default::default() };
    let attributes = Some(Attributes::ActivityTaskStartedEventAttributes(started));
    HistoryEvent { event_id, event_type: EventType::ActivityTaskStarted.into(), attributes, ..Default::default() }
}

/// The message with which the update came that was accepted; `None` if it came with an event.
pub(super) fn message(accepted: WorkflowExecutionUpdateAcceptedEventAttributes) -> Option<protocol::Message> {
    let request = accepted.accepted_request?;
    let type_url = format!("type.googleapis.com/{}", update::Request::full_name());
    Some(protocol::Message {
        id: accepted.accepted_request_message_id,
        protocol_instance_id: accepted.protocol_instance_id,
        sequencing_id: Some(protocol::message::SequencingId::EventId(accepted.accepted_request_sequencing_event_id)),
        body: Some(Any { type_url, value: request.encode_to_vec() }),
    })
}
