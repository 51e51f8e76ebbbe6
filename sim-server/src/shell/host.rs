//! Runs a service in wall time on tokio: the clock, the lock, the parked calls, and the one task that wakes up when something
//! is due. The gRPC shell, or a client in the same process, passes bytes to [`Host::call`].

use std::{
    collections::HashMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tonic::Status;

use crate::{
    engine::{Caller, Connection, Ticket, View, time::Time},
    rpc::{Answer, Call, Serve, Served, first_come},
    shell::watch::{self, Watcher},
};

/// The longest sleep of the driver. Whatever is due later is checked again then.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);
/// How long the driver rests after a panic of the service. Otherwise a deadline that panics would make it spin.
const REST_AFTER_PANIC: Duration = Duration::from_millis(100);

/// A service at work. Cheap to clone. The service ends with the last clone.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    clock: Clock,
    state: Mutex<State>,
    wake: Arc<Notify>,
}

struct State {
    service: Box<dyn Serve>,
    watcher: Option<Box<dyn Watcher>>,
    parked: HashMap<Ticket, oneshot::Sender<Answer>>,
    last_connection: u64,
    /// What the driver will wake up for; [`Time::MAX`] if it sleeps until it is woken.
    driver_wakes_at: Time,
}

impl Host {
    /// Puts `service` to work and spawns its driver: the task that runs what falls due.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer enabled.
    pub fn new(service: Box<dyn Serve>) -> Self {
        Self::at_work(service, None)
    }

    /// The same, with somebody who looks at it.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn watched(service: Box<dyn Serve>, watcher: Box<dyn Watcher>) -> Self {
        let host = Self::at_work(service, Some(watcher));
        tokio::spawn(watch::look_around(Arc::downgrade(&host.inner)));
        host
    }

    fn at_work(service: Box<dyn Serve>, watcher: Option<Box<dyn Watcher>>) -> Self {
        let wake = Arc::new(Notify::new());
        let inner = Arc::new(Inner {
            clock: Clock::start(),
            state: Mutex::new(State {
                service,
                watcher,
                parked: HashMap::new(),
                last_connection: 0,
                driver_wakes_at: Time::MAX,
            }),
            wake: wake.clone(),
        });
        tokio::spawn(drive(Arc::downgrade(&inner), wake));
        Self { inner }
    }

    /// Whoever looks at the service looks at everything now, such as before the end.
    pub fn look_around(&self) {
        self.inner.look_around();
    }

    /// A client has connected. Returns the name of its connection.
    pub fn connect(&self) -> Connection {
        let mut state = self.inner.lock();
        state.last_connection += 1;
        Connection(state.last_connection)
    }

    /// A client's connection has closed.
    pub fn closed(&self, connection: Connection) {
        // A panic of the service is in the log; there is nobody left to tell.
        let _ = self.inner.enter(|state, now| state.service.closed(now, connection, &mut first_come));
    }

    /// Serves one unary call, and waits if the service parks it. Dropping the future gives up the call.
    ///
    /// `service` and `method` are the two parts of the gRPC path. `caller` is what its headers tell (nothing, for a call of our
    /// own). `timeout` is how long the caller waits from now on.
    ///
    /// # Errors
    /// The service's refusal; `DEADLINE_EXCEEDED` if `timeout` passes first; `INTERNAL` if the service panicked (it is logged,
    /// and the service goes on).
    pub async fn call(&self, service: &str, method: &str, caller: Caller, timeout: Option<Duration>, message: Bytes) -> Answer {
        let (ticket, receiver) = match self.begin(service, method, caller, timeout, message) {
            Begun::Answered(answer) => return answer,
            Begun::Parked(ticket, receiver) => (ticket, receiver),
        };
        let mut parked = ParkedCall { inner: &self.inner, ticket: Some(ticket) };
        let waited = match timeout {
            None => Ok(receiver.await),
            Some(timeout) => tokio::time::timeout(timeout, receiver).await,
        };
        let Ok(received) = waited else { return Err(Status::deadline_exceeded("Deadline Exceeded")) };
        parked.ticket = None;
        received.unwrap_or_else(|_| Err(Status::internal("the call was lost: this is a bug in Foretime")))
    }

    fn begin(&self, service: &str, method: &str, caller: Caller, timeout: Option<Duration>, message: Bytes) -> Begun {
        let begun = self.inner.enter(|state, now| {
            let call = Call {
                service: service.to_owned(),
                method: method.to_owned(),
                caller,
                deadline: timeout.map(|timeout| now + timeout),
                message,
            };
            match state.service.call(now, call, &mut first_come) {
                Served::Now(answer) => Begun::Answered(answer),
                Served::Parked(ticket) => {
                    let (sender, receiver) = oneshot::channel();
                    state.parked.insert(ticket, sender);
                    Begun::Parked(ticket, receiver)
                }
            }
        });
        begun.unwrap_or_else(|panic| {
            Begun::Answered(Err(Status::internal(format!("{service}/{method} panicked: {panic}. This is a bug in Foretime."))))
        })
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

enum Begun {
    Answered(Answer),
    Parked(Ticket, oneshot::Receiver<Answer>),
}

/// Gives up a parked call if its future is dropped before the answer.
struct ParkedCall<'a> {
    inner: &'a Inner,
    /// `None` once it is answered.
    ticket: Option<Ticket>,
}

impl Drop for ParkedCall<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let _ = self.inner.enter(|state, now| {
            if state.parked.remove(&ticket).is_some() {
                state.service.abandon(now, ticket, &mut first_come);
            }
        });
    }
}

impl Inner {
    /// A panic is caught before it can poison the lock. If one gets past, the state is still the best there is.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A caller's way to the service. Wakes the driver if something is now due before it would wake up.
    fn enter<R>(&self, work: impl FnOnce(&mut State, Time) -> R) -> Result<R, String> {
        let mut due_earlier = false;
        let outcome = self.visit(work, |state, next| {
            due_earlier = next < state.driver_wakes_at;
            state.driver_wakes_at = state.driver_wakes_at.min(next);
        });
        if due_earlier {
            self.wake.notify_one();
        }
        outcome
    }

    /// The driver's way to the service: runs what is due. Returns how long until something is due, unless a call changes that.
    fn run_due(&self) -> Duration {
        let mut idle = Duration::ZERO;
        let run = |state: &mut State, now| {
            if state.service.next_deadline().is_some_and(|due| due <= now) {
                state.service.advance(now, &mut first_come);
            }
        };
        let outcome = self.visit(run, |state, next| {
            state.driver_wakes_at = next;
            idle = next.since(self.clock.now()).min(LONGEST_SLEEP);
        });
        if outcome.is_ok() { idle } else { idle.max(REST_AFTER_PANIC) }
    }

    pub(super) fn look_around(&self) {
        self.lock().watch(|watcher, view| watcher.look_around(view));
    }

    /// Does `work` at one instant and under the lock, and catches panics. Tells `afterwards` what is due next. Then hands out
    /// the resulting answers, with the lock released.
    fn visit<R>(
        &self,
        work: impl FnOnce(&mut State, Time) -> R,
        afterwards: impl FnOnce(&mut State, Time),
    ) -> Result<R, String> {
        let (mut answered, mut notices) = (Vec::new(), Vec::new());
        let outcome = {
            let mut state = self.lock();
            let now = self.clock.now();
            let outcome = catch("the service", || work(&mut state, now));
            let next = catch("the service's queue", || {
                while let Some((ticket, answer)) = state.service.next_answer() {
                    if let Some(sender) = state.parked.remove(&ticket) {
                        answered.push((sender, answer));
                    }
                }
                while let Some(notice) = state.service.next_notice() {
                    notices.push(notice);
                }
                state.service.next_deadline()
            });
            afterwards(&mut state, next.ok().flatten().unwrap_or(Time::MAX));
            state.watch(|watcher, view| watcher.look(view));
            outcome
        };
        for notice in notices {
            if notice.is_warning {
                tracing::warn!("{}", notice.text);
            } else {
                tracing::info!("{}", notice.text);
            }
        }
        for (sender, answer) in answered {
            // If the receiver is gone, its caller has given up at this very moment.
            let _ = sender.send(answer);
        }
        outcome
    }
}

impl State {
    /// Has the watcher look, if there is one. A panic of it is in the log.
    fn watch(&mut self, look: impl FnOnce(&mut dyn Watcher, View<'_>) -> Option<String>) {
        let Self { service, watcher: Some(watcher), .. } = self else { return };
        if let Ok(Some(warning)) = catch("the watcher", || look(watcher.as_mut(), service.view())) {
            tracing::warn!("{warning}");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

/// The driver. It has a weak reference to the host, so it ends when the last [`Host`] is dropped.
async fn drive(inner: Weak<Inner>, wake: Arc<Notify>) {
    loop {
        let idle = match inner.upgrade() {
            Some(inner) => inner.run_due(),
            None => return,
        };
        if idle.is_zero() {
            // Something is due again at once, as while time skips. The calls that were answered get their turn first.
            tokio::task::yield_now().await;
        } else {
            let _ = tokio::time::timeout(idle, wake.notified()).await;
        }
    }
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

/// Wall time that never runs backwards: read once from the system's clock, then monotonic.
#[derive(Debug)]
struct Clock {
    wall_at_start: Time,
    start: Instant,
}

impl Clock {
    fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall_at_start: Time::EPOCH + since_epoch, start: Instant::now() }
    }

    fn now(&self) -> Time {
        self.wall_at_start + self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Config,
        rpc::{Service, table::WORKFLOW_SERVICE},
    };

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_service_goes_on() {
        let host = Host::new(Service::boxed(&Config::default()).expect("a service"));
        let outcome: Result<(), String> = host.inner.enter(|_, _| panic!("on purpose"));
        assert_eq!(outcome, Err("on purpose".to_owned()));
        assert!(!host.inner.state.is_poisoned());
        host.call(WORKFLOW_SERVICE, "GetSystemInfo", Caller::default(), None, Bytes::new()).await.expect("an answer");
    }

    #[tokio::test]
    async fn the_driver_ends_with_the_last_host() {
        let host = Host::new(Service::boxed(&Config::default()).expect("a service"));
        let wake = host.inner.wake.clone();
        tokio::task::yield_now().await;
        drop(host);
        let driver_ended = async {
            while Arc::strong_count(&wake) > 1 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), driver_ended).await.expect("the driver ends");
    }
}
