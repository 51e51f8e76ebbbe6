//! Reads all histories that were named, and chooses those that are checked.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use foretime_examine::{
    gather::Gathered,
    run::Run,
    source::{Found, Source},
};
use foretime_history::{Summary, whole};
use futures_util::StreamExt;

use crate::{
    cluster::{self, Cluster, Folder},
    failure::Failure,
};

/// Reads files and folders, and a cluster if one is named. Of each path through the code, `most` runs are checked. The histories of a cluster
/// are in the spool until the check is over.
///
/// # Errors
/// The cluster does not answer, or refuses, or what it sends cannot be kept.
pub(super) async fn gather(
    paths: &[PathBuf],
    cluster: &cluster::Options,
    most: usize,
    mut progress: impl FnMut(),
) -> Result<(Gathered, Option<Spool>), Failure> {
    let mut found = Found::default();
    for path in paths {
        found.read(path, &mut progress);
    }
    let mut runs_count = found.runs.len() as u64;
    let mut spool = None;
    if cluster.names_a_cluster() {
        let (of_cluster, count) = fetch(cluster, &mut found, progress).await?;
        runs_count += count;
        spool = Some(of_cluster);
    }
    Ok((Gathered::of(found, runs_count, most), spool))
}

/// Fetches the newest histories of each workflow type. Returns where they are, and how many runs there are in all.
async fn fetch(options: &cluster::Options, found: &mut Found, mut progress: impl FnMut()) -> Result<(Spool, u64), Failure> {
    let folder = options.save.as_deref().map(Folder::open).transpose()?;
    let query = options.query.as_deref().unwrap_or_default();
    let cluster = Cluster::connect(options).await?;
    let count = cluster.count(query).await?;
    let runs = cluster.runs(query, options.fetch as usize).await?;
    let spool = Spool::create()?;
    let mut histories = std::pin::pin!(cluster.histories(&runs));
    while let Some((run, history)) = histories.next().await {
        progress();
        let name = format!("{} ({})", run.workflow_id, run.run_id);
        let Some(encoded) = history? else {
            found.unreadable.push((name, "is no longer in the cluster".to_owned()));
            continue;
        };
        let path = match &folder {
            Some(folder) => folder.keep(run, &encoded)?,
            None => spool.keep(&run.run_id, &encoded)?,
        };
        if let Err(why) = whole(&encoded) {
            found.unreadable.push((name, why.to_string()));
            continue;
        }
        let mut summary = Summary::of(&encoded);
        summary.workflow_id = summary.workflow_id.or_else(|| Some(run.workflow_id.clone()));
        // The cluster knows best: a run that was reset has the id of another in its events.
        summary.run_id = Some(run.run_id.clone());
        let path: Arc<Path> = path.into();
        let name = folder.is_none().then(|| name.into());
        let source = Source { path, index: 0, is_one_of_several: false, name };
        found.runs.push(Run { source, summary, namespace: Some(cluster.namespace().to_owned()) });
    }
    Ok((spool, count.unwrap_or(runs.len() as u64)))
}

/// A folder for the histories of a cluster. It goes with this.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
}

impl Spool {
    fn create() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("foretime-check-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| Failure::Runtime(format!("cannot create {}: {error}", path.display())))?;
        Ok(Self { path })
    }

    fn keep(&self, run_id: &str, encoded: &[u8]) -> Result<PathBuf, Failure> {
        let path = self.path.join(format!("{}.pb", run_id.replace(['/', '\\'], "_")));
        fs::write(&path, encoded).map_err(|error| Failure::Runtime(format!("cannot write {}: {error}", path.display())))?;
        Ok(path)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // A folder too many among the temporary ones harms nobody.
        let _ = fs::remove_dir_all(&self.path);
    }
}
