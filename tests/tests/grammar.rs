//! The grammar of histories against reality. The histories of the real server, as recorded in its conformance transcripts, must
//! break no rule of the check that fails simulations.
//!
//! Transcripts hide instants, so the rules about time are left to the sessions and their mutations.

use std::{
    fs,
    path::{Path, PathBuf},
};

use foretime_history::grammar;
use foretime_server::proto::{
    self,
    history::{HistoryEvent, history_event::Attributes},
};
use prost::Message;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde_json::{Map, Value};

/// A history as a transcript shows it.
struct Recorded {
    place: String,
    events: Vec<HistoryEvent>,
}

#[test]
fn what_the_real_server_recorded_breaks_no_rule() {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("the descriptors are sound");
    let event = pool.get_message_by_name("temporal.api.history.v1.HistoryEvent").expect("the message is described");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let recorded: Vec<Recorded> = transcripts(&folder).iter().flat_map(|path| read(&event, path)).collect();
    let event_count: usize = recorded.iter().map(|history| history.events.len()).sum();
    assert!(recorded.len() > 100 && event_count > 1_000, "{} histories of {event_count} events", recorded.len());

    let mut broken = String::new();
    for Recorded { place, events } in &recorded {
        for violation in grammar::check(events).iter().filter(|violation| violation.rule != "event-time") {
            broken.push_str(&format!("{place}: {violation:?}\n"));
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn a_recorded_history_without_one_of_its_events_breaks_one() {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("the descriptors are sound");
    let event = pool.get_message_by_name("temporal.api.history.v1.HistoryEvent").expect("the message is described");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/activities/completed.txt");
    let recorded = read(&event, &path).pop().expect("a history");
    let is_scheduled =
        |event: &HistoryEvent| matches!(event.attributes, Some(Attributes::ActivityTaskScheduledEventAttributes(_)));
    let mut events = recorded.events;
    events.retain(|event| !is_scheduled(event));
    let rules: Vec<_> = grammar::check(&events).into_iter().map(|violation| violation.rule).collect();
    assert!(rules.contains(&"event-id") && rules.contains(&"activity-order"), "{rules:?}");
}

fn transcripts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            found.extend(transcripts(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every history in a transcript: the indented lines below `history of ID:`.
fn read(event: &MessageDescriptor, path: &Path) -> Vec<Recorded> {
    let text = fs::read_to_string(path).expect("a transcript is text");
    let mut lines = text.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if !line.starts_with("history of ") {
            continue;
        }
        let mut events = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("  ")) {
            events.push(parse(event, line).unwrap_or_else(|| panic!("{}: {line}", path.display())));
        }
        found.push(Recorded { place: format!("{}, {line}", path.display()), events });
    }
    found
}

/// One line: id, type, attributes as JSON, and before or after them other fields of the event, as `name=JSON`.
fn parse(descriptor: &MessageDescriptor, line: &str) -> Option<HistoryEvent> {
    let (id, rest) = line.trim_start().split_once(' ')?;
    let (event_type, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut fields = Map::new();
    fields.insert("eventId".to_owned(), id.into());
    fields.insert("eventType".to_owned(), format!("EVENT_TYPE_{event_type}").into());
    while !rest.is_empty() {
        let (name, text) = if rest.starts_with('{') { ("", rest) } else { rest.split_once('=')? };
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let value = values.next()?.ok()?;
        if name.is_empty() {
            fields.insert(format!("{}EventAttributes", camel_case(event_type)), shown(value)?);
        }
        rest = text[values.byte_offset()..].trim_start();
    }
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let message = DynamicMessage::deserialize_with_options(descriptor.clone(), Value::Object(fields), &options).ok()?;
    HistoryEvent::decode(message.encode_to_vec().as_slice()).ok()
}

/// What a transcript shows of a value. Payloads, instants, spans and tokens are hidden.
fn shown(value: Value) -> Option<Value> {
    match value {
        Value::String(text) if text.starts_with("payload ") || text.starts_with('<') && text.ends_with('>') => None,
        Value::Object(fields) => {
            Some(Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name, shown(value)?))).collect()))
        }
        Value::Array(values) => Some(Value::Array(values.into_iter().filter_map(shown).collect())),
        other => Some(other),
    }
}

fn camel_case(screaming: &str) -> String {
    let mut camel = String::new();
    for (at, word) in screaming.split('_').enumerate() {
        let (first, rest) = word.split_at(word.len().min(1));
        camel.push_str(&if at == 0 { first.to_lowercase() } else { first.to_owned() });
        camel.push_str(&rest.to_lowercase());
    }
    camel
}
