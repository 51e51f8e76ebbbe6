//! What workers say of their versions (`common/worker_versioning/worker_versioning.go`). Without versioning, a build id is written
//! down and routes nothing.

use crate::proto::{
    common::{WorkerVersionCapabilities, WorkerVersionStamp},
    enums::WorkerVersioningMode,
    temporal::api::deployment::v1::WorkerDeploymentOptions,
    workflowservice::RespondWorkflowTaskCompletedRequest,
};

/// How the search attribute BuildIds calls workers without versioning.
const UNVERSIONED: &str = "unversioned";

/// The build of a worker that polls, as the started event of its task has it. That of a versioned worker is not there, and
/// the options of an unversioned one do not count.
pub(crate) fn of_poll(
    capabilities: Option<WorkerVersionCapabilities>,
    options: Option<&WorkerDeploymentOptions>,
) -> Option<WorkerVersionStamp> {
    let is_versioned = |of: &WorkerDeploymentOptions| of.worker_versioning_mode() == WorkerVersioningMode::Versioned;
    let capabilities = capabilities.filter(|of| !of.use_versioning && !of.build_id.is_empty())?;
    let build_id = capabilities.build_id;
    (!options.is_some_and(is_versioned)).then_some(WorkerVersionStamp { build_id, use_versioning: false })
}

/// The build of a worker that reports on a workflow task, as a started event has it that is written only now.
pub(crate) fn of_report(stamp: Option<&WorkerVersionStamp>) -> Option<&WorkerVersionStamp> {
    stamp.filter(|stamp| !stamp.use_versioning)
}

/// The values of the search attribute BuildIds after a workflow task that this build has completed
/// (`addBuildIdToLoadedSearchAttribute`). They begin with [`UNVERSIONED`], unless the worker asks for versioning, or somebody
/// does for it (`is_overridden`). A build without an id adds that once more if it is the first.
pub(crate) fn build_ids(present: &[String], completed_by: Option<&WorkerVersionStamp>, is_overridden: bool) -> Vec<String> {
    let is_versioned = completed_by.is_some_and(|stamp| stamp.use_versioning);
    let added = completed_by.map(|stamp| match stamp.build_id.as_str() {
        "" => UNVERSIONED.to_owned(),
        build_id if is_versioned => format!("versioned:{build_id}"),
        build_id => format!("{UNVERSIONED}:{build_id}"),
    });
    let added = added.filter(|added| !present.contains(added));
    let kept = present.iter().filter(|value| *value != UNVERSIONED).cloned();
    let first = (!is_versioned && !is_overridden).then(|| UNVERSIONED.to_owned());
    first.into_iter().chain(kept).chain(added).collect()
}

/// The deployment that a worker says it belongs to.
pub(crate) fn deployment_name(request: &RespondWorkflowTaskCompletedRequest) -> &str {
    let name = request.deployment_options.as_ref().map_or("", |options| options.deployment_name.as_str());
    if name.is_empty() { request.deployment.as_ref().map_or("", |deployment| deployment.series_name.as_str()) } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(build_id: &str) -> WorkerVersionStamp {
        WorkerVersionStamp { build_id: build_id.to_owned(), use_versioning: false }
    }

    #[test]
    fn a_poll_tells_the_build_of_a_worker_without_versioning() {
        let says = |build_id: &str, use_versioning| {
            Some(WorkerVersionCapabilities {
                build_id: build_id.to_owned(),
                use_versioning,
                ..WorkerVersionCapabilities::default()
            })
        };
        let options = |mode: WorkerVersioningMode| WorkerDeploymentOptions {
            build_id: "of the options".to_owned(),
            worker_versioning_mode: mode.into(),
            ..WorkerDeploymentOptions::default()
        };
        assert_eq!(of_poll(says("b", false), None), Some(stamp("b")));
        assert_eq!(of_poll(says("b", false), Some(&options(WorkerVersioningMode::Unversioned))), Some(stamp("b")));
        assert_eq!(of_poll(says("b", false), Some(&options(WorkerVersioningMode::Versioned))), None);
        assert_eq!(of_poll(says("b", true), None), None);
        assert_eq!(of_poll(says("", false), None), None);
        assert_eq!(of_poll(None, Some(&options(WorkerVersioningMode::Unversioned))), None);
    }

    #[test]
    fn each_build_is_searched_for_once() {
        let mut values = Vec::<String>::new();
        for (build_id, expected) in [
            (None, "unversioned"),
            (Some("b"), "unversioned unversioned:b"),
            (Some("a"), "unversioned unversioned:b unversioned:a"),
            (Some("b"), "unversioned unversioned:b unversioned:a"),
            (Some(""), "unversioned unversioned:b unversioned:a"),
        ] {
            values = build_ids(&values, build_id.map(stamp).as_ref(), false);
            assert_eq!(values.join(" "), expected);
        }
        assert_eq!(build_ids(&[], Some(&stamp("")), false), ["unversioned", "unversioned"]);
        assert_eq!(build_ids(&["unversioned".to_owned()], None, true), [""; 0]);
    }
}
