//! Stands in for `foretime::effect` until the simulation is merged; then this file goes and each scenario's `use` line names
//! the crate. Same signature: an effect on the outside world, with an idempotency key or without, in a ledger of the process.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

static KEYS: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Whether the outside world has seen an effect before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It has not, or the effect has no key to know it by.
    First,
    /// It knows this key, for an effect of this kind.
    Repeated,
}

/// Something done to the outside world, not yet on record.
#[derive(Debug)]
pub(crate) struct Effect {
    kind: String,
    key: Option<String>,
}

/// Something of this kind is done to this subject.
pub(crate) fn effect(kind: impl Into<String>, _subject: impl Into<String>) -> Effect {
    Effect { kind: kind.into(), key: None }
}

impl Effect {
    /// The key by which the outside world would recognise it.
    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Puts it on record.
    pub(crate) fn apply(self) -> Applied {
        let Some(key) = self.key else { return Applied::First };
        let first = KEYS.lock().unwrap_or_else(PoisonError::into_inner).insert((self.kind, key));
        if first { Applied::First } else { Applied::Repeated }
    }
}
