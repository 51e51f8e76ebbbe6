//! A history that can be passed on: what its run was about is replaced, and code replays it all the same.
//!
//! [`keep`] says which values stay. [`names`] are the ids and types in the history, which stay because replayed code asks for them.
//! [`stand_ins`] has for each value another of the same form and size, always the same for the same value, so that what was equal is equal.
//! [`json`] puts them into JSON without touching anything else, [`event`] decides what of an event is replaced, and [`history`] goes
//! through all events.
//!
//! Replaced are payloads (inputs, results, details, headers, memo, search attributes, heartbeats, outcomes of updates, failures' attributes),
//! the messages and stacks of failures, reasons, identities, fairness keys, and the headers and addresses of Nexus callbacks. JSON keeps its
//! keys, its length in bytes, its arrays' lengths, `true`, `false`, `null` and `0`; text keeps its length, its punctuation and
//! the kinds of its characters; dates remain dates, and UUIDs UUIDs. Everything else stays: ids, types, names, times, failures' types, and what
//! SDKs note in markers for themselves. A text that is part of an id stays as well: code may make the id of it.

mod event;
mod history;
mod json;
mod keep;
mod names;
mod stand_ins;

pub use history::{Redacted, redact};
pub use keep::{Keep, Pattern};
