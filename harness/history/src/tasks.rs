//! The workflow tasks of a history.

use std::ops::RangeInclusive;

use foretime_server::proto::enums::EventType;

use crate::{
    attributes::Row,
    wire::{self, Event},
};

/// A workflow task that a worker completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its place among the completed ones, from 1.
    pub number: usize,
    /// The event of its being scheduled.
    pub scheduled_event_id: i64,
    /// The event of its start, the last one that the worker saw of the history.
    pub started_event_id: i64,
    /// The event of its completion.
    pub completed_event_id: i64,
    /// The events that its commands wrote; `None` if it had none.
    pub commands: Option<RangeInclusive<i64>>,
    /// The SDK that completed it. SDKs say so once and again when it changes; in between, it is the one before.
    pub sdk: Option<Sdk>,
    /// The build that completed it, if it is recorded: the build id of its deployment version, or what came before those.
    pub build_id: Option<String>,
}

/// A Temporal SDK.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sdk {
    /// As it names itself: `temporal-go`.
    pub name: String,
    /// Its version: `1.31.0`.
    pub version: String,
}

/// Fields of the attributes of `WorkflowTaskCompleted`.
mod completed {
    pub(super) const SCHEDULED_EVENT_ID: u32 = 1;
    pub(super) const STARTED_EVENT_ID: u32 = 2;
    pub(super) const BINARY_CHECKSUM: u32 = 4;
    pub(super) const WORKER_VERSION: u32 = 5;
    pub(super) const SDK_METADATA: u32 = 6;
    pub(super) const DEPLOYMENT_VERSION: u32 = 11;
    /// Of a deployment version, and of a worker version.
    pub(super) const BUILD_ID: u32 = 1;
    pub(super) const SDK_NAME: u32 = 3;
    pub(super) const SDK_VERSION: u32 = 4;
}

/// The completed workflow tasks of a history, given as the bytes of a `History`.
pub fn tasks(encoded: &[u8]) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for event in wire::events(encoded) {
        if event.kind == EventType::WorkflowTaskCompleted as i32 {
            let task = Task::of(&event, tasks.last());
            tasks.push(task);
            continue;
        }
        let Some(task) = tasks.last_mut() else { continue };
        if wrote(task, &event) {
            let first = task.commands.as_ref().map_or(event.id, |written| *written.start());
            task.commands = Some(first..=event.id);
        }
    }
    tasks
}

/// Whether the task's commands wrote this event. That updates were accepted and answered is written by commands too, but only their
/// place says which.
fn wrote(task: &Task, event: &Event<'_>) -> bool {
    use EventType as E;
    match E::try_from(event.kind).unwrap_or_default() {
        E::WorkflowExecutionUpdateAccepted | E::WorkflowExecutionUpdateCompleted => {
            event.id == task.commands.as_ref().map_or(task.completed_event_id, |written| *written.end()) + 1
        }
        _ => Row::of(event).completed(event) == Some(task.completed_event_id),
    }
}

impl Task {
    fn of(event: &Event<'_>, before: Option<&Self>) -> Self {
        let attributes = event.attributes;
        let metadata = attributes.message(completed::SDK_METADATA);
        let [name, version] = [completed::SDK_NAME, completed::SDK_VERSION].map(|field| metadata.text(field).to_owned());
        let last = before.and_then(|task| task.sdk.clone());
        let sdk = match (name.is_empty(), version.is_empty()) {
            (true, true) => last,
            (true, false) => Some(Sdk { name: last.map(|sdk| sdk.name).unwrap_or_default(), version }),
            _ => Some(Sdk { name, version }),
        };
        let build_ids = [
            attributes.message(completed::DEPLOYMENT_VERSION).text(completed::BUILD_ID),
            attributes.message(completed::WORKER_VERSION).text(completed::BUILD_ID),
            attributes.text(completed::BINARY_CHECKSUM),
        ];
        Self {
            number: before.map_or(1, |task| task.number + 1),
            scheduled_event_id: attributes.number(completed::SCHEDULED_EVENT_ID),
            started_event_id: attributes.number(completed::STARTED_EVENT_ID),
            completed_event_id: event.id,
            commands: None,
            sdk,
            build_id: build_ids.into_iter().find(|id| !id.is_empty()).map(str::to_owned),
        }
    }
}
