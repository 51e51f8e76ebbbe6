//! Where histories come from: files, folders of them, and a spool of what a cluster has sent. Only what says something about a run is
//! kept in memory; its events are read again when its turn comes.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use foretime_history::{Summary, forms, whole};

use super::{
    run::Run,
    spool::{Kept, Spool},
};

/// What in a folder may be a history, by the end of its name.
const EXTENSIONS: [&str; 6] = ["json", "pb", "binpb", "bin", "jsonl", "history"];
/// The folder of our own reports that has the same histories once more, in the form of the Rust SDK.
const SECOND_FORM: &str = "rust-sdk";

/// Where a history is.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub path: Arc<Path>,
    /// Which one in the file, from 0.
    pub index: usize,
    /// Whether the file has others.
    pub is_one_of_several: bool,
    /// What it is called instead of its file.
    pub name: Option<Arc<str>>,
    /// The same in the spool, where it need not be parsed again.
    pub kept: Option<Kept>,
}

/// What was read: the runs, and the files that hold none, each with the reason.
#[derive(Debug, Default)]
pub struct Found {
    /// The runs, in the order in which they were read.
    pub runs: Vec<Run>,
    /// Files, or histories in them, each with the reason.
    pub unreadable: Vec<(String, String)>,
    /// Where histories are kept that are read from files, if they are.
    pub spool: Option<Spool>,
}

impl Source {
    /// The history: the bytes of a `History` message.
    ///
    /// # Errors
    /// The file cannot be read any more, for this reason.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        if let Some(kept) = &self.kept {
            return kept.read().map_err(|error| error.to_string());
        }
        let bytes = fs::read(&self.path).map_err(|error| error.to_string())?;
        let read = forms::read(&bytes).map_err(|error| error.to_string())?;
        let found = read.into_iter().nth(self.index).ok_or_else(|| "has changed meanwhile".to_owned())?;
        Ok(found.encoded)
    }

    /// For people.
    pub fn name(&self) -> String {
        match self.is_one_of_several {
            _ if self.name.is_some() => self.name.as_deref().unwrap_or_default().to_owned(),
            true => format!("{}#{}", self.path.display(), self.index + 1),
            false => self.path.display().to_string(),
        }
    }
}

impl Found {
    /// Nothing yet. If more than one run of each path is checked, histories are kept as they are read.
    pub fn to_check(most: usize) -> Self {
        Self { spool: (most > 1).then(Spool::create).and_then(Result::ok), ..Self::default() }
    }

    /// Reads a file, or all files in a folder.
    pub fn read(&mut self, path: &Path, mut progress: impl FnMut()) {
        let is_file = path.is_file();
        for file in files(path) {
            match file {
                Ok(file) => self.read_file(&file),
                Err((path, why)) => self.unreadable.push((path, why)),
            }
            progress();
        }
        if !is_file && path.is_dir() && self.runs.is_empty() && self.unreadable.is_empty() {
            let endings = EXTENSIONS.map(|it| format!(".{it}")).join(", ");
            self.unreadable.push((path.display().to_string(), format!("has no file that ends with one of {endings}")));
        }
    }

    fn read_file(&mut self, path: &Path) {
        let read = fs::read(path).map_err(|error| error.to_string());
        let read = read.and_then(|bytes| forms::read(&bytes).map_err(|error| error.to_string()));
        let histories = match read {
            Ok(histories) => histories,
            Err(why) => return self.unreadable.push((path.display().to_string(), why)),
        };
        let (path, is_one_of_several): (Arc<Path>, _) = (path.into(), histories.len() > 1);
        for (index, history) in histories.into_iter().enumerate() {
            let source = Source { path: path.clone(), index, is_one_of_several, name: None, kept: None };
            if history.has_more {
                self.unreadable.push((source.name(), "is one page of a history, and the next is missing".to_owned()));
                continue;
            }
            if let Err(why) = whole(&history.encoded) {
                self.unreadable.push((source.name(), why.to_string()));
                continue;
            }
            // Without room for it, it is parsed again.
            let kept = self.spool.as_ref().and_then(|spool| spool.keep(&history.encoded).ok());
            let source = Source { kept, ..source };
            let mut summary = Summary::of(&history.encoded);
            summary.workflow_id = summary.workflow_id.or(history.workflow_id);
            summary.run_id = summary.run_id.or(history.run_id);
            self.runs.push(Run { source, summary, namespace: history.namespace });
        }
    }

    /// Of runs that were read several times, keeps the longest. Histories of one run that do not agree are all kept.
    pub fn once_each(&mut self) {
        let mut of_runs: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (at, run) in self.runs.iter().enumerate() {
            if let (Some(workflow_id), Some(run_id)) = (&run.summary.workflow_id, &run.summary.run_id) {
                of_runs.entry((workflow_id.clone(), run_id.clone())).or_default().push(at);
            }
        }
        let mut dropped: BTreeSet<usize> = BTreeSet::new();
        for mut several in of_runs.into_values().filter(|of| of.len() > 1) {
            several.sort_by_key(|at| Reverse(self.runs[*at].summary.events_count));
            let mut kept: Vec<Vec<u8>> = Vec::new();
            for at in several {
                let Ok(encoded) = self.runs[at].source.read() else { continue };
                if kept.iter().any(|longer| longer.starts_with(&encoded)) {
                    dropped.insert(at);
                } else {
                    kept.push(encoded);
                }
            }
        }
        let mut at = 0;
        self.runs.retain(|_| {
            at += 1;
            !dropped.contains(&(at - 1))
        });
    }
}

/// The files under a path, in the order of their names.
fn files(path: &Path) -> Vec<Result<PathBuf, (String, String)>> {
    files_in(path, &mut BTreeSet::new())
}

/// The same without what is in folders that were visited: links may lead back.
fn files_in(path: &Path, visited: &mut BTreeSet<PathBuf>) -> Vec<Result<PathBuf, (String, String)>> {
    if !path.is_dir() {
        return match path.metadata() {
            Ok(_) => vec![Ok(path.to_owned())],
            Err(error) => vec![Err((path.display().to_string(), error.to_string()))],
        };
    }
    if !path.canonicalize().is_ok_and(|folder| visited.insert(folder)) {
        return Vec::new();
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return vec![Err((path.display().to_string(), error.to_string()))],
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let is_history = |path: &Path| {
        let extension = path.extension().map(|it| it.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        EXTENSIONS.contains(&extension.as_str())
    };
    let is_second_form = |path: &Path| path.file_name().is_some_and(|name| name == SECOND_FORM);
    let of_interest = paths.into_iter().filter(|path| !is_hidden(path) && !is_second_form(path));
    of_interest
        .flat_map(|path| match path.is_dir() {
            true => files_in(&path, visited),
            // A pipe or a socket would be waited for.
            false if is_history(&path) && path.is_file() => vec![Ok(path)],
            false if is_history(&path) => vec![Err((path.display().to_string(), "is no file".to_owned()))],
            false => Vec::new(),
        })
        .collect()
}
