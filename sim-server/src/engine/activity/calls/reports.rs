//! What workers report of activities, by task token or by id (`api/respondactivitytask*`, `api/recordactivitytaskheartbeat`).

use prost::Message;

use super::named::{Named, named};
use crate::{
    engine::{
        Engine,
        execution::By,
        kernel::{
            error::{Error, Result},
            key::RunKey,
            token::TaskToken,
        },
        rules::validate::{self, respond},
        workflow::{
            activities::{Heard, Outcome},
            calls::target::COMPLETED,
            growth::Growth,
        },
    },
    proto::{
        common::Payloads,
        failure::Failure,
        workflowservice::{
            RecordActivityTaskHeartbeatByIdRequest, RecordActivityTaskHeartbeatByIdResponse,
            RecordActivityTaskHeartbeatRequest, RecordActivityTaskHeartbeatResponse, RespondActivityTaskCanceledByIdRequest,
            RespondActivityTaskCanceledByIdResponse, RespondActivityTaskCanceledRequest, RespondActivityTaskCanceledResponse,
            RespondActivityTaskCompletedByIdRequest, RespondActivityTaskCompletedByIdResponse,
            RespondActivityTaskCompletedRequest, RespondActivityTaskCompletedResponse, RespondActivityTaskFailedByIdRequest,
            RespondActivityTaskFailedByIdResponse, RespondActivityTaskFailedRequest, RespondActivityTaskFailedResponse,
        },
    },
};

const NOT_FOUND: &str = "invalid activityID or activity already timed out or invoking workflow is completed";

/// A started activity of a run.
#[derive(Clone, Copy)]
struct Target {
    key: RunKey,
    scheduled_event_id: i64,
}

impl Engine {
    /// RespondActivityTaskCompleted.
    pub(in crate::engine) fn respond_activity_task_completed(
        &mut self,
        request: RespondActivityTaskCompletedRequest,
    ) -> Result<RespondActivityTaskCompletedResponse> {
        let valid = validate::respond::identity(&request.identity, &self.limits);
        let target = self.activity_by_token(&request.namespace, &request.task_token, valid)?;
        let by = By { version: request.worker_version.as_ref(), ..By::identity(&request.identity) };
        self.complete_activity(target, request.result, by)?;
        Ok(RespondActivityTaskCompletedResponse::default())
    }

    /// RespondActivityTaskCompletedById.
    pub(in crate::engine) fn respond_activity_task_completed_by_id(
        &mut self,
        request: RespondActivityTaskCompletedByIdRequest,
    ) -> Result<RespondActivityTaskCompletedByIdResponse> {
        let valid = validate::respond::identity(&request.identity, &self.limits);
        let target = self.pending_by_id(named!(request), valid)?;
        self.complete_activity(target, request.result, By::identity(&request.identity))?;
        Ok(RespondActivityTaskCompletedByIdResponse::default())
    }

    /// RespondActivityTaskFailed.
    pub(in crate::engine) fn respond_activity_task_failed(
        &mut self,
        request: RespondActivityTaskFailedRequest,
    ) -> Result<RespondActivityTaskFailedResponse> {
        let valid = validate::respond::activity_failed(request.failure.as_ref(), &request.identity, &self.limits);
        let target = self.activity_by_token(&request.namespace, &request.task_token, valid)?;
        let by = By { version: request.worker_version.as_ref(), ..By::identity(&request.identity) };
        let failures = self.fail_activity(target, request.failure, request.last_heartbeat_details, by)?;
        Ok(RespondActivityTaskFailedResponse { failures })
    }

    /// RespondActivityTaskFailedById.
    pub(in crate::engine) fn respond_activity_task_failed_by_id(
        &mut self,
        request: RespondActivityTaskFailedByIdRequest,
    ) -> Result<RespondActivityTaskFailedByIdResponse> {
        let valid = validate::respond::activity_failed_by_id(request.failure.as_ref(), &request.identity, &self.limits);
        let target = self.activity_by_id(named!(request), valid)?;
        let failures =
            self.fail_activity(target, request.failure, request.last_heartbeat_details, By::identity(&request.identity))?;
        Ok(RespondActivityTaskFailedByIdResponse { failures })
    }

    /// RespondActivityTaskCanceled.
    pub(in crate::engine) fn respond_activity_task_canceled(
        &mut self,
        request: RespondActivityTaskCanceledRequest,
    ) -> Result<RespondActivityTaskCanceledResponse> {
        let valid = validate::respond::identity(&request.identity, &self.limits);
        let target = self.activity_by_token(&request.namespace, &request.task_token, valid)?;
        self.cancel_activity(target, request.details, &request.identity)?;
        Ok(RespondActivityTaskCanceledResponse::default())
    }

    /// RespondActivityTaskCanceledById.
    pub(in crate::engine) fn respond_activity_task_canceled_by_id(
        &mut self,
        request: RespondActivityTaskCanceledByIdRequest,
    ) -> Result<RespondActivityTaskCanceledByIdResponse> {
        let valid = validate::respond::identity(&request.identity, &self.limits);
        let target = self.activity_by_id(named!(request), valid)?;
        self.cancel_activity(target, request.details, &request.identity)?;
        Ok(RespondActivityTaskCanceledByIdResponse::default())
    }

    /// RecordActivityTaskHeartbeat.
    pub(in crate::engine) fn record_activity_task_heartbeat(
        &mut self,
        request: RecordActivityTaskHeartbeatRequest,
    ) -> Result<RecordActivityTaskHeartbeatResponse> {
        let target = self.activity_by_token(&request.namespace, &request.task_token, Ok(()))?;
        let heard = self.heartbeat(target, request.details, &request.identity)?;
        Ok(RecordActivityTaskHeartbeatResponse {
            cancel_requested: heard.is_cancel_requested,
            activity_paused: heard.is_paused,
            activity_reset: heard.is_reset,
        })
    }

    /// RecordActivityTaskHeartbeatById.
    pub(in crate::engine) fn record_activity_task_heartbeat_by_id(
        &mut self,
        request: RecordActivityTaskHeartbeatByIdRequest,
    ) -> Result<RecordActivityTaskHeartbeatByIdResponse> {
        let target = self.activity_by_id(named!(request), Ok(()))?;
        let heard = self.heartbeat(target, request.details, &request.identity)?;
        Ok(RecordActivityTaskHeartbeatByIdResponse {
            cancel_requested: heard.is_cancel_requested,
            activity_paused: heard.is_paused,
            activity_reset: heard.is_reset,
        })
    }

    /// The started activity whose current attempt the token names. `valid`: whether the rest of the request is; that comes first.
    fn activity_by_token(&mut self, namespace: &str, token: &[u8], valid: Result<()>) -> Result<Target> {
        self.check_namespace_of_task(namespace)?;
        let token = TaskToken::parse(token)?;
        valid?;
        let key = self.run_of(&token)?;
        let run = self.runs.get(key);
        if !run.is_running() {
            return Err(Error::not_found(COMPLETED));
        }
        let is_current = run.pending_activity(token.scheduled_event_id).is_some_and(|(_, attempt)| {
            attempt.is_started() && attempt.number() == token.attempt && !token.activity_id.is_empty()
        });
        if !is_current {
            return Err(Error::not_found(NOT_FOUND));
        }
        Ok(Target { key, scheduled_event_id: token.scheduled_event_id })
    }

    fn is_started(&self, target: Target) -> bool {
        let activity = self.runs.get(target.key).pending_activity(target.scheduled_event_id);
        activity.is_some_and(|(_, attempt)| attempt.is_started())
    }

    /// The started activity with this id.
    fn activity_by_id(&mut self, named: Named<'_>, valid: Result<()>) -> Result<Target> {
        let target = self.pending_by_id(named, valid)?;
        if self.is_started(target) { Ok(target) } else { Err(Error::not_found(NOT_FOUND)) }
    }

    /// The pending activity with this id.
    fn pending_by_id(&mut self, named: Named<'_>, valid: Result<()>) -> Result<Target> {
        let Named { namespace, workflow_id, run_id, activity_id } = named;
        let namespace = self.resolve(namespace)?;
        validate::respond::activity_by_id(workflow_id, activity_id)?;
        valid?;
        let key = self.runs.find(namespace, workflow_id, run_id)?;
        let run = self.runs.get(key);
        if !run.is_running() {
            return Err(Error::not_found(COMPLETED));
        }
        let found = run.pending_activities().find(|(_, scheduled, _)| scheduled.activity.activity_id == activity_id);
        let (scheduled_event_id, ..) = found.ok_or_else(|| {
            let text = "check workflow execution history for more details";
            Error::not_found(format!("cannot find pending activity with ActivityID {activity_id}, {text}"))
        })?;
        Ok(Target { key, scheduled_event_id })
    }

    /// One that no worker has yet counts as started by who completes it.
    fn complete_activity(&mut self, target: Target, result: Option<Payloads>, by: By<'_>) -> Result<()> {
        let is_started = self.is_started(target);
        if let Some(failure) = respond::result_too_large(result.as_ref(), &self.limits) {
            if !is_started {
                return Err(Error::not_found(NOT_FOUND));
            }
            return self.fail_activity(target, Some(failure), None, by).map(drop);
        }
        self.check_growth(target.key, self.runs.get(target.key).waking())?;
        self.transact(target.key, |run, cx| {
            if !is_started {
                run.start_activity(cx, target.scheduled_event_id, None, by.identity, String::new());
            }
            run.close_activity(cx, target.scheduled_event_id, Outcome::Completed(result), by);
            run.schedule_workflow_task(cx);
        });
        Ok(())
    }

    /// Tells what was too large of what the worker has sent.
    fn fail_activity(
        &mut self,
        target: Target,
        mut failure: Option<Failure>,
        mut heartbeat: Option<Payloads>,
        by: By<'_>,
    ) -> Result<Vec<Failure>> {
        let mut failures = Vec::new();
        if let Some(too_large) = respond::heartbeat_too_large(heartbeat.as_ref(), &self.limits) {
            failures.push(too_large);
            heartbeat = None;
        }
        failures.extend(respond::cut_failure(&mut failure, &self.limits));
        self.check_growth(
            target.key,
            Growth { event_count: 0, state_bytes: heartbeat.as_ref().map_or(0, Message::encoded_len) },
        )?;
        let Target { key, scheduled_event_id } = target;
        self.transact(key, |run, cx| {
            if heartbeat.is_some() {
                run.heartbeat_activity(cx, scheduled_event_id, heartbeat);
            }
            run.note_activity_report(cx, scheduled_event_id);
            if let Err(retry_state) = run.retry_activity(cx, scheduled_event_id, failure.as_ref()) {
                run.close_activity(cx, scheduled_event_id, Outcome::Failed(failure, retry_state), by);
                run.schedule_workflow_task(cx);
            }
        });
        Ok(failures)
    }

    fn cancel_activity(&mut self, target: Target, details: Option<Payloads>, identity: &str) -> Result<()> {
        if let Some(failure) = respond::details_too_large(details.as_ref(), &self.limits) {
            return self.fail_activity(target, Some(failure), None, By::identity(identity)).map(drop);
        }
        let activity = self.runs.get(target.key).pending_activity(target.scheduled_event_id);
        if activity.is_some_and(|(scheduled, _)| scheduled.cancel_requested_event_id.is_none()) {
            return Err(Error::invalid("unable to mark activity as canceled without activity being request canceled first"));
        }
        self.check_growth(target.key, self.runs.get(target.key).waking())?;
        self.transact(target.key, |run, cx| {
            run.close_activity(cx, target.scheduled_event_id, Outcome::Canceled(details), By::identity(identity));
            run.schedule_workflow_task(cx);
        });
        Ok(())
    }

    fn heartbeat(&mut self, target: Target, details: Option<Payloads>, identity: &str) -> Result<Heard> {
        if let Some(failure) = respond::heartbeat_too_large(details.as_ref(), &self.limits) {
            // The activity fails instead, and the worker is told to stop it.
            self.fail_activity(target, Some(failure), None, By::identity(identity))?;
            return Ok(Heard { is_cancel_requested: true, ..Heard::default() });
        }
        self.check_growth(
            target.key,
            Growth { event_count: 0, state_bytes: details.as_ref().map_or(0, Message::encoded_len) },
        )?;
        Ok(self.transact(target.key, |run, cx| run.heartbeat_activity(cx, target.scheduled_event_id, details)))
    }
}
