//! Brings together the histories that wait for a worker and the polls that wait for a task, and keeps what workers have in hand.

use std::{collections::BTreeMap, time::Duration};

use super::timeout;
use crate::{
    engine::{Connection, Ticket, time::Time},
    proto::foretimeservice::{Poller, ServeHistoryRequest},
};

/// A poll that meets no task ends after this long, as on the real server.
const LONG_POLL: Duration = Duration::from_secs(60);
/// ... or this long before the caller's own deadline.
const POLL_MARGIN: Duration = Duration::from_secs(1);

/// Names a history that a worker has in hand. The worker gives it back with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Token(u64);

/// A history that shall be served.
#[derive(Debug)]
pub(super) struct Ask {
    /// The parked call of who asked.
    pub(super) ticket: Ticket,
    pub(super) request: ServeHistoryRequest,
}

/// A worker's parked poll.
#[derive(Debug)]
pub(super) struct Poll {
    pub(super) ticket: Ticket,
    pub(super) connection: Connection,
    pub(super) worker_instance_key: String,
    pub(super) poller: Poller,
    /// When it ends with an empty answer.
    pub(super) until: Time,
}

/// A history that a worker has in hand.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) ask: Ask,
    pub(super) poller: Poller,
    connection: Connection,
    /// When the worker must have answered.
    until: Time,
}

/// Both sides.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    last_token: u64,
    /// In the order in which they came.
    waiting: Vec<Ask>,
    polls: Vec<Poll>,
    out: BTreeMap<Token, Out>,
}

impl Exchange {
    /// A history comes.
    pub(super) fn offer(&mut self, ask: Ask) {
        self.waiting.push(ask);
    }

    /// A poll comes.
    pub(super) fn park(&mut self, poll: Poll) {
        self.polls.push(poll);
    }

    /// Hands the oldest history for which there is a poll to the oldest poll. Returns that poll's ticket.
    pub(super) fn pair(&mut self, now: Time) -> Option<(Ticket, Token)> {
        let fits = |ask: &Ask, poll: &Poll| {
            let ServeHistoryRequest { task_queue, namespace, .. } = &ask.request;
            *task_queue == poll.poller.task_queue && (namespace.is_empty() || *namespace == poll.poller.namespace)
        };
        let (ask, poll) = self
            .waiting
            .iter()
            .enumerate()
            .find_map(|(at, ask)| Some((at, self.polls.iter().position(|poll| fits(ask, poll))?)))?;
        let (ask, poll) = (self.waiting.remove(ask), self.polls.remove(poll));
        self.last_token += 1;
        let token = Token(self.last_token);
        let until = timeout(&ask.request).map_or(Time::MAX, |timeout| now + timeout);
        self.out.insert(token, Out { ask, poller: poll.poller, connection: poll.connection, until });
        Some((poll.ticket, token))
    }

    /// What a worker has in hand under this token.
    pub(super) fn ask(&self, token: Token) -> Option<&Ask> {
        self.out.get(&token).map(|out| &out.ask)
    }

    /// The history that a worker has in hand under this token.
    pub(super) fn history(&self, token: Token) -> Option<&[u8]> {
        self.ask(token).map(|ask| ask.request.history.as_slice())
    }

    /// What a worker has in hand of this run.
    pub(super) fn find(&self, run_id: &str) -> Option<Token> {
        self.out.iter().find(|(_, out)| out.ask.request.run_id == run_id).map(|(token, _)| *token)
    }

    /// A worker has answered.
    pub(super) fn take(&mut self, token: Token) -> Option<Out> {
        self.out.remove(&token)
    }

    /// What a worker had in hand whose connection has closed.
    pub(super) fn take_of(&mut self, connection: Connection) -> Vec<Out> {
        self.take_where(|out| out.connection == connection)
    }

    /// What should have been answered by now.
    pub(super) fn take_overdue(&mut self, now: Time) -> Vec<Out> {
        self.take_where(|out| out.until <= now)
    }

    fn take_where(&mut self, is_over: impl Fn(&Out) -> bool) -> Vec<Out> {
        let over: Vec<Token> = self.out.iter().filter(|(_, out)| is_over(out)).map(|(token, _)| *token).collect();
        over.into_iter().filter_map(|token| self.out.remove(&token)).collect()
    }

    /// Ends polls, and returns their tickets.
    pub(super) fn end_polls(&mut self, is_over: impl Fn(&Poll) -> bool) -> Vec<Ticket> {
        self.polls.extract_if(.., |poll| is_over(poll)).map(|poll| poll.ticket).collect()
    }

    /// Forgets the polls of a connection that has closed.
    pub(super) fn forget_polls(&mut self, connection: Connection) {
        self.polls.retain(|poll| poll.connection != connection);
    }

    /// Forgets a call that was given up, on either side. What a worker has in hand it may still answer, to nobody.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        self.polls.retain(|poll| poll.ticket != ticket);
        self.waiting.retain(|ask| ask.ticket != ticket);
        self.out.retain(|_, out| out.ask.ticket != ticket);
    }

    /// When something ends by itself next.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        let polls = self.polls.iter().map(|poll| poll.until);
        polls.chain(self.out.values().map(|out| out.until)).min().filter(|until| *until < Time::MAX)
    }
}

impl Token {
    /// As a worker sends it back.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(u64::from_be_bytes(bytes)))
    }

    /// As a worker gets it.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    /// The token of a page of the history: which history, and from which byte on.
    pub(super) fn page(self, from: usize) -> Vec<u8> {
        [self.0.to_be_bytes(), (from as u64).to_be_bytes()].concat()
    }

    /// The same, as a worker sends it back.
    pub(super) fn of_page(bytes: &[u8]) -> Option<(Self, usize)> {
        let (token, from) = bytes.split_at_checked(8)?;
        let from = u64::from_be_bytes(from.try_into().ok()?);
        Some((Self::parse(token)?, usize::try_from(from).ok()?))
    }
}

/// When a poll ends with an empty answer.
pub(super) fn poll_until(now: Time, deadline: Option<Time>) -> Time {
    deadline.map_or(now + LONG_POLL, |deadline| (now + LONG_POLL).min(deadline - POLL_MARGIN)).max(now)
}
