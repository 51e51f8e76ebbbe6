//! How a run begins (`AddWorkflowExecutionStartedEvent`, `GenerateWorkflowStartTasks`).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Cx, Facts, Parent, Run,
    due::{Due, RunDue},
    events::Extras,
    workflow_task::WorkflowTasks,
};
use crate::{
    engine::{
        history::History,
        namespace::NamespaceId,
        runs::RunKey,
        time::{Time, span},
    },
    proto::{
        enums::WorkflowExecutionStatus,
        history::{WorkflowExecutionStartedEventAttributes, history_event::Attributes},
    },
};

/// All that a new run starts from.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) namespace: NamespaceId,
    pub(crate) run_id: String,
    pub(crate) request_id: String,
    pub(crate) parent: Option<Parent>,
    pub(crate) attributes: WorkflowExecutionStartedEventAttributes,
    pub(crate) extras: Extras,
}

impl Run {
    /// A new run with its started event; its first workflow task is not scheduled yet.
    pub(crate) fn begin(cx: &mut Cx<'_>, key: RunKey, start: Start) -> Self {
        let Start { namespace, run_id, request_id, parent, attributes, extras } = start;
        let facts = facts(cx.now, request_id, parent, &attributes);
        let mut run = Self {
            key,
            namespace,
            workflow_id: attributes.workflow_id.clone(),
            run_id,
            facts,
            status: WorkflowExecutionStatus::Running,
            close_time: None,
            new_run_id: String::new(),
            history: History::default(),
            buffer: Vec::new(),
            tasks: WorkflowTasks::default(),
            activities: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeMap::new(),
            external: BTreeSet::new(),
            signal_request_ids: BTreeSet::new(),
            signal_count: 0,
            cancel_request_id: None,
            attached_request_ids: BTreeSet::new(),
            memo: attributes.memo.as_ref().map(|memo| memo.fields.clone()).unwrap_or_default(),
            search_attributes: attributes.search_attributes.as_ref().map(|of| of.indexed_fields.clone()).unwrap_or_default(),
            run_timer: None,
            execution_timer: None,
            queries: Vec::new(),
            waiters: Vec::new(),
            transition_count: 0,
            holds: 0,
        };
        run.start_timeouts(cx);
        run.add_event_with(cx, Attributes::WorkflowExecutionStartedEventAttributes(attributes), extras);
        run
    }

    fn start_timeouts(&mut self, cx: &mut Cx<'_>) {
        let is_first_run = self.facts.first_run_id == self.run_id;
        let execution = self.facts.execution_expiration.filter(|_| !is_first_run);
        self.execution_timer = execution.map(|at| cx.timers.add(at, Due::Run(self.key, RunDue::ExecutionTimeout)));
        let run = self.facts.run_expiration.filter(|&at| execution.is_none_or(|execution| at < execution));
        self.run_timer = run.map(|at| cx.timers.add(at, Due::Run(self.key, RunDue::RunTimeout)));
    }

    /// Schedules the first workflow task, at once or after the backoff (start delay, cron, retry).
    pub(crate) fn schedule_first_workflow_task(&mut self, cx: &mut Cx<'_>) {
        if self.facts.execution_time > cx.now {
            let due = Due::Run(self.key, RunDue::FirstWorkflowTask);
            self.tasks.first_backoff = Some(cx.timers.add(self.facts.execution_time, due));
        } else {
            self.schedule_workflow_task(cx);
        }
    }

    /// The attributes of this run's started event.
    pub(crate) fn started_attributes(&self) -> WorkflowExecutionStartedEventAttributes {
        match self.history.get(1).and_then(|event| event.attributes) {
            Some(Attributes::WorkflowExecutionStartedEventAttributes(attributes)) => attributes,
            _ => WorkflowExecutionStartedEventAttributes::default(),
        }
    }
}

fn facts(
    now: Time,
    start_request_id: String,
    parent: Option<Parent>,
    attributes: &WorkflowExecutionStartedEventAttributes,
) -> Facts {
    let backoff = span(attributes.first_workflow_task_backoff.as_ref());
    let run_timeout = span(attributes.workflow_run_timeout.as_ref());
    let execution_expiration = attributes.workflow_execution_expiration_time.as_ref().map(Time::from_proto);
    let run_expiration = if run_timeout == Duration::ZERO { None } else { Some(now + backoff + run_timeout) };
    let run_expiration = match (run_expiration, execution_expiration) {
        (Some(run), Some(execution)) => Some(run.min(execution)),
        (run, execution) => run.or(execution),
    };
    Facts {
        workflow_type: attributes.workflow_type.as_ref().map(|of| of.name.clone()).unwrap_or_default(),
        task_queue: attributes.task_queue.as_ref().map(|of| of.name.clone()).unwrap_or_default(),
        execution_timeout: span(attributes.workflow_execution_timeout.as_ref()),
        run_timeout,
        task_timeout: span(attributes.workflow_task_timeout.as_ref()),
        execution_expiration,
        run_expiration,
        start_request_id,
        first_run_id: attributes.first_execution_run_id.clone(),
        start_time: now,
        execution_time: now + backoff,
        attempt: attributes.attempt,
        cron_schedule: attributes.cron_schedule.clone(),
        retry_policy: attributes.retry_policy.clone().map(Box::new),
        parent: parent.map(Box::new),
        root: attributes.root_workflow_execution.as_ref().map(|root| Box::new((root.workflow_id.clone(), root.run_id.clone()))),
        priority: attributes.priority.clone(),
    }
}
