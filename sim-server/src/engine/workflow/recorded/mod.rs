//! A run's history and what it tells.
//!
//! [`Recorded::write`] appends an event and applies it ([`apply`]). Nothing else changes what history tells ([`told`]), so a
//! run can be rebuilt by applying its events ([`Recorded::rebuild`]). What history does not tell is in [`super::volatile`].

mod apply;
mod told;
mod worker;

use std::ops::Deref;

pub(in crate::engine) use told::{Child, Parent, ScheduledActivity};

use super::history::History;
use crate::proto::history::HistoryEvent;
use told::Told;

/// A history, and what it tells. All may read what it tells, through [`Deref`].
#[derive(Debug, PartialEq)]
pub(in crate::engine) struct Recorded {
    history: History,
    told: Told,
}

impl Deref for Recorded {
    type Target = Told;

    fn deref(&self) -> &Told {
        &self.told
    }
}

impl Recorded {
    /// The record of a new run.
    pub(super) fn new(run_id: String) -> Self {
        Self { history: History::default(), told: Told::new(run_id) }
    }

    /// The record that this history makes. Batches are the history's own.
    pub(super) fn rebuild(run_id: String, history: History) -> Self {
        let mut told = Told::new(run_id);
        for id in 1..history.next_id() {
            if let Some(mut event) = history.get(id) {
                told.apply(&mut event);
            }
        }
        Self { history, told }
    }

    /// Appends an event, which gets its id, and applies it. What is remembered of it is taken out of it: an event is large, and
    /// not copied without need.
    pub(super) fn write(&mut self, event: &mut HistoryEvent) -> i64 {
        event.event_id = self.history.next_id();
        self.history.push(event);
        self.told.apply(event);
        event.event_id
    }

    /// What is written from now on belongs to another batch.
    pub(super) fn end_batch(&mut self) {
        self.history.end_batch();
    }

    /// Gives back spare room: a closed history does not grow.
    pub(super) fn shrink(&mut self) {
        self.history.shrink();
    }

    pub(in crate::engine) fn history(&self) -> &History {
        &self.history
    }
}
