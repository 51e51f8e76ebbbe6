//! What is left in a service that should have come to rest.

use std::fmt;

use super::{Engine, kernel::due::Due};

/// How much is left of each thing that ends. What is rightly kept is not counted: closed runs, batch operations that are over,
/// schedules with their next turns, task queues, workers, the lock that a server starts with, and for as long as their grace
/// lasts the locks of connections that have closed.
///
/// Each part of the engine counts what it has itself. Some things are in more than one part: a poll is a call that waits, and it
/// stands in its queue. So it shows if one part has forgotten a thing and another has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// Runs that have not closed; paused ones are among them.
    pub open_runs: usize,
    /// Batch operations that have not ended.
    pub open_batches: usize,
    /// Calls that wait for their answers, whatever they wait for.
    pub parked_calls: usize,
    /// Answers to calls that have waited, which nobody has taken from the service.
    pub answers: usize,
    /// What falls due in virtual time: timers, timeouts and backoffs of runs, the ends of sleeps, steps of batch operations.
    pub timers: usize,
    /// Tasks in task queues: workflow tasks, activity tasks, queries and replays.
    pub queued_tasks: usize,
    /// Polls that stand in task queues.
    pub polls: usize,
    /// Callers that wait for new events of a run, or for its end.
    pub waiters: usize,
    /// Queries that no worker has answered.
    pub queries: usize,
    /// Callers that wait for updates.
    pub update_waiters: usize,
    /// Callers that wait until nothing is in flight (Settle of ForetimeService).
    pub settlers: usize,
    /// Locks on time that clients have not given back: of each connection that is open, its locks less its unlocks, if there are
    /// more locks.
    pub locks: i64,
    /// The same for connections with more unlocks than locks.
    pub unlocks: i64,
    /// Callers that sleep in virtual time.
    pub sleeps: usize,
    /// Tasks and queries that are in flight, as time skipping counts them. Negative if more have ended than begun.
    pub holds: i64,
    /// Workflow tasks and attempts of activities that a worker has, as time skipping knows them.
    pub in_hand: usize,
    /// Closed runs that a worker is to replay, or replays.
    pub replays: usize,
    /// What transactions have left to do for other runs and schedules. It is done within the call, so there is some only after a
    /// panic.
    pub effects: usize,
}

impl Remains {
    pub(super) fn of(engine: &Engine) -> Self {
        let (locks, unlocks) = engine.skipping.locks.open_counts();
        Self {
            open_runs: engine.runs.iter().filter(|run| run.is_running()).count(),
            open_batches: engine.batches.open_count(),
            parked_calls: engine.tickets.waiting_count(),
            answers: engine.tickets.answer_count(),
            timers: engine.domain.timers.iter().filter(|due| !matches!(due, Due::Schedule(_))).count(),
            queued_tasks: engine.matching.task_count(),
            polls: engine.matching.poll_count(),
            waiters: engine.waiters.count(),
            queries: engine.queries.count(),
            update_waiters: engine.update_waiters.count(),
            settlers: engine.resting.len(),
            locks,
            unlocks,
            sleeps: engine.skipping.sleeps.count(),
            holds: engine.skipping.holds.in_flight_count(),
            in_hand: engine.skipping.holds.in_hand().count(),
            replays: engine.replays.all_under_way().count(),
            effects: engine.effects.count(),
        }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each count under its name. Nothing can be left out here: the struct is taken apart.
    fn named(self) -> [(&'static str, i64); 18] {
        let Self {
            open_runs,
            open_batches,
            parked_calls,
            answers,
            timers,
            queued_tasks,
            polls,
            waiters,
            queries,
            update_waiters,
            settlers,
            locks,
            unlocks,
            sleeps,
            holds,
            in_hand,
            replays,
            effects,
        } = self;
        [
            ("open runs", open_runs as i64),
            ("open batch operations", open_batches as i64),
            ("parked calls", parked_calls as i64),
            ("answers", answers as i64),
            ("timers", timers as i64),
            ("queued tasks", queued_tasks as i64),
            ("polls", polls as i64),
            ("waiters", waiters as i64),
            ("queries", queries as i64),
            ("waiters for updates", update_waiters as i64),
            ("callers of Settle", settlers as i64),
            ("locks", locks),
            ("unlocks", unlocks),
            ("sleeps", sleeps as i64),
            ("holds", holds),
            ("in hand", in_hand as i64),
            ("replays", replays as i64),
            ("effects", effects as i64),
        ]
    }
}

impl fmt::Display for Remains {
    /// Names what there is, as in `open runs: 1, timers: 2`; `nothing` if there is nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        let left = self.named().into_iter().filter(|(_, count)| *count != 0);
        for (index, (name, count)) in left.enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}: {count}")?;
        }
        Ok(())
    }
}
