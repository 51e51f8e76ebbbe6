//! What passes between a job and the workflows that it is about (`service/worker/batcher/activities.go`): the job asks of each what a
//! client could ask. The real server does five at once, at fifty a second; here it is one at a time, at that rate.

use std::time::Duration;

use super::job::Progress;
use crate::{
    engine::{
        Engine,
        kernel::{
            due::Due,
            error::{Error, Result},
            key::BatchKey,
        },
    },
    proto::{
        batch::{
            BatchOperationReset, BatchOperationResetActivities, BatchOperationUnpauseActivities,
            BatchOperationUpdateActivityOptions, batch_operation_reset_activities, batch_operation_unpause_activities,
            batch_operation_update_activity_options,
        },
        common::{ResetOptions, WorkflowExecution, reset_options::Target},
        enums::{BatchOperationState, ResetType},
        workflowservice::{start_batch_operation_request::Operation, *},
    },
};

/// Who terminates and cancels. On the real server it is the process and the host of a worker of its own.
const BATCHER_IDENTITY: &str = "batcher";

/// How long a job lasts that finds nothing: it looks up only when it tells how far it is, a quarter of a heartbeat timeout of ten
/// seconds after its start.
const NOTHING_FOUND: Duration = Duration::from_millis(2_500);

/// These operations are for what is open. Executions that are named are not looked at before.
const OPEN: &str = "ExecutionStatus='Running' OR ExecutionStatus='Paused'";

impl Engine {
    /// The job does the next of its workflows. The first time, it finds out which they are.
    pub(in crate::engine) fn step_batch(&mut self, key: BatchKey) {
        let job = self.batches.get_mut(key);
        job.timer = None;
        if !job.is_open() {
            return;
        }
        if job.left.is_none() {
            match self.find_targets(key) {
                Ok(0) => return self.await_step_in(key, NOTHING_FOUND),
                Ok(_) => {}
                Err(_) => return self.end_batch(key, BatchOperationState::Failed),
            }
        }
        let job = self.batches.get_mut(key);
        let next = job.left.as_mut().and_then(|left| left.pop_front());
        if let Some(execution) = next {
            let outcome = self.apply_operation(key, execution);
            let Progress { complete, failed, .. } = &mut self.batches.get_mut(key).progress;
            match outcome {
                // What is not there any more is as good as done.
                Ok(()) | Err(Error::NotFound(_)) => *complete += 1,
                Err(_) => *failed += 1,
            }
        }
        match &self.batches.get(key).left {
            Some(left) if !left.is_empty() => self.await_next_step(key),
            _ => self.end_batch(key, BatchOperationState::Completed),
        }
    }

    /// The next step is due after the time that the rate leaves to each.
    pub(super) fn await_next_step(&mut self, key: BatchKey) {
        let asked = f64::from(self.batches.get(key).request.max_operations_per_second);
        let rate = self.limits.batch_operations_per_second as f64;
        let rate = if asked > 0.0 { rate.min(asked) } else { rate };
        let pause = Duration::try_from_secs_f64(rate.recip()).unwrap_or(Duration::from_secs(1));
        self.await_step_in(key, pause);
    }

    fn await_step_in(&mut self, key: BatchKey, pause: Duration) {
        let at = self.now(self.batches.get(key).namespace) + pause;
        let timer = self.domain.timers.add(at, Due::Batch(key));
        self.batches.get_mut(key).timer = Some(timer);
    }

    /// The job is over.
    pub(in crate::engine) fn end_batch(&mut self, key: BatchKey, state: BatchOperationState) {
        let now = self.now(self.batches.get(key).namespace);
        let job = self.batches.get_mut(key);
        job.state = state;
        job.close_time = Some(now);
        job.left = None;
        if let Some(timer) = job.timer.take() {
            self.domain.timers.cancel(timer);
        }
    }

    /// Finds out which workflows the job is for, and gives how many they are.
    fn find_targets(&mut self, key: BatchKey) -> Result<usize> {
        let job = self.batches.get(key);
        let namespace = job.namespace;
        let targets = match self.query_of(key) {
            None => job.named(),
            Some(query) => self.find_workflows(namespace, &query)?.into(),
        };
        let job = self.batches.get_mut(key);
        let found = targets.len();
        job.progress.total = found as i64;
        job.left = Some(targets);
        Ok(found)
    }

    /// The query for the workflows that the operation is for, if the request has any.
    fn query_of(&self, key: BatchKey) -> Option<String> {
        let request = &self.batches.get(key).request;
        let query = match &request.operation {
            // An operation on paused activities finds them by itself.
            Some(Operation::UnpauseActivitiesOperation(BatchOperationUnpauseActivities {
                activity: Some(batch_operation_unpause_activities::Activity::Type(name)),
                ..
            })) => {
                let value = format!("property:activityType={name}").replace('\\', "\\\\").replace('\'', "\\'");
                format!("TemporalPauseInfo = '{value}'")
            }
            _ => request.visibility_query.clone(),
        };
        if query.is_empty() {
            return None;
        }
        let is_for_all = matches!(request.operation, Some(Operation::DeletionOperation(_) | Operation::ResetOperation(_)));
        Some(if is_for_all { query } else { format!("({query}) AND ({OPEN})") })
    }

    fn apply_operation(&mut self, key: BatchKey, execution: WorkflowExecution) -> Result<()> {
        let job = self.batches.get(key);
        let (namespace, reason) = (self.namespaces.get(job.namespace).name.clone(), job.request.reason.clone());
        let workflow_execution = Some(execution.clone());
        match job.request.operation.clone() {
            Some(Operation::TerminationOperation(_)) => {
                let identity = BATCHER_IDENTITY.to_owned();
                let request = TerminateWorkflowExecutionRequest {
                    namespace,
                    workflow_execution,
                    reason,
                    identity,
                    ..TerminateWorkflowExecutionRequest::default()
                };
                self.terminate_workflow_execution(request).map(drop)
            }
            Some(Operation::CancellationOperation(_)) => {
                let (identity, request_id) = (BATCHER_IDENTITY.to_owned(), self.ids.uuid());
                let request = RequestCancelWorkflowExecutionRequest {
                    namespace,
                    workflow_execution,
                    identity,
                    request_id,
                    ..RequestCancelWorkflowExecutionRequest::default()
                };
                self.request_cancel_workflow_execution(request).map(drop)
            }
            Some(Operation::SignalOperation(of)) => {
                let request_id = self.ids.uuid();
                let request = SignalWorkflowExecutionRequest {
                    namespace,
                    workflow_execution,
                    signal_name: of.signal,
                    input: of.input,
                    identity: of.identity,
                    request_id,
                    ..SignalWorkflowExecutionRequest::default()
                };
                self.signal_workflow_execution(request).map(drop)
            }
            Some(Operation::DeletionOperation(_)) => {
                self.delete_workflow_execution(DeleteWorkflowExecutionRequest { namespace, workflow_execution }).map(drop)
            }
            Some(Operation::ResetOperation(of)) => self.reset_by_batch(namespace, reason, execution, of),
            Some(Operation::UpdateWorkflowOptionsOperation(of)) => {
                let request = UpdateWorkflowExecutionOptionsRequest {
                    namespace,
                    workflow_execution,
                    workflow_execution_options: of.workflow_execution_options,
                    update_mask: of.update_mask,
                    identity: of.identity,
                };
                self.update_workflow_execution_options(request).map(drop)
            }
            Some(Operation::UnpauseActivitiesOperation(of)) => {
                self.unpause_activity(unpausing(namespace, workflow_execution, of)).map(drop)
            }
            Some(Operation::ResetActivitiesOperation(of)) => {
                self.reset_activity(resetting(namespace, workflow_execution, of)).map(drop)
            }
            Some(Operation::UpdateActivityOptionsOperation(of)) => {
                self.update_activity_options(updating(namespace, workflow_execution, of)).map(drop)
            }
            None
            | Some(
                Operation::CancelActivitiesOperation(_)
                | Operation::TerminateActivitiesOperation(_)
                | Operation::DeleteActivitiesOperation(_),
            ) => Err(Error::Unimplemented("Standalone activities are not supported by this server.".to_owned())),
        }
    }

    fn reset_by_batch(
        &mut self,
        namespace: String,
        reason: String,
        mut execution: WorkflowExecution,
        of: BatchOperationReset,
    ) -> Result<()> {
        let id = self.resolve(&namespace)?;
        let options = of.options.unwrap_or_else(|| ResetOptions {
            target: Some(match ResetType::try_from(of.reset_type) {
                Ok(ResetType::FirstWorkflowTask) => Target::FirstWorkflowTask(()),
                _ => Target::LastWorkflowTask(()),
            }),
            reset_reapply_type: of.reset_reapply_type,
            ..ResetOptions::default()
        });
        let key = self.load(id, &execution).map_err(|error| match (&options.target, error) {
            // The batcher reads the history, and forgets why it cannot.
            (Some(Target::FirstWorkflowTask(()) | Target::LastWorkflowTask(())), Error::NotFound(text)) => {
                Error::FailedPrecondition(text)
            }
            (_, error) => error,
        })?;
        let point = self.runs.get(key).reset_point(&options, &execution.run_id, self.now(id))?;
        execution.run_id = point.run_id;
        let request_id = self.ids.uuid();
        let request = ResetWorkflowExecutionRequest {
            namespace,
            workflow_execution: Some(execution),
            reason,
            workflow_task_finish_event_id: point.workflow_task_finish_event_id,
            request_id,
            reset_reapply_type: options.reset_reapply_type,
            reset_reapply_exclude_types: options.reset_reapply_exclude_types,
            post_reset_operations: of.post_reset_operations,
            identity: of.identity,
        };
        self.reset_workflow_execution(request).map(drop)
    }
}

fn unpausing(
    namespace: String,
    execution: Option<WorkflowExecution>,
    of: BatchOperationUnpauseActivities,
) -> UnpauseActivityRequest {
    use batch_operation_unpause_activities::Activity as Of;
    UnpauseActivityRequest {
        namespace,
        execution,
        identity: of.identity,
        activity: of.activity.map(|activity| match activity {
            Of::Type(name) => unpause_activity_request::Activity::Type(name),
            Of::MatchAll(_) => unpause_activity_request::Activity::UnpauseAll(true),
        }),
        reset_attempts: of.reset_attempts,
        reset_heartbeat: of.reset_heartbeat,
        jitter: of.jitter,
    }
}

fn resetting(
    namespace: String,
    execution: Option<WorkflowExecution>,
    of: BatchOperationResetActivities,
) -> ResetActivityRequest {
    use batch_operation_reset_activities::Activity as Of;
    ResetActivityRequest {
        namespace,
        execution,
        identity: of.identity,
        activity: of.activity.map(|activity| match activity {
            Of::Type(name) => reset_activity_request::Activity::Type(name),
            Of::MatchAll(_) => reset_activity_request::Activity::MatchAll(true),
        }),
        reset_heartbeat: of.reset_heartbeat,
        keep_paused: of.keep_paused,
        jitter: of.jitter,
        restore_original_options: of.restore_original_options,
    }
}

fn updating(
    namespace: String,
    execution: Option<WorkflowExecution>,
    of: BatchOperationUpdateActivityOptions,
) -> UpdateActivityOptionsRequest {
    use batch_operation_update_activity_options::Activity as Of;
    UpdateActivityOptionsRequest {
        namespace,
        execution,
        identity: of.identity,
        activity: of.activity.map(|activity| match activity {
            Of::Type(name) => update_activity_options_request::Activity::Type(name),
            Of::MatchAll(_) => update_activity_options_request::Activity::MatchAll(true),
        }),
        activity_options: of.activity_options,
        update_mask: of.update_mask,
        restore_original: of.restore_original,
    }
}
