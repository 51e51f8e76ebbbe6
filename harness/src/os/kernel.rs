//! The threads of a simulation and the turn. Exactly one thread runs, until it would block. Then the [`World`] is asked who is
//! next, on the stack of the thread that gives up its turn. When nobody can run, time moves to the next deadline.
//!
//! A task is woken on the thread that runs it, when that thread gets its turn ([`wake`]). So tokio's queues never see a waker
//! from outside, and no byte goes through an eventfd for it.

use std::{
    cell::Cell,
    ffi::CStr,
    os::fd::RawFd,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    task::Waker,
    time::Duration,
};

use libc::pthread_t;

use super::{
    baton::Baton,
    interface::{ProcessId, Start, Step, ThreadDoes, ThreadId, World},
    memory::{self, Region},
    random::Stream,
    real,
    seat::{self, Next, Seat},
    stacks,
    statics::Statics,
    symbols,
    thread::{State, Thread, Threads, Wait},
    watchdog,
};

struct Kernel {
    seed: u64,
    epoch_ns: u64,
    now_ns: AtomicU64,
    /// How often time moved.
    moves: AtomicU64,
    threads: Mutex<Threads>,
    /// `None` if the program has none that each process has of its own.
    statics: Option<Mutex<Statics>>,
    world: Arc<dyn World>,
    /// Where [`run`] waits.
    host: Baton,
    halted: AtomicBool,
    /// How often the world was asked who is next, and who has the turn. The watchdog watches both.
    turns: AtomicU64,
    running: AtomicU32,
}

static KERNEL: OnceLock<Kernel> = OnceLock::new();

thread_local! {
    /// One more than this thread's number; 0 outside of the simulation.
    static ME: Cell<u32> = const { Cell::new(0) };
    /// Above 0 while this thread runs the simulation's own code, which gets the real libc.
    static EXEMPT: Cell<u32> = const { Cell::new(0) };
    /// The process of this thread, if it is simulated.
    static PROCESS: Cell<u32> = const { Cell::new(0) };
    /// Whether this is the thread that runs the simulation and no other thread runs.
    static IS_HOST: Cell<bool> = const { Cell::new(false) };
    /// The region of this thread's memory; `None`: libc. Caches what the cells above say, since memory is requested very often.
    static MEMORY: Cell<Option<&'static Region>> = const { Cell::new(None) };
    /// One more than the number of the process that the next thread is created for; 0 for its creator's process.
    static SPAWN_FOR: Cell<u32> = const { Cell::new(0) };
}

/// CLOCK_MONOTONIC at the start: a century. So every instant that the process saw before the simulation is long past, however
/// long the machine has been up.
const MONOTONIC_START_NS: u64 = 100 * 365 * 86_400 * 1_000_000_000;
/// How often the watchdog looks.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// After this many moves of time, the system is asked whether one of its descriptors is readable. This guards against
/// descriptors that were touched unnoticed.
const LOOK_EVERY_MOVES: u64 = 16;

/// The calling thread, if it is simulated and not in the simulation's own code.
pub(super) fn simulated() -> Option<ThreadId> {
    let me = ME.try_with(Cell::get).unwrap_or(0);
    if me == 0 || is_exempt() { None } else { Some(ThreadId(me - 1)) }
}

/// The calling thread, if it is simulated.
pub(super) fn member() -> Option<ThreadId> {
    ME.try_with(Cell::get).unwrap_or(0).checked_sub(1).map(ThreadId)
}

/// Whether the calling thread runs the simulation's own code.
fn is_exempt() -> bool {
    EXEMPT.with(Cell::get) > 0
}

/// The caller's region of memory; `None`: libc. Simulated threads have the program's region. The simulation's own code has
/// another, on those threads and on the one that runs them.
#[inline]
pub(super) fn memory() -> Option<&'static Region> {
    MEMORY.try_with(Cell::get).unwrap_or(None)
}

/// Called when something changes on which [`memory`] depends.
fn choose_memory() {
    let region = match member() {
        Some(_) if !is_exempt() => Some(&memory::PROGRAM),
        None if !IS_HOST.get() => None,
        _ => Some(&memory::SIMULATION),
    };
    MEMORY.set(region.filter(|_| memory::is_open()));
}

/// The calling thread and its process, if it belongs to a simulation.
pub(crate) fn current() -> Option<(ThreadId, ProcessId)> {
    member().map(|me| (me, ProcessId(PROCESS.with(Cell::get))))
}

/// Runs the simulation's own code: on any thread, it gets the real libc.
pub(crate) fn exempt<R>(work: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            EXEMPT.with(|exempt| exempt.set(exempt.get() - 1));
            choose_memory();
        }
    }
    EXEMPT.with(|exempt| exempt.set(exempt.get() + 1));
    choose_memory();
    let _leave = Leave;
    work()
}

/// Virtual nanoseconds since the start.
pub(super) fn now_ns() -> u64 {
    KERNEL.get().map_or(0, |kernel| kernel.now_ns.load(Ordering::Relaxed))
}

/// The clocks that programs read: since the Unix epoch, and since some earlier start.
pub(super) fn clocks_ns() -> (u64, u64) {
    let kernel = kernel();
    let now_ns = kernel.now_ns.load(Ordering::Relaxed);
    (kernel.epoch_ns + now_ns, MONOTONIC_START_NS + now_ns)
}

fn kernel() -> &'static Kernel {
    KERNEL.get().expect("threads belong to a simulation only after it began")
}

/// Starts `process`: its first thread, with this work. Its turn comes when the world picks it.
///
/// # Panics
/// If the system refuses a thread.
pub(crate) fn spawn(process: ProcessId, name: &str, work: impl FnOnce() + Send + 'static) -> ThreadId {
    exempt(|| {
        let id = u32::try_from(kernel().threads().all.len()).expect("fewer than 2^32 threads");
        if let Some(mut statics) = kernel().statics() {
            statics.born(process);
        }
        SPAWN_FOR.with(|cell| cell.set(process.0 + 1));
        let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        SPAWN_FOR.with(|cell| cell.set(0));
        spawned.expect("the system has a thread for a simulated process");
        ThreadId(id)
    })
}

/// The name of a simulated thread and the OS number of the thread that runs it, if both are available at once.
pub(super) fn describe(number: u32) -> Option<(String, i32)> {
    let threads = kernel().threads.try_lock().ok()?;
    threads.all.get(number as usize).map(|thread| (thread.name.clone(), thread.seat.task()))
}

/// Wakes a task on `thread` at its next turn, and makes the thread ready for one.
pub(crate) fn wake(thread: ThreadId, waker: Waker) {
    kernel().threads().get(thread).wakers.push(waker);
}

/// What the live threads of a process wait for, one line each.
pub(crate) fn waits(process: ProcessId) -> Vec<ThreadDoes> {
    kernel().threads().waits(process)
}

/// Which processes that are over changed which statics of the user's: a process, and the path of a static.
pub(crate) fn changed_statics() -> Vec<(ProcessId, &'static str)> {
    KERNEL.get().and_then(Kernel::statics).map_or_else(Vec::new, |statics| statics.changed().to_vec())
}

/// Freezes all threads of `process`: they never run again. What their runtimes have open is closed, since they cannot do it.
pub(crate) fn freeze(process: ProcessId) {
    let mut threads = kernel().threads();
    for thread in threads.all.iter_mut().filter(|thread| thread.process == process) {
        if !matches!(thread.state, State::Gone | State::Running) {
            thread.state = State::Frozen;
        }
    }
    for fd in threads.wakeups.take_of(process) {
        // SAFETY: a number; all who knew this descriptor by it are frozen, or know a number of ours instead.
        unsafe { real::CLOSE.get()(fd) };
    }
}

/// Prepares the memory and stacks of simulations, in a process that forks one simulation after another and runs none itself.
pub(crate) fn lay_out() {
    memory::lay_out();
    stacks::lay_out();
}

/// Gives simulated threads memory of their own. The calling thread, which will [`run`] them, gets the memory of the
/// simulation's own code while they do not run.
pub(crate) fn settle() {
    memory::open();
    IS_HOST.set(true);
    choose_memory();
}

/// Runs a simulation, once in the life of an OS process, from the calling thread, which does not belong to it. [`settle`] must
/// have been called; `begin` spawns the first threads. Returns when the world halts, or when a thread keeps its turn for longer
/// than `patience` of real time. All threads are left where they are.
///
/// # Panics
/// If a simulation ran in this process before, or if the program calls libc past [`super::symbols`].
pub(crate) fn run(start: Start, world: Arc<dyn World>, begin: impl FnOnce()) {
    let kernel = Kernel {
        seed: start.seed,
        epoch_ns: start.epoch_ns,
        now_ns: AtomicU64::new(0),
        moves: AtomicU64::new(0),
        threads: Mutex::default(),
        statics: Statics::begin().map(Mutex::new),
        world,
        host: Baton::default(),
        halted: AtomicBool::new(false),
        turns: AtomicU64::new(0),
        running: AtomicU32::new(0),
    };
    assert!(symbols::are_linked(), "this program was linked such that the simulation cannot stand in for libc");
    assert!(KERNEL.set(kernel).is_ok(), "one process runs one simulation");
    if start.carries {
        seat::start_carrier();
    }
    let kernel = self::kernel();
    begin();
    if let Some(first) = exempt(|| kernel.pick()) {
        seat::give(kernel.next(Some(first)));
        kernel.watch(start.patience);
    }
}

impl Kernel {
    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn statics(&self) -> Option<MutexGuard<'_, Statics>> {
        Some(self.statics.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who is next; `None` when the simulation is over.
    fn pick(&self) -> Option<ThreadId> {
        if self.halted.load(Ordering::Relaxed) {
            return None;
        }
        loop {
            let now_ns = self.now_ns.load(Ordering::Relaxed);
            let (ready, next_ns) = self.threads().survey(now_ns);
            self.turns.fetch_add(1, Ordering::Relaxed);
            match self.world.step(now_ns, &ready) {
                Step::Run(thread) => return Some(thread),
                Step::Again => {}
                Step::Halt => break,
                Step::Wait(world_ns) => {
                    let next_ns = [next_ns, world_ns].into_iter().flatten().min();
                    if self.is_something_readable(next_ns.is_none()) {
                        continue;
                    }
                    match next_ns {
                        Some(next_ns) => self.now_ns.store(next_ns.max(now_ns), Ordering::Relaxed),
                        None if self.world.stuck() => {}
                        None => break,
                    }
                }
            }
        }
        self.halted.store(true, Ordering::Relaxed);
        None
    }

    /// Whether the system has something to read for one of the threads. Asked when time is about to move or stands still for
    /// ever.
    fn is_something_readable(&self, is_last_chance: bool) -> bool {
        let moves = self.moves.fetch_add(1, Ordering::Relaxed);
        let mut threads = self.threads();
        (threads.was_touched || is_last_chance || moves.is_multiple_of(LOOK_EVERY_MOVES)) && threads.look_for_readable()
    }

    /// Who gets the turn, and finds its process's statics in place; the host when the simulation is over.
    fn next(&'static self, thread: Option<ThreadId>) -> Next {
        let Some(thread) = thread else {
            if let Some(mut statics) = self.statics() {
                statics.close();
            }
            return Next::Host(&self.host);
        };
        self.running.store(thread.0, Ordering::Relaxed);
        let mut threads = self.threads();
        let thread = threads.get(thread);
        if let Some(mut statics) = self.statics() {
            statics.load(thread.process);
        }
        Next::Seat(thread.seat)
    }

    /// The host's wait for the end.
    fn watch(&self, patience: Duration) {
        IS_HOST.set(false);
        choose_memory();
        let mut seen = self.turns.load(Ordering::Relaxed);
        let mut kept = Duration::ZERO;
        while !self.host.wait_for(WATCH_EVERY) {
            let turns = self.turns.load(Ordering::Relaxed);
            kept = if turns == seen { kept + WATCH_EVERY } else { Duration::ZERO };
            seen = turns;
            if kept >= patience {
                if !self.world.turn_kept(&watchdog::report(self.running.load(Ordering::Relaxed), kept)) {
                    super::fork::exit(watchdog::EXIT_CODE);
                }
                return;
            }
        }
        IS_HOST.set(true);
        choose_memory();
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// By what it waited for.
    ByEvent,
    /// By its deadline.
    ByTime,
}

/// Gives up the turn until `wait` is over.
pub(super) fn wait(me: ThreadId, wait: Wait) -> Woken {
    let (woken, wakers) = exempt(|| {
        let kernel = kernel();
        let seat = {
            let mut threads = kernel.threads();
            let thread = threads.get(me);
            thread.state = State::Waiting(wait);
            thread.seat
        };
        match kernel.pick() {
            Some(next) if next == me => {}
            next => seat.pass(kernel.next(next)),
        }
        kernel.resume(me)
    });
    for waker in wakers {
        waker.wake();
    }
    woken
}

impl Kernel {
    fn resume(&self, me: ThreadId) -> (Woken, Vec<Waker>) {
        let mut threads = self.threads();
        let thread = threads.get(me);
        let woken = match thread.state {
            State::Waiting(Wait::Futex { woken: false, .. } | Wait::Sleep { .. }) => Woken::ByTime,
            _ => Woken::ByEvent,
        };
        let polls = matches!(thread.state, State::Waiting(Wait::Epoll { .. }));
        thread.state = State::Running;
        (woken, if polls { std::mem::take(&mut thread.wakers) } else { Vec::new() })
    }
}

/// When a wait of `limit` from now ends.
pub(super) fn deadline_ns(limit: Duration) -> u64 {
    now_ns().saturating_add(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX))
}

/// Has the thread sleep.
pub(super) fn sleep(me: ThreadId, span: Duration) {
    exempt(|| kernel().world.sleeps(me, ProcessId(PROCESS.with(Cell::get)), span));
    wait(me, Wait::Sleep { until_ns: deadline_ns(span) });
}

/// Wakes up to `count` threads that wait at `address`, the oldest first. Returns how many it woke.
pub(super) fn wake_futex(address: usize, count: u32) -> u32 {
    exempt(|| {
        // A lock in a static is another one in each process.
        let is_own = kernel().statics().is_some_and(|statics| statics.are_at(address));
        let only = is_own.then(|| ProcessId(PROCESS.with(Cell::get)));
        let mut left = count;
        for thread in &mut kernel().threads().all {
            if only.is_none_or(|process| process == thread.process)
                && let State::Waiting(Wait::Futex { address: at, woken, .. }) = &mut thread.state
                && *at == address
                && !*woken
                && left > 0
            {
                *woken = true;
                left -= 1;
            }
        }
        count - left
    })
}

/// Fills in this thread's randomness.
pub(super) fn fill_random(me: ThreadId, bytes: &mut [u8]) {
    exempt(|| kernel().threads().all[me.0 as usize].random.fill(bytes));
}

/// Reports a call that cannot be simulated to the world. `whom`: the host that it is about, if the call names one.
pub(super) fn refuse(me: ThreadId, what: &'static str, whom: Option<&CStr>) {
    exempt(|| {
        let process = kernel().threads().all[me.0 as usize].process;
        kernel().world.refused(process, what, whom.map(|whom| whom.to_string_lossy().into_owned()));
    });
}

/// What a runtime sees in its epoll.
pub(super) struct Seen {
    /// The data of the registrations that woke it.
    pub(super) data: Vec<u64>,
    /// Whether the system may have something for it, too.
    pub(super) and_readable: bool,
}

/// Takes what there is to see in an epoll. `is_busy`: the runtime has work and only looks in between.
pub(super) fn see(epoll: RawFd, most: usize, is_busy: bool) -> Seen {
    exempt(|| {
        let mut threads = kernel().threads();
        Seen { data: threads.wakeups.take(epoll, most), and_readable: threads.take_readable(epoll, is_busy) }
    })
}

/// Reads or changes the state of the descriptors. `None` if there is no simulation.
pub(super) fn with_threads<R>(work: impl FnOnce(&mut Threads) -> R) -> Option<R> {
    KERNEL.get().map(|kernel| exempt(|| work(&mut kernel.threads())))
}

/// A thread that is about to be created: by a simulated thread, or by [`spawn`].
pub(super) struct Newborn {
    pub(super) id: ThreadId,
    pub(super) seat: &'static Seat,
    process: ProcessId,
}

/// Registers the thread that the caller is about to create; `None` if it will not belong to the simulation.
pub(super) fn expect_thread() -> Option<Newborn> {
    let process = match SPAWN_FOR.with(Cell::get) {
        0 => {
            simulated()?;
            ProcessId(PROCESS.with(Cell::get))
        }
        process => ProcessId(process - 1),
    };
    exempt(|| {
        let kernel = kernel();
        let mut threads = kernel.threads();
        let id = ThreadId(u32::try_from(threads.all.len()).expect("fewer than 2^32 threads"));
        let seat = Seat::take();
        threads.all.push(Thread {
            process,
            seat,
            state: State::Waiting(Wait::Turn),
            wakers: Vec::new(),
            random: Stream::new(kernel.seed, id.0),
            name: format!("thread {}", id.0),
        });
        Some(Newborn { id, seat, process })
    })
}

/// The creation of `newborn` succeeded or failed.
pub(super) fn thread_created(newborn: ThreadId, pthread: Option<pthread_t>) {
    exempt(|| {
        let mut threads = kernel().threads();
        match pthread {
            Some(pthread) => drop(threads.by_pthread.insert(pthread, newborn)),
            None => threads.all[newborn.0 as usize].state = State::Gone,
        }
    });
}

impl Newborn {
    /// On the new thread, at its first turn.
    pub(super) fn begin(&self) {
        ME.with(|me| me.set(self.id.0 + 1));
        choose_memory();
        PROCESS.with(|process| process.set(self.process.0));
        exempt(|| kernel().resume(self.id));
    }
}

/// The thread has a name.
pub(super) fn name_thread(thread: ThreadId, name: &str) {
    exempt(|| name.clone_into(&mut kernel().threads().get(thread).name));
}

/// Gives up the turn for good, on a thread that has run all of its code, including its thread-locals' destructors.
pub(super) fn leave(me: ThreadId) {
    exempt(|| {
        let kernel = kernel();
        let (process, seat, is_last) = {
            let mut threads = kernel.threads();
            let thread = &mut threads.all[me.0 as usize];
            thread.state = State::Gone;
            let (process, seat) = (thread.process, thread.seat);
            (process, seat, !threads.all.iter().any(|it| it.process == process && !matches!(it.state, State::Gone)))
        };
        if is_last && let Some(mut statics) = kernel.statics() {
            statics.end(process);
        }
        kernel.world.thread_ended(me, process);
        let next = kernel.next(kernel.pick());
        // What libc still does on this thread is not part of the simulation.
        ME.with(|me| me.set(0));
        choose_memory();
        seat::leave(seat, next);
    });
}

/// The simulated thread behind a handle of the system, if it is one.
pub(super) fn thread_of(pthread: pthread_t) -> Option<ThreadId> {
    exempt(|| kernel().threads().by_pthread.get(&pthread).copied())
}

/// The seat of the simulated thread behind a handle of the system, if it is one.
pub(super) fn seat_of(pthread: pthread_t) -> Option<&'static Seat> {
    with_threads(|threads| {
        let thread = threads.by_pthread.get(&pthread).copied()?;
        Some(threads.get(thread).seat)
    })
    .flatten()
}
