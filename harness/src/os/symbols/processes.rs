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

/// A simulated thread may not fork: both processes would go on with the memory and the stacks that simulations share
/// ([`super::super::memory`]). Starting another program needs no fork: the standard library uses `posix_spawn`, which is left
/// alone.
#[unsafe(no_mangle)]
unsafe extern "C" fn fork() -> pid_t {
    if let Some(me) = kernel::simulated() {
        kernel::refuse(me, "forked", None);
        return fail(libc::ENOSYS);
    }
    // SAFETY: no arguments; the caller answers for what the child does.
    unsafe { real::FORK.get()() }
}
