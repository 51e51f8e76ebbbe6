//! The one place that hides what may differ between two servers that behave alike.
//!
//! Hidden, and why:
//! - UUIDs (run ids, generated request ids) become `uuid-1`, `uuid-2`, ... in order of appearance: identity still shows;
//! - tokens are opaque: only their presence shows;
//! - instants become `<time>`: the histories of two runs never agree on them;
//! - fields that measure load, storage or the build of the server are left out ([`HIDDEN`]).

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use foretime_server::proto::{self, history::HistoryEvent};
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use regex_lite::{Captures, Regex};
use serde_json::{Map, Value};
use tonic::{Code, Status};

/// Fields that say nothing about behaviour: instants that every event has, sizes in bytes of the server's own storage form,
/// counters of its transactions, its load, its build.
const HIDDEN: &[&str] =
    &["eventTime", "taskId", "historySizeBytes", "stateTransitionCount", "backlogCountHint", "pollerScalingDecision"];

/// Tokens and measured spans. Only their presence shows.
const OPAQUE: &[(&str, &str)] = &[
    ("taskToken", "<token>"),
    ("nextPageToken", "<token>"),
    ("executionDuration", "<span>"),
    ("currentRetryInterval", "<span>"),
];

static DESCRIPTORS: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(proto::DESCRIPTORS).expect("the descriptors are sound"));
static UUID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern"));
static INSTANT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$").expect("a pattern"));

/// Renders what one script sees.
#[derive(Debug, Default)]
pub struct Normaliser {
    uuids: Vec<String>,
}

impl Normaliser {
    /// A message as one line of JSON.
    pub fn message<M: Message + Name>(&mut self, message: &M) -> String {
        let json = self.json(&M::full_name(), &message.encode_to_vec());
        json.to_string()
    }

    /// An event as one line: id, type, attributes, and everything else it carries.
    pub fn event(&mut self, event: &HistoryEvent) -> String {
        let mut line = format!("{:>3} {}", event.event_id, event.event_type().as_str_name().trim_start_matches("EVENT_TYPE_"));
        if let Value::Object(fields) = self.json(&HistoryEvent::full_name(), &event.encode_to_vec()) {
            for (name, value) in fields {
                match name.as_str() {
                    "eventId" | "eventType" => {}
                    name if name.ends_with("EventAttributes") => line.push_str(&format!(" {value}")),
                    name => line.push_str(&format!(" {name}={value}")),
                }
            }
        }
        line
    }

    /// A refusal: code, text and typed details.
    pub fn status(&mut self, status: &Status) -> String {
        // A deadline is a race between the server's timer and the client's. The texts differ, but the meaning does not.
        if matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled) {
            return "DeadlineExceeded".to_owned();
        }
        let mut line = format!("{:?} {:?}", status.code(), self.text(status.message()));
        let outer = self.json("google.rpc.Status", status.details());
        for detail in outer.get("details").and_then(Value::as_array).into_iter().flatten() {
            line.push_str(&format!(" {detail}"));
        }
        line
    }

    /// `text` with its UUIDs renamed.
    pub fn text(&mut self, text: &str) -> String {
        UUID.replace_all(text, |found: &Captures<'_>| {
            let uuid = &found[0];
            let at = self.uuids.iter().position(|seen| seen == uuid).unwrap_or_else(|| {
                self.uuids.push(uuid.to_owned());
                self.uuids.len() - 1
            });
            format!("uuid-{}", at + 1)
        })
        .into_owned()
    }

    fn json(&mut self, name: &str, bytes: &[u8]) -> Value {
        let descriptor = DESCRIPTORS.get_message_by_name(name).expect("every message is described");
        let json = DynamicMessage::decode(descriptor, bytes)
            .map_err(|error| error.to_string())
            .and_then(|message| {
                let options = SerializeOptions::new();
                message.serialize_with_options(serde_json::value::Serializer, &options).map_err(|error| error.to_string())
            })
            .unwrap_or_else(|error| Value::String(format!("cannot be shown: {error}")));
        self.value(json)
    }

    fn value(&mut self, value: Value) -> Value {
        match value {
            Value::Object(fields) if is_payload(&fields) => Value::String(self.text(&payload(&fields))),
            Value::Object(fields) => Value::Object(self.fields(fields)),
            Value::Array(values) => Value::Array(values.into_iter().map(|value| self.value(value)).collect()),
            Value::String(text) if INSTANT.is_match(&text) => Value::String("<time>".to_owned()),
            Value::String(text) => Value::String(self.text(&text)),
            other => other,
        }
    }

    fn fields(&mut self, fields: Map<String, Value>) -> Map<String, Value> {
        let shown = fields.into_iter().filter(|(name, _)| !HIDDEN.contains(&name.as_str()));
        shown
            .map(|(name, value)| match OPAQUE.iter().find(|(opaque, _)| *opaque == name) {
                Some((_, shown)) => (name, Value::String((*shown).to_owned())),
                None => (self.text(&name), self.value(value)),
            })
            .collect()
    }
}

fn is_payload(fields: &Map<String, Value>) -> bool {
    fields.get("metadata").is_some_and(|metadata| metadata.get("encoding").is_some())
}

/// A payload, shown by its data if that is text.
fn payload(fields: &Map<String, Value>) -> String {
    let text = fields.get("data").and_then(Value::as_str).unwrap_or("");
    let decoded = unbase64(text).and_then(|bytes| String::from_utf8(bytes).ok());
    let kind = fields["metadata"].get("type").and_then(Value::as_str).and_then(unbase64);
    let kind = kind.and_then(|bytes| String::from_utf8(bytes).ok()).map(|kind| format!(" ({kind})")).unwrap_or_default();
    let external = fields.get("externalPayloads").map(|external| format!(" stored elsewhere: {external}")).unwrap_or_default();
    format!("payload {}{kind}{external}", decoded.as_deref().unwrap_or(text))
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}
