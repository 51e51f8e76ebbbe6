//! The files that reports are written to, each whole or not at all.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use foretime_examine::report::{self, Report, Repository};

use super::options::Reports;
use crate::failure::Failure;

/// Where reports are written.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    files: Vec<(Form, PathBuf)>,
    /// The summary of a job on GitHub, which others write to, too.
    summary: Option<PathBuf>,
    repository: Repository,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Html,
    Junit,
    Sarif,
    Markdown,
}

impl Outputs {
    /// The files that were asked for, if they can be written to.
    ///
    /// # Errors
    /// One cannot be written to, or is asked for twice.
    pub(super) fn of(reports: &Reports, summary: Option<PathBuf>, repository: Repository) -> Result<Self, Failure> {
        let asked = [
            ("--html", Form::Html, &reports.html),
            ("--junit", Form::Junit, &reports.junit),
            ("--sarif", Form::Sarif, &reports.sarif),
            ("--markdown", Form::Markdown, &reports.markdown),
        ];
        let mut files: Vec<(Form, PathBuf)> = Vec::new();
        for (option, form, path) in asked {
            let Some(path) = path else { continue };
            let refused = |why: String| Failure::Usage(format!("{option}: {} cannot be written: {why}", path.display()));
            let path = destination(path).map_err(|error| refused(error.to_string()))?;
            if files.iter().any(|(_, known)| *known == path) {
                return Err(refused("another report goes there".to_owned()));
            }
            files.push((form, path));
        }
        Ok(Self { files, summary, repository })
    }

    /// Writes all of them.
    ///
    /// # Errors
    /// One could not be written: which, and why. The others are.
    pub(super) fn write(&self, report: &Report) -> Result<(), Failure> {
        let mut failed = Vec::new();
        for (form, path) in &self.files {
            if let Err(error) = form.of(report, &self.repository).and_then(|text| replace(path, text.as_bytes())) {
                failed.push(format!("{} cannot be written: {error}", path.display()));
            }
        }
        if let Some(path) = &self.summary {
            let opened = fs::OpenOptions::new().append(true).create(true).open(path);
            if let Err(error) = opened.and_then(|mut file| file.write_all(report::markdown(report).as_bytes())) {
                crate::failure::warn(&format!("the job's summary {} cannot be written: {error}", path.display()));
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(Failure::Usage(failed.join("; "))) }
    }
}

impl Form {
    fn of(self, report: &Report, repository: &Repository) -> io::Result<String> {
        match self {
            Self::Html => Ok(report::page(report)),
            Self::Junit => report::xml(report),
            Self::Sarif => report::sarif(report, repository).map_err(io::Error::other),
            Self::Markdown => Ok(report::markdown(report)),
        }
    }
}

/// Where a path leads, once it is certain that a file can be made there.
fn destination(path: &Path) -> io::Result<PathBuf> {
    // Behind a link, the file is replaced, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::Error::other("it is a folder")),
        Ok(metadata) if !metadata.is_file() => return Ok(path),
        Ok(metadata) if metadata.permissions().readonly() => return Err(io::Error::other("it is read-only")),
        _ => {}
    }
    let folder = folder(&path);
    if !folder.is_dir() {
        return Err(io::Error::other(format!("there is no folder {}", folder.display())));
    }
    let trial = beside(&path)?;
    fs::OpenOptions::new().write(true).create_new(true).open(&trial)?;
    fs::remove_file(&trial)?;
    Ok(fs::canonicalize(folder)?.join(path.file_name().unwrap_or_default()))
}

/// Writes a file whole: what was there stays until all of it is written.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        // A pipe or a device cannot be replaced.
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let unfinished = beside(path)?;
    let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// A name in the same folder that nobody else uses.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    Ok(folder(path).join(format!(".{}.{}.unfinished", name.to_string_lossy(), std::process::id())))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use foretime_examine::{conduct::Conducted, gather::Gathered};

    use super::*;

    fn folder_of(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("foretime-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn reports(html: Option<PathBuf>, junit: Option<PathBuf>) -> Reports {
        Reports { html, junit, json: false, sarif: None, markdown: None, github: None, verbose: false }
    }

    fn refusal(reports: &Reports) -> String {
        match Outputs::of(reports, None, Repository::default()) {
            Err(Failure::Usage(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn files_are_replaced_whole_and_nothing_else_is_left() {
        let folder = folder_of("replaced");
        let (html, summary) = (folder.join("report.html"), folder.join("summary.md"));
        fs::write(&html, "from before").unwrap();
        fs::write(&summary, "others\n").unwrap();
        let outputs = Outputs::of(&reports(Some(html.clone()), None), Some(summary.clone()), Repository::default()).unwrap();
        assert_eq!(fs::read_to_string(&html).unwrap(), "from before", "nothing is known yet");
        outputs.write(&Report::of(&Gathered::default(), Conducted::default(), None)).unwrap();
        assert!(fs::read_to_string(&html).unwrap().ends_with("</html>\n"));
        assert!(fs::read_to_string(&summary).unwrap().starts_with("others\n<!-- foretime check -->"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_anything_is_done() {
        let folder = folder_of("refused");
        let gone = folder.join("gone").join("report.html");
        assert!(refusal(&reports(Some(gone), None)).contains("report.html cannot be written: there is no folder"));
        assert!(refusal(&reports(Some(folder.clone()), None)).ends_with("it is a folder"));
        let same = folder.join("same");
        assert!(refusal(&reports(Some(same.clone()), Some(same))).ends_with("another report goes there"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir_all(folder).unwrap();
    }
}
