//! The events of a history, looked at without decoding them.

use std::ops::Range;

use foretime_server::proto::enums::EventType;

use crate::wire;

/// Larger ids are none.
pub const ID_MAX: i64 = 1 << 31;

/// An event.
#[derive(Clone, Copy, Debug)]
pub struct Event<'b> {
    /// Its id, from 1.
    pub id: i64,
    /// Its type; `None` if we do not know it.
    pub event_type: Option<EventType>,
    /// The bytes of the `HistoryEvent`.
    pub encoded: &'b [u8],
}

impl Event<'_> {
    /// Whether it is a marker.
    pub fn is_marker(&self) -> bool {
        self.event_type == Some(EventType::MarkerRecorded)
    }

    /// Whether the code gets an answer from it within the workflow task that writes it: the result of a local activity, a patch, or
    /// an update that is accepted.
    pub fn is_answer(&self) -> bool {
        self.is_marker() || self.event_type == Some(EventType::WorkflowExecutionUpdateAccepted)
    }
}

/// The events of a history, given as the bytes of a `History`.
pub fn of(encoded: &[u8]) -> impl Iterator<Item = Event<'_>> {
    wire::encoded_events(encoded).filter_map(|encoded| {
        let event = wire::Event::of(encoded)?;
        Some(Event { id: event.id, event_type: EventType::try_from(event.kind).ok(), encoded })
    })
}

/// Where the events of a whole history lie ([`crate::whole`]): their ids count from 1. What is asked of it costs no walk from the start.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// The end of each event, in bytes.
    ends: Vec<usize>,
}

impl Index {
    /// Of a history, given as the bytes of a `History`.
    pub fn of(encoded: &[u8]) -> Self {
        let mut rest = wire::Message(encoded);
        let mut ends = Vec::new();
        while let Some((_, _, after)) = rest.split_first() {
            rest = after;
            ends.push(encoded.len() - rest.0.len());
        }
        Self { ends }
    }

    /// The bytes of the events from one to another, both included, as far as the history has them.
    pub fn span(&self, from_event_id: i64, until_event_id: i64) -> Range<usize> {
        let end = |event_id: i64| match usize::try_from(event_id) {
            Ok(count @ 1..) => self.ends.get(count - 1).or(self.ends.last()).copied().unwrap_or_default(),
            _ => 0,
        };
        let start = end(from_event_id.saturating_sub(1));
        start..end(until_event_id).max(start)
    }
}
