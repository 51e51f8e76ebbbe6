//! What of an event is replaced.

use std::collections::BTreeSet;

use foretime_server::proto::common::Payload;
use prost_reflect::{DynamicMessage, Value};

use super::{
    json::{self, Decide},
    keep::{Keep, Step, Where},
    stand_ins::StandIns,
};
use crate::{
    coded,
    contents::{Place, Visitor},
    payload,
};

/// Details of markers that SDKs note for themselves, by marker. All others of such a marker are the user's.
const BOOKKEEPING: [(&str, &[&str]); 7] = [
    ("core_patch", &["patch-data", "patch_id", "deprecated"]),
    ("Version", &["change-id", "changeId", "version", "version-search-attribute-updated", "versionSearchAttributeUpdated"]),
    ("core_local_activity", &["data"]),
    // Of Java. Until 2021, its `data` was the result.
    (JAVA_LOCAL_ACTIVITY, &["activityId", "type", "meta", "time"]),
    // Of Go.
    ("LocalActivity", &["data"]),
    ("SideEffect", &["side-effect-id"]),
    ("MutableSideEffect", &["id", "skipCount", "side-effect-id", "mutable-side-effect-call-counter"]),
];
/// What the marker is called here of which the details have an `activityId`.
pub(super) const JAVA_LOCAL_ACTIVITY: &str = "LocalActivity of Java";
/// Search attributes that the server and the SDKs write begin so.
const SYSTEM_ATTRIBUTES: [&str; 2] = ["Temporal", "BuildIds"];
/// No message has fields with this number: the compiler of protobuf reserves it.
const RESERVED_FIELD: u32 = 19_000;

/// Replaces what is contents in one event after another.
pub(super) struct Redaction<'a> {
    pub(super) keep: &'a Keep,
    pub(super) stand_ins: StandIns,
    /// What the event is of: the type of an activity or a workflow, the name of a signal or an update.
    pub(super) of: String,
    /// Of a marker, its name.
    pub(super) marker: Option<String>,
    /// Where something was replaced, as patterns that would keep it.
    pub(super) replaced: BTreeSet<String>,
    /// Encrypted payloads, which nobody can read, and which therefore stayed.
    pub(super) encrypted_count: usize,
    /// What could not be replaced, as parts of a sentence.
    pub(super) trouble: BTreeSet<String>,
}

impl Visitor for Redaction<'_> {
    fn payload(&mut self, place: &Place<'_>, payload: &mut DynamicMessage) {
        if self.is_of_the_sdk(place) {
            return;
        }
        let encoding = payload::encoding(payload).unwrap_or_default();
        let data = payload::data(payload);
        let is_elsewhere =
            payload.get_field_by_name("external_payloads").is_some_and(|it| it.as_list().is_some_and(|it| !it.is_empty()));
        if is_elsewhere {
            self.trouble.insert("payloads are kept in a store outside of the history".to_owned());
        } else if !data.is_empty()
            && let Some(data) = self.data(place.key, &String::from_utf8_lossy(&encoding), &data)
        {
            payload.set_field_by_name("data", Value::Bytes(data.into()));
        }
    }

    fn text(&mut self, place: &Place<'_>, text: &mut String) {
        if place.is_written() && !text.is_empty() && !self.keep.keeps_field(&self.of, place.field) {
            *text = self.stand_ins.text(text);
        }
    }
}

impl Redaction<'_> {
    /// Whether the server or the SDK has written it for itself.
    fn is_of_the_sdk(&self, place: &Place<'_>) -> bool {
        let Some(key) = place.key else { return false };
        match (place.field, &self.marker) {
            ("indexed_fields", _) => SYSTEM_ATTRIBUTES.iter().any(|name| key.starts_with(name)),
            ("details", Some(marker)) => BOOKKEEPING.iter().any(|(name, keys)| name == marker && keys.contains(&key)),
            _ => false,
        }
    }

    fn nested(&mut self, entry: Option<&str>, mut nested: Vec<Payload>) -> Option<Vec<u8>> {
        for payload in &mut nested {
            let encoding = String::from_utf8_lossy(&payload.metadata["encoding"]).into_owned();
            if let Some(data) = self.data(entry, &encoding, &payload.data) {
                payload.data = data;
            }
        }
        coded::to_json(&nested)
    }

    /// The data of a payload in this encoding with stand-ins; `None` if it stays.
    fn data(&mut self, entry: Option<&str>, encoding: &str, data: &[u8]) -> Option<Vec<u8>> {
        if self.keep.keeps(Where { of: &self.of, entry, path: &[] }) {
            return None;
        }
        match encoding {
            "binary/null" => None,
            "binary/plain" => {
                self.replaced.insert(whole(&self.of, entry));
                Some(self.stand_ins.bytes(data))
            }
            "binary/protobuf" => {
                self.replaced.insert(whole(&self.of, entry));
                Some(message_like(data))
            }
            json if json.starts_with("json/") => {
                if let Some(nested) = nested(data) {
                    return self.nested(entry, nested);
                }
                let mut values = Values { keep: self.keep, of: &self.of, entry, replaced: &mut self.replaced };
                let made = json::rewrite(data, &mut values, &mut self.stand_ins);
                if made.is_none() {
                    self.trouble.insert(format!("a payload of {encoding} is no JSON"));
                }
                made
            }
            // That is what all who encrypt call it.
            encrypted if encrypted.contains("encrypted") => {
                self.encrypted_count += 1;
                None
            }
            "" => {
                self.trouble.insert("a payload does not say how it is encoded".to_owned());
                None
            }
            coded => {
                self.trouble.insert(format!("payloads are of {coded}, which only their codec can read; give --codec-endpoint"));
                None
            }
        }
    }
}

/// The payloads that are the data of a payload, as Go's SDK writes those of mutable side effects.
fn nested(data: &[u8]) -> Option<Vec<Payload>> {
    let nested = coded::of_json(data).ok().filter(|nested| !nested.is_empty())?;
    nested.iter().all(|payload| payload.metadata.contains_key("encoding")).then_some(nested)
}

/// The pattern that keeps all of a payload.
fn whole(of: &str, entry: Option<&str>) -> String {
    entry.map_or_else(|| format!("{of}:$"), str::to_owned)
}

/// The values of a payload.
struct Values<'a> {
    keep: &'a Keep,
    of: &'a str,
    entry: Option<&'a str>,
    replaced: &'a mut BTreeSet<String>,
}

impl Decide for Values<'_> {
    fn keeps(&mut self, path: &[Step]) -> bool {
        self.keep.keeps(Where { of: self.of, entry: self.entry, path })
    }

    fn replaces(&mut self, path: &[Step]) {
        let key = path.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.clone()),
            Step::Index(_) => None,
        });
        self.replaced.insert(key.unwrap_or_else(|| whole(self.of, self.entry)));
    }
}

/// A message of any type, as long as this one if there is room, of which no field is set that the type has.
fn message_like(data: &[u8]) -> Vec<u8> {
    let mut key = Vec::new();
    prost::encoding::encode_varint(u64::from(RESERVED_FIELD << 3 | 2), &mut key);
    // A longer filling may need a longer length before it.
    let made = (0..=data.len()).rev().find_map(|filling| {
        let length = key.len() + prost::encoding::encoded_len_varint(filling as u64) + filling;
        (length == data.len()).then(|| {
            let mut made = key.clone();
            prost::encoding::encode_varint(filling as u64, &mut made);
            made.resize(length, 0);
            made
        })
    });
    made.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::history::History;
    use prost::Message;

    use super::*;

    #[test]
    fn a_message_of_any_type_has_an_unset_one_in_its_place() {
        for length in [0, 1, 3, 4, 50, 130, 131, 132, 133, 20_000] {
            let made = message_like(&vec![b'x'; length]);
            assert!(made.len() == length || made.is_empty() || length - made.len() < 2, "{length}: {}", made.len());
            assert_eq!(History::decode(made.as_slice()), Ok(History::default()));
        }
    }

    #[test]
    fn payloads_in_payloads_are_found() {
        // "side-effect" as Go's SDK writes the value of a mutable side effect.
        let go = br#"{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MA=="}]}"#;
        assert_eq!(nested(go).map(|nested| nested[0].data.clone()), Some(b"0".to_vec()));
        for other in [&br#"{"payloads":[]}"#[..], br#"{"payloads":[{"data":"MA=="}]}"#, b"[1]", br#"{"a":1}"#] {
            assert_eq!(nested(other), None);
        }
    }
}
