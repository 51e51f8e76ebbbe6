//! The program's own file.

use std::{
    cell::Cell,
    ffi::{CStr, c_char},
};

use libc::{size_t, ssize_t};

use super::{
    super::real::{self, fail},
    Ours,
};

pub(super) static ALL: &[Ours] = ours![readlink];

/// Where a process finds its own file.
const OWN_FILE: &CStr = c"/proc/self/exe";
/// What it finds there while its file must appear empty.
const EMPTY_FILE: &[u8] = b"/dev/null";

thread_local! {
    static IS_EMPTY: Cell<bool> = const { Cell::new(false) };
}

/// While `f` runs, this thread finds an empty file where [`std::env::current_exe`] looks for the program's.
pub(crate) fn with_empty_own_file<T>(f: impl FnOnce() -> T) -> T {
    IS_EMPTY.set(true);
    let answer = f();
    IS_EMPTY.set(false);
    answer
}

#[unsafe(no_mangle)]
unsafe extern "C" fn readlink(path: *const c_char, target: *mut c_char, bytes: size_t) -> ssize_t {
    // On a thread that is ending, the file is the real one.
    if IS_EMPTY.try_with(Cell::get).unwrap_or(false) {
        // SAFETY: the caller's path is a C string.
        if unsafe { CStr::from_ptr(path) } == OWN_FILE {
            return answer(EMPTY_FILE, target, bytes);
        }
    }
    // SAFETY: the caller's arguments, as they are.
    unsafe { real::READLINK.get()(path, target, bytes) }
}

/// As much of the text as there is room for, as with links.
fn answer(text: &[u8], target: *mut c_char, bytes: size_t) -> ssize_t {
    if bytes == 0 {
        return fail(libc::EINVAL) as ssize_t;
    }
    let count = bytes.min(text.len());
    // SAFETY: the caller's buffer has room for `count` bytes.
    unsafe { text.as_ptr().copy_to_nonoverlapping(target.cast(), count) };
    ssize_t::try_from(count).unwrap_or_default()
}
