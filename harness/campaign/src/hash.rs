//! A running hash of numbers and bytes. It is the same in every build, so hashes of two builds can be compared. No words of
//! ours belong in it, because they may change.

use std::time::Duration;

/// 64 bits of everything that went in so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl Hash {
    /// The hash of nothing.
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a number.
    pub const fn number(self, number: u64) -> Self {
        Self((self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Adds bytes, eight at a time, since messages are long. Their count goes in too, to separate them from what follows.
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let hash = words.iter().fold(self.number(bytes.len() as u64), |hash, word| hash.number(u64::from_le_bytes(*word)));
        if rest.is_empty() {
            return hash;
        }
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash.number(u64::from_le_bytes(word))
    }

    /// Adds a name of the user's or the API's.
    pub fn name(self, name: &str) -> Self {
        self.bytes(name.as_bytes())
    }

    /// Adds a span of time, by its nanoseconds.
    pub fn span(self, span: Duration) -> Self {
        self.number(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The hash as a number.
    pub const fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_depends_on_all_that_goes_in_and_on_the_order() {
        let all = [
            Hash::new(),
            Hash::new().number(0),
            Hash::new().number(0).number(0),
            Hash::new().number(1).number(2),
            Hash::new().number(2).number(1),
            Hash::new().name("").name("ab"),
            Hash::new().name("a").name("b"),
            Hash::new().name("ab").name(""),
            Hash::new().bytes(&[1; 8]),
            Hash::new().bytes(&[1; 9]),
            Hash::new().bytes(&[1, 1, 1, 1, 1, 1, 1, 1, 0]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "number {index} is like one before");
        }
    }

    #[test]
    fn it_is_the_same_in_every_build() {
        assert_eq!(Hash::new().number(7).name("PollWorkflowTaskQueue").value(), 0x7bce_6882_2b89_5df4);
    }
}
