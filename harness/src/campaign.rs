//! Many runs of a simulation outside of `#[foretime::test]`, and what comes of them.

use std::{
    any,
    collections::BTreeSet,
    env,
    error::Error,
    fmt,
    future::Future,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use foretime_campaign::{
    case::{Case, RUNS, TWICE_EVERY, file_name},
    runner::Summary,
};

use crate::{
    entry::{Outcome, REGRESSIONS, crates_of, dated},
    runner::{self, program},
    sim::Sim,
};

/// Many runs of a simulation outside of `cargo test`, for a program whose `main` does little else. The program starts itself
/// again, with the same arguments, for the processes that run the seeds. In those processes [`Campaign::run`] never returns.
///
/// So the program must come to the campaign in the same way each time it starts, with the same body. Within `proptest!`, or
/// after any other draw of its own, it does not: the seeds would run with other values than those in the closure. Draw them in
/// the body instead, with [`Sim::draw`].
///
/// ```no_run
/// # async fn simulation(_sim: foretime::Sim) -> foretime::Result { Ok(()) }
/// let summary = foretime::Campaign::new("a year").runs(300).run(simulation)?;
/// println!("every seed passed\n{summary}");
/// # Ok::<(), foretime::CampaignError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing runs until `run`"]
pub struct Campaign {
    name: String,
    runs: u64,
    starts_at: Option<String>,
    twice_every: u64,
    shows_one: bool,
    regressions: Option<PathBuf>,
}

/// Why a campaign is no pass. `{}` and `{:?}` both give the text for people.
pub enum CampaignError {
    /// A seed failed, a `sometimes!` held in none of them, or none reached an activity that has faults of its own. This is what
    /// all of them came to.
    NotGood(Box<Summary>),
    /// The seeds could not be run at all, for this reason.
    NotRun(String),
}

impl fmt::Display for CampaignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGood(summary) => f.write_str(&summary.why(None)),
            Self::NotRun(why) => f.write_str(why),
        }
    }
}

impl fmt::Debug for CampaignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for CampaignError {}

impl Campaign {
    /// A campaign with this name, which must be unique within the program. It runs 100 seeds, one in ten of them twice.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), runs: RUNS, starts_at: None, twice_every: TWICE_EVERY, shows_one: false, regressions: None }
    }

    /// How many seeds run, unless the environment says otherwise.
    pub fn runs(mut self, runs: u64) -> Self {
        self.runs = runs;
        self
    }

    /// Every run begins at this instant, such as `2027-03-28T00:30:00Z`: a whole second of the years 1970 to 2199. Without it each
    /// seed draws a day on which code that looks at the calendar goes wrong, such as the last of a month, or the plain 2026-01-01.
    pub fn starts_at(mut self, instant: impl Into<String>) -> Self {
        self.starts_at = Some(instant.into());
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

    /// Runs the seeds. What it returns is good ([`Summary::is_good`]).
    ///
    /// # Errors
    /// It is not, or the seeds could not be run at all: as when a campaign of the same name ran in this process before, or
    /// [`Self::starts_at`] was given no instant.
    pub fn run<F, R>(self, body: impl Fn(Sim) -> F + Clone + Send + Sync + 'static) -> Result<Summary, CampaignError>
    where
        F: Future<Output = R> + 'static,
        R: Outcome,
    {
        self.is_the_first_of_its_name().map_err(CampaignError::NotRun)?;
        let case = self.case().map_err(CampaignError::NotRun)?;
        let summary = runner::run(&case, &crates_of([any::type_name_of_val(&body)]), || {
            let body = body.clone();
            Box::new(move |sim| Box::pin(async move { body(sim).await.into_result() }))
        });
        let summary = summary.map_err(CampaignError::NotRun)?;
        if summary.is_good() { Ok(summary) } else { Err(CampaignError::NotGood(Box::new(summary))) }
    }

    /// A process that runs seeds takes the first campaign of the name for the one that is meant. It cannot come to a second one.
    fn is_the_first_of_its_name(&self) -> Result<(), String> {
        static BEGUN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        if BEGUN.lock().unwrap_or_else(PoisonError::into_inner).insert(self.name.clone()) {
            return Ok(());
        }
        let name = &self.name;
        Err(format!(
            "the campaign \"{name}\" ran in this process before. The program starts itself again to run seeds, and there it \
             always comes to the first campaign of a name: a second one would run with the values of the first. In a loop, give \
             each campaign a name of its own. Within proptest!, which draws other values each time the program starts, a \
             campaign never runs with the values of the case: draw them in the body, with sim.draw(\"name\", strategy), in one \
             campaign or in a #[foretime::test]."
        ))
    }

    /// The case that it is.
    ///
    /// # Errors
    /// It begins at no instant.
    fn case(&self) -> Result<Case, String> {
        let command = env::args().collect::<Vec<_>>().join(" ");
        let (starts_at, command) = dated(self.starts_at.as_deref(), command)?;
        let arguments = env::args().skip(1).collect();
        Ok(Case {
            claims: Vec::new(),
            program,
            name: self.name.clone(),
            target: None,
            runs: self.runs,
            starts_at,
            arguments,
            twice_every: self.twice_every,
            shows_one: self.shows_one,
            regressions: self.regressions.as_ref().map(|folder| folder.join(REGRESSIONS).join(file_name(&self.name))),
            command,
        })
    }
}
