//! A service with something changed on its way in or out. Not to be kept.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use foretime_server::{
    config::Config,
    engine::{Connection, Notice, Order, Ticket, View, time::Time},
    rpc::{Answer, Call, Serve, Served, Service},
};
use prost::Message;

#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) count: u64,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) seen: BTreeMap<String, Bytes>,
    pub(crate) last: VecDeque<Bytes>,
    pub(crate) offset_ns: i64,
    pub(crate) stood_at: Option<i64>,
    pub(crate) until: i64,
    pub(crate) again: Option<Bytes>,
    pub(crate) polls_only: BTreeMap<Connection, bool>,
}

impl Memory {
    /// Once in so many.
    pub(crate) fn nth(&mut self, every: u64) -> bool {
        self.count += 1;
        self.count.is_multiple_of(every)
    }
}

pub(crate) struct Defect {
    pub(crate) comes: fn(&mut Memory, &mut Call) -> Option<Answer>,
    pub(crate) goes: fn(&mut Memory, &Call, Answer) -> Option<Answer>,
    pub(crate) closing: fn(&mut Memory, Connection) -> bool,
    pub(crate) abandon: fn(&mut Memory) -> bool,
    pub(crate) twice: fn(&mut Memory, &mut Call) -> bool,
    pub(crate) clock: fn(&mut Memory, Time) -> Time,
    pub(crate) advances: fn(&mut Memory, Time) -> bool,
    pub(crate) late: Duration,
    pub(crate) misdelivers: fn(&mut Memory, &Call) -> bool,
}

impl Default for Defect {
    fn default() -> Self {
        Self {
            comes: |_, _| None,
            goes: |_, _, answer| Some(answer),
            closing: |_, _| true,
            abandon: |_| true,
            twice: |_, _| false,
            clock: |_, now| now,
            advances: |_, _| true,
            late: Duration::ZERO,
            misdelivers: |_, _| false,
        }
    }
}

pub(crate) fn boxed(config: &Config, defect: Defect) -> Box<dyn Serve> {
    let service = Service::boxed(config).expect("a service");
    Box::new(Tampered { service, defect, memory: Memory::default(), parked: BTreeMap::new() })
}

pub(crate) fn edit<M: Message + Default>(bytes: &Bytes, change: impl FnOnce(&mut M)) -> Bytes {
    let mut message = M::decode(bytes.clone()).expect("a message");
    change(&mut message);
    message.encode_to_vec().into()
}

struct Tampered {
    service: Box<dyn Serve>,
    defect: Defect,
    memory: Memory,
    parked: BTreeMap<Ticket, Call>,
}

impl Serve for Tampered {
    fn call(&mut self, now: Time, mut call: Call, order: &mut Order<'_>) -> Served {
        let now = (self.defect.clock)(&mut self.memory, now);
        if let Some(answer) = (self.defect.comes)(&mut self.memory, &mut call) {
            return Served::Now(answer);
        }
        let copy = |call: &Call| call.clone();
        let mut first = copy(&call);
        if (self.defect.twice)(&mut self.memory, &mut first) {
            let _ = self.service.call(now, first, order);
        }
        match self.service.call(now, call.clone(), order) {
            Served::Now(answer) => {
                Served::Now((self.defect.goes)(&mut self.memory, &call, answer.clone()).unwrap_or(answer))
            }
            Served::Parked(ticket) => {
                self.parked.insert(ticket, call);
                Served::Parked(ticket)
            }
        }
    }

    fn closed(&mut self, now: Time, connection: Connection, order: &mut Order<'_>) {
        let now = (self.defect.clock)(&mut self.memory, now);
        self.parked.retain(|_, call| call.caller.connection != connection);
        if (self.defect.closing)(&mut self.memory, connection) {
            self.service.closed(now, connection, order);
        }
    }

    fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>) {
        let now = (self.defect.clock)(&mut self.memory, now);
        self.parked.remove(&ticket);
        if (self.defect.abandon)(&mut self.memory) {
            self.service.abandon(now, ticket, order);
        }
    }

    fn advance(&mut self, now: Time, order: &mut Order<'_>) {
        let now = (self.defect.clock)(&mut self.memory, now);
        if (self.defect.advances)(&mut self.memory, now) {
            self.service.advance(now, order);
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        let due = self.service.next_deadline()?;
        let due = Time::from_nanos(due.as_nanos().saturating_sub(self.memory.offset_ns));
        Some(if due == Time::MAX { due } else { due + self.defect.late })
    }

    fn next_answer(&mut self) -> Option<(Ticket, Answer)> {
        loop {
            let (ticket, answer) = self.service.next_answer()?;
            let Some(call) = self.parked.remove(&ticket) else { return Some((ticket, answer)) };
            let of_other = |it: &(&Ticket, &Call)| it.1.method == call.method && it.1.caller.connection != call.caller.connection;
            if let Some(other) = self.parked.iter().find(of_other).map(|it| *it.0)
                && (self.defect.misdelivers)(&mut self.memory, &call)
            {
                return Some((other, answer));
            }
            if let Some(answer) = (self.defect.goes)(&mut self.memory, &call, answer) {
                return Some((ticket, answer));
            }
        }
    }

    fn next_notice(&mut self) -> Option<Notice> {
        self.service.next_notice()
    }

    fn view(&self) -> View<'_> {
        self.service.view()
    }
}
