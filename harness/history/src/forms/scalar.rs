//! Numbers and bytes, which JSON has in several forms: numbers also as text, bytes in base64 of either alphabet, padded or not.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{output::Output, schema::Scalar};

/// A number as JSON has it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number<'n> {
    Integer(i128),
    Float(f64),
    Text(&'n str),
}

impl Number<'_> {
    /// It as an integer; `None` if it is none.
    pub(super) fn integer(self) -> Option<i128> {
        match self {
            Self::Integer(number) => Some(number),
            Self::Float(number) => whole(number),
            Self::Text(text) => text.parse().ok().or_else(|| whole(text.parse().ok()?)),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the field is a float")]
    fn float(self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(number as f64),
            Self::Float(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// A float as the integer that it is exactly.
fn whole(number: f64) -> Option<i128> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is within the range")]
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i128)
}

/// Writes a number into a field of type `kind`, or says what is expected there.
pub(super) fn write_number(
    output: &mut Output,
    kind: Scalar,
    place: Option<u32>,
    is_explicit: bool,
    number: Number<'_>,
) -> Result<(), &'static str> {
    const OTHER: &str = "something else";
    let integer = |expected: &'static str| number.integer().ok_or(expected);
    let varint = match kind {
        Scalar::Int32 | Scalar::Enum(_) => i32::try_from(integer("a number")?).map(|it| i64::from(it).cast_unsigned()).ok(),
        Scalar::Int64 => i64::try_from(integer("a number")?).map(i64::cast_unsigned).ok(),
        Scalar::Uint32 => u32::try_from(integer("a number")?).map(u64::from).ok(),
        Scalar::Uint64 => u64::try_from(integer("a number")?).ok(),
        Scalar::Float | Scalar::Double => {
            let value = number.float().ok_or("a number")?;
            if is_explicit || value != 0.0 {
                #[expect(clippy::cast_possible_truncation, reason = "the field holds no more")]
                match kind {
                    Scalar::Float => output.float(place, value as f32),
                    _ => output.double(place, value),
                }
            }
            return Ok(());
        }
        Scalar::Bool => return Err("true or false"),
        Scalar::String => return Err("text"),
        Scalar::Bytes => return Err("bytes in base64"),
        Scalar::Message(_) => return Err("an object"),
    };
    let value = varint.ok_or(OTHER)?;
    if is_explicit || value != 0 {
        output.varint(place, value);
    }
    Ok(())
}

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The bytes of base64; `None` if the text is none.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    append_base64(text, &mut bytes)?;
    Some(bytes)
}

/// The same, appended to `bytes`, which are as before if the text is none.
pub(super) fn append_base64(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let start = bytes.len();
    let engine = if text.bytes().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    let decoded = engine.decode_vec(text, bytes);
    if decoded.is_err() {
        bytes.truncate(start);
    }
    decoded.ok()
}
