//! Memory. Simulated threads and their host get it from the regions of [`super::super::memory`], all others from libc. The
//! address of a block tells which it is from, so it may be freed on any thread.

use std::{
    ffi::{c_int, c_void},
    ptr,
};

use libc::size_t;

use super::{
    super::{
        kernel,
        memory::{self, ALIGNMENT_MIN, Region},
        real::{self, fail},
    },
    Ours,
};

pub(super) static ALL: &[Ours] =
    ours![malloc, calloc, realloc, free, posix_memalign, aligned_alloc, memalign, malloc_usable_size];

// libc's own functions, by names that cannot be replaced. Looking them up would itself request memory.
unsafe extern "C" {
    fn __libc_malloc(bytes: size_t) -> *mut c_void;
    fn __libc_calloc(count: size_t, bytes: size_t) -> *mut c_void;
    fn __libc_realloc(block: *mut c_void, bytes: size_t) -> *mut c_void;
    fn __libc_memalign(alignment: size_t, bytes: size_t) -> *mut c_void;
    fn __libc_free(block: *mut c_void);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc(bytes: size_t) -> *mut c_void {
    match kernel::memory() {
        // SAFETY: any number will do.
        None => unsafe { __libc_malloc(bytes) },
        Some(region) => take(region, bytes, ALIGNMENT_MIN),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn calloc(count: size_t, bytes: size_t) -> *mut c_void {
    let Some(region) = kernel::memory() else {
        // SAFETY: any numbers will do.
        return unsafe { __libc_calloc(count, bytes) };
    };
    let Some(memory) = count.checked_mul(bytes).and_then(|bytes| region.take(bytes, ALIGNMENT_MIN)) else {
        fail(libc::ENOMEM);
        return ptr::null_mut();
    };
    if !memory.is_fresh {
        // SAFETY: the block has at least that room.
        unsafe { memory.start.write_bytes(0, count * bytes) };
    }
    memory.start.cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, bytes: size_t) -> *mut c_void {
    let is_ours = memory::is_of_region(block.cast()) && memory::is_open();
    if !is_ours && kernel::memory().is_none() {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { __libc_realloc(block, bytes) };
    }
    // SAFETY: the caller's block, and memory that does not overlap with it.
    unsafe {
        if is_ours && bytes > 0 && bytes <= memory::room_bytes(block.cast()) {
            return block;
        }
        let new = malloc(bytes);
        if !block.is_null() && !new.is_null() {
            let kept_bytes = malloc_usable_size(block).min(bytes);
            new.cast::<u8>().copy_from_nonoverlapping(block.cast(), kept_bytes);
            free(block);
        }
        new
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    match (kernel::memory(), memory::is_of_region(block.cast())) {
        // SAFETY: the caller's block, which the caller gives up.
        (Some(_), true) => unsafe { memory::give_back(block.cast()) },
        // A block from before the simulation. libc would set up an arena for this thread, or write to a page that is shared
        // with the parent. The process ends soon anyway.
        (Some(_), false) => {}
        // A thread without the turn does not free its block, so that nobody but the thread with the turn touches a region.
        (None, true) if memory::is_open() => {}
        // SAFETY: the caller's argument, as it is.
        (None, _) => unsafe { __libc_free(block) },
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(answer: *mut *mut c_void, alignment: size_t, bytes: size_t) -> c_int {
    if !alignment.is_power_of_two() || alignment < size_of::<usize>() {
        return libc::EINVAL;
    }
    // SAFETY: any number will do for a size, and the alignment is one.
    let block = unsafe { memalign(alignment, bytes) };
    if block.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: the caller's pointer to where the answer goes.
    unsafe { answer.write(block) };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn aligned_alloc(alignment: size_t, bytes: size_t) -> *mut c_void {
    // SAFETY: the caller's arguments, as they are.
    unsafe { memalign(alignment, bytes) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memalign(alignment: size_t, bytes: size_t) -> *mut c_void {
    match kernel::memory() {
        // SAFETY: the caller's arguments, as they are.
        None => unsafe { __libc_memalign(alignment, bytes) },
        Some(region) => take(region, bytes, alignment.next_power_of_two()),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> size_t {
    if memory::is_of_region(block.cast()) && memory::is_open() {
        // SAFETY: the address is that of a block.
        return unsafe { memory::room_bytes(block.cast()) };
    }
    // SAFETY: the caller's argument, as it is.
    unsafe { real::MALLOC_USABLE_SIZE.get()(block) }
}

fn take(region: &Region, bytes: usize, alignment: usize) -> *mut c_void {
    if let Some(memory) = region.take(bytes, alignment) {
        return memory.start.cast();
    }
    fail(libc::ENOMEM);
    ptr::null_mut()
}
