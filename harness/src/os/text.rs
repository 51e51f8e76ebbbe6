//! The program's own code on large pages. A forked child inherits no page tables for a mapped file. It would fault in the code
//! that it runs, a few pages at a time, and unmap it all at its end, for milliseconds of life. So a process that will fork
//! moves its code to anonymous memory on large pages, and each child is born with all of it mapped.

use std::{ffi::c_void, ops::Range, ptr};

use super::memory::LARGE_PAGE_BYTES;

/// Moves the program's code to large pages, as far as it fills whole ones. If the system has none, everything stays as it was,
/// only slower. For x86-64: other processors have to be told when code moves.
pub(crate) fn enlarge_pages() {
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    let Some(code) = code() else { return };
    let Some(copy) = reserve(code.len()) else { return };
    // SAFETY: the copy is as long as the code, new, and only ours; the code is readable. The moved pages have the same bytes,
    // so any thread that runs them goes on as before. If the last call fails, the copy is left over.
    unsafe {
        ptr::copy_nonoverlapping(code.start as *const u8, copy.cast(), code.len());
        if are_large(copy as usize, code.len()) && libc::mprotect(copy, code.len(), libc::PROT_READ | libc::PROT_EXEC) == 0 {
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            libc::mremap(copy, code.len(), code.len(), flags, code.start as *mut c_void);
        } else {
            libc::munmap(copy, code.len());
        }
    }
}

/// Where the program's code fills whole large pages.
fn code() -> Option<Range<usize>> {
    /// Called for each object of the process, first for the program itself.
    unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: usize, answer: *mut c_void) -> libc::c_int {
        // SAFETY: libc gives a live description of the object, and the pointer that it was given below.
        let (info, answer) = unsafe { (&*info, &mut *answer.cast::<Range<usize>>()) };
        // SAFETY: the description has this many headers.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let is_code = |it: &&libc::Elf64_Phdr| it.p_type == libc::PT_LOAD && it.p_flags & libc::PF_X != 0;
        if let Some(code) = headers.iter().find(is_code) {
            let number = |it: u64| usize::try_from(it).unwrap_or(0);
            let start = number(info.dlpi_addr) + number(code.p_vaddr);
            *answer =
                start.next_multiple_of(LARGE_PAGE_BYTES)..(start + number(code.p_memsz)) / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
        }
        1
    }
    let mut code = 0..0;
    // SAFETY: the function is of the type that is asked for, and gets a pointer to a live range.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut code).cast()) };
    (!code.is_empty()).then_some(code)
}

/// New memory that begins with a large page and asks for large pages.
fn reserve(bytes: usize) -> Option<*mut c_void> {
    let (wanted, access) = (bytes + LARGE_PAGE_BYTES, libc::PROT_READ | libc::PROT_WRITE);
    // SAFETY: new pages, of which those before and after the aligned part are given back.
    unsafe {
        let mapped = libc::mmap(ptr::null_mut(), wanted, access, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        if mapped == libc::MAP_FAILED {
            return None;
        }
        let start = (mapped as usize).next_multiple_of(LARGE_PAGE_BYTES);
        let (before, after) = (start - mapped as usize, mapped as usize + wanted - (start + bytes));
        if before > 0 {
            libc::munmap(mapped, before);
        }
        if after > 0 {
            libc::munmap((start + bytes) as *mut c_void, after);
        }
        libc::madvise(start as *mut c_void, bytes, libc::MADV_HUGEPAGE);
        Some(start as *mut c_void)
    }
}

/// Whether the system gave large pages for this memory. Otherwise each child would copy the tables of small ones.
fn are_large(start: usize, bytes: usize) -> bool {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let first = format!("{start:x}-");
    let of_copy = maps.lines().skip_while(|line| !line.starts_with(&first));
    let large_kib =
        of_copy.filter_map(|line| line.strip_prefix("AnonHugePages:")?.trim().strip_suffix(" kB")?.parse().ok()).next();
    large_kib == Some(bytes >> 10)
}
