//! The updates of a run that no event tells of.

use prost::{Message as _, Name};
use prost_types::Any;

use crate::{
    engine::{kernel::error::Error, rules::updates},
    proto::{
        failure::Failure,
        protocol::{Message, message::SequencingId},
        update::Request,
    },
};

/// The updates of a run that no event tells of: those that are not accepted yet, and those that the last
/// transaction ended without an event.
#[derive(Debug, Default)]
pub(in crate::engine::workflow) struct Updates {
    /// In the order in which they were admitted.
    pending: Vec<Pending>,
    ended: Vec<(String, Ended)>,
    /// Those that the end of the run has aborted: whoever asks for them later hears the same.
    aborted: Vec<(String, Error)>,
}

/// An update that is admitted and not accepted.
#[derive(Debug)]
struct Pending {
    /// It names its id.
    request: Request,
    /// The started event of the last task that took it to a worker.
    sent_with: Option<i64>,
    /// An event tells the worker of it: no message does.
    is_told: bool,
}

/// How an update ended that no event tells of.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Ended {
    /// The worker rejected it, or the server did so for it.
    Rejected(Failure),
    /// It was not processed.
    Aborted(Error),
}

impl Updates {
    pub(super) fn admit(&mut self, request: Request) {
        self.pending.push(Pending { request, sent_with: None, is_told: false });
    }

    /// An update that an event has admitted (again, by a reset).
    pub(in crate::engine::workflow) fn admit_told(&mut self, request: Request) {
        self.pending.push(Pending { request, sent_with: None, is_told: true });
    }

    /// Whether an update is admitted and not accepted; whether it has been sent to a worker.
    pub(in crate::engine::workflow) fn is_sent(&self, update_id: &str) -> Option<bool> {
        self.find(update_id).map(|pending| pending.sent_with.is_some())
    }

    pub(in crate::engine::workflow) fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// What the requests take, as the real server counts (`Update.GetSize`).
    pub(super) fn pending_bytes(&self) -> usize {
        self.pending.iter().map(|pending| updates::size_in_flight(update_id(&pending.request), &pending.request)).sum()
    }

    /// Takes an update out that is accepted now: its request, unless an event has that already.
    pub(super) fn take(&mut self, update_id: &str) -> Option<Request> {
        self.remove(update_id).filter(|pending| !pending.is_told).map(|pending| pending.request)
    }

    fn remove(&mut self, update_id: &str) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| self::update_id(&pending.request) == update_id)?;
        Some(self.pending.remove(at))
    }

    /// An update ends without being accepted.
    pub(super) fn end(&mut self, update_id: &str, ended: Ended) {
        if self.remove(update_id).is_some() {
            self.ended.push((update_id.to_owned(), ended));
        }
    }

    /// All that a worker has end in one way.
    pub(super) fn end_sent(&mut self, ended: &Ended) {
        let ending: Vec<_> = self.pending.extract_if(.., |pending| pending.sent_with.is_some()).collect();
        self.ended.extend(ending.into_iter().map(|pending| (update_id(&pending.request).to_owned(), ended.clone())));
    }

    /// All that are pending end in one way.
    pub(super) fn end_all(&mut self, ended: &Ended) {
        let ending = self.pending.drain(..).map(|pending| (update_id(&pending.request).to_owned(), ended.clone()));
        self.ended.extend(ending);
    }

    /// The run ends, and with it all that are pending.
    pub(super) fn abort_all(&mut self, error: &Error) {
        let aborted = self.pending.drain(..).map(|pending| (update_id(&pending.request).to_owned(), error.clone()));
        self.aborted.extend(aborted);
    }

    /// An update that the end of the run has aborted just now was aborted for another reason.
    pub(super) fn abort_again(&mut self, update_id: &str, error: &Error) {
        for (_, before) in self.aborted.iter_mut().filter(|(id, _)| id == update_id) {
            *before = error.clone();
        }
    }

    pub(super) fn aborted(&self, update_id: &str) -> Option<&Error> {
        self.aborted.iter().find(|(id, _)| id == update_id).map(|(_, error)| error)
    }

    /// As if no worker had been sent any.
    pub(super) fn unsend(&mut self) {
        self.pending.iter_mut().for_each(|pending| pending.sent_with = None);
    }

    /// A worker takes a workflow task: the pending updates go along, but with a heartbeat those alone that it does not have.
    pub(super) fn send(&mut self, started_event_id: i64, is_heartbeat: bool) {
        for pending in self.pending.iter_mut().filter(|pending| !is_heartbeat || pending.sent_with.is_none()) {
            pending.sent_with = Some(started_event_id);
        }
    }

    /// The messages that go along with a workflow task.
    pub(super) fn messages(&self, started_event_id: i64) -> Vec<Message> {
        let is_sent = |pending: &&Pending| pending.sent_with == Some(started_event_id) && !pending.is_told;
        let sent = self.pending.iter().filter(is_sent);
        sent.map(|pending| Message {
            id: updates::request_message_id(update_id(&pending.request)),
            protocol_instance_id: update_id(&pending.request).to_owned(),
            body: Some(in_message(&pending.request)),
            sequencing_id: Some(SequencingId::EventId(started_event_id - 1)),
        })
        .collect()
    }

    /// Those that have ended, in the order in which they did.
    pub(super) fn ended(&self) -> &[(String, Ended)] {
        &self.ended
    }

    pub(super) fn forget_ended(&mut self) {
        self.ended.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.ended.is_empty() && self.aborted.is_empty()
    }

    fn find(&self, update_id: &str) -> Option<&Pending> {
        self.pending.iter().find(|pending| self::update_id(&pending.request) == update_id)
    }
}

/// The id that a request names.
pub(in crate::engine::workflow) fn update_id(request: &Request) -> &str {
    request.meta.as_ref().map_or("", |meta| meta.update_id.as_str())
}

/// A request as a message carries it.
fn in_message(request: &Request) -> Any {
    Any { type_url: format!("type.googleapis.com/{}", Request::full_name()), value: request.encode_to_vec() }
}
