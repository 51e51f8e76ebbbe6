//! The twelve versions of the subscription's code.

use std::str::FromStr;

use anyhow::bail;

/// A version of the code. Each is one change away from [`Version::Same`], which recorded the histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// What the histories were recorded with.
    Same,
    /// The welcome is sent before the first charge.
    Reordered,
    /// A reminder before each month's timer.
    Added,
    /// A month is a day longer.
    Timer,
    /// The idempotency key of a charge, which is part of an activity's input, looks different.
    Input,
    /// The reminder of [`Version::Added`], rightly guarded by a patch.
    Patched,
    /// The welcome became an activity of another type, and the patch was forgotten.
    Forgotten,
    /// The patch of the discount is gone, though histories with its marker are still replayed.
    Removed,
    /// A local activity before each month's timer.
    LocalActivity,
    /// The child workflow's type has a new name.
    Child,
    /// The update sends a second letter before it answers.
    Update,
    /// The customer can be searched for.
    SearchAttributes,
}

impl FromStr for Version {
    type Err = anyhow::Error;

    /// # Errors
    /// If no version has this name.
    fn from_str(name: &str) -> anyhow::Result<Self> {
        Ok(match name {
            "same" => Self::Same,
            "reordered" => Self::Reordered,
            "added" => Self::Added,
            "timer" => Self::Timer,
            "input" => Self::Input,
            "patched" => Self::Patched,
            "forgotten" => Self::Forgotten,
            "removed" => Self::Removed,
            "local_activity" => Self::LocalActivity,
            "child" => Self::Child,
            "update" => Self::Update,
            "search_attributes" => Self::SearchAttributes,
            _ => bail!("VERSION is {name:?}, which is no version of the subscription"),
        })
    }
}
