//! When time skips: while the test waits. The count of who waits, in terms of TestService's locks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use foretime_server::{host::Host, proto::testservice::SleepRequest};
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

    /// Calls a method that the server answers at once, which all do but the sleeps.
    pub(crate) fn call_at_once<A: Message + Default>(&self, method: &str, request: &impl Message) -> Result<A, Status> {
        let answer = self.call(method, request).now_or_never();
        let answer = answer.unwrap_or_else(|| Err(Status::internal(format!("{method} did not answer at once"))))?;
        A::decode(answer).map_err(|error| Status::internal(error.to_string()))
    }

    async fn call(&self, method: &str, request: &impl Message) -> Result<Bytes, Status> {
        let message = request.encode_to_vec().into();
        self.host.call("temporal.api.testservice.v1.TestService", method, "", None, message).await
    }
}

/// Unlocks time skipping while someone waits.
///
/// A server starts with one lock, and time skips when there is none. The lock is lifted for as long as calls wait for an
/// outcome, be it one or many. A sleep lifts one lock by itself, and puts it back at the very instant when it ends; so
/// sleeps that overlap need a lock each.
#[derive(Debug)]
pub(crate) struct Skipping {
    test_service: TestService,
    enabled: bool,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    outcomes: usize,
    sleeps: usize,
}

impl Skipping {
    /// `enabled`: whether time may skip at all.
    pub(crate) fn new(test_service: TestService, enabled: bool) -> Self {
        Self { test_service, enabled, waiting: Arc::default() }
    }

    /// Someone waits for an outcome until the answer is dropped.
    pub(crate) fn wait_for_outcome(&self) -> Option<WaitsForOutcome<'_>> {
        if !self.enabled {
            return None;
        }
        let mut waiting = self.waiting();
        waiting.outcomes += 1;
        if waiting.outcomes == 1 {
            self.shift_lock("UnlockTimeSkipping");
        }
        Some(WaitsForOutcome { skipping: self })
    }

    /// Sleeps in virtual time.
    pub(crate) async fn sleep(&self, request: SleepRequest) -> Result<(), Status> {
        if !self.enabled {
            return self.test_service.call("Sleep", &request).await.map(drop);
        }
        let Some(_sleeps) = self.begin_sleep() else {
            // Time runs free already: there is no lock to lift for a while.
            let _waits = self.wait_for_outcome();
            return self.test_service.call("Sleep", &request).await.map(drop);
        };
        self.test_service.call("UnlockTimeSkippingWithSleep", &request).await.map(drop)
    }

    fn begin_sleep(&self) -> Option<Sleeps<'_>> {
        let mut waiting = self.waiting();
        if waiting.outcomes > 0 {
            return None;
        }
        waiting.sleeps += 1;
        if waiting.sleeps > 1 {
            self.shift_lock("LockTimeSkipping");
        }
        Some(Sleeps { skipping: self })
    }

    fn shift_lock(&self, method: &str) {
        let shifted = self.test_service.call_at_once::<()>(method, &());
        debug_assert!(shifted.is_ok(), "{method}: {shifted:?}");
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that waits for an outcome.
pub(crate) struct WaitsForOutcome<'a> {
    skipping: &'a Skipping,
}

impl Drop for WaitsForOutcome<'_> {
    fn drop(&mut self) {
        let mut waiting = self.skipping.waiting();
        waiting.outcomes -= 1;
        if waiting.outcomes == 0 {
            self.skipping.shift_lock("LockTimeSkipping");
        }
    }
}

struct Sleeps<'a> {
    skipping: &'a Skipping,
}

impl Drop for Sleeps<'_> {
    fn drop(&mut self) {
        let mut waiting = self.skipping.waiting();
        waiting.sleeps -= 1;
        if waiting.sleeps > 0 {
            self.skipping.shift_lock("UnlockTimeSkipping");
        }
    }
}
