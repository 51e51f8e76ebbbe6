//! Histories as files, in the form that `temporal workflow show --output json` prints and all replayers of SDKs load.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use foretime_history::file;

use super::Run;
use crate::failure::Failure;

/// File systems allow 255 bytes for a name. This leaves room for a run id, and for what is written before it is renamed.
const NAME_BYTES_MAX: usize = 150;

/// A folder that histories are kept in.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// What the file of a run is named after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) workflow_type: &'a str,
    pub(crate) workflow_id: &'a str,
    pub(crate) run_id: &'a str,
}

impl Folder {
    /// Creates it unless it is there.
    ///
    /// # Errors
    /// It cannot be created.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| Failure::Runtime(format!("cannot create {}: {error}", path.display())))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes the history of `run`, the bytes of a `History`, and returns where. A file of the same run is replaced.
    ///
    /// # Errors
    /// The history is not one, or the file cannot be written.
    pub(crate) fn keep(&self, run: &Run, encoded: &[u8]) -> Result<PathBuf, Failure> {
        let Run { workflow_type, workflow_id, run_id, .. } = run;
        self.keep_as(Name { workflow_type, workflow_id, run_id }, encoded)
    }

    /// The same for a run that no cluster has listed.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn keep_as(&self, run: Name<'_>, encoded: &[u8]) -> Result<PathBuf, Failure> {
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::Runtime(format!("cannot keep the history of {} ({}): {why}", run.workflow_id, run.run_id))
        };
        let path = self.path.join(safe(run.workflow_type)).join(file_name(run));
        file::write(&path, encoded).map_err(|error| wrong(&format_args!("{}: {error}", path.display())))?;
        Ok(path)
    }
}

/// A name that no other run has, on file systems too that take capitals and small letters for the same.
fn file_name(run: Name<'_>) -> String {
    let Name { workflow_id, run_id, .. } = run;
    // The run ids of Temporal differ from all others by themselves.
    if is_uuid(run_id) {
        return format!("{}_{run_id}.json", safe(workflow_id));
    }
    let mut hasher = DefaultHasher::new();
    (workflow_id, run_id).hash(&mut hasher);
    let run_id: String = safe(run_id).chars().take(NAME_BYTES_MAX / 4).collect();
    format!("{}_{run_id}_{:016x}.json", safe(workflow_id), hasher.finish())
}

fn is_uuid(text: &str) -> bool {
    let parts =
        text.split('-').map(|part| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(part.len()));
    parts.eq([8, 4, 4, 4, 12].map(Some))
}

/// `text` as a name that every file system takes: what some do not take is written as in URLs, and too long a text is cut.
fn safe(text: &str) -> String {
    let stem = text.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_device = match stem.as_bytes() {
        b"CON" | b"PRN" | b"AUX" | b"NUL" => true,
        [b'C', b'O', b'M', digit] | [b'L', b'P', b'T', digit] => digit.is_ascii_digit(),
        _ => false,
    };
    let mut name = String::new();
    for (index, char) in text.char_indices() {
        let is_end = index == 0 || index + char.len_utf8() == text.len();
        let is_plain =
            char.is_alphanumeric() || matches!(char, '-' | '_' | '+' | '=' | '@' | ',' | '~') || (char == '.' && !is_end);
        let before = name.len();
        if is_plain && !(is_device && index == 0) {
            name.push(char);
        } else {
            let mut bytes = [0; 4];
            char.encode_utf8(&mut bytes).bytes().for_each(|byte| name += &format!("%{byte:02X}"));
        }
        if name.len() > NAME_BYTES_MAX {
            name.truncate(before);
            break;
        }
    }
    if name.is_empty() { "%".to_owned() } else { name.trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use foretime_server::proto::enums::WorkflowExecutionStatus;

    use super::*;

    const RUN_ID: &str = "01a22cf8-5d36-7212-8c4a-5fb25a48574f";

    fn run(workflow_type: &str, workflow_id: &str, run_id: &str) -> Run {
        Run {
            workflow_id: workflow_id.to_owned(),
            run_id: run_id.to_owned(),
            workflow_type: workflow_type.to_owned(),
            task_queue: "q".to_owned(),
            status: WorkflowExecutionStatus::Completed,
            start_time: None,
            close_time: None,
            history_length: 0,
        }
    }

    #[test]
    fn a_name_is_what_it_stands_for_as_far_as_file_systems_allow() {
        for (text, expected) in [
            ("Order", "Order"),
            ("order-7_a.b", "order-7_a.b"),
            ("Zahlung-ä", "Zahlung-ä"),
            ("a/b\\c", "a%2Fb%5Cc"),
            ("50%", "50%25"),
            ("..", "%2E%2E"),
            (".hidden", "%2Ehidden"),
            ("end.", "end%2E"),
            ("a:b*c?\"<>|", "a%3Ab%2Ac%3F%22%3C%3E%7C"),
            ("a b\n\0", "a%20b%0A%00"),
            ("con", "%63on"),
            ("NUL.txt", "%4EUL.txt"),
            ("COM1", "%43OM1"),
            ("CONTROL", "CONTROL"),
            ("", "%"),
        ] {
            assert_eq!(safe(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_the_run_id_stays_whole() {
        for long in ["x".repeat(1000), "ä".repeat(500), "/".repeat(1000), "a.".repeat(500)] {
            let name = file_name(Name { workflow_type: "T", workflow_id: &long, run_id: RUN_ID });
            assert!(name.len() <= 255 - ".part".len() && name.ends_with(&format!("_{RUN_ID}.json")), "{name}");
            let folder = safe(&long);
            assert!(folder.len() <= NAME_BYTES_MAX && !folder.ends_with(['%', '.']), "{folder}");
        }
        assert!(file_name(Name { workflow_type: "T", workflow_id: &"w".repeat(1000), run_id: &"r".repeat(1000) }).len() <= 255);
    }

    #[test]
    fn runs_never_share_a_name_not_even_without_regard_to_capitals() {
        let runs =
            [("a", "r"), ("A", "r"), ("a", "R"), ("a_r", ""), ("", "a_r"), ("a/b", RUN_ID), ("a%2Fb", RUN_ID), ("a_b", RUN_ID)];
        let names: BTreeSet<_> =
            runs.map(|(id, run_id)| file_name(Name { workflow_type: "T", workflow_id: id, run_id }).to_lowercase()).into();
        assert_eq!(names.len(), runs.len(), "{names:?}");
    }

    #[test]
    fn a_run_that_went_on_replaces_its_own_file_and_what_is_no_history_writes_none() {
        let path = std::env::temp_dir().join(format!("foretime-save-{}", std::process::id()));
        let folder = Folder::open(&path).unwrap();
        let run = run("T", "w", RUN_ID);
        let file = folder.keep(&run, b"").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "{}\n");
        assert!(folder.keep(&run, b"\x0a\xff").is_err());
        assert_eq!(folder.keep(&run, b"\x0a\x02\x08\x01").unwrap(), file);
        let history: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(history, serde_json::json!({ "events": [{ "eventId": "1" }] }));
        assert_eq!(fs::read_dir(path.join("T")).unwrap().count(), 1, "nothing unfinished is left");
        fs::remove_dir_all(&path).unwrap();
    }
}
