//! Where a thread's code runs, and how the turn goes from one to another.
//!
//! Each simulated thread has an OS thread, which provides its stack and its thread-locals. Passing the turn through the system
//! costs two system calls and a kernel switch, thousands of times in a simulation. So where the processor allows it
//! ([`super::fiber`]), one more thread, the [`Carrier`], runs the code of all of them. It switches to the stack and the
//! thread-locals of whoever has the turn, while the OS thread that owns them waits. A thread that has ended returns to its own
//! OS thread, which destroys its thread-locals and exits.

use std::{
    cell::{OnceCell, UnsafeCell},
    ffi::c_void,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering},
    },
};

use super::{
    baton::Baton,
    fiber::{self, Context},
    real,
    stacks::{GUARD_BYTES, Stack},
};

/// The gap on a carried thread's stack between the thread's own frames and what runs there for it.
const GAP_BYTES: usize = 16 << 10;

/// A simulated thread's place. It is never freed: threads of a simulation live as long as the OS process.
#[derive(Debug)]
pub(super) struct Seat {
    /// Posted when the thread itself must go on.
    baton: Baton,
    /// Whether the carrier runs its code.
    is_carried: AtomicBool,
    /// Where its code goes on, while it is carried and suspended.
    context: UnsafeCell<Context>,
    /// Posted when the new thread is waiting for its first turn.
    arrival: Baton,
    /// The OS number of the thread.
    task: AtomicI32,
    /// The thread's stack, if it is not from libc.
    stack: OnceCell<&'static Stack>,
}

// SAFETY: the stack is set before the thread is created. Only the thread that has the turn, or the new thread before it posts
// its arrival, touches the context.
unsafe impl Sync for Seat {}

/// Who gets the turn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// A simulated thread.
    Seat(&'static Seat),
    /// The thread that waits for the end of the simulation.
    Host(&'static Baton),
}

/// The thread that runs the code of the others.
#[derive(Debug)]
pub(super) struct Carrier {
    /// Posted when it must carry [`Self::carried`].
    baton: Baton,
    carried: AtomicPtr<Seat>,
    /// Its own stack.
    base: UnsafeCell<Context>,
    /// Who gets the turn once it is back on its own stack.
    next: UnsafeCell<Option<Next>>,
    task: AtomicI32,
}

// SAFETY: as for a seat, only the thread that has the turn touches the cells.
unsafe impl Sync for Carrier {}

static CARRIER: OnceLock<Carrier> = OnceLock::new();

/// Starts the carrier. Without it every thread runs its own code.
pub(super) fn start_carrier() {
    if !fiber::is_possible() {
        return;
    }
    let carrier = CARRIER.get_or_init(|| Carrier {
        baton: Baton::default(),
        carried: AtomicPtr::new(std::ptr::null_mut()),
        base: UnsafeCell::new(Context::here()),
        next: UnsafeCell::new(None),
        task: AtomicI32::new(0),
    });
    // Bypasses the standard library, which would allocate on the new thread: libc sets up much memory for a thread's first
    // allocation.
    let mut thread = 0;
    let argument = (&raw const *carrier).cast_mut().cast();
    // SAFETY: a live variable for the answer; the carrier is a static.
    let failed = unsafe { real::PTHREAD_CREATE.get()(&mut thread, std::ptr::null(), carry, argument) };
    assert!(failed == 0, "the system has a thread for the simulation");
}

extern "C" fn carry(carrier: *mut c_void) -> *mut c_void {
    // SAFETY: the name is a C string and the thread is this one; `start_carrier` passes a static.
    unsafe {
        real::PTHREAD_SETNAME_NP.get()(libc::pthread_self(), c"foretime".as_ptr());
        (*carrier.cast::<Carrier>()).work()
    }
}

/// Gives the turn up, without a way back.
pub(super) fn give(next: Next) {
    match (next, CARRIER.get()) {
        (Next::Seat(seat), Some(carrier)) if seat.is_carried() => carrier.carry(seat),
        _ => next.post(),
    }
}

/// The seat of a thread that has given its turn up for good.
static DYING: AtomicPtr<Seat> = AtomicPtr::new(std::ptr::null_mut());

/// Gives up the calling thread's turn for good. It has run all of its code, and this is its seat.
pub(super) fn leave(seat: &'static Seat, next: Next) {
    DYING.store((&raw const *seat).cast_mut(), Ordering::Release);
    give(next);
}

/// Waits until the thread that left is gone. Then the system has taken its memory back at a fixed point of the run, so later
/// addresses do not depend on timing. And its stack is free for another thread.
fn bury() {
    // SAFETY: null, or a seat, and seats are never freed.
    let Some(seat) = (unsafe { DYING.swap(std::ptr::null_mut(), Ordering::AcqRel).as_ref() }) else { return };
    let (process, task) = (std::process::id(), seat.task.load(Ordering::Relaxed));
    let exists = || {
        // SAFETY: numbers; signal 0 only asks whether the thread is there.
        unsafe { real::SYSCALL.get()(libc::SYS_tgkill, i64::from(process), i64::from(task), 0, 0, 0, 0) == 0 }
    };
    while exists() {
        // SAFETY: no arguments.
        unsafe { real::SCHED_YIELD.get()() };
    }
    seat.let_stack_go();
}

impl Next {
    fn post(self) {
        match self {
            Self::Seat(seat) => seat.baton.post(),
            Self::Host(baton) => baton.post(),
        }
    }
}

impl Seat {
    /// The place of a thread that is about to be created.
    pub(super) fn take() -> &'static Self {
        Box::leak(Box::new(Self {
            baton: Baton::default(),
            is_carried: AtomicBool::new(CARRIER.get().is_some()),
            context: UnsafeCell::new(Context::default()),
            arrival: Baton::default(),
            task: AtomicI32::new(0),
            stack: OnceCell::new(),
        }))
    }

    /// A stack of this size for the thread that is about to be created; `None` if it must use one of libc's.
    pub(super) fn take_stack(&self, bytes: usize) -> Option<&'static Stack> {
        let stack = Stack::take(bytes)?;
        self.stack.set(stack).ok().map(|()| stack)
    }

    /// The guard size of the thread's stack, unless the stack is from libc.
    pub(super) fn guard_bytes(&self) -> Option<usize> {
        self.stack.get().map(|_| GUARD_BYTES)
    }

    /// The thread, or its handle, no longer needs its stack.
    pub(super) fn let_stack_go(&self) {
        if let Some(stack) = self.stack.get() {
            stack.let_go();
        }
    }

    fn is_carried(&self) -> bool {
        self.is_carried.load(Ordering::Acquire)
    }

    /// The OS number of the thread that runs its code.
    pub(super) fn task(&self) -> i32 {
        let carrier = CARRIER.get().filter(|_| self.is_carried());
        carrier.map_or(&self.task, |carrier| &carrier.task).load(Ordering::Relaxed)
    }

    /// On the new thread: runs `run(argument)` at its first turn. Returns with the turn, on the thread itself.
    pub(super) fn live(&'static self, run: extern "C" fn(*mut c_void), argument: *mut c_void) {
        // SAFETY: no arguments.
        self.task.store(unsafe { libc::gettid() }, Ordering::Relaxed);
        if self.is_carried() {
            let mut work = Work { seat: self, run, argument };
            // SAFETY: the carrier waits for the arrival before it reads the context. What runs on it ends before this function
            // does. It has the stack below the gap to itself, since this thread only waits.
            unsafe { *self.context.get() = Context::below(GAP_BYTES, carried, (&raw mut work).cast()) };
            self.arrival.post();
            self.wait();
        } else {
            self.arrival.post();
            self.wait();
            run(argument);
        }
    }

    /// Waits, in the new thread's creator, until the thread is ready for its first turn. So what it does until then, above all
    /// with memory, happens at one point of the run and not concurrently.
    pub(super) fn arrives(&self) {
        self.arrival.wait();
    }

    fn wait(&self) {
        self.baton.wait();
        bury();
    }

    /// Gives the turn to `next`, on the thread whose seat this is. Returns when the turn comes back.
    pub(super) fn pass(&'static self, next: Next) {
        match (CARRIER.get().filter(|_| self.is_carried()), next) {
            (None, next) => {
                give(next);
                self.wait();
            }
            (Some(_), Next::Seat(seat)) if seat.is_carried() => {
                // SAFETY: this code is carried, so it runs with this context. The other was suspended by the same function or
                // is new.
                unsafe { fiber::switch(self.context.get(), seat.context.get()) };
            }
            (Some(carrier), next) => carrier.leave(self, next),
        }
    }
}

/// What a carried thread runs.
struct Work {
    seat: &'static Seat,
    run: extern "C" fn(*mut c_void),
    argument: *mut c_void,
}

/// The outermost function of a carried thread's code.
extern "C" fn carried(work: *mut c_void) {
    // SAFETY: `live` gives a pointer to its own variable, and waits until this is done with it.
    let Work { seat, run, argument } = unsafe { work.cast::<Work>().read() };
    run(argument);
    seat.is_carried.store(false, Ordering::Release);
    if let Some(carrier) = CARRIER.get() {
        carrier.leave(seat, Next::Seat(seat));
    }
    unreachable!("a thread that went back to its own is not carried again");
}

impl Carrier {
    /// Its whole life: carries whomever it is told to carry.
    fn work(&self) -> ! {
        // SAFETY: no arguments.
        self.task.store(unsafe { libc::gettid() }, Ordering::Relaxed);
        // SAFETY: nobody else has the turn, and nobody knows that the carrier is there before it waits.
        unsafe { *self.base.get() = Context::here() };
        loop {
            self.baton.wait();
            bury();
            // SAFETY: whoever posted the baton has stored a seat there, and seats are never freed.
            let seat = unsafe { &*self.carried.load(Ordering::Acquire) };
            // SAFETY: this is the carrier's own stack. The seat's context was suspended in `pass` or `leave`, or is new.
            unsafe { fiber::switch(self.base.get(), seat.context.get()) };
            // SAFETY: whoever switched here had the turn and wrote it before.
            if let Some(next) = unsafe { (*self.next.get()).take() } {
                next.post();
            }
        }
    }

    /// From a thread that is not carried: lets the carrier go on with `seat`.
    fn carry(&self, seat: &'static Seat) {
        self.carried.store((&raw const *seat).cast_mut(), Ordering::Release);
        self.baton.post();
    }

    /// From carried code: returns to the carrier's own stack, which passes the turn to someone who is not carried.
    fn leave(&self, seat: &'static Seat, next: Next) {
        // SAFETY: this code has the turn, and runs with the seat's context.
        unsafe {
            *self.next.get() = Some(next);
            fiber::switch(seat.context.get(), self.base.get());
        }
    }
}
