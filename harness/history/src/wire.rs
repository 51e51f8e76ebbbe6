//! Reads encoded messages without decoding them: decoded events take 2 KiB each, and most questions are about one or two fields.
//!
//! Nothing here fails: what is malformed ends where it is malformed. [`crate::forms::read`] refuses such histories.

/// The fields of a message, in the order of the bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Message<'b>(pub(crate) &'b [u8]);

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'b> {
    /// An integer, a bool or an enum; also the bits of a float.
    Number(u64),
    /// Text, bytes, a message or a packed list.
    Bytes(&'b [u8]),
}

/// What all events have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'b> {
    pub(crate) id: i64,
    /// Its `EventType`.
    pub(crate) kind: i32,
    pub(crate) attributes: Message<'b>,
    all: Message<'b>,
}

/// The numbers of the fields of `HistoryEvent` that are not its attributes.
mod event {
    pub(super) const ID: u32 = 1;
    pub(super) const TIME: u32 = 2;
    pub(super) const KIND: u32 = 3;
    pub(super) const ATTRIBUTES_FIRST: u32 = 6;
    pub(super) const WORKER_MAY_IGNORE: u32 = 300;
}

impl<'b> Message<'b> {
    /// The next field, and the rest of the message; `None` at its end, or where it is malformed.
    pub(crate) fn split_first(self) -> Option<(u32, Value<'b>, Self)> {
        let (key, rest) = varint(self.0)?;
        let (value, rest) = match key & 7 {
            0 => {
                let (number, rest) = varint(rest)?;
                (Value::Number(number), rest)
            }
            1 => {
                let (bytes, rest) = rest.split_first_chunk::<8>()?;
                (Value::Number(u64::from_le_bytes(*bytes)), rest)
            }
            2 => {
                let (length, rest) = varint(rest)?;
                let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (Value::Bytes(bytes), rest)
            }
            5 => {
                let (bytes, rest) = rest.split_first_chunk::<4>()?;
                (Value::Number(u32::from_le_bytes(*bytes).into()), rest)
            }
            _ => return None,
        };
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
        Some((number, value, Self(rest)))
    }

    /// All fields.
    pub(crate) fn fields(self) -> impl Iterator<Item = (u32, Value<'b>)> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let (number, value, after) = rest.split_first()?;
            rest = after;
            Some((number, value))
        })
    }

    /// The values of a repeated field, as messages.
    pub(crate) fn all(self, number: u32) -> impl Iterator<Item = Self> {
        self.fields().filter_map(move |(it, value)| match value {
            Value::Bytes(bytes) if it == number => Some(Self(bytes)),
            _ => None,
        })
    }

    /// A field that is a message; an empty one if there is none.
    pub(crate) fn message(self, number: u32) -> Self {
        self.all(number).last().unwrap_or_default()
    }

    /// A field that is text; empty if there is none, or if it is not UTF-8.
    pub(crate) fn text(self, number: u32) -> &'b str {
        std::str::from_utf8(self.message(number).0).unwrap_or_default()
    }

    /// A field that is a number; 0 if there is none.
    pub(crate) fn number(self, number: u32) -> i64 {
        let numbers = self.fields().filter_map(|(it, value)| match value {
            Value::Number(value) if it == number => Some(value.cast_signed()),
            _ => None,
        });
        numbers.last().unwrap_or_default()
    }

    /// The value of a map from text at a key; an empty one if there is none.
    pub(crate) fn entry(self, map: u32, key: &str) -> Self {
        self.all(map).find(|entry| entry.text(1) == key).map_or_else(Self::default, |entry| entry.message(2))
    }
}

impl<'b> Event<'b> {
    /// An encoded `HistoryEvent`; `None` if it has no id.
    pub(crate) fn of(encoded: &'b [u8]) -> Option<Self> {
        let all = Message(encoded);
        let mut this = Self { id: 0, kind: 0, attributes: Message::default(), all };
        for (number, value) in all.fields() {
            match (number, value) {
                (event::ID, Value::Number(id)) => this.id = id.cast_signed(),
                (event::KIND, Value::Number(kind)) => this.kind = i32::try_from(kind).unwrap_or_default(),
                (event::ATTRIBUTES_FIRST..event::WORKER_MAY_IGNORE, Value::Bytes(bytes)) => this.attributes = Message(bytes),
                _ => {}
            }
        }
        (this.id != 0).then_some(this)
    }

    /// When it happened, in seconds and nanoseconds since 1970; `None` if that is not recorded.
    pub(crate) fn time(&self) -> Option<(i64, i64)> {
        let time = self.all.all(event::TIME).last()?;
        Some((time.number(1), time.number(2)))
    }

    /// Whether workers may ignore it if they do not know its type.
    pub(crate) fn worker_may_ignore(&self) -> bool {
        self.all.number(event::WORKER_MAY_IGNORE) != 0
    }
}

/// The events of an encoded `History`, each encoded.
pub(crate) fn encoded_events(history: &[u8]) -> impl Iterator<Item = &[u8]> {
    Message(history).all(1).map(|event| event.0)
}

/// The same, looked into. Events without an id are left out.
pub(crate) fn events(history: &[u8]) -> impl Iterator<Item = Event<'_>> {
    encoded_events(history).filter_map(Event::of)
}

/// A varint and what follows it.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}
