//! PauseActivityExecution, UnpauseActivityExecution, ResetActivityExecution and UpdateActivityExecutionOptions
//! (`chasm/lib/activity/frontend.go`, `validator.go`): the repairs of one activity, by its id. `temporal activity` uses them. Of
//! standalone activities, which need no workflow, there are none here.

use std::time::Duration;

use prost_types::FieldMask;

use super::{
    named::{Named, named},
    repairs::{Jitter, OptionsChange},
};
use crate::{
    engine::{
        Engine,
        activity::pause::{Pause, Reset, Selector, Unpause},
        kernel::{
            error::{Error, Result},
            key::RunKey,
        },
        rules::{
            names,
            options::{activity, field_mask::Fields},
            validate::{self, duration},
        },
    },
    proto::{
        activity::ActivityOptions,
        common::WorkflowExecution,
        workflowservice::{
            PauseActivityExecutionRequest, PauseActivityExecutionResponse, ResetActivityExecutionRequest,
            ResetActivityExecutionResponse, UnpauseActivityExecutionRequest, UnpauseActivityExecutionResponse,
            UpdateActivityExecutionOptionsRequest, UpdateActivityExecutionOptionsResponse,
        },
    },
};

impl Engine {
    /// PauseActivityExecution.
    pub(in crate::engine) fn pause_activity_execution(
        &mut self,
        mut request: PauseActivityExecutionRequest,
    ) -> Result<PauseActivityExecutionResponse> {
        self.check_named(named!(request), &request.identity, &request.request_id)?;
        if request.reason.len() > self.limits.blob_size_told_bytes {
            return Err(Error::invalid("reason exceeds length limit"));
        }
        let key = self.owner_of_named(named!(request))?;
        if request.request_id.is_empty() {
            request.request_id = self.ids.uuid();
        }
        let at = self.now(self.runs.get(key).namespace());
        let pause = Pause { at, identity: request.identity, reason: request.reason, request_id: request.request_id };
        self.pause_activities(key, &Selector::Id(request.activity_id), &pause)?;
        Ok(PauseActivityExecutionResponse {})
    }

    /// UnpauseActivityExecution.
    pub(in crate::engine) fn unpause_activity_execution(
        &mut self,
        request: UnpauseActivityExecutionRequest,
    ) -> Result<UnpauseActivityExecutionResponse> {
        self.check_named(named!(request), &request.identity, &request.request_id)?;
        let jitter = jitter(request.jitter)?;
        let key = self.owner_of_named(named!(request))?;
        self.unpause_activities(key, &Selector::Id(request.activity_id), Unpause::default(), jitter)?;
        Ok(UnpauseActivityExecutionResponse {})
    }

    /// ResetActivityExecution.
    pub(in crate::engine) fn reset_activity_execution(
        &mut self,
        request: ResetActivityExecutionRequest,
    ) -> Result<ResetActivityExecutionResponse> {
        self.check_named(named!(request), &request.identity, &request.request_id)?;
        let jitter = jitter(request.jitter)?;
        let key = self.owner_of_named(named!(request))?;
        let reset =
            Reset { resets_heartbeat: request.reset_heartbeat, keeps_paused: request.keep_paused, delay: Duration::ZERO };
        let selector = Selector::Id(request.activity_id);
        self.reset_activities(key, &selector, reset, request.restore_original_options, jitter)?;
        Ok(ResetActivityExecutionResponse {})
    }

    /// UpdateActivityExecutionOptions.
    pub(in crate::engine) fn update_activity_execution_options(
        &mut self,
        mut request: UpdateActivityExecutionOptionsRequest,
    ) -> Result<UpdateActivityExecutionOptionsResponse> {
        self.check_named(named!(request), &request.identity, &request.request_id)?;
        let mask = request.update_mask.take();
        let change = if request.restore_original {
            if mask.is_some_and(|mask| !mask.paths.is_empty()) {
                return Err(Error::invalid("Both UpdateMask and RestoreOriginal are provided"));
            }
            OptionsChange::Restore
        } else {
            let (options, fields) = self.checked_options(request.activity_options.take(), mask)?;
            OptionsChange::Merge { options: Some(Box::new(options)), fields: Some(fields) }
        };
        let key = self.owner_of_named(named!(request))?;
        let options = self.change_activity_options(key, &Selector::Id(request.activity_id), &change)?;
        Ok(UpdateActivityExecutionOptionsResponse { activity_options: Some(options) })
    }

    fn check_named(&mut self, named: Named<'_>, identity: &str, request_id: &str) -> Result<()> {
        self.resolve(named.namespace)?;
        if named.workflow_id.is_empty() {
            return Err(Error::Unimplemented("Standalone activities are not supported by this server.".to_owned()));
        }
        let limit = self.limits.id_length_max;
        if request_id.len() > limit {
            return Err(too_long("request ID", request_id, limit));
        }
        if named.activity_id.is_empty() {
            return Err(Error::invalid("activity ID is required"));
        }
        for (what, text) in [("activity ID", named.activity_id), ("identity", identity)] {
            if text.len() > limit {
                return Err(too_long(what, text, limit));
            }
        }
        if !named.run_id.is_empty() && !validate::execution::is_uuid(named.run_id) {
            return Err(Error::invalid("invalid run id: must be a valid UUID"));
        }
        Ok(())
    }

    fn owner_of_named(&mut self, named: Named<'_>) -> Result<RunKey> {
        let namespace = self.resolve(named.namespace)?;
        let execution = WorkflowExecution { workflow_id: named.workflow_id.to_owned(), run_id: named.run_id.to_owned() };
        self.load(namespace, &execution)
    }

    fn checked_options(&self, options: Option<ActivityOptions>, mask: Option<FieldMask>) -> Result<(ActivityOptions, Fields)> {
        let Some(mut options) = options else { return Err(Error::invalid("ActivityOptions are not provided")) };
        let Some(mask) = mask else { return Err(Error::invalid("UpdateMask is not provided")) };
        if mask.paths.is_empty() {
            return Err(Error::invalid("UpdateMask must specify at least one path"));
        }
        if let Some(path) = mask.paths.iter().find(|path| !activity::is_known(path)) {
            return Err(Error::invalid(format!("unsupported update_mask path: {}", names::quoted(path))));
        }
        let fields = Fields::new(&mask);
        activity::check_alone(&mut options, &fields, &self.limits)?;
        Ok((options, fields))
    }
}

fn jitter(asked: Option<prost_types::Duration>) -> Result<Jitter> {
    let mut asked = asked;
    duration::check_and_cap(asked.as_mut()).map_err(|reason| Error::invalid(format!("invalid jitter: {reason}")))?;
    Ok(Jitter::new(asked.as_ref()))
}

fn too_long(what: &str, text: &str, limit: usize) -> Error {
    Error::invalid(format!("{what} exceeds length limit. Length={} Limit={limit}", text.len()))
}
