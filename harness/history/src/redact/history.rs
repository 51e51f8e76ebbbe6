//! Goes through all events of a history.

use std::collections::{BTreeMap, BTreeSet};

use foretime_server::proto::history::HistoryEvent;
use prost::Message;
use prost_reflect::DynamicMessage;

use super::{
    event::{JAVA_LOCAL_ACTIVITY, Redaction},
    keep::Keep,
    names::Names,
    stand_ins::StandIns,
};
use crate::{
    attributes::Row,
    contents::{self, Place, Visitor},
    descriptors, markers, wire,
};

/// Of the attributes of `MarkerRecorded`.
const MARKER_DETAILS: u32 = 2;
/// Of `Payloads`, its payloads; of a payload, its data.
const PAYLOADS: u32 = 1;
const DATA: u32 = 2;

/// A redacted history.
#[derive(Clone, Debug)]
pub struct Redacted {
    /// The bytes of a `History`.
    pub encoded: Vec<u8>,
    /// What was replaced in payloads, as patterns that would keep it: keys of JSON mostly.
    pub replaced: BTreeSet<String>,
    /// How many payloads stayed because they are encrypted.
    pub encrypted_count: usize,
}

/// A `History` of which the events are not decoded.
#[derive(Clone, PartialEq, prost::Message)]
struct Events {
    #[prost(bytes = "vec", repeated, tag = "1")]
    events: Vec<Vec<u8>>,
}

/// Redacts a history, given as the bytes of a `History`.
///
/// # Errors
/// Something in it cannot be replaced. The text says what, as part of a sentence.
pub fn redact(encoded: &[u8], keep: &Keep) -> Result<Redacted, String> {
    let unreadable = || "an event cannot be read".to_owned();
    let history = Events::decode(encoded).map_err(|error| error.to_string())?;
    let mut redaction = Redaction {
        keep,
        stand_ins: StandIns::new(names(&history).ok_or_else(unreadable)?),
        of: String::new(),
        marker: None,
        replaced: BTreeSet::new(),
        encrypted_count: 0,
        trouble: BTreeSet::new(),
    };
    let mut of_events: BTreeMap<i64, String> = BTreeMap::new();
    let mut made = Events::default();
    for encoded in &history.events {
        let event = wire::Event::of(encoded).ok_or_else(unreadable)?;
        redaction.of = of(&event, &mut of_events);
        redaction.marker = event_marker(&event);
        let mut message = decoded(encoded).ok_or_else(unreadable)?;
        contents::visit(&mut message, &mut redaction);
        made.events.push(message.encode_to_vec());
    }
    if !redaction.trouble.is_empty() {
        return Err(redaction.trouble.into_iter().collect::<Vec<_>>().join("; "));
    }
    let Redaction { replaced, encrypted_count, .. } = redaction;
    Ok(Redacted { encoded: made.encode_to_vec(), replaced, encrypted_count })
}

fn decoded(event: &[u8]) -> Option<DynamicMessage> {
    DynamicMessage::decode(descriptors::of::<HistoryEvent>()?, event).ok()
}

/// What an event is of: its own name, or that of the event that began it, or the workflow's type.
fn of(event: &wire::Event<'_>, known: &mut BTreeMap<i64, String>) -> String {
    let row = Row::of(event);
    let began = || row.began(event).and_then(|id| known.get(&id).cloned());
    let own = markers::local_activity(event.attributes).unwrap_or_else(|| row.name(event).to_owned());
    let named = Some(own).filter(|name| !name.is_empty()).or_else(began);
    let name = named.or_else(|| known.values().next().cloned()).unwrap_or_default();
    known.insert(event.id, name.clone());
    name
}

fn event_marker(event: &wire::Event<'_>) -> Option<String> {
    let is_marker = event.kind == foretime_server::proto::enums::EventType::MarkerRecorded as i32;
    let name = Row::of(event).name(event);
    let has_activity_id = || event.attributes.all(MARKER_DETAILS).any(|entry| entry.text(1) == "activityId");
    match name {
        _ if !is_marker => None,
        "LocalActivity" if has_activity_id() => Some(JAVA_LOCAL_ACTIVITY.to_owned()),
        name => Some(name.to_owned()),
    }
}

/// The names in a history.
fn names(history: &Events) -> Option<Names> {
    let mut found = Found(Names::default());
    for encoded in &history.events {
        contents::visit(&mut decoded(encoded)?, &mut found);
        let event = wire::Event::of(encoded)?;
        let noted = [markers::local_activity(event.attributes), markers::patch(event.attributes).and_then(|patch| patch.id)];
        noted.iter().flatten().for_each(|name| found.0.add(name));
        // Go's SDK repeats it in the payload before the value.
        let side_effect = event.attributes.entry(MARKER_DETAILS, "side-effect-id");
        let side_effect = side_effect.all(PAYLOADS).next().map(|payload| payload.message(DATA).0);
        if let Some(Ok(id)) = side_effect.map(serde_json::from_slice::<String>) {
            found.0.add(&id);
        }
    }
    Some(found.0)
}

struct Found(Names);

impl Visitor for Found {
    fn payload(&mut self, _: &Place<'_>, _: &mut DynamicMessage) {}

    fn text(&mut self, place: &Place<'_>, text: &mut String) {
        if !place.is_written() {
            self.0.add(text);
        }
    }
}
