//! Histories as files, in the form that `temporal workflow show --output json` prints and all replayers of SDKs load.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use foretime_server::proto::DESCRIPTORS;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

use super::Run;
use crate::failure::Failure;

/// File systems allow 255 bytes for a name. This leaves room for a run id, and for what is written before it is renamed.
const NAME_BYTES_MAX: usize = 150;

/// A folder that histories are kept in.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    descriptor: MessageDescriptor,
}

impl Folder {
    /// Creates it unless it is there.
    ///
    /// # Errors
    /// It cannot be created.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| Failure::Runtime(format!("cannot create {}: {error}", path.display())))?;
        let pool = DescriptorPool::decode(DESCRIPTORS).ok();
        let descriptor = pool.and_then(|pool| pool.get_message_by_name("temporal.api.history.v1.History"));
        let descriptor = descriptor.ok_or_else(|| Failure::Runtime("the descriptors of the API are not whole".to_owned()))?;
        Ok(Self { path: path.to_owned(), descriptor })
    }

    /// Writes the history of `run`, the bytes of a `History`, and returns where. A file of the same run is replaced.
    ///
    /// # Errors
    /// The history is not one, or the file cannot be written.
    pub(crate) fn keep(&self, run: &Run, encoded: &[u8]) -> Result<PathBuf, Failure> {
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::Runtime(format!("cannot keep the history of {} ({}): {why}", run.workflow_id, run.run_id))
        };
        let history = DynamicMessage::decode(self.descriptor.clone(), encoded).map_err(|error| wrong(&error))?;
        let folder = self.path.join(safe(&run.workflow_type));
        let path = folder.join(file_name(run));
        let unfinished = folder.join(format!(".{}.{}.part", safe(&run.run_id), std::process::id()));
        let written = fs::create_dir_all(&folder)
            .and_then(|()| write(&unfinished, &history))
            .and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(wrong(&format_args!("{}: {error}", path.display())));
        }
        Ok(path)
    }
}

fn write(path: &Path, history: &DynamicMessage) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer_pretty(&mut file, history)?;
    file.write_all(b"\n")?;
    file.flush()
}

/// A name that no other run has, on file systems too that take capitals and small letters for the same.
fn file_name(run: &Run) -> String {
    let Run { workflow_id, run_id, .. } = run;
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
