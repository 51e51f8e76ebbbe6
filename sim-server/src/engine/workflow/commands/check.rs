//! Checking commands before any is applied: their attributes, and what the run has pending once those before them are done
//! (`workflow_task_completed_handler.go`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, Unfit};
use crate::{
    engine::{
        error::Result,
        limits::Limits,
        names,
        search_attributes::Registry,
        validate::command::{self, CommandContext, Rejected},
        workflow::{Run, child::TargetNamespace, events::Extras},
    },
    proto::{
        command::{Command, command::Attributes},
        enums::{ParentClosePolicy, WorkflowIdReusePolicy, WorkflowTaskFailedCause as Cause},
        history::history_event::Attributes as EventAttributes,
    },
};

/// Checks the commands of one completion against a run.
#[derive(Debug)]
pub(crate) struct Checker<'a> {
    run: &'a Run,
    context: CommandContext<'a>,
    limits: &'a Limits,
    eager_activities: bool,
    /// Activity ids that earlier commands schedule.
    activity_ids: BTreeSet<String>,
    activity_count: usize,
    /// What the earlier commands did to timers: started (true) or cancelled them.
    timers: BTreeMap<String, bool>,
    /// Scheduled events whose cancellation an earlier command asked for.
    cancelled: BTreeSet<i64>,
    /// Buffered events that stay buffered.
    buffered_count: usize,
    child_count: usize,
    signal_count: usize,
    cancel_count: usize,
    /// Children that an earlier command starts.
    started_children: BTreeSet<String>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(
        run: &'a Run,
        registry: &'a Registry,
        limits: &'a Limits,
        namespace: &'a str,
        eager_activities: bool,
    ) -> Self {
        let context = CommandContext {
            namespace,
            workflow_id: &run.workflow_id,
            workflow_type: &run.facts.workflow_type,
            task_queue: &run.facts.task_queue,
            run_timeout: run.facts.run_timeout,
            execution_timeout: run.facts.execution_timeout,
            task_timeout: run.facts.task_timeout,
            memo: &run.memo,
            search_attributes: &run.search_attributes,
            limits,
            registry,
        };
        Self {
            run,
            context,
            limits,
            eager_activities,
            activity_ids: BTreeSet::new(),
            activity_count: run.activities.len(),
            timers: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            buffered_count: run.buffer.len(),
            child_count: run.children.len(),
            signal_count: 0,
            cancel_count: 0,
            started_children: BTreeSet::new(),
        }
    }

    /// The namespace that a command names, if it is aimed at another workflow; empty for the workflow's own.
    pub(crate) fn target_of(command: &Command) -> Option<&str> {
        match command.attributes.as_ref()? {
            Attributes::StartChildWorkflowExecutionCommandAttributes(a) => Some(&a.namespace),
            Attributes::SignalExternalWorkflowExecutionCommandAttributes(a) => Some(&a.namespace),
            Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(a) => Some(&a.namespace),
            _ => None,
        }
    }

    /// All commands, fit to be applied in order. `targets`: what [`Self::target_of`] resolved to, one for each.
    pub(crate) fn check_all(
        &mut self,
        commands: Vec<Command>,
        targets: Vec<Result<Option<TargetNamespace>>>,
    ) -> Result<Vec<Checked>, Unfit> {
        command::command_sequence(&commands).map_err(Unfit::Refused)?;
        let mut checked = Vec::with_capacity(commands.len());
        for (command, target) in commands.into_iter().zip(targets) {
            let target = target.map_err(Unfit::Refused)?;
            let extras = Extras {
                user_metadata: command.user_metadata,
                links: Vec::new(),
                event_group_markers: command.event_group_markers,
            };
            let mut attributes = command.attributes.ok_or_else(|| failed(Cause::Unspecified, "Unknown command type."))?;
            self.check(&mut attributes, target.as_ref())?;
            checked.push(Checked { attributes, extras, target });
        }
        Ok(checked)
    }

    fn check(&mut self, attributes: &mut Attributes, target: Option<&TargetNamespace>) -> Result<(), Unfit> {
        match attributes {
            Attributes::ScheduleActivityTaskCommandAttributes(a) => {
                command::schedule_activity(a, &self.context)?;
                if self.activity_count >= self.limits.pending_activities_max {
                    return Err(self.limit(
                        Cause::PendingActivitiesLimitExceeded,
                        "activities",
                        self.activity_count,
                        self.limits.pending_activities_max,
                    ));
                }
                if self.is_pending_activity(&a.activity_id) || !self.activity_ids.insert(a.activity_id.clone()) {
                    return Err(failed(
                        Cause::ScheduleActivityDuplicateId,
                        &format!(
                            "invalid history builder state for action: add-activitytask-scheduled-event, ActivityID: {}",
                            a.activity_id
                        ),
                    ));
                }
                self.activity_count += 1;
                let own_queue = a.task_queue.as_ref().is_some_and(|queue| queue.name == self.run.facts.task_queue);
                a.request_eager_execution &= self.eager_activities && own_queue;
                Ok(())
            }
            Attributes::RequestCancelActivityTaskCommandAttributes(a) => {
                command::request_cancel_activity(a, &self.context)?;
                self.check_cancel_activity(a.scheduled_event_id)
            }
            Attributes::StartTimerCommandAttributes(a) => {
                command::start_timer(a, &self.context)?;
                if self.is_running_timer(&a.timer_id) == Some(true) {
                    return Err(failed(
                        Cause::StartTimerDuplicateId,
                        &format!("invalid history builder state for action: add-timer-started-event, TimerID: {}", a.timer_id),
                    ));
                }
                self.timers.insert(a.timer_id.clone(), true);
                Ok(())
            }
            Attributes::CancelTimerCommandAttributes(a) => {
                command::cancel_timer(a, &self.context)?;
                self.check_cancel_timer(&a.timer_id)
            }
            Attributes::RecordMarkerCommandAttributes(a) => Ok(command::record_marker(a, &self.context)?),
            Attributes::UpsertWorkflowSearchAttributesCommandAttributes(a) => {
                Ok(command::upsert_search_attributes(a, &self.context)?)
            }
            Attributes::ModifyWorkflowPropertiesCommandAttributes(a) => Ok(command::modify_properties(a, &self.context)?),
            Attributes::StartChildWorkflowExecutionCommandAttributes(a) => {
                if let Some(target) = target {
                    a.namespace.clone_from(&target.name);
                }
                command::start_child(a, &self.context)?;
                if self.child_count >= self.limits.pending_children_max {
                    return Err(self.limit(
                        Cause::PendingChildWorkflowsLimitExceeded,
                        "child workflow executions",
                        self.child_count,
                        self.limits.pending_children_max,
                    ));
                }
                self.child_count += 1;
                self.started_children.insert(a.workflow_id.clone());
                if a.parent_close_policy() == ParentClosePolicy::Unspecified {
                    a.set_parent_close_policy(ParentClosePolicy::Terminate);
                }
                if a.workflow_id_reuse_policy() == WorkflowIdReusePolicy::Unspecified {
                    a.set_workflow_id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate);
                }
                Ok(())
            }
            Attributes::SignalExternalWorkflowExecutionCommandAttributes(a) => {
                command::signal_external(a, &self.context)?;
                self.signal_count += 1;
                if self.signal_count > self.limits.pending_signals_max {
                    return Err(self.limit(
                        Cause::PendingSignalsLimitExceeded,
                        "signals to external workflows",
                        self.signal_count - 1,
                        self.limits.pending_signals_max,
                    ));
                }
                Ok(())
            }
            Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(a) => {
                command::request_cancel_external(a, &self.context, &self.started_children)?;
                self.cancel_count += 1;
                if self.cancel_count > self.limits.pending_cancels_max {
                    return Err(self.limit(
                        Cause::PendingRequestCancelLimitExceeded,
                        "requests to cancel external workflows",
                        self.cancel_count - 1,
                        self.limits.pending_cancels_max,
                    ));
                }
                Ok(())
            }
            closing_or_unknown => self.check_close(closing_or_unknown),
        }
    }

    fn check_close(&self, attributes: &mut Attributes) -> Result<(), Unfit> {
        if self.buffered_count > 0 {
            let cause = Cause::UnhandledCommand;
            return Err(Unfit::TaskFailed { cause, message: names::cause(cause), terminate: false });
        }
        match attributes {
            Attributes::CompleteWorkflowExecutionCommandAttributes(a) => Ok(command::complete_workflow(a, &self.context)?),
            Attributes::FailWorkflowExecutionCommandAttributes(a) => Ok(command::fail_workflow(a, &self.context)?),
            Attributes::CancelWorkflowExecutionCommandAttributes(a) => Ok(command::cancel_workflow(a, &self.context)?),
            Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(a) => Ok(command::continue_as_new(a, &self.context)?),
            Attributes::ProtocolMessageCommandAttributes(_) => {
                Err(failed(Cause::FeatureDisabled, "Workflow updates are not supported by this server."))
            }
            _ => Err(failed(Cause::FeatureDisabled, "Nexus operations are not supported by this server.")),
        }
    }

    fn is_pending_activity(&self, activity_id: &str) -> bool {
        self.run.activities.values().any(|activity| activity.activity_id == activity_id)
    }

    /// Whether the timer runs, as the earlier commands leave it; `None` if there is none.
    fn is_running_timer(&self, timer_id: &str) -> Option<bool> {
        let before = || self.run.timers.contains_key(timer_id).then_some(true);
        self.timers.get(timer_id).copied().or_else(before)
    }

    /// An activity can be cancelled once, while it is pending; one whose end is buffered is pending for the worker.
    fn check_cancel_activity(&mut self, scheduled_event_id: i64) -> Result<(), Unfit> {
        let open = self.run.activities.get(&scheduled_event_id).is_some_and(|activity| activity.cancel_requested_event_id == 0);
        let fits = open || !self.run.activities.contains_key(&scheduled_event_id) && self.end_is_buffered(scheduled_event_id);
        // An activity that this very completion scheduled has no event yet.
        let scheduled_now = scheduled_event_id > self.run.history.last_id();
        if (fits || scheduled_now) && self.cancelled.insert(scheduled_event_id) {
            return Ok(());
        }
        let message = format!(
            "invalid history builder state for action: add-activitytask-cancel-requested-event, ScheduledEventID: {scheduled_event_id}"
        );
        Err(failed(Cause::BadRequestCancelActivityAttributes, &message))
    }

    fn end_is_buffered(&self, scheduled_event_id: i64) -> bool {
        self.run.buffer.iter().any(|event| match &event.attributes {
            Some(EventAttributes::ActivityTaskCompletedEventAttributes(a)) => a.scheduled_event_id == scheduled_event_id,
            Some(EventAttributes::ActivityTaskFailedEventAttributes(a)) => a.scheduled_event_id == scheduled_event_id,
            Some(EventAttributes::ActivityTaskTimedOutEventAttributes(a)) => a.scheduled_event_id == scheduled_event_id,
            Some(EventAttributes::ActivityTaskCanceledEventAttributes(a)) => a.scheduled_event_id == scheduled_event_id,
            _ => false,
        })
    }

    /// A timer can be cancelled while it runs; one whose firing is buffered runs for the worker.
    fn check_cancel_timer(&mut self, timer_id: &str) -> Result<(), Unfit> {
        let running = self.is_running_timer(timer_id);
        if running == Some(true) {
            self.timers.insert(timer_id.to_owned(), false);
            return Ok(());
        }
        let fires = |attributes: &EventAttributes| match attributes {
            EventAttributes::TimerFiredEventAttributes(fired) => fired.timer_id == timer_id,
            _ => false,
        };
        if running.is_none() && self.run.buffer.iter().filter_map(|event| event.attributes.as_ref()).any(fires) {
            self.buffered_count -= 1;
            self.timers.insert(timer_id.to_owned(), false);
            return Ok(());
        }
        let message = format!("invalid history builder state for action: add-timer-canceled-event, TimerID: {timer_id}");
        Err(failed(Cause::BadCancelTimerAttributes, &message))
    }

    fn limit(&self, cause: Cause, what: &str, count: usize, max: usize) -> Unfit {
        failed(cause, &format!("the number of pending {what}, {count}, has reached the per-workflow limit of {max}"))
    }
}

fn failed(cause: Cause, message: &str) -> Unfit {
    Unfit::TaskFailed { cause, message: format!("{}: {message}", names::cause(cause)), terminate: false }
}

impl From<Rejected> for Unfit {
    fn from(rejected: Rejected) -> Self {
        let Rejected { cause, message, terminate } = rejected;
        Self::TaskFailed { cause, message: format!("{}: {message}", names::cause(cause)), terminate }
    }
}
