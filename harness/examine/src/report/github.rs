//! Annotations for GitHub Actions: what a step prints, and the runner obeys.

use std::hash::{BuildHasher, RandomState};

use super::{
    layout::printable,
    model::{Cause, Report, Untold},
    repository::Repository,
    text, wording,
};

/// An annotation for each cause, and for each reason why something could not be told, a line each.
pub fn annotations(report: &Report, repository: &Repository) -> String {
    let causes = report.causes().map(|(verdict, cause)| of_cause(verdict, cause, repository));
    causes.chain(report.could_not_tell.iter().map(|untold| of_untold(untold, repository))).collect()
}

/// Text that the runner shall not obey, whatever it holds: a workflow id may be `::add-mask::a`.
pub fn quoted(text: &str) -> String {
    let token = format!("foretime-{:016x}", RandomState::new().hash_one(text));
    format!("::stop-commands::{token}\n{text}::{token}::\n")
}

fn of_cause(verdict: &str, cause: &Cause, repository: &Repository) -> String {
    let level = if verdict == "breaks" { "error" } else { "warning" };
    let (file, line) = match &cause.place {
        Some(place) => (Some(place.file.as_str()), Some(place.line)),
        None => (cause.example.file.as_deref(), cause.example.line),
    };
    let title = format!("{} {verdict}: {}", cause.workflow_type, wording::affected(cause));
    let message = format!("{}\n{}", wording::sentence(&cause.divergence), text::details(cause));
    annotation(level, file.map(|file| repository.path(file)), line, &title, &message)
}

fn of_untold(untold: &Untold, repository: &Repository) -> String {
    let title = if untold.is_unreadable { "cannot be read" } else { "could not be told" };
    let title = format!("{}: {title}", wording::counted(untold.of.len() as u64, "history", "histories"));
    let names = wording::first(&untold.of, 10, untold.of.len() as u64);
    annotation(
        "warning",
        untold.files.first().map(|file| repository.path(file)),
        None,
        &title,
        &format!("{names}: {}", untold.why),
    )
}

fn annotation(level: &str, file: Option<String>, line: Option<usize>, title: &str, message: &str) -> String {
    let file = file.map_or_else(String::new, |file| format!("file={}", property(&file)));
    let line = line.map_or_else(String::new, |line| format!("line={line}"));
    let title = format!("title={}", property(title));
    let properties: Vec<String> = [file, line, title].into_iter().filter(|it| !it.is_empty()).collect();
    format!("::{level} {}::{}\n", properties.join(","), data(message))
}

/// What stands behind the colons.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
