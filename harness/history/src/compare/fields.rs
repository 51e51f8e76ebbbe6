//! Two steps of one kind, field by field.
//!
//! A field is compared if commands and events both have it under the same name. The server fills in what a command leaves out
//! (timeouts, retry policies, task queues), and caps timeouts, so what is not set is not compared, payloads aside.

use std::time::Duration;

use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage, Value};
use serde::Serialize;

use super::step::Step;
use crate::{
    contents::{self, Place, Visitor},
    payload::{self, Comparison, Telling},
};

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

/// What the replayers of the core's SDKs compare, markers included.
const IDENTITY: [&str; 5] = ["activity_id", "activity_type.name", "workflow_id", "workflow_type.name", "marker"];

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

impl FieldDifference {
    /// Whether it says that something else is meant, and not merely the same with other values.
    pub(super) fn is_of_identity(&self) -> bool {
        IDENTITY.contains(&self.field.as_str())
    }
}

/// What came of comparing two steps.
pub(super) struct Fields {
    /// The fields that differ; none if the steps are of two kinds, since nothing of them can be compared then.
    pub(super) differences: Vec<FieldDifference>,
    /// How many could not be compared, because only their codec can read their payloads.
    pub(super) incomparable_count: usize,
    telling: Telling,
}

/// Compares two steps.
pub(super) fn compared(recorded: &Step, asked: &Step, telling: Telling) -> Fields {
    let mut found = Fields { differences: Vec::new(), incomparable_count: 0, telling };
    if recorded.kind() == asked.kind() && recorded.marker().is_none() {
        compare_messages("", recorded.attributes(), asked.attributes(), &mut found);
    }
    if recorded.kind() == asked.kind() && recorded.marker() != asked.marker() {
        found.differ("marker", recorded.name(), asked.name());
    }
    found
}

impl Fields {
    fn differ(&mut self, field: &str, recorded: String, asked: String) {
        // Two payloads may be as long.
        let asked = if self.telling == Telling::Sizes && recorded == asked { format!("other {asked}") } else { asked };
        let (recorded, asked) = around_the_difference(&recorded, &asked);
        self.differences.push(FieldDifference { field: field.to_owned(), recorded, asked });
    }
}

/// Long values from shortly before they differ: most of what is the same is left out.
fn around_the_difference(recorded: &str, asked: &str) -> (String, String) {
    const SHORT_CHARS: usize = 60;
    const BEFORE_CHARS: usize = 20;
    const SHOWN_CHARS: usize = 200;
    let same = recorded.chars().zip(asked.chars()).take_while(|(one, other)| one == other).count();
    let is_long = recorded.chars().count().max(asked.chars().count()) > SHORT_CHARS;
    let left_out = if is_long && same > 2 * BEFORE_CHARS { same - BEFORE_CHARS } else { 0 };
    let shown = |text: &str| {
        let rest: String = text.chars().skip(left_out).take(SHOWN_CHARS).collect();
        if left_out > 0 { format!("…{rest}") } else { rest }
    };
    (shown(recorded), shown(asked))
}

fn compare_messages(path: &str, recorded: &DynamicMessage, asked: &DynamicMessage, found: &mut Fields) {
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
    found: &mut Fields,
) {
    let telling = found.telling;
    match (recorded, asked) {
        (Value::Message(recorded), Value::Message(asked)) => match recorded.descriptor().full_name() {
            contents::PAYLOADS => match payload::compare_lists(recorded, asked) {
                Comparison::Same => {}
                Comparison::Unknown => found.incomparable_count += 1,
                Comparison::Different => {
                    found.differ(path, payload::list_shown(recorded, telling), payload::list_shown(asked, telling));
                }
            },
            contents::PAYLOAD => match payload::compare(recorded, asked) {
                Comparison::Same => {}
                Comparison::Unknown => found.incomparable_count += 1,
                Comparison::Different => {
                    found.differ(path, payload::shown(recorded, telling), payload::shown(asked, telling));
                }
            },
            "google.protobuf.Duration" => {
                let (recorded, asked) = (span(recorded), span(asked));
                // Zero is what is left out, too.
                if recorded != asked && !asked.is_zero() && !is_capped(of, recorded, asked) {
                    found.differ(path, format!("{recorded:?}"), format!("{asked:?}"));
                }
            }
            _ => compare_messages(path, recorded, asked, found),
        },
        (Value::Map(recorded), Value::Map(asked)) => {
            for (key, asked) in asked {
                let path = format!("{path}.{}", key.as_str().unwrap_or_default());
                match recorded.get(key) {
                    Some(recorded) => compare_values(&path, recorded, asked, of, field, found),
                    None => found.differ(&path, String::new(), shown(asked, telling)),
                }
            }
        }
        // A queue's kind, a policy that is not chosen: the server has a name for what is left out.
        (recorded, asked) if recorded != asked => {
            found.differ(path, named(recorded, field, telling), named(asked, field, telling));
        }
        _ => {}
    }
}

/// The fields that are set, for people: the first level, and what lies in messages of one field.
pub(super) fn shown_fields(attributes: &DynamicMessage, telling: Telling) -> Vec<(String, String)> {
    let set = attributes.fields().filter(|(field, _)| !NOT_COMPARED.contains(&field.name()));
    let shown = set.map(|(field, value)| (field.name().to_owned(), shown_field(value, &field, telling)));
    shown.filter(|(_, shown)| !matches!(shown.as_str(), "" | "{}" | "[]" | "0ns")).collect()
}

fn shown_field(value: &Value, field: &FieldDescriptor, telling: Telling) -> String {
    match value {
        Value::Message(message) => match message.descriptor().full_name() {
            "google.protobuf.Duration" => format!("{:?}", span(message)),
            _ => match message.get_field_by_name("name").and_then(|name| name.as_str().map(str::to_owned)) {
                Some(name) => name,
                None => shown(value, telling),
            },
        },
        Value::Map(_) | Value::List(_) => serde_json::to_string(&json(value, telling)).unwrap_or_default(),
        value => named(value, field, telling),
    }
}

fn json(value: &Value, telling: Telling) -> serde_json::Value {
    match value {
        Value::Map(map) => {
            let entry = |(key, value): (&prost_reflect::MapKey, &Value)| {
                (key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned), json(value, telling))
            };
            serde_json::Value::Object(map.iter().map(entry).collect())
        }
        Value::List(list) => list.iter().map(|value| json(value, telling)).collect(),
        value => shown(value, telling).into(),
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
fn named(value: &Value, field: &FieldDescriptor, telling: Telling) -> String {
    let place = Place { of: field.parent_message().full_name(), field: field.name(), key: None };
    match value {
        Value::String(text) if telling == Telling::Sizes && place.is_written() => size_of(text),
        Value::EnumNumber(number) => {
            let name = field.kind().as_enum().and_then(|names| Some(names.get_value(*number)?.name().to_owned()));
            name.unwrap_or_else(|| shown(value, telling))
        }
        value => shown(value, telling),
    }
}

fn shown(value: &Value, telling: Telling) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Message(message) => match message.descriptor().full_name() {
            contents::PAYLOAD => payload::shown(message, telling),
            contents::PAYLOADS => payload::list_shown(message, telling),
            _ => match entries(message) {
                Some(entries) => serde_json::to_string(&json(entries, telling)).unwrap_or_default(),
                None => {
                    let mut message = message.clone();
                    if telling == Telling::Sizes {
                        contents::visit(&mut message, &mut Sizes);
                    }
                    serde_json::to_string(&message).unwrap_or_default()
                }
            },
        },
        other => other.to_string(),
    }
}

/// The map that is all of a message: of a memo, or of search attributes.
fn entries(message: &DynamicMessage) -> Option<&Value> {
    let mut fields = message.fields();
    let entries = fields.next().map(|(_, value)| value).filter(|value| matches!(value, Value::Map(_)))?;
    fields.next().is_none().then_some(entries)
}

/// Leaves the sizes of contents.
struct Sizes;

impl Visitor for Sizes {
    fn payload(&mut self, _: &Place<'_>, payload: &mut DynamicMessage) {
        payload.clear_field_by_name("metadata");
        payload.clear_field_by_name("data");
    }

    fn text(&mut self, place: &Place<'_>, text: &mut String) {
        if place.is_written() {
            *text = size_of(text);
        }
    }
}

fn size_of(text: &str) -> String {
    format!("{} characters", text.chars().count())
}
