//! Payloads that only their codec can read: encrypted or compressed ones. Somebody else decodes them, in whichever way; here is what there
//! is to decode in a message, and the same message with what came of it in place.

use std::collections::{BTreeMap, BTreeSet};

use foretime_server::proto::common::{Payload, Payloads};
use prost::{Message, Name};
use prost_reflect::{DeserializeOptions, DynamicMessage, ReflectMessage};

use crate::{
    contents::{self, Place, Visitor},
    descriptors, payload,
};

/// A payload's metadata and data. Encoded messages are no key: their maps have no order.
type Key = (BTreeMap<String, Vec<u8>>, Vec<u8>);

/// The payloads of an encoded message, such as a `History`, that only their codec can read, each once.
pub fn of<M: Name>(encoded: &[u8]) -> Vec<Payload> {
    let mut found = Found::default();
    look::<M>(encoded, &mut found);
    found.payloads
}

/// Payloads as the JSON of a `Payloads` message, which codec servers are sent; `None` if they have none.
pub fn to_json(payloads: &[Payload]) -> Option<Vec<u8>> {
    let all = Payloads { payloads: payloads.to_vec() };
    let message = DynamicMessage::decode(descriptors::of::<Payloads>()?, all.encode_to_vec().as_slice()).ok()?;
    serde_json::to_vec(&message).ok()
}

/// The payloads in such JSON.
///
/// # Errors
/// It is something else.
pub fn of_json(json: &[u8]) -> Result<Vec<Payload>, String> {
    let descriptor = descriptors::of::<Payloads>().ok_or("the descriptors of the API are not whole")?;
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let message = DynamicMessage::deserialize_with_options(descriptor, &mut deserializer, &options);
    let all: Payloads = message.map_err(|error| error.to_string())?.transcode_to().map_err(|error| error.to_string())?;
    Ok(all.payloads)
}

/// Payloads with what came of decoding them.
#[derive(Clone, Debug, Default)]
pub struct Decoded(BTreeMap<Key, Payload>);

impl Decoded {
    /// Of payloads, and the same in the same order, decoded.
    pub fn new(coded: Vec<Payload>, decoded: Vec<Payload>) -> Self {
        Self(coded.into_iter().map(key).zip(decoded).collect())
    }

    /// An encoded message with decoded payloads where they are known.
    pub fn within<M: Name>(&self, encoded: &[u8]) -> Vec<u8> {
        look::<M>(encoded, &mut Replace(self)).unwrap_or_else(|| encoded.to_vec())
    }
}

/// Shows a visitor the contents of an encoded message, and encodes what it leaves.
fn look<M: Name>(encoded: &[u8], visitor: &mut impl Visitor) -> Option<Vec<u8>> {
    let mut message = DynamicMessage::decode(descriptors::of_any::<M>()?, encoded).ok()?;
    contents::visit(&mut message, visitor);
    Some(message.encode_to_vec())
}

fn key(payload: Payload) -> Key {
    (payload.metadata, payload.data)
}

#[derive(Default)]
struct Found {
    payloads: Vec<Payload>,
    known: BTreeSet<Key>,
}

impl Visitor for Found {
    fn payload(&mut self, _: &Place<'_>, payload: &mut DynamicMessage) {
        if payload::needs_codec(payload)
            && let Ok(payload) = payload.transcode_to::<Payload>()
            && self.known.insert(key(payload.clone()))
        {
            self.payloads.push(payload);
        }
    }

    fn text(&mut self, _: &Place<'_>, _: &mut String) {}
}

struct Replace<'a>(&'a Decoded);

impl Visitor for Replace<'_> {
    fn payload(&mut self, _: &Place<'_>, payload: &mut DynamicMessage) {
        if !payload::needs_codec(payload) {
            return;
        }
        let Ok(coded) = payload.transcode_to::<Payload>() else { return };
        let decoded = self.0.0.get(&key(coded)).map(Message::encode_to_vec);
        if let Some(Ok(decoded)) = decoded.map(|bytes| DynamicMessage::decode(payload.descriptor(), bytes.as_slice())) {
            *payload = decoded;
        }
    }

    fn text(&mut self, _: &Place<'_>, _: &mut String) {}
}

#[cfg(test)]
mod tests {
    use foretime_server::proto::command::CompleteWorkflowExecutionCommandAttributes;

    use super::*;

    fn payload(encoding: &str, data: &str) -> Payload {
        let metadata = BTreeMap::from([("encoding".to_owned(), encoding.as_bytes().to_vec())]);
        Payload { metadata, data: data.as_bytes().to_vec(), ..Payload::default() }
    }

    #[test]
    fn what_only_a_codec_can_read_is_found_once_and_replaced_everywhere() {
        let (secret, plain) = (payload("binary/encrypted", "???"), payload("json/plain", "1"));
        let result = |payloads| CompleteWorkflowExecutionCommandAttributes { result: Some(Payloads { payloads }) };
        let coded = result(vec![secret.clone(), plain.clone(), secret.clone()]).encode_to_vec();
        assert_eq!(of::<CompleteWorkflowExecutionCommandAttributes>(&coded), std::slice::from_ref(&secret));
        let opened = payload("json/plain", "\"Alice\"");
        let decoded = Decoded::new(vec![secret], vec![opened.clone()]);
        assert_eq!(
            decoded.within::<CompleteWorkflowExecutionCommandAttributes>(&coded),
            result(vec![opened.clone(), plain, opened]).encode_to_vec()
        );
    }

    #[test]
    fn payloads_go_through_json_and_back() {
        let all = vec![payload("binary/encrypted", "\u{1}?"), Payload::default()];
        assert_eq!(of_json(&to_json(&all).unwrap()), Ok(all));
        assert_eq!(of_json(br#"{"payloads":[{"data":"MQ==","new":1}]}"#).unwrap()[0].data, b"1");
        assert!(of_json(b"<html>").is_err() && of_json(b"[]").is_err());
    }
}
