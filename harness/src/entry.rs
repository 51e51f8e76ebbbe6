//! The entry point of a test: what `#[foretime::test]` expands to.

use std::{
    future::Future,
    panic::Location,
    path::{Path, PathBuf},
    pin::Pin,
};

use foretime_campaign::{
    case::{Case, RUNS, TWICE_EVERY, file_name},
    runner::settings,
    time::Start,
};

use crate::{
    claims,
    failure::Failure,
    runner::{self, program},
    sim::{Body, Sim},
};

/// The future of a test's body.
type Running = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

/// What a test's body may return: nothing, or a result.
#[diagnostic::on_unimplemented(
    message = "a simulation's body cannot return `{Self}`",
    label = "returns neither nothing nor a `foretime::Result`",
    note = "it returns nothing, or `foretime::Result`, or another `Result<(), E>` with an error that converts into a box of `Error`"
)]
pub trait Outcome {
    /// Converts it to a result.
    ///
    /// # Errors
    /// Why the body gave up.
    fn into_result(self) -> Result<(), Failure>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: Into<Failure>> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), Failure> {
        self.map_err(|error| error.into().not_made_in(file!()))
    }
}

/// A `#[foretime::test]`, as its macro sees it.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// The path of its module, with the crate.
    pub module: &'static str,
    /// The name of its function.
    pub function: &'static str,
    /// The package that it is in.
    pub package: &'static str,
    /// The folder of that package.
    pub folder: &'static str,
    /// The file that it is in, as the compiler has it.
    pub file: &'static str,
    /// Whether it is in a file of its own beside the crate, under `tests/`.
    pub is_integration: bool,
    /// How many seeds it runs, if the attribute sets that.
    pub runs: Option<u64>,
    /// What its code is known to do wrong, if anything.
    pub finds: Option<&'static str>,
    /// When its runs begin, if the attribute sets that.
    pub starts_at: Option<&'static str>,
}

impl Test {
    /// The case that it is.
    ///
    /// # Errors
    /// It begins at no instant.
    fn case(&self) -> Result<Case, String> {
        let Test { module, function, package, .. } = self;
        let (target, inner) =
            module.split_once("::").map_or((*module, String::new()), |(it, inner)| (it, format!("{inner}::")));
        let name = format!("{inner}{function}");
        // In this target only: other targets may have a test of the same name.
        let place = if self.is_integration { format!("--test {target}") } else { "--lib --bins".to_owned() };
        let arguments = ["--exact", &name, "--include-ignored", "--nocapture", "--test-threads=1"].map(str::to_owned).to_vec();
        // A test that is usually ignored would not run, and that would pass for a pass.
        let command = format!("cargo test -p {package} {place} -- --exact {name} --include-ignored --nocapture");
        let (starts_at, command) = dated(self.starts_at, command)?;
        Ok(Case {
            claims: claims::sometimes_within(&format!("{module}::{function}")),
            program,
            name: name.clone(),
            target: Some((*target).to_owned()),
            runs: self.runs.unwrap_or(RUNS),
            starts_at,
            arguments,
            twice_every: TWICE_EVERY,
            shows_one: false,
            // What is known to be wrong is no regression.
            regressions: self.finds.is_none().then(|| regressions(self.folder, self.file).join(file_name(&name))),
            command,
        })
    }
}

/// Foretime's own crates, beside those of its scenarios and tests.
const OURS: [&str; 11] = [
    "foretime",
    "foretime_campaign",
    "foretime_check",
    "foretime_cli",
    "foretime_descriptors",
    "foretime_examine",
    "foretime_features",
    "foretime_history",
    "foretime_page",
    "foretime_proto",
    "foretime_server",
];

/// The user's crates among those at the beginning of these paths.
pub(crate) fn crates_of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names = paths.into_iter().filter_map(|path| path.split("::").next());
    let is_name = |it: &&str| !it.is_empty() && it.chars().all(|it| it.is_alphanumeric() || it == '_');
    names.filter(is_name).filter(|it| !OURS.contains(it)).map(str::to_owned).collect()
}

/// When the runs of a test begin that says this, in seconds of the Unix epoch, and the command for it. What the environment says
/// goes before what the test says, and then it is a part of the command.
///
/// # Errors
/// One of them says no instant.
pub(crate) fn dated(said: Option<&str>, command: String) -> Result<(Option<i64>, String), String> {
    if let Some(start) = settings::starts_at()? {
        return Ok((Some(start.unix_s()), format!("FORETIME_STARTS_AT={start} {command}")));
    }
    let start = said.map(|said| Start::parse(said).map_err(|why| format!("starts_at = \"{said}\": {why}"))).transpose()?;
    Ok((start.map(Start::unix_s), command))
}

/// The folder in which failing runs are kept, beside the code of their test.
pub(crate) const REGRESSIONS: &str = "foretime-regressions";

/// Where the regressions of the tests in this file are: beside it, or in its package if it is not there, since the program was built
/// elsewhere. The compiler names a file from where it was started, which is above the package's folder or in it.
fn regressions(folder: &str, file: &str) -> PathBuf {
    let mut rest = Path::new(file).components();
    while rest.clone().next().is_some() {
        let file = Path::new(folder).join(rest.as_path());
        if let Some(beside) = file.parent().filter(|_| file.is_file()) {
            return beside.join(REGRESSIONS);
        }
        rest.next();
    }
    Path::new(folder).join(REGRESSIONS)
}

/// Runs the seeds of a `#[foretime::test]`.
///
/// # Panics
/// When a seed fails, when no seed fails as `finds` requires, or when the seeds cannot be run. That is how a test fails.
#[track_caller]
pub fn test(test: &Test, body: fn(Sim) -> Running) {
    let finds = test.finds;
    let place = Location::caller();
    let make = || -> Body { Box::new(body) };
    let crates = crates_of([test.module, &test.package.replace('-', "_")]);
    match test.case().and_then(|case| runner::run(&case, &crates, make)) {
        Ok(summary) => {
            let why = summary.why(Some(place));
            match finds {
                None => {
                    assert!(summary.is_good(), "{why}");
                    println!("{summary}");
                }
                Some(text) => {
                    assert!(summary.finds(text), "{}", summary.why_not_found(text, place));
                    println!("found, as it should be:\n{why}");
                }
            }
        }
        Err(error) => panic!("{error}"),
    }
}
