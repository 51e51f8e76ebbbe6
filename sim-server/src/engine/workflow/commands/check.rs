//! Checking commands before any is applied: their attributes, and what the run has pending once those before them are done
//! (`workflow_task_completed_handler.go`).

use std::collections::BTreeSet;

use super::{Checked, Fit, TaskFailed, Unfit, pending::Pending};
use crate::{
    engine::{
        kernel::{effects::Extras, error::Result},
        rules::{
            limits::Limits,
            names,
            search_attributes::Registry,
            updates,
            validate::command::{self, CommandContext, Rejected},
        },
        workflow::{
            child::TargetNamespace,
            run::Run,
            update::message::{self, Body, State},
        },
    },
    proto::{
        command::{
            Command, RequestCancelExternalWorkflowExecutionCommandAttributes, ScheduleActivityTaskCommandAttributes,
            SignalExternalWorkflowExecutionCommandAttributes, StartChildWorkflowExecutionCommandAttributes,
            command::Attributes,
        },
        common::SearchAttributes,
        enums::{CommandType, ParentClosePolicy, WorkflowIdReusePolicy, WorkflowTaskFailedCause as Cause},
        protocol::Message,
    },
};

/// Checks the commands of one completion against a run.
#[derive(Debug)]
pub(in crate::engine::workflow) struct Checker<'a> {
    pending: Pending<'a>,
    context: CommandContext<'a>,
    limits: &'a Limits,
    /// The workflow's own namespace.
    own: &'a TargetNamespace,
    eager_activities: bool,
    /// The messages that no command has named yet.
    messages: Vec<Message>,
    /// The ids of those that a command has named.
    named_messages: BTreeSet<String>,
}

impl<'a> Checker<'a> {
    pub(in crate::engine::workflow) fn new(
        run: &'a Run,
        registry: &'a Registry,
        limits: &'a Limits,
        own: &'a TargetNamespace,
        eager_activities: bool,
    ) -> Self {
        let facts = &run.recorded.facts;
        let context = CommandContext {
            namespace: &own.name,
            workflow_id: &facts.workflow_id,
            workflow_type: &facts.workflow_type,
            task_queue: &facts.task_queue,
            run_timeout: facts.run_timeout,
            execution_timeout: facts.execution_timeout,
            task_timeout: facts.task_timeout,
            memo: &run.recorded.memo,
            search_attributes: &run.recorded.search_attributes,
            limits,
            registry,
        };
        Self {
            pending: Pending::new(run),
            context,
            limits,
            own,
            eager_activities,
            messages: Vec::new(),
            named_messages: BTreeSet::new(),
        }
    }

    /// The namespace that a command names, if it is aimed at a workflow of another.
    pub(in crate::engine::workflow) fn target_of(command: &Command) -> Option<&str> {
        let namespace = match command.attributes.as_ref()? {
            Attributes::StartChildWorkflowExecutionCommandAttributes(a) => &a.namespace,
            Attributes::SignalExternalWorkflowExecutionCommandAttributes(a) => &a.namespace,
            Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(a) => &a.namespace,
            _ => return None,
        };
        (!namespace.is_empty()).then_some(namespace)
    }

    /// All commands, and the messages that came with them, fit to be applied in order. `targets`: what [`Self::target_of`]
    /// resolved to, one for each command.
    pub(in crate::engine::workflow) fn check_all(
        &mut self,
        commands: Vec<Command>,
        targets: Vec<Result<Option<TargetNamespace>>>,
        messages: Vec<Message>,
    ) -> Result<Vec<Checked>, Unfit> {
        command::command_sequence(&commands).map_err(Unfit::Refused)?;
        self.messages = messages;
        let mut checked = Vec::with_capacity(commands.len());
        for (command, target) in commands.into_iter().zip(targets) {
            let target = target.map_err(Unfit::Refused)?;
            let extras = Extras {
                user_metadata: command.user_metadata,
                links: Vec::new(),
                event_group_markers: command.event_group_markers,
            };
            let declared = CommandType::try_from(command.command_type).unwrap_or(CommandType::Unspecified);
            let Some(attributes) = command.attributes.filter(|attributes| type_of(attributes) == declared) else {
                return Err(command::attributes_missing(declared).into());
            };
            let command = self.check(attributes, target)?;
            if !matches!(&command, Fit::Update(reported) if matches!(reported.body, Body::Rejection(_))) {
                self.pending.next_command();
            }
            checked.push(Checked { command, extras });
        }
        // A rejection writes nothing. It comes before all else, so that a command which closes the workflow does not abort the
        // update first.
        let mut all = Vec::with_capacity(checked.len());
        for message in std::mem::take(&mut self.messages) {
            let is_rejection = message::is_rejection(&message);
            let message = Checked { command: self.check_message(message)?, extras: Extras::default() };
            if is_rejection { all.push(message) } else { checked.push(message) }
        }
        all.extend(checked);
        Ok(all)
    }

    /// `target`: the namespace that it names, if it names one.
    fn check(&mut self, attributes: Attributes, target: Option<TargetNamespace>) -> Result<Fit, Unfit> {
        let own = self.own;
        let target = || target.unwrap_or_else(|| own.clone());
        match attributes {
            Attributes::ScheduleActivityTaskCommandAttributes(a) => self.check_schedule_activity(a),
            Attributes::RequestCancelActivityTaskCommandAttributes(a) => {
                command::request_cancel_activity(&a, &self.context)?;
                if !self.pending.cancel_activity(a.scheduled_event_id) {
                    let action = "add-activitytask-cancel-requested-event, ScheduledEventID";
                    return Err(bad_state(Cause::BadRequestCancelActivityAttributes, action, a.scheduled_event_id));
                }
                Ok(Fit::RequestCancelActivity(a))
            }
            Attributes::StartTimerCommandAttributes(mut a) => {
                command::start_timer(&mut a, &self.context)?;
                if !self.pending.start_timer(&a.timer_id) {
                    return Err(bad_state(Cause::StartTimerDuplicateId, "add-timer-started-event, TimerID", &a.timer_id));
                }
                Ok(Fit::StartTimer(a))
            }
            Attributes::CancelTimerCommandAttributes(a) => {
                command::cancel_timer(&a, &self.context)?;
                if !self.pending.cancel_timer(&a.timer_id) {
                    return Err(bad_state(Cause::BadCancelTimerAttributes, "add-timer-canceled-event, TimerID", &a.timer_id));
                }
                Ok(Fit::CancelTimer(a))
            }
            Attributes::RecordMarkerCommandAttributes(a) => {
                command::record_marker(&a, &self.context)?;
                Ok(Fit::RecordMarker(a))
            }
            Attributes::UpsertWorkflowSearchAttributesCommandAttributes(mut a) => {
                command::upsert_search_attributes(&a, &self.context)?;
                self.set_types(a.search_attributes.as_mut());
                Ok(Fit::UpsertSearchAttributes(a))
            }
            Attributes::ModifyWorkflowPropertiesCommandAttributes(a) => {
                command::modify_properties(&a, &self.context)?;
                Ok(Fit::ModifyProperties(a))
            }
            Attributes::StartChildWorkflowExecutionCommandAttributes(a) => self.check_start_child(a, target()),
            Attributes::SignalExternalWorkflowExecutionCommandAttributes(a) => self.check_signal_external(a, target()),
            Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(a) => self.check_cancel_external(a, target()),
            Attributes::ProtocolMessageCommandAttributes(a) => self.check_message_of(&a.message_id),
            closing_or_unknown => self.check_close(closing_or_unknown),
        }
    }

    /// The message that a command names: it is dealt with when the command is.
    fn check_message_of(&mut self, message_id: &str) -> Result<Fit, Unfit> {
        if message_id.is_empty() {
            return Err(message::unfit("MessageID is not set on ProtocolMessageCommand.".to_owned()));
        }
        // Of several with one id, the first is meant, and the others cannot be named (`indexedtakelist.go`).
        match self.messages.iter().position(|message| message.id == message_id) {
            Some(at) if self.named_messages.insert(message_id.to_owned()) => {
                let message = self.messages.remove(at);
                self.check_message(message)
            }
            _ => Err(message::unfit(format!("ProtocolMessageCommand referenced absent message ID {message_id}"))),
        }
    }

    /// What a worker reports of an update must fit how far that has come.
    fn check_message(&mut self, message: Message) -> Result<Fit, Unfit> {
        let mut reported = message::read(message, self.limits)?;
        let state = match self.pending.update_state(&reported.update_id) {
            Some(state) => state,
            None => {
                updates::check_total(self.pending.update_count(), self.limits).map_err(Unfit::Refused)?;
                reported.resurrected = reported.body.request();
                if reported.resurrected.is_none() {
                    return Err(message::unfit(format!(
                        "update {} wasn't found on the server. This is most likely a transient error which will be resolved \
                         automatically by retries",
                        reported.update_id
                    )));
                }
                State::Admitted
            }
        };
        // Once the workflow has closed, only a rejection counts.
        if !self.pending.has_closed() || matches!(reported.body, Body::Rejection(_)) {
            let next = reported.check(state)?;
            self.pending.set_update_state(&reported.update_id, next);
        }
        Ok(Fit::Update(Box::new(reported)))
    }

    fn set_types(&self, search_attributes: Option<&mut SearchAttributes>) {
        if let Some(search_attributes) = search_attributes {
            self.context.registry.set_types(search_attributes);
        }
    }

    fn check_schedule_activity(&mut self, mut a: ScheduleActivityTaskCommandAttributes) -> Result<Fit, Unfit> {
        command::schedule_activity(&mut a, &self.context)?;
        let (count, max) = (self.pending.activity_count(), self.limits.pending_activities_max);
        if max > 0 && count >= max {
            return Err(too_many(Cause::PendingActivitiesLimitExceeded, "activities", count, max));
        }
        if !self.pending.schedule_activity(&a.activity_id) {
            let action = "add-activitytask-scheduled-event, ActivityID";
            return Err(bad_state(Cause::ScheduleActivityDuplicateId, action, &a.activity_id));
        }
        a.request_eager_execution &= self.eager_activities;
        Ok(Fit::ScheduleActivity(a))
    }

    fn check_start_child(
        &mut self,
        mut a: StartChildWorkflowExecutionCommandAttributes,
        target: TargetNamespace,
    ) -> Result<Fit, Unfit> {
        a.namespace.clone_from(&target.name);
        command::start_child(&mut a, &self.context)?;
        let (count, max) = (self.pending.child_count(), self.limits.pending_children_max);
        if max > 0 && count >= max {
            return Err(too_many(Cause::PendingChildWorkflowsLimitExceeded, "child workflow executions", count, max));
        }
        self.pending.start_child(&a.workflow_id);
        if a.parent_close_policy() == ParentClosePolicy::Unspecified {
            a.set_parent_close_policy(ParentClosePolicy::Terminate);
        }
        if a.workflow_id_reuse_policy() == WorkflowIdReusePolicy::Unspecified {
            a.set_workflow_id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate);
        }
        self.set_types(a.search_attributes.as_mut());
        Ok(Fit::StartChild(Box::new(a), target))
    }

    fn check_signal_external(
        &mut self,
        a: SignalExternalWorkflowExecutionCommandAttributes,
        target: TargetNamespace,
    ) -> Result<Fit, Unfit> {
        command::signal_external(&a, &self.context)?;
        let (count, max) = (self.pending.send_signal(), self.limits.pending_signals_max);
        if max > 0 && count > max {
            return Err(too_many(Cause::PendingSignalsLimitExceeded, "signals to external workflows", count - 1, max));
        }
        Ok(Fit::SignalExternal(a, target))
    }

    fn check_cancel_external(
        &mut self,
        a: RequestCancelExternalWorkflowExecutionCommandAttributes,
        target: TargetNamespace,
    ) -> Result<Fit, Unfit> {
        command::request_cancel_external(&a, &self.context, self.pending.new_children())?;
        let (count, max) = (self.pending.send_cancel(), self.limits.pending_cancels_max);
        if max > 0 && count > max {
            let what = "requests to cancel external workflows";
            return Err(too_many(Cause::PendingRequestCancelLimitExceeded, what, count - 1, max));
        }
        Ok(Fit::CancelExternal(a, target))
    }

    fn check_close(&mut self, attributes: Attributes) -> Result<Fit, Unfit> {
        if self.pending.has_news() {
            let cause = Cause::UnhandledCommand;
            return Err(Unfit::TaskFailed(TaskFailed { cause, message: names::cause(cause), terminates: false }));
        }
        self.pending.close();
        match attributes {
            Attributes::CompleteWorkflowExecutionCommandAttributes(a) => {
                command::complete_workflow(&a, &self.context)?;
                Ok(Fit::Complete(a))
            }
            Attributes::FailWorkflowExecutionCommandAttributes(a) => {
                command::fail_workflow(&a, &self.context)?;
                Ok(Fit::Fail(a))
            }
            Attributes::CancelWorkflowExecutionCommandAttributes(a) => {
                command::cancel_workflow(&a, &self.context)?;
                Ok(Fit::Cancel(a))
            }
            Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(mut a) => {
                command::continue_as_new(&mut a, &self.context)?;
                self.set_types(a.search_attributes.as_mut());
                Ok(Fit::ContinueAsNew(Box::new(a)))
            }
            _ => Err(failed(Cause::FeatureDisabled, "Nexus operations are not supported by this server.")),
        }
    }
}

fn too_many(cause: Cause, what: &str, count: usize, max: usize) -> Unfit {
    failed(cause, &format!("the number of pending {what}, {count}, has reached the per-workflow limit of {max}"))
}

fn bad_state(cause: Cause, action: &str, id: impl std::fmt::Display) -> Unfit {
    failed(cause, &format!("invalid history builder state for action: {action}: {id}"))
}

fn failed(cause: Cause, message: &str) -> Unfit {
    Unfit::task_failed(cause, message, false)
}

impl From<Rejected> for Unfit {
    fn from(rejected: Rejected) -> Self {
        let Rejected { cause, message, terminate } = rejected;
        Self::task_failed(cause, &message, terminate)
    }
}

fn type_of(attributes: &Attributes) -> CommandType {
    use {Attributes as A, CommandType as T};
    match attributes {
        A::ScheduleActivityTaskCommandAttributes(_) => T::ScheduleActivityTask,
        A::StartTimerCommandAttributes(_) => T::StartTimer,
        A::CompleteWorkflowExecutionCommandAttributes(_) => T::CompleteWorkflowExecution,
        A::FailWorkflowExecutionCommandAttributes(_) => T::FailWorkflowExecution,
        A::RequestCancelActivityTaskCommandAttributes(_) => T::RequestCancelActivityTask,
        A::CancelTimerCommandAttributes(_) => T::CancelTimer,
        A::CancelWorkflowExecutionCommandAttributes(_) => T::CancelWorkflowExecution,
        A::RequestCancelExternalWorkflowExecutionCommandAttributes(_) => T::RequestCancelExternalWorkflowExecution,
        A::RecordMarkerCommandAttributes(_) => T::RecordMarker,
        A::ContinueAsNewWorkflowExecutionCommandAttributes(_) => T::ContinueAsNewWorkflowExecution,
        A::StartChildWorkflowExecutionCommandAttributes(_) => T::StartChildWorkflowExecution,
        A::SignalExternalWorkflowExecutionCommandAttributes(_) => T::SignalExternalWorkflowExecution,
        A::UpsertWorkflowSearchAttributesCommandAttributes(_) => T::UpsertWorkflowSearchAttributes,
        A::ProtocolMessageCommandAttributes(_) => T::ProtocolMessage,
        A::ModifyWorkflowPropertiesCommandAttributes(_) => T::ModifyWorkflowProperties,
        A::ScheduleNexusOperationCommandAttributes(_) => T::ScheduleNexusOperation,
        A::RequestCancelNexusOperationCommandAttributes(_) => T::RequestCancelNexusOperation,
    }
}
