//! Values in place of others: of the same form and size, the same for the same, another for another where there is one.
//!
//! A stand-in follows from how many values came before, and not from the value: nothing of the value could be guessed from it.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Names, is_uuid};

/// So often another stand-in is tried for a value if one is taken. Of a single letter there are not many.
const ATTEMPTS_MAX: u64 = 32;
/// Numbers with so many digits get no larger: they may be at the end of what their type holds.
const LONG_DIGITS: usize = 10;

/// The stand-ins of one history.
#[derive(Debug)]
pub(super) struct StandIns {
    names: Names,
    of: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

/// Numbers that look like chance, and are the same each time.
struct Chance(u64);

impl Chance {
    /// The next number below `end`.
    fn below(&mut self, end: u32) -> u32 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(end)).unwrap_or_default()
    }

    /// A character of those from `first` on.
    fn char(&mut self, first: char, count: u32) -> char {
        char::from_u32(u32::from(first) + self.below(count)).unwrap_or(first)
    }

    fn digit(&mut self, first: char) -> char {
        self.char(first, u32::from('9') - u32::from(first) + 1)
    }
}

impl StandIns {
    pub(super) fn new(names: Names) -> Self {
        Self { names, of: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// In place of a text; the text itself if it is a name.
    pub(super) fn text(&mut self, text: &str) -> String {
        if is_number(text) {
            return self.number(text);
        }
        if self.names.has(text) {
            return text.to_owned();
        }
        let form = Form::of(text);
        self.find(text, |chance| text.char_indices().map(|(at, char)| form.stand_in(at, char, chance)).collect())
    }

    /// In place of a number as JSON writes it.
    pub(super) fn number(&mut self, number: &str) -> String {
        if self.names.has(number) {
            return number.to_owned();
        }
        self.find(number, |chance| number_like(number, chance))
    }

    /// As many bytes, which say nothing.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        let key: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let found = self.find(&format!("bytes {key}"), |chance| bytes.iter().map(|_| chance.char('\0', 256)).collect());
        found.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or_default()).collect()
    }

    fn find(&mut self, value: &str, make: impl Fn(&mut Chance) -> String) -> String {
        if let Some(known) = self.of.get(value) {
            return known.clone();
        }
        let seed = (self.of.len() as u64) << 8;
        let attempts = (0..ATTEMPTS_MAX).map(|attempt| make(&mut Chance(seed + attempt)));
        let mut found = String::new();
        for made in attempts {
            let is_free = made != value && !self.taken.contains(&made);
            found = made;
            if is_free {
                break;
            }
        }
        self.taken.insert(found.clone());
        self.of.insert(value.to_owned(), found.clone());
        found
    }
}

/// What a text looks like, apart from its characters.
enum Form {
    Any,
    Uuid,
    /// A date, and perhaps a time of that day that ends at this byte.
    Date {
        end: usize,
    },
    /// Such as `PT5M` or `1h30m`.
    Span,
    /// Up to this byte, how to reach something: `https://`.
    Address {
        start: usize,
    },
}

impl Form {
    fn of(text: &str) -> Self {
        if is_uuid(text) {
            Self::Uuid
        } else if is_date(text) {
            let end = text[10..].find(['Z', 'z', '+', '-', '[']).map_or(text.len(), |zone| zone + 10);
            Self::Date { end }
        } else if is_span(text) {
            Self::Span
        } else if let Some(start) = text.find("://").filter(|start| text[..*start].bytes().all(|it| it.is_ascii_alphanumeric()))
        {
            Self::Address { start }
        } else {
            Self::Any
        }
    }

    fn stand_in(&self, at: usize, char: char, chance: &mut Chance) -> char {
        match *self {
            // The version and the variant are what makes it one.
            Self::Uuid if at == 14 || at == 19 => char,
            Self::Uuid if char.is_ascii_hexdigit() => match (chance.below(16), char.is_ascii_uppercase()) {
                (value @ 0..10, _) => char::from_digit(value, 10).unwrap_or('0'),
                (value, false) => char::from_digit(value, 16).unwrap_or('a'),
                (value, true) => char::from_digit(value, 16).unwrap_or('a').to_ascii_uppercase(),
            },
            Self::Date { end } if at >= end || !char.is_ascii_digit() => char,
            Self::Date { .. } => match at {
                0 => '2',
                // The month, the day, and the hour have a second digit that is never too large.
                1 | 5 | 8 | 11 => '0',
                6 | 9 => chance.digit('1'),
                14 | 17 => chance.char('0', 6),
                _ => chance.digit('0'),
            },
            Self::Span if !char.is_ascii_digit() => char,
            Self::Address { start } if at < start => char,
            _ => like(char, chance),
        }
    }
}

/// A character of the same kind, and of as many bytes.
fn like(char: char, chance: &mut Chance) -> char {
    match char {
        'a'..='z' => chance.char('a', 26),
        'A'..='Z' => chance.char('A', 26),
        '0' => chance.digit('0'),
        '1'..='9' => chance.digit('1'),
        _ if char.is_ascii() || !char.is_alphanumeric() && char.len_utf8() < 4 => char,
        _ => match char.len_utf8() {
            2 => chance.char('à', 23),
            3 => chance.char('一', 4096),
            // Ideographs, too; there is no plane for which this is not so.
            _ => chance.char('\u{20000}', 4096),
        },
    }
}

fn number_like(number: &str, chance: &mut Chance) -> String {
    let (mantissa, exponent) = number.split_at(number.find(['e', 'E']).unwrap_or(number.len()));
    let (whole, fraction) = mantissa.split_at(mantissa.find('.').unwrap_or(mantissa.len()));
    let digits = whole.trim_start_matches('-');
    let mut out = whole[..whole.len() - digits.len()].to_owned();
    let is_long = digits.len() >= LONG_DIGITS;
    // Of a long number, each digit is at most what it was until one is less.
    let mut is_less = !is_long;
    for (at, digit) in digits.chars().enumerate() {
        let first = if at == 0 && digit != '0' { '1' } else { '0' };
        let made = match digit {
            '0' if digits == "0" => '0',
            _ if is_less => chance.digit(if digit == '0' { '0' } else { first.max('1') }),
            _ => chance.char(first, u32::from(digit) - u32::from(first) + 1),
        };
        is_less |= made < digit;
        out.push(made);
    }
    let has_part = fraction.chars().any(|digit| !matches!(digit, '.' | '0'));
    out.extend(fraction.chars().map(|char| if has_part { like(char, chance) } else { char }));
    out + exponent
}

/// Whether JSON has such a whole number.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical = digits == "0" || !digits.starts_with('0');
    !digits.is_empty() && is_canonical && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has = |form: &str, bytes: &[u8]| {
        form.len() <= bytes.len()
            && form.bytes().zip(bytes).all(|(form, byte)| if form == b'0' { byte.is_ascii_digit() } else { form == *byte })
    };
    let time = bytes.get(11..).unwrap_or_default();
    let zone = text.find('[').unwrap_or(text.len());
    has("0000-00-00", bytes)
        && text[10..zone.max(10)].bytes().all(|byte| byte.is_ascii_digit() || b"Tt :.Zz+-".contains(&byte))
        && (bytes.len() == 10 || matches!(bytes[10], b'T' | b't' | b' ') && (has("00:00:00", time) || has("00:00", time)))
}

fn is_span(text: &str) -> bool {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let ends_well = text.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphabetic());
    let mut letters_count = 0;
    has_digit
        && ends_well
        && text.chars().all(|char| {
            letters_count = if char.is_ascii_alphabetic() { letters_count + 1 } else { 0 };
            letters_count <= 2 && "0123456789.-+PTYMWDHSywdhmsnuµ".contains(char)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stand_ins() -> StandIns {
        StandIns::new(Names::default())
    }

    #[test]
    fn forms_stay_what_they_are() {
        let mut all = stand_ins();
        assert!(is_uuid(&all.text("01a22cf8-5d36-7212-8c4a-5fb25a48574f")));
        for date in ["2026-11-30", "2026-11-30T23:59:59.123+02:00", "1999-12-31 00:00:00Z"] {
            let made = all.text(date);
            assert!(is_date(&made) && made != date && made.len() == date.len(), "{made}");
        }
        let instant = all.text("2026-12-31T23:59:59Z");
        assert!(instant.parse::<jiff::Timestamp>().is_ok(), "{instant}");
        assert!(all.text("PT5M").starts_with("PT"));
        assert!(all.text("https://example.com/a").starts_with("https://"));
        let (same, again) = (all.text("Alice Miller"), all.text("Alice Miller"));
        assert_eq!(same, again);
        assert_eq!(same.find(' '), Some(5));
    }

    #[test]
    fn numbers_keep_their_digits_and_zero() {
        let mut all = stand_ins();
        assert_eq!((all.number("0"), all.number("-0"), all.number("0.0")), ("0".into(), "-0".into(), "0.0".into()));
        assert!(all.number("9223372036854775807").parse::<i64>().is_ok());
        assert!(all.number("2147483647").parse::<i32>().is_ok());
        assert_eq!(all.number("2.50e10").len(), 7);
        assert_eq!(all.text("4711"), all.number("4711"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn texts_keep_their_length(text in prop::collection::vec(any::<char>(), 0..40)) {
            let text = String::from_iter(text);
            let made = stand_ins().text(&text);
            prop_assert_eq!(made.len(), text.len());
            prop_assert_eq!(made.chars().count(), text.chars().count());
        }

        #[test]
        fn long_numbers_get_no_larger(number in 1_000_000_000_i64..) {
            let made: i64 = stand_ins().number(&number.to_string()).parse().unwrap();
            prop_assert!(made <= number && made.to_string().len() == number.to_string().len());
        }

        #[test]
        fn other_values_get_other_stand_ins(
            texts in prop::collection::btree_set(prop::collection::vec(prop::char::range('a', 'z'), 6..10), 2..20),
        ) {
            let texts: BTreeSet<String> = texts.into_iter().map(String::from_iter).collect();
            let mut all = stand_ins();
            let made: BTreeSet<String> = texts.iter().map(|text| all.text(text)).collect();
            prop_assert_eq!(made.len(), texts.len());
        }
    }
}
