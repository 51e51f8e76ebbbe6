//! JSON: one value, or several after another, each in lines of its own or not.

use serde::de::{DeserializeSeed, IgnoredAny};
use serde_json::Deserializer;

use super::{
    Recorded, Unreadable,
    document::{Document, Found},
    schema::Schema,
};

/// The histories in a text.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Recorded>, Unreadable> {
    let schema = Schema::get().ok_or_else(|| Unreadable::new("cannot be read: our own descriptors are not whole"))?;
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Unreadable::new(format!("is text, but not UTF-8 from byte {} on", error.valid_up_to())))?;
    let mut found = Found::new(schema);
    let (mut rest, mut lines_before) = (text, 0);
    while !rest.trim_ascii_start().is_empty() {
        let mut json = Deserializer::from_str(rest);
        let read = Document { found: &mut found }.deserialize(&mut json);
        read.map_err(|error| Unreadable::json(&error, lines_before, &found.transcoder.path()))?;
        let (read, after) = rest.split_at(json.into_iter::<IgnoredAny>().byte_offset());
        if !after.trim_ascii_start().is_empty() {
            lines_before += read.bytes().filter(|byte| *byte == b'\n').count();
        }
        rest = after;
    }
    found.into_histories()
}
