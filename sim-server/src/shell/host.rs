//! Runs a [`Front`] in wall time on tokio: the clock, the lock, and the one task that wakes up when something is due. The gRPC
//! shell, or a client in the same process, passes bytes to [`Host::call`].

use std::{
    fmt, iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tonic::Status;

use crate::{
    engine::{Caller, Connection, Ticket, time::Time},
    rpc::{Answer, Serve},
    shell::{
        front::{Begun, Front, Incoming},
        watch::{self, Watcher},
    },
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
    front: Front<oneshot::Sender<Answer>>,
    /// What the driver will wake up for; [`Time::MAX`] if it sleeps until it is woken.
    driver_wakes_at: Time,
}

impl Host {
    /// Puts `service` to work and spawns its driver: the task that runs what falls due.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer enabled.
    pub fn new(service: Box<dyn Serve>) -> Self {
        Self::at_work(Front::new(service))
    }

    /// The same, with somebody who looks at it.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn watched(service: Box<dyn Serve>, watcher: Box<dyn Watcher>) -> Self {
        let host = Self::at_work(Front::watched(service, watcher));
        tokio::spawn(watch::look_around(Arc::downgrade(&host.inner)));
        host
    }

    fn at_work(front: Front<oneshot::Sender<Answer>>) -> Self {
        let wake = Arc::new(Notify::new());
        let state = Mutex::new(State { front, driver_wakes_at: Time::MAX });
        let inner = Arc::new(Inner { clock: Clock::start(), state, wake: wake.clone() });
        tokio::spawn(drive(Arc::downgrade(&inner), wake));
        Self { inner }
    }

    /// Whoever looks at the service looks at everything now, such as before the end.
    pub fn look_around(&self) {
        self.inner.look_around();
    }

    /// A client has connected. Returns the name of its connection.
    pub fn connect(&self) -> Connection {
        self.inner.lock().front.connect()
    }

    /// A client's connection has closed. Calls of it that still wait are given up.
    pub fn closed(&self, connection: Connection) {
        self.inner.enter(|front, now| front.closed(now, connection));
    }

    /// Serves one unary call, and waits if the service parks it. Dropping the future gives up the call.
    ///
    /// `service` and `method` are the two parts of the gRPC path. `caller` is what its headers tell (nothing, for a call of our
    /// own). `timeout` is how long the caller waits from now on.
    ///
    /// # Errors
    /// The service's refusal; `RESOURCE_EXHAUSTED` if the message is too large; `DEADLINE_EXCEEDED` if `timeout` passes first;
    /// `CANCELLED` if the connection closes first; `INTERNAL` if the service panicked (it is logged, and the service goes on).
    pub async fn call(&self, service: &str, method: &str, caller: Caller, timeout: Option<Duration>, message: Bytes) -> Answer {
        let incoming = Incoming { service, method, caller, timeout, message };
        let (sender, receiver) = oneshot::channel();
        let ticket = match self.inner.enter(|front, now| front.call(now, incoming, || sender)) {
            Begun::Answered(answer) => return answer,
            Begun::Parked(ticket) => ticket,
        };
        let mut parked = ParkedCall { inner: &self.inner, ticket: Some(ticket) };
        let received = receiver.await;
        parked.ticket = None;
        received.unwrap_or_else(|_| Err(Status::cancelled("the connection has closed")))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
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
        self.inner.enter(|front, now| front.abandon(now, ticket));
    }
}

impl Inner {
    /// A panic is caught before it can poison the lock. If one gets past, the state is still the best there is.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A caller's way to the service. Wakes the driver if something is now due before it would wake up.
    fn enter<R>(&self, work: impl FnOnce(&mut Front<oneshot::Sender<Answer>>, Time) -> R) -> R {
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
        let outcome = self.visit(Front::run_due, |state, next| {
            state.driver_wakes_at = next;
            idle = next.since(self.clock.now()).min(LONGEST_SLEEP);
        });
        if outcome.is_ok() { idle } else { idle.max(REST_AFTER_PANIC) }
    }

    pub(super) fn look_around(&self) {
        self.lock().front.look_around();
    }

    /// Does `work` at one instant and under the lock. Tells `afterwards` what is due next. Then hands out the resulting answers,
    /// with the lock released.
    fn visit<R>(
        &self,
        work: impl FnOnce(&mut Front<oneshot::Sender<Answer>>, Time) -> R,
        afterwards: impl FnOnce(&mut State, Time),
    ) -> R {
        let (answered, notices, outcome) = {
            let mut state = self.lock();
            let now = self.clock.now();
            let outcome = work(&mut state.front, now);
            let answered: Vec<_> = iter::from_fn(|| state.front.next_answer()).collect();
            let notices: Vec<_> = iter::from_fn(|| state.front.next_notice()).collect();
            let next = state.front.next_due().unwrap_or(Time::MAX);
            afterwards(&mut state, next);
            (answered, notices, outcome)
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
    use prost::Message;
    use tonic::Code;

    use super::*;
    use crate::{
        config::Config,
        proto::testservice::SleepRequest,
        rpc::{
            Service,
            table::{TEST_SERVICE, WORKFLOW_SERVICE},
        },
        shell::front::tests::Faulty,
    };

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_service_goes_on() {
        let host = Host::new(Faulty::boxed(false));
        let call = |method| host.call(WORKFLOW_SERVICE, method, Caller::default(), None, Bytes::new());
        let status = call("GetSystemInfo").await.expect_err("a panic");
        assert_eq!(status.code(), Code::Internal);
        assert!(!host.inner.state.is_poisoned());
        call("GetClusterInfo").await.expect("an answer");
    }

    #[tokio::test]
    async fn a_call_that_waits_ends_with_its_connection() {
        let host = Host::new(Service::boxed(&Config::default()).expect("a service"));
        let caller = Caller { connection: host.connect(), ..Caller::default() };
        let hour = SleepRequest { duration: Some(prost_types::Duration { seconds: 3600, nanos: 0 }) };
        let sleep = host.call(TEST_SERVICE, "Sleep", caller.clone(), None, hour.encode_to_vec().into());
        let (slept, ()) = tokio::join!(sleep, async { host.closed(caller.connection) });
        assert_eq!(slept.expect_err("it did not sleep for an hour").code(), Code::Cancelled);
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
