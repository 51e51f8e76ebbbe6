//! `foretime check`: does today's code still replay what production recorded?
//!
//! [`options`] are the arguments. [`gather`] reads the histories, from files and from a cluster. [`conduct`] starts a [`session`], which is
//! a server behind a [`listener`] and the user's own [`worker`], and has the histories examined; [`progress`] shows how far it is.
//! [`outputs`] are the files that the report is written to, and [`payloads`] says what is done with payloads. All else is in
//! `foretime_examine`: the histories, which of them are checked, what comes of each, and the report.

mod conduct;
mod gather;
mod listener;
mod options;
mod outputs;
mod payloads;
mod progress;
mod session;
mod worker;

use std::{
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

pub(crate) use options::Check;

use foretime_examine::{
    redact::Redaction,
    report::{self, Report, Repository, Terminal},
};
use foretime_history::Telling;

use crate::{
    codec::Codec,
    failure::{self, Failure},
};
use options::Limits;
use outputs::Outputs;
use progress::Progress;
use worker::Launch;

/// A narrower terminal is written to as if it were as wide.
const WIDTH_MIN: usize = 30;

/// What shall be done, apart from the histories.
struct Plan {
    address: Option<SocketAddr>,
    launch: Option<Launch>,
    limits: Limits,
    strict: bool,
    codec: Option<Codec>,
    telling: Telling,
    redaction: Option<Redaction>,
    map_queue: Vec<(String, String)>,
    /// One history is served for as long as it takes, up to this event if there is one.
    hold: Option<Option<i64>>,
}

/// With --hold, for as long as a person thinks.
const HOLD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Plan {
    /// The queue that the worker polls for histories recorded on `recorded`.
    fn queue_of(&self, recorded: &str) -> String {
        let mapped = self.map_queue.iter().find(|(from, _)| from == recorded);
        mapped.map_or(recorded, |(_, to)| to).to_owned()
    }
}

impl Check {
    /// Checks, reports, and says with which code to exit.
    ///
    /// # Errors
    /// The arguments are wrong, or nothing can be started.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Runtime(format!("cannot start: {error}")))?;
        let interrupted = async {
            crate::launch::signals().map_err(|error| Failure::Runtime(format!("cannot wait for signals: {error}")))?.await;
            Ok(ExitCode::from(130))
        };
        runtime.block_on(async {
            tokio::select! {
                code = self.check() => code,
                code = interrupted => code,
            }
        })
    }

    async fn check(mut self) -> Result<ExitCode, Failure> {
        let plan = self.plan()?;
        if let Some(history) = &self.hold {
            self.histories.push(history.clone());
            self.all = true;
            let until = self.until.map_or_else(String::new, |until| format!(" up to event {until}"));
            let _ = writeln!(io::stderr(), "foretime: holding {}{until}; ctrl-C ends the worker", history.display());
        }
        if self.until.is_some() && self.hold.is_none() {
            return Err(Failure::Usage("--until goes with --hold".to_owned()));
        }
        if self.histories.is_empty() && !self.cluster.names_a_cluster() {
            return Err(Failure::Usage("no HISTORIES given: name files or folders, or a cluster with --from".to_owned()));
        }
        let is_github = self.is_github();
        let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from);
        let directory = std::env::current_dir().ok();
        let repository = Repository::around(directory.as_deref());
        let outputs = Outputs::of(&self.reports, summary.filter(|_| self.reports.github != Some(false)), repository.clone())?;
        let most = if self.all { usize::MAX } else { self.sample as usize };
        if self.payloads.redact {
            // What is saved then is not what the cluster has.
            self.cluster.save = None;
        }
        // A worker that writes to stderr itself would write into the line.
        let progress = Progress::new(!self.reports.verbose && self.hold.is_none());
        let mut gathered = gather::gather(&self.histories, &self.cluster, most, || progress.read()).await?;
        if plan.telling == Telling::Sizes {
            gathered.leave_out_contents();
        }
        let conducted = conduct::conduct(&plan, &gathered, &progress).await?;
        progress.end();
        let report = Report::of(&gathered, conducted, directory.as_deref());
        self.print(&report, is_github.then_some(&repository))?;
        outputs.write(&report)?;
        Ok(ExitCode::from(report.exit_code()))
    }

    /// Whether annotations for GitHub are printed: on its runners, unless that was declined.
    fn is_github(&self) -> bool {
        self.reports.github.unwrap_or_else(|| std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"))
    }

    fn plan(&self) -> Result<Plan, Failure> {
        if self.worker.is_empty() && self.address.is_none() {
            let text =
                "no worker: write its command after --, or give the --address where one will connect that you start yourself";
            return Err(Failure::Usage(text.to_owned()));
        }
        let of_environment = || std::env::var("TEMPORAL_NAMESPACE").ok().filter(|name| !name.is_empty());
        let namespace = self.cluster.connection.namespace.clone().or_else(of_environment);
        let launch = (!self.worker.is_empty()).then(|| Launch {
            command: self.worker.clone(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            namespace: namespace.unwrap_or_else(|| "default".to_owned()),
            debugging: self.hold.is_some(),
            tells_output: !self.payloads.no_payloads,
            shows_output: self.reports.verbose || self.hold.is_some(),
        });
        let limits = match self.hold {
            Some(_) => Limits { worker_timeout: HOLD, answer_timeout: HOLD, ..self.limits },
            None => self.limits,
        };
        Ok(Plan {
            address: self.address,
            launch,
            limits,
            strict: self.strict,
            codec: self.payloads.codec(&self.cluster.connection)?,
            telling: self.payloads.telling(),
            redaction: self.payloads.redaction(self.cluster.save.as_deref())?,
            map_queue: self.map_queue.clone(),
            hold: self.hold.as_ref().map(|_| self.until),
        })
    }

    fn print(&self, report: &Report, annotated: Option<&Repository>) -> Result<(), Failure> {
        let annotations = annotated.map_or_else(String::new, |repository| report::annotations(report, repository));
        let text = if self.reports.json {
            // What reads JSON from stdout can do without them. The runner reads stderr, too.
            let _ = io::stderr().write_all(annotations.as_bytes());
            let json = serde_json::to_string_pretty(report);
            json.map_err(|error| Failure::Runtime(format!("cannot write JSON: {error}")))? + "\n"
        } else {
            let text = report::text(report, stdout());
            if annotated.is_some() { report::quoted(&text) + &annotations } else { text }
        };
        // A reader who closed the pipe early has read enough.
        let _ = io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}

/// Standard output.
fn stdout() -> Terminal {
    if !io::stdout().is_terminal() {
        return Terminal::default();
    }
    let size = terminal_size::terminal_size_of(io::stdout());
    let width = size.map(|(width, _)| usize::from(width.0).max(WIDTH_MIN));
    Terminal { is_coloured: failure::is_colour_wanted(), width }
}
