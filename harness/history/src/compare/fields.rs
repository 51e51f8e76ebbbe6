//! Two steps of one kind, field by field.
//!
//! A field is compared if commands and events both have it under the same name. The server fills in what a command leaves out
//! (timeouts, retry policies, task queues), and caps timeouts, so what is not set is not compared, payloads aside.

use std::time::Duration;

use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage, Value};
use serde::Serialize;

use super::step::Step;
use crate::payload;

/// Fields that say nothing of what is asked for, or that the server changes.
const NOT_COMPARED: [&str; 9] = [
    "header",
    "control",
    "links",
    "request_id",
    "use_workflow_build_id",
    "inherit_build_id",
    "request_eager_execution",
    "workflow_task_completed_event_id",
    "stack_trace",
];
/// Payloads: without them, a command asks for none.
const PAYLOADS: [&str; 3] = ["input", "result", "last_completion_result"];

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldDifference {
    /// Its name, as the API spells it; a dot leads into a message.
    pub field: String,
    /// Its recorded value, for people.
    pub recorded: String,
    /// The value that the code asks for.
    pub asked: String,
}

/// The fields that differ; none if the steps are of two kinds, since nothing of them can be compared then.
pub(super) fn differences(recorded: &Step, asked: &Step) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    if recorded.kind() == asked.kind() && recorded.marker().is_none() {
        compare_messages("", recorded.attributes(), asked.attributes(), &mut found);
    }
    if recorded.kind() == asked.kind() && recorded.marker() != asked.marker() {
        let (recorded, asked) = (recorded.name(), asked.name());
        found.push(FieldDifference { field: "marker".to_owned(), recorded, asked });
    }
    found
}

fn compare_messages(path: &str, recorded: &DynamicMessage, asked: &DynamicMessage, found: &mut Vec<FieldDifference>) {
    for field in asked.descriptor().fields() {
        let Some(other) = recorded.descriptor().get_field_by_name(field.name()) else { continue };
        let is_payloads = PAYLOADS.contains(&field.name());
        let is_set = asked.has_field(&field) || is_payloads && recorded.has_field(&other);
        if NOT_COMPARED.contains(&field.name()) || !is_set || field.kind() != other.kind() {
            continue;
        }
        let path = if path.is_empty() { field.name().to_owned() } else { format!("{path}.{}", field.name()) };
        compare_values(&path, &recorded.get_field(&other), &asked.get_field(&field), recorded, &field, found);
    }
}

fn compare_values(
    path: &str,
    recorded: &Value,
    asked: &Value,
    of: &DynamicMessage,
    field: &FieldDescriptor,
    found: &mut Vec<FieldDifference>,
) {
    let mut differ = |recorded: String, asked: String| found.push(FieldDifference { field: path.to_owned(), recorded, asked });
    match (recorded, asked) {
        (Value::Message(recorded), Value::Message(asked)) => match recorded.descriptor().full_name() {
            "temporal.api.common.v1.Payloads" => {
                if payload::lists_differ(recorded, asked) {
                    differ(payload::list_shown(recorded), payload::list_shown(asked));
                }
            }
            "temporal.api.common.v1.Payload" => {
                if payload::differ(recorded, asked) {
                    differ(payload::shown(recorded), payload::shown(asked));
                }
            }
            "google.protobuf.Duration" => {
                let (recorded, asked) = (span(recorded), span(asked));
                // Zero is what is left out, too.
                if recorded != asked && !asked.is_zero() && !is_capped(of, recorded, asked) {
                    differ(format!("{recorded:?}"), format!("{asked:?}"));
                }
            }
            _ => compare_messages(path, recorded, asked, found),
        },
        (Value::Map(recorded), Value::Map(asked)) => {
            for (key, asked) in asked {
                let path = format!("{path}.{}", key.as_str().unwrap_or_default());
                match recorded.get(key) {
                    Some(recorded) => compare_values(&path, recorded, asked, of, field, found),
                    None => found.push(FieldDifference { field: path, recorded: String::new(), asked: shown(asked) }),
                }
            }
        }
        // A queue's kind, a policy that is not chosen: the server has a name for what is left out.
        (recorded, asked) if recorded != asked => differ(named(recorded, field), named(asked, field)),
        _ => {}
    }
}

/// The fields that are set, for people: the first level, and what lies in messages of one field.
pub(super) fn shown_fields(attributes: &DynamicMessage) -> Vec<(String, String)> {
    let set = attributes.fields().filter(|(field, _)| !NOT_COMPARED.contains(&field.name()));
    let shown = set.map(|(field, value)| (field.name().to_owned(), shown_field(value, &field)));
    shown.filter(|(_, shown)| !matches!(shown.as_str(), "" | "{}" | "[]" | "0ns")).collect()
}

fn shown_field(value: &Value, field: &FieldDescriptor) -> String {
    match value {
        Value::Message(message) => match message.descriptor().full_name() {
            "temporal.api.common.v1.Payloads" => payload::list_shown(message),
            "google.protobuf.Duration" => format!("{:?}", span(message)),
            _ => match message.get_field_by_name("name").and_then(|name| name.as_str().map(str::to_owned)) {
                Some(name) => name,
                None => shown(value),
            },
        },
        Value::Map(_) | Value::List(_) => serde_json::to_string(&json(value)).unwrap_or_default(),
        value => named(value, field),
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Map(map) => {
            let entry = |(key, value): (&prost_reflect::MapKey, &Value)| {
                (key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned), json(value))
            };
            serde_json::Value::Object(map.iter().map(entry).collect())
        }
        Value::List(list) => list.iter().map(json).collect(),
        value => shown(value).into(),
    }
}

/// Whether the server has made a timeout shorter: no activity outlasts its schedule_to_close_timeout, nor its run.
fn is_capped(of: &DynamicMessage, recorded: Duration, asked: Duration) -> bool {
    let cap = of.get_field_by_name("schedule_to_close_timeout").and_then(|cap| cap.as_message().map(span));
    recorded < asked && cap.is_some_and(|cap| cap == recorded)
}

fn span(message: &DynamicMessage) -> Duration {
    let number = |name: &str| message.get_field_by_name(name).map(|value| value.into_owned());
    let seconds = number("seconds").and_then(|it| it.as_i64()).and_then(|it| u64::try_from(it).ok()).unwrap_or(0);
    let nanos = number("nanos").and_then(|it| it.as_i32()).and_then(|it| u32::try_from(it).ok()).unwrap_or(0);
    Duration::new(seconds, nanos)
}

/// A value for people: enums by name.
fn named(value: &Value, field: &FieldDescriptor) -> String {
    let name = value.as_enum_number().and_then(|number| Some(field.kind().as_enum()?.get_value(number)?.name().to_owned()));
    name.unwrap_or_else(|| shown(value))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Message(message) if message.descriptor().full_name() == "temporal.api.common.v1.Payload" => {
            payload::shown(message)
        }
        Value::Message(message) => serde_json::to_string(message).unwrap_or_default(),
        other => other.to_string(),
    }
}
