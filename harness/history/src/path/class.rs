//! What two runs have in common that took the same path.

use std::fmt;

use foretime_server::proto::enums::EventType;

use super::{
    repeats::{Item, collapse},
    steps::{Step, Word, steps},
};

/// The path of a run: which events came, and what the code did then, by type and name, in order. Runs of the same class differ in
/// ids, times, data, in how often loops ran (but for once and more often), and in the order of what came where the code did not
/// answer differently. It is the same in every build and on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(u128);

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The class of a history, given as the bytes of a `History`.
pub fn class(encoded: &[u8]) -> Class {
    let path = path(encoded);
    let hash = path.iter().fold(Hash::default(), |hash, step| hash.bytes(&step.value.hash.0.to_le_bytes()));
    Class(hash.0)
}

/// The path of a history for people: what the code did, and those of the events that came which are news to it. At most 300
/// characters, then "…". A loop has ↺ after the last of its steps.
pub fn describe(encoded: &[u8]) -> String {
    const CHARS_MAX: usize = 300;
    let (mut told, mut length) = (String::new(), 0);
    for Item { value: Hashed { words, .. }, is_repeated } in path(encoded) {
        let shown: Vec<String> = words.iter().filter_map(shown).collect();
        if shown.is_empty() {
            continue;
        }
        let separator = if told.is_empty() { "" } else { " → " };
        let text = format!("{separator}{}{}", shown.join(", "), if is_repeated { " ↺" } else { "" });
        told.extend(text.chars().take(CHARS_MAX - length));
        length += text.chars().count();
        if length > CHARS_MAX {
            return told + " …";
        }
    }
    told
}

/// A step, and the hash of it.
struct Hashed<'h> {
    words: Vec<Word<'h>>,
    hash: Hash,
}

fn path(encoded: &[u8]) -> Vec<Item<Hashed<'_>>> {
    collapse(steps(encoded).into_iter().map(Hashed::of), |step| step.hash)
}

impl<'h> Hashed<'h> {
    fn of(step: Step<'h>) -> Self {
        let Step { came, did } = step;
        let hash = came.iter().fold(Hash::default(), Hash::word).bytes(b"then");
        let did = did.into_iter().map(|word| (Hash::default().word(&word), word));
        let did = collapse(did, |(hash, _)| *hash);
        let hash = did.iter().fold(hash, |hash, Item { value: (of_word, _), .. }| hash.bytes(&of_word.0.to_le_bytes()));
        let words = came.into_iter().chain(did.into_iter().map(|item| item.value.1)).collect();
        Self { words, hash }
    }
}

/// The hash FNV-1a in 128 bits: it is the same everywhere, and nobody makes histories so that it collides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hash(u128);

impl Default for Hash {
    fn default() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Hash {
    /// The length goes in too, to separate them from what follows.
    fn bytes(self, bytes: &[u8]) -> Self {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        Self(length.iter().chain(bytes).fold(self.0, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME)))
    }

    fn word(self, word: &Word<'_>) -> Self {
        self.bytes(&word.kind.to_le_bytes()).bytes(word.name.as_bytes()).bytes(word.detail.as_bytes())
    }
}

/// A word for people; `None` for what only follows from what is told already.
fn shown(word: &Word<'_>) -> Option<String> {
    use EventType as E;
    let Word { name, detail, .. } = word;
    let kind = E::try_from(word.kind).ok()?;
    Some(match kind {
        E::WorkflowExecutionStarted | E::ActivityTaskCompleted | E::TimerFired => return None,
        E::ChildWorkflowExecutionStarted | E::ChildWorkflowExecutionCompleted => return None,
        E::ActivityTaskScheduled => format!("activity {name}"),
        E::ActivityTaskFailed => format!("{name} failed"),
        E::ActivityTaskTimedOut => format!("{name} timed out"),
        E::ActivityTaskCanceled => format!("{name} canceled"),
        E::TimerStarted => "timer".to_owned(),
        E::TimerCanceled => "timer canceled".to_owned(),
        E::WorkflowExecutionSignaled => format!("signal {name} came"),
        E::WorkflowExecutionUpdateAccepted => format!("update {name}"),
        E::WorkflowExecutionUpdateCompleted => format!("answers update {name}"),
        E::StartChildWorkflowExecutionInitiated => format!("child {name}"),
        E::SignalExternalWorkflowExecutionInitiated => format!("signals {name}"),
        E::WorkflowExecutionCompleted => "completes".to_owned(),
        E::WorkflowExecutionFailed => "fails".to_owned(),
        E::WorkflowExecutionContinuedAsNew => "continues as new".to_owned(),
        E::WorkflowExecutionCanceled => "ends as canceled".to_owned(),
        E::MarkerRecorded => match (&**name, &**detail) {
            ("core_patch" | "Version", "") => "patch (unreadable)".to_owned(),
            ("core_patch", id) => format!("patch {id}"),
            ("Version", id) => format!("version {id}"),
            ("core_local_activity" | "LocalActivity", name) => format!("local activity {name}"),
            (name, _) => format!("marker {name}"),
        },
        _ => {
            let kind = kind.as_str_name().trim_start_matches("EVENT_TYPE_").replace('_', " ").to_ascii_lowercase();
            if name.is_empty() { kind } else { format!("{kind} {name}") }
        }
    })
}
