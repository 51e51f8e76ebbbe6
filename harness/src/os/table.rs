//! The program's table of symbols, in which its statics have names. A program without one (stripped) has no statics that are
//! known.

use std::{
    ffi::c_void,
    fs::File,
    io,
    ops::Range,
    os::fd::AsRawFd,
    ptr::{self, NonNull},
};

use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionIndex, SymbolKind, elf};

/// A static that the program may change.
#[derive(Clone, Debug)]
pub(super) struct Static {
    /// Where its bytes are, in this process.
    pub(super) at: Range<usize>,
    /// Its path, as in `shop::DONE`.
    pub(super) name: String,
}

/// The sections with what a program may change: what has a value at the start, and what is zero.
const SECTIONS: [&str; 2] = [".data", ".bss"];

/// What others hold by its address, in a list of theirs: it must be one for the whole OS process. These are places of
/// `tracing`, and entries of `inventory` and `linkme`.
const HELD_BY_OTHERS: [&str; 7] = ["__INVENTORY", "__CTOR", "CALLSITE", "__CALLSITE", "META", "__META", "DISTRIBUTED_SLICE"];

/// The statics of these crates, by their addresses. None, if the program's file cannot be read.
pub(super) fn statics_of(crates: &[String]) -> Vec<Static> {
    let Ok(file) = Mapped::own_file() else { return Vec::new() };
    let Ok(program) = object::File::parse(file.bytes()) else { return Vec::new() };
    let sections: Vec<SectionIndex> = program.sections().filter(is_for_statics).map(|it| it.index()).collect();
    let moved_by = image().moved_by;
    let mut found: Vec<Static> = program
        .symbols()
        .filter(|it| it.kind() == SymbolKind::Data && it.size() > 0)
        .filter(|it| it.section_index().is_some_and(|section| sections.contains(&section)))
        .filter_map(|it| {
            let name = path(it.name().ok()?, crates)?;
            let start = usize::try_from(it.address()).ok()?.checked_add(moved_by)?;
            Some(Static { at: start..start.checked_add(usize::try_from(it.size()).ok()?)?, name })
        })
        .collect();
    found.sort_by(|one, other| (one.at.start, &one.name).cmp(&(other.at.start, &other.name)));
    // The linker may give one place two names.
    found.dedup_by(|next, before| next.at.start < before.at.end);
    found
}

fn is_for_statics<'data>(section: &impl ObjectSection<'data>) -> bool {
    let SectionFlags::Elf { sh_flags, .. } = section.flags() else { return false };
    let is = |flag| sh_flags & flag == flag;
    is(elf::SHF_WRITE) && is(elf::SHF_ALLOC) && !is(elf::SHF_TLS) && section.name().is_ok_and(|it| SECTIONS.contains(&it))
}

/// The path of a static, if it is one of these crates' own.
fn path(symbol: &str, crates: &[String]) -> Option<String> {
    // Most symbols are not, and to read their names takes longer than to search them.
    if !crates.iter().any(|it| symbol.contains(&**it)) {
        return None;
    }
    let full = format!("{:#}", rustc_demangle::try_demangle(symbol).ok()?);
    // As in `<shop::DONE as Deref>::deref::LAZY`.
    let own = full.trim_start_matches(['<', '&']);
    let is_own = crates.iter().any(|it| own.strip_prefix(&**it).is_some_and(|rest| rest.starts_with("::")));
    if !is_own || full.split("::").any(|part| HELD_BY_OTHERS.iter().any(|it| part.trim_end_matches('>').ends_with(it))) {
        return None;
    }
    let named = own.split_once(" as ").filter(|_| own.len() < full.len()).map_or(own, |(own, _)| own);
    Some(named.split("::").filter(|part| !part.starts_with('{')).collect::<Vec<_>>().join("::"))
}

/// Where the program lies in this process.
#[derive(Debug, Default)]
pub(super) struct Image {
    /// How far it is from where its file says.
    moved_by: usize,
    pub(super) addresses: Range<usize>,
}

/// Where this program lies.
pub(super) fn image() -> Image {
    /// Called for each object of the process, first for the program itself.
    unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: usize, answer: *mut c_void) -> libc::c_int {
        // SAFETY: libc gives a live description of the object, and the pointer that it was given below.
        let (info, answer) = unsafe { (&*info, &mut *answer.cast::<Image>()) };
        // SAFETY: the description has this many headers.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let number = |it: u64| usize::try_from(it).unwrap_or(0);
        let loaded = headers.iter().filter(|it| it.p_type == libc::PT_LOAD);
        let ends = loaded.map(|it| (number(it.p_vaddr), number(it.p_vaddr) + number(it.p_memsz)));
        let ends = ends.reduce(|all, next| (all.0.min(next.0), all.1.max(next.1))).unwrap_or_default();
        let moved_by = number(info.dlpi_addr);
        *answer = Image { moved_by, addresses: moved_by + ends.0..moved_by + ends.1 };
        1
    }
    let mut image = Image::default();
    // SAFETY: the function is of the type that is asked for, and gets a pointer to a live image.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut image).cast()) };
    image
}

/// The program's file, mapped: it may have half a gigabyte, of which little is read.
struct Mapped {
    start: NonNull<u8>,
    len: usize,
}

impl Mapped {
    fn own_file() -> io::Result<Self> {
        let file = File::open("/proc/self/exe")?;
        let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        // SAFETY: new pages, for reading. The map stays when the file is closed.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
        match NonNull::new(start.cast()).filter(|_| start != libc::MAP_FAILED) {
            Some(start) => Ok(Self { start, len }),
            None => Err(io::Error::last_os_error()),
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: mapped for as long as `self` lives. The system lets nobody write to the file of a program that runs.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the whole map, which nobody borrows any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statics_of_the_users_crates_have_their_paths_and_those_that_others_hold_have_none() {
        let path = |symbol| path(symbol, &["shop".to_owned()]);
        assert_eq!(path("_ZN4shop4DONE17h0123456789abcdefE").as_deref(), Some("shop::DONE"));
        assert_eq!(path("_RNvCs1234_4shop4DONE").as_deref(), Some("shop::DONE"));
        let in_a_function = "_ZN4shop6charge28_$u7b$$u7b$closure$u7d$$u7d$4DONE17h0123456789abcdefE";
        assert_eq!(path(in_a_function).as_deref(), Some("shop::charge::DONE"));
        let lazy = "_ZN54_$LT$shop..DONE$u20$as$u20$core..ops..deref..Deref$GT$5deref4LAZY17h0123456789abcdefE";
        assert_eq!(path(lazy).as_deref(), Some("shop::DONE"));
        for other in [
            "_ZN8workshop4DONE17h0123456789abcdefE",
            "_ZN4core4shop4DONE17h0123456789abcdefE",
            "_ZN4shop6charge10__CALLSITE17h0123456789abcdefE",
            "_ZN4shop1_11__INVENTORY17h0123456789abcdefE",
            "shop",
        ] {
            assert_eq!(path(other), None, "{other}");
        }
    }
}
