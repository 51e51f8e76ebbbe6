//! Which workers have polled, what else was asked for in vain, and who waits to hear it.

use bytes::Bytes;
use prost::Message;

use crate::{
    engine::Ticket,
    proto::foretimeservice::{AwaitWorkersResponse, Poller},
};

/// All of it. The version grows with all that is new.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    known: AwaitWorkersResponse,
    waiting: Vec<Ticket>,
}

impl Attendance {
    /// Notes a poll. Returns whether it is the first of its kind.
    pub(super) fn poll(&mut self, poller: &Poller) -> bool {
        let is_new = !self.known.pollers.contains(poller);
        if is_new {
            self.known.pollers.push(poller.clone());
            self.known.version += 1;
        }
        is_new
    }

    /// Notes a call that was refused.
    pub(super) fn refuse(&mut self, method: &str) {
        if !self.known.refused_calls.iter().any(|known| known == method) {
            self.known.refused_calls.push(method.to_owned());
            self.known.version += 1;
        }
    }

    /// All that is known, if some of it is newer than `version`.
    pub(super) fn since(&self, version: i64) -> Option<&AwaitWorkersResponse> {
        (self.known.version > version).then_some(&self.known)
    }

    /// Parks a call that waits for news.
    pub(super) fn park(&mut self, ticket: Ticket) {
        self.waiting.push(ticket);
    }

    /// All that is known, encoded, and the calls that have waited for it.
    pub(super) fn news(&mut self) -> (Bytes, Vec<Ticket>) {
        (self.known.encode_to_vec().into(), std::mem::take(&mut self.waiting))
    }

    /// Forgets a call that was given up.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        self.waiting.retain(|waiting| *waiting != ticket);
    }
}
