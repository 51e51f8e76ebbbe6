//! The wake-ups of runtimes. Another thread wakes a runtime that waits in an epoll by writing to an eventfd registered there.
//! Both are simulated threads, and one runs at a time. So the write is only noted here, and the system is neither asked to do
//! it nor polled for it. The system handles every other descriptor.

use std::{collections::BTreeMap, os::fd::RawFd};

/// An edge-triggered eventfd in an epoll.
#[derive(Clone, Copy, Debug)]
struct Registration {
    epoll: RawFd,
    data: u64,
}

/// What simulated threads registered, and the writes not yet seen.
#[derive(Debug, Default)]
pub(super) struct Wakeups {
    eventfds: BTreeMap<RawFd, Option<Registration>>,
    /// The data of the registrations that were written to, by epoll.
    epolls: BTreeMap<RawFd, Vec<u64>>,
}

impl Wakeups {
    pub(super) fn eventfd_created(&mut self, fd: RawFd) {
        self.eventfds.insert(fd, None);
    }

    pub(super) fn epoll_created(&mut self, fd: RawFd) {
        self.epolls.insert(fd, Vec::new());
    }

    /// Notes a call of `epoll_ctl`. Returns whether it concerns anything but an eventfd in an epoll of ours.
    pub(super) fn registered(&mut self, epoll: RawFd, operation: i32, fd: RawFd, events: u32, data: u64) -> bool {
        let edge = (libc::EPOLLIN | libc::EPOLLET) as u32;
        let is_ours = operation == libc::EPOLL_CTL_ADD && events & edge == edge && self.epolls.contains_key(&epoll);
        match self.eventfds.get_mut(&fd) {
            // An eventfd in two epolls, or in one that waits for something else, is left to the system from now on.
            Some(registration) => {
                *registration = (is_ours && registration.is_none()).then_some(Registration { epoll, data });
                registration.is_none()
            }
            None => true,
        }
    }

    /// Notes a write to `fd`; false if the system has to do it.
    pub(super) fn written(&mut self, fd: RawFd) -> bool {
        let Some(Some(Registration { epoll, data })) = self.eventfds.get(&fd) else { return false };
        let Some(pending) = self.epolls.get_mut(epoll) else { return false };
        if !pending.contains(data) {
            pending.push(*data);
        }
        true
    }

    /// Forgets a descriptor. Returns whether it was known here.
    pub(super) fn closed(&mut self, fd: RawFd) -> bool {
        self.eventfds.remove(&fd).is_some() | self.epolls.remove(&fd).is_some()
    }

    /// Whether there is something to see in this epoll.
    pub(super) fn is_pending(&self, epoll: RawFd) -> bool {
        self.epolls.get(&epoll).is_some_and(|pending| !pending.is_empty())
    }

    /// Takes up to `most` of what there is to see.
    pub(super) fn take(&mut self, epoll: RawFd, most: usize) -> Vec<u64> {
        let Some(pending) = self.epolls.get_mut(&epoll) else { return Vec::new() };
        let count = pending.len().min(most);
        pending.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADD: i32 = libc::EPOLL_CTL_ADD;
    const EDGE: u32 = (libc::EPOLLIN | libc::EPOLLET | libc::EPOLLRDHUP) as u32;

    fn with_registration() -> Wakeups {
        let mut wakeups = Wakeups::default();
        wakeups.epoll_created(3);
        wakeups.eventfd_created(4);
        assert!(!wakeups.registered(3, ADD, 4, EDGE, 77));
        wakeups
    }

    #[test]
    fn a_write_is_seen_once_however_often_it_was_made() {
        let mut wakeups = with_registration();
        assert!(wakeups.written(4) && wakeups.written(4));
        assert!(wakeups.is_pending(3));
        assert_eq!(wakeups.take(3, 8), [77]);
        assert!(!wakeups.is_pending(3) && wakeups.take(3, 8).is_empty());
        assert!(wakeups.written(4));
        assert_eq!(wakeups.take(3, 8), [77]);
    }

    #[test]
    fn other_descriptors_and_other_uses_are_left_to_the_system() {
        let mut wakeups = with_registration();
        assert!(wakeups.registered(3, ADD, 9, EDGE, 1), "not an eventfd");
        assert!(!wakeups.written(9));
        wakeups.eventfd_created(5);
        assert!(wakeups.registered(30, ADD, 5, EDGE, 1), "an epoll that is not known");
        assert!(!wakeups.written(5));
        assert!(wakeups.registered(3, libc::EPOLL_CTL_MOD, 4, EDGE, 78), "changed");
        assert!(!wakeups.written(4));
    }

    #[test]
    fn a_closed_descriptor_is_forgotten_and_its_number_may_return() {
        let mut wakeups = with_registration();
        assert!(wakeups.written(4));
        assert!(wakeups.closed(4) && !wakeups.closed(4) && !wakeups.written(4));
        assert!(wakeups.closed(3) && !wakeups.is_pending(3));
    }
}
