//! A service with something changed on its way in or out.

use std::collections::BTreeMap;

use foretime_server::{
    config::Config,
    engine::{Connection, Notice, Order, Ticket, View, time::Time},
    rpc::{Answer, Call, Serve, Served, Service},
};

/// What is changed. By default nothing is.
pub(crate) trait Tamper: Default + Send + 'static {
    /// A call comes. `Some`: it is answered so, and the service never hears of it.
    fn comes(&mut self, _call: &mut Call) -> Option<Answer> {
        None
    }

    /// A call is answered. `None`: the answer to a parked call is lost.
    fn goes(&mut self, _call: &Call, answer: Answer) -> Option<Answer> {
        Some(answer)
    }

    /// Whether the service hears that a connection has closed.
    fn tells_of_closing(&mut self, _connection: Connection) -> bool {
        true
    }
}

/// The service with this defect.
pub(crate) fn boxed<T: Tamper>(config: &Config) -> Box<dyn Serve> {
    let service = Service::boxed(config).expect("a service");
    Box::new(Tampered { service, tamper: T::default(), parked: BTreeMap::new() })
}

struct Tampered<T> {
    service: Box<dyn Serve>,
    tamper: T,
    parked: BTreeMap<Ticket, Call>,
}

impl<T: Tamper> Serve for Tampered<T> {
    fn call(&mut self, now: Time, mut call: Call, order: &mut Order<'_>) -> Served {
        if let Some(answer) = self.tamper.comes(&mut call) {
            return Served::Now(answer);
        }
        match self.service.call(now, call.clone(), order) {
            Served::Now(answer) => Served::Now(self.tamper.goes(&call, answer.clone()).unwrap_or(answer)),
            Served::Parked(ticket) => {
                self.parked.insert(ticket, call);
                Served::Parked(ticket)
            }
        }
    }

    fn closed(&mut self, now: Time, connection: Connection, order: &mut Order<'_>) {
        self.parked.retain(|_, call| call.caller.connection != connection);
        if self.tamper.tells_of_closing(connection) {
            self.service.closed(now, connection, order);
        }
    }

    fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>) {
        self.parked.remove(&ticket);
        self.service.abandon(now, ticket, order);
    }

    fn advance(&mut self, now: Time, order: &mut Order<'_>) {
        self.service.advance(now, order);
    }

    fn next_deadline(&self) -> Option<Time> {
        self.service.next_deadline()
    }

    fn next_answer(&mut self) -> Option<(Ticket, Answer)> {
        loop {
            let (ticket, answer) = self.service.next_answer()?;
            let Some(call) = self.parked.remove(&ticket) else { return Some((ticket, answer)) };
            if let Some(answer) = self.tamper.goes(&call, answer) {
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
