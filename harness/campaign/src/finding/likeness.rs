//! Whether two runs fail in the same way. Findings are compared by what they are about, never by their sentences. Numbers in
//! names do not count: without one fault, the same mistake may show on another worker, or with another customer. Nor do texts that the
//! test has drawn: a message that names the customer is the same with a simpler name.

use std::collections::BTreeSet;

use super::{DoesNotReplay, NoWorker, Panicked, Stuck, TaskFailed, Unreplayed, Whose, Wrong};
use crate::{choices::Input, hash::Hash};

/// The words of the texts that the test has drawn.
#[derive(Default)]
struct Given(BTreeSet<String>);

impl Wrong {
    /// A number that findings of the same mistake share.
    pub fn likeness(&self) -> u64 {
        self.likeness_without(&Given::default())
    }

    /// The same, whatever the texts are that the run has drawn. `inputs`: those of the run.
    pub fn bare_likeness(&self, inputs: &[Input]) -> u64 {
        self.likeness_without(&Given::of(inputs))
    }

    fn likeness_without(&self, given: &Given) -> u64 {
        let letters = |hash: Hash, text: &str| given.letters(hash, text);
        let hash = Hash::new().number(self.kind().code());
        let hash = match self {
            Self::NotBegun { title, .. } | Self::TestFailed { title, .. } => letters(hash, title),
            Self::NoSuchEvent { name } => letters(hash, name),
            Self::NoWorker(it) => {
                let NoWorker { error, .. } = &**it;
                letters(hash, error)
            }
            Self::Panicked(it) => it.likeness(hash, given),
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
    fn likeness(&self, hash: Hash, given: &Given) -> Hash {
        let whose = match self.whose {
            Whose::User => 1,
            Whose::Sdk => 2,
            Whose::Core => 3,
        };
        let hash = given.letters(hash.number(whose), &self.process);
        given.letters(hash, self.message.split('\n').next().unwrap_or_default())
    }
}

impl Given {
    fn of(inputs: &[Input]) -> Self {
        // In words, a text is between quotes; within it a backslash stands before what is not meant so.
        let texts = |value: &str| {
            let bare = value.replace("\\\\", " ").replace("\\\"", " ");
            bare.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
        };
        let texts = inputs.iter().flat_map(|input| texts(&input.value));
        Self(texts.flat_map(|text| words(&text).map(str::to_owned).collect::<Vec<_>>()).collect())
    }

    /// Adds the letters of a name or a message, without its numbers and without what was drawn.
    fn letters(&self, hash: Hash, text: &str) -> Hash {
        let said = words(text).filter(|word| !self.0.contains(*word));
        let letters: String = said.flat_map(str::chars).filter(|c| c.is_alphabetic()).collect();
        hash.name(&letters)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}
