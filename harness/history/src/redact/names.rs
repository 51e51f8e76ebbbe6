//! Ids, types and names in a history. They stay, so that it makes no difference for secrecy if they stay in payloads, too. It makes one for
//! replay: code may take the id of a child from its input, or make it of parts.

use std::collections::HashSet;

/// Parts of names with fewer characters than this may be anything.
const PART_CHARS_MIN: usize = 3;
/// Of longer names, parts of several words are not told apart.
const WORDS_MAX: usize = 12;

/// The names in a history, and the words that they are made of.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// Takes a name, with the parts of it that begin and end where words do.
    pub(super) fn add(&mut self, name: &str) {
        // Ids that are numbers are counted up, and say nothing of the same number elsewhere.
        if name.bytes().all(|byte| byte.is_ascii_digit()) || self.0.contains(name) {
            return;
        }
        self.0.insert(name.to_owned());
        let words: Vec<(usize, &str)> = words(name);
        if words.len() > WORDS_MAX || is_uuid(name) {
            return;
        }
        for (first, (start, _)) in words.iter().enumerate() {
            for (last_start, last) in &words[first..] {
                let part = &name[*start..last_start + last.len()];
                if part.chars().count() >= PART_CHARS_MIN {
                    self.0.insert(part.to_owned());
                }
            }
        }
    }

    /// Whether the text is a name, or such a part of one.
    pub(super) fn has(&self, text: &str) -> bool {
        self.0.contains(text)
    }
}

/// The words of a name, each with its place.
fn words(name: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, char) in name.char_indices().chain([(name.len(), ' ')]) {
        match (char.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(begin)) => {
                words.push((begin, &name[begin..at]));
                start = None;
            }
            _ => {}
        }
    }
    words
}

pub(super) fn is_uuid(text: &str) -> bool {
    let parts = text.split('-').map(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(part.len()));
    parts.eq([8, 4, 4, 4, 12].map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_its_parts_between_words_are_known() {
        let mut names = Names::default();
        names.add("order-4711/alice-receipt");
        for known in ["order-4711/alice-receipt", "order", "4711", "order-4711", "alice", "alice-receipt"] {
            assert!(names.has(known), "{known}");
        }
        for unknown in ["orde", "lice", "receipt-", "471", ""] {
            assert!(!names.has(unknown), "{unknown}");
        }
    }

    #[test]
    fn numbers_and_parts_of_uuids_are_no_names() {
        let mut names = Names::default();
        names.add("1234");
        names.add("01a22cf8-5d36-7212-8c4a-5fb25a48574f");
        assert!(!names.has("1234") && !names.has("7212"));
        assert!(names.has("01a22cf8-5d36-7212-8c4a-5fb25a48574f"));
    }
}
