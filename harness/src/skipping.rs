//! When time skips: while the test waits. Counts who waits, and turns that into TestService's locks.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use foretime_server::{engine::Caller, proto::testservice::SleepRequest, rpc::table::TEST_SERVICE, shell::host::Host};
use futures_util::FutureExt;
use prost::Message;
use tonic::Status;

/// The time-skipping service of a server in this process.
#[derive(Clone, Debug)]
pub(crate) struct TestService {
    host: Host,
}

impl TestService {
    pub(crate) fn new(host: Host) -> Self {
        Self { host }
    }

    /// The server itself.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Calls a method that the server answers at once. All do, except for the sleeps.
    pub(crate) fn call_at_once<A: Message + Default>(&self, method: &str, request: &impl Message) -> Result<A, Status> {
        let answer = self.call(method, request).now_or_never();
        let answer = answer.unwrap_or_else(|| Err(Status::internal(format!("{method} did not answer at once"))))?;
        A::decode(answer).map_err(|error| Status::internal(error.to_string()))
    }

    async fn call(&self, method: &str, request: &impl Message) -> Result<Bytes, Status> {
        let message = request.encode_to_vec().into();
        self.host.call(TEST_SERVICE, method, Caller::default(), None, message).await
    }
}

/// Keeps time locked while nobody waits.
///
/// Time skips when there is no lock, and a sleep lifts one until the very instant when it ends. So there is one lock for each
/// sleep. Without a sleep, one lock is always held, except while one or more calls wait for an outcome.
#[derive(Debug)]
pub(crate) struct Skipping {
    test_service: TestService,
    enabled: bool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    outcomes: usize,
    sleeps: usize,
    /// The number that the server has been told.
    locks: usize,
}

impl Waiting {
    fn wanted_locks(&self) -> usize {
        match (self.sleeps, self.outcomes) {
            (0, 0) => 1,
            (sleeps, _) => sleeps,
        }
    }
}

impl Skipping {
    /// For a server that starts with its one lock. `enabled`: whether time may skip at all.
    pub(crate) fn new(test_service: TestService, enabled: bool) -> Self {
        Self { test_service, enabled, waiting: Mutex::new(Waiting { outcomes: 0, sleeps: 0, locks: 1 }) }
    }

    /// Notes that someone waits for an outcome, until the returned value is dropped.
    pub(crate) fn wait_for_outcome(&self) -> Option<impl Drop> {
        self.enabled.then(|| self.wait(|waiting| &mut waiting.outcomes))
    }

    /// Sleeps in virtual time.
    pub(crate) async fn sleep(&self, request: SleepRequest) -> Result<(), Status> {
        if !self.enabled {
            return self.test_service.call("Sleep", &request).await.map(drop);
        }
        let _waits = self.wait(|waiting| &mut waiting.sleeps);
        self.test_service.call("UnlockTimeSkippingWithSleep", &request).await.map(drop)
    }

    fn wait(&self, count: Count) -> Waits<'_> {
        self.change(|waiting| *count(waiting) += 1);
        Waits { skipping: self, count }
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut waiting);
        while waiting.locks != waiting.wanted_locks() {
            let more = waiting.locks < waiting.wanted_locks();
            let method = if more { "LockTimeSkipping" } else { "UnlockTimeSkipping" };
            let shifted = self.test_service.call_at_once::<()>(method, &());
            debug_assert!(shifted.is_ok(), "{method}: {shifted:?}");
            waiting.locks = if more { waiting.locks + 1 } else { waiting.locks - 1 };
        }
    }
}

/// Selects one of the two counts.
type Count = fn(&mut Waiting) -> &mut usize;

struct Waits<'a> {
    skipping: &'a Skipping,
    count: Count,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.skipping.change(|waiting| *(self.count)(waiting) -= 1);
    }
}
