//! Histories that are kept on disk until the check is over: those of a cluster, and those that would have to be parsed a second time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU32, atomic::Ordering},
};

/// A file without a name, as far as the system allows that.
#[derive(Clone, Debug)]
pub struct Spool {
    file: Arc<Mutex<Open>>,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    /// Where it must be removed in the end; `None` where it was removed at once.
    path: Option<PathBuf>,
}

/// A history in the spool.
#[derive(Clone, Debug)]
pub struct Kept {
    spool: Spool,
    offset: u64,
    length: usize,
}

impl Spool {
    /// Creates it in the folder for temporary files.
    ///
    /// # Errors
    /// It cannot be written there.
    pub fn create() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("foretime-check-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        // What is removed while it is open stays readable on Unix, and goes with the process, however that ends.
        let is_removed = cfg!(unix) && fs::remove_file(&path).is_ok();
        let open = Open { file, length: 0, path: (!is_removed).then_some(path) };
        Ok(Self { file: Arc::new(Mutex::new(open)) })
    }

    /// Keeps a history, the bytes of a `History` message.
    ///
    /// # Errors
    /// The disk is full, say.
    pub fn keep(&self, encoded: &[u8]) -> io::Result<Kept> {
        let mut open = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = open.length;
        open.file.seek(SeekFrom::Start(offset))?;
        open.file.write_all(encoded)?;
        open.length += encoded.len() as u64;
        Ok(Kept { spool: self.clone(), offset, length: encoded.len() })
    }
}

impl Kept {
    /// The history.
    ///
    /// # Errors
    /// It cannot be read any more.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut open = self.spool.file.lock().unwrap_or_else(PoisonError::into_inner);
        open.file.seek(SeekFrom::Start(self.offset))?;
        let mut encoded = vec![0; self.length];
        open.file.read_exact(&mut encoded)?;
        Ok(encoded)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // A file too many among the temporary ones harms nobody.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_in_any_order() {
        let spool = Spool::create().expect("a folder for temporary files");
        let kept: Vec<Kept> = [&b"one"[..], b"", b"three"].iter().map(|it| spool.keep(it).expect("room")).collect();
        drop(spool);
        assert_eq!(kept[2].read().expect("it"), b"three");
        assert_eq!(kept[0].read().expect("it"), b"one");
        assert_eq!(kept[1].read().expect("it"), b"");
    }
}
