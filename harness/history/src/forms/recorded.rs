//! The way in: a file's bytes become the histories that it holds.

use super::{Unreadable, binary, text};

/// A history as a file has it. Whether it is whole is another question: [`crate::whole`] answers it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// A `temporal.api.history.v1.History`, as protobuf. Its events stand in the order of their ids.
    pub encoded: Vec<u8>,
    /// The workflow's id, if the file has it around the events. The first event has it too: [`crate::Summary`].
    pub workflow_id: Option<String>,
    /// The run's id, if the file has it around the events.
    pub run_id: Option<String>,
    /// The namespace, if the file has it around the events. No event has it.
    pub namespace: Option<String>,
    /// Whether the file says that the history goes on: it is a page, and the next one is not there.
    pub has_more: bool,
}

/// The histories in a file, at least one. It may be JSON or protobuf in any of the forms that tools, SDKs and servers write, and
/// hold several: a list, one JSON value after another, replies of `GetWorkflowExecutionHistory`, an export of Temporal Cloud.
/// Pages of one history become one. Fields that we do not know are left out; in protobuf they are kept.
///
/// # Errors
/// The file is something else, is cut off, or has an event of a type that we do not know and that workers may not ignore.
pub fn read(bytes: &[u8]) -> Result<Vec<Recorded>, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::new("is empty (0 bytes)"));
    }
    if let Some(text) = utf_16(bytes) {
        return text::read(text?.as_bytes());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes.trim_ascii_start();
    match start.first() {
        None => Err(Unreadable::new(format!("is blank ({} bytes of whitespace)", bytes.len()))),
        // Protobuf may begin with what looks like JSON, but hardly goes on like it.
        Some(b'{' | b'[') => text::read(bytes).or_else(|error| binary::read(bytes).map_err(|_| error)),
        Some(_) => binary::read(bytes).map_err(|error| what_else(bytes).unwrap_or(error)),
    }
}

/// The text of UTF-16, which Windows PowerShell makes of a program's output; `None` if it is not that.
fn utf_16(bytes: &[u8]) -> Option<Result<String, Unreadable>> {
    let (text, unit): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xff, 0xfe, text @ ..] => (text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => (text, u16::from_be_bytes),
        _ => return None,
    };
    let (pairs, rest) = text.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    let decoded = String::from_utf16(&units).ok().filter(|_| rest.is_empty());
    Some(decoded.ok_or_else(|| Unreadable::new("begins as UTF-16 text and goes on as something else")))
}

/// What a file is that is certainly no history, as far as its first bytes tell.
fn what_else(bytes: &[u8]) -> Option<Unreadable> {
    let start = bytes.trim_ascii_start();
    let is = |what: &str| Some(Unreadable::new(what));
    match start {
        [0x1f, 0x8b, ..] => is("is compressed with gzip: unpack it first"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => is("is compressed with zstd: unpack it first"),
        [b'P', b'K', 3, 4, ..] => is("is a zip archive: unpack it first"),
        [b'<', ..] => is("is HTML or XML, not a history"),
        _ if start.starts_with(b"Progress:") => {
            is("is what `temporal workflow show` prints for people: `--output json` prints the history")
        }
        _ if is_text(start) => is("is neither JSON nor protobuf, but other text"),
        _ => None,
    }
}

fn is_text(bytes: &[u8]) -> bool {
    const LOOKED_AT: usize = 4096;
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let is_utf_8 = std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_utf_8 && !start.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}
