//! Payloads as JSON has them: the canonical form with all in base64; the shorthand of the HTTP API and the CLI, which is the data alone;
//! and the "human readable" download of the Web UI, with its metadata as text and its data as JSON.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{message::Transcoder, scalar};

/// Where a payload stands, which decides what an empty one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a field of its own, where `null` is no payload at all.
    Field,
    /// In a list named `payloads`.
    List,
    /// In a map, or in a list in the place of `Payloads`. Even `{}` is data there.
    Shorthand,
}

/// What the key of a message's type is, beside the fields of that message.
const MESSAGE_TYPE: &str = "_protoMessageType";
const NULL: &[u8] = b"binary/null";
const METADATA: u32 = 1;
const DATA: u32 = 2;

/// An object that may be a payload.
#[derive(Deserialize)]
struct Parts<'j> {
    #[serde(borrow)]
    metadata: Option<BTreeMap<Cow<'j, str>, Cow<'j, str>>>,
    #[serde(borrow)]
    data: Option<&'j RawValue>,
    #[serde(borrow, rename = "externalPayloads", alias = "external_payloads")]
    external: Option<&'j RawValue>,
}

/// Writes the payload that this JSON is into the field `number`; nothing if it is the `null` of no field at all.
pub(super) fn write(transcoder: &mut Transcoder, number: u32, json: &str, place: Place) -> Result<(), String> {
    if json == "null" {
        if place != Place::Field {
            wrap(transcoder, number, &[("encoding", NULL)], |_| Ok(()))?;
        }
        return Ok(());
    }
    if json.starts_with('{') {
        if let Ok(parts) = serde_json::from_str::<Parts<'_>>(json)
            && parts.write(transcoder, number, place, is_empty(json))?
        {
            return Ok(());
        }
        if json.contains(MESSAGE_TYPE)
            && let Some((message_type, data)) = of_message(json)
        {
            let metadata: [(&str, &[u8]); 2] = [("encoding", b"json/protobuf"), ("messageType", message_type.as_bytes())];
            return wrap(transcoder, number, &metadata, |bytes| {
                bytes.extend_from_slice(data.as_bytes());
                Ok(())
            });
        }
    }
    wrap(transcoder, number, &[("encoding", b"json/plain")], |bytes| {
        compact(json, bytes);
        Ok(())
    })
}

fn is_empty(json: &str) -> bool {
    json[1..].trim_start().starts_with('}')
}

impl Parts<'_> {
    /// Writes it, if it is a payload: it has an encoding, or it has nothing at all where that is no data.
    fn write(self, transcoder: &mut Transcoder, number: u32, place: Place, is_empty: bool) -> Result<bool, String> {
        let metadata = self.metadata.unwrap_or_default();
        let Some(encoding) = metadata.get("encoding") else {
            let is_payload = is_empty && place != Place::Shorthand;
            if is_payload {
                wrap(transcoder, number, &[], |_| Ok(()))?;
            }
            return Ok(is_payload);
        };
        let is_text = self.data.is_none_or(|data| data.get().starts_with('"'));
        let decoded: Option<Vec<_>> = metadata.iter().map(|(key, value)| Some((&**key, scalar::base64(value)?))).collect();
        let encoded = decoded.filter(|all| is_text && all.iter().any(|(key, value)| *key == "encoding" && is_printable(value)));
        let external = self.external;
        match encoded {
            Some(metadata) => {
                let metadata: Vec<(&str, &[u8])> = metadata.iter().map(|(key, value)| (*key, &**value)).collect();
                let data: Cow<'_, str> = match self.data {
                    Some(data) => serde_json::from_str::<Text<'_>>(data.get()).map_err(|error| error.to_string())?.0,
                    None => Cow::Borrowed(""),
                };
                let write = |bytes: &mut Vec<u8>| {
                    let shown: String = data.chars().take(60).collect();
                    scalar::append_base64(&data, bytes).ok_or_else(|| format!("not base64: {shown:?}"))
                };
                wrap_with(transcoder, number, &metadata, write, external)?;
            }
            None if encoding.contains('/') => {
                let null = encoding.as_bytes() == NULL;
                let metadata: Vec<(&str, &[u8])> = metadata.iter().map(|(key, value)| (&**key, value.as_bytes())).collect();
                let write = |bytes: &mut Vec<u8>| {
                    if let Some(data) = self.data.filter(|_| !null) {
                        compact(data.get(), bytes);
                    }
                    Ok(())
                };
                wrap_with(transcoder, number, &metadata, write, external)?;
            }
            None => return Ok(false),
        }
        Ok(true)
    }
}

/// Text that is borrowed if it can be.
#[derive(Deserialize)]
struct Text<'j>(#[serde(borrow)] Cow<'j, str>);

/// Whether decoded metadata is what somebody would name an encoding. "json/plain" is base64 itself, but of no such thing.
fn is_printable(encoding: &[u8]) -> bool {
    !encoding.is_empty() && encoding.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

/// A payload with this metadata and the data that `write` appends.
fn wrap(
    transcoder: &mut Transcoder,
    number: u32,
    metadata: &[(&str, &[u8])],
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), String>,
) -> Result<(), String> {
    wrap_with(transcoder, number, metadata, write, None)
}

fn wrap_with(
    transcoder: &mut Transcoder,
    number: u32,
    metadata: &[(&str, &[u8])],
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), String>,
    external: Option<&RawValue>,
) -> Result<(), String> {
    let output = &mut transcoder.output;
    let payload = output.open(number);
    for (key, value) in metadata {
        let entry = output.open(METADATA);
        output.bytes(1, key.as_bytes());
        if !value.is_empty() {
            output.bytes(2, value);
        }
        output.close(entry);
    }
    let start = output.len();
    let data = output.open(DATA);
    let mut written = Ok(());
    output.raw(|bytes| written = write(bytes));
    written?;
    match output.since(data).is_empty() {
        true => drop(output.split_off(start)),
        false => output.close(data),
    }
    if let Some(external) = external {
        transcoder.external(external).map_err(|error| error.to_string())?;
    }
    transcoder.output.close(payload);
    Ok(())
}

/// The type and the data of a payload that is a message in shorthand.
fn of_message(json: &str) -> Option<(String, String)> {
    let mut fields: Fields<'_> = serde_json::from_str(json).ok()?;
    let at = fields.0.iter().position(|(key, _)| key == MESSAGE_TYPE)?;
    let message_type = serde_json::from_str(fields.0.remove(at).1.get()).ok()?;
    let mut bytes = vec![b'{'];
    for (index, (key, value)) in fields.0.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        bytes.extend(serde_json::to_vec(key).ok()?);
        bytes.push(b':');
        compact(value.get(), &mut bytes);
    }
    bytes.push(b'}');
    Some((message_type, String::from_utf8(bytes).ok()?))
}

/// The fields of an object in their order.
struct Fields<'j>(Vec<(Cow<'j, str>, &'j RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = object.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Appends JSON without the whitespace between its tokens. Nothing else changes: neither the order of fields nor how numbers are written.
fn compact(json: &str, bytes: &mut Vec<u8>) {
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        if in_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_text = byte == b'"';
        }
        bytes.push(byte);
    }
}
