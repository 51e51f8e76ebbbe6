//! Other processes.

use libc::pid_t;

use super::{
    super::{
        kernel,
        real::{self, fail},
    },
    Ours,
};

pub(super) static ALL: &[Ours] = ours![fork];

/// A simulated thread gets no copy of its process: both would go on with the memory and the stacks that simulations share
/// ([`super::super::memory`]). Starting another program needs none: `posix_spawn`, by which the standard library does it, is left alone.
#[unsafe(no_mangle)]
unsafe extern "C" fn fork() -> pid_t {
    if let Some(me) = kernel::simulated() {
        kernel::refuse(me, "forked");
        return fail(libc::ENOSYS);
    }
    // SAFETY: no arguments; what may follow in the child is the caller's affair.
    unsafe { real::FORK.get()() }
}
