//! What the transcoder must know of the messages in a history, in a table made once from the descriptors: how each field may be
//! called in JSON, and how protobuf has it.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
    sync::OnceLock,
};

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};

use crate::descriptors;

/// All messages that a history may hold.
pub(super) struct Schema {
    messages: Vec<Message>,
    enums: Vec<Names>,
    /// `History.events`, by which every history is read.
    pub(super) events: Field,
}

/// A message.
pub(super) struct Message {
    /// Which of those it is that JSON may have in a form of their own.
    pub(super) special: Special,
    members: Map<Member>,
}

/// Messages that JSON has in forms of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    None,
    Event,
    Timestamp,
    Duration,
    Payload,
    Payloads,
}

/// What the key of an object stands for.
pub(super) enum Member {
    Field(Field),
    /// The Rust SDK writes a oneof as an object with one key, the name of the variant.
    OneOf(Map<Field>),
}

/// A field of a message.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// As in JSON.
    pub(super) name: Box<str>,
    pub(super) number: u32,
    pub(super) shape: Shape,
    pub(super) kind: Scalar,
    /// Whether it is written even if it has its default value.
    pub(super) is_explicit: bool,
}

/// How often a field occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Single,
    List {
        is_packed: bool,
    },
    /// All maps in the API have strings for keys.
    Map,
}

/// The type of a field's value, or of each value in a list or map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Float,
    Double,
    String,
    Bytes,
    /// With its place in the table.
    Enum(usize),
    /// With its place in the table.
    Message(usize),
}

/// The values of an enum by name.
pub(super) struct Names {
    /// As in canonical JSON.
    exact: Map<i32>,
    /// Without underscores and in lower case, with and without what all names begin with.
    loose: Map<i32>,
    /// Whether this is `EventType`.
    pub(super) is_event_type: bool,
}

impl Schema {
    /// The table; `None` if the descriptors are not whole, or have what no history has today.
    pub(super) fn get() -> Option<&'static Self> {
        static SCHEMA: OnceLock<Option<Schema>> = OnceLock::new();
        SCHEMA.get_or_init(|| Self::of(&descriptors::history()?)).as_ref()
    }

    fn of(history: &MessageDescriptor) -> Option<Self> {
        let mut building = Building::default();
        building.message(history)?;
        let messages = building.messages.into_iter().collect::<Option<Vec<_>>>()?;
        let Member::Field(events) = messages.first()?.member("events")? else { return None };
        Some(Self { events: events.clone(), messages, enums: building.enums })
    }

    /// The field of payloads that says where their data is stored instead.
    pub(super) fn external_payloads(&self) -> Option<&Member> {
        self.messages.iter().find(|message| message.special == Special::Payload)?.member("externalPayloads")
    }

    /// The message at a place in the table.
    pub(super) fn message(&self, index: usize) -> &Message {
        &self.messages[index]
    }

    /// The names of the enum at a place in the table.
    pub(super) fn names(&self, index: usize) -> &Names {
        &self.enums[index]
    }
}

impl Message {
    /// What a key stands for; `None` if it is none of ours.
    pub(super) fn member(&self, key: &str) -> Option<&Member> {
        self.members.get(key)
    }
}

impl Names {
    /// The value that has this name in one of the forms in use: `EVENT_TYPE_TIMER_STARTED`, `TimerStarted`, `TIMER_STARTED`.
    pub(super) fn value(&self, name: &str) -> Option<i32> {
        self.exact.get(name).or_else(|| self.loose.get(loose(name).as_str())).copied()
    }
}

fn loose(name: &str) -> String {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

/// A table that is being made.
#[derive(Default)]
struct Building {
    places: BTreeMap<String, usize>,
    /// `None` for a message whose fields are still looked at: some hold themselves.
    messages: Vec<Option<Message>>,
    enums: Vec<Names>,
}

impl Building {
    fn message(&mut self, of: &MessageDescriptor) -> Option<usize> {
        if let Some(place) = self.places.get(of.full_name()) {
            return Some(*place);
        }
        let place = self.messages.len();
        self.places.insert(of.full_name().to_owned(), place);
        self.messages.push(None);
        let mut members = Map::default();
        for field in of.fields() {
            let ours = self.field(&field)?;
            for name in [field.name(), field.json_name()] {
                members.insert(name.into(), Member::Field(ours.clone()));
            }
        }
        for oneof in of.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            members.insert(oneof.name().into(), Member::OneOf(self.variants(&oneof)?));
        }
        self.messages[place] = Some(Message { special: Special::of(of.full_name()), members });
        Some(place)
    }

    fn variants(&mut self, of: &OneofDescriptor) -> Option<Map<Field>> {
        of.fields().map(|field| Some((pascal_case(field.name()).into(), self.field(&field)?))).collect()
    }

    fn field(&mut self, of: &FieldDescriptor) -> Option<Field> {
        let (shape, kind) = match of.kind() {
            Kind::Message(entry) if of.is_map() => {
                if !matches!(entry.map_entry_key_field().kind(), Kind::String) {
                    return None;
                }
                (Shape::Map, entry.map_entry_value_field().kind())
            }
            kind if of.is_list() => (Shape::List { is_packed: of.is_packed() }, kind),
            kind => (Shape::Single, kind),
        };
        let kind = self.scalar(&kind)?;
        let is_explicit = shape == Shape::Single && of.supports_presence();
        Some(Field { name: of.json_name().into(), number: of.number(), shape, kind, is_explicit })
    }

    fn scalar(&mut self, kind: &Kind) -> Option<Scalar> {
        Some(match kind {
            Kind::Bool => Scalar::Bool,
            Kind::Int32 => Scalar::Int32,
            Kind::Int64 => Scalar::Int64,
            Kind::Uint32 => Scalar::Uint32,
            Kind::Uint64 => Scalar::Uint64,
            Kind::Float => Scalar::Float,
            Kind::Double => Scalar::Double,
            Kind::String => Scalar::String,
            Kind::Bytes => Scalar::Bytes,
            Kind::Enum(names) => Scalar::Enum(self.names(names)),
            Kind::Message(message) => Scalar::Message(self.message(message)?),
            _ => return None,
        })
    }

    fn names(&mut self, of: &EnumDescriptor) -> usize {
        if let Some(place) = self.places.get(of.full_name()) {
            return *place;
        }
        let mut values = of.values().map(|value| (value.name().to_owned(), value.number()));
        let mut names = Names {
            exact: values.by_ref().map(|(name, number)| (name.into(), number)).collect(),
            loose: Map::default(),
            is_event_type: of.name() == "EventType",
        };
        let prefix = common_prefix(names.exact.keys().map(AsRef::as_ref));
        for (name, number) in &names.exact {
            for name in [&**name, &name[prefix..]] {
                names.loose.insert(loose(name).into(), *number);
            }
        }
        let place = self.enums.len();
        self.places.insert(of.full_name().to_owned(), place);
        self.enums.push(names);
        place
    }
}

impl Special {
    fn of(name: &str) -> Self {
        match name {
            "temporal.api.history.v1.HistoryEvent" => Self::Event,
            "google.protobuf.Timestamp" => Self::Timestamp,
            "google.protobuf.Duration" => Self::Duration,
            "temporal.api.common.v1.Payload" => Self::Payload,
            "temporal.api.common.v1.Payloads" => Self::Payloads,
            _ => Self::None,
        }
    }
}

/// How many bytes all names begin with, up to an underscore: all values of `EventType` begin with `EVENT_TYPE_`.
fn common_prefix<'n>(mut names: impl Iterator<Item = &'n str>) -> usize {
    let Some(first) = names.next() else { return 0 };
    let common = names.fold(first, |common, name| {
        let equal = common.bytes().zip(name.bytes()).take_while(|(one, other)| one == other).count();
        &common[..equal]
    });
    common.rfind('_').map_or(0, |underscore| underscore + 1)
}

fn pascal_case(snake: &str) -> String {
    snake.split('_').filter_map(|word| Some(word.get(..1)?.to_ascii_uppercase() + &word[1..])).collect()
}

/// Names that come from our own descriptors: nobody can choose them so that they collide, so a fast hash serves.
pub(super) type Map<V> = HashMap<Box<str>, V, BuildHasherDefault<Fast>>;

/// The hash of [`Map`].
#[derive(Default)]
pub(super) struct Fast(u64);

impl Hasher for Fast {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(rest.len() as u64, |word, byte| word << 8 | u64::from(*byte));
        self.write_u64(last);
    }

    fn write_u8(&mut self, _end_of_string: u8) {}

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        // The table takes its tags from the highest bits and its buckets from the lowest.
        self.0 ^ self.0 >> 32
    }
}
