//! What a history says of its run at a glance.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use foretime_server::proto::enums::EventType;

use crate::{
    markers, path,
    path::Class,
    tasks::{Sdk, tasks},
    wire::{Event, events},
};

/// A run at a glance. All is as recorded: text that is not is empty or `None`.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The type of the workflow.
    pub workflow_type: String,
    /// The task queue that the run was started on.
    pub task_queue: String,
    /// The workflow's id. Older servers do not record it in any event.
    pub workflow_id: Option<String>,
    /// The run's id. A run that was made by a reset has the events of the other run up to there, and its own id in the event of the
    /// workflow task that the reset failed.
    pub run_id: Option<String>,
    /// Whether the history ends before the run does.
    pub is_open: bool,
    /// How many events there are.
    pub events_count: usize,
    /// The id of the last one.
    pub last_event_id: i64,
    /// How many workflow tasks were completed. Of none, there is nothing to replay.
    pub completed_tasks_count: usize,
    /// When the run was started.
    pub started: Option<SystemTime>,
    /// The SDK that completed the first workflow task. Older SDKs do not record themselves.
    pub first_sdk: Option<Sdk>,
    /// The SDK that completed the last one.
    pub last_sdk: Option<Sdk>,
    /// The ids of the patches (`patched`) and changes (`getVersion`) that the run has come by, as far as the markers are legible.
    pub patches: BTreeSet<String>,
    /// The path that the run took.
    pub class: Class,
}

/// Fields of the attributes of `WorkflowExecutionStarted`.
mod started {
    pub(super) const WORKFLOW_TYPE: u32 = 1;
    pub(super) const TASK_QUEUE: u32 = 5;
    pub(super) const ORIGINAL_RUN_ID: u32 = 14;
    pub(super) const WORKFLOW_ID: u32 = 28;
    /// Of a type, and of a task queue.
    pub(super) const NAME: u32 = 1;
}

/// Of the attributes of `WorkflowTaskFailed`.
const NEW_RUN_ID: u32 = 7;

impl Summary {
    /// Of a history, given as the bytes of a `History`.
    pub fn of(encoded: &[u8]) -> Self {
        let tasks = tasks(encoded);
        let mut this = Self {
            workflow_type: String::new(),
            task_queue: String::new(),
            workflow_id: None,
            run_id: None,
            is_open: true,
            events_count: 0,
            last_event_id: 0,
            completed_tasks_count: tasks.len(),
            started: None,
            first_sdk: tasks.iter().find_map(|task| task.sdk.clone()),
            last_sdk: tasks.last().and_then(|task| task.sdk.clone()),
            patches: BTreeSet::new(),
            class: path::class(encoded),
        };
        for event in events(encoded) {
            this.take(&event);
        }
        this
    }

    fn take(&mut self, event: &Event<'_>) {
        use EventType as E;
        self.events_count += 1;
        self.last_event_id = event.id;
        let attributes = event.attributes;
        let id = |field| Some(attributes.text(field)).filter(|id| !id.is_empty()).map(str::to_owned);
        match E::try_from(event.kind).unwrap_or_default() {
            E::WorkflowExecutionStarted => {
                self.workflow_type = attributes.message(started::WORKFLOW_TYPE).text(started::NAME).to_owned();
                self.task_queue = attributes.message(started::TASK_QUEUE).text(started::NAME).to_owned();
                self.workflow_id = id(started::WORKFLOW_ID);
                self.run_id = id(started::ORIGINAL_RUN_ID);
                self.started = event.time().and_then(instant);
            }
            E::WorkflowTaskFailed => self.run_id = id(NEW_RUN_ID).or(self.run_id.take()),
            E::MarkerRecorded => self.patches.extend(markers::patch(event.attributes).and_then(|patch| patch.id)),
            E::WorkflowExecutionCompleted | E::WorkflowExecutionFailed | E::WorkflowExecutionTimedOut => self.is_open = false,
            E::WorkflowExecutionCanceled | E::WorkflowExecutionTerminated => self.is_open = false,
            E::WorkflowExecutionContinuedAsNew => self.is_open = false,
            _ => {}
        }
    }
}

fn instant((seconds, nanos): (i64, i64)) -> Option<SystemTime> {
    let span = Duration::new(seconds.unsigned_abs(), 0);
    let whole = if seconds < 0 { SystemTime::UNIX_EPOCH.checked_sub(span) } else { SystemTime::UNIX_EPOCH.checked_add(span) };
    whole?.checked_add(Duration::from_nanos(nanos.try_into().ok()?))
}
