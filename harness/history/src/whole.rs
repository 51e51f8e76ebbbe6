//! Whether a history is all of a run, so far as its events tell.

use std::fmt;

use foretime_server::proto::enums::EventType;

use crate::wire;

/// Why a history is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWhole {
    /// It has no events.
    Empty,
    /// It begins with an event that no run begins with.
    Beginning {
        /// The id of its first event.
        first_event_id: i64,
    },
    /// After an event comes another than the next.
    Gap {
        /// The last event before the gap.
        after_event_id: i64,
        /// The event that follows it.
        next_event_id: i64,
    },
}

impl fmt::Display for NotWhole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("has no events"),
            Self::Beginning { first_event_id: 1 } => f.write_str("does not begin with the start of the workflow"),
            Self::Beginning { first_event_id } => write!(f, "begins with event {first_event_id}: those before it are missing"),
            Self::Gap { after_event_id, next_event_id } => {
                write!(f, "has event {next_event_id} right after event {after_event_id}")
            }
        }
    }
}

impl std::error::Error for NotWhole {}

/// Whether a history, given as the bytes of a `History`, begins with the start of a run and lacks no event after that. Whether events
/// are missing at its end cannot be told: the run may have been open.
///
/// # Errors
/// It does not, or it does.
pub fn whole(encoded: &[u8]) -> Result<(), NotWhole> {
    let mut events = wire::events(encoded);
    let first = events.next().ok_or(NotWhole::Empty)?;
    if first.id != 1 || first.kind != EventType::WorkflowExecutionStarted as i32 {
        return Err(NotWhole::Beginning { first_event_id: first.id });
    }
    let mut last_id = first.id;
    for event in events {
        if event.id != last_id + 1 {
            return Err(NotWhole::Gap { after_event_id: last_id, next_event_id: event.id });
        }
        last_id = event.id;
    }
    Ok(())
}
