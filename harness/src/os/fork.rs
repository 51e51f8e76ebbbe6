//! One OS process for each simulation: a prepared process forks, and its child runs one seed.
//!
//! tokio, the SDK and libc keep state for the whole process that nothing resets, so two simulations in one process would
//! differ. A fork is cheap, and every child starts from the very same state. The process that forks has two threads: the
//! test harness's main thread, which waits in a channel and holds nothing, and the one that forks; only the second lives
//! on in the child.

use std::{ffi::c_int, io, os::fd::RawFd};

/// Which side of the fork this is.
#[derive(Debug)]
pub(crate) enum Side {
    /// The new process.
    Child,
    /// The old one, with the number of the new.
    Parent(i32),
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself.
    Exit(i32),
    /// By a signal.
    Signal(i32),
}

/// Forks.
///
/// # Errors
/// What the system says.
pub(crate) fn fork() -> io::Result<Side> {
    // SAFETY: the other thread of this process waits in the kernel and holds no lock (see above); glibc makes its own
    // allocator safe in the child.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Side::Child),
        child => Ok(Side::Parent(child)),
    }
}

/// Waits for the end of a child.
///
/// # Errors
/// What the system says.
pub(crate) fn wait_for(child: i32) -> io::Result<Ended> {
    let mut status: c_int = 0;
    loop {
        // SAFETY: the pointer is to a live variable.
        if unsafe { libc::waitpid(child, &mut status, 0) } == child {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(if libc::WIFSIGNALED(status) { Ended::Signal(libc::WTERMSIG(status)) } else { Ended::Exit(libc::WEXITSTATUS(status)) })
}

/// Ends this process at once: no destructor runs, no thread is waited for.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: never returns; what is open is closed by the system.
    unsafe { libc::_exit(code) }
}

/// Lets standard output and error go to `to` from now on.
///
/// # Errors
/// What the system says.
pub(crate) fn redirect_output(to: RawFd) -> io::Result<()> {
    for standard in [libc::STDOUT_FILENO, libc::STDERR_FILENO] {
        // SAFETY: two descriptors; a bad one is an error, not a hazard.
        if unsafe { libc::dup2(to, standard) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Keeps this process and its children on one core: a turn is then handed over without waking another core.
pub(crate) fn stay_on_core(number: usize) {
    // SAFETY: the set is plain memory that is zeroed, then filled by libc's own macro; a core that does not exist makes
    // the call fail, and then the process stays where it was.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(number % usize::try_from(libc::CPU_SETSIZE).unwrap_or(1), &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
}

/// Readies this process for its children: memory comes from one arena, since one thread runs at a time, and is not given
/// back, since a child lives for milliseconds.
pub(crate) fn prepare_memory() {
    const TOP_PAD_BYTES: c_int = 16 << 20;
    // SAFETY: plain settings of the allocator; one that it does not take changes nothing.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TRIM_THRESHOLD, c_int::MAX);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TOP_PAD, TOP_PAD_BYTES);
    }
}
