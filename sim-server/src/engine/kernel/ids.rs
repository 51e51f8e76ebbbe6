//! Every id that the engine gives out, from one seed and the inputs.

use std::{fmt, time::Duration};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::time::Time;

/// The first task id of a server; the real one's start high as well, and clients must not care.
const FIRST_TASK_ID: i64 = 1_048_576;

/// The source of ids.
pub(crate) struct Ids {
    random: ChaCha8Rng,
    last_task_id: i64,
}

/// How far a source of ids has come: the same seed and the same position give the same next id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    random_words: u128,
    last_task_id: i64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), last_task_id: FIRST_TASK_ID }
    }

    pub(crate) fn position(&self) -> Position {
        Position { random_words: self.random.get_word_pos(), last_task_id: self.last_task_id }
    }

    /// Takes back the ids that were given out since.
    pub(crate) fn go_back_to(&mut self, position: Position) {
        if self.position() != position {
            self.random.set_word_pos(position.random_words);
            self.last_task_id = position.last_task_id;
        }
    }

    /// A UUID of version 7, as the run ids of the real server are: 48 bits of `now` in milliseconds, 74 random bits.
    pub(crate) fn run_id(&mut self, now: Time) -> String {
        let millis = now.as_millis() as u64;
        let (high, low) = (self.random.next_u64(), self.random.next_u64());
        uuid_text(millis << 16 | high & 0xfff, 7, low)
    }

    /// A UUID of version 4: request ids, namespace ids.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.random.next_u64(), self.random.next_u64());
        uuid_text(high, 4, low)
    }

    /// A random span below this one, which is not zero.
    pub(crate) fn span_below(&mut self, span: Duration) -> Duration {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX).max(1);
        Duration::from_nanos(self.random.next_u64() % nanos)
    }

    /// `task_id` of the next history event.
    pub(crate) fn task_id(&mut self) -> i64 {
        self.last_task_id += 1;
        self.last_task_id
    }
}

/// Two sources in the same position are shown alike.
impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ids").field(&self.position()).finish()
    }
}

/// A UUID as text. Its version and its variant replace some bits of `high` and `low`.
fn uuid_text(high: u64, version: u64, low: u64) -> String {
    const VERSION_SHIFT: u32 = 12;
    const VARIANT_SHIFT: u32 = 62;
    /// The digits before which a dash stands.
    const DASHES: [u32; 4] = [8, 12, 16, 20];
    let high = high & !(0xf << VERSION_SHIFT) | version << VERSION_SHIFT;
    let low = low & !(0b11 << VARIANT_SHIFT) | 0b10 << VARIANT_SHIFT;
    let bits = u128::from(high) << 64 | u128::from(low);
    let mut text = String::with_capacity(36);
    for digit in 0..32 {
        if DASHES.contains(&digit) {
            text.push('-');
        }
        let value = (bits >> (124 - 4 * digit)) as usize & 0xf;
        text.push(char::from(b"0123456789abcdef"[value]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_their_versions() {
        assert_eq!(uuid_text(0, 4, 0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_text(u64::MAX, 7, u64::MAX), "ffffffff-ffff-7fff-bfff-ffffffffffff");
        assert_eq!(uuid_text(0x0123_4567_89ab_cdef, 4, 0x7edc_ba98_7654_3210), "01234567-89ab-4def-bedc-ba9876543210");
        let run_id = Ids::new(0).run_id(Time::from_nanos(0x0123_4567_89ab * 1_000_000));
        assert!(run_id.starts_with("01234567-89ab-7"), "{run_id}");
    }

    #[test]
    fn ids_that_are_taken_back_are_given_out_again() {
        let mut ids = Ids::new(7);
        for _ in 0..100 {
            let (position, shown) = (ids.position(), format!("{ids:?}"));
            let given = [ids.uuid(), ids.run_id(Time::EPOCH), ids.uuid()];
            ids.task_id();
            assert_ne!(format!("{ids:?}"), shown);
            ids.go_back_to(position);
            assert_eq!(format!("{ids:?}"), shown);
            assert_eq!([ids.uuid(), ids.run_id(Time::EPOCH), ids.uuid()], given);
        }
    }
}
