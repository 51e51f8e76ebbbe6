//! RespondWorkflowTaskCompleted and RespondWorkflowTaskFailed (`api/respondworkflowtaskcompleted`,
//! `api/respondworkflowtaskfailed`).

use super::target::COMPLETED;
use crate::{
    engine::{
        Context, Engine,
        execution::{By, store},
        kernel::{
            effects::SERVER_IDENTITY,
            error::{Error, Result},
            key::{ActivityKey, ActivityOwner, RunKey},
            tickets::Answer,
            time::span,
            token::TaskToken,
        },
        matching::queues::QueueKind,
        rules::{
            failure,
            sdk::{self, Family},
            validate, versions,
        },
        skipping::holds::Work,
        workflow::{
            child::TargetNamespace,
            commands::{Checked, Checker, Completion, TaskFailed, Unfit},
            growth::Growth,
            pages::{self, Kept},
            workflow_task::Sticky,
        },
    },
    proto::{
        command::Command,
        enums::WorkflowTaskFailedCause,
        protocol::Message,
        workflowservice::{
            RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskCompletedResponse, RespondWorkflowTaskFailedRequest,
            RespondWorkflowTaskFailedResponse,
        },
    },
};

impl Engine {
    /// RespondWorkflowTaskCompleted.
    pub(in crate::engine) fn respond_workflow_task_completed(
        &mut self,
        mut request: RespondWorkflowTaskCompletedRequest,
        context: &Context<'_, '_>,
    ) -> Result<Answer<RespondWorkflowTaskCompletedResponse>> {
        self.check_namespace_of_task(&request.namespace)?;
        let token = TaskToken::parse(&request.task_token)?;
        validate::respond::workflow_task_completed(&request, &self.limits)?;
        if token.replay != 0 {
            self.replay_completed(&token, &request)?;
            return Ok(Answer::Now(RespondWorkflowTaskCompletedResponse::default()));
        }
        let Some(key) = self.started_task_of(&token) else { return Err(self.task_not_found(&token)) };
        validate::respond::versioning_behavior(&request)?;
        if request.force_create_new_workflow_task && self.runs.get(key).is_paused() {
            let text = "Workflow is paused and force create new workflow task is not allowed.";
            return Err(Error::FailedPrecondition(text.to_owned()));
        }
        if pages::is_page(&request)
            && let Some(answer) = self.take_page(key, &mut request)?
        {
            return Ok(answer);
        }
        self.check_growth(key, Growth::of_commands(&request.commands))?;
        let commands = std::mem::take(&mut request.commands);
        let has_no_commands = commands.is_empty();
        let is_heartbeat = request.force_create_new_workflow_task && commands.is_empty() && request.messages.is_empty();
        let commands = match self.check_commands(key, commands, request.messages.clone()) {
            Ok(commands) => commands,
            Err(unfit) => return Ok(Answer::Refused(self.refuse_completion(key, &request, unfit))),
        };
        self.answer_attached_queries(key, &mut request);
        // A worker that goes on with local activities would begin them anew: it keeps the run.
        let replays_next = self.replays_always && !request.force_create_new_workflow_task;
        request.return_new_workflow_task &= !replays_next;
        let sticky = if self.replays_always { None } else { self.sticky_of(key, &request) };
        let completion = Completion { request: &request, has_no_commands, commands, sticky, is_heartbeat };
        let applied = self.transact(key, |run, cx| run.apply_completion(cx, completion));
        let run = self.runs.get(key);
        if run.is_running() && !run.has_workflow_task() {
            self.release_queries(key);
        }
        let is_replayed_next =
            if self.runs.get(key).is_running() { replays_next } else { self.replays.under_way(key).is_some() };
        if is_replayed_next && Family::of(&context.caller.client_name).skips_what_it_has_seen() {
            return Ok(Answer::Refused(Error::InvalidArgument(sdk::UNHANDLED_COMMAND.to_owned())));
        }
        let mut response = RespondWorkflowTaskCompletedResponse {
            reset_history_event_id: applied.reset_history_event_id,
            ..RespondWorkflowTaskCompletedResponse::default()
        };
        for scheduled_event_id in applied.eager_activities {
            // Where the same task has closed the run, nobody is to work for it any more.
            if self.runs.get(key).is_running() && self.runs.get(key).pending_activity(scheduled_event_id).is_some() {
                let activity = ActivityKey { owner: ActivityOwner::Run(key), scheduled_event_id };
                let worker = self.runs.get(key).last_worker();
                response.activity_tasks.push(self.start_activity(activity, &request.identity, worker).response);
            }
        }
        if applied.gives_next_task {
            response.workflow_task = Some(self.workflow_task_reply(key, None).into_response());
        }
        Ok(Answer::Now(response))
    }

    /// A page of a completion. The last one gets the commands of all before it, and is a completion like any other then.
    fn take_page(
        &mut self,
        key: RunKey,
        request: &mut RespondWorkflowTaskCompletedRequest,
    ) -> Result<Option<Answer<RespondWorkflowTaskCompletedResponse>>> {
        if !self.switches.completion_pages {
            let namespace = &self.namespaces.get(self.runs.get(key).namespace()).name;
            let text = format!("workflow task completion pagination is disabled for this namespace {namespace}");
            return Err(Error::FailedPrecondition(text));
        }
        if !request.intermediate_page {
            let mut commands = self.transact(key, |run, _| run.take_pages(request))?;
            commands.append(&mut request.commands);
            request.commands = commands;
            return Ok(None);
        }
        let max_bytes = self.limits.completion_pages_max_bytes;
        if self.transact(key, |run, _| run.keep_page(request, max_bytes))? == Kept::Waits {
            return Ok(Some(Answer::Now(RespondWorkflowTaskCompletedResponse::default())));
        }
        let cause = WorkflowTaskFailedCause::RequestTooLarge;
        let unfit = Unfit::task_failed(cause, "workflow task completion buffer size exceeds the per-workflow limit", true);
        Ok(Some(Answer::Refused(self.refuse_completion(key, request, unfit))))
    }

    /// The run that the token names, if the workflow task that it names is still the started one.
    fn started_task_of(&self, token: &TaskToken) -> Option<RunKey> {
        let key = self.run_of(token).ok()?;
        let run = self.runs.get(key);
        (run.is_running() && run.has_started_task(token)).then_some(key)
    }

    /// The worker answers to a task that is over. If that has timed out, the worker takes its time.
    fn task_not_found(&mut self, token: &TaskToken) -> Error {
        match self.run_of(token) {
            Err(error) => return error,
            Ok(key) if self.runs.get(key).is_running() => self.skipping.holds.trust(Work::WorkflowTask(key)),
            Ok(_) => {}
        }
        Error::not_found("Workflow task not found.")
    }

    /// The run that a task token names.
    ///
    /// # Errors
    /// NOT_FOUND: it is deleted, or another server's.
    pub(in crate::engine) fn run_of(&self, token: &TaskToken) -> Result<RunKey> {
        let found = self.runs.checked(token.run, &token.run_id);
        found.ok_or_else(|| store::no_such_run(&token.workflow_id, &token.run_id))
    }

    fn check_commands(&mut self, key: RunKey, commands: Vec<Command>, messages: Vec<Message>) -> Result<Vec<Checked>, Unfit> {
        let Self { runs, namespaces, ids, limits, switches, .. } = self;
        let run = runs.get(key);
        let own = namespaces.get(run.namespace());
        let own = TargetNamespace { id: run.namespace(), name: own.name.clone(), uuid: own.uuid.clone() };
        let mut resolve = |name: &str| {
            let id = namespaces.resolve(name, ids)?;
            let found = namespaces.get(id);
            Ok(TargetNamespace { id, name: found.name.clone(), uuid: found.uuid.clone() })
        };
        let targets: Vec<_> =
            commands.iter().map(|command| Checker::target_of(command).map(&mut resolve).transpose()).collect();
        let registry = &namespaces.get(run.namespace()).search_attributes;
        let mut checker = Checker::new(run, registry, limits, &own, switches.eager_activities);
        checker.check_all(commands, targets, messages)
    }

    /// The completion is refused. On the real server, what is in memory only is lost with that. If its task does not fail, the
    /// updates come again, and with them a speculative task; for any worker if this one says that it has the run in its cache
    /// (`releaseLeaseWithError`, `clearStickyTaskQueue`).
    fn refuse_completion(&mut self, key: RunKey, request: &RespondWorkflowTaskCompletedRequest, unfit: Unfit) -> Error {
        let refusal = match unfit {
            Unfit::TaskFailed(failed) => self.fail_completion(key, request, failed),
            Unfit::Refused(error) => {
                let drops_cache = sticky_name(request).is_some();
                self.transact(key, |run, cx| run.send_updates_again(cx, drops_cache));
                error
            }
        };
        self.end_waits_for_outcomes(key);
        refusal
    }

    /// The commands do not fit: the workflow task fails. One that has failed before is left to time out, so that a worker which
    /// cannot do better does not spin.
    fn fail_completion(&mut self, key: RunKey, request: &RespondWorkflowTaskCompletedRequest, failed: TaskFailed) -> Error {
        let TaskFailed { cause, message, terminates } = failed;
        let refusal = Error::InvalidArgument(message.clone());
        if self.runs.get(key).workflow_task_attempt() > 1 && cause != WorkflowTaskFailedCause::UnhandledCommand {
            self.transact(key, |run, _| {
                run.abort_sent_updates();
                run.keep_speculative();
            });
            return refusal;
        }
        let failure = failure::server(&message, false);
        self.transact(key, |run, cx| {
            run.abort_sent_updates();
            let by = By { version: None, ..By::completing(request) };
            run.fail_workflow_task(cx, cause, Some(failure), by);
            if terminates {
                run.terminate(cx, &message, None, SERVER_IDENTITY, Vec::new());
            } else {
                run.schedule_workflow_task(cx);
            }
        });
        refusal
    }

    fn sticky_of(&mut self, key: RunKey, request: &RespondWorkflowTaskCompletedRequest) -> Option<Sticky> {
        let name = sticky_name(request)?.to_owned();
        let queue = self.matching.queue(self.runs.get(key).namespace(), QueueKind::Workflow, &name);
        let timeout = request.sticky_attributes.as_ref().and_then(|sticky| sticky.schedule_to_start_timeout.as_ref());
        Some(Sticky { queue, name, schedule_to_start: span(timeout) })
    }

    /// Passes on the answers to queries that came with the completion.
    fn answer_attached_queries(&mut self, key: RunKey, request: &mut RespondWorkflowTaskCompletedRequest) {
        for (id, result) in std::mem::take(&mut request.query_results) {
            if let Ok(id) = id.parse()
                && self.is_query_of(id, key)
            {
                self.answer_query(id, result, true);
            }
        }
    }

    /// RespondWorkflowTaskFailed.
    pub(in crate::engine) fn respond_workflow_task_failed(
        &mut self,
        mut request: RespondWorkflowTaskFailedRequest,
    ) -> Result<RespondWorkflowTaskFailedResponse> {
        self.check_namespace_of_task(&request.namespace)?;
        let token = TaskToken::parse(&request.task_token)?;
        validate::respond::workflow_task_failed(&request, &self.limits)?;
        if token.replay != 0 {
            self.replay_failed(&token, &request)?;
            return Ok(RespondWorkflowTaskFailedResponse::default());
        }
        if let Ok(key) = self.run_of(&token)
            && !self.runs.get(key).is_running()
        {
            return Err(Error::not_found(COMPLETED));
        }
        let Some(key) = self.started_task_of(&token) else { return Err(self.task_not_found(&token)) };
        self.check_growth(key, Growth { event_count: 1, ..Growth::default() })?;
        validate::respond::cut_failure(&mut request.failure, &self.limits);
        let cause = request.cause();
        self.transact(key, |run, cx| {
            if cause == WorkflowTaskFailedCause::GrpcMessageTooLarge {
                run.terminate(cx, "GrpcMessageTooLarge", None, SERVER_IDENTITY, Vec::new());
                return;
            }
            let version = versions::of_report(request.worker_version.as_ref());
            let by = By { version, binary_checksum: &request.binary_checksum, ..By::identity(&request.identity) };
            run.fail_workflow_task(cx, cause, request.failure, by);
            run.schedule_workflow_task(cx);
        });
        Ok(RespondWorkflowTaskFailedResponse::default())
    }
}

/// The queue of a worker that says it has the run in its cache.
fn sticky_name(request: &RespondWorkflowTaskCompletedRequest) -> Option<&str> {
    let queue = request.sticky_attributes.as_ref()?.worker_task_queue.as_ref()?;
    (!queue.name.is_empty()).then_some(queue.name.as_str())
}
