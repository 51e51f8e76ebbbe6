//! What runtimes wait in and wake each other by. A runtime waits in an epoll, and another thread wakes it by writing to an
//! eventfd that is registered there. Both are simulated threads, and one runs at a time. So the eventfd exists only here: a write
//! to it is noted, and the system is neither asked to do it nor polled for it. An epoll is the system's, since every other
//! descriptor is registered there as well.
//!
//! Threads get numbers of ours for both, which are never used again. So a waker that outlives its runtime wakes nobody else, and
//! what a killed process has open with the system can be closed although its threads never let go of it.

use std::{collections::BTreeMap, os::fd::RawFd};

use super::interface::ProcessId;

/// The first of our numbers. The system's are far below.
const FIRST: RawFd = 1 << 30;

/// Whether a descriptor is one of ours.
pub(super) fn is_ours(fd: RawFd) -> bool {
    fd >= FIRST
}

/// An edge-triggered eventfd in an epoll.
#[derive(Clone, Copy, Debug)]
struct Registration {
    epoll: RawFd,
    data: u64,
}

#[derive(Debug, Default)]
struct Eventfd {
    registration: Option<Registration>,
    /// It was written to before it was registered.
    is_written: bool,
}

#[derive(Debug)]
struct Epoll {
    /// Its number with the system; `None` once that is closed because its process has ended.
    real: Option<RawFd>,
    owner: ProcessId,
    /// How many of our numbers stand for it.
    numbers: u32,
    /// The data of the registrations that were written to and not yet seen.
    pending: Vec<u64>,
}

/// What simulated threads have open.
#[derive(Debug, Default)]
pub(super) struct Wakeups {
    /// How many numbers were given.
    given: RawFd,
    eventfds: BTreeMap<RawFd, Eventfd>,
    /// By the first of its numbers.
    epolls: BTreeMap<RawFd, Epoll>,
    /// All numbers of the epolls, and the first ones.
    numbers: BTreeMap<RawFd, RawFd>,
    /// The system's descriptors that simulated threads have duplicated, and the epoll in which one is registered. tokio has one
    /// for signals in each runtime.
    duplicates: BTreeMap<RawFd, Option<RawFd>>,
}

impl Wakeups {
    fn give(&mut self) -> RawFd {
        self.given += 1;
        FIRST + self.given
    }

    /// A number for a new eventfd.
    pub(super) fn open_eventfd(&mut self) -> RawFd {
        let fd = self.give();
        self.eventfds.insert(fd, Eventfd::default());
        fd
    }

    /// A number for an epoll that the system has opened for a thread of `owner`.
    pub(super) fn open_epoll(&mut self, real: RawFd, owner: ProcessId) -> RawFd {
        let fd = self.give();
        self.epolls.insert(fd, Epoll { real: Some(real), owner, numbers: 1, pending: Vec::new() });
        self.numbers.insert(fd, fd);
        fd
    }

    /// One more number for an epoll; `None` if it is none.
    pub(super) fn duplicate(&mut self, fd: RawFd) -> Option<RawFd> {
        let first = *self.numbers.get(&fd)?;
        self.epolls.get_mut(&first)?.numbers += 1;
        let another = self.give();
        self.numbers.insert(another, first);
        Some(another)
    }

    /// Notes that a thread has duplicated a descriptor of the system, as this one.
    pub(super) fn duplicated(&mut self, real: RawFd) {
        self.duplicates.insert(real, None);
    }

    /// The system's number for an epoll, if it still has one.
    pub(super) fn real(&self, fd: RawFd) -> Option<RawFd> {
        self.epolls.get(self.numbers.get(&fd)?)?.real
    }

    /// Registers an eventfd in an epoll, or takes it out again. False if that asks for more than runtimes do.
    pub(super) fn control(&mut self, epoll: RawFd, operation: i32, fd: RawFd, events: u32, data: u64) -> bool {
        let edge = (libc::EPOLLIN | libc::EPOLLET) as u32;
        let (Some(eventfd), Some(epoll)) = (self.eventfds.get_mut(&fd), self.numbers.get(&epoll).copied()) else {
            return false;
        };
        match (operation, eventfd.registration) {
            (libc::EPOLL_CTL_ADD, None) if events & edge == edge => {
                eventfd.registration = Some(Registration { epoll, data });
                if std::mem::take(&mut eventfd.is_written) {
                    self.written(fd);
                }
            }
            (libc::EPOLL_CTL_DEL, Some(registration)) if registration.epoll == epoll => eventfd.registration = None,
            _ => return false,
        }
        true
    }

    /// Notes that the system has registered one of its descriptors in an epoll.
    pub(super) fn registered(&mut self, epoll: RawFd, real: RawFd) {
        if let (Some(of), Some(epoll)) = (self.duplicates.get_mut(&real), self.numbers.get(&epoll)) {
            *of = Some(*epoll);
        }
    }

    /// Notes a write to an eventfd; false if it is none. Where nobody waits any more, it has no effect.
    pub(super) fn written(&mut self, fd: RawFd) -> bool {
        let Some(eventfd) = self.eventfds.get_mut(&fd) else { return false };
        let Some(Registration { epoll, data }) = eventfd.registration else {
            eventfd.is_written = true;
            return true;
        };
        if let Some(Epoll { pending, .. }) = self.epolls.get_mut(&epoll)
            && !pending.contains(&data)
        {
            pending.push(data);
        }
        true
    }

    /// Takes one of our numbers back. Returns what is to be closed with the system, if it was the last number of an epoll.
    pub(super) fn close(&mut self, fd: RawFd) -> Option<RawFd> {
        self.eventfds.remove(&fd);
        let first = self.numbers.remove(&fd)?;
        let epoll = self.epolls.get_mut(&first)?;
        epoll.numbers -= 1;
        if epoll.numbers > 0 {
            return None;
        }
        self.epolls.remove(&first)?.real
    }

    /// Notes that a descriptor of the system is closed.
    pub(super) fn closed(&mut self, real: RawFd) {
        self.duplicates.remove(&real);
    }

    /// Takes what the runtimes of a process that never runs again have open with the system.
    pub(super) fn take_of(&mut self, owner: ProcessId) -> Vec<RawFd> {
        let epolls = &mut self.epolls;
        let is_its = |epoll: &Option<RawFd>| epoll.and_then(|it| epolls.get(&it)).is_some_and(|epoll| epoll.owner == owner);
        let mut taken: Vec<RawFd> =
            self.duplicates.iter().filter(|(_, epoll)| is_its(epoll)).map(|(duplicate, _)| *duplicate).collect();
        self.duplicates.retain(|duplicate, _| !taken.contains(duplicate));
        taken.extend(epolls.values_mut().filter(|epoll| epoll.owner == owner).filter_map(|epoll| epoll.real.take()));
        taken
    }

    /// Whether there is something to see in this epoll.
    pub(super) fn is_pending(&self, epoll: RawFd) -> bool {
        self.numbers.get(&epoll).and_then(|first| self.epolls.get(first)).is_some_and(|epoll| !epoll.pending.is_empty())
    }

    /// Takes up to `most` of what there is to see.
    pub(super) fn take(&mut self, epoll: RawFd, most: usize) -> Vec<u64> {
        let Some(Epoll { pending, .. }) = self.numbers.get(&epoll).and_then(|first| self.epolls.get_mut(first)) else {
            return Vec::new();
        };
        let count = pending.len().min(most);
        pending.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADD: i32 = libc::EPOLL_CTL_ADD;
    const EDGE: u32 = (libc::EPOLLIN | libc::EPOLLET | libc::EPOLLRDHUP) as u32;
    const OWNER: ProcessId = ProcessId(1);

    /// An epoll, 3 with the system, with an eventfd.
    fn with_registration() -> (Wakeups, RawFd, RawFd) {
        let mut wakeups = Wakeups::default();
        let (epoll, eventfd) = (wakeups.open_epoll(3, OWNER), wakeups.open_eventfd());
        assert!(wakeups.control(epoll, ADD, eventfd, EDGE, 77));
        (wakeups, epoll, eventfd)
    }

    #[test]
    fn a_write_is_seen_once_however_often_it_was_made() {
        let (mut wakeups, epoll, eventfd) = with_registration();
        assert!(wakeups.written(eventfd) && wakeups.written(eventfd));
        assert!(wakeups.is_pending(epoll));
        assert_eq!(wakeups.take(epoll, 8), [77]);
        assert!(!wakeups.is_pending(epoll) && wakeups.take(epoll, 8).is_empty());
        assert!(wakeups.written(eventfd));
        assert_eq!(wakeups.take(epoll, 8), [77]);
    }

    #[test]
    fn a_write_before_the_registration_is_seen_after_it() {
        let mut wakeups = Wakeups::default();
        let (epoll, eventfd) = (wakeups.open_epoll(3, OWNER), wakeups.open_eventfd());
        assert!(wakeups.written(eventfd) && !wakeups.is_pending(epoll));
        assert!(wakeups.control(epoll, ADD, eventfd, EDGE, 77));
        assert_eq!(wakeups.take(epoll, 8), [77]);
    }

    #[test]
    fn what_no_runtime_asks_for_is_not_done() {
        let (mut wakeups, epoll, eventfd) = with_registration();
        assert!(!wakeups.written(9) && !wakeups.written(epoll), "not an eventfd");
        assert!(!wakeups.control(epoll, ADD, eventfd, EDGE, 78), "twice");
        assert!(!wakeups.control(epoll, libc::EPOLL_CTL_MOD, eventfd, EDGE, 78));
        let level = wakeups.open_eventfd();
        assert!(!wakeups.control(epoll, ADD, level, libc::EPOLLIN as u32, 78));
        assert!(!wakeups.control(30, ADD, level, EDGE, 78), "an epoll that is not known");
    }

    #[test]
    fn an_epoll_is_closed_with_its_last_number_and_no_number_returns() {
        let (mut wakeups, epoll, eventfd) = with_registration();
        let another = wakeups.duplicate(epoll).unwrap();
        assert_eq!((wakeups.real(another), wakeups.duplicate(eventfd)), (Some(3), None));
        assert_eq!((wakeups.close(epoll), wakeups.close(epoll)), (None, None));
        assert_eq!((wakeups.close(another), wakeups.real(another)), (Some(3), None));
        assert!(wakeups.written(eventfd), "in vain");
        assert!(wakeups.open_epoll(3, OWNER) > another);
    }

    #[test]
    fn what_a_process_leaves_open_is_taken_once() {
        let (mut wakeups, epoll, eventfd) = with_registration();
        let others = wakeups.open_epoll(4, ProcessId(2));
        for (real, epoll) in [(10, epoll), (11, others), (12, epoll)] {
            wakeups.duplicated(real);
            wakeups.registered(epoll, real);
        }
        wakeups.duplicated(13);
        wakeups.closed(12);
        assert_eq!((wakeups.take_of(OWNER), wakeups.take_of(OWNER)), (vec![10, 3], vec![]));
        assert!(wakeups.written(eventfd) && wakeups.is_pending(epoll), "whoever still waits there is woken");
        assert_eq!((wakeups.real(epoll), wakeups.close(epoll)), (None, None), "it is closed already");
    }
}
