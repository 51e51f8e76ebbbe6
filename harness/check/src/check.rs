//! [`Check`]: what a test holds.

use std::{path::PathBuf, sync::Arc, time::Duration};

use foretime_examine::{
    conduct::{self, Conducted, Contents, Pollers, Terms},
    gather::{self, Gathered},
    report::Report,
    server::Server,
};
use temporalio_client::ClientOptions;
use temporalio_common::data_converters::DataConverter;
use temporalio_sdk::WorkerOptions;

use crate::{
    failure::{Failure, Result},
    worker::Worker,
};

/// How long the worker may take until it polls.
const WORKER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long it may take with one history, unless the test says otherwise.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How many histories it gets at the same time.
const JOBS: usize = 8;

/// A check of the worker with these options, those that `main` gives to its worker.
pub fn check(options: WorkerOptions) -> Check {
    Check {
        options,
        paths: Vec::new(),
        most: 1,
        strict: false,
        answer_timeout: ANSWER_TIMEOUT,
        namespace: "default".to_owned(),
        data_converter: None,
    }
}

/// A check that has not run yet.
#[must_use = "a check does nothing until `run`"]
pub struct Check {
    options: WorkerOptions,
    paths: Vec<PathBuf>,
    most: usize,
    strict: bool,
    answer_timeout: Duration,
    namespace: String,
    data_converter: Option<DataConverter>,
}

impl Check {
    /// A file with histories, or a folder of such files, in any form: JSON of `temporal workflow show`, downloads of the Web UI, protobuf.
    /// May be called several times. In a test, a relative path starts at the package's folder.
    pub fn histories(mut self, path: impl Into<PathBuf>) -> Self {
        self.paths.push(path.into());
        self
    }

    /// Checks every history. Unless this is called, of all runs that took one path through the code the longest is checked.
    pub fn all(self) -> Self {
        self.sample(usize::MAX)
    }

    /// Checks up to `most` histories of each path through the code, the longest and newest first; at least one.
    pub fn sample(mut self, most: usize) -> Self {
        self.most = most.max(1);
        self
    }

    /// Compares inputs, spans of timers, options and results, too. The SDK does not.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// How long the worker may take with one history; a minute unless set.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// The namespace as workflows see it; `default` unless set.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// What the worker's client converts and encrypts payloads with; the SDK's own unless set.
    pub fn data_converter(mut self, data_converter: DataConverter) -> Self {
        self.data_converter = Some(data_converter);
        self
    }

    /// Runs the check. It takes the task queues of the histories for the worker's own, as a replayer does.
    ///
    /// # Errors
    /// The text of the report, if a history does not replay, if it differs (with [`Self::strict`]), if something could not be told, such as
    /// of a workflow type that is not registered or of a file that is not legible, and if there was nothing to check.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer enabled.
    pub async fn run(self) -> Result {
        if self.paths.is_empty() {
            return Err(Failure::new("no histories given: name files or folders with `histories`"));
        }
        let gathered = gather::gather(&self.paths, self.most);
        let conducted = self.conduct(&gathered).await?;
        let report = Report::of(&gathered, conducted, std::env::current_dir().ok().as_deref());
        if report.is_good() { Ok(report) } else { Err(Failure::new(report.to_string())) }
    }

    async fn conduct(self, gathered: &Gathered) -> Result<Conducted> {
        let queue = self.options.task_queue.clone();
        let chosen = conduct::chosen(gathered, |_| queue.clone());
        if chosen.is_empty() {
            return Ok(Conducted::default());
        }
        let server = Server::new()?;
        let host = Arc::new(server.host().clone());
        let mut client = ClientOptions::new(self.namespace).build();
        if let Some(data_converter) = self.data_converter {
            client.data_converter = data_converter;
        }
        let mut worker = Worker::start(&host, client, self.options)?;
        let attended = tokio::select! {
            news = server.workers(0, WORKER_TIMEOUT) => news.ok_or_else(|| format!("the worker has not polled within {WORKER_TIMEOUT:?}")),
            how = worker.end() => Err(format!("{how}, before it polled")),
        };
        let pollers = attended?.pollers;
        let pollers = Pollers::from([(queue, pollers)]);
        let terms = Terms {
            strict: self.strict,
            answer_timeout: self.answer_timeout,
            jobs: JOBS,
            hold: None,
            contents: Contents::default(),
        };
        let checked = conduct::all(terms, &server, &mut worker, &pollers, chosen, &()).await;
        worker.stop().await;
        Ok(Conducted { checked, ..Conducted::default() })
    }
}
