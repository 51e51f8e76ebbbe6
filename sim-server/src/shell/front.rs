//! What every front of a service does, whatever carries its calls: connections get their names, calls wait for their answers
//! or their deadlines, callers give up, a panic is an answer. There is no clock, no lock and no runtime here. Who drives a
//! [`Front`] says what time it is, and calls [`Front::run_due`] at [`Front::next_due`].

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt, iter,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use bytes::Bytes;
use tonic::Status;

use super::watch::Watcher;
use crate::{
    engine::{Caller, Connection, Notice, Ticket, View, time::Time},
    rpc::{Answer, Call, Serve, Served, first_come},
};

/// The largest request message in bytes, uncompressed. The same as on the real server (the default of grpc-go).
pub const LARGEST_REQUEST_BYTES: usize = 4 << 20;
/// What the service is at when somebody who waited has given up.
const ABANDONMENT: &str = "the end of a call that waited";

/// A service, and the calls that wait for its answers. `W` is whom an answer goes to, such as one end of a channel.
///
/// A panic of the service is in the log, and the service goes on; the first is kept ([`Self::first_panic`]). A panic of the watcher is
/// in the log.
pub struct Front<W> {
    service: Box<dyn Serve>,
    watcher: Option<Box<dyn Watcher>>,
    /// How many connections there have been.
    connection_count: u64,
    waiting: BTreeMap<Ticket, Waiting<W>>,
    /// The deadlines of the calls that wait and have one.
    deadlines: BTreeSet<(Time, Ticket)>,
    /// The answers that nobody has taken yet, in the order in which they came.
    answers: VecDeque<(W, Answer)>,
    /// The lines for the log that nobody has taken yet.
    notices: VecDeque<Notice>,
    /// When the service is to be advanced next.
    service_due: Option<Time>,
    first_panic: Option<Panicked>,
}

/// A call that waits.
struct Waiting<W> {
    connection: Connection,
    deadline: Option<Time>,
    waiter: W,
}

/// A panic of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked {
    /// What the service was at: the method of a call, or words such as `what fell due`.
    pub amid: String,
    /// Its message; empty if it is no text.
    pub message: String,
}

/// One unary call as it arrives.
#[derive(Clone, Debug)]
pub struct Incoming<'a> {
    /// Full service name, such as `temporal.api.workflowservice.v1.WorkflowService`.
    pub service: &'a str,
    /// Method name, such as `StartWorkflowExecution`.
    pub method: &'a str,
    /// Who calls, according to the headers; nothing, for a call of our own.
    pub caller: Caller,
    /// How long the caller waits from now on; for ever if `None`.
    pub timeout: Option<Duration>,
    /// The request message, uncompressed.
    pub message: Bytes,
}

/// What has become of a call.
#[derive(Debug)]
pub enum Begun {
    /// It is answered.
    Answered(Answer),
    /// It waits. [`Front::next_answer`] will give its waiter and its answer.
    Parked(Ticket),
}

impl<W> Front<W> {
    /// Puts `service` to work.
    pub fn new(service: Box<dyn Serve>) -> Self {
        let mut front = Self {
            service,
            watcher: None,
            connection_count: 0,
            waiting: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            answers: VecDeque::new(),
            notices: VecDeque::new(),
            service_due: None,
            first_panic: None,
        };
        front.collect();
        front
    }

    /// The same, with somebody who looks at it: after each call, and after whatever has fallen due.
    pub fn watched(service: Box<dyn Serve>, watcher: Box<dyn Watcher>) -> Self {
        Self { watcher: Some(watcher), ..Self::new(service) }
    }

    /// A client has connected. Returns the name of its connection.
    pub fn connect(&mut self) -> Connection {
        self.connection_count += 1;
        Connection(self.connection_count)
    }

    /// A client's connection has closed. Its calls that wait are given up, and their waiters are dropped.
    pub fn closed(&mut self, now: Time, connection: Connection) {
        let of_connection = self.waiting.iter().filter(|(_, waiting)| waiting.connection == connection);
        for ticket in of_connection.map(|(ticket, _)| *ticket).collect::<Vec<_>>() {
            self.take_waiting(ticket);
        }
        // There is nobody left to tell of a panic.
        let _ = self.enter("the end of a connection", |front| front.service.closed(now, connection, &mut first_come));
    }

    /// Serves one call. `waiter` is asked for only if the call waits.
    ///
    /// The answer may be a refusal: that of the service; `RESOURCE_EXHAUSTED` if the message is larger than
    /// [`LARGEST_REQUEST_BYTES`]; `INTERNAL` if the service panicked. If the call waits, it may also be `DEADLINE_EXCEEDED`.
    pub fn call(&mut self, now: Time, incoming: Incoming<'_>, waiter: impl FnOnce() -> W) -> Begun {
        let Incoming { service, method, caller, timeout, message } = incoming;
        if message.len() > LARGEST_REQUEST_BYTES {
            return Begun::Answered(Err(too_large(message.len())));
        }
        let connection = caller.connection;
        let deadline = timeout.map(|timeout| now + timeout);
        let call = Call { service: service.to_owned(), method: method.to_owned(), caller, deadline, message };
        let begun = self.enter(method, |front| match front.service.call(now, call, &mut first_come) {
            Served::Now(answer) => Begun::Answered(answer),
            Served::Parked(ticket) => {
                front.wait(ticket, Waiting { connection, deadline, waiter: waiter() });
                Begun::Parked(ticket)
            }
        });
        begun.unwrap_or_else(|panic| {
            Begun::Answered(Err(Status::internal(format!("{service}/{method} panicked: {panic}. This is a bug in Foretime."))))
        })
    }

    /// Gives up a call that waits; its waiter is dropped. Nothing happens if the call waits no longer: an answer that is ready
    /// by then still comes out of [`Self::next_answer`].
    pub fn abandon(&mut self, now: Time, ticket: Ticket) {
        if self.take_waiting(ticket).is_some() {
            // There is nobody left to tell of a panic.
            let _ = self.enter(ABANDONMENT, |front| front.service.abandon(now, ticket, &mut first_come));
        }
    }

    /// Runs what is due in the service. Then every call whose deadline has passed by `now`, and that has no answer yet, is
    /// answered with `DEADLINE_EXCEEDED` and given up.
    ///
    /// # Errors
    /// The service panicked, with this message. The same may be due again at once, so whoever drives this rests a little.
    pub fn run_due(&mut self, now: Time) -> Result<(), String> {
        let advanced = self.attempt("what fell due", |front| {
            if front.service.next_deadline().is_some_and(|due| due <= now) {
                front.service.advance(now, &mut first_come);
            }
        });
        self.collect();
        let expired = self.expire(now);
        self.watch(|watcher, view| watcher.look(view));
        advanced.and(expired)
    }

    /// When [`Self::run_due`] must be called next, if nothing else happens before: for the service, or for the deadline of a
    /// call that waits.
    pub fn next_due(&self) -> Option<Time> {
        let of_callers = self.deadlines.first().map(|(deadline, _)| *deadline);
        [self.service_due, of_callers].into_iter().flatten().min()
    }

    /// The next answer to a call that has waited, and whom it goes to.
    pub fn next_answer(&mut self) -> Option<(W, Answer)> {
        self.answers.pop_front()
    }

    /// The next line for the log.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Whoever looks at the service looks at everything now.
    pub fn look_around(&mut self) {
        self.watch(|watcher, view| watcher.look_around(view));
    }

    /// The first panic of the service, if there has been one.
    pub fn first_panic(&self) -> Option<&Panicked> {
        self.first_panic.as_ref()
    }

    /// How many calls wait.
    pub fn parked_count(&self) -> usize {
        self.waiting.len()
    }

    /// What is inside the service.
    pub fn view(&self) -> View<'_> {
        self.service.view()
    }

    /// Does `work`, and then what follows from it: the answers that it gives, and a look. Gives the message of a panic of `work`.
    fn enter<R>(&mut self, amid: &str, work: impl FnOnce(&mut Self) -> R) -> Result<R, String> {
        let outcome = self.attempt(amid, work);
        self.collect();
        self.watch(|watcher, view| watcher.look(view));
        outcome
    }

    /// Has the service do `work`. Gives the message of its panic, which is kept if it is the first.
    fn attempt<R>(&mut self, amid: &str, work: impl FnOnce(&mut Self) -> R) -> Result<R, String> {
        catch("the service", || work(self)).inspect_err(|message| {
            let panicked = || Panicked { amid: amid.to_owned(), message: message.clone() };
            self.first_panic.get_or_insert_with(panicked);
        })
    }

    fn wait(&mut self, ticket: Ticket, waiting: Waiting<W>) {
        // A deadline at the end of time never passes.
        if let Some(deadline) = waiting.deadline.filter(|deadline| *deadline < Time::MAX) {
            self.deadlines.insert((deadline, ticket));
        }
        self.waiting.insert(ticket, waiting);
    }

    /// Takes a call that waits, and its deadline with it.
    fn take_waiting(&mut self, ticket: Ticket) -> Option<Waiting<W>> {
        let waiting = self.waiting.remove(&ticket)?;
        if let Some(deadline) = waiting.deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
        Some(waiting)
    }

    /// Takes what the service has to say: answers, lines for the log, and when it is due next.
    fn collect(&mut self) {
        // A panic is in the log; what is left comes next time.
        let due = self.attempt("what it had to say", |front| {
            while let Some((ticket, answer)) = front.service.next_answer() {
                if let Some(waiting) = front.take_waiting(ticket) {
                    front.answers.push_back((waiting.waiter, answer));
                }
            }
            front.notices.extend(iter::from_fn(|| front.service.next_notice()));
            front.service.next_deadline()
        });
        self.service_due = due.ok().flatten();
    }

    /// Gives up the calls whose deadline has passed. One may give another its answer, so they go one by one.
    fn expire(&mut self, now: Time) -> Result<(), String> {
        let mut outcome = Ok(());
        while let Some(&(_, ticket)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now) {
            let Some(waiting) = self.take_waiting(ticket) else { break };
            self.answers.push_back((waiting.waiter, Err(Status::deadline_exceeded("Deadline Exceeded"))));
            let abandoned = self.attempt(ABANDONMENT, |front| front.service.abandon(now, ticket, &mut first_come));
            self.collect();
            outcome = outcome.and(abandoned);
        }
        outcome
    }

    /// Has the watcher look, if there is one.
    fn watch(&mut self, look: impl FnOnce(&mut dyn Watcher, View<'_>) -> Option<String>) {
        let Self { service, watcher: Some(watcher), .. } = self else { return };
        if let Ok(Some(warning)) = catch("the watcher", || look(watcher.as_mut(), service.view())) {
            tracing::warn!("{warning}");
        }
    }
}

impl<W> fmt::Debug for Front<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("parked_count", &self.parked_count()).finish_non_exhaustive()
    }
}

/// The refusal of a request message of this size in bytes, with the code and words of the real server (grpc-go).
pub(super) fn too_large(size_bytes: impl fmt::Display) -> Status {
    Status::resource_exhausted(format!("grpc: received message larger than max ({size_bytes} vs. {LARGEST_REQUEST_BYTES})"))
}

/// Runs `work`. A panic becomes its message and a line in the log.
fn catch<R>(what: &str, work: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let message = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = message.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        tracing::error!(panic = %message, "{what} panicked");
        message
    })
}

#[cfg(test)]
pub(super) mod tests;
