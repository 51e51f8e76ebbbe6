//! Field masks: the paths of the fields that a request means (`common/util/proto.go`).

use std::collections::BTreeSet;

use prost_types::FieldMask;

/// The paths of a mask, in the spelling of JSON: `retryPolicy.maximumAttempts`. A path in that spelling stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(BTreeSet<String>);

impl Fields {
    pub(crate) fn new(mask: &FieldMask) -> Self {
        Self(mask.paths.iter().map(|path| in_json(path)).collect())
    }

    /// Whether exactly this path is named.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.contains(path)
    }

    /// Whether a field below this one is named.
    pub(crate) fn has_below(&self, path: &str) -> bool {
        self.below(path).next().is_some()
    }

    /// The fields below this one that are named, without its own path.
    pub(crate) fn below(&self, path: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(move |named| named.strip_prefix(path)?.strip_prefix('.'))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `retry_policy.maximum_attempts` is `retryPolicy.maximumAttempts`.
fn in_json(path: &str) -> String {
    let name = |name: &str| {
        let mut words = name.split('_');
        let first = with_first(words.next().unwrap_or(""), char::to_ascii_lowercase);
        let others = words.map(|word| with_first(&word.to_lowercase(), char::to_ascii_uppercase));
        std::iter::once(first).chain(others).collect::<String>()
    };
    path.split('.').map(name).collect::<Vec<_>>().join(".")
}

fn with_first(word: &str, change: impl Fn(&char) -> char) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| std::iter::once(change(&first)).chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_json_spells_them() {
        for (path, expected) in [
            ("priority", "priority"),
            ("retry_policy.maximum_attempts", "retryPolicy.maximumAttempts"),
            ("scheduleToStartTimeout", "scheduleToStartTimeout"),
            ("Priority", "priority"),
            ("start_TO_close", "startToClose"),
            ("", ""),
            ("*", "*"),
        ] {
            assert_eq!(in_json(path), expected, "{path}");
        }
        let fields = Fields::new(&FieldMask { paths: vec!["retry_policy.maximum_attempts".to_owned()] });
        assert!(fields.has("retryPolicy.maximumAttempts") && fields.has_below("retryPolicy"));
        assert!(!fields.has("retryPolicy") && !fields.has_below("retry"));
    }
}
