//! The record of what the real server said.
//!
//! Not `insta`, because of one rule that it cannot keep: only the real server may write here, and what ours says can only be
//! compared.

use std::{env, fs, path::PathBuf};

use similar::TextDiff;

use crate::server::Kind;

/// If set, a run of the real server records what it says instead of comparing it.
pub const RECORD: &str = "FORETIME_TEST_RECORD";

/// Compares `transcript` with the record called `name`, or writes that record.
///
/// # Errors
/// The difference, as a diff from the record to the transcript.
pub fn check(kind: Kind, name: &str, transcript: &str) -> Result<(), String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"));
    if kind == Kind::Real && env::var_os(RECORD).is_some() {
        let folder = path.parent().unwrap_or(&path);
        return fs::create_dir_all(folder).and_then(|()| fs::write(&path, transcript)).map_err(|error| error.to_string());
    }
    let recorded = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if recorded == transcript {
        return Ok(());
    }
    let diff = TextDiff::from_lines(recorded.as_str(), transcript);
    Err(format!("\n{}", diff.unified_diff().context_radius(3).header("recorded from the real server", &kind.to_string())))
}
