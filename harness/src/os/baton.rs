//! What a thread waits for until its turn: a real futex, never a simulated one.

use std::{
    ffi::c_long,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::real;

/// A binary semaphore with one waiter.
#[derive(Debug, Default)]
pub(super) struct Baton(AtomicU32);

impl Baton {
    /// Hands it over.
    pub(super) fn post(&self) {
        self.0.store(1, Ordering::Release);
        self.futex(libc::FUTEX_WAKE, 1, None);
    }

    /// Waits until it is handed over.
    pub(super) fn wait(&self) {
        while !self.try_take() {
            self.futex(libc::FUTEX_WAIT, 0, None);
        }
    }

    /// As [`Self::wait`], for at most `limit` of real time. Returns whether it was handed over.
    pub(super) fn wait_for(&self, limit: Duration) -> bool {
        if !self.try_take() {
            self.futex(libc::FUTEX_WAIT, 0, Some(limit));
            return self.try_take();
        }
        true
    }

    fn try_take(&self) -> bool {
        self.0.compare_exchange(1, 0, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn futex(&self, operation: i32, value: u32, limit: Option<Duration>) {
        let limit = limit.map(|limit| libc::timespec {
            tv_sec: libc::time_t::try_from(limit.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: c_long::from(i32::try_from(limit.subsec_nanos()).unwrap_or(0)),
        });
        let limit: *const libc::timespec = limit.as_ref().map_or(std::ptr::null(), |limit| limit);
        // SAFETY: the address is that of a live atomic, the time limit null or a live timespec.
        unsafe {
            real::SYSCALL.get()(
                libc::SYS_futex,
                self.0.as_ptr() as c_long,
                c_long::from(operation | libc::FUTEX_PRIVATE_FLAG),
                c_long::from(value),
                limit as c_long,
                0,
                0,
            );
        }
    }
}
