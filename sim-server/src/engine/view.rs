//! What a simulation sees of the engine from inside, without a call.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    iter,
};

use prost::Message;

use super::{
    Engine,
    activity::attempt::Attempt,
    kernel::time::Time,
    remains::Remains,
    schedule::Schedule,
    workflow::{recorded::ScheduledActivity, run::Run},
};
use crate::proto::{
    enums::WorkflowExecutionStatus,
    history::{History, HistoryEvent},
};

/// The state of a service.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    engine: &'a Engine,
}

impl<'a> View<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Every run, in the order in which they began. Those that were deleted are among them, if the configuration says that they are
    /// kept.
    pub fn runs(&self) -> impl Iterator<Item = RunView<'a>> + use<'a> {
        let engine = self.engine;
        let mut deleted = engine.deleted.iter().flat_map(BTreeMap::values).peekable();
        let mut kept = engine.runs.iter().peekable();
        let runs = iter::from_fn(move || match (deleted.peek(), kept.peek()) {
            (Some(one), Some(other)) if one.key() > other.key() => kept.next(),
            (Some(_), _) => deleted.next(),
            (None, _) => kept.next(),
        });
        runs.map(move |run| RunView { run, namespace: &engine.namespaces.get(run.namespace()).name })
    }

    /// The closed runs, in the order in which they closed, but for the first `count`. None, unless the configuration says that this is
    /// remembered.
    pub fn closed_from(&self, count: usize) -> impl Iterator<Item = RunView<'a>> + use<'a> {
        let engine = self.engine;
        let closed = engine.closed.as_deref().and_then(|closed| closed.get(count..)).unwrap_or_default();
        closed
            .iter()
            // One that was deleted since still counts.
            .filter(|key| engine.runs.contains(**key))
            .map(move |key| engine.runs.get(*key))
            .map(move |run| RunView { run, namespace: &engine.namespaces.get(run.namespace()).name })
    }

    /// Every schedule that nobody has deleted, in the order in which they were created.
    pub fn schedules(&self) -> impl Iterator<Item = ScheduleView<'a>> + use<'a> {
        let engine = self.engine;
        let open = engine.schedules.iter().filter(|schedule| schedule.is_open(engine.now(schedule.namespace())));
        open.map(|schedule| ScheduleView { schedule })
    }

    /// What is left besides what is kept for good. A server has come to rest if nothing is.
    pub fn remains(&self) -> Remains {
        Remains::of(self.engine)
    }

    /// A hash of all state except the clock and who polled when. Equal states have equal digests. Slow; for tests.
    pub fn digest(&self) -> u64 {
        let Engine {
            ids,
            tickets,
            namespaces,
            matching,
            workers,
            heartbeats,
            runs,
            schedules,
            schedule_watches,
            batches,
            retention,
            waiters,
            queries,
            update_waiters,
            effects,
            visibility,
            ..
        } = self.engine;
        let mut hasher = DefaultHasher::new();
        let timers = &self.engine.domain.timers;
        let parts = format!(
            "{ids:?} {tickets:?} {namespaces:?} {workers:?} {heartbeats:?} {runs:?} {schedules:?} {schedule_watches:?} \
             {batches:?} {retention:?} {waiters:?} {queries:?} {update_waiters:?} {effects:?} {timers:?} {visibility:?}"
        );
        parts.hash(&mut hasher);
        matching.hash_tasks_and_polls(&mut hasher);
        hasher.finish()
    }
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct RunView<'a> {
    run: &'a Run,
    namespace: &'a str,
}

/// A schedule.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleView<'a> {
    schedule: &'a Schedule,
}

impl<'a> ScheduleView<'a> {
    /// Its id, as clients know it.
    pub fn schedule_id(&self) -> &'a str {
        self.schedule.schedule_id()
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.schedule.is_paused()
    }

    /// When it has its next turn, if it has one.
    pub fn next_turn(&self) -> Option<Time> {
        self.schedule.next_turn()
    }
}

/// An activity of a run that has not ended.
#[derive(Clone, Copy, Debug)]
pub struct ActivityView<'a> {
    scheduled: &'a ScheduledActivity,
    attempt: &'a Attempt,
}

impl<'a> ActivityView<'a> {
    /// Its type.
    pub fn activity_type(&self) -> &'a str {
        &self.scheduled.activity.activity_type
    }

    /// The task queue of its tasks.
    pub fn task_queue(&self) -> &'a str {
        &self.attempt.activity().task_queue
    }

    /// Which attempt it is at, from 1.
    pub fn attempt(&self) -> i32 {
        self.attempt.number()
    }

    /// Its id.
    pub fn activity_id(&self) -> &'a str {
        &self.scheduled.activity.activity_id
    }

    /// The identity of the worker that has this attempt, if one has.
    pub fn worker(&self) -> Option<&'a str> {
        self.attempt.is_started().then_some(self.attempt.identity())
    }

    /// Who has paused it and why, if it is paused.
    pub fn pause(&self) -> Option<(&'a str, &'a str)> {
        self.attempt.paused_by()
    }

    /// What the attempt before failed with.
    pub fn last_failure(&self) -> Option<&'a str> {
        self.attempt.last_failure().map(|failure| failure.message.as_str())
    }
}

impl<'a> RunView<'a> {
    /// Its activities that have not ended.
    pub fn open_activities(&self) -> impl Iterator<Item = ActivityView<'a>> + use<'a> {
        let pending = self.run.is_running().then(|| self.run.pending_activities());
        pending.into_iter().flatten().map(|(_, scheduled, attempt)| ActivityView { scheduled, attempt })
    }

    /// The name of its namespace.
    pub fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// Its workflow id.
    pub fn workflow_id(&self) -> &'a str {
        self.run.workflow_id()
    }

    /// Its run id.
    pub fn run_id(&self) -> &'a str {
        self.run.run_id()
    }

    /// Its workflow type.
    pub fn workflow_type(&self) -> &'a str {
        self.run.workflow_type()
    }

    /// The task queue of its workflow tasks.
    pub fn task_queue(&self) -> &'a str {
        self.run.task_queue()
    }

    /// Its status.
    pub fn status(&self) -> WorkflowExecutionStatus {
        self.run.status()
    }

    /// Whether it has not ended. It may be paused.
    pub fn is_open(&self) -> bool {
        self.run.is_running()
    }

    /// Who has paused it and why, if it is open and paused.
    pub fn pause(&self) -> Option<(String, String)> {
        let pause = self.run.pause().filter(|_| self.run.is_paused());
        pause.map(|pause| (pause.identity, pause.reason))
    }

    /// When it was closed, if it was.
    pub fn close_time(&self) -> Option<Time> {
        self.run.close_time()
    }

    /// How many events were written.
    pub fn events_count(&self) -> usize {
        usize::try_from(self.run.history().last_id()).unwrap_or(0)
    }

    /// Its events so far, as the bytes of a `History` message.
    pub fn encoded_events(&self) -> Vec<u8> {
        self.run.history().encoded(1, self.run.history().next_id())
    }

    /// Its first event, which says what it was started with.
    pub fn first_event(&self) -> Option<HistoryEvent> {
        let mut history = History::default();
        history.merge(&mut &self.run.history().encoded(1, 2)[..]).ok()?;
        history.events.into_iter().next()
    }

    /// Its events from this id on (the first is 1), decoded.
    pub fn events_from(&self, event_id: i64) -> Vec<HistoryEvent> {
        let (from, to) = (event_id.max(1), self.run.history().next_id());
        // An event is large, so it pays not to move them all each time that there are twice as many.
        let mut history = History { events: Vec::with_capacity(usize::try_from(to - from).unwrap_or(0)) };
        // By reference, as `decode` reads: another kind of buffer would compile all messages once more.
        let decoded = history.merge(&mut &self.run.history().encoded(from, to)[..]);
        decoded.map(|()| history.events).unwrap_or_default()
    }
}
