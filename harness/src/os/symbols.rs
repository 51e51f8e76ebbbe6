//! libc's functions, answered for simulated threads: where they would wait, read a clock, draw randomness, create or join
//! a thread. Every other thread, and the simulation's own code, gets the real ones.
//!
//! The linker prefers these to the C library's, since they are part of the program; [`are_linked`] makes sure.

use std::{
    ffi::{c_int, c_long, c_void},
    sync::OnceLock,
    time::Duration,
};

use libc::{clockid_t, epoll_event, pthread_attr_t, pthread_t, size_t, ssize_t, timespec};

use super::{
    interface::ThreadId,
    kernel::{self, Newborn, Wait, Woken},
    real::{self, Start, fail},
};

/// Whether the program calls these functions: a thread of the simulation asks for the time, and must see virtual time.
/// That this function names them makes the linker take them.
pub(super) fn are_linked() -> bool {
    let all: [*const c_void; 10] = [
        epoll_wait as *const c_void,
        clock_gettime as *const c_void,
        getrandom as *const c_void,
        nanosleep as *const c_void,
        clock_nanosleep as *const c_void,
        sched_yield as *const c_void,
        socket as *const c_void,
        syscall as *const c_void,
        pthread_create as *const c_void,
        pthread_join as *const c_void,
    ];
    let libc = [libc::epoll_wait as *const c_void, libc::clock_gettime as *const c_void, libc::syscall as *const c_void];
    all.iter().all(|ours| !ours.is_null()) && libc == [all[0], all[1], all[7]]
}

/// A runtime with nothing to do: the usual place where a simulated thread gives up its turn.
#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_wait(fd: c_int, events: *mut epoll_event, events_max: c_int, timeout_ms: c_int) -> c_int {
    let Some(me) = kernel::simulated() else {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { real::EPOLL_WAIT.get()(fd, events, events_max, timeout_ms) };
    };
    if timeout_ms != 0 {
        let limit = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        kernel::wait(me, Wait::Epoll { fd, until_ns: limit.map(kernel::deadline_ns) });
    }
    // SAFETY: the caller's arguments; only the time to wait is none.
    unsafe { real::EPOLL_WAIT.get()(fd, events, events_max, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, answer: *mut timespec) -> c_int {
    // The simulation's own code, too, sees virtual time and the thread's stream: what it caches, the program may read.
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
unsafe extern "C" fn getrandom(bytes: *mut c_void, count: size_t, flags: u32) -> ssize_t {
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

#[unsafe(no_mangle)]
unsafe extern "C" fn sched_yield() -> c_int {
    let Some(me) = kernel::simulated() else {
        // SAFETY: no arguments.
        return unsafe { real::SCHED_YIELD.get()() };
    };
    kernel::wait(me, Wait::Turn);
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    if let Some(me) = kernel::simulated()
        && matches!(domain, libc::AF_INET | libc::AF_INET6)
    {
        kernel::refuse(me, "opened a network socket");
        return fail(libc::EACCES);
    }
    // SAFETY: the caller's arguments, as they are.
    unsafe { real::SOCKET.get()(domain, kind, protocol) }
}

/// The futex behind std's and parking_lot's locks, condition variables, channels and `park`; and `getrandom` by number.
/// Declared with all the arguments that a system call can have: the calling conventions of x86-64 and aarch64 pass a
/// variadic function's integers as they pass any other's.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(number: c_long, a: c_long, b: c_long, c: c_long, d: c_long, e: c_long, f: c_long) -> c_long {
    if let Some(me) = kernel::simulated() {
        if number == libc::SYS_getrandom {
            let count = usize::try_from(b).unwrap_or(0);
            // SAFETY: the caller's buffer, as `getrandom` has it.
            return unsafe { getrandom(a as *mut c_void, count, 0) } as c_long;
        }
        if number == libc::SYS_futex
            && let Some(answer) = futex(me, a as *const u32, b, c, d as *const timespec)
        {
            return answer;
        }
    }
    // SAFETY: the caller's arguments, as they are.
    unsafe { real::SYSCALL.get()(number, a, b, c, d, e, f) }
}

/// A futex operation of a simulated thread; `None` for one that is left to the system.
fn futex(me: ThreadId, word: *const u32, operation: c_long, value: c_long, limit: *const timespec) -> Option<c_long> {
    let operation = c_int::try_from(operation).ok()?;
    let absolute = operation & libc::FUTEX_CMD_MASK == libc::FUTEX_WAIT_BITSET;
    match operation & libc::FUTEX_CMD_MASK {
        libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET => {
            // SAFETY: the caller's futex word, which others may change: hence volatile. Here one thread runs at a time.
            let found = unsafe { word.read_volatile() };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the kernel compares 32 bits")]
            if found != value as u32 {
                return Some(c_long::from(fail(libc::EAGAIN)));
            }
            // SAFETY: null, or the caller's time limit.
            let limit_ns = unsafe { limit.as_ref() }.map(|limit| to_ns(*limit));
            let (since_epoch_ns, monotonic_ns) = kernel::clocks_ns();
            let clock_ns = if operation & libc::FUTEX_CLOCK_REALTIME != 0 { since_epoch_ns } else { monotonic_ns };
            let span_ns = limit_ns.map(|ns| if absolute { ns.saturating_sub(clock_ns) } else { ns });
            let until_ns = span_ns.map(|ns| kernel::deadline_ns(Duration::from_nanos(ns)));
            match kernel::wait(me, Wait::Futex { address: word as usize, until_ns, woken: false }) {
                Woken::ByEvent => Some(0),
                Woken::ByTime => Some(c_long::from(fail(libc::ETIMEDOUT))),
            }
        }
        libc::FUTEX_WAKE | libc::FUTEX_WAKE_BITSET => {
            let wanted = u32::try_from(value).unwrap_or(u32::MAX);
            let woken = kernel::wake_futex(word as usize, wanted);
            // The rest may wait outside of the simulation.
            if woken == wanted { Some(c_long::from(woken)) } else { None }
        }
        _ => None,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut pthread_t,
    attributes: *const pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    let Some(newborn) = kernel::expect_thread() else {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { real::PTHREAD_CREATE.get()(thread, attributes, start, argument) };
    };
    let id = newborn.id;
    let birth = Box::into_raw(Box::new(Birth { newborn, start, argument }));
    // SAFETY: the caller's arguments, but for what is run: `be_born` takes the box over.
    let failed = unsafe { real::PTHREAD_CREATE.get()(thread, attributes, be_born, birth.cast()) };
    if failed == 0 {
        // SAFETY: `pthread_create` succeeded, so it has written the new thread's handle.
        kernel::thread_created(id, Some(unsafe { *thread }));
    } else {
        // SAFETY: no thread runs `be_born`, so the box is still ours.
        drop(unsafe { Box::from_raw(birth) });
        kernel::thread_created(id, None);
    }
    failed
}

struct Birth {
    newborn: Newborn,
    start: Start,
    argument: *mut c_void,
}

extern "C" fn be_born(birth: *mut c_void) -> *mut c_void {
    // SAFETY: `pthread_create` above made this box for this thread alone.
    let Birth { newborn, start, argument } = *unsafe { Box::from_raw(birth.cast::<Birth>()) };
    let id = newborn.id;
    newborn.enter();
    leave_at_exit(id);
    start(argument)
}

/// Arranges that the turn is given up when all else that the thread has to run is done: a key's destructor runs after
/// those of thread-locals.
fn leave_at_exit(me: ThreadId) {
    extern "C" fn at_exit(number: *mut c_void) {
        let number = u32::try_from(number as usize).unwrap_or(0);
        kernel::leave(ThreadId(number - 1));
    }
    static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();
    let key = *KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: the pointer is to a live variable, the destructor a function that lives for ever.
        unsafe { libc::pthread_key_create(&mut key, Some(at_exit)) };
        key
    });
    // SAFETY: the key was created above. The value is a number, and not null, or the destructor would not run.
    unsafe { libc::pthread_setspecific(key, (me.0 as usize + 1) as *const c_void) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_join(thread: pthread_t, answer: *mut *mut c_void) -> c_int {
    if let Some(me) = kernel::simulated()
        && let Some(other) = kernel::thread_of(thread)
    {
        kernel::wait(me, Wait::Join(other));
    }
    // SAFETY: the caller's arguments, as they are. A simulated thread has ended by now, but for its last instructions.
    unsafe { real::PTHREAD_JOIN.get()(thread, answer) }
}

fn sleep(me: ThreadId, span: timespec) {
    kernel::wait(me, Wait::Sleep { until_ns: kernel::deadline_ns(Duration::from_nanos(to_ns(span))) });
}

fn to_ns(time: timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

fn to_timespec(ns: u64) -> timespec {
    timespec {
        tv_sec: libc::time_t::try_from(ns / 1_000_000_000).unwrap_or(libc::time_t::MAX),
        tv_nsec: c_long::try_from(ns % 1_000_000_000).unwrap_or(0),
    }
}
