//! What completed workflow tasks tell of the worker: its last version, where the chain of runs could be reset to, and how it is
//! searched for.

use std::mem::take;

use super::told::Told;
use crate::{
    engine::{
        kernel::time::Time,
        rules::{search_attributes::written, versions},
    },
    proto::{common::WorkerVersionStamp, history::WorkflowTaskCompletedEventAttributes, workflow::ResetPointInfo},
};

/// Reset points of one chain of runs (`history.maxAutoResetPoints`).
const RESET_POINTS_MAX: usize = 20;

impl Told {
    pub(super) fn note_worker(&mut self, completed: &mut WorkflowTaskCompletedEventAttributes, id: i64, at: Time) {
        let is_new = self.add_reset_point(completed, id, at);
        self.note_build(completed.worker_version.as_ref());
        if is_new && !completed.binary_checksum.is_empty() {
            let checksums = self.reset_points.iter().map(|point| point.binary_checksum.clone());
            let checksums: Vec<String> = checksums.filter(|checksum| !checksum.is_empty()).collect();
            written::set_keywords(&mut self.search_attributes, "BinaryChecksums", &checksums);
            self.row_revision += 1;
        }
        self.worker_version = take(&mut completed.worker_version);
        if self.worker_deployment_name != completed.worker_deployment_name {
            self.worker_deployment_name = take(&mut completed.worker_deployment_name);
            written::set_keyword(&mut self.search_attributes, "TemporalWorkerDeployment", &self.worker_deployment_name);
            self.row_revision += 1;
        }
    }

    /// Writes down for the search by which builds it has been worked on.
    pub(super) fn note_build(&mut self, completed_by: Option<&WorkerVersionStamp>) {
        let present = written::keywords(&self.search_attributes, "BuildIds");
        let build_ids = versions::build_ids(&present, completed_by, self.versioning_override.is_some());
        if build_ids == present {
            return;
        }
        if build_ids.is_empty() {
            self.search_attributes.remove("BuildIds");
        } else {
            written::set_newest_keywords(&mut self.search_attributes, "BuildIds", build_ids);
        }
        self.row_revision += 1;
    }

    /// The first task that a build of the worker completes is where the workflow could be reset to
    /// (`addResetPointFromCompletion`). Returns whether it is the first.
    fn add_reset_point(&mut self, completed: &WorkflowTaskCompletedEventAttributes, id: i64, at: Time) -> bool {
        let build_id = completed.worker_version.as_ref().map_or("", |stamp| &stamp.build_id);
        let is_known =
            |point: &ResetPointInfo| point.build_id == build_id && point.binary_checksum == completed.binary_checksum;
        if self.reset_points.iter().any(is_known) {
            return false;
        }
        self.reset_points.push(ResetPointInfo {
            build_id: build_id.to_owned(),
            binary_checksum: completed.binary_checksum.clone(),
            run_id: self.run_id.clone(),
            first_workflow_task_completed_id: id,
            create_time: Some(at.to_proto()),
            resettable: true,
            ..ResetPointInfo::default()
        });
        let surplus = self.reset_points.len().saturating_sub(RESET_POINTS_MAX);
        self.reset_points.drain(..surplus);
        true
    }
}
