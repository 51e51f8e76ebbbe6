//! The service: the engine behind the table.

use std::collections::BTreeMap;

use tonic::Status;

use super::{
    Answer, Call, Serve, Served, reply, status,
    table::{self, Role},
};
use crate::{
    config::Config,
    engine::{Connection, Context, Engine, Notice, Order, Ticket, View, time::Time},
};

/// The service. Pure: time comes in with each call, answers come out of a queue.
#[derive(Debug)]
pub struct Service {
    engine: Engine,
    last_ticket: u64,
    /// The parked calls, each with its connection.
    parked: BTreeMap<Ticket, Connection>,
    /// The call that is being served. If it is still set when another call comes, a panic ended it.
    serving: Option<Ticket>,
}

impl Service {
    /// A service that contains only what the configuration names.
    ///
    /// # Errors
    /// The configuration cannot be honoured; the status says why.
    pub fn new(config: &Config) -> Result<Self, Status> {
        let engine = Engine::new(config).map_err(|error| status::status(&error))?;
        Ok(Self { engine, last_ticket: 0, parked: BTreeMap::new(), serving: None })
    }

    /// The same for those who drive any service. All of it is then compiled with this crate, and none of it with theirs.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn boxed(config: &Config) -> Result<Box<dyn Serve>, Status> {
        Ok(Box::new(Self::new(config)?))
    }

    /// Follows another dynamic configuration from now on: key to JSON value, as [`Config::dynamic_config`].
    pub fn set_dynamic_config(&mut self, config: &BTreeMap<String, String>) {
        self.engine.set_dynamic_config(config);
    }

    /// Forgets a call that a panic ended. It may have been parked half-way, and nobody waits for its answer.
    fn forget_interrupted(&mut self, now: Time, order: &mut Order<'_>) {
        if let Some(ticket) = self.serving.take() {
            self.engine.abandon(now, ticket, order);
        }
    }
}

impl Serve for Service {
    fn call(&mut self, now: Time, call: Call, order: &mut Order<'_>) -> Served {
        self.forget_interrupted(now, order);
        let Some(row) = table::row(&call.service, &call.method) else {
            self.engine.tick(now, order);
            let text = format!("unknown method {} for service {}", call.method, call.service);
            return Served::Now(Err(Status::unimplemented(text)));
        };
        let Some(handler) = row.handler else {
            self.engine.tick(now, order);
            return Served::Now(Err(table::unimplemented(row)));
        };
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.serving = Some(ticket);
        let mut context = Context { now, ticket, caller: &call.caller, deadline: call.deadline, order };
        let answer = handler(&mut self.engine, &call.message, &mut context);
        self.serving = None;
        if row.role == Role::Write && matches!(answer, Some(Ok(_))) {
            self.engine.begin_anew();
        }
        match answer {
            Some(answer) => Served::Now(answer),
            None => {
                self.parked.insert(ticket, call.caller.connection);
                Served::Parked(ticket)
            }
        }
    }

    fn closed(&mut self, now: Time, connection: Connection, order: &mut Order<'_>) {
        let of_connection = self.parked.iter().filter(|(_, of)| **of == connection).map(|(ticket, _)| *ticket);
        let parked: Vec<_> = of_connection.collect();
        self.forget_interrupted(now, order);
        for ticket in &parked {
            self.parked.remove(ticket);
        }
        self.engine.close(now, connection, &parked, order);
    }

    fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>) {
        self.forget_interrupted(now, order);
        self.parked.remove(&ticket);
        self.engine.abandon(now, ticket, order);
    }

    fn advance(&mut self, now: Time, order: &mut Order<'_>) {
        self.forget_interrupted(now, order);
        self.engine.advance(now, order);
    }

    fn next_deadline(&self) -> Option<Time> {
        self.engine.next_deadline()
    }

    fn next_answer(&mut self) -> Option<(Ticket, Answer)> {
        let (ticket, answer) = self.engine.next_answer()?;
        self.parked.remove(&ticket);
        Some((ticket, answer.map(|reply| reply::encode(&reply)).map_err(|error| status::status(&error))))
    }

    fn next_notice(&mut self) -> Option<Notice> {
        self.engine.next_notice()
    }

    fn view(&self) -> View<'_> {
        self.engine.view()
    }
}
