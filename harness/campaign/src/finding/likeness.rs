//! Whether two runs fail in the same way. Findings are compared by what they are about, never by their sentences. Numbers in
//! names do not count: without one fault, the same mistake may show on another worker, or with another customer.

use super::{DoesNotReplay, NoWorker, Panicked, Stuck, TaskFailed, Unreplayed, Whose, Wrong};
use crate::hash::Hash;

impl Wrong {
    /// A number that findings of the same mistake share.
    pub fn likeness(&self) -> u64 {
        let hash = Hash::new().number(self.kind().code());
        let hash = match self {
            Self::NotBegun { title, .. } | Self::TestFailed { title, .. } => letters(hash, title),
            Self::NoSuchEvent { name } => letters(hash, name),
            Self::NoWorker(it) => {
                let NoWorker { error, .. } = &**it;
                letters(hash, error)
            }
            Self::Panicked(it) => it.likeness(hash),
            Self::TaskRefused { .. } => hash.number(1),
            Self::TaskFailed(it) => {
                let TaskFailed { reason, .. } = &**it;
                hash.number(2).number(*reason as u64)
            }
            Self::NotReplayed { .. } => hash.number(1),
            Self::DoesNotReplay(it) => {
                let DoesNotReplay { workflow_id, when, .. } = &**it;
                letters(
                    hash.number(2).number(match when {
                        Unreplayed::Whole => 1,
                        Unreplayed::Cut(_) => 2,
                        Unreplayed::Again => 3,
                    }),
                    workflow_id,
                )
            }
            Self::AsksOtherwise { workflow_id, .. } => letters(hash.number(3), workflow_id),
            Self::Impure { kind, subject } => letters(letters(hash, kind), subject),
            Self::SleepsOnThread { worker, .. } => letters(hash, worker),
            Self::IllegalHistory { workflow_id, .. } => letters(hash, workflow_id),
            Self::ClaimBroken { claim, .. } => letters(hash, claim),
            Self::Stuck { how, .. } => match how {
                Stuck::Standstill => hash.number(1),
                Stuck::NoProgress { .. } => hash.number(2),
                Stuck::Spins { process } => letters(hash.number(3), process),
                Stuck::NoEnd { .. } => hash.number(4),
            },
            Self::Refused(it) => letters(letters(hash, &it.process), it.what),
            Self::BodyPanicked | Self::TurnKept { .. } => hash,
        };
        hash.value()
    }
}

impl Panicked {
    fn likeness(&self, hash: Hash) -> Hash {
        let whose = match self.whose {
            Whose::User => 1,
            Whose::Sdk => 2,
            Whose::Core => 3,
        };
        letters(letters(hash.number(whose), &self.process), self.message.split('\n').next().unwrap_or_default())
    }
}

/// Adds the letters of a name or a message, without its numbers.
fn letters(hash: Hash, text: &str) -> Hash {
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    hash.name(&letters)
}
