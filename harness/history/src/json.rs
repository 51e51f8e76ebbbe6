//! A history as JSON, in two forms. The canonical proto JSON is printed by the `temporal` CLI and loaded by the Web UI and the
//! replayers of the SDKs. The replayer of the Rust SDK (1.1) only loads that SDK's own form.

use std::sync::OnceLock;

use foretime_server::proto::DESCRIPTORS;
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;
use temporalio_protos::temporal::api::history::v1::History;

/// The canonical form of a history, given as the bytes of a `History` message; `None` if they are not one.
pub fn canonical(encoded: &[u8]) -> Option<Value> {
    let message = DynamicMessage::decode(descriptor()?, encoded).ok()?;
    serde_json::to_value(message).ok()
}

/// The Rust SDK's form of a history, given in the canonical form.
///
/// # Errors
/// The value is not a history in the canonical form.
pub fn of_rust_sdk(canonical: &Value) -> Result<Value, String> {
    let descriptor = descriptor().ok_or("the descriptors of the API are not whole")?;
    let message = DynamicMessage::deserialize(descriptor, canonical).map_err(|error| error.to_string())?;
    let history = History::decode(message.encode_to_vec().as_slice()).map_err(|error| error.to_string())?;
    serde_json::to_value(&history).map_err(|error| error.to_string())
}

fn descriptor() -> Option<MessageDescriptor> {
    descriptor_of(&foretime_server::proto::history::History::default())
}

/// The descriptor of a message's type.
pub(crate) fn descriptor_of<M: Name>(_message: &M) -> Option<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).ok()).as_ref()?;
    pool.get_message_by_name(&M::full_name())
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::{
        enums::EventType,
        history::{History as HistoryProto, HistoryEvent, TimerStartedEventAttributes, history_event::Attributes},
    };

    use super::*;

    fn encoded() -> Vec<u8> {
        let attributes = TimerStartedEventAttributes { timer_id: "7".to_owned(), ..TimerStartedEventAttributes::default() };
        let mut event = HistoryEvent { event_id: 5, ..HistoryEvent::default() };
        event.set_event_type(EventType::TimerStarted);
        event.attributes = Some(Attributes::TimerStartedEventAttributes(attributes));
        HistoryProto { events: vec![event] }.encode_to_vec()
    }

    #[test]
    fn the_canonical_form_names_types_and_fields_as_the_api_does() {
        let event = &canonical(&encoded()).unwrap()["events"][0];
        assert_eq!(event["eventType"], "EVENT_TYPE_TIMER_STARTED");
        assert_eq!(event["timerStartedEventAttributes"]["timerId"], "7");
        assert_eq!(event["eventId"], "5");
    }

    #[test]
    fn the_rust_sdk_has_names_of_its_own() {
        let form = of_rust_sdk(&canonical(&encoded()).unwrap()).unwrap();
        let event = &form["events"][0];
        assert_eq!(event["event_type"], EventType::TimerStarted as i32);
        assert_eq!(event["attributes"]["TimerStartedEventAttributes"]["timer_id"], "7");
    }

    #[test]
    fn what_is_no_history_is_refused() {
        assert_eq!(canonical(b"\x0a\xff"), None);
        assert!(of_rust_sdk(&serde_json::json!({ "events": [{ "eventType": "EVENT_TYPE_NONE" }] })).is_err());
    }
}
