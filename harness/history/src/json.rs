//! A history as canonical proto JSON, which the `temporal` CLI prints and the Web UI and the replayers of most SDKs load.

use prost_reflect::DynamicMessage;
use serde_json::Value;

use crate::descriptors;

/// The canonical form of a history, given as the bytes of a `History` message; `None` if they are not one.
pub fn canonical(encoded: &[u8]) -> Option<Value> {
    let message = DynamicMessage::decode(descriptors::history()?, encoded).ok()?;
    serde_json::to_value(message).ok()
}

/// The same as text, as people read it.
pub fn pretty(encoded: &[u8]) -> Option<String> {
    let message = DynamicMessage::decode(descriptors::history()?, encoded).ok()?;
    serde_json::to_string_pretty(&message).ok()
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::{
        enums::EventType,
        history::{History, HistoryEvent, TimerStartedEventAttributes, history_event::Attributes},
    };
    use prost::Message;

    use super::*;

    fn encoded() -> Vec<u8> {
        let attributes = TimerStartedEventAttributes { timer_id: "7".to_owned(), ..TimerStartedEventAttributes::default() };
        let mut event = HistoryEvent { event_id: 5, ..HistoryEvent::default() };
        event.set_event_type(EventType::TimerStarted);
        event.attributes = Some(Attributes::TimerStartedEventAttributes(attributes));
        History { events: vec![event] }.encode_to_vec()
    }

    #[test]
    fn the_canonical_form_names_types_and_fields_as_the_api_does() {
        let event = &canonical(&encoded()).unwrap()["events"][0];
        assert_eq!(event["eventType"], "EVENT_TYPE_TIMER_STARTED");
        assert_eq!(event["timerStartedEventAttributes"]["timerId"], "7");
        assert_eq!(event["eventId"], "5");
    }

    #[test]
    fn what_is_no_history_is_refused() {
        assert_eq!(canonical(b"\x0a\xff"), None);
    }
}
