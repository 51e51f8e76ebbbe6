//! A run, with what can be looked up in its history, in the log and in other runs: who, which, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use foretime_server::proto::{
    common::Payloads,
    enums::WorkflowExecutionStatus,
    history::{
        ActivityTaskScheduledEventAttributes, HistoryEvent, SignalExternalWorkflowExecutionInitiatedEventAttributes,
        history_event::Attributes,
    },
};

use super::{
    RunNames,
    attempts::{died_ns, span_of},
    history::{brief, update},
    name, spoken,
};
use crate::{
    log::{Entry, Span},
    process::{ProcessId, Role, TEST},
    view::View,
    words::after,
};

/// The run that the events are of.
pub(super) struct Run<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) names: &'a RunNames,
    /// Its name.
    pub(super) id: &'a str,
    pub(super) workflow_id: &'a str,
    pub(super) run_id: &'a str,
    pub(super) events: &'a [HistoryEvent],
    /// The types of activities that it requested with several inputs.
    pub(super) varied: BTreeSet<String>,
}

/// The types of activities in this history that have several inputs: their names alone do not identify them.
pub(super) fn types_with_several_inputs(events: &[HistoryEvent]) -> BTreeSet<String> {
    let mut inputs: BTreeMap<&str, &Option<Payloads>> = BTreeMap::new();
    let mut varied = BTreeSet::new();
    for event in events {
        let Some(Attributes::ActivityTaskScheduledEventAttributes(it)) = &event.attributes else { continue };
        let Some(of) = &it.activity_type else { continue };
        if **inputs.entry(&of.name).or_insert(&it.input) != it.input {
            varied.insert(of.name.clone());
        }
    }
    varied
}

impl Run<'_> {
    fn at(&self, event_id: i64) -> Option<&Attributes> {
        self.events.get(usize::try_from(event_id - 1).ok()?)?.attributes.as_ref()
    }

    fn scheduled(&self, event_id: i64) -> Option<&ActivityTaskScheduledEventAttributes> {
        if let Attributes::ActivityTaskScheduledEventAttributes(it) = self.at(event_id)? { Some(it) } else { None }
    }

    /// Whose request, with a name that begins like this, reached the server at this moment, if there was just one. Clients of the
    /// test's share a process, so the identity that the request has tells them apart. A worker's code may use any client.
    pub(super) fn by(&self, at_ns: u64, rpc: &str, identity: &str) -> String {
        let log = &self.view.log.entries;
        let (from, to) = (log.partition_point(|it| it.at_ns < at_ns), log.partition_point(|it| it.at_ns <= at_ns));
        let asks = |entry: &&Entry| entry.reached().is_some_and(|it| it.starts_with(rpc));
        let senders: BTreeSet<ProcessId> = log[from..to].iter().filter(asks).filter_map(|entry| entry.process).collect();
        match senders.first() {
            Some(_) if senders.len() > 1 => String::new(),
            Some(sender) if self.view.life(*sender).role == Role::Test && !matches!(identity, "" | TEST) => {
                format!(" by {}", spoken(identity))
            }
            Some(sender) => format!(" by {}", name(self.view, *sender)),
            None => String::new(),
        }
    }

    /// What became of its parent, such as `, since run 1 of shop continued as new`.
    pub(super) fn since_its_parent(&self) -> String {
        let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = self.at(1) else { return String::new() };
        let Some(parent) = &started.parent_workflow_execution else { return String::new() };
        let status = self.view.runs().find(|run| run.run_id() == parent.run_id).map(|run| run.status());
        let became = match status {
            Some(WorkflowExecutionStatus::ContinuedAsNew) => "continued as new",
            Some(WorkflowExecutionStatus::Completed) => "completed",
            Some(WorkflowExecutionStatus::Failed) => "failed",
            Some(WorkflowExecutionStatus::Canceled) => "was cancelled",
            Some(WorkflowExecutionStatus::Terminated) => "was terminated",
            Some(WorkflowExecutionStatus::TimedOut) => "timed out",
            _ => return String::new(),
        };
        format!(", since {} {became}", self.names.name(&parent.workflow_id, &parent.run_id))
    }

    /// When the run that follows this one starts to work, if it waits for that.
    pub(super) fn next(&self, end: &Attributes) -> String {
        let next_run_id = match end {
            Attributes::WorkflowExecutionCompletedEventAttributes(it) => &it.new_execution_run_id,
            Attributes::WorkflowExecutionFailedEventAttributes(it) => &it.new_execution_run_id,
            Attributes::WorkflowExecutionTimedOutEventAttributes(it) => &it.new_execution_run_id,
            Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it) => &it.new_execution_run_id,
            _ => return String::new(),
        };
        let next = self.view.runs().find(|run| run.run_id() == *next_run_id);
        let starts_ns = next.and_then(|run| self.view.starts_at.first_workflow_task_ns(run.events_from(1).first()?));
        let name = self.names.name(self.workflow_id, next_run_id);
        starts_ns.map_or_else(String::new, |at_ns| format!("; {name} was to begin {}", after(at_ns)))
    }

    /// Who had the workflow task that this event started.
    pub(super) fn started_on(&self, event_id: i64) -> String {
        match self.at(event_id) {
            Some(Attributes::WorkflowTaskStartedEventAttributes(it)) => on(&it.identity),
            _ => String::new(),
        }
    }

    /// The type of the activity that this event scheduled, with its input if there are others of this type.
    pub(super) fn activity(&self, scheduled_event_id: i64) -> Option<String> {
        let scheduled = self.scheduled(scheduled_event_id)?;
        let name = &scheduled.activity_type.as_ref()?.name;
        let input = if self.varied.contains(name) { brief(scheduled.input.as_ref()) } else { String::new() };
        Some(format!("{name}{input}"))
    }

    /// Says that no worker's code ever saw the attempt that this event started, if that is so.
    pub(super) fn unreached(&self, scheduled_event_id: i64, started_event_id: i64) -> String {
        let (Some(scheduled), Some(Attributes::ActivityTaskStartedEventAttributes(started))) =
            (self.scheduled(scheduled_event_id), self.at(started_event_id))
        else {
            return String::new();
        };
        let (attempt, worker) = (started.attempt, spoken(&started.identity));
        match span_of(self.view, self.run_id, &scheduled.activity_id, attempt) {
            None => format!(", since attempt {attempt}, which {worker} was given, never reached its code"),
            Some(_) => String::new(),
        }
    }

    /// Which other workflow's activity of the same struct was under way at the same time. They may share what is in the struct,
    /// or what it works on.
    pub(super) fn beside(&self, scheduled_event_id: i64) -> String {
        let activity_id = self.scheduled(scheduled_event_id).map(|it| &it.activity_id);
        let spans = || self.view.log.spans.iter().filter(|span| span.is_activity());
        let is_it = |span: &&Span| span.run_id == self.run_id && span.activity_id.as_ref() == activity_id;
        let Some(last) = spans().rfind(is_it) else { return String::new() };
        let of_struct = |span: &Span| span.type_name.split("::").next().map(str::to_owned);
        let overlaps = |span: &&Span| {
            span.workflow_id != self.workflow_id
                && of_struct(span) == of_struct(last)
                && span.from_ns < last.to_ns.unwrap_or(u64::MAX)
                // One that hangs to the end of the run does no work.
                && span.to_ns.or(died_ns(self.view, span)).is_some_and(|ended_ns| ended_ns > last.from_ns)
        };
        let others: Vec<&Span> = spans().filter(overlaps).collect();
        match *others {
            [] => String::new(),
            [other] => {
                let beside = format!(", beside {} of {}", other.type_name, self.names.name(&other.workflow_id, &other.run_id));
                if other.process == last.process { beside } else { format!("{beside} on {}", name(self.view, other.process)) }
            }
            _ => format!(", beside {} others", others.len()),
        }
    }

    /// Whether this workflow task asked for a child of this id.
    pub(super) fn asks_for_child(&self, workflow_id: &str, completed_event_id: i64) -> bool {
        let is_it = |it: &Attributes| match it {
            Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(it) => {
                it.workflow_id == workflow_id && it.workflow_task_completed_event_id == completed_event_id
            }
            _ => false,
        };
        self.events.iter().filter_map(|event| event.attributes.as_ref()).any(is_it)
    }

    /// The signal that this event sent.
    pub(super) fn signal(&self, initiated_event_id: i64) -> Option<&SignalExternalWorkflowExecutionInitiatedEventAttributes> {
        match self.at(initiated_event_id)? {
            Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(sent) => Some(sent),
            _ => None,
        }
    }

    /// The update that this event accepted.
    pub(super) fn update(&self, accepted_event_id: i64) -> Option<String> {
        match self.at(accepted_event_id)? {
            Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(it) => Some(update(it.accepted_request.as_ref())),
            _ => None,
        }
    }

    /// The activities and the updates that do not end in the history.
    pub(super) fn unfinished(&self) -> Vec<String> {
        let updates = self.open_updates().into_iter().map(|update| format!("the update {update}"));
        self.open_activities().into_iter().chain(updates).collect()
    }

    fn open_updates(&self) -> Vec<String> {
        let attributes = || self.events.iter().filter_map(|event| Some((event.event_id, event.attributes.as_ref()?)));
        let completed: BTreeSet<i64> = attributes()
            .filter_map(|(_, attributes)| match attributes {
                Attributes::WorkflowExecutionUpdateCompletedEventAttributes(it) => Some(it.accepted_event_id),
                _ => None,
            })
            .collect();
        attributes().filter(|(id, _)| !completed.contains(id)).filter_map(|(id, _)| self.update(id)).collect()
    }

    fn open_activities(&self) -> Vec<String> {
        let ended: BTreeSet<i64> =
            self.events.iter().filter_map(|event| scheduled_event_of_end(event.attributes.as_ref()?)).collect();
        let scheduled = self.events.iter().map(|event| event.event_id).filter(|id| !ended.contains(id));
        scheduled.filter_map(|id| self.activity(id)).collect()
    }
}

/// The completed workflow task that closed the run with this event.
pub(super) fn closing_task(attributes: &Attributes) -> Option<i64> {
    match attributes {
        Attributes::WorkflowExecutionCompletedEventAttributes(it) => Some(it.workflow_task_completed_event_id),
        Attributes::WorkflowExecutionFailedEventAttributes(it) => Some(it.workflow_task_completed_event_id),
        Attributes::WorkflowExecutionCanceledEventAttributes(it) => Some(it.workflow_task_completed_event_id),
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(it) => Some(it.workflow_task_completed_event_id),
        _ => None,
    }
}

/// The event that scheduled the activity that ends here.
fn scheduled_event_of_end(attributes: &Attributes) -> Option<i64> {
    match attributes {
        Attributes::ActivityTaskCompletedEventAttributes(it) => Some(it.scheduled_event_id),
        Attributes::ActivityTaskFailedEventAttributes(it) => Some(it.scheduled_event_id),
        Attributes::ActivityTaskTimedOutEventAttributes(it) => Some(it.scheduled_event_id),
        Attributes::ActivityTaskCanceledEventAttributes(it) => Some(it.scheduled_event_id),
        _ => None,
    }
}

/// Where an activity ended, by the identity of whoever told the server.
pub(super) fn on(identity: &str) -> String {
    match identity {
        "" => String::new(),
        TEST => " by a client of the test's".to_owned(),
        _ => format!(" on {}", spoken(identity)),
    }
}

/// Where a request comes from, by the identity of its client.
pub(super) fn from(identity: &str) -> String {
    match identity {
        "" => String::new(),
        TEST => " from the test".to_owned(),
        _ => format!(" from {}", spoken(identity)),
    }
}
