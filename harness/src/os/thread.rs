//! The threads of a simulation: what each of them waits for, and who can run.

use std::{collections::BTreeMap, os::fd::RawFd, task::Waker};

use libc::pthread_t;

use super::{
    interface::{ProcessId, ThreadDoes, ThreadId},
    random::Stream,
    seat::Seat,
    wakeups::{self, Wakeups},
};

/// A busy runtime asks the system about its epoll only once in this many looks.
const LOOK_EVERY_GLANCES: u64 = 16;

/// Why a thread does not run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// It only waits for its turn.
    Turn,
    /// In `epoll_wait`.
    Epoll { fd: RawFd, until_ns: Option<u64> },
    /// In a futex's wait.
    Futex { address: usize, until_ns: Option<u64>, woken: bool },
    /// Asleep.
    Sleep { until_ns: u64 },
    /// Waits for the end of another.
    Join(ThreadId),
}

#[derive(Debug)]
pub(super) enum State {
    Running,
    Waiting(Wait),
    /// It ended.
    Gone,
    /// Its process was killed: it never runs again.
    Frozen,
}

#[derive(Debug)]
pub(super) struct Thread {
    pub(super) process: ProcessId,
    pub(super) seat: &'static Seat,
    pub(super) state: State,
    pub(super) wakers: Vec<Waker>,
    pub(super) random: Stream,
    pub(super) name: String,
}

/// The threads, and what finds and wakes them.
#[derive(Debug, Default)]
pub(super) struct Threads {
    pub(super) all: Vec<Thread>,
    pub(super) by_pthread: BTreeMap<pthread_t, ThreadId>,
    pub(super) wakeups: Wakeups,
    /// The epolls of waiting threads in which the system has something to read.
    readable: Vec<RawFd>,
    /// Whether a descriptor of the system was touched since the system was last asked.
    pub(super) was_touched: bool,
    /// How often busy runtimes looked into their epolls.
    glances: u64,
}

impl Threads {
    pub(super) fn get(&mut self, thread: ThreadId) -> &mut Thread {
        &mut self.all[thread.0 as usize]
    }

    /// The system's number for a descriptor, if it has one.
    pub(super) fn system(&self, fd: RawFd) -> Option<RawFd> {
        if wakeups::is_ours(fd) { self.wakeups.real(fd) } else { Some(fd) }
    }

    /// Asks the system which of the epolls that threads wait in have something to read. Returns whether any has.
    pub(super) fn look_for_readable(&mut self) -> bool {
        self.was_touched = false;
        let epoll = |thread: &Thread| match thread.state {
            State::Waiting(Wait::Epoll { fd, .. }) => Some((fd, self.system(fd)?)),
            _ => None,
        };
        let epolls: Vec<(RawFd, RawFd)> = self.all.iter().filter_map(epoll).collect();
        let asked = epolls.iter().map(|(_, fd)| libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 });
        let mut asked: Vec<libc::pollfd> = asked.collect();
        let count = libc::nfds_t::try_from(asked.len()).unwrap_or(0);
        // SAFETY: the pointer and the count are those of one live vector.
        let found = unsafe { libc::poll(asked.as_mut_ptr(), count, 0) };
        let both = epolls.iter().zip(&asked);
        self.readable = both.filter(|(_, it)| found > 0 && it.revents != 0).map(|((fd, _), _)| *fd).collect();
        !self.readable.is_empty()
    }

    /// Whether the system has something to read in this epoll, as far as is known. A busy runtime that only looks in between
    /// may wait for just that, so from time to time the answer is yes in any case.
    pub(super) fn take_readable(&mut self, epoll: RawFd, is_busy: bool) -> bool {
        self.glances += u64::from(is_busy);
        let place = self.readable.iter().position(|fd| *fd == epoll);
        let is_known = place.map(|place| self.readable.swap_remove(place)).is_some();
        is_known || is_busy && self.glances.is_multiple_of(LOOK_EVERY_GLANCES)
    }

    /// Who can run now, and when the next of the others can.
    pub(super) fn survey(&self, now_ns: u64) -> (Vec<(ThreadId, ProcessId)>, Option<u64>) {
        let mut ready = Vec::new();
        let mut next_ns: Option<u64> = None;
        for (number, thread) in (0..).zip(&self.all) {
            let State::Waiting(wait) = thread.state else { continue };
            let (is_ready, until_ns) = match wait {
                Wait::Turn => (true, None),
                Wait::Epoll { fd, until_ns } => {
                    (!thread.wakers.is_empty() || self.wakeups.is_pending(fd) || self.readable.contains(&fd), until_ns)
                }
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

    /// What the live threads of a process are doing.
    pub(super) fn waits(&self, process: ProcessId) -> Vec<ThreadDoes> {
        let of_process = self.all.iter().filter(|thread| thread.process == process);
        let does = |thread: &Thread| {
            let is_idle = matches!(thread.state, State::Waiting(Wait::Epoll { until_ns: None, .. }));
            Some(ThreadDoes { is_idle, line: format!("{} {}", thread.name, thread.state.said()?) })
        };
        of_process.filter_map(does).collect()
    }
}

impl State {
    /// What the thread is doing, for people; `None` if it does nothing any more.
    fn said(&self) -> Option<String> {
        let said = match self {
            Self::Gone | Self::Frozen => return None,
            Self::Running => "runs".to_owned(),
            Self::Waiting(Wait::Turn) => "could run".to_owned(),
            Self::Waiting(Wait::Epoll { until_ns: None, .. }) => "has nothing to do".to_owned(),
            Self::Waiting(Wait::Epoll { until_ns: Some(until_ns), .. }) => {
                format!("has nothing to do until +{} s", until_ns / 1_000_000_000)
            }
            Self::Waiting(Wait::Futex { until_ns: None, .. }) => "waits for a lock or a signal of another thread".to_owned(),
            Self::Waiting(Wait::Futex { .. }) => "waits for a lock or a signal of another thread, or for time".to_owned(),
            Self::Waiting(Wait::Sleep { .. }) => "sleeps".to_owned(),
            Self::Waiting(Wait::Join(other)) => format!("waits for the end of thread {}", other.0),
        };
        Some(said)
    }
}
