//! The entry point of a test: what `#[foretime::test]` expands to.

use std::{
    any, env,
    future::Future,
    panic::Location,
    path::{Path, PathBuf},
    pin::Pin,
};

use foretime_campaign::{
    case::{Case, RUNS, TWICE_EVERY, file_name},
    runner::Summary,
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
}

impl Test {
    /// The case that it is.
    fn case(&self) -> Case {
        let Test { module, function, package, .. } = self;
        let (target, inner) =
            module.split_once("::").map_or((*module, String::new()), |(it, inner)| (it, format!("{inner}::")));
        let name = format!("{inner}{function}");
        // In this target only: other targets may have a test of the same name.
        let place = if self.is_integration { format!("--test {target}") } else { "--lib --bins".to_owned() };
        let arguments = ["--exact", &name, "--include-ignored", "--nocapture", "--test-threads=1"].map(str::to_owned).to_vec();
        let command = format!("cargo test -p {package} {place} -- --exact {name} --nocapture");
        Case {
            claims: claims::sometimes_within(&format!("{module}::{function}")),
            program,
            name: name.clone(),
            target: Some((*target).to_owned()),
            runs: self.runs.unwrap_or(RUNS),
            arguments,
            twice_every: TWICE_EVERY,
            shows_one: false,
            // What is known to be wrong is no regression.
            regressions: self
                .finds
                .is_none()
                .then(|| regressions(self.folder, self.file))
                .flatten()
                .map(|it| it.join(file_name(&name))),
            command,
        }
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
fn crates_of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names = paths.into_iter().filter_map(|path| path.split("::").next());
    let is_name = |it: &&str| !it.is_empty() && it.chars().all(|it| it.is_alphanumeric() || it == '_');
    names.filter(is_name).filter(|it| !OURS.contains(it)).map(str::to_owned).collect()
}

/// The folder in which failing runs are kept, beside the code of their test.
const REGRESSIONS: &str = "foretime-regressions";

/// Where the regressions of the tests in this file are. `None` if the file is not there, since the program was built elsewhere.
/// The compiler names a file from where it was started, which is above the package's folder or in it.
fn regressions(folder: &str, file: &str) -> Option<PathBuf> {
    let mut rest = Path::new(file).components();
    loop {
        let file = Path::new(folder).join(rest.as_path());
        if file.is_file() {
            return Some(file.parent()?.join(REGRESSIONS));
        }
        rest.next()?;
    }
}

/// Runs the seeds of a `#[foretime::test]`.
///
/// # Panics
/// When a seed fails, when no seed fails as `finds` requires, or when the seeds cannot be run. That is how a test fails.
#[track_caller]
pub fn test(test: &Test, body: fn(Sim) -> Running) {
    let (case, finds) = (test.case(), test.finds);
    let place = Location::caller();
    let make = || -> Body { Box::new(body) };
    let crates = crates_of([test.module, &test.package.replace('-', "_")]);
    match runner::run(&case, &crates, make) {
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

/// Many runs of a simulation outside of `cargo test`, for a program whose `main` does little else. The program starts itself
/// again, with the same arguments, for the processes that run the seeds. In those processes [`Campaign::run`] never returns.
///
/// ```no_run
/// # async fn simulation(_sim: foretime::Sim) -> foretime::Result { Ok(()) }
/// let summary = foretime::Campaign::new("a year").runs(300).run(simulation)?;
/// println!("{summary}");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing runs until `run`"]
pub struct Campaign {
    name: String,
    runs: u64,
    twice_every: u64,
    shows_one: bool,
    regressions: Option<PathBuf>,
}

impl Campaign {
    /// A campaign with this name, which must be unique within the program. It runs 100 seeds, one in ten of them twice.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), runs: RUNS, twice_every: TWICE_EVERY, shows_one: false, regressions: None }
    }

    /// How many seeds run, unless the environment says otherwise.
    pub fn runs(mut self, runs: u64) -> Self {
        self.runs = runs;
        self
    }

    /// One in `seeds` seeds runs twice, in two processes. Both runs must be equal in every step.
    pub fn twice_every(mut self, seeds: u64) -> Self {
        self.twice_every = seeds;
        self
    }

    /// Also writes a report when all runs pass: of the run with the most faults.
    pub fn shows_one(mut self) -> Self {
        self.shows_one = true;
        self
    }

    /// Keeps failing runs in `foretime-regressions` within this folder, and repeats those first, as tests do. By default none are
    /// kept.
    pub fn regressions(mut self, folder: impl Into<PathBuf>) -> Self {
        self.regressions = Some(folder.into());
        self
    }

    /// Runs the seeds.
    ///
    /// # Errors
    /// The seeds could not be run at all.
    pub fn run<F, R>(self, body: impl Fn(Sim) -> F + Clone + Send + Sync + 'static) -> Result<Summary, String>
    where
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        runner::run(&self.case(), &crates_of([any::type_name_of_val(&body)]), || {
            let body = body.clone();
            Box::new(move |sim| Box::pin(async move { body(sim).await.into_result() }))
        })
    }

    /// The case that it is.
    fn case(&self) -> Case {
        let command = env::args().collect::<Vec<_>>().join(" ");
        let arguments = env::args().skip(1).collect();
        Case {
            claims: Vec::new(),
            program,
            name: self.name.clone(),
            target: None,
            runs: self.runs,
            arguments,
            twice_every: self.twice_every,
            shows_one: self.shows_one,
            regressions: self.regressions.as_ref().map(|folder| folder.join(REGRESSIONS).join(file_name(&self.name))),
            command,
        }
    }
}
