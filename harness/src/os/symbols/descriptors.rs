//! How runtimes wait for descriptors, and wake each other through them. The simulation handles their eventfds and knows their
//! epolls by numbers of its own ([`super::super::wakeups`]); all other descriptors are the system's. The network is refused.

use std::{
    ffi::{CStr, c_char, c_int, c_long, c_uint, c_void},
    time::Duration,
};

use libc::{addrinfo, epoll_event, iovec, size_t, ssize_t};

use super::{
    super::{
        kernel,
        real::{self, fail},
        thread::Wait,
        wakeups,
    },
    Ours,
};

pub(super) static ALL: &[Ours] =
    ours![epoll_wait, epoll_create1, epoll_ctl, eventfd, fcntl, write, writev, close, socket, getaddrinfo];

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
    let seen = kernel::see(fd, usize::try_from(events_max).unwrap_or(0), timeout_ms == 0);
    for (number, data) in seen.data.iter().enumerate() {
        let event = epoll_event { events: libc::EPOLLIN as u32, u64: *data };
        // SAFETY: the caller's array has room for `events_max`, and no more were taken.
        unsafe { events.add(number).write(event) };
    }
    let count = c_int::try_from(seen.data.len()).unwrap_or(0);
    if !seen.and_readable || count == events_max {
        return count;
    }
    let Some(epoll) = kernel::with_threads(|threads| threads.system(fd)).flatten() else { return count };
    // SAFETY: the rest of the caller's array; the time to wait is none.
    let more = unsafe { real::EPOLL_WAIT.get()(epoll, events.add(seen.data.len()), events_max - count, 0) };
    if more < 0 && count > 0 { count } else { count + more }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_create1(flags: c_int) -> c_int {
    // SAFETY: the caller's argument, as it is.
    let fd = unsafe { real::EPOLL_CREATE1.get()(flags) };
    match kernel::current().filter(|_| fd >= 0 && kernel::simulated().is_some()) {
        None => fd,
        Some((_, process)) => kernel::with_threads(|threads| threads.wakeups.open_epoll(fd, process)).unwrap_or(fd),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_ctl(epoll: c_int, operation: c_int, fd: c_int, event: *mut epoll_event) -> c_int {
    // SAFETY: null, or the caller's event.
    let (events, data) = unsafe { event.as_ref() }.map_or((0, 0), |event| (event.events, event.u64));
    let known = kernel::with_threads(|threads| {
        if threads.wakeups.control(epoll, operation, fd, events, data) {
            return None;
        }
        Some((threads.system(epoll), threads.system(fd)))
    });
    let (on, of) = match known {
        Some(None) => return 0,
        // Nobody will ask this epoll any more.
        Some(Some((None, Some(_)))) => return 0,
        Some(Some((_, None))) => return fail(libc::EPERM),
        Some(Some((Some(on), Some(of)))) => (on, of),
        None => (epoll, fd),
    };
    // SAFETY: the caller's event, and the system's numbers for the caller's descriptors.
    let answer = unsafe { real::EPOLL_CTL.get()(on, operation, of, event) };
    if answer == 0 && kernel::simulated().is_some() {
        kernel::with_threads(|threads| {
            threads.was_touched = true;
            threads.wakeups.registered(epoll, of);
        });
    }
    answer
}

#[unsafe(no_mangle)]
unsafe extern "C" fn eventfd(initial: c_uint, flags: c_int) -> c_int {
    let is_a_runtimes = initial == 0 && flags == libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
    if is_a_runtimes
        && kernel::simulated().is_some()
        && let Some(fd) = kernel::with_threads(|threads| threads.wakeups.open_eventfd())
    {
        return fd;
    }
    // SAFETY: the caller's arguments, as they are.
    unsafe { real::EVENTFD.get()(initial, flags) }
}

/// Declared with its argument: on x86-64 and aarch64 a variadic function's integers and pointers are passed like any other's.
#[unsafe(no_mangle)]
unsafe extern "C" fn fcntl(fd: c_int, command: c_int, argument: c_long) -> c_int {
    let duplicates = matches!(command, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC);
    if wakeups::is_ours(fd) {
        let another = kernel::with_threads(|threads| threads.wakeups.duplicate(fd)).flatten().filter(|_| duplicates);
        return another.unwrap_or_else(|| fail(libc::EINVAL));
    }
    // SAFETY: the caller's arguments, as they are.
    let answer = unsafe { real::FCNTL.get()(fd, command, argument) };
    if duplicates && answer >= 0 && kernel::simulated().is_some() {
        kernel::with_threads(|threads| threads.wakeups.duplicated(answer));
    }
    answer
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    if wakeups::is_ours(fd) {
        let is_done = count == size_of::<u64>() && kernel::with_threads(|threads| threads.wakeups.written(fd)) == Some(true);
        return if is_done { ssize_t::try_from(count).unwrap_or(ssize_t::MAX) } else { fail(libc::EINVAL) as ssize_t };
    }
    touch();
    // SAFETY: the caller's arguments, as they are.
    unsafe { real::WRITE.get()(fd, bytes, count) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    touch();
    // SAFETY: the caller's arguments, as they are.
    unsafe { real::WRITEV.get()(fd, parts, count) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    if wakeups::is_ours(fd) {
        let Some(epoll) = kernel::with_threads(|threads| threads.wakeups.close(fd)).flatten() else { return 0 };
        // SAFETY: an epoll of which the caller's number was the last.
        return unsafe { real::CLOSE.get()(epoll) };
    }
    if kernel::member().is_some() {
        kernel::with_threads(|threads| {
            threads.was_touched = true;
            threads.wakeups.closed(fd);
        });
    }
    // SAFETY: the caller's argument, as it is.
    unsafe { real::CLOSE.get()(fd) }
}

/// Notes that a descriptor of the system may have become readable.
fn touch() {
    if kernel::simulated().is_some() {
        kernel::with_threads(|threads| threads.was_touched = true);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    if let Some(me) = kernel::simulated()
        && matches!(domain, libc::AF_INET | libc::AF_INET6)
    {
        kernel::refuse(me, "opened a network socket", None);
        return fail(libc::EACCES);
    }
    // SAFETY: the caller's arguments, as they are.
    unsafe { real::SOCKET.get()(domain, kind, protocol) }
}

/// libc would ask the network for the addresses of a host without calling [`socket`].
#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    host: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    answer: *mut *mut addrinfo,
) -> c_int {
    if let Some(me) = kernel::simulated() {
        // SAFETY: null, or a C string of the caller's.
        let whom = (!host.is_null()).then(|| unsafe { CStr::from_ptr(host) });
        kernel::refuse(me, "looked up a host's address in the network", whom);
        return libc::EAI_FAIL;
    }
    // SAFETY: the caller's arguments, as they are.
    unsafe { real::GETADDRINFO.get()(host, service, hints, answer) }
}
