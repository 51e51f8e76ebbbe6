//! JSON of a message straight to its protobuf bytes.
//!
//! Fields come in the order of the JSON. Fields that we do not know are left out: a newer server may have written them. Fields
//! that have their default value are left out too, as every protobuf library does.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    output::Output,
    schema::{Member, Message, Schema},
    value::{OneOf, Value},
};
use crate::wire;

/// What is written, and where in the JSON we are.
pub(super) struct Transcoder {
    pub(super) schema: &'static Schema,
    pub(super) output: Output,
    /// Left as it is by what fails, to tell where that was.
    path: Vec<Step>,
    /// The type of the event at hand, if we do not know it.
    unknown_type: Option<String>,
}

/// A step down in the JSON.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Field(&'static str),
    Index(usize),
}

impl Transcoder {
    pub(super) fn new(schema: &'static Schema) -> Self {
        Self { schema, output: Output::default(), path: Vec::new(), unknown_type: None }
    }

    /// Where it failed: `events[41].eventTime`.
    pub(super) fn path(&self) -> String {
        const STEPS_MAX: usize = 20;
        let mut told = String::new();
        for step in self.path.iter().take(STEPS_MAX) {
            match step {
                Step::Field(name) if told.is_empty() => told += name,
                Step::Field(name) => told += &format!(".{name}"),
                Step::Index(index) => told += &format!("[{index}]"),
            }
        }
        if self.path.len() > STEPS_MAX { told + "…" } else { told }
    }

    /// Goes a step down.
    pub(super) fn path_push(&mut self, step: Step) {
        self.path.push(step);
    }

    /// Comes back up.
    pub(super) fn path_pop(&mut self) {
        self.path.pop();
    }

    /// Does what is a step below.
    pub(super) fn within<T, E>(&mut self, step: Step, act: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.path.push(step);
        let done = act(self)?;
        self.path.pop();
        Ok(done)
    }

    /// The members of an object of this message, from `next` on: a key that the caller has taken already.
    pub(super) fn members<'de, A: MapAccess<'de>>(
        &mut self,
        message: &'static Message,
        mut next: Option<Option<&'static Member>>,
        object: &mut A,
    ) -> Result<(), A::Error> {
        loop {
            let member = match next.take() {
                Some(member) => member,
                None => match object.next_key_seed(Key(message))? {
                    Some(member) => member,
                    None => return Ok(()),
                },
            };
            match member {
                None => drop(object.next_value::<IgnoredAny>()?),
                Some(Member::Field(field)) => {
                    self.within(Step::Field(&field.name), |this| object.next_value_seed(Value::of(field, this)))?;
                }
                Some(Member::OneOf(variants)) => object.next_value_seed(OneOf { variants, transcoder: self })?,
            }
        }
    }

    /// The `external_payloads` of the payload at hand.
    pub(super) fn external(&mut self, json: &RawValue) -> serde_json::Result<()> {
        let Some(Member::Field(field)) = self.schema.external_payloads() else { return Ok(()) };
        Value::of(field, self).deserialize(&mut serde_json::Deserializer::from_str(json.get()))
    }

    /// Notes that the event at hand has a type that we do not know.
    pub(super) fn is_of_unknown_type(&mut self, name: &str) {
        self.unknown_type = Some(name.to_owned());
    }

    /// Whether it has.
    pub(super) const fn has_unknown_type(&self) -> bool {
        self.unknown_type.is_some()
    }

    /// Refuses an event of a type that we do not know, except one that workers may ignore.
    pub(super) fn known_type<E: Error>(&mut self, event: &[u8]) -> Result<(), E> {
        match self.unknown_type.take() {
            Some(name) if !wire::Event::of(event).is_some_and(|event| event.worker_may_ignore()) => {
                Err(E::custom(format_args!("events of type {name:?} are not known")))
            }
            _ => Ok(()),
        }
    }
}

/// A key of an object, looked up without a copy of it.
struct Key(&'static Message);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<&'static Member>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<&'static Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.member(name))
    }
}
