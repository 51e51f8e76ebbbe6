//! RespondWorkflowTaskCompleted and RespondWorkflowTaskFailed (`api/respondworkflowtaskcompleted`,
//! `api/respondworkflowtaskfailed`).

use std::time::Duration;

use super::{
    Engine,
    effects::SERVER_IDENTITY,
    error::{Error, Result},
    failure,
    interact::COMPLETED,
    matching::QueueKind,
    runs::RunKey,
    time::{Time, span},
    token::TaskToken,
    validate,
    workflow::{
        child::TargetNamespace,
        commands::{Applied, Checked, Checker, Unfit},
        workflow_task::Sticky,
    },
};
use crate::proto::{
    command::Command,
    enums::{TimeoutType, WorkflowTaskFailedCause},
    workflowservice::{
        RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskCompletedResponse, RespondWorkflowTaskFailedRequest,
        RespondWorkflowTaskFailedResponse,
    },
};

/// How long a worker may heartbeat a workflow task (`history.workflowTaskHeartbeatTimeout`).
const HEARTBEAT_MAX: Duration = Duration::from_secs(30 * 60);

/// What the completion of a workflow task leaves to schedule.
struct Next {
    applied: Applied,
    /// The new task goes along with the answer.
    inline: bool,
}

impl Engine {
    /// RespondWorkflowTaskCompleted.
    pub fn respond_workflow_task_completed(
        &mut self,
        mut request: RespondWorkflowTaskCompletedRequest,
    ) -> Result<RespondWorkflowTaskCompletedResponse> {
        self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        let token = TaskToken::parse(&request.task_token)?;
        validate::respond::workflow_task_completed(&request, &self.limits)?;
        let key = self.started_task_of(&token).ok_or_else(task_not_found)?;
        if request.intermediate_page {
            return Err(Error::Unimplemented("Workflow task completion pagination is not supported.".to_owned()));
        }
        let commands = std::mem::take(&mut request.commands);
        let is_heartbeat = request.force_create_new_workflow_task && commands.is_empty() && request.messages.is_empty();
        let commands = match self.check_commands(key, commands, &request.identity) {
            Ok(commands) => commands,
            Err(Unfit::Refused(error)) => return Err(error),
            Err(Unfit::TaskFailed { cause, message, terminate }) => {
                return Err(self.reject_completion(key, &request, cause, message, terminate));
            }
        };
        self.answer_attached_queries(key, &mut request);
        let next = self.apply_completion(key, &request, commands, is_heartbeat);
        if self.runs.get(key).is_running() && self.runs.get(key).tasks.pending.is_none() {
            let open = std::mem::take(&mut self.runs.get_mut(key).queries);
            self.release_queries(key, open);
        }
        let mut response = RespondWorkflowTaskCompletedResponse::default();
        for scheduled_event_id in next.applied.eager_activities {
            if self.runs.get(key).activities.contains_key(&scheduled_event_id) {
                let request_id = self.ids.uuid();
                self.transact(key, |run, cx| run.start_activity(cx, scheduled_event_id, &request.identity, request_id));
                response.activity_tasks.push(self.activity_task_reply(key, scheduled_event_id).response);
            }
        }
        if next.inline {
            response.workflow_task = Some(self.workflow_task_reply(key, None).into_response());
        }
        Ok(response)
    }

    /// The run whose started workflow task the token names, if it is still that one.
    fn started_task_of(&self, token: &TaskToken) -> Option<RunKey> {
        let key = self.run_of(token)?;
        let run = self.runs.get(key);
        let task = run.tasks.started().filter(|_| run.is_running())?;
        let same = task.scheduled_event_id == token.scheduled_event_id
            && task.started_event_id == token.started_event_id
            && run.tasks.attempt == token.attempt
            && task.started_time.as_nanos() == token.started_time;
        same.then_some(key)
    }

    /// The run that a task token names.
    pub(super) fn run_of(&self, token: &TaskToken) -> Option<RunKey> {
        let key = RunKey(token.run);
        (self.runs.contains(key) && self.runs.get(key).run_id == token.run_id).then_some(key)
    }

    fn check_commands(&mut self, key: RunKey, commands: Vec<Command>, _identity: &str) -> Result<Vec<Checked>, Unfit> {
        let Self { runs, namespaces, ids, limits, eager_activities, .. } = self;
        let run = runs.get(key);
        let own = namespaces.get(run.namespace);
        let own = TargetNamespace { id: run.namespace, name: own.name.clone(), uuid: own.uuid.clone() };
        let mut resolve = |name: &str| {
            if name.is_empty() {
                return Ok(own.clone());
            }
            let id = namespaces.resolve(name, ids)?;
            let found = namespaces.get(id);
            Ok(TargetNamespace { id, name: found.name.clone(), uuid: found.uuid.clone() })
        };
        let targets: Vec<_> =
            commands.iter().map(|command| Checker::target_of(command).map(&mut resolve).transpose()).collect();
        let registry = &namespaces.get(run.namespace).search_attributes;
        let mut checker = Checker::new(run, registry, limits, &own.name, *eager_activities);
        checker.check_all(commands, targets)
    }

    /// The commands do not fit: the workflow task fails, or is left to time out if it failed before.
    fn reject_completion(
        &mut self,
        key: RunKey,
        request: &RespondWorkflowTaskCompletedRequest,
        cause: WorkflowTaskFailedCause,
        message: String,
        terminate: bool,
    ) -> Error {
        let refusal = Error::InvalidArgument(message.clone());
        if self.runs.get(key).tasks.attempt > 1 && cause != WorkflowTaskFailedCause::UnhandledCommand {
            // Dropped, so that a worker which cannot do better does not spin.
            return refusal;
        }
        self.transact(key, |run, cx| {
            let failure = failure::server(&message, false);
            run.fail_workflow_task(cx, cause, Some(failure), &request.identity, &request.binary_checksum);
            if terminate {
                run.terminate(cx, &message, None, SERVER_IDENTITY, Vec::new());
            } else {
                run.schedule_workflow_task(cx);
            }
        });
        refusal
    }

    fn apply_completion(
        &mut self,
        key: RunKey,
        request: &RespondWorkflowTaskCompletedRequest,
        commands: Vec<Checked>,
        is_heartbeat: bool,
    ) -> Next {
        let sticky = self.sticky_of(key, request);
        self.transact(key, |run, cx| {
            let original = run.tasks.started().map(|task| task.original_scheduled_time);
            let overdue = is_heartbeat && original.is_some_and(|original| cx.now.since(original) > HEARTBEAT_MAX);
            let completed_event_id = if overdue {
                run.time_out_workflow_task(cx, TimeoutType::StartToClose);
                0
            } else {
                run.complete_workflow_task(cx, request)
            };
            run.tasks.sticky = sticky.filter(|_| !overdue);
            let had_buffered = !run.buffer.is_empty();
            run.tasks.completing = true;
            let applied = run.apply_commands(cx, commands, &request.identity, completed_event_id);
            run.tasks.completing = false;
            let wanted = request.force_create_new_workflow_task
                || had_buffered && !run.buffer.is_empty()
                || applied.canceled_unstarted_activity;
            if !run.is_running() || !wanted {
                return Next { applied, inline: false };
            }
            let inline = request.return_new_workflow_task;
            let original: Option<Time> = original.filter(|_| is_heartbeat && !overdue);
            run.place_workflow_task(cx, original, !inline);
            if inline {
                run.start_workflow_task(cx, &request.identity, "request-from-RespondWorkflowTaskCompleted".to_owned());
            }
            Next { applied, inline }
        })
    }

    fn sticky_of(&mut self, key: RunKey, request: &RespondWorkflowTaskCompletedRequest) -> Option<Sticky> {
        let attributes = request.sticky_attributes.as_ref()?;
        let name = attributes.worker_task_queue.as_ref().map(|queue| queue.name.clone()).filter(|name| !name.is_empty())?;
        let queue = self.matching.queue(self.runs.get(key).namespace, QueueKind::Workflow, &name);
        Some(Sticky { queue, name, schedule_to_start: span(attributes.schedule_to_start_timeout.as_ref()) })
    }

    /// Gives the answers that came along to who asked.
    fn answer_attached_queries(&mut self, key: RunKey, request: &mut RespondWorkflowTaskCompletedRequest) {
        for (id, result) in std::mem::take(&mut request.query_results) {
            if let Ok(id) = id.parse()
                && self.queries.task(id).is_some_and(|(of, ..)| of == key)
            {
                self.answer_query(id, result);
            }
        }
    }

    /// RespondWorkflowTaskFailed.
    pub fn respond_workflow_task_failed(
        &mut self,
        request: RespondWorkflowTaskFailedRequest,
    ) -> Result<RespondWorkflowTaskFailedResponse> {
        self.namespaces.resolve(&request.namespace, &mut self.ids)?;
        let token = TaskToken::parse(&request.task_token)?;
        validate::respond::workflow_task_failed(&request, &self.limits)?;
        if let Some(key) = self.run_of(&token)
            && !self.runs.get(key).is_running()
        {
            return Err(Error::not_found(COMPLETED));
        }
        let key = self.started_task_of(&token).ok_or_else(task_not_found)?;
        let cause = request.cause();
        self.transact(key, |run, cx| {
            if cause == WorkflowTaskFailedCause::GrpcMessageTooLarge {
                run.terminate(cx, "GrpcMessageTooLarge", None, SERVER_IDENTITY, Vec::new());
                return;
            }
            run.fail_workflow_task(cx, cause, request.failure, &request.identity, &request.binary_checksum);
            run.schedule_workflow_task(cx);
        });
        Ok(RespondWorkflowTaskFailedResponse::default())
    }
}

fn task_not_found() -> Error {
    Error::not_found("Workflow task not found.")
}
