//! Time and randomness.

use std::{
    ffi::{c_int, c_long, c_void},
    time::Duration,
};

use libc::{clockid_t, size_t, ssize_t, timespec};

use super::{
    super::{interface::ThreadId, kernel, real},
    Ours,
};

pub(super) static ALL: &[Ours] = ours![clock_gettime, getrandom, nanosleep, clock_nanosleep];

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, answer: *mut timespec) -> c_int {
    // The simulation's own code sees virtual time and the thread's stream too: the program may read what it caches.
    if kernel::member().is_none() {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { real::CLOCK_GETTIME.get()(clock, answer) };
    }
    let (since_epoch_ns, monotonic_ns) = kernel::clocks_ns();
    let is_wall = matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE | libc::CLOCK_TAI);
    let ns = if is_wall { since_epoch_ns } else { monotonic_ns };
    // SAFETY: the caller's pointer to a timespec, which `clock_gettime` may write.
    unsafe { answer.write(to_timespec(ns)) };
    0
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn getrandom(bytes: *mut c_void, count: size_t, flags: u32) -> ssize_t {
    let Some(me) = kernel::member() else {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { real::GETRANDOM.get()(bytes, count, flags) };
    };
    // SAFETY: the caller's buffer of `count` bytes; they are written before they are read.
    let bytes = unsafe {
        bytes.cast::<u8>().write_bytes(0, count);
        std::slice::from_raw_parts_mut(bytes.cast::<u8>(), count)
    };
    kernel::fill_random(me, bytes);
    ssize_t::try_from(count).unwrap_or(ssize_t::MAX)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nanosleep(span: *const timespec, rest: *mut timespec) -> c_int {
    let Some(me) = kernel::simulated() else {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { real::NANOSLEEP.get()(span, rest) };
    };
    // SAFETY: the caller's pointer to the time it wants to sleep.
    sleep(me, unsafe { *span });
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_nanosleep(clock: clockid_t, flags: c_int, span: *const timespec, rest: *mut timespec) -> c_int {
    let Some(me) = kernel::simulated() else {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { real::CLOCK_NANOSLEEP.get()(clock, flags, span, rest) };
    };
    // SAFETY: the caller's pointer to the time it wants to sleep, or to sleep until.
    let time = unsafe { *span };
    if flags & libc::TIMER_ABSTIME == 0 {
        sleep(me, time);
    } else {
        let (since_epoch_ns, monotonic_ns) = kernel::clocks_ns();
        let now_ns = if clock == libc::CLOCK_REALTIME { since_epoch_ns } else { monotonic_ns };
        sleep(me, to_timespec(to_ns(time).saturating_sub(now_ns)));
    }
    0
}

fn sleep(me: ThreadId, span: timespec) {
    kernel::sleep(me, Duration::from_nanos(to_ns(span)));
}

pub(super) fn to_ns(time: timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

fn to_timespec(ns: u64) -> timespec {
    timespec {
        tv_sec: libc::time_t::try_from(ns / 1_000_000_000).unwrap_or(libc::time_t::MAX),
        tv_nsec: c_long::try_from(ns % 1_000_000_000).unwrap_or(0),
    }
}
