//! Whatever protobuf says, its canonical JSON is read back as the same.

use std::sync::OnceLock;

use foretime_server::proto::DESCRIPTORS;
use proptest::{prelude::*, sample::Index};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::{decoded, one};

/// Numbers to choose by. They begin again when they run out.
struct Choices {
    numbers: Vec<u64>,
    next: usize,
}

impl Choices {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.numbers[self.next % self.numbers.len()].rotate_left(self.next as u32 / self.numbers.len() as u32)
    }

    fn index(&mut self, length: usize) -> usize {
        (self.number() % length as u64) as usize
    }
}

fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).expect("our own descriptors"))
}

/// A message with some of its fields, those of messages within it down to a depth.
fn message(of: &MessageDescriptor, choices: &mut Choices, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(of.clone());
    match of.full_name() {
        "google.protobuf.Timestamp" | "google.protobuf.Duration" => {
            message.set_field_by_name("seconds", Value::I64((choices.number() % 1_000_000_000) as i64));
            message.set_field_by_name("nanos", Value::I32((choices.number() % 1_000_000_000) as i32));
            return message;
        }
        // Every payload has an encoding: see `payloads_in_shorthand_keep_how_they_are_written` for what has none.
        "temporal.api.common.v1.Payload" => {
            let encodings = ["json/plain", "binary/null", "binary/encrypted", "my-own"];
            let encoding = Value::Bytes(encodings[choices.index(4)].as_bytes().to_vec().into());
            message.set_field_by_name("metadata", Value::Map([(MapKey::String("encoding".to_owned()), encoding)].into()));
            message.set_field_by_name("data", Value::Bytes(choices.number().to_le_bytes().to_vec().into()));
            return message;
        }
        _ => {}
    }
    let fields: Vec<FieldDescriptor> = of.fields().collect();
    for field in &fields {
        // Few of the many attributes that an event may have.
        let is_wanted = field.name() == "event_id" || choices.number().is_multiple_of(if depth > 1 { 2 } else { 4 });
        let is_deep = matches!(field.kind(), Kind::Message(_)) && depth == 0;
        if is_wanted
            && !is_deep
            && !field.containing_oneof().is_some_and(|oneof| oneof.fields().any(|it| message.has_field(&it)))
        {
            message.set_field(field, value(field, choices, depth));
        }
    }
    message
}

fn value(field: &FieldDescriptor, choices: &mut Choices, depth: usize) -> Value {
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { panic!("maps have entries") };
        let key = MapKey::String(choices.number().to_string());
        return Value::Map([(key, single(&entry.map_entry_value_field().kind(), choices, depth))].into());
    }
    if field.is_list() {
        return Value::List((0..choices.index(3)).map(|_| single(&field.kind(), choices, depth)).collect());
    }
    single(&field.kind(), choices, depth)
}

fn single(kind: &Kind, choices: &mut Choices, depth: usize) -> Value {
    let texts = ["", "order", "a \"quoted\"\nline", "é ✓"];
    match kind {
        Kind::Message(message_type) => Value::Message(message(message_type, choices, depth.saturating_sub(1))),
        Kind::Enum(names) => {
            let values: Vec<i32> = names.values().map(|value| value.number()).collect();
            Value::EnumNumber(values[choices.index(values.len())])
        }
        Kind::String => Value::String(texts[choices.index(4)].to_owned()),
        Kind::Bytes => Value::Bytes(choices.number().to_le_bytes()[..choices.index(8)].to_vec().into()),
        Kind::Bool => Value::Bool(choices.number().is_multiple_of(2)),
        Kind::Int32 => Value::I32(choices.number() as u32 as i32),
        Kind::Int64 => Value::I64(choices.number() as i64),
        Kind::Uint32 => Value::U32(choices.number() as u32),
        Kind::Uint64 => Value::U64(choices.number()),
        Kind::Float => Value::F32(choices.index(1000) as f32 / 8.0),
        Kind::Double => Value::F64(choices.index(1000) as f64 / 8.0),
        _ => panic!("no history has {kind:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn canonical_json_is_read_back(numbers in prop::collection::vec(any::<u64>(), 64..256), events in 1..12_i64, at in any::<Index>()) {
        let history = pool().get_message_by_name("temporal.api.history.v1.History").unwrap();
        let Kind::Message(event_type) = history.get_field_by_name("events").unwrap().kind() else { panic!("events are messages") };
        let attributes: Vec<FieldDescriptor> = event_type.oneofs().find(|it| it.name() == "attributes").unwrap().fields().collect();
        let mut choices = Choices { numbers, next: 0 };
        let events = (1..=events).map(|id| {
            let mut event = message(&event_type, &mut choices, 1);
            let field = &attributes[(at.index(attributes.len()) + id as usize) % attributes.len()];
            event.set_field(field, value(field, &mut choices, 4));
            event.set_field_by_name("event_id", Value::I64(id));
            Value::Message(event)
        });
        let mut message = DynamicMessage::new(history);
        message.set_field_by_name("events", Value::List(events.collect()));
        let json = serde_json::to_string_pretty(&message).unwrap();
        let recorded = one(json.as_bytes());
        prop_assert_eq!(decoded(&recorded.encoded), decoded(&message.encode_to_vec()));
        // And to the byte, but for the order of fields.
        prop_assert_eq!(recorded.encoded.len(), message.encode_to_vec().len());
    }
}
