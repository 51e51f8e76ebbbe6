//! The threads of a simulation and the turn: exactly one of them runs, until it would block. Then the [`World`] is asked
//! who is next, on the stack of the thread that gives its turn up; when nobody can run, time moves to the next deadline.
//!
//! A task is woken on the thread that runs it, when that thread gets its turn ([`wake`]): tokio's queues then never see a
//! waker from outside, and no byte goes through an eventfd for it.

use std::{
    cell::Cell,
    collections::BTreeMap,
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
    interface::{ProcessId, Step, ThreadId, World},
    random::Stream,
    symbols, watchdog,
};

/// Why a thread does not run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// It only waits for its turn.
    Turn,
    /// In `epoll_wait`.
    Epoll { fd: i32, until_ns: Option<u64> },
    /// In a futex's wait.
    Futex { address: usize, until_ns: Option<u64>, woken: bool },
    /// Asleep.
    Sleep { until_ns: u64 },
    /// Waits for the end of another.
    Join(ThreadId),
}

#[derive(Debug)]
enum State {
    Running,
    Waiting(Wait),
    /// It ended.
    Gone,
    /// Its process was killed: it never runs again.
    Frozen,
}

struct Thread {
    process: ProcessId,
    baton: Arc<Baton>,
    state: State,
    wakers: Vec<Waker>,
    random: Stream,
    /// The system's number of it, once it runs.
    task: i32,
}

/// The threads, and what finds them.
#[derive(Default)]
struct Threads {
    all: Vec<Thread>,
    by_pthread: BTreeMap<pthread_t, ThreadId>,
}

struct Kernel {
    seed: u64,
    epoch_ns: u64,
    now_ns: AtomicU64,
    threads: Mutex<Threads>,
    world: Arc<dyn World>,
    /// Where [`run`] waits.
    host: Baton,
    halted: AtomicBool,
    /// How often the world was asked who is next, and who has the turn: what the watchdog watches.
    turns: AtomicU64,
    running: AtomicU32,
}

static KERNEL: OnceLock<Kernel> = OnceLock::new();

thread_local! {
    /// One more than this thread's number; 0 outside of the simulation.
    static ME: Cell<u32> = const { Cell::new(0) };
    /// Above 0 while this thread runs the simulation's own code: libc is then the real one.
    static EXEMPT: Cell<u32> = const { Cell::new(0) };
    /// One more than the number of the process that the next thread is created for; 0 for that of its creator.
    static SPAWN_FOR: Cell<u32> = const { Cell::new(0) };
}

/// CLOCK_MONOTONIC at the start: some hours, so that a program can subtract a little from now.
const MONOTONIC_START_NS: u64 = 36_000_000_000_000;
/// How often the watchdog looks.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// The thread that asks, if it is simulated and not in the simulation's own code.
pub(super) fn simulated() -> Option<ThreadId> {
    let me = ME.try_with(Cell::get).unwrap_or(0);
    if me == 0 || EXEMPT.with(Cell::get) > 0 { None } else { Some(ThreadId(me - 1)) }
}

/// The thread that asks, if it is simulated.
pub(super) fn member() -> Option<ThreadId> {
    ME.try_with(Cell::get).unwrap_or(0).checked_sub(1).map(ThreadId)
}

/// The thread that asks and its process, if it belongs to a simulation.
pub(crate) fn current() -> Option<(ThreadId, ProcessId)> {
    let me = ThreadId(ME.with(Cell::get).checked_sub(1)?);
    exempt(|| Some((me, kernel().threads().all[me.0 as usize].process)))
}

/// Runs the simulation's own code on whatever thread this is: libc is the real one for it.
pub(crate) fn exempt<R>(work: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            EXEMPT.with(|exempt| exempt.set(exempt.get() - 1));
        }
    }
    EXEMPT.with(|exempt| exempt.set(exempt.get() + 1));
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

/// Starts a thread with this work as the first of `process`. Its turn comes when the world picks it.
///
/// # Panics
/// If the system refuses a thread.
pub(crate) fn spawn(process: ProcessId, name: &str, work: impl FnOnce() + Send + 'static) -> ThreadId {
    exempt(|| {
        let id = u32::try_from(kernel().threads().all.len()).expect("fewer than 2^32 threads");
        SPAWN_FOR.with(|cell| cell.set(process.0 + 1));
        let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        SPAWN_FOR.with(|cell| cell.set(0));
        spawned.expect("the system has a thread for a simulated process");
        ThreadId(id)
    })
}

/// The name that the thread has for the system.
pub(crate) fn thread_name(pid_thread: i32) -> String {
    std::fs::read_to_string(format!("/proc/self/task/{pid_thread}/comm")).unwrap_or_default().trim().to_owned()
}

/// The system's number of a simulated thread, if it can be told at once.
pub(super) fn task_of(number: u32) -> Option<i32> {
    let threads = kernel().threads.try_lock().ok()?;
    threads.all.get(number as usize).map(|thread| thread.task)
}

/// Wakes a task when `thread` gets its turn, which it now may.
pub(crate) fn wake(thread: ThreadId, waker: Waker) {
    kernel().threads().all[thread.0 as usize].wakers.push(waker);
}

/// What the threads of a process that have not ended wait for, a line each.
pub(crate) fn waits(process: ProcessId) -> Vec<String> {
    let threads = kernel().threads();
    let of_process = threads.all.iter().filter(|thread| thread.process == process);
    let said = of_process.filter_map(|thread| {
        let wait = match thread.state {
            State::Running => "runs".to_owned(),
            State::Gone | State::Frozen => return None,
            State::Waiting(Wait::Turn) => "could run".to_owned(),
            State::Waiting(Wait::Epoll { until_ns: None, .. }) => "has nothing to do".to_owned(),
            State::Waiting(Wait::Epoll { until_ns: Some(until_ns), .. }) => {
                format!("has nothing to do until +{} s", until_ns / 1_000_000_000)
            }
            State::Waiting(Wait::Futex { until_ns: None, .. }) => "waits for a lock or a signal of another thread".to_owned(),
            State::Waiting(Wait::Futex { .. }) => "waits for a lock or a signal of another thread, or for time".to_owned(),
            State::Waiting(Wait::Sleep { .. }) => "sleeps".to_owned(),
            State::Waiting(Wait::Join(other)) => format!("waits for the end of thread {}", other.0),
        };
        Some(format!("{} {wait}", thread_name(thread.task)))
    });
    said.collect()
}

/// Freezes all threads of `process`: they never run again.
pub(crate) fn freeze(process: ProcessId) {
    for thread in kernel().threads().all.iter_mut().filter(|thread| thread.process == process) {
        if !matches!(thread.state, State::Gone | State::Running) {
            thread.state = State::Frozen;
        }
    }
}

/// Runs a simulation, once in the life of an OS process, from the calling thread, which does not belong to it. `begin`
/// spawns the first threads. Comes back when the world halts, or when a thread keeps its turn for longer than `patience` of
/// real time; all threads are left where they are.
///
/// # Panics
/// If a simulation ran in this process before, or if the program calls libc past [`super::symbols`].
pub(crate) fn run(seed: u64, epoch_ns: u64, patience: Duration, world: Arc<dyn World>, begin: impl FnOnce()) {
    let kernel = Kernel {
        seed,
        epoch_ns,
        now_ns: AtomicU64::new(0),
        threads: Mutex::default(),
        world,
        host: Baton::default(),
        halted: AtomicBool::new(false),
        turns: AtomicU64::new(0),
        running: AtomicU32::new(0),
    };
    assert!(symbols::are_linked(), "this program was linked such that the simulation cannot stand in for libc");
    assert!(KERNEL.set(kernel).is_ok(), "one process runs one simulation");
    let kernel = self::kernel();
    begin();
    if let Some(first) = exempt(|| kernel.pick()) {
        kernel.hand_to(first);
        kernel.watch(patience);
    }
}

impl Kernel {
    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is next; `None` when the simulation is over.
    fn pick(&self) -> Option<ThreadId> {
        if self.halted.load(Ordering::Relaxed) {
            return None;
        }
        let readable = self.threads().readable();
        loop {
            let now_ns = self.now_ns.load(Ordering::Relaxed);
            let (ready, next_ns) = self.threads().survey(now_ns, &readable);
            self.turns.fetch_add(1, Ordering::Relaxed);
            match self.world.step(now_ns, &ready) {
                Step::Run(thread) => return Some(thread),
                Step::Again => {}
                Step::Halt => break,
                Step::Wait(world_ns) => match [next_ns, world_ns].into_iter().flatten().min() {
                    Some(next_ns) => self.now_ns.store(next_ns.max(now_ns), Ordering::Relaxed),
                    None if self.world.stuck() => {}
                    None => break,
                },
            }
        }
        self.halted.store(true, Ordering::Relaxed);
        None
    }

    fn hand_to(&self, thread: ThreadId) {
        let baton = self.threads().all[thread.0 as usize].baton.clone();
        self.running.store(thread.0, Ordering::Relaxed);
        baton.post();
    }

    /// The host's wait for the end.
    fn watch(&self, patience: Duration) {
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
    }
}

impl Threads {
    /// The epoll descriptors of waiting threads that have something to read.
    fn readable(&self) -> Vec<i32> {
        let epoll = |thread: &Thread| match thread.state {
            State::Waiting(Wait::Epoll { fd, .. }) => Some(libc::pollfd { fd, events: libc::POLLIN, revents: 0 }),
            _ => None,
        };
        let mut fds: Vec<libc::pollfd> = self.all.iter().filter_map(epoll).collect();
        let count = libc::nfds_t::try_from(fds.len()).unwrap_or(0);
        // SAFETY: the pointer and the count are those of one live vector.
        let found = unsafe { libc::poll(fds.as_mut_ptr(), count, 0) };
        if found <= 0 {
            return Vec::new();
        }
        fds.iter().filter(|it| it.revents != 0).map(|it| it.fd).collect()
    }

    /// Who can run now, and when the next of the others can.
    fn survey(&self, now_ns: u64, readable: &[i32]) -> (Vec<(ThreadId, ProcessId)>, Option<u64>) {
        let mut ready = Vec::new();
        let mut next_ns: Option<u64> = None;
        for (number, thread) in (0..).zip(&self.all) {
            let State::Waiting(wait) = thread.state else { continue };
            let (is_ready, until_ns) = match wait {
                Wait::Turn => (true, None),
                Wait::Epoll { fd, until_ns } => (!thread.wakers.is_empty() || readable.contains(&fd), until_ns),
                Wait::Futex { woken, until_ns, .. } => (woken, until_ns),
                Wait::Sleep { until_ns } => (false, Some(until_ns)),
                Wait::Join(of) => (matches!(self.all[of.0 as usize].state, State::Gone), None),
            };
            if is_ready || until_ns.is_some_and(|until_ns| until_ns <= now_ns) {
                ready.push((ThreadId(number), thread.process));
            } else if let Some(until_ns) = until_ns {
                next_ns = Some(next_ns.map_or(until_ns, |next_ns| next_ns.min(until_ns)));
            }
        }
        (ready, next_ns)
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

/// Gives the turn up until `wait` is over.
pub(super) fn wait(me: ThreadId, wait: Wait) -> Woken {
    let (woken, wakers) = exempt(|| {
        let kernel = kernel();
        let baton = {
            let mut threads = kernel.threads();
            let thread = &mut threads.all[me.0 as usize];
            thread.state = State::Waiting(wait);
            thread.baton.clone()
        };
        match kernel.pick() {
            Some(next) if next == me => {}
            Some(next) => {
                kernel.hand_to(next);
                baton.wait();
            }
            None => {
                kernel.host.post();
                baton.wait();
            }
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
        let thread = &mut threads.all[me.0 as usize];
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

/// Wakes up to `count` threads that wait at `address`, the oldest thread first; how many they were.
pub(super) fn wake_futex(address: usize, count: u32) -> u32 {
    exempt(|| {
        let mut left = count;
        for thread in &mut kernel().threads().all {
            if let State::Waiting(Wait::Futex { address: at, woken, .. }) = &mut thread.state
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

/// Tells the world of a call that cannot be simulated.
pub(super) fn refuse(me: ThreadId, what: &'static str) {
    exempt(|| {
        let process = kernel().threads().all[me.0 as usize].process;
        kernel().world.refused(me, process, what);
    });
}

/// A thread that is about to be created: by a simulated thread, or by [`spawn`].
pub(super) struct Newborn {
    pub(super) id: ThreadId,
    baton: Arc<Baton>,
}

/// Registers the thread that the caller is about to create; `None` if it will not belong to the simulation.
pub(super) fn expect_thread() -> Option<Newborn> {
    let process = match SPAWN_FOR.with(Cell::get) {
        0 => {
            let parent = simulated()?;
            exempt(|| kernel().threads().all[parent.0 as usize].process)
        }
        process => ProcessId(process - 1),
    };
    exempt(|| {
        let kernel = kernel();
        let mut threads = kernel.threads();
        let id = ThreadId(u32::try_from(threads.all.len()).expect("fewer than 2^32 threads"));
        let baton = Arc::new(Baton::default());
        threads.all.push(Thread {
            process,
            baton: baton.clone(),
            state: State::Waiting(Wait::Turn),
            wakers: Vec::new(),
            random: Stream::new(kernel.seed, id.0),
            task: 0,
        });
        Some(Newborn { id, baton })
    })
}

/// The creation of `newborn` came to something.
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
    /// On the new thread: waits for its first turn.
    pub(super) fn enter(self) {
        ME.with(|me| me.set(self.id.0 + 1));
        exempt(|| {
            self.baton.wait();
            // SAFETY: no arguments.
            let task = unsafe { libc::gettid() };
            kernel().threads().all[self.id.0 as usize].task = task;
            kernel().resume(self.id);
        });
    }
}

/// On a thread that has run all of its code, its thread-locals' destructors included: gives the turn up for good.
pub(super) fn leave(me: ThreadId) {
    exempt(|| {
        let kernel = kernel();
        let process = {
            let mut threads = kernel.threads();
            let thread = &mut threads.all[me.0 as usize];
            thread.state = State::Gone;
            thread.process
        };
        kernel.world.thread_ended(me, process);
        match kernel.pick() {
            Some(next) => kernel.hand_to(next),
            None => kernel.host.post(),
        }
    });
}

/// The simulated thread behind a handle of the system, if it is one.
pub(super) fn thread_of(pthread: pthread_t) -> Option<ThreadId> {
    exempt(|| kernel().threads().by_pthread.get(&pthread).copied())
}
