//! Workflow tasks: scheduled, started by a poll, completed, failed, timed out (`workflow/workflow_task_state_machine.go`).
//!
//! A run has at most one at a time. From the second attempt on a task is transient: its events are shown to the worker but
//! written only if it completes.

use std::time::Duration;

use super::{
    Cx, Run,
    due::{Due, RunDue},
};
use crate::{
    engine::{
        matching::{QueueId, QueueKind, Task, TaskKey},
        search_attributes,
        time::{Time, span_to_proto},
        timers::TimerKey,
    },
    proto::{
        enums::{EventType, SuggestContinueAsNewReason, TaskQueueKind, TimeoutType, WorkflowTaskFailedCause},
        failure::Failure,
        history::{
            HistoryEvent, WorkflowTaskCompletedEventAttributes, WorkflowTaskFailedEventAttributes,
            WorkflowTaskScheduledEventAttributes, WorkflowTaskStartedEventAttributes, WorkflowTaskTimedOutEventAttributes,
            history_event::Attributes,
        },
        taskqueue::TaskQueue,
        workflow::ResetPointInfo,
        workflowservice::RespondWorkflowTaskCompletedRequest,
    },
};

/// Attempts up to this one use the plain timeout; later ones add an exponential backoff, since nothing else slows them down.
const PLAIN_TIMEOUT_ATTEMPTS: i32 = 3;
/// Reset points of one chain of runs (`history.maxAutoResetPoints`).
const RESET_POINTS_MAX: usize = 20;
/// How the search attribute BuildIds calls workers without versioning.
const UNVERSIONED: &str = "unversioned";
const RETRY_INTERVAL_INITIAL: Duration = Duration::from_secs(5);
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(600);

/// All that a run knows of its workflow tasks.
#[derive(Debug)]
pub(crate) struct WorkflowTasks {
    pub(crate) pending: Option<WorkflowTask>,
    /// Of the pending task, or of the next one.
    pub(crate) attempt: i32,
    /// Started event of the last completed task; 0 before the first.
    pub(crate) last_started_event_id: i64,
    pub(crate) sticky: Option<Sticky>,
    /// Fires when the first task is due (start delay, cron, retry).
    pub(crate) first_backoff: Option<TimerKey>,
    /// The completion of a task is being applied: what happens now goes behind what is buffered.
    pub(crate) completing: bool,
    /// Several things fall due at once: one task for all of them is scheduled at the end, if (true) it is wanted.
    pub(crate) deferred: Option<bool>,
}

/// The queue of the worker that has the run in its cache.
#[derive(Clone, Debug)]
pub(crate) struct Sticky {
    pub(crate) queue: QueueId,
    pub(crate) name: String,
    pub(crate) schedule_to_start: Duration,
}

/// A scheduled or started workflow task.
#[derive(Debug)]
pub(crate) struct WorkflowTask {
    pub(crate) scheduled_event_id: i64,
    /// 0 until a worker polls it.
    pub(crate) started_event_id: i64,
    pub(crate) transient: bool,
    pub(crate) scheduled_time: Time,
    /// When the first of a chain of heartbeats was scheduled.
    pub(crate) original_scheduled_time: Time,
    pub(crate) started_time: Time,
    pub(crate) timeout: Duration,
    pub(crate) identity: String,
    pub(crate) request_id: String,
    pub(crate) suggest_continue_as_new_reasons: Vec<i32>,
    pub(crate) history_size_bytes: i64,
    /// Fires the schedule-to-start timeout of a sticky queue, or the start-to-close timeout.
    pub(crate) timer: Option<TimerKey>,
    pub(crate) place: Option<TaskKey>,
    /// Queries that were attached when it started.
    pub(crate) queries: Vec<u64>,
}

impl Default for WorkflowTasks {
    fn default() -> Self {
        Self {
            pending: None,
            attempt: 1,
            last_started_event_id: 0,
            sticky: None,
            first_backoff: None,
            completing: false,
            deferred: None,
        }
    }
}

impl WorkflowTasks {
    pub(crate) fn is_started(&self) -> bool {
        self.pending.as_ref().is_some_and(|task| task.started_event_id != 0)
    }

    pub(crate) fn started(&self) -> Option<&WorkflowTask> {
        self.pending.as_ref().filter(|task| task.started_event_id != 0)
    }
}

impl Run {
    /// Schedules a workflow task, unless there is one already or the first one is not due yet.
    pub(crate) fn schedule_workflow_task(&mut self, cx: &mut Cx<'_>) {
        if let Some(wanted) = &mut self.tasks.deferred {
            *wanted = true;
            return;
        }
        if self.is_running() && self.tasks.pending.is_none() && self.tasks.first_backoff.is_none() {
            self.place_workflow_task(cx, None, true);
        }
    }

    /// Writes (or withholds, if transient) the scheduled event, and puts the task into its queue if `enqueue`.
    pub(crate) fn place_workflow_task(&mut self, cx: &mut Cx<'_>, original_scheduled_time: Option<Time>, enqueue: bool) {
        if !self.buffer.is_empty() {
            // New events: the next task is no mere repetition.
            self.tasks.attempt = 1;
            self.flush_buffer(cx);
        }
        let transient = self.tasks.attempt > 1;
        let timeout = start_to_close_timeout(self.facts.task_timeout, self.tasks.attempt);
        let scheduled_event_id =
            if transient { self.history.next_id() } else { self.add_event(cx, self.scheduled_attributes(timeout)) };
        let mut task = WorkflowTask {
            scheduled_event_id,
            started_event_id: 0,
            transient,
            scheduled_time: cx.now,
            original_scheduled_time: original_scheduled_time.unwrap_or(cx.now),
            started_time: Time::EPOCH,
            timeout,
            identity: String::new(),
            request_id: String::new(),
            suggest_continue_as_new_reasons: Vec::new(),
            history_size_bytes: 0,
            timer: None,
            place: None,
            queries: Vec::new(),
        };
        if enqueue {
            self.enqueue_workflow_task(cx, &mut task);
        }
        self.tasks.pending = Some(task);
    }

    fn enqueue_workflow_task(&self, cx: &mut Cx<'_>, task: &mut WorkflowTask) {
        let sticky = self.tasks.sticky.as_ref().filter(|sticky| cx.matching.sticky_worker_available(sticky.queue, cx.wall));
        let queue = match sticky {
            Some(sticky) => {
                let due = Due::Run(self.key, RunDue::StickyScheduleToStart);
                task.timer = Some(cx.timers.add(cx.now + sticky.schedule_to_start, due));
                sticky.queue
            }
            None => cx.matching.queue(self.namespace, QueueKind::Workflow, &self.facts.task_queue),
        };
        task.place = Some(cx.matching.add(queue, self.priority_key(), Task::Workflow(self.key), cx.wall));
    }

    /// A worker takes the pending task.
    pub(crate) fn start_workflow_task(&mut self, cx: &mut Cx<'_>, identity: &str, request_id: String) {
        let Some(mut task) = self.tasks.pending.take() else { return };
        leave_queue(cx, &mut task);
        task.identity = identity.to_owned();
        task.request_id = request_id;
        task.started_time = cx.now;
        task.history_size_bytes = self.history.size_bytes() as i64;
        task.suggest_continue_as_new_reasons = self.suggest_continue_as_new_reasons(cx);
        if task.transient && task.scheduled_event_id != self.history.next_id() {
            // Events came since it was scheduled: it becomes a normal first attempt.
            task.transient = false;
            self.tasks.attempt = 1;
            task.scheduled_event_id = self.add_event(cx, self.scheduled_attributes(task.timeout));
        }
        task.started_event_id = if task.transient {
            task.scheduled_event_id + 1
        } else {
            let id = self.add_event(cx, Attributes::WorkflowTaskStartedEventAttributes(started_attributes(&task)));
            self.history.end_batch();
            id
        };
        task.timer = Some(cx.timers.add(cx.now + task.timeout, Due::Run(self.key, RunDue::WorkflowTaskStartToClose)));
        task.queries = std::mem::take(&mut self.queries);
        self.tasks.pending = Some(task);
    }

    /// The started task is done: writes its events and takes it away; its completed event's id.
    pub(crate) fn complete_workflow_task(&mut self, cx: &mut Cx<'_>, request: &RespondWorkflowTaskCompletedRequest) -> i64 {
        let Some(mut task) = self.tasks.pending.take() else { return 0 };
        leave_queue(cx, &mut task);
        if task.transient {
            for mut event in self.transient_events(&task) {
                event.task_id = cx.ids.task_id();
                self.write(event);
            }
        }
        self.tasks.attempt = 1;
        self.tasks.last_started_event_id = task.started_event_id;
        // Those that were not answered along with it go with the next one.
        self.queries.splice(0..0, std::mem::take(&mut task.queries));
        let deployment = request.deployment_options.as_ref();
        let attributes = WorkflowTaskCompletedEventAttributes {
            scheduled_event_id: task.scheduled_event_id,
            started_event_id: task.started_event_id,
            identity: request.identity.clone(),
            binary_checksum: request.binary_checksum.clone(),
            worker_version: request.worker_version_stamp.clone(),
            sdk_metadata: request.sdk_metadata.clone(),
            metering_metadata: request.metering_metadata,
            worker_deployment_name: deployment.map(|of| of.deployment_name.clone()).unwrap_or_default(),
            ..WorkflowTaskCompletedEventAttributes::default()
        };
        let id = self.add_event(cx, Attributes::WorkflowTaskCompletedEventAttributes(attributes));
        self.note_build(cx, request, id);
        id
    }

    /// The first task that a build of the worker completes is where the workflow could be reset to, and the build is
    /// searchable (`addResetPointFromCompletion`, `addBuildIDToLoadedSearchAttribute`).
    fn note_build(&mut self, cx: &Cx<'_>, request: &RespondWorkflowTaskCompletedRequest, completed_event_id: i64) {
        let build_id = request.worker_version_stamp.as_ref().map(|stamp| stamp.build_id.clone()).unwrap_or_default();
        let is_known = |point: &ResetPointInfo| point.build_id == build_id && point.binary_checksum == request.binary_checksum;
        if !self.reset_points.iter().any(is_known) {
            self.reset_points.push(ResetPointInfo {
                build_id: build_id.clone(),
                binary_checksum: request.binary_checksum.clone(),
                run_id: self.run_id.clone(),
                first_workflow_task_completed_id: completed_event_id,
                create_time: Some(cx.now.to_proto()),
                resettable: true,
                ..ResetPointInfo::default()
            });
            let surplus = self.reset_points.len().saturating_sub(RESET_POINTS_MAX);
            self.reset_points.drain(..surplus);
        }
        let mut builds = vec![UNVERSIONED.to_owned()];
        if !build_id.is_empty() {
            builds.push(format!("{UNVERSIONED}:{build_id}"));
        }
        search_attributes::add_keywords(&mut self.search_attributes, "BuildIds", &builds);
    }

    /// The started task failed. The next one is scheduled by the caller.
    pub(crate) fn fail_workflow_task(
        &mut self,
        cx: &mut Cx<'_>,
        cause: WorkflowTaskFailedCause,
        failure: Option<Failure>,
        identity: &str,
        binary_checksum: &str,
    ) {
        let Some(mut task) = self.tasks.pending.take() else { return };
        leave_queue(cx, &mut task);
        if !task.transient {
            let attributes = WorkflowTaskFailedEventAttributes {
                scheduled_event_id: task.scheduled_event_id,
                started_event_id: task.started_event_id,
                cause: cause.into(),
                failure,
                identity: identity.to_owned(),
                binary_checksum: binary_checksum.to_owned(),
                ..WorkflowTaskFailedEventAttributes::default()
            };
            self.add_event(cx, Attributes::WorkflowTaskFailedEventAttributes(attributes));
        }
        self.after_failure(task);
    }

    /// The pending task timed out: in the sticky queue, or at the worker.
    pub(crate) fn time_out_workflow_task(&mut self, cx: &mut Cx<'_>, timeout_type: TimeoutType) {
        let Some(mut task) = self.tasks.pending.take() else { return };
        leave_queue(cx, &mut task);
        if !task.transient {
            let attributes = WorkflowTaskTimedOutEventAttributes {
                scheduled_event_id: task.scheduled_event_id,
                started_event_id: task.started_event_id,
                timeout_type: timeout_type.into(),
            };
            self.add_event(cx, Attributes::WorkflowTaskTimedOutEventAttributes(attributes));
        }
        self.after_failure(task);
    }

    /// A failure on a sticky queue first tries the normal one, and does not count.
    fn after_failure(&mut self, task: WorkflowTask) {
        self.queries.splice(0..0, task.queries);
        self.tasks.attempt = if self.tasks.sticky.take().is_some() { 1 } else { self.tasks.attempt + 1 };
    }

    /// The run closes: no worker gets the pending task any more. It stays to be described, as on the real server.
    pub(crate) fn drop_workflow_task(&mut self, cx: &mut Cx<'_>) {
        if let Some(task) = &mut self.tasks.pending {
            leave_queue(cx, task);
        }
        if let Some(timer) = self.tasks.first_backoff.take() {
            cx.timers.cancel(timer);
        }
    }

    /// Forgets the sticky queue. A task that waits in it moves to the normal queue.
    pub(crate) fn clear_sticky(&mut self, cx: &mut Cx<'_>) {
        let Some(_sticky) = self.tasks.sticky.take() else { return };
        if let Some(mut task) = self.tasks.pending.take_if(|task| task.started_event_id == 0) {
            leave_queue(cx, &mut task);
            self.enqueue_workflow_task(cx, &mut task);
            self.tasks.pending = Some(task);
        }
    }

    /// The events of a transient task as the worker sees them, before they are written.
    pub(crate) fn transient_events(&self, task: &WorkflowTask) -> Vec<HistoryEvent> {
        self.transient_events_by(task, &task.identity)
    }

    /// The same, as a reader of the history sees them: who has the task is not told.
    pub(crate) fn transient_events_to_read(&self, task: &WorkflowTask) -> Vec<HistoryEvent> {
        self.transient_events_by(task, "")
    }

    fn transient_events_by(&self, task: &WorkflowTask, identity: &str) -> Vec<HistoryEvent> {
        let event = |event_id, at: Time, event_type: EventType, attributes| HistoryEvent {
            event_id,
            event_time: Some(at.to_proto()),
            event_type: event_type.into(),
            attributes: Some(attributes),
            ..HistoryEvent::default()
        };
        let scheduled = self.scheduled_attributes(task.timeout);
        let mut events = vec![event(task.scheduled_event_id, task.scheduled_time, EventType::WorkflowTaskScheduled, scheduled)];
        if task.started_event_id != 0 {
            let started = WorkflowTaskStartedEventAttributes { identity: identity.to_owned(), ..started_attributes(task) };
            let started = Attributes::WorkflowTaskStartedEventAttributes(started);
            events.push(event(task.started_event_id, task.started_time, EventType::WorkflowTaskStarted, started));
        }
        events
    }

    fn scheduled_attributes(&self, timeout: Duration) -> Attributes {
        let normal = self.facts.task_queue.clone();
        let task_queue = match &self.tasks.sticky {
            Some(sticky) => TaskQueue { name: sticky.name.clone(), kind: TaskQueueKind::Sticky.into(), normal_name: normal },
            None => TaskQueue { name: normal, kind: TaskQueueKind::Normal.into(), normal_name: String::new() },
        };
        Attributes::WorkflowTaskScheduledEventAttributes(WorkflowTaskScheduledEventAttributes {
            task_queue: Some(task_queue),
            start_to_close_timeout: Some(span_to_proto(timeout)),
            attempt: self.tasks.attempt,
        })
    }

    fn suggest_continue_as_new_reasons(&self, cx: &Cx<'_>) -> Vec<i32> {
        let mut reasons = Vec::new();
        if self.history.size_bytes() >= cx.limits.history_size_suggest_bytes {
            reasons.push(SuggestContinueAsNewReason::HistorySizeTooLarge.into());
        }
        if self.history.next_id() >= cx.limits.history_events_suggest as i64 {
            reasons.push(SuggestContinueAsNewReason::TooManyHistoryEvents.into());
        }
        reasons
    }
}

fn started_attributes(task: &WorkflowTask) -> WorkflowTaskStartedEventAttributes {
    WorkflowTaskStartedEventAttributes {
        scheduled_event_id: task.scheduled_event_id,
        identity: task.identity.clone(),
        request_id: task.request_id.clone(),
        suggest_continue_as_new: !task.suggest_continue_as_new_reasons.is_empty(),
        suggest_continue_as_new_reasons: task.suggest_continue_as_new_reasons.clone(),
        history_size_bytes: task.history_size_bytes,
        ..WorkflowTaskStartedEventAttributes::default()
    }
}

/// Takes the task's timer and its place in the queue away.
fn leave_queue(cx: &mut Cx<'_>, task: &mut WorkflowTask) {
    if let Some(timer) = task.timer.take() {
        cx.timers.cancel(timer);
    }
    if let Some(place) = task.place.take() {
        cx.matching.remove(place);
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
