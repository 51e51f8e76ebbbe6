//! A history that is examined, and the places where it can be cut.

use std::cell::OnceCell;

use foretime_history::{
    Summary, Task,
    compare::{Marker, Step},
    events::{self, Index},
    tasks,
};
use foretime_server::proto::enums::EventType;

/// A history, as the worker gets it.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The bytes of a `History` message.
    pub(super) encoded: Vec<u8>,
    index: Index,
    /// The same with decoded payloads, once they have been decoded.
    readable: OnceCell<(Vec<u8>, Index)>,
    pub(super) tasks: Vec<Task>,
    pub(super) workflow_type: String,
    pub(super) workflow_id: String,
    pub(super) run_id: String,
    /// Which of the two ids are made up, since the history does not have them; empty if none is.
    pub(super) unrecorded: &'static str,
    /// The queue that the worker polls.
    pub(super) task_queue: String,
}

impl Subject {
    /// The history of these bytes, for the worker that polls `task_queue`. Ids that are not recorded are made up, always the same.
    pub(crate) fn new(encoded: Vec<u8>, summary: &Summary, task_queue: String) -> Self {
        let made_up = |seed: &str| format!("{seed}-{:08x}", summary.events_count);
        Self {
            unrecorded: match (&summary.workflow_id, &summary.run_id) {
                (None, None) => "workflow id and run id",
                (None, Some(_)) => "workflow id",
                (Some(_), None) => "run id",
                (Some(_), Some(_)) => "",
            },
            tasks: tasks(&encoded),
            index: Index::of(&encoded),
            encoded,
            readable: OnceCell::new(),
            workflow_type: summary.workflow_type.clone(),
            workflow_id: summary.workflow_id.clone().unwrap_or_else(|| made_up("unrecorded-workflow-id")),
            run_id: summary.run_id.clone().unwrap_or_else(|| "00000000-0000-4000-8000-000000000000".to_owned()),
            task_queue,
        }
    }

    /// The bytes with decoded payloads, if they have been decoded.
    pub(crate) fn readable(&self) -> &[u8] {
        self.indexed().0
    }

    fn indexed(&self) -> (&[u8], &Index) {
        self.readable.get().map_or((&self.encoded, &self.index), |(readable, index)| (readable, index))
    }

    pub(super) fn is_read(&self) -> bool {
        self.readable.get().is_some()
    }

    /// These are the bytes with decoded payloads.
    pub(super) fn reads(&self, readable: Vec<u8>) {
        let index = Index::of(&readable);
        let _ = self.readable.set((readable, index));
    }

    pub(crate) fn task_queue(&self) -> &str {
        &self.task_queue
    }

    /// The last event of a task's commands: the history up to there holds all that the task has asked for.
    pub(super) fn after_commands(&self, task: usize) -> i64 {
        let task = &self.tasks[task];
        task.commands.as_ref().map_or(task.completed_event_id, |commands| *commands.end())
    }

    /// The marker of the patch that a message names, among those that a task has recorded.
    pub(super) fn patch_named_in(&self, task: usize, message: &str) -> Option<i64> {
        let markers =
            self.events(self.tasks[task].completed_event_id, self.after_commands(task)).filter(events::Event::is_marker);
        let named = |event: &events::Event<'_>| match Step::of_event(event.encoded)?.marker()? {
            Marker::Patch { id, .. } => Some(!id.is_empty() && message.contains(id.as_str())),
            _ => None,
        };
        markers.into_iter().find(|event| named(event) == Some(true)).map(|event| event.id)
    }

    /// How many updates have been answered.
    pub(super) fn answered_updates_count(&self) -> usize {
        self.events(1, i64::MAX).filter(|event| event.event_type == Some(EventType::WorkflowExecutionUpdateCompleted)).count()
    }

    /// The event that is in the place of what a task's code asks for in addition: the one behind its commands, or the end of the run.
    pub(super) fn behind_commands(&self, task: usize) -> i64 {
        self.after_commands(task) + i64::from(!self.closes(task))
    }

    /// Whether a task's commands have closed the run.
    pub(super) fn closes(&self, task: usize) -> bool {
        let last = self.after_commands(task);
        self.encoded_events(last, last).filter_map(Step::of_event).any(|step| step.closes_the_workflow())
    }

    /// What an event says that the code asked for, if it says so.
    pub(super) fn step(&self, event_id: i64) -> Option<Step> {
        self.encoded_events(event_id, event_id).next().and_then(Step::of_event)
    }

    /// The events of a task that the code gets an answer from within it: markers and accepted updates.
    pub(super) fn answers(&self, task: usize) -> impl Iterator<Item = i64> {
        let commands = self.tasks[task].commands.iter();
        let events = commands.flat_map(|commands| self.events(*commands.start(), *commands.end()));
        events.filter(|event| event.is_answer()).map(|event| event.id)
    }

    /// The last of them; `None` if it has none.
    pub(super) fn last_answer(&self, task: usize) -> Option<i64> {
        self.answers(task).last()
    }

    /// The start of the last task up to an event.
    pub(super) fn started_event_id(&self, until_event_id: i64) -> i64 {
        let count = self.tasks.partition_point(|task| task.started_event_id <= until_event_id);
        count.checked_sub(1).map_or(0, |last| self.tasks[last].started_event_id)
    }

    /// The bytes of the events from one to another, as a `History` message.
    pub(super) fn slice(&self, from_event_id: i64, until_event_id: i64) -> Vec<u8> {
        self.encoded[self.index.span(from_event_id, until_event_id)].to_vec()
    }

    /// Events for people and comparisons, each encoded.
    pub(super) fn encoded_events(&self, from_event_id: i64, until_event_id: i64) -> impl Iterator<Item = &[u8]> {
        self.events(from_event_id, until_event_id).map(|event| event.encoded)
    }

    fn events(&self, from_event_id: i64, until_event_id: i64) -> impl Iterator<Item = events::Event<'_>> {
        let (readable, index) = self.indexed();
        events::of(&readable[index.span(from_event_id, until_event_id)])
    }

    /// The patches and versions recorded up to an event; all if there is none.
    pub(super) fn patches_until(&self, event_id: Option<i64>) -> Vec<String> {
        let events = self.events(1, event_id.unwrap_or(i64::MAX)).filter(events::Event::is_marker);
        let markers = events.filter_map(|event| Step::of_event(event.encoded));
        let patches = markers.filter_map(|step| match step.marker()? {
            Marker::Patch { .. } => Some(step.name()),
            _ => None,
        });
        patches.collect()
    }
}
