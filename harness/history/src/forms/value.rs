//! The value of one field: JSON as it comes, written as the type of the field has it.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

use super::{
    message::{Step, Transcoder},
    output::Output,
    payload::{self, Place},
    scalar,
    schema::{Field, Map, Member, Message, Scalar, Shape, Special},
    times,
};

/// A field's value, or one of the values of its list or map.
pub(super) struct Value<'t> {
    field: &'static Field,
    shape: Shape,
    /// Of what stands for itself, the field's number; `None` in a packed list.
    number: Option<u32>,
    is_explicit: bool,
    /// Where it stands, if it is a payload.
    place: Place,
    transcoder: &'t mut Transcoder,
}

impl<'t> Value<'t> {
    /// All of the field.
    pub(super) fn of(field: &'static Field, transcoder: &'t mut Transcoder) -> Self {
        let Field { shape, number, is_explicit, .. } = *field;
        Self { field, shape, number: Some(number), is_explicit, place: Place::Field, transcoder }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.transcoder.output
    }

    fn message(&self) -> Option<&'static Message> {
        match self.field.kind {
            Scalar::Message(place) => Some(self.transcoder.schema.message(place)),
            _ => None,
        }
    }

    fn special(&self) -> Special {
        self.message().map_or(Special::None, |message| message.special)
    }

    /// Values that are no messages always have a number to be written with where they are long.
    fn length_delimited(&mut self, bytes: &[u8]) {
        if self.is_explicit || !bytes.is_empty() {
            let number = self.field_number();
            self.output().bytes(number, bytes);
        }
    }

    fn field_number(&self) -> u32 {
        self.number.unwrap_or(self.field.number)
    }

    fn number<E: Error>(mut self, number: scalar::Number<'_>) -> Result<(), E> {
        match self.special() {
            Special::Timestamp | Special::Duration => {
                let nanos = number.integer().ok_or_else(|| E::custom("not a time"))?;
                return self.time(times::of_nanos(nanos));
            }
            _ => {}
        }
        let (kind, place, is_explicit) = (self.field.kind, self.number, self.is_explicit);
        let written = scalar::write_number(self.output(), kind, place, is_explicit, number);
        written.map_err(|expected| E::custom(format_args!("{number}, where {expected} is expected")))
    }

    fn time<E: Error>(mut self, (seconds, nanos): (i64, i32)) -> Result<(), E> {
        let number = self.field_number();
        let output = self.output();
        let open = output.open(number);
        for (number, value) in [(1, seconds), (2, i64::from(nanos))] {
            if value != 0 {
                output.varint(Some(number), value.cast_unsigned());
            }
        }
        output.close(open);
        Ok(())
    }

    fn enumerated<E: Error>(mut self, place: usize, name: &str) -> Result<(), E> {
        let names = self.transcoder.schema.names(place);
        let value = match names.value(name).or_else(|| name.parse().ok()) {
            Some(value) => value,
            None => {
                if names.is_event_type {
                    self.transcoder.is_of_unknown_type(name);
                }
                0
            }
        };
        let (number, is_explicit) = (self.number, self.is_explicit);
        if is_explicit || value != 0 {
            self.output().varint(number, i64::from(value).cast_unsigned());
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match (self.shape, self.special()) {
            (Shape::Single, Special::Payload) => {
                let json: &'de RawValue = serde::Deserialize::deserialize(deserializer)?;
                let number = self.field_number();
                payload::write(self.transcoder, number, json.get(), self.place).map_err(D::Error::custom)
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.shape, self.field.kind) {
            (Shape::List { .. }, _) => "a list",
            (Shape::Map, _) | (_, Scalar::Message(_)) => "an object",
            (_, Scalar::Bool) => "true or false",
            (_, Scalar::String) => "text",
            (_, Scalar::Bytes) => "bytes in base64",
            (_, Scalar::Enum(_)) => "a name",
            _ => "a number",
        };
        f.write_str(what)
    }

    /// `null` is the same as no field at all.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        if self.shape != Shape::Single || self.field.kind != Scalar::Bool {
            return Err(E::invalid_type(Unexpected::Bool(value), &self));
        }
        let (number, is_explicit) = (self.number, self.is_explicit);
        if is_explicit || value {
            self.output().varint(number, u64::from(value));
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.number(scalar::Number::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.number(scalar::Number::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.number(scalar::Number::Float(value))
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        match (self.shape, self.field.kind) {
            (Shape::List { .. } | Shape::Map, _) => Err(E::invalid_type(Unexpected::Str(text), &self)),
            (_, Scalar::String) => {
                self.length_delimited(text.as_bytes());
                Ok(())
            }
            (_, Scalar::Bytes) => {
                let bytes = scalar::base64(text).ok_or_else(|| E::custom(format_args!("not base64: {text:?}")))?;
                self.length_delimited(&bytes);
                Ok(())
            }
            (_, Scalar::Enum(place)) => self.enumerated(place, text),
            (_, Scalar::Message(_)) => {
                let time = match self.special() {
                    Special::Timestamp => times::timestamp(text),
                    Special::Duration => times::duration(text),
                    _ => return Err(E::invalid_type(Unexpected::Str(text), &self)),
                };
                self.time(time.ok_or_else(|| E::custom(format_args!("not a time: {text:?}")))?)
            }
            (_, Scalar::Bool) => Err(E::invalid_type(Unexpected::Str(text), &self)),
            _ => self.number(scalar::Number::Text(text)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        match (self.shape, self.special(), self.field.kind) {
            (Shape::List { is_packed }, ..) => self.elements(is_packed, &mut list),
            (Shape::Single, Special::Payloads, _) => self.shorthand(&mut list),
            // The form of `bytes` that serde gives by itself.
            (Shape::Single, _, Scalar::Bytes) => {
                let mut bytes = Vec::new();
                while let Some(byte) = list.next_element::<u8>()? {
                    bytes.push(byte);
                }
                self.length_delimited(&bytes);
                Ok(())
            }
            _ => Err(A::Error::invalid_type(Unexpected::Seq, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        let number = self.field_number();
        match (self.shape, self.message()) {
            (Shape::Map, _) => self.entries(&mut object),
            (Shape::Single, Some(message)) => {
                let open = self.output().open(number);
                self.transcoder.members(message, None, &mut object)?;
                if message.special == Special::Event && self.transcoder.has_unknown_type() {
                    let event = self.output().since(open).to_owned();
                    self.transcoder.known_type(&event)?;
                }
                self.output().close(open);
                Ok(())
            }
            _ => Err(A::Error::invalid_type(Unexpected::Map, &self)),
        }
    }
}

impl Value<'_> {
    fn elements<'de, A: SeqAccess<'de>>(&mut self, is_packed: bool, list: &mut A) -> Result<(), A::Error> {
        let field = self.field;
        let start = self.output().len();
        let packed = is_packed.then(|| self.output().open(field.number));
        let number = (!is_packed).then_some(field.number);
        let empty = self.output().len();
        for index in 0.. {
            let next = self.transcoder.within(Step::Index(index), |transcoder| {
                let (shape, place) = (Shape::Single, Place::List);
                list.next_element_seed(Value { field, shape, number, is_explicit: true, place, transcoder })
            })?;
            if next.is_none() {
                break;
            }
        }
        match packed {
            Some(_) if self.output().len() == empty => drop(self.output().split_off(start)),
            Some(open) => self.output().close(open),
            None => {}
        }
        Ok(())
    }

    /// A list in the place of `Payloads`: its payloads, or the data of each.
    fn shorthand<'de, A: SeqAccess<'de>>(&mut self, list: &mut A) -> Result<(), A::Error> {
        let Some(Member::Field(payloads)) = self.message().and_then(|it| it.member("payloads")) else { return Ok(()) };
        let number = self.field_number();
        let open = self.output().open(number);
        for index in 0.. {
            let next = self.transcoder.within(Step::Index(index), |transcoder| {
                let number = Some(payloads.number);
                let (field, shape) = (payloads, Shape::Single);
                list.next_element_seed(Value { field, shape, number, is_explicit: true, place: Place::Shorthand, transcoder })
            })?;
            if next.is_none() {
                break;
            }
        }
        self.output().close(open);
        Ok(())
    }

    fn entries<'de, A: MapAccess<'de>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        let field = self.field;
        while let Some(key) = object.next_key::<Cow<'de, str>>()? {
            let open = self.output().open(field.number);
            if !key.is_empty() {
                self.output().bytes(1, key.as_bytes());
            }
            let transcoder = &mut *self.transcoder;
            let (shape, number, place) = (Shape::Single, Some(2), Place::Shorthand);
            object.next_value_seed(Value { field, shape, number, is_explicit: false, place, transcoder })?;
            self.output().close(open);
        }
        Ok(())
    }
}

/// A oneof as the Rust SDK has it.
pub(super) struct OneOf<'t> {
    pub(super) variants: &'static Map<Field>,
    pub(super) transcoder: &'t mut Transcoder,
}

impl<'de> DeserializeSeed<'de> for OneOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneOf<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the name of a variant")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(name) = object.next_key::<Cow<'de, str>>()? {
            match self.variants.get(&*name) {
                None => drop(object.next_value::<IgnoredAny>()?),
                Some(field) => {
                    let step = Step::Field(&field.name);
                    self.transcoder.within(step, |transcoder| object.next_value_seed(Value::of(field, transcoder)))?;
                }
            }
        }
        Ok(())
    }
}
