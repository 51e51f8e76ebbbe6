//! `foretime fetch`: histories of a cluster, to be checked elsewhere.

use std::io::{self, Write};

use clap::Args;
use futures_util::StreamExt;
use serde_json::json;

use crate::{
    cluster::{Cluster, Folder, Options, Run},
    failure::{Failure, warn},
};

/// List runs of a cluster, one JSON object a line, and fetch their histories with --save
///
/// The same arguments as those of `foretime check`. Histories that are saved can be checked where the cluster is out of reach.
#[derive(Args, Debug)]
pub(crate) struct Fetch {
    #[command(flatten)]
    options: Options,
}

impl Fetch {
    /// Does what is asked.
    ///
    /// # Errors
    /// There is no cluster, it refuses, or a file cannot be written.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|error| Failure::Runtime(format!("cannot start: {error}")))?;
        runtime.block_on(self.fetch())
    }

    async fn fetch(self) -> Result<(), Failure> {
        let Self { options } = self;
        if !options.names_a_cluster() {
            return Err(Failure::Usage("no cluster is named: give --from or --query".to_owned()));
        }
        let folder = options.save.as_deref().map(Folder::open).transpose()?;
        let query = options.query.as_deref().unwrap_or_default();
        let cluster = Cluster::connect(&options).await?;
        let count = cluster.count(query).await?;
        let runs = cluster.runs(query, options.fetch as usize).await?;
        let all = count.map(|count| format!(" of {count}")).unwrap_or_default();
        let _ = writeln!(io::stderr(), "{}{all} runs", runs.len());
        let Some(folder) = folder else {
            runs.iter().for_each(|run| print(run, None));
            return Ok(());
        };
        let mut histories = std::pin::pin!(cluster.histories(&runs));
        while let Some((run, history)) = histories.next().await {
            match history? {
                Some(encoded) => print(run, Some(folder.keep(run, &encoded)?)),
                None => warn(&format!("{} ({}) is gone", run.workflow_id, run.run_id)),
            }
        }
        Ok(())
    }
}

fn print(run: &Run, file: Option<std::path::PathBuf>) {
    let line = json!({
        "workflowId": run.workflow_id, "runId": run.run_id, "type": run.workflow_type, "taskQueue": run.task_queue,
        "status": run.status.as_str_name(), "startTime": run.start_time.map(|time| time.to_string()),
        "closeTime": run.close_time.map(|time| time.to_string()), "historyLength": run.history_length, "file": file,
    });
    // A reader who closed the pipe early has read enough.
    let _ = writeln!(io::stdout(), "{line}");
}
