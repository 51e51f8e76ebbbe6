//! The stacks of simulated threads. When a thread ends, libc gives the memory of its stack back to the system, and the next
//! thread faults it in again page by page. That takes longer than everything else in making a thread. Here a thread leaves its
//! stack to the next one as it is, and a simulation leaves its stacks to the next simulation of the same process (see
//! [`super::memory`]). The address of a stack depends on the simulation alone.
//!
//! The first stacks are made before the simulations, on a large page each, which a child maps with one fault. The others are
//! made when they are needed.
//!
//! A stack has two holders: the thread, until the system has ended it, and its handle, until it is joined or detached. (libc
//! keeps its data about a thread at the top of the thread's stack.) There is no lock, because only the thread with the turn is
//! here.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
};

use super::memory::{LARGE_PAGE_BYTES, lay_on_large_pages};

/// Where stacks lie.
const START: usize = 0x30_0000_0000;
/// Address space for them, which costs nothing.
const SPAN_BYTES: usize = 32 << 30;
/// How many stacks are made in advance: as many as most simulations need at once.
const PREPARED_COUNT: usize = 12;
/// Their size: the default of std.
const PREPARED_BYTES: usize = LARGE_PAGE_BYTES;
/// The distance from one to the next. The rest in between is their guard.
const PREPARED_EVERY_BYTES: usize = 2 * PREPARED_BYTES;
/// Where the others lie.
const OTHERS_START: usize = START + PREPARED_COUNT * PREPARED_EVERY_BYTES;
/// How much is shared with the simulations before and after this one: the prepared stacks, and about thirty more.
const SHARED_BYTES: usize = OTHERS_START - START + (64 << 20);
/// How much of a stack most threads use. It is mapped at once, not page by page.
const USUAL_BYTES: usize = 160 << 10;
/// The guard below a stack, where nobody may read or write. It must be at least a page, and pages have 64 KiB at most.
pub(super) const GUARD_BYTES: usize = 64 << 10;

/// Whether the address space is there.
static IS_LAID_OUT: AtomicBool = AtomicBool::new(false);
static STACKS: Stacks = Stacks {
    are_large: [const { Cell::new(false) }; PREPARED_COUNT],
    prepared_taken: Cell::new(0),
    taken_to: Cell::new(OTHERS_START),
    free: Cell::new(None),
};

struct Stacks {
    /// Which of the prepared stacks have their large page.
    are_large: [Cell<bool>; PREPARED_COUNT],
    /// How many prepared stacks have been taken.
    prepared_taken: Cell<usize>,
    /// The end of the other stacks made so far.
    taken_to: Cell<usize>,
    /// The first stack that nobody holds.
    free: Cell<Option<&'static Stack>>,
}

// SAFETY: what changes is touched only by the thread that has the turn.
unsafe impl Sync for Stacks {}

/// A stack. It is never freed.
#[derive(Debug)]
pub(super) struct Stack {
    /// Its lowest address. The guard is below.
    pub(super) start: usize,
    pub(super) bytes: usize,
    holders: Cell<u8>,
    /// The next stack that nobody holds.
    next: Cell<Option<&'static Stack>>,
}

// SAFETY: as above.
unsafe impl Sync for Stack {}

/// Reserves the address space, if the system has it. Otherwise threads use libc's stacks. For a process that forks one child
/// after another and uses none of these stacks itself.
pub(super) fn lay_out() {
    let is_reserved = map(libc::MAP_PRIVATE | libc::MAP_FIXED_NOREPLACE, SPAN_BYTES);
    let is_shared = is_reserved && map(libc::MAP_SHARED | libc::MAP_FIXED, SHARED_BYTES);
    let is_mapped = is_shared || is_reserved && map(libc::MAP_PRIVATE | libc::MAP_FIXED, SHARED_BYTES);
    let is_laid_out = is_mapped && (0..PREPARED_COUNT).all(|number| prepare(number, is_shared));
    IS_LAID_OUT.store(is_laid_out, Ordering::Release);
}

/// Makes the stack with this number, on a large page if the system can do that and has one. Its address is the same either way.
fn prepare(number: usize, is_shared: bool) -> bool {
    let start = prepared_at(number) as *mut libc::c_void;
    // SAFETY: pages of the span that nobody uses yet.
    unsafe {
        let is_made = libc::mprotect(start, PREPARED_BYTES, libc::PROT_READ | libc::PROT_WRITE) == 0;
        let is_large = is_made && is_shared && lay_on_large_pages(prepared_at(number), PREPARED_BYTES);
        STACKS.are_large[number].set(is_large);
        is_made
    }
}

const fn prepared_at(number: usize) -> usize {
    START + number * PREPARED_EVERY_BYTES + PREPARED_BYTES
}

fn map(how: libc::c_int, bytes: usize) -> bool {
    let flags = libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | how;
    // SAFETY: new pages, where there are only our own.
    let mapped = unsafe { libc::mmap(START as *mut libc::c_void, bytes, libc::PROT_NONE, flags, -1, 0) };
    mapped as usize == START
}

/// Maps as much of a stack as most threads use.
fn map_usual(start: usize, bytes: usize) {
    let usual_bytes = bytes.min(USUAL_BYTES);
    // SAFETY: pages of the stack. The call does not change their content; if it fails, they are mapped one by one.
    unsafe { libc::madvise((start + bytes - usual_bytes) as *mut libc::c_void, usual_bytes, libc::MADV_POPULATE_READ) };
}

impl Stack {
    /// A free stack of exactly this size; `None` if there can be none.
    pub(super) fn take(bytes: usize) -> Option<&'static Self> {
        if !IS_LAID_OUT.load(Ordering::Acquire) {
            return None;
        }
        let mut place = &STACKS.free;
        while let Some(stack) = place.get() {
            if stack.bytes == bytes {
                place.set(stack.next.take());
                stack.holders.set(2);
                return Some(stack);
            }
            place = &stack.next;
        }
        if bytes == PREPARED_BYTES && STACKS.prepared_taken.get() < PREPARED_COUNT {
            Some(Self::prepared())
        } else {
            Self::make(bytes)
        }
    }

    /// The next prepared stack.
    fn prepared() -> &'static Self {
        let number = STACKS.prepared_taken.get();
        STACKS.prepared_taken.set(number + 1);
        let start = prepared_at(number);
        if !STACKS.are_large[number].get() {
            map_usual(start, PREPARED_BYTES);
        }
        Self::of(start, PREPARED_BYTES)
    }

    fn make(bytes: usize) -> Option<&'static Self> {
        let start = STACKS.taken_to.get() + GUARD_BYTES;
        let end = start.checked_add(bytes)?.next_multiple_of(GUARD_BYTES);
        if end > START + SPAN_BYTES {
            return None;
        }
        // SAFETY: pages of the span that nobody uses yet.
        let failed = unsafe { libc::mprotect(start as *mut libc::c_void, bytes, libc::PROT_READ | libc::PROT_WRITE) };
        if failed != 0 {
            return None;
        }
        if end <= START + SHARED_BYTES {
            map_usual(start, bytes);
        }
        STACKS.taken_to.set(end);
        Some(Self::of(start, bytes))
    }

    fn of(start: usize, bytes: usize) -> &'static Self {
        Box::leak(Box::new(Self { start, bytes, holders: Cell::new(2), next: Cell::new(None) }))
    }

    /// One of its two holders no longer needs it.
    pub(super) fn let_go(&'static self) {
        self.holders.set(self.holders.get() - 1);
        if self.holders.get() == 0 {
            self.next.set(STACKS.free.replace(Some(self)));
        }
    }
}
