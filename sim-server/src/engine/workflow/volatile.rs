//! What a run's history does not tell: attempts, backoff, heartbeats, workflow tasks that are not written, stickiness, buffered
//! events, request ids, and the keys of timers. All of it is here. A run that is rebuilt from its history has to be given it
//! anew.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    pages::Pages,
    problems::Problems,
    update::registry::Updates,
    workflow_task::{Sticky, Unwritten},
};
use crate::{
    engine::{
        activity::attempt::Attempt,
        kernel::{key::WorkerId, time::Time, timers::TimerKey},
        matching::queues::TaskKey,
    },
    proto::history::HistoryEvent,
};

/// What a run's history does not tell.
#[derive(Debug)]
pub(super) struct Volatile {
    pub(super) start_request_id: String,
    /// The run that a reset of this one made, if one did: the last one. Empty if none did.
    pub(super) reset_run_id: String,
    /// It is deleted once all have heard of its end who are to.
    pub(super) is_deleted_when_closed: bool,
    /// The request ids of the signals that have come. A reset forgets them.
    pub(super) signal_request_ids: BTreeSet<String>,
    /// The request id of the accepted cancel request.
    pub(super) cancel_request_id: Option<String>,
    /// Events that came while a worker had a workflow task; they get their ids when it is done.
    pub(super) buffer: Vec<HistoryEvent>,
    pub(super) stage: Stage,
    /// The workflow task whose events are not written (yet).
    pub(super) unwritten: Option<Unwritten>,
    /// What goes with the workflow task that there is, written or not.
    pub(super) task: TaskExtras,
    /// The attempt of the workflow task that there is, or of the next one; from 1.
    pub(super) attempt: i32,
    pub(super) sticky: Option<Sticky>,
    /// Fires when the first workflow task is due (start delay, cron, retry).
    pub(super) first_backoff: Option<TimerKey>,
    /// The attempts of the activities that have not ended, by the id of the scheduled event.
    pub(super) attempts: BTreeMap<i64, Box<Attempt>>,
    /// The timers that run, by the id of the started event.
    pub(super) timers: BTreeMap<i64, TimerKey>,
    /// The run ids of the children that have not ended, by the id of the initiated event; `None` until they start.
    pub(super) children: BTreeMap<i64, Option<String>>,
    /// The updates that no event tells of. `None` if there are none, which is most of the time.
    pub(super) updates: Option<Box<Updates>>,
    /// The pages that have come of the completion of the task that a worker has.
    pub(super) pages: Option<Box<Pages>>,
    /// What went wrong with workflow tasks since one was completed.
    pub(super) problems: Option<Box<Problems>>,
    /// The task before the one at hand was to close the run, and failed since something had happened meanwhile. The next most
    /// likely closes it.
    pub(super) close_attempted: bool,
    /// Set within a transaction that changes nothing, or nothing but a speculative task: that stays speculative.
    pub(super) keeps_speculative: bool,
    pub(super) run_timer: Option<TimerKey>,
    pub(super) execution_timer: Option<TimerKey>,
    /// Counts the changes of what the run is found by that no event tells of.
    pub(super) row_revision: u32,
    /// Transactions so far.
    pub(super) transition_count: i64,
}

/// What goes with a workflow task besides what its events tell.
#[derive(Debug, Default)]
pub(super) struct TaskExtras {
    pub(super) scheduled_time: Time,
    /// When the first of a chain of heartbeats was scheduled.
    pub(super) original_scheduled_time: Time,
    /// Fires the schedule-to-start timeout of a sticky queue, or the start-to-close timeout.
    pub(super) timer: Option<TimerKey>,
    pub(super) place: Option<TaskKey>,
    /// Who has it, or had the one before.
    pub(super) worker: Option<WorkerId>,
}

/// What is going on with a run right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing special.
    Usual,
    /// The completion of a workflow task is being applied: what happens now goes behind what is buffered.
    Completing,
    /// Several things fall due at once: one workflow task for all of them is scheduled at the end, if one is wanted.
    FallingDue { wants_task: bool },
}

impl Volatile {
    pub(super) fn new(start_request_id: String) -> Self {
        Self {
            start_request_id,
            reset_run_id: String::new(),
            is_deleted_when_closed: false,
            signal_request_ids: BTreeSet::new(),
            cancel_request_id: None,
            buffer: Vec::new(),
            stage: Stage::Usual,
            unwritten: None,
            task: TaskExtras::default(),
            attempt: 1,
            sticky: None,
            first_backoff: None,
            attempts: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeMap::new(),
            updates: None,
            pages: None,
            problems: None,
            close_attempted: false,
            keeps_speculative: false,
            run_timer: None,
            execution_timer: None,
            row_revision: 0,
            transition_count: 0,
        }
    }

    /// The completion of a workflow task is no longer being applied.
    pub(super) fn end_completion(&mut self) {
        if self.stage == Stage::Completing {
            self.stage = Stage::Usual;
        }
    }
}
