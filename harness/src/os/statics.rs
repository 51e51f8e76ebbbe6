//! The statics of simulated processes. All of them live in one OS process, which has each static once. So the bytes of the user's
//! statics are exchanged where the turn goes from a process to another: what a process changes is its own, and dies with it.
//! Statics of other crates stay one for all (tokio, the SDK, `tracing` keep their own affairs there).
//!
//! A process begins with a copy of what the test's body has at that moment, as after a fork. But unlike after a fork, what a
//! static points to is not copied. Two processes with copies of one map would both change its memory, and both free it. So:
//!
//! - A static that points to allocated memory when the first worker starts stays one for all, from then on.
//! - One that points there later, in the body alone, is as it was the last time that it did not.

use std::{fs, ops::Range, sync::OnceLock};

use super::{
    interface::ProcessId,
    memory,
    table::{self, Static},
};

/// With more statics than this, in all, nothing is exchanged: it would take too long.
const BYTES_MAX: usize = 1 << 20;

/// What [`find`] found.
static FOUND: OnceLock<Vec<Static>> = OnceLock::new();

/// Finds the statics of these crates. For a process that forks one simulation after another.
pub(crate) fn find(crates: &[String]) {
    FOUND.get_or_init(|| table::statics_of(crates));
}

/// The statics, and who has which bytes in them.
#[derive(Debug)]
pub(super) struct Statics {
    /// Those that are exchanged, by their addresses.
    all: Vec<&'static Static>,
    /// Whose bytes are in place.
    loaded: ProcessId,
    /// By process; `None` once it is over.
    copies: Vec<Option<Copy>>,
    /// What the next process begins with.
    next: Vec<u8>,
    /// Where memory was allocated before the simulation.
    older_memory: Vec<Range<usize>>,
    changed: Vec<(ProcessId, &'static str)>,
}

/// The bytes of all statics, one after another, as one process has them.
#[derive(Debug)]
struct Copy {
    /// What it began with.
    began: Vec<u8>,
    /// What it had when another's were put in place.
    left: Vec<u8>,
}

/// The process of the test's body, which is the first.
const BODY: ProcessId = ProcessId(0);

impl Statics {
    /// Those of this program, at the start of a simulation. `None` if there are none to exchange.
    pub(super) fn begin() -> Option<Self> {
        let found = FOUND.get().filter(|found| !found.is_empty())?;
        // Without regions it is not known what is allocated memory.
        if !memory::is_open() || found.iter().map(|it| it.at.len()).sum::<usize>() > BYTES_MAX {
            return None;
        }
        let mut it = Self {
            all: found.iter().collect(),
            loaded: BODY,
            copies: Vec::new(),
            next: Vec::new(),
            older_memory: older_memory(),
            changed: Vec::new(),
        };
        it.share_what_points_to_memory();
        (!it.all.is_empty()).then_some(it)
    }

    /// A process is about to be spawned.
    pub(super) fn born(&mut self, process: ProcessId) {
        match &mut self.copies[..] {
            [] => self.next = self.in_place(),
            [Some(_)] => {
                // Nobody but the body has run.
                self.share_what_points_to_memory();
                self.next = self.in_place();
                self.copies = vec![Some(Copy { began: self.next.clone(), left: self.next.clone() })];
            }
            _ => self.take_over(),
        }
        debug_assert_eq!(self.copies.len(), process.0 as usize, "processes are spawned in the order of their numbers");
        self.copies.push(Some(Copy { began: self.next.clone(), left: self.next.clone() }));
    }

    /// The next process begins with what the body has now, where that does not point to allocated memory.
    fn take_over(&mut self) {
        let of_body = match &self.copies[BODY.0 as usize] {
            Some(copy) if self.loaded != BODY => copy.left.clone(),
            _ => self.in_place(),
        };
        for (it, place) in self.places() {
            let bytes = &of_body[place.clone()];
            if !self.points_to_memory(it, bytes) {
                self.next[place].copy_from_slice(bytes);
            }
        }
    }

    /// Puts the bytes of a process in place.
    pub(super) fn load(&mut self, process: ProcessId) {
        if process == self.loaded {
            return;
        }
        if let Some(copy) = &mut self.copies[self.loaded.0 as usize] {
            for (it, place) in places(&self.all) {
                read(it, &mut copy.left[place]);
            }
        }
        if let Some(copy) = &self.copies[process.0 as usize] {
            for (it, place) in places(&self.all) {
                write(it, &copy.left[place]);
            }
        }
        self.loaded = process;
    }

    /// The last thread of a process has ended. The body's are kept for those who come.
    pub(super) fn end(&mut self, process: ProcessId) {
        if process == BODY {
            return;
        }
        self.load(process);
        let now = self.in_place();
        if let Some(copy) = self.copies[process.0 as usize].take() {
            self.note(process, &copy.began, &now);
        }
    }

    /// The simulation is over. The body's are in place from now on.
    pub(super) fn close(&mut self) {
        self.load(BODY);
        for number in 1..self.copies.len() {
            if let Some(copy) = self.copies[number].take() {
                self.note(ProcessId(u32::try_from(number).unwrap_or(u32::MAX)), &copy.began, &copy.left);
            }
        }
    }

    /// Which processes changed which, so far as they are over: a process, and the path of a static.
    pub(super) fn changed(&self) -> &[(ProcessId, &'static str)] {
        &self.changed
    }

    /// Whether each process has its own of what is at this address.
    pub(super) fn are_at(&self, address: usize) -> bool {
        let after = self.all.partition_point(|it| it.at.start <= address);
        after.checked_sub(1).is_some_and(|before| self.all[before].at.contains(&address))
    }

    fn note(&mut self, process: ProcessId, began: &[u8], ended: &[u8]) {
        let changed = places(&self.all).filter(|(_, place)| began[place.clone()] != ended[place.clone()]);
        self.changed.extend(changed.map(|(it, _)| (process, &*it.name)));
    }

    /// What is in place now.
    fn in_place(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.all.iter().map(|it| it.at.len()).sum()];
        for (it, place) in self.places() {
            read(it, &mut bytes[place]);
        }
        bytes
    }

    fn places(&self) -> impl Iterator<Item = (&'static Static, Range<usize>)> + use<> {
        places(&self.all).collect::<Vec<_>>().into_iter()
    }

    fn share_what_points_to_memory(&mut self) {
        let bytes = self.in_place();
        let own = self.places().filter(|(it, place)| !self.points_to_memory(it, &bytes[place.clone()]));
        self.all = own.map(|(it, _)| it).collect();
    }

    /// Whether one of its words is the address of allocated memory.
    fn points_to_memory(&self, it: &Static, bytes: &[u8]) -> bool {
        let first = it.at.start.next_multiple_of(size_of::<usize>()) - it.at.start;
        let words = bytes.get(first..).unwrap_or_default().as_chunks().0.iter().map(|word| usize::from_ne_bytes(*word));
        words.into_iter().any(|word| memory::is_taken(word) || self.older_memory.iter().any(|it| it.contains(&word)))
    }
}

/// Each static, and where it is in a copy.
fn places(all: &[&'static Static]) -> impl Iterator<Item = (&'static Static, Range<usize>)> {
    all.iter().scan(0, |end, it| {
        let start = *end;
        *end += it.at.len();
        Some((*it, start..*end))
    })
}

fn read(it: &Static, to: &mut [u8]) {
    assert_eq!(to.len(), it.at.len());
    // SAFETY: the bytes of a static of this program. Whoever has the turn is here, so no code of the user's is at work on it, and
    // what its padding holds is of no importance.
    unsafe { to.as_mut_ptr().copy_from_nonoverlapping(it.at.start as *const u8, to.len()) };
}

fn write(it: &Static, from: &[u8]) {
    assert_eq!(from.len(), it.at.len());
    // SAFETY: as above. The section is writable, and the bytes are those that this static had before, in the process whose turn
    // it is. Nobody has a reference into it whose process is not the one that these bytes belong to.
    unsafe { (it.at.start as *mut u8).copy_from_nonoverlapping(from.as_ptr(), from.len()) };
}

/// Where memory lies that was allocated before the simulation: all that is writable, but for the program's own statics and the
/// regions.
fn older_memory() -> Vec<Range<usize>> {
    let image = table::image().addresses;
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let address = |text| usize::from_str_radix(text, 16).ok();
    let writable = maps.lines().filter_map(|line| {
        let (addresses, rest) = line.split_once(' ')?;
        let (start, end) = addresses.split_once('-')?;
        rest.starts_with("rw").then_some(address(start)?..address(end)?)
    });
    writable.filter(|it| !image.contains(&it.start) && !memory::is_of_region(it.start as *const u8)).collect()
}
