//! How fast requests follow each other, and how long a request is repeated.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until},
};
use tonic::{Code, Status};

/// How long a request is repeated if the cluster cannot answer at the moment.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The cluster's own limits are for each second.
const FIRST_WAIT_AT_LIMITS: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Spaces requests evenly.
#[derive(Debug)]
pub(super) struct Pace {
    gap: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// So many requests a second at most.
    pub(super) fn new(rate: u32) -> Self {
        Self { gap: Duration::from_secs(1) / rate.max(1), next: Mutex::new(Instant::now()) }
    }

    /// Waits until the next request may go.
    pub(super) async fn turn(&self) {
        let mut next = self.next.lock().await;
        let turn = (*next).max(Instant::now());
        *next = turn + self.gap;
        drop(next);
        sleep_until(turn).await;
    }
}

/// The attempts at one request.
#[derive(Debug)]
pub(super) struct Attempts {
    began: Instant,
    failed: u32,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), failed: 0 }
    }

    /// Waits before the next attempt, longer from time to time. Returns false if there is to be none, since `status` is an
    /// answer or patience is at its end.
    pub(super) async fn go_on(&mut self, status: &Status) -> bool {
        let first = match status.code() {
            Code::ResourceExhausted => FIRST_WAIT_AT_LIMITS,
            _ => FIRST_WAIT,
        };
        let wait = first.saturating_mul(1 << self.failed.min(10)).min(LONGEST_WAIT).mul_f64(chance());
        self.failed += 1;
        if !is_passing(status) || self.began.elapsed() + wait > PATIENCE {
            return false;
        }
        sleep(wait).await;
        true
    }
}

/// Whether the same request may have an answer later: the cluster says so, or the connection broke.
fn is_passing(status: &Status) -> bool {
    let code = status.code();
    matches!(code, Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded) || is_ours(status)
}

/// Whether the status was not sent by the cluster, but made here because the connection failed.
pub(super) fn is_ours(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// From 0.5 to 1, so that requests that failed together are not repeated together.
fn chance() -> f64 {
    let random = RandomState::new().hash_one(0) >> 32;
    0.5 + random as f64 / 2_f64.powi(33)
}
