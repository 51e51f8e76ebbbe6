//! The closed runs that a worker replays before anyone hears of their end, and those whose code does not fit their history.

use std::{collections::BTreeMap, time::Duration};

use super::run::Run;
use crate::{
    config::Config,
    engine::{
        kernel::{
            key::{RunKey, WorkerId},
            time::Time,
            timers::{TimerKey, Timers},
        },
        matching::queues::{Poller, TaskKey},
        rules::{commands::command_of, sdk::Family},
    },
    proto::{
        enums::{CommandType, EventType, WorkflowExecutionStatus},
        history::history_event::Attributes,
    },
};

/// The closed runs, as far as they are replayed.
#[derive(Debug)]
pub(in crate::engine) struct Replays {
    is_on: bool,
    /// How long (wall) a worker may take to come for a replay, and then with it; for ever if `None`.
    patience: Option<Duration>,
    of: BTreeMap<RunKey, State>,
    /// How many are under way.
    under_way: usize,
    /// How many runs have been found to differ.
    differing: usize,
    /// When (wall) a worker has taken too long.
    overdue: Timers<RunKey>,
    last_serial: u64,
}

/// How far the replay of a closed run has come.
#[derive(Debug)]
enum State {
    UnderWay(UnderWay),
    /// It fits, or it could not be replayed.
    Over,
    /// What a worker said of the difference.
    Differs(String),
}

/// A replay that waits for a worker, or that a worker has.
#[derive(Debug)]
pub(in crate::engine) struct UnderWay {
    /// Where it waits.
    place: Option<TaskKey>,
    /// Who has it.
    pub(in crate::engine) worker: Option<WorkerId>,
    pub(in crate::engine) family: Family,
    /// The worker may have the run in its cache, and then it goes on from there.
    pub(in crate::engine) may_be_cached: bool,
    /// A worker's answer must name it.
    pub(in crate::engine) serial: u64,
    /// A worker has answered one of this run already: this is the one that counts.
    pub(in crate::engine) is_second: bool,
    overdue: Option<TimerKey>,
}

/// A part of a history, from its first event on, that ends where the commands of a workflow task end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Part {
    /// The start of its last workflow task.
    pub(in crate::engine) started_event_id: i64,
    /// The event that follows it.
    pub(in crate::engine) until: i64,
    /// What its last workflow task has asked for since it last heard something (a marker, an update).
    pub(in crate::engine) asked: Vec<CommandType>,
}

impl Replays {
    pub(in crate::engine) fn new(config: &Config) -> Self {
        Self {
            is_on: config.replay.closed,
            patience: config.graces.map(|graces| graces.unpolled),
            of: BTreeMap::new(),
            under_way: 0,
            differing: 0,
            overdue: Timers::default(),
            last_serial: 0,
        }
    }

    /// Whether closed runs are replayed.
    pub(in crate::engine) fn is_on(&self) -> bool {
        self.is_on
    }

    /// A replay waits for a worker. The one that follows another of its run goes to whoever has answered that.
    pub(in crate::engine) fn begin(&mut self, run: RunKey, place: TaskKey, is_second: bool, wall: Time) {
        self.last_serial += 1;
        let overdue = self.patience.map(|patience| self.overdue.add(wall + patience, run));
        let under_way = UnderWay {
            place: Some(place),
            worker: None,
            family: Family::Unknown,
            may_be_cached: false,
            serial: self.last_serial,
            is_second,
            overdue,
        };
        self.of.insert(run, State::UnderWay(under_way));
        self.under_way += 1;
    }

    /// A worker takes a replay.
    pub(in crate::engine) fn hand_out(&mut self, run: &Run, poller: &Poller, wall: Time) {
        let Some(State::UnderWay(under_way)) = self.of.get_mut(&run.key) else { return };
        let (worker, family) = (poller.worker, poller.family);
        // Who has completed the last task has been told to drop the run.
        let has_dropped = is_closed_by_code(run) && run.last_worker() == Some(worker);
        under_way.may_be_cached = family.skips_what_it_has_seen() && !has_dropped;
        (under_way.place, under_way.worker, under_way.family) = (None, Some(worker), family);
        if let Some(overdue) = under_way.overdue.take() {
            self.overdue.cancel(overdue);
        }
        under_way.overdue = self.patience.map(|patience| self.overdue.add(wall + patience, run.key));
    }

    pub(in crate::engine) fn under_way(&self, run: RunKey) -> Option<&UnderWay> {
        match self.of.get(&run)? {
            State::UnderWay(under_way) => Some(under_way),
            State::Over | State::Differs(_) => None,
        }
    }

    /// A replay is over, for now or for good. Returns where it waits, if it does.
    pub(in crate::engine) fn end(&mut self, run: RunKey, difference: Option<String>) -> Option<TaskKey> {
        self.differing += usize::from(difference.is_some());
        let state = difference.map_or(State::Over, State::Differs);
        let Some(State::UnderWay(under_way)) = self.of.insert(run, state) else { return None };
        self.under_way -= 1;
        if let Some(overdue) = under_way.overdue {
            self.overdue.cancel(overdue);
        }
        under_way.place
    }

    /// The run is deleted, and its replay is over.
    pub(in crate::engine) fn forget(&mut self, run: RunKey) {
        if let Some(State::Differs(_)) = self.of.remove(&run) {
            self.differing -= 1;
        }
    }

    /// The runs whose replay is under way.
    pub(in crate::engine) fn all_under_way(&self) -> impl Iterator<Item = (RunKey, &UnderWay)> {
        let all = if self.under_way == 0 { None } else { Some(&self.of) };
        all.into_iter().flatten().filter_map(|(run, state)| match state {
            State::UnderWay(under_way) => Some((*run, under_way)),
            State::Over | State::Differs(_) => None,
        })
    }

    /// The runs whose code does not fit their history, each with what was said.
    pub(in crate::engine) fn all_differing(&self) -> impl Iterator<Item = (RunKey, &str)> {
        let all = if self.differing == 0 { None } else { Some(&self.of) };
        all.into_iter().flatten().filter_map(|(run, state)| match state {
            State::Differs(said) => Some((*run, said.as_str())),
            State::Over | State::UnderWay(_) => None,
        })
    }

    /// When (wall) the next one has waited for too long.
    pub(in crate::engine) fn next_overdue(&self) -> Option<Time> {
        self.overdue.next()
    }

    /// Takes the next one that has waited for too long at `wall`.
    pub(in crate::engine) fn pop_overdue(&mut self, wall: Time) -> Option<RunKey> {
        self.overdue.pop_due(wall).map(|(_, run)| run)
    }
}

/// The parts of a closed run's history that are of use: up to the end of each completed workflow task's commands.
pub(in crate::engine) fn parts(run: &Run) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for id in 1..run.history().next_id() {
        let Some(event) = run.history().get(id) else { continue };
        if let Some(Attributes::WorkflowTaskCompletedEventAttributes(completed)) = &event.attributes {
            parts.push(Part { started_event_id: completed.started_event_id, until: id + 1, asked: Vec::new() });
        } else if let Some(command) = command_of(event.event_type())
            && let Some(part) = parts.last_mut()
        {
            part.until = id + 1;
            match event.event_type() {
                EventType::MarkerRecorded | EventType::WorkflowExecutionUpdateAccepted => part.asked.clear(),
                _ => part.asked.push(command),
            }
        }
    }
    parts
}

/// Whether its own code has closed a run.
fn is_closed_by_code(run: &Run) -> bool {
    use WorkflowExecutionStatus as Status;
    matches!(run.status(), Status::Completed | Status::Failed | Status::Canceled | Status::ContinuedAsNew)
}
