//! What of an event or a command is contents: payloads, and text that people or code have written. The rest is what the server and the
//! SDKs need to know: types, ids, names, spans.

use foretime_server::proto::enums::TaskQueueKind;
use prost_reflect::{DynamicMessage, MapKey, ReflectMessage, Value};

pub(crate) const PAYLOAD: &str = "temporal.api.common.v1.Payload";
pub(crate) const PAYLOADS: &str = "temporal.api.common.v1.Payloads";

/// Fields with text that people or code have written, in whatever message.
const WRITTEN: [&str; 9] =
    ["message", "stack_trace", "identity", "last_worker_identity", "reason", "cause", "fairness_key", "url", STICKY_NAME];
/// What the name of a worker's own task queue is called here. SDKs make it of the worker's identity.
const STICKY_NAME: &str = "sticky_name";
const TASK_QUEUE: &str = "temporal.api.taskqueue.v1.TaskQueue";
/// Maps from text to such text.
const WRITTEN_MAPS: [&str; 2] = ["nexus_header", "header"];
/// Messages of which the `name` is a person's or a machine's.
const NAMING: [&str; 1] = ["temporal.api.common.v1.Principal"];

/// Where something is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The full name of the message that has the field. A list of payloads is none of its own.
    pub(crate) of: &'a str,
    /// The field.
    pub(crate) field: &'a str,
    /// The key, if the field is a map: the name of a search attribute, of a header, of a marker's detail.
    pub(crate) key: Option<&'a str>,
}

impl Place<'_> {
    /// Whether the text here has been written by people or code.
    pub(crate) fn is_written(&self) -> bool {
        WRITTEN.contains(&self.field)
            || self.key.is_some() && WRITTEN_MAPS.contains(&self.field)
            || self.field == "name" && NAMING.contains(&self.of)
    }
}

/// Who looks at contents, and may change them.
pub(crate) trait Visitor {
    /// A message `Payload`.
    fn payload(&mut self, place: &Place<'_>, payload: &mut DynamicMessage);

    /// Text, written or not.
    fn text(&mut self, place: &Place<'_>, text: &mut String);
}

/// Shows a visitor all payloads and texts in a message, in the order of the fields' numbers.
pub(crate) fn visit(message: &mut DynamicMessage, visitor: &mut impl Visitor) {
    visit_within(message, None, visitor);
}

fn visit_within(message: &mut DynamicMessage, list: Option<&Place<'_>>, visitor: &mut impl Visitor) {
    let descriptor = message.descriptor();
    let is_sticky = descriptor.full_name() == TASK_QUEUE
        && message.get_field_by_name("kind").and_then(|kind| kind.as_enum_number()) == Some(TaskQueueKind::Sticky as i32);
    for (field, value) in message.fields_mut() {
        let name = if is_sticky && field.name() == "name" { STICKY_NAME } else { field.name() };
        let own = Place { of: descriptor.full_name(), field: name, key: None };
        visit_value(value, list.unwrap_or(&own), visitor);
    }
}

fn visit_value(value: &mut Value, place: &Place<'_>, visitor: &mut impl Visitor) {
    match value {
        Value::String(text) => visitor.text(place, text),
        Value::Message(message) if message.descriptor().full_name() == PAYLOAD => visitor.payload(place, message),
        Value::Message(message) if message.descriptor().full_name() == PAYLOADS => visit_within(message, Some(place), visitor),
        Value::Message(message) => visit_within(message, None, visitor),
        Value::List(list) => list.iter_mut().for_each(|value| visit_value(value, place, visitor)),
        Value::Map(map) => {
            // A map of protobuf has no order, and what is replaced depends on who comes first.
            let mut entries: Vec<(&MapKey, &mut Value)> = map.iter_mut().collect();
            entries.sort_by_key(|(key, _)| *key);
            for (key, value) in entries {
                visit_value(value, &Place { key: key.as_str(), ..*place }, visitor);
            }
        }
        _ => {}
    }
}
