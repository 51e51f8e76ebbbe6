//! Replaces libc functions for simulated threads: where they would wait, read a clock, draw randomness, create or join a
//! thread, or wake a runtime. All other threads, and the simulation's own code, get the real ones.
//!
//! [`clocks`]: time and randomness. [`threads`]: their birth and end, and how they wait for each other. [`descriptors`]: how
//! runtimes wait, and the network, which is refused. [`memory`]: where it lies. [`processes`]: forks, which are refused.
//! [`files`]: the program's own file.
//!
//! The linker prefers these to the C library's because they are part of the program. [`are_linked`] makes sure of it.

use std::ffi::c_void;

/// The addresses of these functions.
macro_rules! ours {
    ($($function:ident),+ $(,)?) => { &[$(Ours($function as *const std::ffi::c_void)),+] };
}

mod clocks;
mod descriptors;
mod files;
mod memory;
mod processes;
mod threads;

pub(crate) use files::with_empty_own_file;

/// Whether the program calls these functions and not the C library's. The linker keeps them because this function names them.
pub(super) fn are_linked() -> bool {
    let ours = [clocks::ALL, descriptors::ALL, threads::ALL, memory::ALL, processes::ALL, files::ALL].concat();
    let linked = |libc: *const c_void| ours.iter().any(|function| function.0 == libc);
    linked(libc::epoll_wait as *const c_void)
        && linked(libc::clock_gettime as *const c_void)
        && linked(libc::syscall as *const c_void)
        && linked(libc::write as *const c_void)
        && linked(libc::fcntl as *const c_void)
        && linked(libc::malloc as *const c_void)
        && linked(libc::readlink as *const c_void)
}

/// The address of one of our functions.
#[derive(Clone, Copy)]
struct Ours(*const c_void);

// SAFETY: an address of code, which nobody reads through.
unsafe impl Sync for Ours {}
