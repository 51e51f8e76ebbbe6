//! A schedule: what clients have set, and what its next turn starts from.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::change::Pending;
use crate::{
    engine::{
        execution::{
            Cx,
            machine::{Machine, Row},
        },
        kernel::{
            effects::{Effect, Wake},
            key::{NamespaceId, ScheduleKey},
            time::{Time, span, span_to_proto},
            timers::TimerKey,
        },
        rules::{
            schedule::{check::WORKFLOW_ID_PREFIX, overlap::Start, spec::Spec},
            search_attributes::written,
        },
    },
    proto::{
        common::{Payload, Payloads},
        enums::{ScheduleOverlapPolicy, WorkflowExecutionStatus},
        failure::Failure,
        schedule::{self as proto, BackfillRequest, ScheduleInfo, SchedulePolicies, ScheduleState},
    },
};

/// What a schedule is on the real server: a workflow of this type, in this task queue and this part of the namespace.
const WORKFLOW_TYPE: &str = "temporal-sys-scheduler-workflow";
const TASK_QUEUE: &str = "temporal-sys-per-ns-tq";
pub(in crate::engine) const DIVISION: &str = "TemporalScheduler";
/// The search attribute that says whether it is paused.
pub(in crate::engine) const PAUSED: &str = "TemporalSchedulePaused";

const CATCHUP_WINDOW_DEFAULT: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const CATCHUP_WINDOW_MIN: Duration = Duration::from_secs(10);
/// The longest span that Go knows.
const CATCHUP_WINDOW_MAX: Duration = Duration::from_nanos(i64::MAX.unsigned_abs());
const FIRST_CONFLICT_TOKEN: i64 = 1;

/// What a new schedule starts from.
#[derive(Debug)]
pub(super) struct Creation {
    pub(super) namespace: NamespaceId,
    pub(super) namespace_name: String,
    pub(super) namespace_uuid: String,
    pub(super) schedule_id: String,
    pub(super) run_id: String,
    pub(super) request_id: String,
    /// In its canonical form.
    pub(super) schedule: proto::Schedule,
    pub(super) spec: Spec,
    pub(super) memo: BTreeMap<String, Payload>,
    pub(super) search_attributes: BTreeMap<String, Payload>,
}

/// A schedule.
#[derive(Debug)]
pub(in crate::engine) struct Schedule {
    pub(super) key: ScheduleKey,
    pub(super) namespace: NamespaceId,
    pub(super) namespace_name: String,
    pub(super) schedule_id: String,
    /// The id of the workflow that it is on the real server.
    workflow_id: String,
    run_id: String,
    request_id: String,
    /// So that two schedules have different jitter.
    pub(super) jitter_seed: String,
    pub(super) memo: BTreeMap<String, Payload>,
    pub(super) search_attributes: BTreeMap<String, Payload>,
    status: WorkflowExecutionStatus,
    close_time: Option<Time>,
    /// Another after each change of what it is found by.
    row_revision: u32,

    /// What the client set, with the defaults written out.
    pub(super) set: proto::Schedule,
    /// Its spec, compiled.
    pub(super) spec: Spec,
    pub(super) conflict_token: i64,
    pub(super) info: ScheduleInfo,
    /// The request ids of patches and updates.
    pub(super) change_ids: BTreeSet<String>,
    /// A patch and an update that the next turn applies.
    pub(super) pending: Pending,

    /// Up to when what is due has been looked at.
    pub(super) processed: Time,
    /// What is due and has not been started.
    pub(super) buffer: Vec<Start>,
    pub(super) backfills: VecDeque<BackfillRequest>,
    /// What it takes to be running may have closed.
    pub(super) needs_refresh: bool,
    /// The chain of runs that the next turn waits for: the run id of its first.
    pub(super) watched: Option<String>,
    pub(super) last_completion_result: Option<Payloads>,
    pub(super) continued_failure: Option<Failure>,
    pub(super) timer: Option<TimerKey>,
    /// When it ceases to be, if nothing happens. This does not move the clock: who asks from then on does not find it.
    pub(super) expires_at: Option<Time>,
}

impl Machine for Schedule {
    type Key = ScheduleKey;
    type Due = ();

    fn fall_due(&mut self, cx: &mut Cx<'_>, _due: &[()]) {
        self.timer = None;
        cx.effects.leave(Effect::Schedule { schedule: self.key, wake: Wake::Turn });
    }

    fn end_transaction(&mut self, _cx: &mut Cx<'_>) {
        let before = self.search_attributes.get(PAUSED).cloned();
        let paused = self.state().paused;
        written::set_bool(&mut self.search_attributes, PAUSED, paused);
        self.row_revision += u32::from(self.search_attributes.get(PAUSED) != before.as_ref());
    }

    /// Nothing: what it starts holds time, but not the schedule.
    fn holds(&self) -> i64 {
        0
    }

    fn is_running(&self) -> bool {
        self.status == WorkflowExecutionStatus::Running
    }

    fn row(&self) -> Row<'_> {
        let start_time = self.info.create_time.as_ref().map_or(Time::EPOCH, Time::from_proto);
        Row {
            namespace: self.namespace,
            id: &self.workflow_id,
            run_id: &self.run_id,
            type_name: WORKFLOW_TYPE,
            task_queue: TASK_QUEUE,
            status: self.status,
            start_time,
            execution_time: start_time,
            close_time: self.close_time,
            parent: None,
            root: (&self.workflow_id, &self.run_id),
            history_length: 0,
            history_size_bytes: 0,
            transition_count: 0,
            memo: &self.memo,
            search_attributes: &self.search_attributes,
        }
    }

    fn row_revision(&self) -> u32 {
        self.row_revision
    }
}

impl Schedule {
    /// A new schedule. It has no turn yet.
    pub(super) fn begin(key: ScheduleKey, now: Time, creation: Creation) -> Self {
        let Creation { namespace, namespace_name, namespace_uuid, schedule_id, .. } = creation;
        let mut search_attributes = creation.search_attributes;
        written::set_keyword(&mut search_attributes, "TemporalNamespaceDivision", DIVISION);
        Self {
            key,
            namespace,
            namespace_name,
            workflow_id: format!("{WORKFLOW_ID_PREFIX}{schedule_id}"),
            run_id: creation.run_id,
            request_id: creation.request_id,
            jitter_seed: format!("{namespace_uuid}-{schedule_id}"),
            schedule_id,
            memo: creation.memo,
            search_attributes,
            status: WorkflowExecutionStatus::Running,
            close_time: None,
            row_revision: 0,
            set: with_defaults(creation.schedule),
            spec: creation.spec,
            conflict_token: FIRST_CONFLICT_TOKEN,
            info: ScheduleInfo { create_time: Some(now.to_proto()), ..ScheduleInfo::default() },
            change_ids: BTreeSet::new(),
            pending: Pending::default(),
            processed: now,
            buffer: Vec::new(),
            backfills: VecDeque::new(),
            needs_refresh: false,
            watched: None,
            last_completion_result: None,
            continued_failure: None,
            timer: None,
            expires_at: None,
        }
    }

    /// A client deletes it.
    pub(super) fn delete(&mut self, cx: &mut Cx<'_>) {
        self.status = WorkflowExecutionStatus::Terminated;
        self.close_time = Some(cx.now);
        self.row_revision += 1;
        self.expires_at = None;
        if let Some(timer) = self.timer.take() {
            cx.timers.cancel(timer);
        }
    }

    /// A client has changed its search attributes.
    pub(super) fn set_search_attributes(&mut self, all: BTreeMap<String, Payload>) {
        self.search_attributes = all;
        self.row_revision += 1;
    }

    /// Whether it exists for those who ask now.
    pub(in crate::engine) fn is_open(&self, now: Time) -> bool {
        self.is_running() && self.expires_at.is_none_or(|at| now < at)
    }

    pub(in crate::engine) fn namespace(&self) -> NamespaceId {
        self.namespace
    }

    /// Its id, as clients know it.
    pub(in crate::engine) fn schedule_id(&self) -> &str {
        &self.schedule_id
    }

    pub(in crate::engine) fn is_paused(&self) -> bool {
        self.state().paused
    }

    /// When it has its next turn, if it has one.
    pub(in crate::engine) fn next_turn(&self) -> Option<Time> {
        self.timer.map(|timer| timer.at)
    }

    /// Whether this request created it.
    pub(super) fn is_created_by(&self, request_id: &str) -> bool {
        self.request_id == request_id
    }

    /// How it signs what it does.
    pub(super) fn identity(&self) -> String {
        format!("temporal-scheduler-{}-{}", self.namespace_name, self.schedule_id)
    }

    /// What falls due on it, for people.
    pub(in crate::engine) fn name_of_due(&self) -> String {
        format!("the next action of schedule {}", self.schedule_id)
    }

    pub(super) fn policies(&self) -> SchedulePolicies {
        self.set.policies.unwrap_or_default()
    }

    pub(super) fn state(&self) -> &ScheduleState {
        const NONE: &ScheduleState =
            &ScheduleState { notes: String::new(), paused: false, limited_actions: false, remaining_actions: 0 };
        self.set.state.as_ref().unwrap_or(NONE)
    }

    pub(super) fn state_mut(&mut self) -> &mut ScheduleState {
        self.set.state.get_or_insert_default()
    }

    /// How late an action may be.
    pub(super) fn catchup_window(&self) -> Duration {
        span(self.policies().catchup_window.as_ref())
    }

    /// What a policy means here.
    pub(super) fn resolve(&self, overlap_policy: i32) -> i32 {
        if overlap_policy == 0 { self.policies().overlap_policy } else { overlap_policy }
    }

    pub(super) fn created(&self) -> Time {
        self.info.create_time.as_ref().map_or(Time::EPOCH, Time::from_proto)
    }

    pub(super) fn updated(&self) -> Time {
        self.info.update_time.as_ref().map_or(Time::EPOCH, Time::from_proto)
    }

    /// It has changed: who updates what was before must look again.
    pub(super) fn has_changed(&mut self) {
        self.conflict_token += 1;
    }
}

/// Writes out the defaults, as answers show them.
pub(super) fn with_defaults(mut set: proto::Schedule) -> proto::Schedule {
    set.spec.get_or_insert_default();
    set.action.get_or_insert_default();
    set.state.get_or_insert_default();
    let policies = set.policies.get_or_insert_default();
    if policies.overlap_policy == ScheduleOverlapPolicy::Unspecified as i32 {
        policies.overlap_policy = ScheduleOverlapPolicy::Skip as i32;
    }
    let window = policies
        .catchup_window
        .map_or(CATCHUP_WINDOW_DEFAULT, |window| span(Some(&window)).clamp(CATCHUP_WINDOW_MIN, CATCHUP_WINDOW_MAX));
    policies.catchup_window = Some(span_to_proto(window));
    set
}
