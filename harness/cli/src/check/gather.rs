//! Reads all histories that were named, and chooses those that are checked.

use std::{io, path::PathBuf};

use foretime_examine::{
    gather::Gathered,
    run::Run,
    source::{Found, Source},
    spool::Spool,
};
use foretime_history::{Summary, whole};
use futures_util::StreamExt;

use crate::{
    cluster::{self, Cluster, Folder},
    failure::Failure,
};

/// Reads files and folders, and a cluster if one is named. Of each path through the code, `most` runs are checked.
///
/// # Errors
/// The cluster does not answer, or refuses, or what it sends cannot be kept.
pub(super) async fn gather(
    paths: &[PathBuf],
    cluster: &cluster::Options,
    most: usize,
    mut progress: impl FnMut(),
) -> Result<Gathered, Failure> {
    let mut found = Found::to_check(most);
    for path in paths {
        found.read(path, &mut progress);
    }
    let mut runs_count = found.runs.len() as u64;
    if cluster.names_a_cluster() {
        runs_count += fetch(cluster, &mut found, progress).await?;
    }
    Ok(Gathered::of(found, runs_count, most))
}

/// Fetches the newest histories of each workflow type. Returns how many runs there are in all.
async fn fetch(options: &cluster::Options, found: &mut Found, mut progress: impl FnMut()) -> Result<u64, Failure> {
    let folder = options.save.as_deref().map(Folder::open).transpose()?;
    let query = options.query.as_deref().unwrap_or_default();
    let cluster = Cluster::connect(options).await?;
    let count = cluster.count(query).await?;
    let runs = cluster.runs(query, options.fetch as usize).await?;
    let unwritable = |error: io::Error| Failure::Runtime(format!("cannot keep histories among the temporary files: {error}"));
    let spool = Spool::create().map_err(unwritable)?;
    let mut histories = std::pin::pin!(cluster.histories(&runs));
    while let Some((run, history)) = histories.next().await {
        progress();
        let name = format!("{} ({})", run.workflow_id, run.run_id);
        let Some(encoded) = history? else {
            found.unreadable.push((name, "is no longer in the cluster".to_owned()));
            continue;
        };
        let path = folder.as_ref().map(|folder| folder.keep(run, &encoded)).transpose()?;
        let kept = Some(spool.keep(&encoded).map_err(unwritable)?);
        if let Err(why) = whole(&encoded) {
            found.unreadable.push((name, why.to_string()));
            continue;
        }
        let mut summary = Summary::of(&encoded);
        summary.workflow_id = summary.workflow_id.or_else(|| Some(run.workflow_id.clone()));
        // The cluster knows best: a run that was reset has the id of another in its events.
        summary.run_id = Some(run.run_id.clone());
        let name = path.is_none().then(|| name.into());
        let source = Source { path: path.unwrap_or_default().into(), index: 0, is_one_of_several: false, name, kept };
        found.runs.push(Run { source, summary, namespace: Some(cluster.namespace().to_owned()) });
    }
    Ok(count.unwrap_or(runs.len() as u64))
}
