//! The run that a reset makes: what an earlier run was before an event, and all that history does not tell of it.

use std::sync::Arc;

use super::reapply::Reapplied;
use crate::{
    engine::{
        activity::attempt::{Attempt, First},
        execution::{By, Cx},
        kernel::{
            due::{Due, RunDue},
            effects::{Effect, External, RESETTER_IDENTITY},
            error::{Error, Result},
            key::{NamespaceId, RunKey},
            time::{Time, span},
        },
        rules::failure,
        workflow::{
            options::OptionsChange, problems::problem, recorded::Recorded, run::Run, volatile::Volatile,
            workflow_task::WorkflowTask,
        },
    },
    proto::{
        enums::{TimeoutType, WorkflowTaskFailedCause},
        history::{
            HistoryEvent, WorkflowTaskFailedEventAttributes, WorkflowTaskStartedEventAttributes, history_event::Attributes,
        },
    },
};

/// The request id of a workflow task that no worker has ever had.
const NO_REQUEST: &str = "emptyUuid";

/// A reset, as the new run sees it.
#[derive(Debug)]
pub(in crate::engine) struct Reset<'a> {
    pub(in crate::engine) reason: &'a str,
    pub(in crate::engine) base_run_id: &'a str,
    /// What the workflow was sending to others.
    pub(in crate::engine) sends: Vec<Send>,
    /// What came after the reset point, and is to come again.
    pub(in crate::engine) reapplied: Reapplied,
    pub(in crate::engine) changes: Vec<OptionsChange>,
}

/// A signal or a cancel request that was under way.
#[derive(Debug)]
pub(in crate::engine) struct Send {
    pub(in crate::engine) initiated_event_id: i64,
    pub(in crate::engine) namespace: NamespaceId,
    pub(in crate::engine) external: External,
}

impl Run {
    /// What `base` was before the event, as a run of its own.
    ///
    /// # Errors
    /// The event is not the first of its batch, or no workflow task was open before it.
    pub(in crate::engine) fn rebuilt(key: RunKey, base: &Self, finish_event_id: i64, run_id: String) -> Result<Self> {
        let last = finish_event_id - 1;
        if !base.history().ends_batch(last) {
            return Err(Error::invalid(format!(
                "StateRebuilder unable to Rebuild mutable state to event ID: {last}, version: 0, this event must be at the \
                 boundary"
            )));
        }
        let recorded = Recorded::rebuild(run_id, base.history().before(finish_event_id));
        let mut volatile = Volatile::new(base.volatile.start_request_id.clone());
        // The real server counts the rebuild as a transaction.
        volatile.transition_count = 1;
        let run = Self { key, namespace: base.namespace, recorded, volatile };
        if !run.recorded.task.is_some() && !run.is_task_to_be_repeated() {
            return Err(Error::invalid(format!(
                "Can only reset workflow to event ID in range [WorkflowTaskScheduled +1, WorkflowTaskStarted + 1]: \
                 {finish_event_id}"
            )));
        }
        Ok(run)
    }

    /// Whether the last workflow task failed, so that another attempt was under way, which is not in the history. A pause takes it
    /// away.
    fn is_task_to_be_repeated(&self) -> bool {
        let history = self.history();
        let tasks = (1..history.next_id()).rev().filter_map(|id| history.get(id)?.attributes);
        let of_task = tasks.filter_map(|attributes| match attributes {
            Attributes::WorkflowTaskFailedEventAttributes(_) => Some(true),
            Attributes::WorkflowTaskTimedOutEventAttributes(it) => Some(it.timeout_type() != TimeoutType::ScheduleToStart),
            Attributes::WorkflowTaskCompletedEventAttributes(_) | Attributes::WorkflowExecutionPausedEventAttributes(_) => {
                Some(false)
            }
            _ => None,
        });
        { of_task }.next().unwrap_or(false)
    }

    /// This run has been reset: another one goes on from an earlier event.
    pub(in crate::engine) fn note_reset(&mut self, reset_run_id: &str) {
        reset_run_id.clone_into(&mut self.volatile.reset_run_id);
    }

    /// The run that a reset of this one made; empty if none did.
    pub(in crate::engine) fn reset_run_id(&self) -> &str {
        &self.volatile.reset_run_id
    }

    /// Whether a reset has terminated it.
    pub(in crate::engine) fn is_ended_by_reset(&self) -> bool {
        let last = self.history().get(self.history().last_id()).and_then(|event| event.attributes);
        matches!(last, Some(Attributes::WorkflowExecutionTerminatedEventAttributes(it)) if it.identity == RESETTER_IDENTITY)
    }

    /// Begins the rebuilt run.
    pub(in crate::engine) fn reset(&mut self, cx: &mut Cx<'_>, reset: Reset<'_>) {
        self.take_up_problems();
        self.fail_task_for_reset(cx, reset.reason, reset.base_run_id);
        self.start_timeouts(cx);
        self.take_up_timers(cx);
        self.take_up_activities(cx);
        self.take_up_children(cx);
        self.take_up_updates();
        for Send { initiated_event_id, namespace, external } in reset.sends {
            self.send_external(cx, initiated_event_id, namespace, external);
        }
        self.reapply(cx, reset.reapplied);
        for change in &reset.changes {
            self.change_options_after_reset(cx, change);
        }
        self.schedule_workflow_task(cx);
    }

    /// The workflow task that was open fails. One that no worker had is started first.
    fn fail_task_for_reset(&mut self, cx: &mut Cx<'_>, reason: &str, base_run_id: &str) {
        let identity = By::SERVER.identity;
        if self.recorded.task == WorkflowTask::None {
            let scheduled = self.scheduled_attributes(self.recorded.facts.task_timeout);
            self.add_event(cx, scheduled);
        }
        let scheduled_event_id = self.recorded.task.scheduled().map_or(0, |scheduled| scheduled.scheduled_event_id);
        let started_event_id = match self.recorded.task.started() {
            Some((_, started)) => started.started_event_id,
            None => {
                let reasons = self.suggest_continue_as_new_reasons(cx);
                let started = WorkflowTaskStartedEventAttributes {
                    scheduled_event_id,
                    identity: identity.to_owned(),
                    request_id: NO_REQUEST.to_owned(),
                    suggest_continue_as_new: !reasons.is_empty(),
                    suggest_continue_as_new_reasons: reasons,
                    history_size_bytes: self.history().size_bytes() as i64,
                    ..WorkflowTaskStartedEventAttributes::default()
                };
                let started_event_id = self.add_event(cx, Attributes::WorkflowTaskStartedEventAttributes(started));
                self.recorded.end_batch();
                started_event_id
            }
        };
        let failed = WorkflowTaskFailedEventAttributes {
            scheduled_event_id,
            started_event_id,
            cause: WorkflowTaskFailedCause::ResetWorkflow.into(),
            failure: Some(failure::reset_workflow(reason)),
            identity: identity.to_owned(),
            base_run_id: base_run_id.to_owned(),
            new_run_id: self.run_id().to_owned(),
            ..WorkflowTaskFailedEventAttributes::default()
        };
        let failed = Attributes::WorkflowTaskFailedEventAttributes(failed);
        let written = problem(&failed);
        self.add_event(cx, failed);
        self.note_problem(cx, written, true);
    }

    /// A timer goes on as it was started. One whose time has passed fires now.
    fn take_up_timers(&mut self, cx: &mut Cx<'_>) {
        let history = self.history();
        let running = self.recorded.timers.keys().filter_map(|&id| Some((id, fires_at(&history.get(id)?)?)));
        for (started_event_id, at) in running.collect::<Vec<_>>() {
            let key = cx.timers.add(at.max(cx.now), Due::Run(self.key, RunDue::UserTimer(started_event_id)));
            self.volatile.timers.insert(started_event_id, key);
        }
    }

    /// Activities are scheduled anew, whatever attempt they were at.
    fn take_up_activities(&mut self, cx: &mut Cx<'_>) {
        let (home, first) = (self.home(), if self.is_paused() { First::Held } else { First::Queued });
        for (&scheduled_event_id, scheduled) in &self.recorded.activities {
            let key = self.activity_key(scheduled_event_id);
            let attempt = Attempt::first(cx, key, home, Arc::clone(&scheduled.activity), first);
            self.volatile.attempts.insert(scheduled_event_id, Box::new(attempt));
        }
    }

    /// Children that run are this run's now. Others are asked for again.
    fn take_up_children(&mut self, cx: &mut Cx<'_>) {
        for (&initiated_event_id, child) in &self.recorded.children {
            let started = self.history().get(child.started_event_id).and_then(|event| event.attributes);
            let run_id = match started {
                Some(Attributes::ChildWorkflowExecutionStartedEventAttributes(it)) => it.workflow_execution.map(|it| it.run_id),
                _ => None,
            };
            if run_id.is_none() {
                cx.effects.leave(Effect::StartChild { parent: self.key, initiated_event_id });
            }
            self.volatile.children.insert(initiated_event_id, run_id);
        }
    }

    /// The updates that an earlier reset admitted again.
    fn take_up_updates(&mut self) {
        let mut admitted: Vec<i64> = self.recorded.admitted.values().copied().collect();
        admitted.sort_unstable();
        for event_id in admitted {
            if let Some(request) = self.admitted_request(event_id) {
                self.volatile.updates.get_or_insert_default().admit_told(request);
            }
        }
    }

    /// What it is sending to others, with the initiated events and the UUIDs of the namespaces.
    pub(in crate::engine) fn sends(&self) -> Vec<(i64, External, String)> {
        let sends = self.recorded.external.iter().filter_map(|&id| {
            let (external, namespace_uuid) = match self.history().get(id)?.attributes? {
                Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(sent) => {
                    let namespace_uuid = sent.namespace_id.clone();
                    (External::Signal(Box::new(sent)), namespace_uuid)
                }
                Attributes::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(sent) => {
                    let namespace_uuid = sent.namespace_id.clone();
                    (External::Cancel(Box::new(sent)), namespace_uuid)
                }
                _ => return None,
            };
            Some((id, external, namespace_uuid))
        });
        sends.collect()
    }
}

/// When the timer fires that this event starts.
fn fires_at(event: &HistoryEvent) -> Option<Time> {
    let started = event.event_time.as_ref().map(Time::from_proto)?;
    match &event.attributes {
        Some(Attributes::TimerStartedEventAttributes(it)) => Some(started + span(it.start_to_fire_timeout.as_ref())),
        _ => None,
    }
}
