//! One OS process for each simulation: a prepared process forks, and its child runs one seed.
//!
//! tokio, the SDK and libc keep process-wide state that nothing resets, so two simulations in one process would differ. A fork
//! is cheap, and every child starts from the same state. The forking process has two threads: the test harness's main thread,
//! which waits in a channel and holds nothing, and the one that forks. Only the second lives on in the child.

use std::{
    ffi::c_int,
    io,
    os::{fd::RawFd, unix::process::CommandExt},
    process::Command,
};

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

/// Ends this process at once. No destructor runs, and no thread is waited for.
pub(crate) fn exit(code: i32) -> ! {
    #[cfg(foretime_profiles)]
    write_profile();
    // SAFETY: never returns; what is open is closed by the system.
    unsafe { libc::_exit(code) }
}

/// Writes the counts of a build that counts its steps (`-C profile-generate`). Otherwise they are written only when a process
/// ends by itself.
#[cfg(foretime_profiles)]
fn write_profile() {
    unsafe extern "C" {
        fn __llvm_profile_write_file() -> i32;
    }
    // SAFETY: part of every program built in that way; it reads the counters and writes a file. If the file is missing there is
    // no profile, and that is noticed.
    let _ = unsafe { __llvm_profile_write_file() };
}

/// Waits until there is something to read or the other end is closed, without reading. Returns whether there is something to
/// read.
///
/// # Errors
/// What the system says.
pub(crate) fn is_something_to_come(socket: RawFd) -> io::Result<bool> {
    let mut byte = 0_u8;
    loop {
        // SAFETY: a live byte, and a flag that leaves what is read where it is.
        match unsafe { libc::recv(socket, (&raw mut byte).cast(), 1, libc::MSG_PEEK) } {
            0 => return Ok(false),
            1.. => return Ok(true),
            _ => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}

/// Redirects standard output and error to `to`.
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

/// Keeps this process and its children on one core, so that handing over a turn wakes no other core.
pub(crate) fn stay_on_core(number: usize) {
    // SAFETY: the set is plain memory that is zeroed, then filled by libc's own macro; a core that does not exist makes
    // the call fail, and then the process stays where it was.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(number % usize::try_from(libc::CPU_SETSIZE).unwrap_or(1), &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
}

/// The settings for glibc's allocator in a process that runs seeds. They apply before and after each simulation;
/// [`super::memory`] serves the simulation itself. Nothing is given back, since a child lives for milliseconds.
pub(crate) const MEMORY_TUNABLES: &str = "glibc.malloc.tcache_count=2000:glibc.malloc.mmap_threshold=33554432:\
     glibc.malloc.trim_threshold=1073741824:glibc.malloc.top_pad=4194304";

/// Gives a program the same memory layout at each start, where the system allows it. No simulation should depend on addresses,
/// but a program may (by ordering or hashing them). Its runs then still repeat.
pub(crate) fn fix_addresses(command: &mut Command) {
    const ASK: libc::c_ulong = 0xffff_ffff;
    let personality = || {
        // SAFETY: numbers; the calls concern the calling process alone. One that fails changes nothing.
        unsafe {
            let now = libc::personality(ASK);
            if let Ok(now) = libc::c_ulong::try_from(now) {
                libc::personality(now | libc::ADDR_NO_RANDOMIZE as libc::c_ulong);
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec two system calls are made, which touch no memory.
    unsafe { command.pre_exec(personality) };
}
