//! The functions of libc that [`super::symbols`] stands in front of, found behind our own with `dlsym(RTLD_NEXT)`.

use std::{
    ffi::{CStr, c_char, c_int, c_long, c_uint, c_void},
    mem::transmute_copy,
    sync::atomic::{AtomicPtr, Ordering},
};

use libc::{addrinfo, clockid_t, epoll_event, iovec, pid_t, pthread_attr_t, pthread_t, size_t, ssize_t, timespec};

/// A function of libc, looked up when it is first called.
pub(super) struct Real<F> {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
    signature: std::marker::PhantomData<F>,
}

impl<F: Copy> Real<F> {
    const fn new(name: &'static CStr) -> Self {
        Self { name, address: AtomicPtr::new(std::ptr::null_mut()), signature: std::marker::PhantomData }
    }

    /// The function.
    pub(super) fn get(&self) -> F {
        let mut address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            // SAFETY: the name is a C string; the call has no other precondition.
            address = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
            if address.is_null() {
                // Without libc's own function nothing can go on, not even a panic.
                std::process::abort();
            }
            self.address.store(address, Ordering::Relaxed);
        }
        // SAFETY: `F` is the signature that libc documents for this name, and a function pointer is as wide as any other.
        unsafe { transmute_copy(&address) }
    }
}

/// What `pthread_create` runs.
pub(super) type Start = extern "C" fn(*mut c_void) -> *mut c_void;

macro_rules! real {
    ($($name:ident: $signature:ty, $text:literal;)*) => {
        $(pub(super) static $name: Real<$signature> = Real::new($text);)*
    };
}

real! {
    EPOLL_WAIT: unsafe extern "C" fn(c_int, *mut epoll_event, c_int, c_int) -> c_int, c"epoll_wait";
    CLOCK_GETTIME: unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int, c"clock_gettime";
    GETRANDOM: unsafe extern "C" fn(*mut c_void, size_t, u32) -> ssize_t, c"getrandom";
    PTHREAD_CREATE: unsafe extern "C" fn(*mut pthread_t, *const pthread_attr_t, Start, *mut c_void) -> c_int, c"pthread_create";
    PTHREAD_JOIN: unsafe extern "C" fn(pthread_t, *mut *mut c_void) -> c_int, c"pthread_join";
    PTHREAD_DETACH: unsafe extern "C" fn(pthread_t) -> c_int, c"pthread_detach";
    PTHREAD_GETATTR_NP: unsafe extern "C" fn(pthread_t, *mut pthread_attr_t) -> c_int, c"pthread_getattr_np";
    FORK: unsafe extern "C" fn() -> pid_t, c"fork";
    NANOSLEEP: unsafe extern "C" fn(*const timespec, *mut timespec) -> c_int, c"nanosleep";
    CLOCK_NANOSLEEP: unsafe extern "C" fn(clockid_t, c_int, *const timespec, *mut timespec) -> c_int, c"clock_nanosleep";
    SCHED_YIELD: unsafe extern "C" fn() -> c_int, c"sched_yield";
    EPOLL_CREATE1: unsafe extern "C" fn(c_int) -> c_int, c"epoll_create1";
    EPOLL_CTL: unsafe extern "C" fn(c_int, c_int, c_int, *mut epoll_event) -> c_int, c"epoll_ctl";
    EVENTFD: unsafe extern "C" fn(c_uint, c_int) -> c_int, c"eventfd";
    WRITE: unsafe extern "C" fn(c_int, *const c_void, size_t) -> ssize_t, c"write";
    WRITEV: unsafe extern "C" fn(c_int, *const iovec, c_int) -> ssize_t, c"writev";
    FCNTL: unsafe extern "C" fn(c_int, c_int, c_long) -> c_int, c"fcntl";
    CLOSE: unsafe extern "C" fn(c_int) -> c_int, c"close";
    PTHREAD_SETNAME_NP: unsafe extern "C" fn(pthread_t, *const c_char) -> c_int, c"pthread_setname_np";
    MALLOC_USABLE_SIZE: unsafe extern "C" fn(*mut c_void) -> size_t, c"malloc_usable_size";
    SOCKET: unsafe extern "C" fn(c_int, c_int, c_int) -> c_int, c"socket";
    READLINK: unsafe extern "C" fn(*const c_char, *mut c_char, size_t) -> ssize_t, c"readlink";
    GETADDRINFO: unsafe extern "C" fn(*const c_char, *const c_char, *const addrinfo, *mut *mut addrinfo) -> c_int, c"getaddrinfo";
    SYSCALL: unsafe extern "C" fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long, c"syscall";
}

/// Sets `errno`, and gives the -1 that goes with it.
pub(super) fn fail(errno: c_int) -> c_int {
    // SAFETY: libc gives this thread's own errno, always valid.
    unsafe { *libc::__errno_location() = errno };
    -1
}
