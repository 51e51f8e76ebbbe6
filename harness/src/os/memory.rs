//! The memory of simulated threads. Its addresses depend only on what they asked for: not on the process, not on its other
//! threads, and not on the simulation's own code, which has a region to itself. It is also quick: a child lives for
//! milliseconds, and libc would set up an arena for each of its threads.
//!
//! A region is a span of addresses, the same in every process. Memory is taken from its front. A freed block is kept for the
//! next request of the same size and alignment, and is never given back to the system. There is no lock, because only the
//! thread with the turn is here.
//!
//! The system hands out zeroed memory, which takes longer than a short simulation's own work. So the forking process lays out
//! the front of each region and shares it with its children, who live one after another. Each child finds the pages of the one
//! before, and blocks are cleared here when they are first taken. Large blocks are not cleared: they are buffers that nobody
//! reads before writing, and many are never filled. A simulation therefore must not fork.

use std::{
    cell::Cell,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

/// The program's: workers, the test's body.
pub(super) static PROGRAM: Region = Region::at(PROGRAM_START, 8 << 20);
/// The simulation's own: the world and the server. It may use more or less memory, for a report for example, without moving the
/// program's.
pub(super) static SIMULATION: Region = Region::at(SIMULATION_START, 4 << 20);

const PROGRAM_START: usize = 0x10_0000_0000;
const SIMULATION_START: usize = 0x20_0000_0000;

/// The size of one region: more than any machine can spare for it. Address space costs nothing.
const REGION_BYTES: usize = 32 << 30;
/// What `malloc` promises of every address.
pub(super) const ALIGNMENT_MIN: usize = 16;
const ALIGNMENT_MAX: usize = 2 << 20;
/// On x86-64, and on aarch64 with small pages of 4 KiB. Where small pages are larger, there are no large pages of this size.
pub(super) const LARGE_PAGE_BYTES: usize = 2 << 20;
/// Larger blocks are not cleared.
const CLEARED_MAX: usize = 4 << 10;
/// Up to this size there is a class for every 16 bytes; above it, four classes between one power of two and the next.
const SMALL_MAX: usize = 1 << 10;
const SMALL_CLASSES: usize = SMALL_MAX / ALIGNMENT_MIN + 1;
const CLASSES: usize = SMALL_CLASSES + 4 * (REGION_BYTES.ilog2() - SMALL_MAX.ilog2()) as usize;
const ALIGNMENTS: usize = (ALIGNMENT_MAX.ilog2() - ALIGNMENT_MIN.ilog2()) as usize + 1;

/// Whether the regions are in use.
static IS_OPEN: AtomicBool = AtomicBool::new(false);
/// Whether the regions are prepared for children of this process.
static IS_LAID_OUT: AtomicBool = AtomicBool::new(false);

/// A span of addresses from which memory is taken.
pub(super) struct Region {
    start: usize,
    /// How much of it is shared with the simulations before and after this one, where that is possible.
    shared_bytes: usize,
    /// Memory below this may hold something other than zeros when it is first taken.
    used_to: Cell<usize>,
    /// Memory below this has been taken.
    taken: Cell<usize>,
    /// The first free block of each alignment and class.
    free: [Cell<*mut Block>; ALIGNMENTS * CLASSES],
}

// SAFETY: what changes is touched only by the thread that has the turn.
unsafe impl Sync for Region {}

/// A free block, in the place of the memory that was in use.
struct Block {
    next: *mut Block,
}

/// What precedes each block.
#[repr(C, align(16))]
struct Header {
    /// The list that it joins when it is freed.
    list: *const Cell<*mut Block>,
    /// How large it is.
    room_bytes: usize,
}

/// Memory that was asked for.
pub(super) struct Memory {
    pub(super) start: *mut u8,
    /// Whether it is all zeros.
    pub(super) is_fresh: bool,
}

/// Makes the regions, if the system has room for them. Otherwise simulated threads use libc's memory like all others. For a
/// process that forks one child after another and uses none of it itself.
pub(super) fn lay_out() {
    IS_LAID_OUT.store(PROGRAM.map() && SIMULATION.map(), Ordering::Release);
}

/// From now on simulated threads have memory of their own.
pub(super) fn open() {
    IS_OPEN.store(IS_LAID_OUT.load(Ordering::Acquire), Ordering::Release);
}

/// Whether simulated threads have memory of their own.
pub(super) fn is_open() -> bool {
    IS_OPEN.load(Ordering::Acquire)
}

/// Whether a block lies in one of the regions, if they are open. Nothing else lies between them.
#[inline]
pub(super) fn is_of_region(block: *const u8) -> bool {
    (block as usize).wrapping_sub(PROGRAM_START) < SIMULATION_START + REGION_BYTES - PROGRAM_START
}

/// Whether an address is of a block that was taken, since [`open`] or before.
pub(super) fn is_taken(address: usize) -> bool {
    [&PROGRAM, &SIMULATION].iter().any(|region| (region.start..region.taken.get()).contains(&address))
}

/// Puts new shared memory on large pages. Returns whether the system can do that (Linux 6.1 and newer) and has them. One byte
/// of each is touched first, because the system replaces only pages that exist. Touching all small pages would take thirty
/// times as long.
///
/// # Safety
/// It is shared memory, mapped for reading and writing, which nobody uses.
pub(super) unsafe fn lay_on_large_pages(start: usize, bytes: usize) -> bool {
    // SAFETY: by the above.
    unsafe {
        for page in (start..start + bytes).step_by(LARGE_PAGE_BYTES) {
            (page as *mut u8).write_volatile(0);
        }
        libc::madvise(start as *mut libc::c_void, bytes, libc::MADV_COLLAPSE) == 0
    }
}

impl Region {
    const fn at(start: usize, shared_bytes: usize) -> Self {
        let free = [const { Cell::new(ptr::null_mut()) }; ALIGNMENTS * CLASSES];
        Self { start, shared_bytes, used_to: Cell::new(start), taken: Cell::new(start), free }
    }

    fn map(&self) -> bool {
        if !self.map_private(libc::MAP_FIXED_NOREPLACE, REGION_BYTES) {
            return false;
        }
        if self.map_shared() {
            self.used_to.set(self.start + self.shared_bytes);
            return true;
        }
        self.map_private(libc::MAP_FIXED, self.shared_bytes)
    }

    /// Maps the front of the region privately. Each child gets its large pages from the system when it first touches them.
    fn map_private(&self, how: libc::c_int, bytes: usize) -> bool {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | how;
        // SAFETY: new pages, where there are none but ours; the hint about large pages may be ignored.
        unsafe {
            let wanted = self.start as *mut libc::c_void;
            let mapped = libc::mmap(wanted, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            libc::madvise(mapped, bytes, libc::MADV_HUGEPAGE);
            mapped == wanted
        }
    }

    /// Maps what children share, in large pages. Returns whether the system can do that (Linux 6.1 and newer).
    fn map_shared(&self) -> bool {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        // SAFETY: replaces pages that are ours and that nobody has touched.
        unsafe {
            let wanted = self.start as *mut libc::c_void;
            let mapped = libc::mmap(wanted, self.shared_bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            mapped == wanted && lay_on_large_pages(self.start, self.shared_bytes)
        }
    }

    /// Takes a block; `None` if there is none. The alignment is a power of two.
    #[inline]
    pub(super) fn take(&self, bytes: usize, alignment: usize) -> Option<Memory> {
        let alignment = alignment.max(ALIGNMENT_MIN);
        if bytes > REGION_BYTES / 2 || alignment > ALIGNMENT_MAX {
            return None;
        }
        let (class, room_bytes) = class_of(bytes);
        let list = &self.free[(alignment.ilog2() - ALIGNMENT_MIN.ilog2()) as usize * CLASSES + class];
        let first = list.get();
        if first.is_null() {
            return self.take_new(list, room_bytes, alignment);
        }
        // SAFETY: a block in a list of free ones belongs to this region and to nobody else.
        list.set(unsafe { (*first).next });
        Some(Memory { start: first.cast(), is_fresh: false })
    }

    #[inline(never)]
    fn take_new(&self, list: &Cell<*mut Block>, room_bytes: usize, alignment: usize) -> Option<Memory> {
        let start = (self.taken.get() + size_of::<Header>()).next_multiple_of(alignment);
        let end = start + room_bytes;
        if end > self.start + REGION_BYTES {
            return None;
        }
        self.taken.set(end);
        let used_bytes = end.min(self.used_to.get()).saturating_sub(start);
        let is_cleared = room_bytes <= CLEARED_MAX;
        // SAFETY: in the region, and past everything that was taken. There is room for the header before the start.
        unsafe {
            (start as *mut Header).sub(1).write(Header { list, room_bytes });
            if is_cleared {
                ptr::write_bytes(start as *mut u8, 0, used_bytes);
            }
        }
        Some(Memory { start: start as *mut u8, is_fresh: is_cleared || used_bytes == 0 })
    }
}

/// Takes a block back.
///
/// # Safety
/// It is a block of a region that nobody uses any more. The thread that has the turn, or the host, gives it back.
#[inline]
pub(super) unsafe fn give_back(block: *mut u8) {
    // SAFETY: a header precedes each block, and its list lives for ever. The block is at least as large as a pointer.
    unsafe {
        let list = &*(*header_of(block)).list;
        let block = block.cast::<Block>();
        block.write(Block { next: list.get() });
        list.set(block);
    }
}

/// The size of a block of a region.
///
/// # Safety
/// It is a block of a region.
pub(super) unsafe fn room_bytes(block: *const u8) -> usize {
    // SAFETY: a header stands before each block.
    unsafe { (*header_of(block)).room_bytes }
}

fn header_of(block: *const u8) -> *const Header {
    block.cast::<Header>().wrapping_sub(1)
}

/// The class of a size, and the size of that class's blocks.
#[inline]
fn class_of(bytes: usize) -> (usize, usize) {
    if bytes <= SMALL_MAX {
        let class = bytes.div_ceil(ALIGNMENT_MIN).max(1);
        return (class, class * ALIGNMENT_MIN);
    }
    let doublings = (bytes - 1).ilog2();
    let quarter = 1_usize << (doublings - 2);
    let quarters = bytes.div_ceil(quarter);
    let class = SMALL_CLASSES + 4 * (doublings - SMALL_MAX.ilog2()) as usize + quarters - 5;
    (class, quarters * quarter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_as_large_as_what_is_asked_for_and_a_quarter_more_at_most() {
        let mut last = class_of(0);
        for bytes in (1..5000).chain((13..35).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1])) {
            let (class, room_bytes) = class_of(bytes);
            assert!(room_bytes >= bytes && room_bytes <= bytes + (bytes / 4).max(ALIGNMENT_MIN), "{bytes}: {room_bytes}");
            let (last_class, last_room_bytes) = last;
            assert!(class < CLASSES, "{bytes}: class {class} of {CLASSES}");
            assert_eq!(class == last_class, room_bytes == last_room_bytes, "{bytes}");
            assert!(class >= last_class && (bytes > 5000 || class <= last_class + 1), "{bytes}");
            last = (class, room_bytes);
        }
    }
}
