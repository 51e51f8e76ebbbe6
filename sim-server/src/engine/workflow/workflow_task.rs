//! Workflow tasks: scheduled, started by a poll, completed, failed, timed out (`workflow/workflow_task_state_machine.go`).
//!
//! A run has at most one at a time. A normal task has its events in the history. From the second attempt on a task is transient: its
//! events are shown to the worker, with ids that are reserved for them, and written only if it completes ([`Run::write_task`]).
//! A task that is there for updates alone is speculative: the same, but it may also vanish.

use std::time::Duration;

use super::{problems::problem, run::Run, update::message, write::bare_event};
use crate::{
    engine::{
        execution::{By, Cx},
        kernel::{
            due::{Due, RunDue},
            effects::SERVER_IDENTITY,
            time::{Time, span_to_proto},
            token::TaskToken,
        },
        matching::queues::{Arrival, Poller, QueueId, QueueKind, Task},
        rules::{sdk, versions},
        skipping::holds::Work,
    },
    proto::{
        common::WorkerVersionStamp,
        enums::{SuggestContinueAsNewReason, TaskQueueKind, TimeoutType, WorkflowTaskFailedCause},
        failure::Failure,
        history::{
            HistoryEvent, WorkflowTaskCompletedEventAttributes, WorkflowTaskFailedEventAttributes,
            WorkflowTaskScheduledEventAttributes, WorkflowTaskStartedEventAttributes, WorkflowTaskTimedOutEventAttributes,
            history_event::Attributes,
        },
        taskqueue::TaskQueue,
        workflowservice::RespondWorkflowTaskCompletedRequest,
    },
};

/// Attempts up to this one use the plain timeout; later ones add an exponential backoff, since nothing else slows them down.
const PLAIN_TIMEOUT_ATTEMPTS: i32 = 3;
const RETRY_INTERVAL_INITIAL: Duration = Duration::from_secs(5);
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(600);
/// How long a speculative task waits in a normal queue before it becomes a normal one
/// (`SpeculativeWorkflowTaskScheduleToStartTimeout`).
const SPECULATIVE_SCHEDULE_TO_START: Duration = Duration::from_secs(5);
/// The request id of a speculative task that no worker has had (`emptyUUID`).
const EMPTY_REQUEST_ID: &str = "emptyUuid";
/// How many events a worker may get a second time (`history.discardSpeculativeWorkflowTaskMaximumEventsCount`).
const DISCARDED_EVENTS_MAX: i64 = 10;

/// A workflow task, and how far it has come.
#[derive(Debug, Default, PartialEq)]
pub(in crate::engine) enum WorkflowTask {
    /// There is none.
    #[default]
    None,
    /// It waits for a worker.
    Scheduled(Scheduled),
    /// A worker has it.
    Started(Scheduled, Box<Started>),
}

/// A task that is scheduled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::engine) struct Scheduled {
    pub(in crate::engine) scheduled_event_id: i64,
    pub(in crate::engine) timeout: Duration,
}

/// What is added when a worker takes it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) struct Started {
    pub(in crate::engine) started_event_id: i64,
    pub(in crate::engine) started_time: Time,
    pub(in crate::engine) identity: String,
    pub(in crate::engine) request_id: String,
    /// The build of the worker. A task that is not in the history does not tell it.
    pub(in crate::engine) worker_version: Option<WorkerVersionStamp>,
    pub(in crate::engine) suggest_continue_as_new_reasons: Vec<i32>,
    pub(in crate::engine) history_size_bytes: i64,
}

impl Started {
    /// The attributes of its event.
    fn into_attributes(self, scheduled_event_id: i64) -> WorkflowTaskStartedEventAttributes {
        WorkflowTaskStartedEventAttributes {
            scheduled_event_id,
            suggest_continue_as_new: !self.suggest_continue_as_new_reasons.is_empty(),
            suggest_continue_as_new_reasons: self.suggest_continue_as_new_reasons,
            identity: self.identity,
            request_id: self.request_id,
            worker_version: self.worker_version,
            history_size_bytes: self.history_size_bytes,
            ..WorkflowTaskStartedEventAttributes::default()
        }
    }
}

/// A task that is not in the history (yet), and why: the ids of its events are reserved.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// It repeats one that failed or timed out.
    Transient(WorkflowTask),
    /// It carries updates. If the worker rejects them all, the task leaves no trace. Otherwise, or if anything else happens to
    /// the run before, it becomes a normal one.
    Speculative(WorkflowTask),
}

impl Unwritten {
    pub(super) fn task(&self) -> &WorkflowTask {
        match self {
            Self::Transient(task) | Self::Speculative(task) => task,
        }
    }

    fn task_mut(&mut self) -> &mut WorkflowTask {
        match self {
            Self::Transient(task) | Self::Speculative(task) => task,
        }
    }
}

/// The queue of the worker that has the run in its cache.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Sticky {
    pub(in crate::engine) queue: QueueId,
    pub(in crate::engine) name: String,
    pub(in crate::engine) schedule_to_start: Duration,
}

impl WorkflowTask {
    pub(super) fn is_some(&self) -> bool {
        *self != Self::None
    }

    pub(super) fn scheduled(&self) -> Option<Scheduled> {
        match self {
            Self::None => None,
            Self::Scheduled(scheduled) | Self::Started(scheduled, _) => Some(*scheduled),
        }
    }

    pub(super) fn started(&self) -> Option<(Scheduled, &Started)> {
        match self {
            Self::Started(scheduled, started) => Some((*scheduled, started)),
            Self::None | Self::Scheduled(_) => None,
        }
    }

    /// 0 until a worker has it.
    fn started_event_id(&self) -> i64 {
        self.started().map_or(0, |(_, started)| started.started_event_id)
    }
}

impl Run {
    /// The workflow task that there is, written or not.
    pub(in crate::engine) fn workflow_task(&self) -> &WorkflowTask {
        self.volatile.unwritten.as_ref().map_or(&self.recorded.task, Unwritten::task)
    }

    /// Whether the task that a worker has is the one that the token names.
    pub(super) fn has_started_task(&self, token: &TaskToken) -> bool {
        self.workflow_task().started().is_some_and(|(scheduled, started)| {
            scheduled.scheduled_event_id == token.scheduled_event_id
                && started.started_event_id == token.started_event_id
                && self.volatile.attempt == token.attempt
                && started.started_time.as_nanos() == token.started_time
        })
    }

    /// Schedules a workflow task, unless there is one already, the first one is not due yet, or the run is paused.
    pub(in crate::engine) fn schedule_workflow_task(&mut self, cx: &mut Cx<'_>) {
        if self.is_deferring_tasks() {
            return;
        }
        let is_due = self.volatile.first_backoff.is_none() && !self.is_paused();
        if self.is_running() && !self.has_workflow_task() && is_due {
            self.place_workflow_task(cx, None, true);
        }
    }

    /// Writes (or withholds, if transient) the scheduled event, and puts the task into its queue if `enqueue`.
    pub(super) fn place_workflow_task(&mut self, cx: &mut Cx<'_>, original_scheduled_time: Option<Time>, enqueue: bool) {
        if !self.volatile.buffer.is_empty() {
            // New events: the next task is no mere repetition.
            self.volatile.attempt = 1;
            self.flush_buffer();
        }
        let timeout = start_to_close_timeout(self.recorded.facts.task_timeout, self.volatile.attempt);
        if self.volatile.attempt > 1 {
            let task = WorkflowTask::Scheduled(Scheduled { scheduled_event_id: self.history().next_id(), timeout });
            self.volatile.unwritten = Some(Unwritten::Transient(task));
        } else {
            self.add_event(cx, self.scheduled_attributes(timeout));
        }
        self.volatile.task.scheduled_time = cx.now;
        self.volatile.task.original_scheduled_time = original_scheduled_time.unwrap_or(cx.now);
        if enqueue {
            self.enqueue_workflow_task(cx);
        }
    }

    /// Places a task that carries updates and is not in the history.
    pub(super) fn place_speculative_task(&mut self, cx: &mut Cx<'_>, enqueue: bool) {
        let timeout = start_to_close_timeout(self.recorded.facts.task_timeout, self.volatile.attempt);
        let task = WorkflowTask::Scheduled(Scheduled { scheduled_event_id: self.history().next_id(), timeout });
        self.volatile.unwritten = Some(Unwritten::Speculative(task));
        self.keep_speculative();
        self.volatile.task.scheduled_time = cx.now;
        self.volatile.task.original_scheduled_time = cx.now;
        if enqueue {
            self.enqueue_workflow_task(cx);
            // Also in a normal queue it waits for so long only: nobody may poll that.
            if self.volatile.task.timer.is_none() {
                let due = Due::Run(self.key, RunDue::WorkflowTaskScheduleToStart);
                self.volatile.task.timer = Some(cx.timers.add(cx.now + SPECULATIVE_SCHEDULE_TO_START, due));
            }
        }
    }

    /// The transaction at hand changes nothing but a speculative task, or nothing at all.
    pub(super) fn keep_speculative(&mut self) {
        self.volatile.keeps_speculative = true;
    }

    pub(super) fn is_task_speculative(&self) -> bool {
        matches!(self.volatile.unwritten, Some(Unwritten::Speculative(_)))
    }

    /// Something is to be written that does not belong to a speculative task: that becomes a normal one. `by`: who made it so.
    /// The real server does not remember the worker.
    pub(super) fn settle_speculative_task(&mut self, cx: &mut Cx<'_>, by: By<'_>) {
        if self.is_task_speculative() {
            self.write_task(cx, by);
        }
    }

    fn enqueue_workflow_task(&mut self, cx: &mut Cx<'_>) {
        let sticky = self.volatile.sticky.as_ref();
        let sticky = sticky.filter(|sticky| cx.matching.sticky_worker_available(sticky.queue, cx.wall));
        let queue = match sticky {
            Some(sticky) => {
                let due = Due::Run(self.key, RunDue::WorkflowTaskScheduleToStart);
                self.volatile.task.timer = Some(cx.timers.add(cx.now + sticky.schedule_to_start, due));
                sticky.queue
            }
            None => cx.matching.queue(self.namespace, QueueKind::Workflow, self.task_queue()),
        };
        self.volatile.task.place =
            Some(cx.matching.add(queue, self.priority_key(), Task::Workflow(self.key), self.arrival(), cx.wall));
    }

    /// Whoever has just started a workflow may start its worker next. A worker that is wanted later has had its time to come.
    fn arrival(&self) -> Arrival {
        let facts = &self.recorded.facts;
        let is_first = self.run_id() == facts.first_run_id && facts.execution_time == facts.start_time;
        if is_first && !self.has_begun_work() && self.volatile.attempt == 1 { Arrival::New } else { Arrival::Usual }
    }

    /// A worker takes the pending task from this queue. If it is not the worker that has the run in its cache, that counts as gone.
    pub(in crate::engine) fn hand_out_workflow_task(&mut self, cx: &mut Cx<'_>, poller: &Poller, request_id: String) {
        if !self.has_cached(poller.queue) {
            self.volatile.sticky = None;
        }
        let by = By { worker: Some(poller.worker), version: poller.worker_version.as_ref(), ..By::identity(&poller.identity) };
        self.start_workflow_task(cx, by, request_id, false);
    }

    /// A worker gets the pending task: the one that had the last, if none is named.
    pub(super) fn start_workflow_task(&mut self, cx: &mut Cx<'_>, by: By<'_>, request_id: String, is_heartbeat: bool) {
        let WorkflowTask::Scheduled(scheduled) = *self.workflow_task() else { return };
        self.leave_queue(cx);
        let started = Started {
            started_event_id: scheduled.scheduled_event_id + 1,
            started_time: cx.now,
            identity: by.identity.to_owned(),
            request_id,
            worker_version: None,
            suggest_continue_as_new_reasons: self.suggest_continue_as_new_reasons(cx),
            history_size_bytes: self.history().size_bytes() as i64,
        };
        let mut started_event_id = started.started_event_id;
        let is_next = scheduled.scheduled_event_id == self.history().next_id();
        if let Some(unwritten) = self.volatile.unwritten.as_mut().filter(|_| is_next) {
            *unwritten.task_mut() = WorkflowTask::Started(scheduled, Box::new(started));
            self.volatile.keeps_speculative |= self.is_task_speculative();
        } else {
            if self.volatile.unwritten.is_some() {
                // Events came since it was scheduled: it becomes a normal first attempt.
                self.volatile.unwritten = None;
                self.volatile.attempt = 1;
                self.add_event(cx, self.scheduled_attributes(scheduled.timeout));
            }
            let scheduled_event_id = self.recorded.task.scheduled().map_or(0, |scheduled| scheduled.scheduled_event_id);
            let started = Started { worker_version: by.version.cloned(), ..started };
            let attributes = started.into_attributes(scheduled_event_id);
            started_event_id = self.add_event(cx, Attributes::WorkflowTaskStartedEventAttributes(attributes));
            self.recorded.end_batch();
        }
        self.send_updates(started_event_id, is_heartbeat);
        let worker = by.worker.or(self.volatile.task.worker);
        self.volatile.task.worker = worker;
        cx.skipping.holds.take(Work::WorkflowTask(self.key), worker, self.volatile.attempt, cx.wall);
        let due = Due::Run(self.key, RunDue::WorkflowTaskStartToClose);
        self.volatile.task.timer = Some(cx.timers.add(cx.now + scheduled.timeout, due));
    }

    /// The started task is done: writes its events and takes it away. Returns the id of its completed event.
    pub(super) fn complete_workflow_task(&mut self, cx: &mut Cx<'_>, request: &RespondWorkflowTaskCompletedRequest) -> i64 {
        self.leave_queue(cx);
        self.volatile.close_attempted = false;
        self.end_first_backoff(cx);
        self.write_task(cx, By::completing(request));
        self.forget_problems();
        let Some((scheduled, started)) = self.recorded.task.started() else { return 0 };
        self.volatile.attempt = 1;
        self.note_progress(cx);
        let attributes = WorkflowTaskCompletedEventAttributes {
            scheduled_event_id: scheduled.scheduled_event_id,
            started_event_id: started.started_event_id,
            identity: request.identity.clone(),
            binary_checksum: request.binary_checksum.clone(),
            worker_version: request.worker_version_stamp.clone(),
            sdk_metadata: request.sdk_metadata.clone(),
            metering_metadata: request.metering_metadata,
            worker_deployment_name: versions::deployment_name(request).to_owned(),
            ..WorkflowTaskCompletedEventAttributes::default()
        };
        self.add_event(cx, Attributes::WorkflowTaskCompletedEventAttributes(attributes))
    }

    /// Whether a worker's answer to a speculative task leaves nothing to write (`skipWorkflowTaskCompletedEvent`). The answer has
    /// no commands.
    pub(super) fn may_discard_workflow_task(&self, request: &RespondWorkflowTaskCompletedRequest) -> bool {
        // A worker that can go back further gets events again that it has seen; but not ever more of them.
        let goes_back = request.capabilities.is_some_and(|it| it.discard_speculative_workflow_task_with_events);
        let extra_events_max = if goes_back { DISCARDED_EVENTS_MAX } else { 0 };
        self.is_task_speculative()
            && !request.force_create_new_workflow_task
            && self.history().next_id() <= self.last_started_event_id() + 2 + extra_events_max
            && request.messages.iter().all(message::is_rejection)
    }

    /// The started task is speculative, and as if it had never been.
    pub(super) fn discard_workflow_task(&mut self, cx: &mut Cx<'_>) {
        self.leave_queue(cx);
        self.volatile.unwritten = None;
        self.volatile.attempt = 1;
        self.keep_speculative();
    }

    /// A task that is not in the history becomes a normal one: its events are written, with the ids that were reserved for
    /// them. Its started event says that it is `by` whom: the worker that took it is not remembered.
    fn write_task(&mut self, cx: &mut Cx<'_>, by: By<'_>) {
        let events = self.unwritten_events();
        self.volatile.unwritten = None;
        for mut event in events {
            let mut has_started = false;
            if let Some(Attributes::WorkflowTaskStartedEventAttributes(started)) = &mut event.attributes {
                by.identity.clone_into(&mut started.identity);
                started.worker_version = by.version.cloned();
                has_started = true;
            }
            event.task_id = cx.ids.task_id();
            self.recorded.write(&mut event);
            // As after the started event of a normal task: a reset goes back to here.
            if has_started {
                self.recorded.end_batch();
            }
        }
    }

    /// The started task failed. The next one is scheduled by the caller.
    pub(super) fn fail_workflow_task(
        &mut self,
        cx: &mut Cx<'_>,
        cause: WorkflowTaskFailedCause,
        failure: Option<Failure>,
        by: By<'_>,
    ) {
        if cause != WorkflowTaskFailedCause::UnhandledCommand {
            let message = failure.as_ref().map_or("", |failure| failure.message.as_str());
            let why = format!("{}: {message}", cause.as_str_name());
            let is_difference = cx.replays_always && sdk::is_nondeterminism(cause, failure.as_ref());
            if is_difference || cx.skipping.runaway.is_fail_fast() && cause != WorkflowTaskFailedCause::ForceCloseCommand {
                self.fail_fast(cx, format!("the workflow task of {} failed ({why})", self.name()));
            } else {
                self.note_failed_workflow_task(cx, &why);
            }
        }
        self.give_up_for_cause(cx, cause, failure, by);
        if cause == WorkflowTaskFailedCause::ForceCloseCommand {
            cx.skipping.holds.trust(Work::WorkflowTask(self.key));
        }
        self.volatile.close_attempted = cause == WorkflowTaskFailedCause::UnhandledCommand;
    }

    /// Fails the pending task, and does nothing besides.
    pub(super) fn give_up_for_cause(
        &mut self,
        cx: &mut Cx<'_>,
        cause: WorkflowTaskFailedCause,
        failure: Option<Failure>,
        by: By<'_>,
    ) {
        self.give_up_workflow_task(cx, by, true, |scheduled_event_id, started_event_id| {
            Attributes::WorkflowTaskFailedEventAttributes(WorkflowTaskFailedEventAttributes {
                scheduled_event_id,
                started_event_id,
                cause: cause.into(),
                failure,
                identity: by.identity.to_owned(),
                binary_checksum: by.binary_checksum.to_owned(),
                ..WorkflowTaskFailedEventAttributes::default()
            })
        });
        // A worker may name these causes, too. They never count.
        if matches!(cause, WorkflowTaskFailedCause::ResetWorkflow | WorkflowTaskFailedCause::FailoverCloseCommand) {
            self.volatile.attempt = 1;
        }
    }

    /// A speculative task fails that no worker has. On the real server it counts as started.
    pub(super) fn start_speculative_task_for_nobody(&mut self, cx: &Cx<'_>) {
        let history_size_bytes = self.history().size_bytes() as i64;
        let Some(Unwritten::Speculative(task)) = &mut self.volatile.unwritten else { return };
        let WorkflowTask::Scheduled(scheduled) = *task else { return };
        let started = Started {
            started_event_id: scheduled.scheduled_event_id + 1,
            started_time: cx.now,
            identity: SERVER_IDENTITY.to_owned(),
            request_id: EMPTY_REQUEST_ID.to_owned(),
            worker_version: None,
            suggest_continue_as_new_reasons: Vec::new(),
            history_size_bytes,
        };
        *task = WorkflowTask::Started(scheduled, Box::new(started));
    }

    /// The pending task timed out: in the sticky queue, or at the worker.
    pub(super) fn time_out_workflow_task(&mut self, cx: &mut Cx<'_>, timeout_type: TimeoutType) {
        let counts = timeout_type != TimeoutType::ScheduleToStart;
        if counts {
            self.note_failed_workflow_task(cx, "it timed out");
        }
        self.give_up_workflow_task(cx, By::default(), counts, |scheduled_event_id, started_event_id| {
            Attributes::WorkflowTaskTimedOutEventAttributes(WorkflowTaskTimedOutEventAttributes {
                scheduled_event_id,
                started_event_id,
                timeout_type: timeout_type.into(),
            })
        });
    }

    /// Takes the task away. If its own events are written, so is the event that says why it ended. After a failure on a sticky
    /// queue, the normal queue is tried first, and the failure does not count. `counts`: whether it does otherwise.
    fn give_up_workflow_task(&mut self, cx: &mut Cx<'_>, by: By<'_>, counts: bool, event: impl FnOnce(i64, i64) -> Attributes) {
        let Some(scheduled) = self.workflow_task().scheduled() else { return };
        self.volatile.close_attempted = false;
        self.leave_queue(cx);
        self.end_first_backoff(cx);
        self.settle_speculative_task(cx, by);
        let mut written = None;
        if self.volatile.unwritten.take().is_none() {
            let started_event_id = self.recorded.task.started_event_id();
            let attributes = event(scheduled.scheduled_event_id, started_event_id);
            written = problem(&attributes);
            self.add_event(cx, attributes);
        }
        let was_sticky = self.volatile.sticky.take().is_some();
        self.note_problem(cx, written, counts && !was_sticky);
        self.volatile.attempt = if was_sticky { 1 } else { self.volatile.attempt + i32::from(counts) };
    }

    /// The run closes: no worker gets the pending task any more. It stays to be described, as on the real server.
    pub(super) fn drop_workflow_task(&mut self, cx: &mut Cx<'_>) {
        self.leave_queue(cx);
        self.end_first_backoff(cx);
    }

    /// The first task is no longer waited for: an update has brought one before, or the run closes.
    fn end_first_backoff(&mut self, cx: &mut Cx<'_>) {
        if let Some(timer) = self.volatile.first_backoff.take() {
            cx.timers.cancel(timer);
        }
    }

    /// Forgets the sticky queue. A task that waits in it goes on waiting.
    pub(in crate::engine) fn clear_sticky(&mut self) {
        self.volatile.sticky = None;
        self.keep_speculative();
    }

    /// The run has another priority: a task that waits for a worker waits with that.
    pub(super) fn move_in_queue(&mut self, cx: &mut Cx<'_>) {
        if let Some(place) = self.volatile.task.place.take() {
            cx.matching.remove(place);
            let place = cx.matching.add(place.queue(), self.priority_key(), Task::Workflow(self.key), self.arrival(), cx.wall);
            self.volatile.task.place = Some(place);
        }
    }

    /// The worker with the run in its cache is gone. A task that waits for it moves to the normal queue.
    pub(in crate::engine) fn leave_sticky(&mut self, cx: &mut Cx<'_>) {
        if self.volatile.sticky.take().is_none() {
            return;
        }
        if matches!(self.workflow_task(), WorkflowTask::Scheduled(_)) {
            self.leave_queue(cx);
            self.enqueue_workflow_task(cx);
        }
    }

    /// Takes the task's timer and its place in the queue away.
    fn leave_queue(&mut self, cx: &mut Cx<'_>) {
        cx.skipping.holds.put_down(Work::WorkflowTask(self.key), cx.wall);
        self.volatile.pages = None;
        if let Some(timer) = self.volatile.task.timer.take() {
            cx.timers.cancel(timer);
        }
        if let Some(place) = self.volatile.task.place.take() {
            cx.matching.remove(place);
        }
    }

    /// The events of a task that is not in the history, as its worker sees them; none if there is no such task.
    pub(super) fn unwritten_events(&self) -> Vec<HistoryEvent> {
        let Some(task) = self.volatile.unwritten.as_ref().map(Unwritten::task) else { return Vec::new() };
        let Some(Scheduled { scheduled_event_id, timeout }) = task.scheduled() else { return Vec::new() };
        let scheduled_time = self.volatile.task.scheduled_time;
        let mut events = vec![bare_event(scheduled_event_id, scheduled_time, self.scheduled_attributes(timeout))];
        if let Some((_, started)) = task.started() {
            let (id, at) = (started.started_event_id, started.started_time);
            let attributes = started.clone().into_attributes(scheduled_event_id);
            events.push(bare_event(id, at, Attributes::WorkflowTaskStartedEventAttributes(attributes)));
        }
        events
    }

    /// The same, as a reader of the history sees them: without the identity of the worker.
    pub(super) fn unwritten_events_to_read(&self) -> Vec<HistoryEvent> {
        let mut events = self.unwritten_events();
        for event in &mut events {
            if let Some(Attributes::WorkflowTaskStartedEventAttributes(started)) = &mut event.attributes {
                started.identity.clear();
            }
        }
        events
    }

    pub(super) fn scheduled_attributes(&self, timeout: Duration) -> Attributes {
        let normal = self.task_queue().to_owned();
        let task_queue = match &self.volatile.sticky {
            Some(sticky) => TaskQueue { name: sticky.name.clone(), kind: TaskQueueKind::Sticky.into(), normal_name: normal },
            None => TaskQueue { name: normal, kind: TaskQueueKind::Normal.into(), normal_name: String::new() },
        };
        Attributes::WorkflowTaskScheduledEventAttributes(WorkflowTaskScheduledEventAttributes {
            task_queue: Some(task_queue),
            start_to_close_timeout: Some(span_to_proto(timeout)),
            attempt: self.volatile.attempt,
        })
    }

    pub(super) fn suggest_continue_as_new_reasons(&self, cx: &Cx<'_>) -> Vec<i32> {
        let mut reasons = Vec::new();
        if self.history().size_bytes() >= cx.limits.history_size_suggest_bytes {
            reasons.push(SuggestContinueAsNewReason::HistorySizeTooLarge.into());
        }
        if self.history().next_id() >= cx.limits.history_events_suggest as i64 {
            reasons.push(SuggestContinueAsNewReason::TooManyHistoryEvents.into());
        }
        if cx.limits.updates_suggest > 0 && self.update_count() >= cx.limits.updates_suggest {
            reasons.push(SuggestContinueAsNewReason::TooManyUpdates.into());
        }
        reasons
    }
}

fn start_to_close_timeout(base: Duration, attempt: i32) -> Duration {
    let extra = attempt - PLAIN_TIMEOUT_ATTEMPTS;
    if extra <= 0 {
        return base;
    }
    let doublings = u32::try_from(extra - 1).unwrap_or(0).min(16);
    base + (RETRY_INTERVAL_INITIAL * (1 << doublings)).min(RETRY_INTERVAL_MAX)
}
