//! What a simulation sees of the server from inside, without a call: every run, with its history.

use prost::Message;

use super::{
    Engine,
    namespace::NamespaceId,
    time::Time,
    workflow::{
        Run,
        activity::{Activity, ActivityState},
    },
};
use crate::proto::{
    enums::WorkflowExecutionStatus,
    history::{History, HistoryEvent},
};

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct RunView<'a> {
    run: &'a Run,
    namespace: &'a str,
}

/// An activity of a run that has not ended.
#[derive(Clone, Copy, Debug)]
pub struct ActivityView<'a> {
    activity: &'a Activity,
}

impl<'a> ActivityView<'a> {
    /// Its type.
    pub fn activity_type(&self) -> &'a str {
        &self.activity.activity_type
    }

    /// The task queue of its tasks.
    pub fn task_queue(&self) -> &'a str {
        &self.activity.task_queue
    }

    /// Which attempt it is at, from 1.
    pub fn attempt(&self) -> i32 {
        self.activity.attempt
    }

    /// Its id.
    pub fn activity_id(&self) -> &'a str {
        &self.activity.activity_id
    }

    /// The identity of who has this attempt, if somebody has.
    pub fn worker(&self) -> Option<&'a str> {
        (self.activity.state == ActivityState::Started).then_some(self.activity.identity.as_str())
    }

    /// What the attempt before failed with.
    pub fn last_failure(&self) -> Option<&'a str> {
        self.activity.last_failure.as_ref().map(|failure| failure.message.as_str())
    }
}

impl Engine {
    /// Every run, in the order in which they began.
    pub fn runs(&self) -> impl Iterator<Item = RunView<'_>> {
        self.runs.iter().map(|run| RunView { run, namespace: self.namespace_name(run.namespace) })
    }

    fn namespace_name(&self, id: NamespaceId) -> &str {
        &self.namespaces.get(id).name
    }
}

impl<'a> RunView<'a> {
    /// Its activities that have not ended.
    pub fn open_activities(&self) -> impl Iterator<Item = ActivityView<'a>> + use<'a> {
        self.run.activities.values().map(|activity| ActivityView { activity })
    }

    /// The name of its namespace.
    pub fn namespace(&self) -> &str {
        self.namespace
    }

    /// Its workflow id.
    pub fn workflow_id(&self) -> &str {
        &self.run.workflow_id
    }

    /// Its run id.
    pub fn run_id(&self) -> &str {
        &self.run.run_id
    }

    /// Its workflow type.
    pub fn workflow_type(&self) -> &str {
        &self.run.facts.workflow_type
    }

    /// The task queue of its workflow tasks.
    pub fn task_queue(&self) -> &str {
        &self.run.facts.task_queue
    }

    /// Its status.
    pub fn status(&self) -> WorkflowExecutionStatus {
        self.run.status
    }

    /// When it was closed, if it was.
    pub fn close_time(&self) -> Option<Time> {
        self.run.close_time
    }

    /// How many events were written.
    pub fn events_count(&self) -> usize {
        usize::try_from(self.run.history.last_id()).unwrap_or(0)
    }

    /// Its events so far, as the bytes of a `History` message.
    pub fn encoded_events(&self) -> &[u8] {
        self.run.history.slice(1, self.run.history.next_id())
    }

    /// Its events from this id on (the first is 1), decoded.
    pub fn events_from(&self, event_id: i64) -> Vec<HistoryEvent> {
        let (from, to) = (event_id.max(1), self.run.history.next_id());
        // An event is large, so it pays not to move them all each time that there are twice as many.
        let mut history = History { events: Vec::with_capacity(usize::try_from(to - from).unwrap_or(0)) };
        let decoded = history.merge(self.run.history.slice(from, to));
        decoded.map(|()| history.events).unwrap_or_default()
    }
}
