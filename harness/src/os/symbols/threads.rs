//! The birth and the end of threads, and how they wait for each other.

use std::{
    ffi::{CStr, c_char, c_int, c_long, c_void},
    mem::MaybeUninit,
    sync::OnceLock,
    time::Duration,
};

use libc::{pthread_attr_t, pthread_t, timespec};

use super::{
    super::{
        interface::ThreadId,
        kernel::{self, Newborn, Woken},
        real::{self, Start, fail},
        seat::Seat,
        thread::Wait,
    },
    Ours,
    clocks::{getrandom, to_ns},
};

pub(super) static ALL: &[Ours] =
    ours![sched_yield, syscall, pthread_create, pthread_join, pthread_detach, pthread_getattr_np, pthread_setname_np];

unsafe extern "C" {
    fn pthread_attr_getdetachstate(attributes: *const pthread_attr_t, state: *mut c_int) -> c_int;
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

/// The futex behind std's and parking_lot's locks, condition variables, channels and `park`, and `getrandom` by number.
/// Declared with all the arguments that a system call can have: on x86-64 and aarch64 a variadic function's integers are passed
/// like any other function's.
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
    let (id, seat) = (newborn.id, newborn.seat);
    // SAFETY: the caller's attributes, or none.
    let (own, has_handle) = unsafe { (attributes_with_stack(seat, attributes), is_joinable(attributes)) };
    let attributes = own.as_ref().map_or(attributes, std::ptr::from_ref);
    let birth = Box::into_raw(Box::new(Birth { newborn, start, argument, answer: std::ptr::null_mut() }));
    // SAFETY: the caller's arguments, except for the stack and the function to run. `be_born` gets the argument that it
    // expects.
    let failed = unsafe { real::PTHREAD_CREATE.get()(thread, attributes, be_born, birth.cast()) };
    if failed == 0 {
        if !has_handle {
            seat.let_stack_go();
        }
        // SAFETY: `pthread_create` succeeded, so it has written the new thread's handle.
        kernel::thread_created(id, Some(unsafe { *thread }));
        seat.arrives();
    } else {
        // SAFETY: no thread runs `be_born`, so the box is still ours.
        drop(unsafe { Box::from_raw(birth) });
        // Once for the thread, and once for its handle.
        seat.let_stack_go();
        seat.let_stack_go();
        kernel::thread_created(id, None);
    }
    failed
}

/// A copy of the attributes with one of our stacks, of the size that is asked for. `None` if they name a stack of their own, or
/// if there is no stack of ours.
///
/// # Safety
/// They are null, or attributes that were initialised.
unsafe fn attributes_with_stack(seat: &Seat, attributes: *const pthread_attr_t) -> Option<pthread_attr_t> {
    let mut own = MaybeUninit::uninit();
    // SAFETY: live variables for the answers. What is copied stays the caller's, who also destroys it.
    unsafe {
        match attributes.as_ref() {
            Some(attributes) => drop(own.write(*attributes)),
            None => drop(libc::pthread_attr_init(own.as_mut_ptr())),
        }
        let mut own = own.assume_init();
        let (mut address, mut bytes) = (std::ptr::null_mut(), 0);
        libc::pthread_attr_getstack(&own, &mut address, &mut bytes);
        // libc counts down from the end of the stack, which is null if there is none.
        if (address as usize).wrapping_add(bytes) != 0 {
            return None;
        }
        libc::pthread_attr_getstacksize(&own, &mut bytes);
        let stack = seat.take_stack(bytes)?;
        libc::pthread_attr_setstack(&mut own, stack.start as *mut c_void, stack.bytes);
        Some(own)
    }
}

/// Whether a thread with these attributes has a handle that will be joined or detached.
///
/// # Safety
/// They are null, or attributes that were initialised.
unsafe fn is_joinable(attributes: *const pthread_attr_t) -> bool {
    let mut state = libc::PTHREAD_CREATE_JOINABLE;
    if !attributes.is_null() {
        // SAFETY: the caller's attributes, and a live variable for the answer.
        unsafe { pthread_attr_getdetachstate(attributes, &mut state) };
    }
    state == libc::PTHREAD_CREATE_JOINABLE
}

/// The argument of a new thread. It is never freed: the thread becomes a simulated one only at its first turn, and must not
/// touch libc's memory before.
struct Birth {
    newborn: Newborn,
    start: Start,
    argument: *mut c_void,
    answer: *mut c_void,
}

extern "C" fn be_born(birth: *mut c_void) -> *mut c_void {
    // SAFETY: `pthread_create` above made this for this thread alone.
    let birth = unsafe { &mut *birth.cast::<Birth>() };
    birth.newborn.seat.live(live, (&raw mut *birth).cast());
    birth.answer
}

/// Everything that a thread runs, except its destructors.
extern "C" fn live(birth: *mut c_void) {
    // SAFETY: `be_born` passes what it has, and waits meanwhile.
    let birth = unsafe { &mut *birth.cast::<Birth>() };
    birth.newborn.begin();
    leave_at_exit(birth.newborn.id);
    birth.answer = (birth.start)(birth.argument);
}

/// Makes the thread give up its turn after everything else that it runs: a key's destructor runs after those of thread-locals.
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
    let seat = kernel::seat_of(thread);
    // SAFETY: the caller's arguments, as they are. A simulated thread has ended by now, except for its last instructions.
    let failed = unsafe { real::PTHREAD_JOIN.get()(thread, answer) };
    if failed == 0
        && let Some(seat) = seat
    {
        seat.let_stack_go();
    }
    failed
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_detach(thread: pthread_t) -> c_int {
    let seat = kernel::seat_of(thread);
    // SAFETY: the caller's argument, as it is.
    let failed = unsafe { real::PTHREAD_DETACH.get()(thread) };
    if failed == 0
        && let Some(seat) = seat
    {
        seat.let_stack_go();
    }
    failed
}

/// libc reports no guard for a stack that it did not make itself. Ours have one, and the standard library insists on it.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_getattr_np(thread: pthread_t, attributes: *mut pthread_attr_t) -> c_int {
    // SAFETY: the caller's arguments, as they are; then attributes that were initialised.
    unsafe {
        let failed = real::PTHREAD_GETATTR_NP.get()(thread, attributes);
        if failed == 0
            && let Some(guard_bytes) = kernel::seat_of(thread).and_then(Seat::guard_bytes)
        {
            libc::pthread_attr_setguardsize(attributes, guard_bytes);
        }
        failed
    }
}

/// Keeps the name for reports. The system would give it to the thread that carries all of them.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_setname_np(thread: pthread_t, name: *const c_char) -> c_int {
    if kernel::simulated().is_some()
        && let Some(named) = kernel::thread_of(thread)
    {
        // SAFETY: the caller's name, a C string.
        kernel::name_thread(named, &unsafe { CStr::from_ptr(name) }.to_string_lossy());
        return 0;
    }
    // SAFETY: the caller's arguments, as they are.
    unsafe { real::PTHREAD_SETNAME_NP.get()(thread, name) }
}
