//! Histories as people keep them: what is read, what is refused, and what is said of them.

mod canonical;
mod compare;
mod forms;
mod redaction;
mod refusals;
mod refused;
mod runs;

use foretime_history::{
    events::Index,
    forms::{Recorded, read},
};
use foretime_server::proto::history::History;
use prost::Message;

/// A run of workflow Order that a real server (1.32) and the Python SDK recorded, in protobuf.
const ORDER: &[u8] = include_bytes!("../../fixtures/order.pb");
/// As `temporal workflow show --output json` prints it.
const ORDER_CLI: &str = include_str!("../../fixtures/order.cli.json");

/// The history in a file that has one.
fn one(bytes: &[u8]) -> Recorded {
    let mut all = read(bytes).expect("it holds a history");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// A history up to and with an event.
fn until(encoded: &[u8], event_id: i64) -> &[u8] {
    &encoded[Index::of(encoded).span(1, event_id)]
}

/// Equal histories have equal messages, while their bytes may have fields in another order.
fn decoded(encoded: &[u8]) -> History {
    History::decode(encoded).expect("a history")
}
