//! A service whose panics are found. `Front` answers a call that panicked with `INTERNAL`, which callers try again: without this nobody
//! might ever hear of it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use foretime_campaign::finding::{Panicked, Whose, Wrong};
use foretime_server::{
    engine::{Connection, Notice, Order, Ticket, View, time::Time},
    rpc::{Answer, Call, Serve, Served},
};

use crate::world::Shared;

/// A service. The first of its panics is noted in the world, and all of them go on to who drives it.
pub(super) struct Heeded {
    service: Box<dyn Serve>,
    world: Shared,
}

impl Heeded {
    pub(super) fn boxed(service: Box<dyn Serve>, world: Shared) -> Box<dyn Serve> {
        Box::new(Self { service, world })
    }

    /// Does `work`. `place`: what to say of where it panicked.
    fn heed<R>(&mut self, place: &str, work: impl FnOnce(&mut dyn Serve) -> R) -> R {
        let service = self.service.as_mut();
        catch_unwind(AssertUnwindSafe(|| work(service))).unwrap_or_else(|payload| {
            let message = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            self.find(place, message.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default());
            resume_unwind(payload)
        })
    }

    /// What fell due may fall due again at once, and panic each time: only the first is found.
    fn find(&self, place: &str, message: String) {
        let mut world = self.world.lock();
        if world.findings().iter().any(|finding| matches!(finding.wrong, Wrong::Panicked(_))) {
            return;
        }
        let (process, thread, place) = ("server".to_owned(), "main".to_owned(), place.to_owned());
        let panicked = Panicked { process, whose: Whose::User, message, amid: None, thread, place };
        world.find(None, Wrong::Panicked(Box::new(panicked)));
    }
}

impl Serve for Heeded {
    fn call(&mut self, now: Time, call: Call, order: &mut Order<'_>) -> Served {
        let place = call.method.clone();
        self.heed(&place, |service| service.call(now, call, order))
    }

    fn closed(&mut self, now: Time, connection: Connection, order: &mut Order<'_>) {
        self.heed("the end of a connection", |service| service.closed(now, connection, order));
    }

    fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>) {
        self.heed("the end of a call that waited", |service| service.abandon(now, ticket, order));
    }

    fn advance(&mut self, now: Time, order: &mut Order<'_>) {
        self.heed("what fell due", |service| service.advance(now, order));
    }

    fn next_deadline(&self) -> Option<Time> {
        self.service.next_deadline()
    }

    fn next_answer(&mut self) -> Option<(Ticket, Answer)> {
        self.heed("an answer to a call that waited", |service| service.next_answer())
    }

    fn next_notice(&mut self) -> Option<Notice> {
        self.service.next_notice()
    }

    fn view(&self) -> View<'_> {
        self.service.view()
    }
}
