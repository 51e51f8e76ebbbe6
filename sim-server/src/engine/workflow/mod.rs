//! One run of a workflow: its mutable state and the transitions on it.
//!
//! A transition takes the run and a [`Cx`] (the time, the ids, the timers and queues it may touch, the effects it leaves for
//! other workflows), writes events and moves state. What can be refused is checked before anything is written, so that
//! no transition has to be undone.
//!
//! - [`start`]: how a run begins; [`close`]: how it ends, and what follows it (continue-as-new, retry, cron)
//! - [`events`]: writing events, and buffering them while a worker has a workflow task
//! - [`workflow_task`]: scheduling, starting, completing, failing and timing out workflow tasks
//! - [`activity`], [`timer`], [`child`], [`external`], [`signal`]: one file for each thing that a workflow can have pending
//! - [`commands`]: what a completed workflow task asks for: first checked, then applied
//! - [`due`]: what falls due

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::{
    Ticket,
    effects::Effect,
    history::History,
    ids::Ids,
    limits::Limits,
    matching::Matching,
    namespace::NamespaceId,
    runs::RunKey,
    time::Time,
    timers::{TimerKey, Timers},
};
use crate::proto::{
    common::{Payload, Priority, RetryPolicy},
    enums::WorkflowExecutionStatus,
    history::HistoryEvent,
};

pub(crate) mod activity;
pub(crate) mod child;
pub(crate) mod close;
pub(crate) mod commands;
pub(crate) mod due;
pub(crate) mod events;
pub(crate) mod external;
pub(crate) mod signal;
pub(crate) mod start;
pub(crate) mod timer;
pub(crate) mod workflow_task;

use activity::Activity;
use child::Child;
use due::Due;
use timer::UserTimer;
use workflow_task::WorkflowTasks;

/// What a transition may touch besides its run.
#[derive(Debug)]
pub(crate) struct Cx<'a> {
    /// Virtual now.
    pub(crate) now: Time,
    /// Wall now.
    pub(crate) wall: Time,
    pub(crate) ids: &'a mut Ids,
    pub(crate) timers: &'a mut Timers<Due>,
    pub(crate) matching: &'a mut Matching,
    pub(crate) effects: &'a mut VecDeque<Effect>,
    pub(crate) limits: &'a Limits,
    /// A run that continues as new within this span of its start waits out the rest (zero: never).
    pub(crate) continue_as_new_interval_min: Duration,
}

/// How a run was started; does not change.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) workflow_type: String,
    pub(crate) task_queue: String,
    /// Zero: none.
    pub(crate) execution_timeout: Duration,
    /// Zero: none.
    pub(crate) run_timeout: Duration,
    pub(crate) task_timeout: Duration,
    pub(crate) execution_expiration: Option<Time>,
    pub(crate) run_expiration: Option<Time>,
    pub(crate) start_request_id: String,
    pub(crate) first_run_id: String,
    pub(crate) start_time: Time,
    /// Start, plus the backoff of the first workflow task.
    pub(crate) execution_time: Time,
    pub(crate) attempt: i32,
    pub(crate) cron_schedule: String,
    pub(crate) retry_policy: Option<Box<RetryPolicy>>,
    pub(crate) parent: Option<Box<Parent>>,
    /// Workflow id and run id of the root, if that is not this run.
    pub(crate) root: Option<Box<(String, String)>>,
    pub(crate) priority: Option<Priority>,
}

/// Who started a child.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    pub(crate) namespace: NamespaceId,
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    pub(crate) initiated_event_id: i64,
}

/// One caller that waits for new events of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryWaiter {
    pub(crate) ticket: Ticket,
    /// Answer once an event with this id exists; for a wait on the close event: never by count.
    pub(crate) from: i64,
    pub(crate) close_event_only: bool,
}

/// One run of a workflow.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) key: RunKey,
    pub(crate) namespace: NamespaceId,
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    pub(crate) facts: Facts,
    pub(crate) status: WorkflowExecutionStatus,
    pub(crate) close_time: Option<Time>,
    /// The run that follows this one (continue-as-new, retry, cron).
    pub(crate) new_run_id: String,
    pub(crate) history: History,
    /// Events that came while a worker had a workflow task; they get their ids when it is done.
    pub(crate) buffer: Vec<HistoryEvent>,
    pub(crate) tasks: WorkflowTasks,
    /// By the id of the scheduled event.
    pub(crate) activities: BTreeMap<i64, Box<Activity>>,
    /// By timer id.
    pub(crate) timers: BTreeMap<String, UserTimer>,
    /// By the id of the initiated event.
    pub(crate) children: BTreeMap<i64, Box<Child>>,
    /// Signals and cancel requests to other workflows that are under way: ids of the initiated events.
    pub(crate) external: BTreeSet<i64>,
    pub(crate) signal_request_ids: BTreeSet<String>,
    pub(crate) signal_count: usize,
    /// The request id of the accepted cancel request.
    pub(crate) cancel_request_id: Option<String>,
    /// Requests that were attached to this run by a start with USE_EXISTING.
    pub(crate) attached_request_ids: BTreeSet<String>,
    pub(crate) memo: BTreeMap<String, Payload>,
    pub(crate) search_attributes: BTreeMap<String, Payload>,
    pub(crate) run_timer: Option<TimerKey>,
    pub(crate) execution_timer: Option<TimerKey>,
    /// Queries that wait for the next workflow task.
    pub(crate) queries: Vec<u64>,
    pub(crate) waiters: Vec<HistoryWaiter>,
    /// Transactions so far.
    pub(crate) transition_count: i64,
    /// What this run adds to the clock's holds, as of its last transaction.
    pub(crate) holds: i64,
}

impl Run {
    pub(crate) fn is_running(&self) -> bool {
        self.status == WorkflowExecutionStatus::Running
    }

    pub(crate) fn priority_key(&self) -> i32 {
        self.facts.priority.as_ref().map_or(0, |priority| priority.priority_key)
    }

    /// How much of this run is in flight: its workflow task, and each activity that is not in backoff. While anything is,
    /// somebody works on it or is expected to, and time does not skip.
    pub(crate) fn count_holds(&self) -> i64 {
        if !self.is_running() {
            return 0;
        }
        let activities = self.activities.values().filter(|activity| activity.is_in_flight()).count();
        activities as i64 + i64::from(self.tasks.pending.is_some())
    }

    /// Ends a transaction: flushes what is buffered, unless a worker has a workflow task now.
    pub(crate) fn end_transaction(&mut self, cx: &mut Cx<'_>) {
        self.transition_count += 1;
        if !self.tasks.is_started() {
            self.flush_buffer(cx);
        }
    }
}
